//! Integration tests of this crate, one binary.
#![allow(clippy::unwrap_used)]

mod derivatives;
mod features;
mod pictures;
mod region_laws;
mod regions;
mod scene;
