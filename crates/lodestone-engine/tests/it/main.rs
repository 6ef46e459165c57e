//! Integration tests of this crate, one binary.

mod examination;
mod report;
mod triage;
