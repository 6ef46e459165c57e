//! Integration tests of this crate, one binary.
mod archive;
mod decode;
mod jpeg;
mod segments;
