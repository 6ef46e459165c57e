//! Integration tests of this crate, one binary.
#![allow(clippy::unwrap_used)]

mod pictures;
mod region_laws;
mod regions;
