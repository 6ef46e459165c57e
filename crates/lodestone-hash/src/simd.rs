//! Which instructions the filter runs on, chosen once at run time.

use crate::{
    PdqHash, dct,
    dct::{Block16, Block64},
    dihedral,
};

/// A set of instructions. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Whatever the target has at least.
    Portable,
}

impl Kernel {
    /// The kernels this CPU can run, best first; the last is [`Kernel::Portable`].
    pub fn available() -> &'static [Self] {
        &[Self::Portable]
    }

    /// The best kernel this CPU can run.
    pub fn best() -> Self {
        Self::Portable
    }

    pub(crate) fn dct(self, picture: &Block64, out: &mut Block16) {
        dct::dct64_to_16(picture, out);
    }

    pub(crate) fn hash(self, block: &Block16) -> PdqHash {
        PdqHash::from_rows(&dihedral::bits(block))
    }

    pub(crate) fn dihedral(self, block: &Block16) -> [PdqHash; 8] {
        dihedral::dihedral(block)
    }
}
