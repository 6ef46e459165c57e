//! Integration tests of this crate, one binary.

mod report;
mod triage;
