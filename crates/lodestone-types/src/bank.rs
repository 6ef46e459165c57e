//! Banks: named collections of known content. *List* is what others send; *bank* is what we match against.

use serde::{Deserialize, Serialize};

use crate::Signal;

/// What a bank's members are. *Source:* NCMEC keeps separate generative-AI lists; NSRL is known software.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BankKind {
    /// Known material that shows real events. What `--known` makes.
    #[default]
    KnownReal,
    /// Known material that was generated.
    KnownGenerated,
    /// Known edits of real material.
    KnownEdited,
    /// Belongs to a known case, not illegal in itself.
    RelatedNotIllegal,
    /// The operator's own content.
    Own,
    /// Confirmed false alarms: an exact digest suppresses a similarity hit, and shows it as suppressed.
    Negative,
    /// System and software files (NSRL and the like): an exact digest only.
    KnownGood,
}

impl BankKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::KnownReal,
        Self::KnownGenerated,
        Self::KnownEdited,
        Self::RelatedNotIllegal,
        Self::Own,
        Self::Negative,
        Self::KnownGood,
    ];

    /// Name in files, on the command line and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KnownReal => "known-real",
            Self::KnownGenerated => "known-generated",
            Self::KnownEdited => "known-edited",
            Self::RelatedNotIllegal => "related-not-illegal",
            Self::Own => "own",
            Self::Negative => "negative",
            Self::KnownGood => "known-good",
        }
    }

    /// Whether a match makes an item `known`. Never true of negative and known-good banks.
    pub fn makes_known(self) -> bool {
        !matches!(self, Self::Negative | Self::KnownGood)
    }
}

impl std::fmt::Display for BankKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for BankKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("unknown bank kind {text:?}; known: {}", known.join(", "))
        })
    }
}

/// Default radius of similarity matching in bits. *Source:* ThreatExchange `pdq/README.md`, recommended threshold.
pub const DEFAULT_RADIUS_BITS: u32 = 31;

/// A named collection of known content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank {
    /// Unique name.
    pub name: String,
    /// What its members are.
    pub kind: BankKind,
    /// PDQ distance up to which a member matches, 0 to 64.
    pub radius_bits: u32,
    /// Largest squared distance between PhotoDNA values at which a member matches; `None`: equal values only. There is
    /// no default: what others have published differs eightfold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photodna_max_distance: Option<u32>,
    /// Where its entries come from: a file's name, an exchange. Not a path.
    pub source: String,
    /// The version that is matched against.
    pub version: ListVersion,
}

/// Which state of a list gave an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVersion {
    /// Counts changes of the bank, from 1; 0 for a bank without content.
    pub number: u64,
    /// SHA-256 (hexadecimal) of the list file imported last; empty when entries came in another way.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Entries in the bank.
    pub entries: u64,
}

/// One row of a list: one known item, by its signals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEntry {
    /// The list's own identifier, else the number of the line it stands on (from 1).
    pub entry: String,
    /// Its fingerprints; at least one.
    pub signals: Vec<Signal>,
    /// PDQ quality, 0 to 100, where the list gives it.
    pub pdq_quality: Option<u8>,
    /// The list's own classification, in its own words (`A1`, category `1`).
    pub classification: Option<String>,
    /// The list's tags.
    pub tags: Vec<String>,
    /// Fields that we carry without reading them: value for value, to be written back.
    pub extra: Option<serde_json::Value>,
    /// Where the row stands in its source: line (from 1), or record number where there are no lines.
    pub line: u64,
}

/// What a row that gave no entry means for the rest of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectKind {
    /// The row is wrong; the rest of the list can be read.
    Row,
    /// The row holds nothing but values that say nothing ([`crate::Signal::says_nothing`]): ignored, and counted.
    Ignored,
    /// The list cannot be trusted from here on (cut short, binary, not readable). Nothing follows.
    Fatal,
}

/// A row of a list that gave no entry. Its text never repeats the row's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Line (from 1), or record number where there are no lines; 0 for the list as a whole.
    pub line: u64,
    /// A sentence for people.
    pub reason: String,
    /// What it means for the rest.
    pub kind: RejectKind,
}
