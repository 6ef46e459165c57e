//! List formats: told by content, read as a stream, written back; and the gate before what is written leaves the house.

mod csv;
mod digests;
mod encase;
mod exact;
pub mod gate;
mod json;
mod lines;
mod list_format;
mod mapping;
mod ndjson;
mod nist_caid;
mod plain;
mod records;
mod sniff;
mod spelling;
mod tables;
mod utf16;
mod values;
mod vics;
mod vics_media;
mod write;
mod write_digests;

use std::io::{BufReader, Read};

use lodestone_types::{ListEntry, Reject, RejectKind, Signal, SignalType};

pub use list_format::ListFormat;
pub use mapping::Mapping;
pub use sniff::{HEAD_BYTES, sniff};
pub use write::{ListWriter, VicsVersion, WriteOptions, WriteReport};

/// Why a list is not read at all, and what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{hint}", if hint.is_empty() { "" } else { "; " })]
pub struct Refusal {
    /// What is wrong.
    pub reason: String,
    /// What to say instead; may be empty.
    pub hint: String,
}

impl Refusal {
    /// A refusal with a hint.
    pub fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: hint.into() }
    }
}

/// What the caller says of a list.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The type of values that the list itself does not name (`--known pdq:FILE`).
    pub declared: Option<SignalType>,
    /// The format; told by content when `None`.
    pub format: Option<ListFormat>,
    /// Which CSV column holds what; told by the header row when `None`.
    pub mapping: Option<Mapping>,
}

/// A list being read: its format, and its rows as they come.
pub struct OpenList<'r> {
    /// The format told, or given.
    pub format: ListFormat,
    /// The rows. After a [`RejectKind::Fatal`] nothing follows: whoever imports must then keep nothing.
    pub entries: Entries<'r>,
}

impl std::fmt::Debug for OpenList<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenList").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Rows of a list, in its order.
pub type Entries<'r> = Box<dyn Iterator<Item = Result<ListEntry, Reject>> + 'r>;

/// Opens a list: tells its format from the first [`HEAD_BYTES`] and returns its rows as a stream.
///
/// # Errors
/// [`Refusal`] when the list cannot be read as what it is said to be, or does not say what its values are.
pub fn open<'r>(mut input: impl Read + 'r, options: &ReadOptions) -> Result<OpenList<'r>, Refusal> {
    let head = head_of(&mut input)?;
    if utf16::is_marked(&head) {
        let mut input = utf16::Utf16::new(std::io::Cursor::new(head).chain(input));
        let head = head_of(&mut input)?;
        return open_text(head, input, options);
    }
    open_text(head, input, options)
}

fn head_of(input: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    let mut head = Vec::new();
    input
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|error| Refusal::new(format!("the list cannot be read: {error}"), ""))?;
    Ok(head)
}

/// A list from its beginning and what follows, in UTF-8 if it is text.
fn open_text<'r>(
    head: Vec<u8>,
    input: impl Read + 'r,
    options: &ReadOptions,
) -> Result<OpenList<'r>, Refusal> {
    let format = match options.format {
        Some(format) => {
            sniff::check_declared(format, &head, options.declared)?;
            format
        }
        None if options.mapping.is_some() => sniff::sniff_mapped(&head)?,
        None => sniff(&head, options.declared)?,
    };
    let whole = std::io::Cursor::new(head).chain(input);
    let input = BufReader::with_capacity(1 << 16, whole);
    let entries: Entries<'r> = match format {
        ListFormat::Plain => Box::new(plain::plain(input, declared(options)?)),
        ListFormat::PdqText => Box::new(plain::pdq_text(input)),
        ListFormat::HmaLocalFile => Box::new(plain::hma_local_file(input, options.declared)),
        ListFormat::Hashdeep => Box::new(digests::hashdeep(input)),
        ListFormat::Md5sum => Box::new(digests::md5sum(input, options.declared)),
        ListFormat::Csv => Box::new(csv::mapped(input, options.declared, options.mapping.as_ref())?),
        ListFormat::NsrlRds2 => Box::new(tables::nsrl_rds2(input)?),
        ListFormat::IcseCsv => Box::new(tables::icse(input)?),
        ListFormat::HashKeeper => Box::new(tables::hashkeeper(input)?),
        ListFormat::EnCase => Box::new(encase::read(input)?),
        ListFormat::Vics => Box::new(vics::read(input, vics::Holds::Material)),
        ListFormat::NistCaid => Box::new(vics::read(input, vics::Holds::Software)),
        ListFormat::Ndjson => Box::new(ndjson::read(input)),
        ListFormat::NsrlRds3 => {
            return Err(Refusal::new(
                "an NSRL RDSv3 set is a database, not a stream",
                "give it as a file on disk (--known-good FILE)",
            ));
        }
        ListFormat::AutopsyKdb => {
            return Err(Refusal::new(
                "an Autopsy hash set (.kdb) is a database, not a stream",
                "give it as a file on disk",
            ));
        }
    };
    Ok(OpenList { format, entries: Box::new(NeverEmpty::new(entries)) })
}

fn declared(options: &ReadOptions) -> Result<SignalType, Refusal> {
    options
        .declared
        .ok_or_else(|| Refusal::new("a plain list does not say what its values are", sniff::HINT_ANY))
}

/// Ends the stream after a fatal reject, and makes an empty list one.
struct NeverEmpty<'r> {
    inner: Entries<'r>,
    entries: bool,
    rejects: bool,
    ignored: u64,
    done: bool,
}

impl<'r> NeverEmpty<'r> {
    fn new(inner: Entries<'r>) -> Self {
        Self { inner, entries: false, rejects: false, ignored: 0, done: false }
    }
}

impl Iterator for NeverEmpty<'_> {
    type Item = Result<ListEntry, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.inner.next() {
            Some(row) => {
                match &row {
                    Ok(_) => self.entries = true,
                    Err(reject) => match reject.kind {
                        RejectKind::Ignored => self.ignored += 1,
                        RejectKind::Fatal => self.done = true,
                        _ => self.rejects = true,
                    },
                }
                Some(row)
            }
            None => {
                self.done = true;
                (!self.entries && !self.rejects).then(|| {
                    Err(fatal(
                        0,
                        if self.ignored == 0 {
                            "no entries".to_owned()
                        } else {
                            format!("no entries: {} rows hold values that say nothing", self.ignored)
                        },
                    ))
                })
            }
        }
    }
}

fn reject(line: u64, reason: impl Into<String>) -> Reject {
    Reject { line, reason: reason.into(), kind: RejectKind::Row }
}

fn fatal(line: u64, reason: impl Into<String>) -> Reject {
    Reject { line, reason: reason.into(), kind: RejectKind::Fatal }
}

/// Parses a value; the reason never repeats it.
fn signal(kind: SignalType, text: &str, line: u64) -> Result<Signal, Reject> {
    Signal::parse(kind, text).map_err(|error| reject(line, error.to_string()))
}

/// Drops values that say nothing; an entry without others is ignored, and counted as such.
fn meaningful(mut entry: ListEntry) -> Result<ListEntry, Reject> {
    if entry.signals.is_empty() {
        return Err(reject(entry.line, "no value"));
    }
    entry.signals.retain(|signal| !signal.says_nothing());
    if entry.signals.is_empty() {
        return Err(Reject {
            line: entry.line,
            reason: "only the digest of an empty file, or a hash of zeros".to_owned(),
            kind: RejectKind::Ignored,
        });
    }
    Ok(entry)
}
