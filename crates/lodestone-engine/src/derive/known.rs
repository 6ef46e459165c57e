//! What is kept of known pictures beside their hashes: features to vote with, and small grey copies while there is room.

use std::collections::BTreeMap;

use lodestone_features::{Features, Luma, VoteIndex, VoteIndexBuilder};

/// Bytes of grey copies that are kept, so that what was replaced of a known picture can be shown. Some 850 pictures.
const MOST_GREY_BYTES: usize = 256 << 20;

/// Gathers features and grey copies, by the keys of their entries.
#[derive(Debug, Default)]
pub(crate) struct KnownBuilder {
    votes: VoteIndexBuilder,
    places: BTreeMap<u64, usize>,
    grey: BTreeMap<u64, Luma>,
    grey_bytes: usize,
}

impl KnownBuilder {
    /// Takes an entry's features; `false` where no more fit.
    pub(crate) fn features(&mut self, key: u64, features: &Features) -> bool {
        let place = self.places.len();
        let taken = self.votes.push(key, features);
        if taken {
            self.places.insert(key, place);
        }
        taken
    }

    /// Takes an entry's grey copy while there is room.
    pub(crate) fn grey(&mut self, key: u64, luma: Luma) {
        let bytes = luma.pixels().len();
        if self.grey_bytes + bytes <= MOST_GREY_BYTES {
            self.grey_bytes += bytes;
            self.grey.insert(key, luma);
        }
    }

    pub(crate) fn build(self) -> Known {
        Known { votes: self.votes.finish(), places: self.places, grey: self.grey }
    }
}

/// Known pictures by their features. Immutable.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) votes: VoteIndex,
    /// Where the features of each entry stand in the index.
    places: BTreeMap<u64, usize>,
    grey: BTreeMap<u64, Luma>,
}

impl Default for Known {
    fn default() -> Self {
        KnownBuilder::default().build()
    }
}

impl Known {
    /// Pictures with features.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Keys of its pictures, rising.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        self.places.keys().copied()
    }

    /// Whether it has an entry's features.
    pub(crate) fn has(&self, key: u64) -> bool {
        self.places.contains_key(&key)
    }

    /// Bytes of memory that features and the index that votes over them take.
    pub(crate) fn feature_bytes(&self) -> u64 {
        // Nodes of the map are half full at worst.
        let places = self.places.len() * 2 * (size_of::<u64>() + size_of::<usize>());
        (self.votes.memory_bytes() + places) as u64
    }

    /// The features of an entry.
    pub(crate) fn features(&self, key: u64) -> Option<Features> {
        self.votes.features(*self.places.get(&key)?)
    }

    /// The small grey copy of an entry.
    pub(crate) fn grey(&self, key: u64) -> Option<&Luma> {
        self.grey.get(&key)
    }
}
