//! TIFF directories, classic and big. *Source:* Adobe TIFF 6.0, section 2; Aware Systems, BigTIFF.

/// A file's bytes with its byte order and pointer width.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) little: bool,
    big: bool,
}

/// One field: where its values stand.
#[derive(Clone, Copy)]
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    at: u64,
}

/// One directory.
pub(super) struct Directory {
    fields: Vec<Field>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (little, big) = match bytes.get(..4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        Some(Self { bytes, little, big })
    }

    /// An unsigned number of `n` bytes, 1, 2, 4 or 8.
    fn number(&self, at: u64, n: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(n)?)?;
        let fold = |v: u64, b: &u8| (v << 8) | u64::from(*b);
        Some(if self.little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
    }

    /// Offset of the first directory.
    pub(super) fn first(&self) -> Option<u64> {
        if self.big { self.number(8, 8) } else { self.number(4, 4) }
    }

    /// The directory at `at`, and the offset of the next; a cut one gives the fields it has.
    pub(super) fn directory(&self, at: u64) -> Option<(Directory, u64)> {
        let (count_bytes, entry, width) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, count_bytes)?.min(4_096);
        let mut fields = Vec::new();
        let mut pos = at.checked_add(count_bytes as u64)?;
        for _ in 0..count {
            let (Some(tag), Some(kind)) = (self.number(pos, 2), self.number(pos + 2, 2)) else { break };
            let Some(count) = self.number(pos + 4, width) else { break };
            let value = pos + 4 + width as u64;
            let bytes = size_of_kind(kind as u16).checked_mul(count)?;
            let at = if bytes <= width as u64 { Some(value) } else { self.number(value, width) };
            if let Some(at) = at {
                fields.push(Field { tag: tag as u16, kind: kind as u16, count, at });
            }
            pos = pos.checked_add(entry)?;
        }
        let next = self.number(pos, width).unwrap_or(0);
        Some((Directory { fields }, next))
    }

    /// All values of an integer field; empty when it is missing or not wholly in the file.
    pub(super) fn values(&self, dir: &Directory, tag: u16) -> Vec<u64> {
        let Some(field) = dir.fields.iter().find(|f| f.tag == tag) else { return Vec::new() };
        let size = match field.kind {
            1 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 13 => 4,
            16..=18 => 8,
            _ => return Vec::new(),
        };
        let end = field.count.checked_mul(size).and_then(|n| n.checked_add(field.at));
        if end.is_none_or(|end| end > self.bytes.len() as u64) {
            return Vec::new();
        }
        (0..field.count).filter_map(|i| self.number(field.at + i * size, size as usize)).collect()
    }

    /// The first value of an integer field.
    pub(super) fn value(&self, dir: &Directory, tag: u16) -> Option<u64> {
        self.values(dir, tag).first().copied()
    }

    /// A field's bytes.
    pub(super) fn raw(&self, dir: &Directory, tag: u16) -> &'a [u8] {
        let Some(field) = dir.fields.iter().find(|f| f.tag == tag) else { return &[] };
        let range = usize::try_from(field.at).ok().zip(usize::try_from(field.count).ok());
        range.and_then(|(at, n)| self.bytes.get(at..at.checked_add(n)?)).unwrap_or_default()
    }
}

fn size_of_kind(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}
