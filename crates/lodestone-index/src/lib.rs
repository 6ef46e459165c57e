//! Exact and Hamming-radius search over fixed-size codes.
//!
//! All answer *all* matches and never the best few:
//!
//! - [`Segment`]: pairs of a 256-bit code and an id, immutable, in memory or mapped from a file; radii up to 64 in
//!   sublinear time by the tables of the `ring` module, wider ones by a scan. [`SegmentBuilder`] makes one, larger than
//!   memory if need be;
//! - [`LiveIndex`]: a folder of segments that changes while it is searched, safe against a kill at any moment;
//! - [`HammingIndex`]: 256-bit codes by a linear scan, vectorised and batched: the oracle of the others, and what small
//!   sets are searched by;
//! - [`NarrowIndex`]: 64- and 128-bit codes; [`VectorIndex`]: 144-byte vectors by squared distance;
//! - [`CosineIndex`]: vectors of bytes by their cosine, every pair;
//! - [`DigestIndex`]: which entries have exactly these 16, 20 or 32 bytes.
//!
//! [`self_join`] and [`self_join_forms`] find all near pairs within one set, for grouping.
//!
//! The crate knows nothing of banks, pictures or people: codes in, numbers out. All `unsafe` lives in `simd.rs` and `map.rs`.
#![deny(unsafe_code)]
#![warn(clippy::disallowed_methods)]

mod code;
mod cosine;
mod digest;
mod hamming;
mod join;
mod live;
#[allow(unsafe_code)] // the call that maps a file
mod map;
mod narrow;
mod owners;
mod probe;
mod ring;
mod scan;
mod search;
mod segment;
#[allow(unsafe_code)] // the dispatching calls and the vector loads
mod simd;
mod tiles;
mod vectors;

pub use code::Code256;
pub use cosine::{Best, ByteVector, CosineError, CosineIndex};
pub use digest::DigestIndex;
pub use hamming::HammingIndex;
pub use join::{JoinStep, Pair, self_join, self_join_forms};
pub use live::{
    Applied, BulkWriter, Change, LiveError, LiveFacts, LiveHealth, LiveIndex, LiveOptions, LiveSegmentFacts,
    LiveSnapshot, LiveStep,
};
pub use narrow::{Code64, Code128, NarrowCode, NarrowIndex};
pub use search::{Hit, RadiusSearch, SearchStats};
pub use segment::{
    BuildOptions, BuildStage, BuildStep, LayoutChoice, PartFacts, SectionFacts, Segment, SegmentBuilder,
    SegmentError, SegmentFacts, WrittenSegment,
};
pub use simd::Kernel;
pub use vectors::{Vector144, VectorHit, VectorIndex, VectorQuery};
