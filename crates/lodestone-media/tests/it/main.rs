//! Integration tests of this crate, one binary.
mod jpeg;
mod archive;
mod decode;
mod segments;
