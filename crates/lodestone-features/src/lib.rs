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

mod luma;
pub mod region;
mod shrink;

pub mod tail;
mod taps;

pub use luma::{Luma, LumaError};
