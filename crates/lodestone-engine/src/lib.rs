//! The only crate that knows the order of things: observe, appraise, scan, triage, report.
#![forbid(unsafe_code)]

pub mod report;
pub mod thumbnail;
pub mod triage;
