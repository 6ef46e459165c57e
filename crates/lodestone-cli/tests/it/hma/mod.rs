//! Conformance with Hasher-Matcher-Actioner, seen from outside: the program is started and asked as HMA's clients ask.
//!
//! Each row of a table is one statement about HMA 1.1.7: most hold there too; where HMA is wrong or answers 500, the row
//! says what is answered here instead, and `docs/hma-compatibility.md` why.

mod banks;
mod client;
mod coins;
mod compare;
mod content;
mod coop;
mod core;
mod dev;
mod exchanges;
mod kinds;
mod lookups;
mod matrix;
mod oddities;
mod pages;
mod pictures;
mod ported;
mod ruby;
mod signals;
mod types;
mod uploads;
mod urls;
mod web;
