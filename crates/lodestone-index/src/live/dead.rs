//! Tombstones of one segment: what stands in its file and is gone.

use super::pairs::{Pair, PairSet};
use super::ranges::IdRanges;
use crate::{Code256, Hit};

/// The pairs of a segment that were removed after it was written, one by one and by ranges of ids.
///
/// They belong to one segment, not to the index: a pair that was removed and added again lies dead in an older place
/// and alive in a newer one. They only grow, until a merge leaves the dead behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dead {
    ranges: IdRanges,
    /// Each stands in the segment, and in none of the ranges.
    pairs: PairSet,
}

impl Dead {
    /// Tombstones of a file; pairs within the ranges fall away.
    pub(crate) fn new(ranges: IdRanges, pairs: impl Iterator<Item = Pair>) -> Self {
        let pairs = pairs.filter(|(id, _)| !ranges.contains(*id)).collect();
        Self { ranges, pairs }
    }

    pub(crate) fn ranges(&self) -> &IdRanges {
        &self.ranges
    }

    pub(crate) fn pairs(&self) -> &PairSet {
        &self.pairs
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.pairs.is_empty()
    }

    pub(crate) fn contains(&self, pair: &Pair) -> bool {
        self.ranges.contains(pair.0) || self.pairs.contains(pair)
    }

    /// Buries one pair that stands in the segment.
    pub(crate) fn bury(&mut self, pair: Pair) {
        if !self.ranges.contains(pair.0) {
            self.pairs.insert(pair);
        }
    }

    /// Buries all ids in `first..=last`.
    pub(crate) fn bury_ids(&mut self, first: u64, last: u64) {
        self.ranges.insert(first, last);
        self.pairs.remove_ids(first, last);
    }

    /// Takes the dead out of a segment's answers, `hits[from..]`, which are sorted.
    ///
    /// A hit names no code, but an id may have several. Its dead codes at that distance from the query are counted and
    /// as many of the equal hits dropped; those that stay are alike in all they say.
    pub(crate) fn filter(&self, queries: &[Code256], hits: &mut Vec<Hit>, from: usize) {
        if self.is_empty() {
            return;
        }
        let mut last = None;
        let mut to_drop = 0usize;
        let (mut read, mut write) = (from, from);
        while let Some(hit) = hits.get(read).copied() {
            read += 1;
            if last != Some(hit) {
                last = Some(hit);
                to_drop = self.dead_alike(queries, hit);
            }
            if to_drop > 0 {
                to_drop -= 1;
                continue;
            }
            if let Some(place) = hits.get_mut(write) {
                *place = hit;
                write += 1;
            }
        }
        hits.truncate(write);
    }

    fn dead_alike(&self, queries: &[Code256], hit: Hit) -> usize {
        if self.ranges.contains(hit.id) {
            return usize::MAX;
        }
        let Some(query) = queries.get(hit.query as usize) else { return 0 };
        self.pairs.codes_of(hit.id).filter(|code| code.distance_bits(*query) == hit.distance_bits).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(distance_bits: u32, id: u64) -> Hit {
        Hit { query: 0, distance_bits, id }
    }

    #[test]
    fn of_two_codes_of_one_id_at_one_distance_only_the_dead_one_goes() {
        let (a, b) = (Code256([1, 0, 0, 0]), Code256([2, 0, 0, 0]));
        let query = [Code256([0; 4])];
        let segment = vec![hit(1, 5), hit(1, 5), hit(1, 6), hit(3, 5)];
        let mut dead = Dead::default();
        dead.bury((5, a));
        let mut hits = segment.clone();
        dead.filter(&query, &mut hits, 0);
        assert_eq!(hits, [hit(1, 5), hit(1, 6), hit(3, 5)]);
        dead.bury((5, b));
        let mut hits = segment;
        dead.filter(&query, &mut hits, 0);
        assert_eq!(hits, [hit(1, 6), hit(3, 5)]);
    }

    #[test]
    fn a_range_takes_all_its_ids_and_leaves_answers_that_were_there_before() {
        let mut dead = Dead::default();
        dead.bury((6, Code256::default()));
        dead.bury_ids(5, 7);
        assert!(dead.pairs().is_empty(), "a range covers what was buried one by one");
        let mut hits = vec![hit(0, 6), hit(0, 5), hit(0, 8), hit(2, 7)];
        dead.filter(&[Code256::default()], &mut hits, 1);
        assert_eq!(hits, [hit(0, 6), hit(0, 8)]);
    }
}
