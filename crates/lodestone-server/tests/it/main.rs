//! Integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod dev;
mod exchanges;
mod keys;
mod running;
