//! Integration tests of the index crate.
#![allow(clippy::unwrap_used)]

mod digest;
mod hamming;
mod join;
mod live;
mod live_files;
mod live_kill;
mod narrow;
mod oracle;
mod oracle_live;
mod oracle_segment;
mod segment;
mod segment_file;
mod sets;
mod vectors;
