//! Integration tests of this crate, one binary.
#![allow(clippy::unwrap_used)]

mod bad_rows;
#[cfg(feature = "net")]
mod clients;
mod gate;
mod hostile;
#[cfg(feature = "net")]
mod mock;
mod other_lists;
mod refusals;
mod round_trips;
mod text_lists;
mod vics;
mod vics_round_trips;

use lodestone_exchange::format::{ListFormat, ReadOptions, Refusal, open};
use lodestone_types::{ListEntry, Reject, SignalType};

/// A value of `digits` hexadecimal digits made of one byte.
pub(crate) fn value(byte: u8, digits: usize) -> String {
    format!("{byte:02x}").repeat(digits / 2)
}

pub(crate) type Rows = Vec<Result<ListEntry, Reject>>;

pub(crate) fn read(text: &[u8], options: &ReadOptions) -> Result<(ListFormat, Rows), Refusal> {
    open(text, options).map(|list| (list.format, list.entries.collect()))
}

pub(crate) fn typed(kind: SignalType) -> ReadOptions {
    ReadOptions { declared: Some(kind), ..ReadOptions::default() }
}

/// Reads a list that must be readable, told by content.
pub(crate) fn rows(text: &str, declared: Option<SignalType>) -> (ListFormat, Rows) {
    read(text.as_bytes(), &ReadOptions { declared, ..ReadOptions::default() }).expect("a readable list")
}

/// Signals of all rows as text, all of which must be entries.
pub(crate) fn signals(rows: &Rows) -> Vec<String> {
    rows.iter()
        .flat_map(|row| &row.as_ref().expect("an entry").signals)
        .map(|signal| format!("{}:{}", signal.kind(), signal.to_hex()))
        .collect()
}
