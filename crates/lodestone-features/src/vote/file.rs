//! The index as bytes: flat arrays, each starting at a multiple of 64, as a file that is mapped would want them.
//!
//! All numbers little-endian.
//!
//! ```text
//! offset   bytes         what
//! 0        4             "LdV2"
//! 4        2             version of the extractor (see EXTRACTOR)
//! 6        2             zeros
//! 8        8             b, centres of the first level; 0 for an empty index
//! 16       8             p, known pictures
//! 24       8             k, blocks of eight descriptors
//! 32       8             f, features
//! 40       8             checksum of all that follows the first 64 bytes
//! 48       16            zeros
//! 64       p x 16        pictures: caller's number (8), width (2), height (2), end of its features (4)
//!          b/8 x 256     centres of the first level: blocks, each eight first words, eight second words …
//!          b*b/8 x 256   centres of the second level
//!          (b*b+1) x 4   first block of each bucket, and k
//!          k x 256       blocks of descriptors
//!          k x 32        owner of each slot: four times the number of the picture, and the form in which the
//!                        descriptor is kept (1 mirrored, 2 negative, 3 both), or 2^32 - 1 for none
//!          k x 48        keypoint of each slot, as in a feature record
//!          f x 4         slots of each picture's features, ascending within a picture
//! ```
//!
//! Zeros fill each array up to a multiple of 64 bytes. The checksum finds damage, not malice.

use super::block::{Block, LANES};
use super::simd::Kernel;
use super::tree::Tree;
use super::{Known, NOBODY, VoteIndex};
use crate::{EXTRACTOR, Form, Keypoint};

const MAGIC: [u8; 4] = *b"LdV2";
const HEAD: usize = 64;

/// Why bytes are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteFileError {
    /// Something else, or cut off.
    #[error("not a feature index")]
    NotOne,
    /// Made of features of another extractor.
    #[error("an index of features of extractor {found}; this one is {EXTRACTOR}")]
    Extractor {
        /// The version that made them.
        found: u16,
    },
    /// The checksum is not that of the bytes.
    #[error("a damaged feature index")]
    Damaged,
    /// A value that cannot be.
    #[error("a feature index whose {0} cannot be")]
    Value(&'static str),
}

/// *Source:* Fowler, Noll, Vo, FNV-1a, on words of 64 bits; the array is a multiple of 64 bytes.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.as_chunks::<8>().0.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3);
        mixed ^ mixed >> 29
    })
}

