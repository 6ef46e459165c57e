//! An index from features, in one pass.

use super::block::{Block, LANES};
use super::simd::Kernel;
use super::tree::Tree;
use super::{Known, NOBODY, VoteIndex, fold};
use crate::{Descriptor, Features, Form, Keypoint};

/// Takes known pictures one by one and makes a [`VoteIndex`] of them.
#[derive(Debug, Default)]
pub struct VoteIndexBuilder {
    descriptors: Vec<Descriptor>,
    keypoints: Vec<Keypoint>,
    pictures: Vec<Known>,
}

impl VoteIndexBuilder {
    /// Features of an index at most: slots are numbered in 32 bits.
    pub const MAX_FEATURES: usize = 1 << 30;

    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a known picture under a number of the caller's. False, and nothing added, when the index is full.
    pub fn push(&mut self, id: u64, features: &Features) -> bool {
        let n = features.keypoints.len().min(features.descriptors.len());
        let side = |side: u16| side.clamp(1, crate::Luma::MAX_SIDE as u16);
        if self.descriptors.len() + n > Self::MAX_FEATURES || self.pictures.len() >= (NOBODY >> 2) as usize {
            return false;
        }
        self.descriptors.extend_from_slice(&features.descriptors[..n]);
        self.keypoints.extend_from_slice(&features.keypoints[..n]);
        let end = self.descriptors.len() as u32;
        self.pictures.push(Known { id, width: side(features.width), height: side(features.height), end });
        true
    }

    /// The index. Cost: some microseconds a feature; the memory of the index twice.
    pub fn finish(self) -> VoteIndex {
        let kernel = Kernel::detect();
        let Self { mut descriptors, keypoints, pictures } = self;
        if descriptors.is_empty() {
            let tree = Tree { branch: 0, first: Vec::new(), second: Vec::new() };
            let (starts, blocks, owners, keypoints, slots) = (vec![0], vec![], vec![], vec![], vec![]);
            return VoteIndex { tree, starts, blocks, owners, keypoints, slots, pictures, kernel };
        }
        let forms: Vec<Form> = descriptors.iter().map(|d| fold::kept(*d)).collect();
        for (descriptor, form) in descriptors.iter_mut().zip(&forms) {
            *descriptor = descriptor.in_form(*form);
        }
        let tree = Tree::learn(kernel, &descriptors);
        let leaves: Vec<u32> = descriptors.iter().map(|d| tree.leaf(kernel, d)).collect();
        let mut counts = vec![0u32; tree.leaves()];
        for &leaf in &leaves {
            counts[leaf as usize] += 1;
        }
        // Buckets start at whole blocks.
        let mut starts = vec![0u32];
        let mut end = 0;
        for count in counts {
            end += count.div_ceil(LANES as u32);
            starts.push(end);
        }
        let mut blocks = vec![Block::EMPTY; end as usize];
        let mut owners = vec![NOBODY; end as usize * LANES];
        let mut placed = vec![Keypoint { x: 0, y: 0, scale: 0, angle: 0 }; end as usize * LANES];
        let mut slots = vec![0u32; descriptors.len()];
        let mut next: Vec<u32> = starts.iter().map(|start| start * LANES as u32).collect();
        let mut from = 0usize;
        for (picture, known) in (0u32..).zip(&pictures) {
            for k in from..known.end as usize {
                let slot = &mut next[leaves[k] as usize];
                blocks[*slot as usize / LANES].set(*slot as usize % LANES, descriptors[k]);
                owners[*slot as usize] = picture * Form::ALL.len() as u32 + forms[k].number() as u32;
                placed[*slot as usize] = keypoints[k];
                slots[k] = *slot;
                *slot += 1;
            }
            slots[from..known.end as usize].sort_unstable();
            from = known.end as usize;
        }
        VoteIndex { tree, starts, blocks, owners, keypoints: placed, slots, pictures, kernel }
    }
}
