//! Integration tests of this crate, one binary.

mod examination;
mod kinds;
mod live;
mod live_known;
mod report;
mod support;
mod triage;