impl VoteIndex {
    /// The index as bytes, to be read by [`VoteIndex::from_bytes`]. Memory: the index once more.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0u8; HEAD];
        let block =
            |block: &Block| block.0.as_flattened().iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        for known in &self.pictures {
            out.extend(known.id.to_le_bytes());
            out.extend(known.width.to_le_bytes());
            out.extend(known.height.to_le_bytes());
            out.extend(known.end.to_le_bytes());
        }
        fill(&mut out);
        self.tree.first.iter().for_each(|b| out.extend(block(b)));
        self.tree.second.iter().for_each(|b| out.extend(block(b)));
        self.starts.iter().for_each(|start| out.extend(start.to_le_bytes()));
        fill(&mut out);
        self.blocks.iter().for_each(|b| out.extend(block(b)));
        self.owners.iter().for_each(|owner| out.extend(owner.to_le_bytes()));
        fill(&mut out);
        for k in &self.keypoints {
            out.extend(k.x.to_le_bytes());
            out.extend(k.y.to_le_bytes());
            out.extend([k.scale, k.angle]);
        }
        fill(&mut out);
        self.slots.iter().for_each(|slot| out.extend(slot.to_le_bytes()));
        fill(&mut out);
        let sum = checksum(&out[HEAD..]);
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&EXTRACTOR.to_le_bytes());
        let counts =
            [self.tree.branch, self.pictures.len(), self.blocks.len(), self.slots.len()].map(|n| n as u64);
        for (place, count) in
            out[8..48].as_chunks_mut::<8>().0.iter_mut().zip(counts.into_iter().chain([sum]))
        {
            *place = count.to_le_bytes();
        }
        out
    }

    /// Reads an index.
    ///
    /// # Errors
    /// [`VoteFileError`]. Whatever the bytes, what is read can be searched: every number in it is checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VoteFileError> {
        let (head, body) = bytes.split_at_checked(HEAD).ok_or(VoteFileError::NotOne)?;
        if head[..4] != MAGIC || head[6..8] != [0; 2] || head[48..] != [0; 16] {
            return Err(VoteFileError::NotOne);
        }
        let found = u16::from_le_bytes([head[4], head[5]]);
        if found != EXTRACTOR {
            return Err(VoteFileError::Extractor { found });
        }
        let count = |at: usize| u64::from_le_bytes(std::array::from_fn(|k| head[at + k]));
        let [branch, pictures, blocks, features] = [8, 16, 24, 32].map(count);
        if branch > 512 || branch % LANES as u64 != 0 {
            return Err(VoteFileError::Value("number of centres"));
        }
        let leaves = branch * branch;
        // Every array lies in the bytes, so no count is larger than they are.
        let mut rest = body;
        let mut take = |items: u64, size: u64, whole: bool| -> Result<&[u8], VoteFileError> {
            let bytes =
                items.checked_mul(size).filter(|n| *n <= rest.len() as u64).ok_or(VoteFileError::NotOne)?;
            let filled = if whole { bytes.next_multiple_of(64) } else { bytes };
            let (taken, after) = rest.split_at_checked(filled as usize).ok_or(VoteFileError::NotOne)?;
            rest = after;
            Ok(&taken[..bytes as usize])
        };
        let known = take(pictures, 16, true)?;
        let first = take(branch / LANES as u64, 256, false)?;
        let second = take(leaves / LANES as u64, 256, false)?;
        let starts = take(leaves + 1, 4, true)?;
        let laid = take(blocks, 256, false)?;
        let owners = take(blocks, 32, true)?;
        let keypoints = take(blocks, 48, true)?;
        let slots = take(features, 4, true)?;
        if !rest.is_empty() {
            return Err(VoteFileError::NotOne);
        }
        if checksum(body) != count(40) {
            return Err(VoteFileError::Damaged);
        }
        let index = Self {
            tree: Tree { branch: branch as usize, first: read_blocks(first), second: read_blocks(second) },
            starts: words(starts),
            blocks: read_blocks(laid),
            owners: words(owners),
            keypoints: keypoints.as_chunks().0.iter().map(read_keypoint).collect(),
            slots: words(slots),
            pictures: known.as_chunks().0.iter().map(read_known).collect(),
            kernel: Kernel::detect(),
        };
        index.check()?;
        Ok(index)
    }

    /// Whether every number leads to where it should.
    fn check(&self) -> Result<(), VoteFileError> {
        let starts_rise = self.starts.is_sorted() && self.starts.first() == Some(&0);
        if !starts_rise || self.starts.last().map(|end| *end as usize) != Some(self.blocks.len()) {
            return Err(VoteFileError::Value("bucket"));
        }
        if self.pictures.len() >= (NOBODY >> 2) as usize {
            return Err(VoteFileError::Value("number of pictures"));
        }
        if self
            .owners
            .iter()
            .any(|owner| *owner != NOBODY && *owner as usize / Form::ALL.len() >= self.pictures.len())
        {
            return Err(VoteFileError::Value("owner"));
        }
        let ends = || self.pictures.iter().map(|known| known.end);
        if !ends().is_sorted() || ends().next_back().unwrap_or(0) as usize != self.slots.len() {
            return Err(VoteFileError::Value("number of features"));
        }
        for (picture, known) in (0u32..).zip(&self.pictures) {
            let side = |side: u16| (1..=crate::Luma::MAX_SIDE).contains(&u32::from(side));
            if !side(known.width) || !side(known.height) {
                return Err(VoteFileError::Value("side"));
            }
            let slots = self.slots_of(picture as usize);
            let owner = |slot: &u32| self.owners.get(*slot as usize).filter(|owner| **owner != NOBODY);
            let owned = |slot: &u32| owner(slot).map(|owner| owner / Form::ALL.len() as u32) == Some(picture);
            if !slots.is_sorted_by(|a, b| a < b) || !slots.iter().all(owned) {
                return Err(VoteFileError::Value("slot"));
            }
        }
        Ok(())
    }
}

/// Fills up to a multiple of 64 bytes.
fn fill(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(64), 0);
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn read_blocks(bytes: &[u8]) -> Vec<Block> {
    let block = |bytes: &[u8; 256]| {
        let mut block = Block::EMPTY;
        for (word, bytes) in block.0.as_flattened_mut().iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        block
    };
    bytes.as_chunks::<256>().0.iter().map(block).collect()
}

fn read_keypoint(&[x, x1, y, y1, scale, angle]: &[u8; 6]) -> Keypoint {
    Keypoint { x: u16::from_le_bytes([x, x1]), y: u16::from_le_bytes([y, y1]), scale, angle }
}

fn read_known(bytes: &[u8; 16]) -> Known {
    let id = u64::from_le_bytes(std::array::from_fn(|k| bytes[k]));
    let end = u32::from_le_bytes(std::array::from_fn(|k| bytes[12 + k]));
    let side = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    Known { id, width: side(8), height: side(10), end }
}
