//! What is left of a picture after the filter: enough for every hash of it.

use crate::{
    PdqHash,
    dct::{Block16, Block64},
    quality::quality,
    simd::Kernel,
};

/// A picture's low frequencies and its PDQ quality, from which hashes come at a few microseconds each.
#[derive(Clone, Debug, PartialEq)]
pub struct PdqFeatures {
    kernel: Kernel,
    /// `None` for a picture below [`crate::MIN_SIDE`].
    block: Option<Box<Block16>>,
    /// Of a 64 × 64 picture, which the reference filters for the dihedral hashes only.
    filtered: Option<Box<Block16>>,
    quality: u8,
}

impl PdqFeatures {
    /// A picture too small to hash: hash 0, quality 0.
    pub(crate) fn too_small(kernel: Kernel) -> Self {
        Self { kernel, block: None, filtered: None, quality: 0 }
    }

    pub(crate) fn new(kernel: Kernel, picture: &Block64) -> Self {
        Self { kernel, block: Some(block_of(kernel, picture)), filtered: None, quality: quality(picture) }
    }

    /// Of a 64 × 64 picture, `picture` as it came and `filtered`.
    pub(crate) fn of_64x64(kernel: Kernel, picture: &Block64, filtered: &Block64) -> Self {
        Self { filtered: Some(block_of(kernel, filtered)), ..Self::new(kernel, picture) }
    }

    /// The PDQ hash.
    pub fn hash(&self) -> PdqHash {
        self.block.as_deref().map_or_else(PdqHash::default, |block| self.kernel.hash(block))
    }

    /// The hashes of the picture's eight symmetries, in the reference's order: as is, rot90, rot180, rot270, flipX,
    /// flipY, flipPlus1, flipMinus1. The first equals [`Self::hash`], but for pictures of exactly 64 × 64 pixels: those
    /// the reference filters here and not there.
    ///
    /// Cost: about four times that of one hash. *Source:* `pdqDihedralHash256esFromFloatLuma`.
    pub fn dihedral(&self) -> [PdqHash; 8] {
        let block = self.filtered.as_deref().or(self.block.as_deref());
        block.map_or_else(Default::default, |block| self.kernel.dihedral(block))
    }

    /// PDQ quality, 0 to 100: how much gradient the picture holds. Below 50 a hash says little.
    pub fn quality(&self) -> u8 {
        self.quality
    }

    /// The DCT coefficients (1 to 16) × (1 to 16), row-major, that the bits of [`Self::hash`] are made of; `None` for a
    /// picture too small to hash.
    pub fn frequencies(&self) -> Option<&[[f32; 16]; 16]> {
        self.block.as_deref()
    }
}

fn block_of(kernel: Kernel, picture: &Block64) -> Box<Block16> {
    let mut block = Box::new([[0.0; 16]; 16]);
    kernel.dct(picture, &mut block);
    block
}
