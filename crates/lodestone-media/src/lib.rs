//! Hostile bytes in, bounded pixels and container segments out.
//!
//! This crate knows nothing of lists or people. It takes byte slices and readers, never paths; it has limits on bytes,
//! pixels, frames, nesting and memory, and never panics on input.
//!
//! - [`identify`] tells a format by content.
//! - [`decode()`] turns a picture into rows of pixels, handed to a [`PixelSink`] top to bottom, so that no caller needs a
//!   whole frame in memory.
//! - [`segments`] finds metadata and structure with byte offsets.
//! - [`archive`] walks zip, tar and gzip.
#![forbid(unsafe_code)]
#![warn(clippy::disallowed_methods)]

pub mod archive;
pub mod decode;
mod error;
mod format;
pub mod jpeg;
mod limits;
pub mod segments;
mod sink;

pub use decode::decode;
pub use error::Error;
pub use format::{Format, identify};
pub use limits::Limits;
pub use sink::{Decoded, FrameInfo, PixelKind, PixelSink};
