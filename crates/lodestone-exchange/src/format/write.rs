//! Writes lists.

use std::io::{self, Write};

use lodestone_types::{ListEntry, Signal, SignalType};
use serde_json::Value;

use super::{ListFormat, Refusal, ndjson, vics_media};

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The type of values in a plain list, which holds only one.
    pub signal_type: Option<SignalType>,
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

/// Writes entries one by one in a list format. NDJSON keeps everything, CSV and VICS everything but texts; plain, PDQ text and HMA local files keep
/// values only (PDQ text also quality and file name). Nothing is complete before [`ListWriter::finish`].
pub struct ListWriter<W> {
    out: W,
    format: ListFormat,
    kind: Option<SignalType>,
    report: WriteReport,
}

impl<W: Write> ListWriter<W> {
    /// Starts a list.
    ///
    /// # Errors
    /// [`Refusal`] for a format that is only read, and for a plain list without a type.
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
            _ => {
                return Err(Refusal::new(
                    format!("lists are not written as {format}"),
                    "write plain, pdq-text, hma-local-file, csv, ndjson or vics",
                ));
            }
        }
        Ok(Self { out, format, kind: options.signal_type, report: WriteReport::default() })
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
                    self.out.write_all(VICS_HEAD)?;
                }
                self.out.write_all(b"\n]}\n")?;
            }
            ListFormat::Csv if empty => self.csv_header()?,
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
        self.out.write_all(if first { VICS_HEAD } else { b",\n" })?;
        serde_json::to_writer(&mut self.out, &vics_media::to_media(entry))?;
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
        let extra = entry.extra.as_ref().map(Value::to_string).unwrap_or_default();
        let class = entry.classification.as_deref().unwrap_or_default();
        writeln!(self.out, ",{quality},{},{},{}", quoted(class), quoted(&tags), quoted(&extra))?;
        Ok(values)
    }
}

const VICS_HEAD: &[u8] =
    b"{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media\",\
      \"value\":[\n";

/// The values that lists hold: no texts, which a line or a column could not carry.
fn hashes(entry: &ListEntry) -> impl Iterator<Item = &Signal> {
    entry.signals.iter().filter(|signal| !signal.kind().is_text())
}

fn of_kind(entry: &ListEntry, kind: Option<SignalType>) -> impl Iterator<Item = &Signal> {
    entry.signals.iter().filter(move |signal| Some(signal.kind()) == kind)
}

/// A CSV field, in quotes where RFC 4180 asks for them.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', ';', '\t', '\n', '\r']) || field.starts_with('#') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
