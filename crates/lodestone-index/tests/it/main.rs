//! Integration tests of the index crate.

mod digest;
mod hamming;
mod join;
mod live;
mod live_files;
mod live_kill;
mod narrow;
mod segment;
mod segment_file;
mod sets;
mod vectors;
