//! The formats by name.

use lodestone_types::BankKind;

use super::Refusal;

/// A list format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ListFormat {
    /// One hash a line; the caller says of which type.
    Plain,
    /// `hexhash[,quality[,filename]]`. *Source:* ThreatExchange `pdq/cpp` tools.
    PdqText,
    /// `<signal_type> <value>` a line. *Source:* python-threatexchange `exchanges/impl/file_api.py`.
    HmaLocalFile,
    /// Comma, semicolon or tab separated values under a header row. *Source:* RFC 4180.
    Csv,
    /// `%%%% HASHDEEP-1.0`. *Source:* hashdeep manual.
    Hashdeep,
    /// `hash  name`, `hash *name`, `MD5 (name) = hash`. *Source:* GNU coreutils, BSD md5.
    Md5sum,
    /// Project VIC data model 1.2, 1.3, 2.0, JSON.
    Vics,
    /// One JSON object a line, with every field of an entry.
    Ndjson,
    /// NSRL RDS version 3, SQLite. Read by `lodestone-store`, not here.
    NsrlRds3,
    /// NSRL RDS version 2, `NSRLFile.txt`.
    NsrlRds2,
    /// Export of INTERPOL's ICSE database, CSV. *Source:* IPED `HashDBTool`.
    IcseCsv,
    /// NIST's known software in the shape of Project VIC's model 1.2. Never told by content. *Source:* IPED.
    NistCaid,
    /// HashKeeper's `.hsh`. *Source:* Autopsy, The Sleuth Kit.
    HashKeeper,
    /// EnCase hash set, `.hash`. *Source:* Autopsy `EncaseHashSetParser`.
    EnCase,
    /// Autopsy's hash set `.kdb`, SQLite. A database: not read here. *Source:* The Sleuth Kit `sqlite_hdb.cpp`.
    AutopsyKdb,
}

impl ListFormat {
    /// Every format.
    pub const ALL: [Self; 15] = [
        Self::Plain,
        Self::PdqText,
        Self::HmaLocalFile,
        Self::Csv,
        Self::Hashdeep,
        Self::Md5sum,
        Self::Vics,
        Self::Ndjson,
        Self::NsrlRds3,
        Self::NsrlRds2,
        Self::IcseCsv,
        Self::NistCaid,
        Self::HashKeeper,
        Self::EnCase,
        Self::AutopsyKdb,
    ];

    /// Name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::PdqText => "pdq-text",
            Self::HmaLocalFile => "hma-local-file",
            Self::Csv => "csv",
            Self::Hashdeep => "hashdeep",
            Self::Md5sum => "md5sum",
            Self::Vics => "vics",
            Self::Ndjson => "ndjson",
            Self::NsrlRds3 => "nsrl-rds3",
            Self::NsrlRds2 => "nsrl-rds2",
            Self::IcseCsv => "icse-csv",
            Self::NistCaid => "nist-caid",
            Self::HashKeeper => "hashkeeper",
            Self::EnCase => "encase",
            Self::AutopsyKdb => "autopsy-kdb",
        }
    }

    /// Whether a list of this format may fill a bank of this kind.
    ///
    /// # Errors
    /// A VICS set or an export of ICSE as known-good: it is known material, and would hide evidence (*Source:* GLEAPP
    /// refuses likewise). NIST's software as known material: every system file would be a hit.
    pub fn check_kind(self, kind: BankKind) -> Result<(), Refusal> {
        match self {
            Self::Vics | Self::IcseCsv if kind == BankKind::KnownGood => {
                let what = if self == Self::Vics { "a VICS set" } else { "an export of ICSE" };
                Err(Refusal::new(
                    format!("{what} is known material; loading it as known-good would hide evidence"),
                    "load it with --known, or take system files from NSRL (NIST's set for CAID is --as nist-caid)",
                ))
            }
            Self::NistCaid if kind.makes_known() => Err(Refusal::new(
                format!("NIST's set is software; as {kind} every system file would be known material"),
                "load it as known-good",
            )),
            _ => Ok(()),
        }
    }

    /// Whether a list of this format is text; the others are binary, and may begin with any bytes.
    pub(super) fn is_text(self) -> bool {
        !matches!(self, Self::NsrlRds3 | Self::AutopsyKdb | Self::EnCase)
    }

    /// Whether a list of this format may be loaded as known-good. See [`ListFormat::check_kind`] for the reason.
    pub fn may_be_known_good(self) -> bool {
        self.check_kind(BankKind::KnownGood).is_ok()
    }
}

impl std::fmt::Display for ListFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ListFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.as_str()).collect();
            format!("unknown list format {text:?}; known: {}", known.join(", "))
        })
    }
}
