//! Writes lists.

use std::io::{self, Write};
use std::str::FromStr;

use lodestone_types::{ListEntry, Signal, SignalType};
use serde_json::Value;

use super::{ListFormat, Refusal, ndjson, spelling, vics_media, write_digests};

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The type of values in a plain list or of `md5sum`, which hold only one, and in hashdeep's if it is to hold only one.
    pub signal_type: Option<SignalType>,
    /// The version of its data model that a VICS document has. The media are the same in all.
    pub vics: VicsVersion,
}

/// What has been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// Entries of which at least one value was written.
    pub entries: u64,
    /// Values written.
    pub values: u64,
    /// Entries without a value that the format can hold.
    pub left_out: u64,
}

/// Version of the data model that a VICS document says it has. *Source:* Project VIC; open readers and writers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VicsVersion {
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
    /// 2.0.
    #[default]
    V2_0,
}

impl FromStr for VicsVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            "2.0" => Ok(Self::V2_0),
            _ => Err(format!("VICS is written as 1.2, 1.3 or 2.0, not {text:?}")),
        }
    }
}

impl VicsVersion {
    /// What stands before the first medium.
    fn head(self) -> &'static [u8] {
        match self {
            Self::V1_2 => {
                b"{\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media\",\"value\":[\n"
            }
            Self::V1_3 => {
                b"{\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media\",\"value\":[\n"
            }
            Self::V2_0 => {
                b"{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media\",\
                  \"value\":[\n"
            }
        }
    }
}

/// Writes entries one by one in a list format. NDJSON keeps everything, CSV and VICS everything but texts; plain, PDQ text,
/// HMA local files, `md5sum` and hashdeep keep values only (with file names where the format has them). Nothing is complete
/// before [`ListWriter::finish`].
pub struct ListWriter<W> {
    out: W,
    format: ListFormat,
    kind: Option<SignalType>,
    vics: VicsVersion,
    /// hashdeep's columns, from the first entry that has any.
    columns: Vec<SignalType>,
    report: WriteReport,
}

