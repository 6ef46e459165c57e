//! A MakerNote's directory: TIFF fields whose values may count from several places.

use std::ops::Range;

/// Fields of one directory. 512: the longest real ones have some 150.
const MAX_FIELDS: u16 = 512;

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn of(big_endian: bool) -> Self {
        if big_endian { Self::Big } else { Self::Little }
    }

    /// `II` or `MM` at this place.
    pub(super) fn written(data: &[u8], at: usize) -> Option<Self> {
        match data.get(at..at.checked_add(2)?)? {
            b"II" => Some(Self::Little),
            b"MM" => Some(Self::Big),
            _ => None,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Little => Self::Big,
            Self::Big => Self::Little,
        }
    }

    pub(super) fn u16(self, data: &[u8], at: usize) -> Option<u16> {
        let b = data.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(b),
            Self::Big => u16::from_be_bytes(b),
        })
    }

    pub(super) fn u32(self, data: &[u8], at: usize) -> Option<u32> {
        let b = data.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(b),
            Self::Big => u32::from_be_bytes(b),
        })
    }
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'b> {
    pub(super) tag: u16,
    pub(super) kind: u16,
    /// Its value's bytes, cut where the blob ends; empty where they lie outside.
    pub(super) data: &'b [u8],
    /// The value as a number, where it is inside the field: where a sub-directory is.
    pub(super) link: u32,
}

/// A directory that was read.
#[derive(Clone, Debug)]
pub(super) struct Directory<'b> {
    pub(super) entries: Vec<Entry<'b>>,
    pub(super) order: Order,
    /// The note's place in the blob.
    pub(super) note: Range<usize>,
    /// What offsets count from.
    pub(super) base: usize,
    /// Where it begins in the blob.
    start: usize,
    /// Values that lie apart from their field: inside the note, and elsewhere.
    inside: u32,
    outside: u32,
    /// Where the first value stands that lies apart from its field.
    first_value: Option<usize>,
}

/// Reads the directory at `start` of the blob. `None` where it is none: no fields, types that are none, or cut.
pub(super) fn parse<'b>(
    blob: &'b [u8],
    note: &Range<usize>,
    start: usize,
    base: usize,
    order: Order,
) -> Option<Directory<'b>> {
    if start < note.start {
        return None;
    }
    let count = order.u16(blob, start)?;
    if count == 0 || count > MAX_FIELDS {
        return None;
    }
    let first = start.checked_add(2)?;
    if first.checked_add(usize::from(count).checked_mul(12)?)? > note.end {
        return None;
    }
    let mut directory = Directory {
        entries: Vec::new(),
        order,
        note: note.clone(),
        base,
        start,
        inside: 0,
        outside: 0,
        first_value: None,
    };
    let mut strange = 0u16;
    for index in 0..usize::from(count) {
        let at = first.checked_add(index.checked_mul(12)?)?;
        let kind = order.u16(blob, at.checked_add(2)?)?;
        let Some(unit) = unit(kind) else {
            strange += 1;
            continue;
        };
        directory.add(blob, at, kind, unit)?;
    }
    (u32::from(strange) * 8 <= u32::from(count)).then_some(directory)
}

/// Bytes of one value of that type.
fn unit(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}

/// A directory of nobody known, wherever makers put one. All its types must be some and its values inside the note.
pub(super) fn probe<'b>(blob: &'b [u8], note: &Range<usize>, blob_order: Order) -> Option<Directory<'b>> {
    let good = |d: &Directory<'_>| d.entries.len() >= 2 && d.outside * 10 <= d.inside;
    for skip in [0usize, 6, 8, 10, 12, 14, 16, 18, 20, 22] {
        let start = note.start.checked_add(skip)?;
        for order in [blob_order, blob_order.other()] {
            for base in [0, note.start] {
                if let Some(found) = parse(blob, note, start, base, order).filter(good) {
                    return Some(found);
                }
            }
        }
    }
    None
}

