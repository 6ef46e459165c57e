//! What is left of a picture after the filter: enough for every hash of it.

use crate::{
    PdqHash,
    dct::{Block16, Block64},
    quality::quality,
    simd::Kernel,
};

/// Which pixels a hash was made from. Hashes of different modes are not the same to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// All of them: what exchanges carry.
    Exact,
    /// Those that [`crate::Pre::Nearest512`] left.
    Nearest512,
    /// A scaled decode, see [`crate::FoldedPdq`]: for screening only.
    Folded,
}

/// A picture's low frequencies and its PDQ quality, from which hashes come at a few microseconds each.
#[derive(Clone, Debug)]
pub struct PdqFeatures {
    kernel: Kernel,
    mode: Mode,
    /// `None` for a picture below [`crate::MIN_SIDE`].
    block: Option<Box<Block16>>,
    /// Of a 64 × 64 picture, which the reference filters for the dihedral hashes only.
    filtered: Option<Box<Block16>>,
    quality: u8,
}

impl PdqFeatures {
    /// A picture too small to hash: hash 0, quality 0.
    pub(crate) fn too_small(kernel: Kernel, mode: Mode) -> Self {
        Self { kernel, mode, block: None, filtered: None, quality: 0 }
    }

    pub(crate) fn new(kernel: Kernel, mode: Mode, picture: &Block64) -> Self {
        Self {
            kernel,
            mode,
            block: Some(block_of(kernel, picture)),
            filtered: None,
            quality: quality(picture),
        }
    }

    /// Of a 64 × 64 picture, `picture` as it came and `filtered`.
    pub(crate) fn of_64x64(kernel: Kernel, mode: Mode, picture: &Block64, filtered: &Block64) -> Self {
        Self { filtered: Some(block_of(kernel, filtered)), ..Self::new(kernel, mode, picture) }
    }

    /// Of a picture that is already blurred and decimated to 64 × 64 luma values from 0 to 255, row-major.
    pub fn from_decimated(kernel: Kernel, picture: &[[f32; 64]; 64]) -> Self {
        Self::new(kernel, Mode::Exact, picture)
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

    /// Which pixels it was made from.
    pub fn mode(&self) -> Mode {
        self.mode
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

/// Equal frequencies, quality and mode, whichever kernel made them.
impl PartialEq for PdqFeatures {
    fn eq(&self, other: &Self) -> bool {
        (self.mode, self.quality, &self.block, &self.filtered)
            == (other.mode, other.quality, &other.block, &other.filtered)
    }
}

fn block_of(kernel: Kernel, picture: &Block64) -> Box<Block16> {
    let mut block = Box::new([[0.0; 16]; 16]);
    kernel.dct(picture, &mut block);
    block
}
