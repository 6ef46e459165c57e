//! What a look-up sees.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::pairs::PairSet;
use super::slot::{Slot, standing};
use crate::probe::probes;
use crate::{Code256, Hit, Kernel, SearchStats, SegmentError, SegmentFacts};

/// Queries scanned together over the memtable; their probes stay in the second-level cache.
const BATCH: usize = 2048;

/// The state of a live index after one of its commits. Immutable: it stays as it is while the index goes on, and its
/// segments stay readable while it is held.
#[derive(Debug)]
pub struct LiveSnapshot {
    pub(crate) generation: u64,
    pub(crate) stamp: u64,
    pub(crate) memtable: PairSet,
    pub(crate) slots: Vec<Arc<Slot>>,
    pub(crate) kernel: Kernel,
}

/// What a live index is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveFacts {
    /// Number of the last commit.
    pub generation: u64,
    /// The caller's stamp of that commit.
    pub stamp: u64,
    /// Pairs in memory and in the log only.
    pub memtable_pairs: u64,
    /// The segments, in no order that means anything.
    pub segments: Vec<LiveSegmentFacts>,
}

/// One segment of a live index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveSegmentFacts {
    /// The number in its file name.
    pub number: u64,
    /// Pairs removed one by one since it was written.
    pub dead_pairs: u64,
    /// Ranges of ids removed since it was written.
    pub dead_ranges: u64,
    /// What the segment says of itself, the dead counted as if they lived.
    pub segment: SegmentFacts,
}

impl LiveSnapshot {
    pub(crate) fn empty() -> Self {
        Self {
            generation: 0,
            stamp: 0,
            memtable: PairSet::default(),
            slots: Vec::new(),
            kernel: Kernel::detect(),
        }
    }

    /// The same state, to be carried on.
    pub(crate) fn share(&self) -> Self {
        let Self { generation, stamp, memtable, slots, kernel } = self;
        Self {
            generation: *generation,
            stamp: *stamp,
            memtable: memtable.clone(),
            slots: slots.clone(),
            kernel: *kernel,
        }
    }

    /// Number of the last commit in it; rises by one with each, and survives restarts. Merges do not count.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What the caller gave with the last commit: the state of the source that the index follows.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Pairs. After a range of ids was removed, the first call counts what it removed, some 10 ns a pair present; then
    /// the count is kept.
    ///
    /// # Errors
    /// If that count meets a damaged block.
    pub fn len(&self) -> Result<u64, SegmentError> {
        let mut len = self.memtable.len() as u64;
        for slot in &self.slots {
            len += slot.count()?;
        }
        Ok(len)
    }

    /// Whether there is nothing to find. Costs as [`LiveSnapshot::len`].
    ///
    /// # Errors
    /// As [`LiveSnapshot::len`].
    pub fn is_empty(&self) -> Result<bool, SegmentError> {
        self.len().map(|len| len == 0)
    }

    /// Appends to `hits` every pair within `radius_bits` (0 to 256) of each query, sorted by query, then distance, then
    /// id; each pair once. `query` counts from 0 in this batch. Adds to `stats` what was looked at.
    ///
    /// # Errors
    /// If a block that is needed is damaged; nothing is appended then.
    pub fn search_into(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<(), SegmentError> {
        self.search_at_most(queries, radius_bits, usize::MAX, hits, stats).map(drop)
    }

    /// As [`LiveSnapshot::search_into`], where no more than `most` pairs are found, those counted that are gone and still
    /// stand in a segment; with more of them nothing is appended, and the answer is `false`. So a caller can bound what is
    /// held: it asks again for fewer queries at a time.
    ///
    /// # Errors
    /// As there.
    pub fn search_at_most(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        most: usize,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<bool, SegmentError> {
        let before = hits.len();
        let mut looked = SearchStats::default();
        let left = |hits: &Vec<Hit>| most.saturating_sub(hits.len() - before);
        for slot in &self.slots {
            let room = left(hits);
            let searched = slot.search(queries, radius_bits, room, hits, &mut looked);
            if !matches!(searched, Ok(true)) {
                hits.truncate(before);
                return searched;
            }
        }
        if !self.memtable.is_empty() {
            let probes = probes(queries);
            let mut found = Vec::new();
            for batch in probes.chunks(BATCH) {
                self.memtable.search(self.kernel, batch, radius_bits, &mut found, hits);
                if hits.len() - before > most {
                    hits.truncate(before);
                    return Ok(false);
                }
            }
            looked.scanned += (self.memtable.len() as u64).saturating_mul(probes.len() as u64);
        }
        let answers = hits.get_mut(before..).unwrap_or_default();
        answers.sort_unstable();
        looked.queries = queries.len() as u64;
        looked.hits = answers.len() as u64;
        *stats += looked;
        Ok(true)
    }

    /// Every pair within `radius_bits` of each query, as [`LiveSnapshot::search_into`].
    ///
    /// # Errors
    /// As there.
    pub fn search(&self, queries: &[Code256], radius_bits: u32) -> Result<Vec<Hit>, SegmentError> {
        let mut hits = Vec::new();
        self.search_into(queries, radius_bits, &mut hits, &mut SearchStats::default())?;
        Ok(hits)
    }

    /// For each pair, whether it is there. Cheaper by the batch.
    ///
    /// # Errors
    /// If a block that is needed is damaged.
    pub fn contains(&self, pairs: &[(Code256, u64)]) -> Result<Vec<bool>, SegmentError> {
        let mut sorted = pairs.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let standing = standing(&self.slots, &sorted)?;
        let lives = |(code, id): &(Code256, u64)| {
            let pair = (*id, *code);
            let start = standing.partition_point(|(other, _)| *other < pair);
            let mut places = standing.iter().skip(start).take_while(|(other, _)| *other == pair);
            self.memtable.contains(&pair)
                || places.any(|(_, place)| self.slots.get(*place).is_some_and(|s| !s.dead.contains(&pair)))
        };
        Ok(pairs.iter().map(lives).collect())
    }

    /// Calls `each` with every pair until it breaks, in an order that may change with every merge.
    ///
    /// # Errors
    /// If a block is damaged; [`SegmentError::Stopped`] if `each` broke.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(Code256, u64) -> ControlFlow<()>,
    ) -> Result<(), SegmentError> {
        for (id, code) in self.memtable.iter() {
            if each(*code, *id).is_break() {
                return Err(SegmentError::Stopped);
            }
        }
        self.slots.iter().try_for_each(|slot| slot.for_each(each))
    }

    /// What it is made of.
    pub fn facts(&self) -> LiveFacts {
        let facts = |slot: &Arc<Slot>| LiveSegmentFacts {
            number: slot.number,
            dead_pairs: slot.dead.pairs().len() as u64,
            dead_ranges: slot.dead.ranges().as_slice().len() as u64,
            segment: slot.segment.facts(),
        };
        LiveFacts {
            generation: self.generation,
            stamp: self.stamp,
            memtable_pairs: self.memtable.len() as u64,
            segments: self.slots.iter().map(facts).collect(),
        }
    }
}
