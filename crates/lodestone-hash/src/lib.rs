//! Bytes and pixels in, fingerprints out: PDQ with quality, its eight dihedral forms and complement, and
//! MD5, SHA-1 and SHA-256 in one pass.
//!
//! [`PdqStream`] takes rows of pixels as a decoder makes them and never holds a full-size plane; its hash and quality
//! equal the full-size C++ reference (what PyPI `pdqhash`, and so python-threatexchange and HMA, compute) to the bit,
//! on every CPU. [`FoldedPdq`] makes an approximate hash from a scaled decode, for screening. [`Digester`] makes the
//! cryptographic digests.
//!
//! The stages of PDQ, one file each: `luma` → `boxfilter` (driven by `stream`) → `quality` and `dct` → `median` →
//! `dihedral`. No input or output, no threads, no clock.
//!
//! *Source:* ThreatExchange `pdq/cpp/{hashing/pdqhashing,downscaling/downscaling}.cpp`.
#![warn(clippy::disallowed_methods)]
// Loops over fixed lanes: iterators with closures are not inlined across target features, and indices say what is meant.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

mod boxfilter;
mod dct;
mod dct_table;
mod digest;
mod dihedral;
mod error;
mod features;
mod folded;
mod hash;
mod luma;
mod median;
mod quality;
mod simd;
mod stream;

pub use digest::{Digester, Digests};
pub use error::Error;
pub use features::{Mode, PdqFeatures};
pub use folded::{FoldedPdq, folded_scale};
pub use hash::PdqHash;
pub use luma::PixelKind;
pub use simd::Kernel;
pub use stream::{PdqStream, Pre, pdq};

/// Pictures narrower or lower than this many pixels have hash 0 and quality 0. *Source:* `MIN_HASHABLE_DIM`.
pub const MIN_SIDE: u32 = 5;
