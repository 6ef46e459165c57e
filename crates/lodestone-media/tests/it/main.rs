//! Integration tests of this crate, one binary.
mod jpeg;
mod segments;
