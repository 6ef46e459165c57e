//! Skeleton.
#![forbid(unsafe_code)]

pub mod coinflip;
pub mod hma_json;
pub mod lax;
