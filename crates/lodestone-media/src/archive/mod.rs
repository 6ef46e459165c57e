//! Archives: members of zip, tar and gzip as bounded readers.
//!
//! Nothing is written anywhere and names are only labels, so `../` in a name has no power. A member that cannot be read
//! does not stop the walk; damage of the archive itself ends it with an error after the members before it were visited.
//!
//! Archives within archives are members like others: the caller tells them by content and walks them in turn, one level
//! deeper, with the same [`Budget`]: tar and gzip as a stream ([`walk_stream`]), zip from memory ([`walk`] over a
//! `Cursor`, after [`Member::bytes`]).

mod budget;
mod gzip;
mod name;
mod tar;
mod zip;

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

pub use budget::Budget;

use crate::{Error, Format};

/// One file in an archive.
pub struct Member<'a> {
    /// Number in the walk's order, from 0; the order is the same each time. Directories have none.
    pub index: u64,
    /// A label: forward slashes, no `.`, `..`, drive or control characters, `#2` behind the second of a name.
    pub name: String,
    /// The name's bytes, where they are not UTF-8.
    pub raw_name: Option<Vec<u8>>,
    /// Size in bytes as the archive states it, which may be wrong.
    pub size: Option<u64>,
    /// The content, bounded by the budget; or why there is none (encrypted, a link, a method this build lacks). Errors while
    /// reading: see [`read_error`].
    pub content: Result<&'a mut dyn Read, Error>,
}

impl Member<'_> {
    /// Reads the content into memory: what came, and why it ended early, if it did. More than `max` bytes are
    /// [`Error::TooManyBytes`], with the first `max` bytes.
    pub fn bytes(&mut self, max: u64) -> (Vec<u8>, Option<Error>) {
        let reader = match &mut self.content {
            Ok(reader) => reader,
            Err(e) => return (Vec::new(), Some(e.clone())),
        };
        let mut bytes = Vec::new();
        let error = match reader.by_ref().take(max).read_to_end(&mut bytes) {
            Err(e) => Some(read_error(&e)),
            Ok(_) if bytes.len() as u64 == max => match reader.read(&mut [0]) {
                Ok(0) => None,
                Ok(_) => Some(Error::TooManyBytes { what: "archive member".into(), limit: max }),
                Err(e) => Some(read_error(&e)),
            },
            Ok(_) => None,
        };
        (bytes, error)
    }
}

/// What an error from a member's reader means.
pub fn read_error(e: &io::Error) -> Error {
    if let Some(own) = e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return own.clone();
    }
    match e.kind() {
        io::ErrorKind::UnexpectedEof => Error::Truncated("archive member".into()),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::Malformed("archive member: packed data is damaged".into())
        }
        _ => Error::Io(e.to_string()),
    }
}

/// Visits the members of an archive from the start of `reader`: zip in the order of their names' bytes, tar and gzip as
/// they come. `depth` is 0 for an archive that is itself a file. Members before number `skip` are passed over (to go on
/// after one that crashed its worker). The visitor breaks off by [`ControlFlow::Break`], which is `Ok`.
///
/// # Errors
/// [`Error::TooDeep`], [`Error::TooManyMembers`], [`Error::TooManyBytes`], or damage of the archive; members before it
/// have been visited.
pub fn walk<R: Read + Seek>(
    mut reader: R,
    format: Format,
    depth: u32,
    budget: &Budget,
    skip: u64,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Error> {
    budget.enter(depth)?;
    reader.seek(SeekFrom::Start(0)).map_err(|e| Error::Io(e.to_string()))?;
    match format {
        Format::Zip => zip::walk(&mut reader, &mut Visitor::new(budget, skip, visit)),
        _ => walk_stream(&mut reader, format, depth, budget, skip, visit),
    }
}

/// As [`walk`], for tar and gzip from a stream that cannot seek.
///
/// # Errors
/// As [`walk`]; [`Error::Unsupported`] for zip.
pub fn walk_stream(
    reader: &mut dyn Read,
    format: Format,
    depth: u32,
    budget: &Budget,
    skip: u64,
    visit: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), Error> {
    budget.enter(depth)?;
    let mut visitor = Visitor::new(budget, skip, visit);
    match format {
        Format::Tar => tar::walk(reader, &mut visitor),
        Format::Gzip => gzip::walk(reader, &mut visitor),
        Format::Zip => Err(Error::Unsupported("zip from a stream".into())),
        other => Err(Error::Unsupported(format!("{} is no archive", other.as_str()))),
    }
}

/// The caller's visitor with what all formats need around it: numbers, labels, budget.
struct Visitor<'v> {
    budget: &'v Budget,
    skip: u64,
    next: u64,
    labels: name::Labels,
    visit: &'v mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
}

impl<'v> Visitor<'v> {
    fn new(budget: &'v Budget, skip: u64, visit: &'v mut dyn FnMut(Member<'_>) -> ControlFlow<()>) -> Self {
        Self { budget, skip, next: 0, labels: name::Labels::default(), visit }
    }

    /// Whether the next member will be visited or passed over.
    fn wants_next(&self) -> bool {
        self.next >= self.skip
    }

    /// Visits one member, or passes over it. `Ok(true)`: break off.
    fn member(
        &mut self,
        raw_name: &[u8],
        size: Option<u64>,
        content: Result<&mut dyn Read, Error>,
    ) -> Result<bool, Error> {
        self.budget.member()?;
        let index = self.next;
        self.next += 1;
        let name = self.labels.unique(raw_name);
        if index < self.skip {
            return Ok(false);
        }
        let raw_name = std::str::from_utf8(raw_name).is_err().then(|| raw_name.to_vec());
        let flow = (self.visit)(Member { index, name, raw_name, size, content });
        self.budget.check()?;
        Ok(flow.is_break())
    }
}
