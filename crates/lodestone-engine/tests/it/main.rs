//! Integration tests of this crate, one binary.

mod live;
mod examination;
mod kinds;
mod report;
mod triage;
