//! Which entries have exactly these bytes, of a set that grows.

use std::collections::BTreeMap;
use std::sync::Arc;

use lodestone_index::DigestIndex;

use super::layers::Layers;

/// Digests of `N` bytes: those read at opening, compact, and those that came since.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digests<const N: usize> {
    base: Arc<Base<N>>,
    recent: Layers<[u8; N], Vec<u64>>,
}

#[derive(Debug, Default)]
struct Base<const N: usize> {
    index: DigestIndex<N>,
    /// Entry numbers, by the number under which the index has them.
    keys: Vec<u64>,
}

/// Gathers digests and the entries that have them.
#[derive(Default)]
pub(crate) struct Gathered<const N: usize> {
    entries: Vec<([u8; N], u32)>,
    keys: Vec<u64>,
}

impl<const N: usize> Gathered<N> {
    /// Takes a digest in; values of another size are none.
    pub(crate) fn push(&mut self, key: u64, value: &[u8]) {
        if let (Ok(value), Ok(slot)) = (value.try_into(), u32::try_from(self.keys.len())) {
            self.entries.push((value, slot));
            self.keys.push(key);
        }
    }

    /// The set of all of them.
    pub(crate) fn into_set(self) -> Digests<N> {
        let base = Base { index: DigestIndex::from_entries(self.entries), keys: self.keys };
        Digests { base: Arc::new(base), recent: Layers::default() }
    }
}

impl<const N: usize> Digests<N> {
    /// The set with these too.
    pub(crate) fn with(&self, new: &[(u64, [u8; N])]) -> Self {
        let mut step: BTreeMap<[u8; N], Vec<u64>> = BTreeMap::new();
        for (key, value) in new {
            step.entry(*value).or_default().push(*key);
        }
        let recent = self.recent.with(step, |old, new| old.extend(new));
        Self { base: Arc::clone(&self.base), recent }
    }

    /// Entries that have, or had, this digest, by number and each once.
    pub(crate) fn keys(&self, value: &[u8]) -> Vec<u64> {
        let Ok(value) = <&[u8; N]>::try_from(value) else { return Vec::new() };
        let slots = self.base.index.ids(value);
        let base = slots.iter().filter_map(|slot| self.base.keys.get(*slot as usize)).copied();
        let mut keys: Vec<u64> = base.chain(self.recent.each(value).flatten().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_both_times_are_found() {
        let mut gathered: Gathered<2> = Gathered::default();
        gathered.push(7, &[1, 1]);
        gathered.push(8, &[1, 2]);
        gathered.push(9, &[1]);
        let set = gathered.into_set();
        let later = set.with(&[(4, [1, 1]), (4, [1, 1]), (5, [9, 9])]);
        assert_eq!(later.keys(&[1, 1]), [4, 7]);
        assert_eq!(later.keys(&[9, 9]), [5]);
        assert_eq!(set.keys(&[9, 9]), [0u64; 0]);
        assert!(later.keys(&[1]).is_empty());
    }
}
