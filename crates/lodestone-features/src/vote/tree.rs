//! The quantiser: which of many buckets a descriptor belongs in.
//!
//! Two levels of binary centres, learned from the descriptors themselves: each bit of a centre is what most of its
//! descriptors have. Real descriptors crowd, so that buckets by sampled bits would be very uneven; those by centres
//! follow the crowd.

use super::block::{Block, LANES, blocks};
use super::simd::Kernel;
use crate::Descriptor;

/// Descriptors in a bucket that are aimed at.
const BUCKET: usize = 64;
/// Descriptors that the centres of the first level are learned from at most.
const FIRST_SAMPLE: usize = 1 << 16;
/// The same for the second level.
const SECOND_SAMPLE: usize = 2 << 20;
/// Rounds of learning.
const ROUNDS: usize = 5;

/// Two levels of centres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Centres of the first level and, under each, of the second: a multiple of 8.
    pub(crate) branch: usize,
    pub(crate) first: Vec<Block>,
    /// Those under one centre of the first level after those under the one before.
    pub(crate) second: Vec<Block>,
}

impl Tree {
    /// Centres learned from `all`, which has at least one.
    pub(crate) fn learn(kernel: Kernel, all: &[Descriptor]) -> Self {
        let branch = ((all.len() / BUCKET) as f64).sqrt() as usize;
        let branch = branch.clamp(1, 512).next_multiple_of(LANES);
        let first = centres(kernel, &sample(all, FIRST_SAMPLE), branch);
        let taken = sample(all, SECOND_SAMPLE);
        let mut under: Vec<Vec<Descriptor>> = vec![Vec::new(); branch];
        for descriptor in &taken {
            under[kernel.nearest(&first, descriptor).0 as usize].push(*descriptor);
        }
        let mut second = Vec::new();
        for (k, members) in under.iter_mut().enumerate() {
            if members.is_empty() {
                members.push(first[k / LANES].of(k % LANES));
            }
            second.append(&mut centres(kernel, members, branch));
        }
        Self { branch, first, second }
    }

    /// Number of buckets.
    pub(crate) fn leaves(&self) -> usize {
        self.branch * self.branch
    }

    /// The bucket a descriptor is kept in.
    pub(crate) fn leaf(&self, kernel: Kernel, descriptor: &Descriptor) -> u32 {
        let first = kernel.nearest(&self.first, descriptor).0 as usize;
        first as u32 * self.branch as u32 + kernel.nearest(self.under(first), descriptor).0
    }

    /// Centres under one of the first level.
    pub(crate) fn under(&self, first: usize) -> &[Block] {
        let step = self.branch / LANES;
        &self.second[first * step..(first + 1) * step]
    }
}

/// Up to `most` of all, evenly spaced.
fn sample(all: &[Descriptor], most: usize) -> Vec<Descriptor> {
    let n = all.len().min(most);
    (0..n).map(|k| all[(k as u64 * all.len() as u64 / n as u64) as usize]).collect()
}

/// `count` centres of `members`, of which there is at least one; a centre that nobody is nearest to stays as it was.
fn centres(kernel: Kernel, members: &[Descriptor], count: usize) -> Vec<Block> {
    let mut centres: Vec<Descriptor> =
        (0..count).map(|k| members[(k as u64 * members.len() as u64 / count as u64) as usize]).collect();
    if members.len() <= count {
        return blocks(&centres);
    }
    for _ in 0..ROUNDS {
        let laid = blocks(&centres);
        let mut ones = vec![[0u32; 256]; count];
        let mut sizes = vec![0u32; count];
        for member in members {
            let at = kernel.nearest(&laid, member).0 as usize;
            sizes[at] += 1;
            for (sums, word) in ones[at].chunks_exact_mut(64).zip(member.0) {
                for (bit, sum) in sums.iter_mut().enumerate() {
                    *sum += (word >> bit & 1) as u32;
                }
            }
        }
        for ((centre, ones), size) in centres.iter_mut().zip(&ones).zip(&sizes) {
            if *size > 0 {
                for (word, sums) in centre.0.iter_mut().zip(ones.chunks_exact(64)) {
                    *word = sums
                        .iter()
                        .enumerate()
                        .fold(0, |word, (bit, sum)| word | u64::from(2 * sum > *size) << bit);
                }
            }
        }
    }
    blocks(&centres)
}
