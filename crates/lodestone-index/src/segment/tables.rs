//! Between the ring's tables and the image: looked up, checked, and built slice by slice.

use super::format::{BLOCK, TablePlan};
use super::target::TableWork;
use super::verify::{Progress, unsound};
use super::{Segment, SegmentError};
use crate::SearchStats;
use crate::probe::Found;
use crate::ring::{Bits, Damaged, Extra, Guard, Layout, Plans, Ring, Table, number_bits};

/// Fewest slots of a slice.
const LEAST: u64 = 1 << 14;
/// Buckets between two steps of progress.
const STEP: usize = 1 << 12;

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

    #[inline]
    fn number(&self, word: u32) -> usize {
        (u64::from(word) & ((1 << self.number_bits) - 1)) as usize
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

/// Makes sure that every table lists every code once, in its bucket, with the bits that follow.
pub(super) fn verify(
    segment: &Segment,
    part: usize,
    progress: &mut Progress<'_>,
) -> Result<(), SegmentError> {
    let Some(plans) = &segment.parts[part].plans else { return Ok(()) };
    let ring = segment.ring(part, plans).map_err(|damaged| segment.damaged(damaged))?;
    for (number, table) in ring.tables.iter().enumerate() {
        if !is_right(ring.layout, number, table, ring.codes, progress)? {
            return Err(unsound(segment, "a table does not list each code once in its place"));
        }
    }
    Ok(())
}

/// Buckets follow each other and have as many slots as there are codes; in each, numbers ascend, so none is there twice,
/// and a code is only in the bucket of its chunk.
fn is_right(
    layout: &Layout,
    number: usize,
    table: &Table<'_>,
    codes: &[Bits],
    progress: &mut Progress<'_>,
) -> Result<bool, SegmentError> {
    let words = Words::new(layout, number, codes.len());
    let mut slot = 0;
    for (bucket, bounds) in table.dir.windows(2).enumerate() {
        let (start, end) = (u32::from_le(bounds[0]) as usize, u32::from_le(bounds[1]) as usize);
        if start != slot || end < start || end > codes.len() {
            return Ok(false);
        }
        let mut least = 0;
        for slot in start..end {
            let word = table.ids.get(slot).map(|word| u32::from_le(*word));
            let code_number = word.map_or(slot, |word| words.number(word));
            let Some(code) = codes.get(code_number) else { return Ok(false) };
            let code = code.to_le().0;
            if code_number < least
                || layout.chunk(&code, number) as usize != bucket
                || layout.next(&code, number) != u16::from_le(table.next[slot])
                || word.is_some_and(|word| word != words.word(&code, code_number as u32))
            {
                return Ok(false);
            }
            least = code_number + 1;
        }
        slot = end;
        progress.add(6 * (end - start) as u64, bucket.is_multiple_of(STEP))?;
    }
    Ok(slot == codes.len())
}

/// Takes bytes for a place in the image.
type Put<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), SegmentError>;

/// Memory that a table takes while it is built at once: itself, and records of 12 bytes.
pub(super) fn scratch_bytes(work: &TableWork<'_>, codes: &[Bits]) -> u64 {
    4 * work.layout.dir_len(work.table) as u64 + (2 + 4 + 12) * codes.len() as u64
}

/// Builds a table in slices that fit the memory; each reads all codes once, in order. `put` is given stretches
/// that begin at blocks. The bytes are those of a table built at once.
pub(super) fn in_slices(
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
