//! Blocks checked before their first use.

use std::sync::atomic::{AtomicU64, Ordering};

use super::format::{BLOCK, Plan, Span, checksum};
use crate::ring::Guard;

/// Which blocks have been found whole.
///
/// Order of memory does not matter: the bytes never change, and a bit that is seen late only costs a second check.
#[derive(Debug)]
pub(super) struct Blocks {
    /// A bit for each block of the sections, then one for each of the checksums.
    whole: Vec<AtomicU64>,
    /// Where the last damaged block begins; `u64::MAX`: none.
    damaged: AtomicU64,
}

impl Blocks {
    /// Nothing checked yet. Memory: a bit for each 4,096 bytes of the image.
    pub(super) fn new(plan: &Plan) -> Self {
        let blocks = plan.top.at / BLOCK;
        let whole = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { whole, damaged: AtomicU64::new(u64::MAX) }
    }

    /// Where a block was found damaged.
    pub(super) fn damaged(&self) -> Option<u64> {
        Some(self.damaged.load(Ordering::Relaxed)).filter(|at| *at != u64::MAX)
    }
}

/// The guard of an image whose blocks are not all known to be whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked<'a> {
    pub(super) image: &'a [u8],
    pub(super) plan: &'a Plan,
    pub(super) blocks: &'a Blocks,
}

impl Guard for Checked<'_> {
    #[inline]
    fn ready(&self, offset: u64, len: u64) -> bool {
        let blocks = offset / BLOCK..offset.saturating_add(len).div_ceil(BLOCK);
        len == 0 || blocks.into_iter().all(|block| self.is_whole(block))
    }
}

impl Checked<'_> {
    #[inline]
    fn is_whole(&self, block: u64) -> bool {
        let word = self.blocks.whole.get((block / 64) as usize);
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (block % 64) & 1 == 1) || self.check(block)
    }

    /// Checks one block: first the block that holds its checksum, whose own was checked at opening.
    #[cold]
    pub(super) fn check(&self, block: u64) -> bool {
        let Some(word) = self.blocks.whole.get((block / 64) as usize) else { return false };
        let in_sums = block.checked_sub(self.plan.blocks());
        let sum_at = match in_sums {
            Some(block) => self.plan.top.at + 8 * block,
            None => self.plan.sums.at + 8 * block,
        };
        if in_sums.is_none() && !self.is_whole(sum_at / BLOCK) {
            return false;
        }
        let bytes = Span { at: block * BLOCK, len: BLOCK }.of(self.image);
        let sum = Span { at: sum_at, len: 8 }.of(self.image);
        if sum != checksum(bytes).to_le_bytes() {
            self.blocks.damaged.store(block * BLOCK, Ordering::Relaxed);
            return false;
        }
        word.fetch_or(1 << (block % 64), Ordering::Relaxed);
        true
    }
}
