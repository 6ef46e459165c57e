//! Exact and Hamming-radius search over fixed-size codes.
//!
//! Two indexes, both immutable once built, both answering *all* matches and never the best few:
//!
//! - [`DigestIndex`]: which entries have exactly these 16, 20 or 32 bytes;
//! - [`HammingIndex`]: which entries lie within a radius of these 256 bits. In its first form it is a linear scan,
//!   vectorised and batched; callers see [`RadiusSearch`] only, so that a sublinear, mapped or live index can stand
//!   behind the same words.
//!
//! [`self_join`] and [`self_join_forms`] find all near pairs within one set, for grouping.
//!
//! The crate knows nothing of banks, pictures or people: codes in, numbers out. All `unsafe` lives in `simd.rs` and `map.rs`.
#![deny(unsafe_code)]
#![warn(clippy::disallowed_methods)]

mod code;
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
