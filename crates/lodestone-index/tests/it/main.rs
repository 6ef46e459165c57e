//! Integration tests of the index crate.

mod digest;
mod hamming;
mod join;
mod narrow;
mod sets;
mod vectors;
