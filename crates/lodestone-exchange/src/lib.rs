//! Foreign list formats, read and written as streams of list entries.
//!
//! What others send is a *list*; this crate turns it into [`ListEntry`](lodestone_types::ListEntry) values and back.
//! It never opens a file, a database or a connection: readers take any [`std::io::Read`], writers any
//! [`std::io::Write`], so the same code reads a file, a pipe and a test's bytes. `docs/formats/lists.md` shows each
//! format.
//!
//! Three rules hold for every format:
//! - **Nothing is guessed.** 64 hexadecimal digits are a PDQ or a SHA-256; a list that does not say which is refused
//!   with a hint ([`Refusal`](format::Refusal)).
//! - **Nothing is dropped in silence.** A row gives an entry or a [`Reject`](lodestone_types::Reject) with its line.
//! - **Memory is bounded** by one row (1 MiB of text, 16 MiB of JSON), whatever the size of the list.
#![forbid(unsafe_code)]

#[cfg(feature = "net")]
pub mod client;
pub mod format;
pub mod opinion;
