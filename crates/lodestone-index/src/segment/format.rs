//! Numbers of the file format, and where everything lies; drawn in `docs/formats/segment.md`.

use crate::ring::{Layout, NEXT_PADDING};

pub(super) const MAGIC: [u8; 8] = *b"LODESEG\n";
pub(super) const END_MAGIC: [u8; 8] = *b"LODEEND\n";
pub(super) const VERSION: u32 = 1;
/// Grain of checksums and alignment of sections, in bytes.
pub(super) const BLOCK: u64 = 4096;
/// The id of canaries.
pub(super) const CANARY: u64 = u64::MAX;
pub(super) const FOOTER: u64 = 32;
pub(super) const CODE_BYTES: u64 = 32;
/// Bytes that can be read after a table's next bits.
const PADDING: u64 = 2 * NEXT_PADDING as u64;

/// The checksum of all of it.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(bytes)
}

/// What the header says, and all that offsets depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) pairs: u64,
    pub(super) distinct: u64,
    pub(super) canaries: u64,
    /// Least id.
    pub(super) base: u64,
    pub(super) owner_bytes: u32,
    /// 64-bit words of the lists of owners.
    pub(super) list_words: u64,
    /// One or two.
    pub(super) parts: Vec<PartShape>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartShape {
    pub(super) codes: u64,
    /// Every code has an even number of bits set.
    pub(super) even: bool,
    /// None: linear.
    pub(super) layout: Option<Layout>,
}

/// A stretch of the image, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) at: u64,
    pub(super) len: u64,
}

impl Span {
    pub(super) fn end(self) -> u64 {
        self.at + self.len
    }

    /// The bytes; an image that is shorter has none.
    pub(super) fn of(self, image: &[u8]) -> &[u8] {
        let range = usize::try_from(self.at).ok().zip(usize::try_from(self.end()).ok());
        range.and_then(|(start, end)| image.get(start..end)).unwrap_or_default()
    }
}

/// Where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) parts: Vec<PartPlan>,
    pub(super) lists: Span,
    /// Block checksums.
    pub(super) sums: Span,
    /// Checksums of the blocks of checksums.
    pub(super) top: Span,
    pub(super) footer: u64,
    pub(super) total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartPlan {
    pub(super) codes: Span,
    pub(super) owners: Span,
    pub(super) tables: Vec<TablePlan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TablePlan {
    pub(super) dir: Span,
    /// Without the padding, which follows.
    pub(super) next: Span,
    /// Empty in table 0.
    pub(super) ids: Span,
}

impl TablePlan {
    /// `next` with what may be read after it.
    pub(super) fn padded_next(&self) -> Span {
        Span { at: self.next.at, len: self.next.len + PADDING }
    }
}

impl Plan {
    /// `None`: more than can be counted, or mapped on this machine.
    pub(super) fn new(shape: &Shape) -> Option<Self> {
        let mut end = BLOCK;
        let mut section = |count: u64, size: u64, padding: u64| {
            let len = count.checked_mul(size)?;
            let span = Span { at: end, len };
            end = end.checked_add(len)?.checked_add(padding)?.checked_next_multiple_of(BLOCK)?;
            Some(span)
        };
        let mut parts = Vec::new();
        for part in &shape.parts {
            let codes = section(part.codes, CODE_BYTES, 0)?;
            let owners = section(part.codes, u64::from(shape.owner_bytes), 0)?;
            let mut tables = Vec::new();
            for (table, layout) in (0..part.tables()).zip(part.layout.iter().cycle()) {
                tables.push(TablePlan {
                    dir: section(layout.dir_len(table) as u64, 4, 0)?,
                    next: section(part.codes, 2, PADDING)?,
                    ids: section(if table == 0 { 0 } else { part.codes }, 4, 0)?,
                });
            }
            parts.push(PartPlan { codes, owners, tables });
        }
        let lists = section(shape.list_words, 8, 0)?;
        let sums = Span { at: end, len: 8 * (end / BLOCK) };
        let top_at = sums.at.checked_add(sums.len)?.checked_next_multiple_of(BLOCK)?;
        let top = Span { at: top_at, len: 8 * ((top_at - sums.at) / BLOCK) };
        let footer = top_at.checked_add(top.len)?;
        let total = footer.checked_add(FOOTER)?;
        isize::try_from(total).ok()?;
        Some(Self { parts, lists, sums, top, footer, total })
    }

    /// Blocks with a checksum.
    pub(super) fn blocks(&self) -> u64 {
        self.sums.at / BLOCK
    }

    /// Every section with its name, part and table, in the order of the file.
    pub(super) fn sections(&self) -> Vec<(&'static str, usize, usize, Span)> {
        let mut sections = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            sections.push(("codes", number, 0, part.codes));
            sections.push(("owners", number, 0, part.owners));
            for (table, plan) in part.tables.iter().enumerate() {
                sections.push(("dir", number, table, plan.dir));
                sections.push(("next", number, table, plan.next));
                sections.push(("ids", number, table, plan.ids));
            }
        }
        sections.push(("lists", self.parts.len(), 0, self.lists));
        sections
    }
}

impl PartShape {
    pub(super) fn tables(&self) -> usize {
        self.layout.as_ref().map_or(0, Layout::tables)
    }
}
