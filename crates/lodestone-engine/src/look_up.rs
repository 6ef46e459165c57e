//! Look-ups: what they cost, and what went wrong with them.

use lodestone_index::{SearchStats, SegmentError};
use lodestone_store::StoreError;

/// Why a look-up gave no answer. Never to be taken for "no match".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookUpError {
    /// The index cannot be read.
    #[error("the index cannot be read ({0}); `lodestone index rebuild` makes it again from the banks")]
    Index(#[from] SegmentError),
    /// The banks cannot be read.
    #[error("the banks cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The index and the banks are not of one state.
    #[error("the index does not fit the banks ({0}); `lodestone index rebuild` makes it again from them")]
    Mismatch(String),
    /// The user's descriptor has not described all of the picture.
    #[error("layer 4 has not looked at all of it: {0}")]
    Descriptor(String),
}

/// What the look-ups of a run looked at, and how many gave no answer.
#[derive(Clone, Debug, Default)]
pub struct LookUps {
    /// Work done.
    pub stats: SearchStats,
    /// Items for which a look-up failed.
    pub failed: u64,
    /// Why the first of them failed.
    pub first_failure: Option<String>,
}

impl LookUps {
    /// Adds those of another part of the same run, which came after these.
    pub fn add(&mut self, other: Self) {
        self.stats += other.stats;
        self.failed += other.failed;
        if self.first_failure.is_none() {
            self.first_failure = other.first_failure;
        }
    }

    /// Counts an item whose look-up failed.
    pub fn fail(&mut self, error: &LookUpError) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| error.to_string());
    }
}
