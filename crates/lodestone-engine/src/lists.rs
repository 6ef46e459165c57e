//! Lists given by file: told apart, read as a stream, refused with a hint, or added to a snapshot.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;

use lodestone_exchange::format::{self, Entries, ListFormat, Mapping, ReadOptions, Refusal};
use lodestone_hash::Digester;
use lodestone_store::StoreError;
use lodestone_types::{Bank, BankKind, ListEntry, ListVersion, Reject, RejectKind, SignalType, hex};

use crate::join::JoinStep;
use crate::snapshot::{BuildError, SnapshotBuilder};

/// `[TYPE:]FILE` as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSpec {
    /// The type of values that the list itself does not name.
    pub declared: Option<SignalType>,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for ListSpec {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((kind, path)) = text.split_once(':')
            && let Ok(kind) = kind.parse()
        {
            return Ok(Self { declared: Some(kind), path: path.into() });
        }
        Ok(Self { declared: None, path: text.into() })
    }
}

/// A list, and what is said of it.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The file and the type of its values.
    pub spec: ListSpec,
    /// What its entries are.
    pub kind: BankKind,
    /// The format, when content is not to tell.
    pub format: Option<ListFormat>,
    /// Columns of a CSV, when its header is not to tell.
    pub mapping: Option<Mapping>,
}

/// How far values may lie from a list's and still match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// PDQ: bits, 0 to 64.
    pub radius_bits: u32,
    /// PhotoDNA: squared distance; `None`: equal values only.
    pub photodna_max_distance: Option<u32>,
}

impl From<u32> for Within {
    /// A radius for PDQ; PhotoDNA values match when equal.
    fn from(radius_bits: u32) -> Self {
        Self { radius_bits, photodna_max_distance: None }
    }
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file cannot be opened.
    #[error("list {path}: {source}")]
    Io {
        /// Its name.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is no list, or does not say what its values are.
    #[error("list {path}: {refusal}")]
    Refused {
        /// Its name.
        path: String,
        /// Why, and what to say instead.
        refusal: Refusal,
    },
    /// Too many lines could not be read; nothing was taken.
    #[error("list {path}: {first} ({count} lines cannot be read, {allowed} may be; nothing was taken)")]
    Rejects {
        /// Its name.
        path: String,
        /// Lines rejected before it was given up.
        count: u64,
        /// Lines that may be rejected.
        allowed: u64,
        /// The first of them.
        first: String,
    },
    /// The caller stopped it.
    #[error("list {path}: stopped")]
    Stopped {
        /// Its name.
        path: String,
    },
    /// A list that is read as it is looked up cannot be read on; what came before was.
    #[error("list {path}: {reason} ({allowed} lines may be unreadable); what stands before it was looked up")]
    BrokenOff {
        /// Its name.
        path: String,
        /// The line, and what is wrong with it.
        reason: String,
        /// Lines that may be rejected.
        allowed: u64,
    },
    /// A database among the lists cannot be read.
    #[error("list {path}: {source}")]
    Database {
        /// Its name.
        path: String,
        /// What the store says.
        source: StoreError,
    },
    /// Its entries cannot be indexed: too many, or no room.
    #[error("list {path}: {source}")]
    Index {
        /// Its name.
        path: String,
        /// Why.
        source: BuildError,
    },
}

/// An open list.
pub struct Listing<'r> {
    /// The format told, or given.
    pub format: ListFormat,
    path: PathBuf,
    /// `None` for a database, which is no stream.
    rows: Option<(Entries<'r>, Rc<RefCell<Digester>>)>,
    read: ListRead,
}

/// How far a list has been read, while it is.
#[derive(Clone, Debug, Default)]
pub struct ListRead {
    bytes: Rc<Cell<u64>>,
    total: u64,
}

impl ListRead {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Bytes of the file; 0 for a database or a pipe.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Listing<'_> {
    /// Follows how far it has been read.
    pub fn read(&self) -> ListRead {
        self.read.clone()
    }

