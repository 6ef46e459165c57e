//! A set of pairs that many versions share: the memtable, and the tombstones of a segment.
//!
//! Two levels: sorted leaves of at most [`LEAF`] pairs behind a sorted list of them. A version is cloned by counting
//! references; a change copies one leaf that others hold too, and changes one that nobody else holds where it stands.
//! So one more pair costs microseconds whatever the size, and versions already given out never change.

use std::sync::{Arc, OnceLock};

use crate::probe::{Found, Probe};
use crate::tiles::{BLOCK, TILE_BLOCKS, Tiles};
use crate::{Code256, Hit, Kernel};

/// Pairs in a full leaf: one tile of the scan, 40 KiB to copy.
const LEAF: usize = BLOCK * TILE_BLOCKS;

/// An id with one of its codes. Sets are in this order, so that the pairs of an id, and of a range of ids, are
/// neighbours.
pub(crate) type Pair = (u64, Code256);

/// A persistent, sorted set of pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct PairSet {
    /// None is empty; the pairs of one all stand before those of the next.
    leaves: Vec<Arc<Leaf>>,
    len: usize,
}

#[derive(Debug, Default)]
struct Leaf {
    pairs: Vec<Pair>,
    /// The codes as the kernels want them; made by the first search.
    tiles: OnceLock<Tiles>,
}

impl Clone for Leaf {
    /// A copy to be changed: room for one more pair, and no tiles.
    #[allow(clippy::disallowed_methods)] // bounded by LEAF
    fn clone(&self) -> Self {
        let mut pairs = Vec::with_capacity(self.pairs.len() + 1);
        pairs.extend_from_slice(&self.pairs);
        Self { pairs, tiles: OnceLock::new() }
    }
}

impl PairSet {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains(&self, pair: &Pair) -> bool {
        self.leaves.get(self.leaf_of(pair)).is_some_and(|leaf| leaf.pairs.binary_search(pair).is_ok())
    }

    /// Adds a pair; `false` when it was there.
    pub(crate) fn insert(&mut self, pair: Pair) -> bool {
        // A pair behind all others goes to the end of the last leaf.
        let at = self.leaf_of(&pair).min(self.leaves.len().saturating_sub(1));
        let Some(leaf) = self.leaves.get_mut(at) else {
            self.leaves.push(Arc::new(Leaf { pairs: vec![pair], tiles: OnceLock::new() }));
            self.len += 1;
            return true;
        };
        let Err(place) = leaf.pairs.binary_search(&pair) else { return false };
        self.len += 1;
        if leaf.pairs.len() < LEAF {
            let leaf = changed(leaf);
            leaf.pairs.insert(place, pair);
            return true;
        }
        if place == LEAF {
            // Ids mostly rise: full leaves stay full, and a new one begins.
            self.leaves.insert(at + 1, Arc::new(Leaf { pairs: vec![pair], tiles: OnceLock::new() }));
            return true;
        }
        let leaf = changed(leaf);
        let mut upper = leaf.pairs.split_off(LEAF / 2);
        if place <= LEAF / 2 {
            leaf.pairs.insert(place, pair);
        } else {
            upper.insert(place - LEAF / 2, pair);
        }
        self.leaves.insert(at + 1, Arc::new(Leaf { pairs: upper, tiles: OnceLock::new() }));
        true
    }

    /// Takes a pair out; `false` when it was not there.
    pub(crate) fn remove(&mut self, pair: &Pair) -> bool {
        let at = self.leaf_of(pair);
        let Some(leaf) = self.leaves.get_mut(at) else { return false };
        let Ok(place) = leaf.pairs.binary_search(pair) else { return false };
        if leaf.pairs.len() == 1 {
            self.leaves.remove(at);
        } else {
            changed(leaf).pairs.remove(place);
        }
        self.len -= 1;
        true
    }

    /// Takes out all pairs whose ids lie in `first..=last`; gives their number. Looks at the leaves that hold some.
    pub(crate) fn remove_ids(&mut self, first: u64, last: u64) -> usize {
        let start = self.leaf_of(&(first, Code256([0; 4])));
        let end = self.leaves.partition_point(|leaf| leaf.pairs.first().is_some_and(|pair| pair.0 <= last));
        let mut removed = 0;
        // Of all leaves from `start` to `end`, only the first and the last can hold other ids.
        for leaf in self.leaves.get_mut(start..end).unwrap_or_default() {
            let from = leaf.pairs.partition_point(|pair| pair.0 < first);
            let to = leaf.pairs.partition_point(|pair| pair.0 <= last);
            if from < to {
                removed += to - from;
                changed(leaf).pairs.drain(from..to);
            }
        }
        if removed > 0 {
            self.leaves.retain(|leaf| !leaf.pairs.is_empty());
            self.len -= removed;
        }
        removed
    }

