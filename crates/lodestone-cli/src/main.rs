//! The program `lodestone`.
#![forbid(unsafe_code)]
fn main() {}
