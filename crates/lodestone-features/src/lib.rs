//! Where a known picture sits inside another: regions and their hashes, local features, and the transform between two.
//!
//! A whole-picture hash finds nothing of a crop, a collage or a screenshot. Two layers do:
//! - **regions** (`region`): rectangles of the questioned picture that may hold another picture, each with its PDQ. They
//!   match any hash list that exists.
//! - **features** (`orb`, `vote`, `align`): some two hundred corners with binary descriptors. They match what somebody
//!   who holds the known picture has kept of it, and give the transform between the two.
//!
//! Nothing here knows a list, a bank or a file. No input or output, no threads, no clock; the same picture gives the same
//! regions and features on every machine.
#![warn(clippy::disallowed_methods)]

mod align;
mod difference;
mod luma;
mod orb;
mod record;
pub mod region;
mod shrink;
pub mod tail;
mod taps;
mod vote;

pub use align::{
    Alignment, Bounds, Doubt, FindStats, Found, LEAST_INLIERS, MATCH_EVIDENCE_BITS, Questioned,
    REVIEW_EVIDENCE_BITS, Strength, Transform, TransformKind, align, expected_false_hits, find_known,
    match_evidence_bits,
};
pub use difference::{Cell, Change, Difference, ReplacedRegion, difference};
pub use luma::{Luma, LumaError};
pub use orb::{OrbOptions, Part, extract, extract_parts};
pub use record::{Descriptor, EXTRACTOR, Features, Form, Keypoint, RecordError};
pub use vote::{VoteFileError, VoteIndex, VoteIndexBuilder, VoteOptions, VoteStats};
