//! A map that grows by small steps while older states of it are looked into.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Layers of a map, the newest last. A step adds a layer; layers of about one size become one, so that there are some
/// `log2(n)` of them and a key is copied as often.
#[derive(Clone, Debug)]
pub(crate) struct Layers<K, V> {
    layers: Vec<Arc<BTreeMap<K, V>>>,
}

impl<K, V> Default for Layers<K, V> {
    fn default() -> Self {
        Self { layers: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Layers<K, V> {
    /// The map with these keys too. `join` makes one of the older and the newer value of a key.
    pub(crate) fn with(&self, step: BTreeMap<K, V>, join: impl Fn(&mut V, V)) -> Self {
        if step.is_empty() {
            return self.clone();
        }
        let mut layers = self.layers.clone();
        let mut top = step;
        while let Some(below) = layers.last().filter(|below| below.len() < top.len() * 2) {
            let mut merged = BTreeMap::clone(below);
            for (key, value) in top {
                match merged.get_mut(&key) {
                    Some(old) => join(old, value),
                    None => {
                        merged.insert(key, value);
                    }
                }
            }
            layers.pop();
            top = merged;
        }
        layers.push(Arc::new(top));
        Self { layers }
    }

    /// What each layer has under a key, the newest first.
    pub(crate) fn each<'m>(&'m self, key: &'m K) -> impl Iterator<Item = &'m V> {
        self.layers.iter().rev().filter_map(move |layer| layer.get(key))
    }

    /// The newest value of a key.
    pub(crate) fn newest(&self, key: &K) -> Option<&V> {
        self.layers.iter().rev().find_map(|layer| layer.get(key))
    }

    /// Keys, those in several layers counted in each.
    pub(crate) fn len(&self) -> usize {
        self.layers.iter().map(|layer| layer.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_answer_like_one_map_and_stay_few() {
        let mut layers: Layers<u32, u32> = Layers::default();
        let mut map = BTreeMap::new();
        for step in 0..500u32 {
            let keys: BTreeMap<u32, u32> = (0..3).map(|i| ((step * 7 + i * 11) % 601, step)).collect();
            map.extend(keys.clone());
            layers = layers.with(keys, |old, new| *old = new);
            assert!(layers.layers.len() <= 12, "{}", layers.layers.len());
        }
        for key in 0..601 {
            assert_eq!(layers.newest(&key), map.get(&key));
        }
        assert!(layers.len() >= map.len());
    }

    #[test]
    fn an_older_state_stays_as_it_was() {
        let before: Layers<u8, Vec<u8>> = Layers::default().with([(1, vec![1])].into(), |a, b| a.extend(b));
        let after = before.with([(1, vec![2])].into(), |a, b| a.extend(b));
        assert_eq!(before.newest(&1), Some(&vec![1]));
        let all: Vec<u8> = after.each(&1).flatten().copied().collect();
        assert_eq!(all.len(), 2);
    }
}
