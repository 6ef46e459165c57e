//! Integration tests of this crate, one binary.

mod examination;
mod kinds;
mod report;
mod triage;
