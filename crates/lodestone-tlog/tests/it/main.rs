//! Integration tests.
#![allow(clippy::unwrap_used)]

mod disk;
mod faults;
mod folders;
mod logs;
mod notes;
mod tampering;
mod trees;