impl<W: Write> ListWriter<W> {
    /// Starts a list.
    ///
    /// # Errors
    /// [`Refusal`] for a format that is only read, for a plain list without a type, and for digest lists of other values.
    pub fn new(out: W, format: ListFormat, options: &WriteOptions) -> Result<Self, Refusal> {
        match format {
            ListFormat::Plain if options.signal_type.is_none() => {
                return Err(Refusal::new(
                    "a plain list holds values of one type",
                    "say which: pdq, md5, sha1 or sha256",
                ));
            }
            ListFormat::Plain
            | ListFormat::PdqText
            | ListFormat::HmaLocalFile
            | ListFormat::Csv
            | ListFormat::Ndjson
            | ListFormat::Vics => {}
            ListFormat::Md5sum | ListFormat::Hashdeep => write_digests::check(format, options.signal_type)?,
            _ => {
                return Err(Refusal::new(
                    format!("lists are not written as {format}"),
                    "write plain, pdq-text, hma-local-file, csv, ndjson, vics, hashdeep, md5sum or autopsy-kdb",
                ));
            }
        }
        Ok(Self {
            out,
            format,
            kind: options.signal_type,
            vics: options.vics,
            columns: Vec::new(),
            report: WriteReport::default(),
        })
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// The writer's own.
    pub fn entry(&mut self, entry: &ListEntry) -> io::Result<()> {
        let first = self.report.entries == 0;
        let written = match self.format {
            ListFormat::Csv => self.csv_row(entry, first)?,
            ListFormat::Vics => self.vics_item(entry, first)?,
            ListFormat::Ndjson => ndjson::write(&mut self.out, entry)?,
            ListFormat::HmaLocalFile => {
                let mut written = 0;
                for signal in hashes(entry) {
                    writeln!(self.out, "{} {}", signal.kind(), signal.to_hex())?;
                    written += 1;
                }
                written
            }
            ListFormat::PdqText => self.pdq_rows(entry)?,
            ListFormat::Md5sum => write_digests::md5sum(&mut self.out, entry, self.kind)?,
            ListFormat::Hashdeep => {
                write_digests::hashdeep(&mut self.out, entry, self.kind, &mut self.columns)?
            }
            _ => {
                let mut written = 0;
                for signal in of_kind(entry, self.kind.filter(|kind| !kind.is_text())) {
                    writeln!(self.out, "{}", signal.to_hex())?;
                    written += 1;
                }
                written
            }
        };
        if written == 0 {
            self.report.left_out += 1;
        } else {
            self.report.entries += 1;
            self.report.values += written as u64;
        }
        Ok(())
    }

    /// Ends the list, and flushes.
    ///
    /// # Errors
    /// The writer's own.
    pub fn finish(mut self) -> io::Result<WriteReport> {
        let empty = self.report.entries == 0;
        match self.format {
            ListFormat::Vics => {
                if empty {
                    self.out.write_all(self.vics.head())?;
                }
                self.out.write_all(b"\n]}\n")?;
            }
            ListFormat::Csv if empty => self.csv_header()?,
            ListFormat::Hashdeep if empty => write_digests::hashdeep_head(&mut self.out, &[])?,
            _ => {}
        }
        self.out.flush()?;
        Ok(self.report)
    }

    fn pdq_rows(&mut self, entry: &ListEntry) -> io::Result<usize> {
        let name = entry.extra.as_ref().and_then(|extra| extra.get("filename")).and_then(Value::as_str);
        let name = name.filter(|name| !name.contains(['\n', '\r', '\0']) && !name.trim().is_empty());
        let mut written = 0;
        for signal in of_kind(entry, Some(SignalType::Pdq)) {
            write!(self.out, "{}", signal.to_hex())?;
            if entry.pdq_quality.is_some() || name.is_some() {
                write!(self.out, ",")?;
            }
            if let Some(quality) = entry.pdq_quality {
                write!(self.out, "{quality}")?;
            }
            if let Some(name) = name {
                write!(self.out, ",{name}")?;
            }
            writeln!(self.out)?;
            written += 1;
        }
        Ok(written)
    }

    fn vics_item(&mut self, entry: &ListEntry, first: bool) -> io::Result<usize> {
        let values = hashes(entry).count();
        if values == 0 {
            return Ok(0);
        }
        self.out.write_all(if first { self.vics.head() } else { b",\n" })?;
        vics_media::write_media(&mut self.out, entry)?;
        Ok(values)
    }

    fn csv_header(&mut self) -> io::Result<()> {
        write!(self.out, "id")?;
        for kind in SignalType::HASHES {
            write!(self.out, ",{kind}")?;
        }
        writeln!(self.out, ",quality,classification,tags,extra")
    }

    fn csv_row(&mut self, entry: &ListEntry, first: bool) -> io::Result<usize> {
        let values = hashes(entry).count();
        if values == 0 {
            return Ok(0);
        }
        if first {
            self.csv_header()?;
        }
        write!(self.out, "{}", quoted(&entry.entry))?;
        for kind in SignalType::HASHES {
            let column: Vec<_> = of_kind(entry, Some(kind)).map(Signal::to_hex).collect();
            write!(self.out, ",{}", column.join(" "))?;
        }
        let quality = entry.pdq_quality.map(|quality| quality.to_string()).unwrap_or_default();
        let plain_tags = entry.tags.iter().all(|tag| {
            !tag.contains([';', '|', ',']) && !tag.starts_with('[') && !tag.is_empty() && tag.trim() == tag
        });
        let tags = if plain_tags {
            entry.tags.join(";")
        } else {
            serde_json::to_string(&entry.tags).unwrap_or_default()
        };
        let extra = carried(entry)?;
        let class = entry.classification.as_deref().unwrap_or_default();
        writeln!(self.out, ",{quality},{},{},{}", quoted(class), quoted(&tags), quoted(&extra))?;
        Ok(values)
    }
}

/// What an entry carries as JSON, numbers as they were spelled; empty when it carries nothing.
fn carried(entry: &ListEntry) -> io::Result<String> {
    let Some(mut extra) = entry.extra.clone() else { return Ok(String::new()) };
    let numbers = extra.as_object_mut().map(spelling::take_numbers).unwrap_or_default();
    let mut out = Vec::new();
    spelling::write(&mut out, &extra, &numbers)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// The values that lists hold: no texts, which a line or a column could not carry.
fn hashes(entry: &ListEntry) -> impl Iterator<Item = &Signal> {
    entry.signals.iter().filter(|signal| !signal.kind().is_text())
}

pub(super) fn of_kind(entry: &ListEntry, kind: Option<SignalType>) -> impl Iterator<Item = &Signal> {
    entry.signals.iter().filter(move |signal| Some(signal.kind()) == kind)
}

/// A CSV field, in quotes where RFC 4180 asks for them.
pub(super) fn quoted(field: &str) -> String {
    if field.contains(['"', ',', ';', '\t', '\n', '\r']) || field.starts_with('#') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