    /// All pairs in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.leaves.iter().flat_map(|leaf| &leaf.pairs)
    }

    /// The codes of one id, ascending.
    pub(crate) fn codes_of(&self, id: u64) -> impl Iterator<Item = &Code256> {
        let first = (id, Code256([0; 4]));
        self.leaves
            .get(self.leaf_of(&first)..)
            .unwrap_or_default()
            .iter()
            .flat_map(move |leaf| {
                let start = leaf.pairs.partition_point(|pair| *pair < first);
                leaf.pairs.get(start..).unwrap_or_default()
            })
            .take_while(move |pair| pair.0 == id)
            .map(|(_, code)| code)
    }

    /// Appends every pair within `radius_bits` of a probe, in no order. `found` is room to work in.
    pub(crate) fn search(
        &self,
        kernel: Kernel,
        probes: &[Probe],
        radius_bits: u32,
        found: &mut Vec<Found>,
        hits: &mut Vec<Hit>,
    ) {
        for leaf in &self.leaves {
            let tiles = leaf.tiles.get_or_init(|| {
                let codes: Vec<Code256> = leaf.pairs.iter().map(|(_, code)| *code).collect();
                Tiles::new(&codes)
            });
            for tile in tiles.tiles_below(tiles.len()) {
                kernel.scan(tile, probes, radius_bits, found);
                for Found { query, position, distance_bits } in found.drain(..) {
                    if let Some((id, _)) = leaf.pairs.get(position) {
                        hits.push(Hit { query, distance_bits, id: *id });
                    }
                }
            }
        }
    }

    /// The first leaf whose last pair is not before `pair`: the only one that can hold it.
    fn leaf_of(&self, pair: &Pair) -> usize {
        self.leaves.partition_point(|leaf| leaf.pairs.last().is_none_or(|last| last < pair))
    }
}

impl FromIterator<Pair> for PairSet {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        let mut set = Self::default();
        for pair in pairs {
            set.insert(pair);
        }
        set
    }
}

/// The leaf to change: this one when nobody else holds it, else a copy in its place.
fn changed(leaf: &mut Arc<Leaf>) -> &mut Leaf {
    let leaf = Arc::make_mut(leaf);
    leaf.tiles = OnceLock::new();
    leaf
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::probe::probes;

    fn code(n: u64) -> Code256 {
        Code256([n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n, !n, n << 7])
    }

    fn shape_holds(set: &PairSet) {
        let pairs: Vec<&Pair> = set.iter().collect();
        assert!(pairs.is_sorted_by(|a, b| a < b), "ascending, none twice");
        assert_eq!(pairs.len(), set.len());
        assert!(set.leaves.iter().all(|leaf| (1..=LEAF).contains(&leaf.pairs.len())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_pair_set_is_a_set(steps in prop::collection::vec((0u8..8, 0u64..60, 0u64..4), 0..400)) {
            let (mut set, mut model) = (PairSet::default(), BTreeSet::new());
            for (kind, id, c) in steps {
                let pair = (id, code(c));
                match kind {
                    0..=4 => prop_assert_eq!(set.insert(pair), model.insert(pair)),
                    5..=6 => prop_assert_eq!(set.remove(&pair), model.remove(&pair)),
                    _ => {
                        let before = model.len();
                        model.retain(|(other, _)| !(id..=id + c).contains(other));
                        prop_assert_eq!(set.remove_ids(id, id + c), before - model.len());
                    }
                }
                prop_assert_eq!(set.contains(&pair), model.contains(&pair));
                prop_assert!(set.codes_of(id).eq(model.iter().filter(|p| p.0 == id).map(|p| &p.1)));
            }
            shape_holds(&set);
            prop_assert!(set.iter().eq(&model));
        }
    }

    #[test]
    fn leaves_split_and_the_version_given_out_before_stays_as_it_was() {
        let mut set = PairSet::default();
        for n in 0..5000u64 {
            assert!(set.insert(((n * 7919) % 5003, code(n))));
        }
        shape_holds(&set);
        let before = set.clone();
        let seen: Vec<Pair> = before.iter().copied().collect();
        let inside = seen.iter().filter(|pair| (100..=4000).contains(&pair.0)).count();
        assert_eq!(set.remove_ids(100, 4000), inside);
        for n in 0..50 {
            set.insert((n, code(9)));
        }
        shape_holds(&set);
        assert!(before.iter().eq(&seen));
        assert_ne!(before.len(), set.len());
    }

    #[test]
    fn a_search_of_a_set_that_changed_sees_the_change_and_not_what_is_gone() {
        let mut set: PairSet = (0..3000).map(|n| (n, code(n))).collect();
        let search = |set: &PairSet, n: u64| {
            let (mut found, mut hits) = (Vec::new(), Vec::new());
            set.search(Kernel::detect(), &probes(&[code(n)]), 0, &mut found, &mut hits);
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>()
        };
        assert_eq!(search(&set, 1500), [1500]);
        set.remove(&(1500, code(1500)));
        set.insert((7, code(2999)));
        assert_eq!(search(&set, 1500), [0; 0]);
        assert_eq!(search(&set, 2999), [7, 2999]);
    }
}
