//! Integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod bounds;
mod crowded;
mod dev;
mod exchanges;
mod exchanging;
mod keys;
mod remotes;
mod rules;
mod running;
