//! Integration tests of this crate, one binary.
#![allow(clippy::unwrap_used)]

mod backups;
mod banks;
mod changes;
mod conformance;
mod descriptors;
mod features;
mod imports;
mod kdb;
mod kills;
mod observations;
mod opening;
mod rds3;
mod upgrades;

use std::path::Path;

use lodestone_store::{ImportOptions, ImportReport, ListSource, Store, StoreError, StoredEntry};
use lodestone_types::{BankKind, ListEntry, Reject, RejectKind, Signal, SignalType};

pub(crate) type Row = Result<ListEntry, Reject>;

pub(crate) fn signal(kind: SignalType, byte: u8) -> Signal {
    Signal::from_bytes(kind, &vec![byte; kind.size_bytes().unwrap()]).unwrap()
}

pub(crate) fn row(id: &str, line: u64, byte: u8) -> Row {
    Ok(ListEntry {
        entry: id.into(),
        line,
        signals: vec![signal(SignalType::Pdq, byte)],
        ..ListEntry::default()
    })
}

pub(crate) fn reject(line: u64, kind: RejectKind) -> Row {
    Err(Reject { line, reason: "bad".into(), kind })
}

/// A store with one bank, `B`.
pub(crate) fn store(dir: &Path) -> Store {
    let mut store = Store::open(dir).unwrap();
    store.create_bank("B", BankKind::KnownReal, 31, "list.txt", 1).unwrap();
    store
}

/// Imports the list `l`.
pub(crate) fn import_into(store: &mut Store, bank: &str, rows: Vec<Row>) -> Result<ImportReport, StoreError> {
    store.import(bank, ListSource { name: "l", sha256: "" }, rows, ImportOptions::default())
}

pub(crate) fn import(store: &mut Store, name: &str, rows: Vec<Row>) -> Result<ImportReport, StoreError> {
    store.import("B", ListSource { name, sha256: "" }, rows, ImportOptions::default())
}

pub(crate) fn all(store: &Store) -> Vec<StoredEntry> {
    let mut entries = Vec::new();
    store
        .for_each_entry("B", |entry| {
            entries.push(entry);
            Ok::<(), StoreError>(())
        })
        .unwrap();
    entries
}

pub(crate) fn ids(store: &Store) -> Vec<(String, u8)> {
    all(store).into_iter().map(|entry| (entry.row.entry, entry.row.signals[0].bytes()[0])).collect()
}
