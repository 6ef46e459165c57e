//! Between the ring's tables and the image: looked up, checked, and built slice by slice.

use super::format::{BLOCK, Span, TablePlan};
use super::target::TableWork;
use super::verify::{Progress, unsound};
use super::{Segment, SegmentError};
use crate::SearchStats;
use crate::probe::Found;
use crate::ring::{
    Bits, Damaged, Extra, Guard, Layout, Plans, Records, Ring, Table, build_table, number_bits,
};

/// Fewest slots of a slice.
const LEAST: u64 = 1 << 14;
/// Memory for checking a table, in bytes.
const VERIFY_BYTES: u64 = 1 << 30;

/// How a table puts its words together: the number of a code, and above it more of its bits.
struct Words<'a> {
    layout: &'a Layout,
    table: usize,
    extra: Extra,
    number_bits: u32,
}

impl<'a> Words<'a> {
    fn new(layout: &'a Layout, table: usize, codes: usize) -> Self {
        Self { layout, table, extra: layout.extra_bits(table, codes), number_bits: number_bits(codes) }
    }

    #[inline]
    fn word(&self, code: &[u64; 4], number: u32) -> u32 {
        let extra = u64::from(self.layout.extra(code, self.table, self.extra));
        (extra << self.number_bits) as u32 | number
    }
}

impl Segment {
    /// Appends every code of a part within the radius, by its tables.
    pub(super) fn find_in_tables<G: Guard>(
        &self,
        guard: &G,
        (part, plans): (usize, &Plans),
        queries: &[Bits],
        radius: u32,
        found: &mut Vec<Found>,
        stats: &mut SearchStats,
    ) -> Result<(), Damaged> {
        let ring = self.ring(part, plans)?;
        // Codes are no answers yet: pairs are counted.
        let hits = stats.hits;
        let result = ring.search(guard, self.kernel, queries, radius, found, stats);
        stats.hits = hits;
        result
    }

    fn ring<'a>(&'a self, part: usize, plans: &'a Plans) -> Result<Ring<'a>, Damaged> {
        let (shape, plan) = (&self.shape.parts[part], &self.plan.parts[part]);
        let table = |table: &TablePlan| {
            Ok(Table {
                dir: self.numbers(table.dir)?,
                next: self.numbers(table.padded_next())?,
                ids: self.numbers(table.ids)?,
                dir_at: table.dir.at,
                next_at: table.next.at,
                ids_at: table.ids.at,
            })
        };
        Ok(Ring {
            layout: shape.layout.as_ref().ok_or(Damaged)?,
            plans,
            even: shape.even,
            codes: self.codes(part)?,
            codes_at: plan.codes.at,
            tables: plan.tables.iter().map(table).collect::<Result<_, _>>()?,
        })
    }
}

/// Makes sure that every table is the one that the codes give: each is built again and compared. Looking every entry's code up
/// instead takes three times as long at 10⁷ codes.
pub(super) fn verify(
    segment: &Segment,
    part: usize,
    progress: &mut Progress<'_>,
) -> Result<(), SegmentError> {
    let plan = &segment.plan.parts[part];
    let Some(layout) = &segment.shape.parts[part].layout else { return Ok(()) };
    let codes = segment.codes(part).map_err(|damaged| segment.damaged(damaged))?;
    let mut scratch = Scratch::default();
    for (table, at) in plan.tables.iter().enumerate() {
        let work = TableWork { layout, table, codes: plan.codes, at, threads: 1 };
        let mut same = |at: u64, bytes: &[u8]| {
            if (Span { at, len: bytes.len() as u64 }).of(&segment.image) != bytes {
                return Err(unsound(segment, "a table does not list each code once in its place"));
            }
            progress.add(bytes.len() as u64, true)
        };
        scratch.build(&work, codes, VERIFY_BYTES, &mut same)?;
    }
    Ok(())
}

/// Memory for one table after the other.
#[derive(Default)]
pub(super) struct Scratch {
    dir: Vec<u32>,
    next: Vec<u16>,
    ids: Vec<u32>,
    records: Records,
}

impl Scratch {
    /// Builds a table, at once if the memory allows it, and hands over its bytes with their places.
    pub(super) fn build(
        &mut self,
        work: &TableWork<'_>,
        codes: &[Bits],
        memory_bytes: u64,
        put: Put<'_>,
    ) -> Result<(), SegmentError> {
        let TablePlan { dir, next, ids } = *work.at;
        // Itself, and records of 8 bytes.
        let bytes = dir.len + (2 + 4 + 8) * codes.len() as u64;
        if bytes > memory_bytes {
            return in_slices(work, codes, memory_bytes, put);
        }
        self.dir.resize((dir.len / 4) as usize, 0);
        self.next.resize((next.len / 2) as usize, 0);
        self.ids.resize((ids.len / 4) as usize, 0);
        let Self { dir: starts, next: nexts, ids: words, records } = self;
        build_table(work.layout, work.table, codes, work.threads, starts, nexts, words, records);
        put(dir.at, bytemuck::cast_slice(starts))?;
        put(next.at, bytemuck::cast_slice(nexts))?;
        put(ids.at, bytemuck::cast_slice(words))
    }
}

/// Takes bytes for a place in the image.
pub(super) type Put<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), SegmentError>;

/// Builds a table in slices that fit the memory; each reads all codes once, in order. `put` is given stretches
/// that begin at blocks. The bytes are those of a table built at once.
fn in_slices(
    work: &TableWork<'_>,
    codes: &[Bits],
    memory_bytes: u64,
    put: Put<'_>,
) -> Result<(), SegmentError> {
    let TableWork { layout, table, at, .. } = *work;
    let cut = Words::new(layout, table, codes.len());
    let mut dir = vec![0u32; layout.dir_len(table)];
    for code in codes {
        dir[layout.chunk(&code.to_le().0, table) as usize + 1] += 1;
    }
    let mut sum = 0;
    for entry in &mut dir {
        sum += *entry;
        *entry = sum;
    }
    let mut places: Vec<u32> = dir.iter().map(|entry| entry.to_le()).collect();
    put(at.dir.at, bytemuck::cast_slice(&places))?;

    // Slices of whole blocks of `next`, and so of `ids`.
    let left = memory_bytes.saturating_sub(8 * dir.len() as u64) / 6;
    let slots = left.max(LEAST) / BLOCK * BLOCK;
    let (mut next, mut ids) = (Vec::<u16>::new(), Vec::<u32>::new());
    for start in (0..codes.len() as u64).step_by(usize::try_from(slots).unwrap_or(usize::MAX)) {
        let count = slots.min(codes.len() as u64 - start) as usize;
        next.resize(count, 0);
        ids.resize(count, 0);
        places.copy_from_slice(&dir);
        for (number, code) in (0u32..).zip(codes) {
            let code = code.to_le().0;
            let place = &mut places[layout.chunk(&code, table) as usize];
            if let Some(slot) = u64::from(*place).checked_sub(start)
                && slot < count as u64
            {
                next[slot as usize] = layout.next(&code, table).to_le();
                ids[slot as usize] = cut.word(&code, number).to_le();
            }
            *place += 1;
        }
        put(at.next.at + 2 * start, bytemuck::cast_slice(&next))?;
        if table > 0 {
            put(at.ids.at + 4 * start, bytemuck::cast_slice(&ids))?;
        }
    }
    Ok(())
}
