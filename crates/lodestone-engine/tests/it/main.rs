//! Integration tests of this crate, one binary.

mod examination;
mod kinds;
mod live;
mod report;
mod support;
mod triage;
