//! What a caller can change, and how.

use std::ops::RangeInclusive;

use crate::{BuildOptions, Code256};

/// One change. Changes of a commit take effect in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The pair is there from now on; nothing happens when it was.
    Add(Code256, u64),
    /// The pair is gone from now on; nothing happens when it was not there.
    Remove(Code256, u64),
    /// All pairs with these ids are gone from now on. Takes microseconds, however many they are.
    RemoveIds(RangeInclusive<u64>),
}

/// What a commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Number of the commit.
    pub generation: u64,
    /// Pairs that were not there before.
    pub added: u64,
    /// Pairs that were there and were removed one by one.
    pub removed: u64,
}

/// Changes in one commit at most.
pub(crate) const CHANGES_MAX: usize = 1_000_000;

/// How a live index keeps itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveOptions {
    /// Pairs in memory before they become a segment. More make look-ups slower (some 0.6 ns a pair and look-up), fewer
    /// make more merges. Opening reads as many from the log.
    pub memtable_pairs: usize,
    /// Segments that stay. Each costs a look-up its probes; fewer mean more merging.
    pub max_segments: usize,
    /// Whether a thread merges while calls go on. Without one, the call that makes a merge due does it: right for a
    /// program that makes one change and ends.
    pub background: bool,
    /// How segments are built: threads and memory of a merge.
    pub build: BuildOptions,
}

impl Default for LiveOptions {
    /// 4,096 pairs in memory (2 to 3 µs of a look-up; a segment of them is written in some 15 ms), 4 segments, a merging
    /// thread.
    fn default() -> Self {
        Self { memtable_pairs: 4096, max_segments: 4, background: true, build: BuildOptions::default() }
    }
}
