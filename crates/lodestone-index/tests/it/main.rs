//! Integration tests of the index crate.

mod digest;
mod hamming;
mod join;
mod narrow;
mod segment;
mod sets;
mod vectors;
