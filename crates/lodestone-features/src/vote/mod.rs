//! Which of very many known pictures share features with a questioned one.
//!
//! All descriptors lie in buckets of an inverted file: a quantiser of two levels of learned binary centres (`tree`), the
//! full descriptors side by side in each bucket, so that looking into one is one run through memory. The exact tables of
//! `lodestone-index` are made for radii of some 31 of 256 bits; a corner and its copy differ in 20 to 70, where every
//! exact method looks at a good part of everything. Missing some is no loss here: a known picture needs a few of its two
//! hundred corners found, and guided matching (`align`) finds the others.
//!
//! A hit is a vote for its picture, with a weight that falls with the distance and with how many hits the same questioned
//! feature has: letters, logos and lattices that stand in many pictures count for little. Votes of a picture count
//! together only if they agree on how it was moved (`search`).
//!
//! *Source:* Jégou, Douze, Schmid, "Hamming embedding and weak geometric consistency for large scale image search",
//! ECCV 2008; Muja and Lowe, "Fast matching of binary features", CRV 2012.

mod block;
mod build;
mod file;
mod fold;
mod search;
#[allow(unsafe_code)] // the dispatching calls and the prefetch
mod simd;
mod tree;

use block::{Block, LANES};
use simd::Kernel;
use tree::Tree;

use crate::{Descriptor, Features, Form, Keypoint};

pub use build::VoteIndexBuilder;
pub use file::VoteFileError;
pub use search::{VoteOptions, VoteStats};

/// Owner of the filling of a bucket's last block.
const NOBODY: u32 = u32::MAX;

/// Features of many known pictures, searched for those that a questioned picture may hold.
///
/// Memory: about 47 bytes a feature, 9.4 KB a picture of 200; at 20 million features the centres are 8 MB more.
#[derive(Debug, Clone)]
pub struct VoteIndex {
    tree: Tree,
    /// First block of each bucket, and the end.
    starts: Vec<u32>,
    /// Descriptors, each in the form that is kept of it (`fold`).
    blocks: Vec<Block>,
    /// By slot, which is eight times the block and the lane: four times the picture, and the number of the form.
    owners: Vec<u32>,
    keypoints: Vec<Keypoint>,
    /// Slots of the features of each picture, ascending, one picture after another.
    slots: Vec<u32>,
    pictures: Vec<Known>,
    kernel: Kernel,
}

/// A known picture of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    id: u64,
    width: u16,
    height: u16,
    /// End of its slots; they start where those of the picture before end.
    end: u32,
}

impl VoteIndex {
    /// Number of known pictures.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// The caller's number of the picture that was added as the `picture`th.
    pub fn id(&self, picture: usize) -> Option<u64> {
        self.pictures.get(picture).map(|known| known.id)
    }

    /// Bytes of memory that the index takes.
    pub fn memory_bytes(&self) -> usize {
        let words = self.starts.len() + self.owners.len() + self.slots.len();
        let blocks = self.blocks.len() + self.tree.first.len() + self.tree.second.len();
        words * 4
            + blocks * size_of::<Block>()
            + self.keypoints.len() * size_of::<Keypoint>()
            + self.pictures.len() * size_of::<Known>()
    }

    /// The features of the picture that was added as the `picture`th, in the order of the index.
    pub fn features(&self, picture: usize) -> Option<Features> {
        let known = self.pictures.get(picture)?;
        let slots = self.slots_of(picture);
        let keypoints = slots.iter().map(|slot| self.keypoints[*slot as usize]).collect();
        let descriptors = slots.iter().map(|slot| self.descriptor(*slot)).collect();
        Some(Features { width: known.width, height: known.height, keypoints, descriptors })
    }

    fn slots_of(&self, picture: usize) -> &[u32] {
        let start = picture.checked_sub(1).map_or(0, |before| self.pictures[before].end);
        &self.slots[start as usize..self.pictures[picture].end as usize]
    }

    fn descriptor(&self, slot: u32) -> Descriptor {
        let kept = self.blocks[slot as usize / LANES].of(slot as usize % LANES);
        // A form undoes itself.
        kept.in_form(Form::ALL[self.owners[slot as usize] as usize % Form::ALL.len()])
    }
}
