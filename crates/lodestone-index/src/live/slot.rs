//! A segment in its place: the file, and what in it is gone.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use super::dead::Dead;
use super::pairs::Pair;
use crate::{Code256, Hit, SearchStats, Segment, SegmentError};

/// A segment with its tombstones. Immutable; a removal makes another slot of the same segment.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) number: u64,
    /// The file's own checksum.
    pub(crate) checksum: u64,
    pub(crate) segment: Arc<Segment>,
    pub(crate) dead: Dead,
    /// Pairs of the segment within the ranges of `dead`, once somebody has counted.
    range_dead: OnceLock<u64>,
}

impl Slot {
    pub(crate) fn new(number: u64, segment: Arc<Segment>, dead: Dead) -> Self {
        Self { number, checksum: segment.facts().checksum, segment, dead, range_dead: OnceLock::new() }
    }

    /// The same segment with other tombstones.
    pub(crate) fn with_dead(&self, dead: Dead) -> Self {
        let range_dead = match self.range_dead.get() {
            Some(count) if dead.ranges() == self.dead.ranges() => OnceLock::from(*count),
            _ => OnceLock::new(),
        };
        Self {
            number: self.number,
            checksum: self.checksum,
            segment: Arc::clone(&self.segment),
            dead,
            range_dead,
        }
    }

    /// Appends the living answers, sorted; `false` where there are more than `most`, the dead counted.
    pub(crate) fn search(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        most: usize,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<bool, SegmentError> {
        if self.dead.ranges().all() {
            return Ok(true);
        }
        let from = hits.len();
        if !self.segment.search_at_most(queries, radius_bits, most, hits, stats)? {
            return Ok(false);
        }
        self.dead.filter(queries, hits, from);
        Ok(true)
    }

    /// All living pairs, in the segment's order.
    pub(crate) fn for_each(
        &self,
        each: &mut dyn FnMut(Code256, u64) -> ControlFlow<()>,
    ) -> Result<(), SegmentError> {
        self.segment.for_each(&mut |code, id| {
            if self.dead.contains(&(id, code)) { ControlFlow::Continue(()) } else { each(code, id) }
        })
    }

    /// Whether every pair is known to be dead.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.ranges().all() || self.dead_known() >= self.segment.len()
    }

    /// Pairs known to be dead: those buried one by one, and those of ranges once they are counted.
    pub(crate) fn dead_known(&self) -> u64 {
        self.dead.pairs().len() as u64 + self.range_dead.get().copied().unwrap_or(0)
    }

    /// Living pairs. After a removal of a range, the first call goes through the segment's pairs.
    pub(crate) fn count(&self) -> Result<u64, SegmentError> {
        let range_dead = match self.range_dead.get() {
            Some(count) => *count,
            None => {
                let ranges = self.dead.ranges();
                let mut count = 0;
                if !ranges.is_empty() {
                    self.segment.for_each_id(&mut |id| count += u64::from(ranges.contains(id)))?;
                }
                *self.range_dead.get_or_init(|| count)
            }
        };
        // A manifest can name as dead what is not in the segment; a count never goes below zero for it.
        Ok(self.segment.len().saturating_sub(range_dead).saturating_sub(self.dead.pairs().len() as u64))
    }
}

/// Which of the pairs stand in which slot's segment, dead or alive: pair and place in `slots`, ascending. `pairs` are
/// sorted by code.
pub(crate) fn standing(
    slots: &[Arc<Slot>],
    pairs: &[(Code256, u64)],
) -> Result<Vec<(Pair, usize)>, SegmentError> {
    /// Looked up at once; bounds the answers in memory.
    const BATCH: usize = 4096;
    let mut standing = Vec::new();
    let (mut codes, mut hits) = (Vec::new(), Vec::new());
    for batch in pairs.chunks(BATCH) {
        codes.clear();
        codes.extend(batch.iter().map(|(code, _)| *code));
        codes.dedup();
        for (place, slot) in slots.iter().enumerate() {
            hits.clear();
            slot.segment.search_into(&codes, 0, &mut hits, &mut SearchStats::default())?;
            for hit in &hits {
                if let Some(code) = codes.get(hit.query as usize)
                    && batch.binary_search(&(*code, hit.id)).is_ok()
                {
                    standing.push(((hit.id, *code), place));
                }
            }
        }
    }
    standing.sort_unstable();
    Ok(standing)
}