    /// Hands every row to `take`, until it returns false. Returns the SHA-256 of what was read, hexadecimal; empty for
    /// a database.
    ///
    /// # Errors
    /// When a database cannot be read. A stream that breaks off hands over a fatal reject instead.
    pub fn for_each(
        self,
        take: &mut dyn FnMut(Result<ListEntry, Reject>) -> bool,
    ) -> Result<String, StoreError> {
        let Some((entries, digest)) = self.rows else {
            match self.format {
                ListFormat::AutopsyKdb => lodestone_store::autopsy_kdb::read(&self.path, take)?,
                _ => lodestone_store::nsrl_rds3::read(&self.path, take)?,
            }
            return Ok(String::new());
        };
        for row in entries {
            if !take(row) {
                break;
            }
        }
        let digester = Rc::try_unwrap(digest).ok();
        Ok(digester.map_or_else(String::new, |digest| hex::encode(&digest.into_inner().finish().sha256)))
    }
}

/// Opens a list.
///
/// # Errors
/// [`ListError::Io`] and [`ListError::Refused`]: the kind of bank is checked too (no VICS set as known-good).
pub fn open_list<'r>(request: &ListRequest) -> Result<Listing<'r>, ListError> {
    let path = &request.spec.path;
    let io = |source| ListError::Io { path: path.display().to_string(), source };
    let refused = |refusal| ListError::Refused { path: path.display().to_string(), refusal };
    let mut file = File::open(path).map_err(|error| match unknown_type(path) {
        Some(hint) if error.kind() == io::ErrorKind::NotFound => {
            refused(Refusal::new("there is no such file", hint))
        }
        _ => io(error),
    })?;
    let facts = file.metadata().map_err(io)?;
    if facts.is_dir() {
        return Err(io(io::Error::new(io::ErrorKind::IsADirectory, "is a folder")));
    }
    let mut head = [0; 16];
    let n = read_some(&mut file, &mut head).map_err(io)?;
    let database = head[..n].starts_with(b"SQLite format 3\0");
    let format = match request.format {
        Some(ListFormat::NsrlRds3 | ListFormat::AutopsyKdb) => request.format,
        // What cannot be told is read as NSRL's, and refused as such.
        None if database => Some(match lodestone_store::autopsy_kdb::is_set(path) {
            Ok(true) => ListFormat::AutopsyKdb,
            _ => ListFormat::NsrlRds3,
        }),
        _ => None,
    };
    if let Some(format) = format {
        return Ok(Listing { format, path: path.clone(), rows: None, read: ListRead::default() });
    }
    let digest = Rc::new(RefCell::new(Digester::new()));
    let read = ListRead { bytes: Rc::default(), total: if facts.is_file() { facts.len() } else { 0 } };
    let input = Digested {
        input: io::Cursor::new(head[..n].to_vec()).chain(file),
        digest: Rc::clone(&digest),
        bytes: Rc::clone(&read.bytes),
    };
    let options = ReadOptions {
        declared: request.spec.declared,
        format: request.format,
        mapping: request.mapping.clone(),
    };
    let list = format::open(input, &options).map_err(refused)?;
    list.format.check_kind(request.kind).map_err(refused)?;
    Ok(Listing { format: list.format, path: path.clone(), rows: Some((list.entries, digest)), read })
}

/// What to say of `bogus:list.txt`, which is read as the name of a file.
fn unknown_type(path: &Path) -> Option<String> {
    let (kind, file) = path.to_str()?.split_once(':')?;
    let known = SignalType::HASHES.map(SignalType::as_str).join(", ");
    Path::new(file)
        .exists()
        .then(|| format!("{kind:?} before the colon is no type of values; known: {known}"))
}

/// A list that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Name of the bank made of it.
    pub bank: String,
    /// Its format.
    pub format: ListFormat,
    /// Entries taken.
    pub entries: u64,
    /// Lines not taken; at most as many as were allowed.
    pub rejected: Vec<Reject>,
    /// Rows that say nothing (hashes of empty files).
    pub ignored: u64,
}

/// Loads a list into a snapshot as a bank of its own, named after the file. `tick` is told how far it is, and stops it
/// by breaking.
///
/// # Errors
/// [`ListError`]; the builder is then of no use.
pub fn load_list(
    builder: &mut SnapshotBuilder,
    names: &mut BTreeSet<String>,
    request: &ListRequest,
    within: Within,
    max_rejects: u64,
    tick: &mut dyn FnMut(JoinStep) -> ControlFlow<()>,
) -> Result<Loaded, ListError> {
    let path = request.spec.path.display().to_string();
    let listing = open_list(request)?;
    let read = listing.read();
    let name = bank_name(&request.spec.path, names);
    builder.bank(Bank {
        name: name.clone(),
        kind: request.kind,
        radius_bits: within.radius_bits,
        photodna_max_distance: within.photodna_max_distance,
        source: file_name(&request.spec.path),
        version: ListVersion::default(),
    });
    let mut loaded =
        Loaded { bank: name, format: listing.format, entries: 0, rejected: Vec::new(), ignored: 0 };
    let mut failed = None;
    let sha256 = listing
        .for_each(&mut |row| match row {
            Ok(entry) => match builder.entry(&entry) {
                Ok(()) => {
                    loaded.entries += 1;
                    if loaded.entries.is_multiple_of(1 << 14) {
                        let (bytes, total_bytes) = (read.bytes(), read.total());
                        if tick(JoinStep { rows: loaded.entries, bytes, total_bytes }).is_break() {
                            failed = Some(ListError::Stopped { path: path.clone() });
                        }
                    }
                    failed.is_none()
                }
                Err(source) => {
                    failed = Some(ListError::Index { path: path.clone(), source });
                    false
                }
            },
            Err(reject) if reject.kind == RejectKind::Ignored => {
                loaded.ignored += 1;
                true
            }
            Err(reject) => {
                let fatal = reject.kind == RejectKind::Fatal;
                let count = loaded.rejected.len() as u64 + 1;
                if fatal || count > max_rejects {
                    let first = if fatal { &reject } else { loaded.rejected.first().unwrap_or(&reject) };
                    let first = describe(first);
                    failed =
                        Some(ListError::Rejects { path: path.clone(), count, allowed: max_rejects, first });
                }
                loaded.rejected.push(reject);
                failed.is_none()
            }
        })
        .map_err(|source| ListError::Database { path: path.clone(), source })?;
    if let Some(error) = failed {
        return Err(error);
    }
    builder.version(ListVersion { number: 1, sha256, entries: loaded.entries });
    Ok(loaded)
}

