//! Integration tests of this crate, one binary.
#![allow(clippy::unwrap_used)]

mod contract;
mod folded;
mod formula;
mod golden;
mod kernels;
mod naive;