impl<'b> Directory<'b> {
    fn add(&mut self, blob: &'b [u8], at: usize, kind: u16, unit: u64) -> Option<()> {
        let size = u64::from(self.order.u32(blob, at.checked_add(4)?)?).saturating_mul(unit);
        let link = self.order.u32(blob, at.checked_add(8)?)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let data = if size <= 4 {
            let inline = at.checked_add(8)?;
            blob.get(inline..inline.checked_add(size)?)?
        } else {
            let from = usize::try_from(link).ok()?.saturating_add(self.base);
            let to = from.saturating_add(size);
            self.first_value = Some(self.first_value.map_or(from, |first| first.min(from)));
            if from >= self.note.start && to <= self.note.end {
                self.inside += 1;
            } else {
                self.outside += 1;
            }
            blob.get(from..to).unwrap_or_default()
        };
        self.entries.push(Entry { tag: self.order.u16(blob, at)?, kind, data, link });
        Some(())
    }

    /// Whether its values lie inside the note. A quarter may not: some makers put previews behind it.
    pub(super) fn is_in_place(&self) -> bool {
        self.outside == 0 || self.outside.saturating_mul(3) <= self.inside
    }

    /// How far the note was moved: Canon ends it with a TIFF header that tells where it stood.
    pub(super) fn stated_shift(&self, vendor: &str, blob: &[u8]) -> Option<i64> {
        if vendor != "Canon" {
            return None;
        }
        let footer = self.note.end.checked_sub(8)?;
        let order = Order::written(blob, footer)?;
        if order != self.order || order.u16(blob, footer.checked_add(2)?)? != 42 {
            return None;
        }
        let stated = order.u32(blob, footer.checked_add(4)?)?;
        i64::try_from(self.note.start).ok()?.checked_sub(i64::from(stated))
    }

    /// Where the directory and the link after it end.
    fn end(&self) -> usize {
        self.start.saturating_add(2 + 4).saturating_add(self.entries.len().saturating_mul(12))
    }

    /// How far its first value is from where the directory ends: writers put it there.
    pub(super) fn gap(&self) -> usize {
        self.first_value.map_or(usize::MAX, |first| first.abs_diff(self.end()))
    }

    /// How far the note was moved if its first value stood right behind the directory.
    pub(super) fn inferred_shift(&self) -> Option<i64> {
        i64::try_from(self.end()).ok()?.checked_sub(i64::try_from(self.first_value?).ok()?)
    }

    /// The directory with its offsets counted from `shift` bytes further on, if its values then lie inside the note.
    pub(super) fn shifted(&self, blob: &'b [u8], shift: i64) -> Option<Directory<'b>> {
        let base = usize::try_from(i64::try_from(self.base).ok()?.checked_add(shift)?).ok()?;
        parse(blob, &self.note, self.start, base, self.order).filter(Directory::is_in_place)
    }

    /// The first field of that number.
    pub(super) fn get(&self, tag: u16) -> Option<&Entry<'b>> {
        self.entries.iter().find(|e| e.tag == tag)
    }

    /// Text up to the first NUL, trimmed.
    pub(super) fn text(&self, tag: u16) -> Option<String> {
        let data = self.get(tag)?.data;
        let end = data.iter().position(|&b| b == 0).unwrap_or(data.len()).min(200);
        let text: String = data.get(..end)?.iter().map(|&b| char::from(b)).collect();
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// The `index`-th number of a field of bytes, shorts or longs.
    pub(super) fn number(&self, tag: u16, index: usize) -> Option<u32> {
        let entry = self.get(tag)?;
        match entry.kind {
            1 | 6 | 7 => entry.data.get(index).map(|&b| u32::from(b)),
            3 | 8 => self.order.u16(entry.data, index.checked_mul(2)?).map(u32::from),
            4 | 9 | 13 => self.order.u32(entry.data, index.checked_mul(4)?),
            _ => None,
        }
    }

    /// A directory that a field points to.
    pub(super) fn inner(&self, blob: &'b [u8], tag: u16) -> Option<Directory<'b>> {
        // Its place, or where the value that is the directory begins: the field holds the offset either way.
        let start = usize::try_from(self.get(tag)?.link).ok()?.checked_add(self.base)?;
        parse(blob, &self.note, start, self.base, self.order)
    }
}