/// A reject as a sentence.
pub fn describe(reject: &Reject) -> String {
    if reject.line == 0 { reject.reason.clone() } else { format!("line {}: {}", reject.line, reject.reason) }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "list".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The file's name without its extension, made unique.
pub(crate) fn bank_name(path: &Path, names: &mut BTreeSet<String>) -> String {
    let stem = path.file_stem().map_or_else(|| "list".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut name = stem.clone();
    for number in 2.. {
        if names.insert(name.clone()) {
            break;
        }
        name = format!("{stem}-{number}");
    }
    name
}

fn read_some(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match input.read(&mut into[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// A reader that digests what passes through it.
struct Digested<R> {
    input: R,
    digest: Rc<RefCell<Digester>>,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(into)?;
        self.digest.borrow_mut().update(&into[..n]);
        self.bytes.set(self.bytes.get() + n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_what_stands_before_the_first_colon_and_only_if_it_is_one() {
        let spec: ListSpec = "pdq:dir/list.txt".parse().unwrap();
        assert_eq!((spec.declared, spec.path), (Some(SignalType::Pdq), "dir/list.txt".into()));
        let spec: ListSpec = "C:/lists/list.txt".parse().unwrap();
        assert_eq!((spec.declared, spec.path), (None, "C:/lists/list.txt".into()));
    }

    #[test]
    fn a_type_that_does_not_exist_is_named_when_its_file_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("list.txt");
        std::fs::write(&list, "x").unwrap();
        let Ok(spec) = format!("bogus:{}", list.display()).parse();
        let request = ListRequest { spec, kind: BankKind::KnownReal, format: None, mapping: None };
        let error = open_list(&request).err().unwrap().to_string();
        assert!(error.contains("bogus") && error.contains("sha256"), "{error}");
    }

    #[test]
    fn a_list_becomes_a_bank_named_after_its_file_with_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known.txt");
        let text = format!("{}\n{}\n", "ab".repeat(32), "cd".repeat(32));
        std::fs::write(&path, &text).unwrap();
        let request = |declared| ListRequest {
            spec: ListSpec { declared, path: path.clone() },
            kind: BankKind::KnownReal,
            format: None,
            mapping: None,
        };
        let mut go_on = |_| ControlFlow::Continue(());
        let mut builder = SnapshotBuilder::default();
        let mut names = BTreeSet::new();
        let untyped = load_list(&mut builder, &mut names, &request(None), 31.into(), 0, &mut go_on)
            .unwrap_err()
            .to_string();
        assert!(untyped.contains("pdq:"), "{untyped}");
        names.clear();
        let mut builder = SnapshotBuilder::default();
        let loaded =
            load_list(&mut builder, &mut names, &request(Some(SignalType::Pdq)), 31.into(), 0, &mut go_on)
                .unwrap();
        assert_eq!((loaded.bank.as_str(), loaded.entries), ("known", 2));
        load_list(&mut builder, &mut names, &request(Some(SignalType::Sha256)), 31.into(), 0, &mut go_on)
            .unwrap();
        let snapshot = builder.build(1).unwrap();
        let versions: Vec<_> =
            snapshot.banks().iter().map(|b| (b.name.as_str(), b.version.entries)).collect();
        assert_eq!(versions, [("known", 2), ("known-2", 2)]);
        let mut digester = Digester::new();
        digester.update(text.as_bytes());
        assert_eq!(snapshot.banks()[0].version.sha256, hex::encode(&digester.finish().sha256));
    }
}
