//! Banks, entries, observations and runs in one SQLite file.
#![forbid(unsafe_code)]
