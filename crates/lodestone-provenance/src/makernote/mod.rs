//! MakerNote: whose it is, whether its directory can be read where it stands, and what it says of this picture.
//!
//! A MakerNote is written by the camera and seldom understood by others, so copying or rewriting a file tends to break
//! it: most makers count offsets from the start of the EXIF blob, so a note that was moved points elsewhere; and what it
//! states of size, date, exposure or length of the picture is then another picture's.
//!
//! ```text
//! dialect: header or Make ─▶ where the directory begins, what offsets count from, which byte order
//! directory: fields, and where their values lie: inside the note, elsewhere in the blob, outside
//! facts: model, date, sizes, exposure, bytes of the picture; whether a serial number or a shutter count is there
//! ```
//!
//! *Source:* headers and directories as described in the documentation of ExifTool and Exiv2.

mod binary;
mod dialect;
mod directory;
mod facts;

use std::ops::Range;

pub(crate) use facts::Facts;

use dialect::{Base, Dialect};
use directory::{Directory, Order};

/// How much of a note could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A known vendor's without a directory, or nobody's known here: only looked through for dates and names.
    #[default]
    Opaque,
    /// Its directory was read, and its values lie where they should.
    Reads,
    /// Its directory was read, but its values lie elsewhere: the note was moved after it was written.
    Moved,
    /// A vendor's header, and no directory where that vendor writes one.
    Broken,
}

/// A MakerNote as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Note {
    /// Whose it is; `None`: of nobody known here.
    pub(crate) vendor: Option<&'static str>,
    /// Whether that vendor writes files of this Make; `None` where no vendor is told.
    pub(crate) agrees: Option<bool>,
    /// How much of it could be read.
    pub(crate) layout: Layout,
    /// Fields of its directory.
    pub(crate) fields: usize,
    /// Bytes by which it was moved since it was written, where it says where it stood.
    pub(crate) shift: Option<i64>,
    /// What it says.
    pub(crate) facts: Facts,
}

/// Reads the note that stands at `at` of the EXIF blob. `make` and `model` as the file states them.
pub(crate) fn read(blob: &[u8], at: Range<usize>, big_endian: bool, make: &str, model: &str) -> Note {
    let end = at.end.min(blob.len());
    let at = at.start.min(end)..end;
    let data = blob.get(at.clone()).unwrap_or_default();
    let make = make.to_lowercase();
    let blob_order = Order::of(big_endian);
    let mut note = Note::default();
    note.facts.search(data, model);
    let dialect = dialect::of(data, &make);
    if let Some(dialect) = dialect {
        note.vendor = Some(dialect.vendor);
        note.agrees = Some(dialect.makes.iter().any(|word| make.contains(word)));
        if let Some(directory) = prescribed(blob, &at, dialect, blob_order) {
            note.take(&directory, dialect.vendor, blob);
            return note;
        }
        if dialect.base == Base::Binary {
            binary::read(dialect.vendor, data, &mut note.facts);
            return note;
        }
    }
    match directory::probe(blob, &at, blob_order) {
        Some(directory) => note.take(&directory, note.vendor.unwrap_or_default(), blob),
        None => {
            binary::read(dialect.map_or("", |d| d.vendor), data, &mut note.facts);
            if dialect.is_some() {
                note.layout = Layout::Broken;
            }
        }
    }
    note
}

impl Note {
    fn take(&mut self, directory: &Directory<'_>, vendor: &str, blob: &[u8]) {
        self.fields = directory.entries.len();
        self.layout = if directory.is_in_place() { Layout::Reads } else { Layout::Moved };
        self.shift = directory.stated_shift(vendor, blob).filter(|&shift| shift != 0);
        if self.shift.is_some() {
            self.layout = Layout::Moved;
        }
        // Moved by a distance that is stated or shows: its values are found again, unless who moved it counted anew.
        let moved = self.layout == Layout::Moved;
        let inferred = directory.inferred_shift().filter(|_| moved && !directory.is_in_place());
        let shifted = [self.shift, inferred].into_iter().flatten().find_map(|shift| {
            let shifted = directory.shifted(blob, shift)?;
            self.shift = Some(shift);
            Some(shifted)
        });
        match shifted {
            Some(shifted) if shifted.gap() < directory.gap() => {
                facts::read(vendor, &shifted, blob, &mut self.facts);
            }
            _ if directory.is_in_place() => facts::read(vendor, directory, blob, &mut self.facts),
            _ => {}
        }
    }
}

/// The directory where the dialect puts it.
fn prescribed<'b>(
    blob: &'b [u8],
    note: &Range<usize>,
    dialect: &Dialect,
    blob_order: Order,
) -> Option<Directory<'b>> {
    let data = blob.get(note.clone())?;
    let order = dialect.order.resolve(data, blob_order);
    let (first, base) = match dialect.base {
        Base::Binary => return None,
        Base::Blob => (dialect.directory, 0),
        Base::Note => (dialect.directory, note.start),
        Base::Header => {
            let order = Order::written(data, dialect.directory)?;
            let link = usize::try_from(order.u32(data, dialect.directory.checked_add(4)?)?).ok()?;
            let base = note.start.checked_add(dialect.directory)?;
            return directory::parse(blob, note, base.checked_add(link)?, base, order);
        }
        Base::Linked => {
            let link = usize::try_from(Order::Little.u32(data, dialect.directory)?).ok()?;
            (link, note.start)
        }
    };
    let start = note.start.checked_add(first)?;
    directory::parse(blob, note, start, base, order).or_else(|| {
        // Some models of a vendor write the other order than their blob's.
        (dialect.order == dialect::Ordering::Blob)
            .then(|| directory::parse(blob, note, start, base, order.other()))?
    })
}

#[cfg(test)]
mod tests;
