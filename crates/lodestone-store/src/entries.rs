//! Entries of a bank, read.

use lodestone_types::{ListEntry, Signal, SignalType};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::banks::{entry_range, id_of};
use crate::writer::EntryId;
use crate::{Batch, ImportOptions, ListSource, Store, StoreError};

/// One entry of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Number of the entry, unique in the store and never used again; rises in the order of import.
    pub entry_no: i64,
    /// The generation that brought it, or changed it last.
    pub added_generation: u64,
    /// The row, as the list gave it; its signals sorted by type, then value.
    pub row: ListEntry,
}

/// What an answer says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryName {
    /// The list's own id.
    pub entry: String,
    /// The list's own classification.
    pub classification: Option<String>,
}

impl Store {
    /// Hands every entry of a bank to `each`, by rising [`StoredEntry::entry_no`], without holding more than one.
    /// About 1 µs an entry.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_entry<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(StoredEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, to) = entry_range(id_of(&self.db, bank)?);
        // Two cursors side by side, both in the order of entry numbers: no look-up per entry.
        let mut entries =
            self.db.prepare(&format!("{SELECT} WHERE no BETWEEN ?1 AND ?2 ORDER BY no")).map_err(db)?;
        let mut entries = entries.query([from, to]).map_err(db)?;
        let mut signals = self
            .db
            .prepare(
                "SELECT entry, type, value FROM signals WHERE entry BETWEEN ?1 AND ?2 ORDER BY entry, type, value",
            )
            .map_err(db)?;
        let mut signals = signals.query([from, to]).map_err(db)?;
        let mut waiting: Option<(i64, Signal)> = None;
        while let Some(row) = entries.next().map_err(db)? {
            let mut entry = read(row)?;
            loop {
                if waiting.is_none() {
                    waiting = match signals.next().map_err(db)? {
                        Some(row) => Some(read_signal(row)?),
                        None => break,
                    };
                }
                match waiting.take() {
                    Some((no, signal)) if no == entry.entry_no => entry.row.signals.push(signal),
                    // A signal without an entry cannot be, by its foreign key; should it be, pass it over.
                    Some((no, _)) if no < entry.entry_no => {}
                    later => {
                        waiting = later;
                        break;
                    }
                }
            }
            each(entry)?;
        }
        Ok(())
    }

    /// Hands every signal of a bank to `each`, with the number of its entry, by rising number: what an index is built
    /// from. About 0.3 µs a signal.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_signal<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(i64, Signal) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, to) = entry_range(id_of(&self.db, bank)?);
        let mut signals = self
            .db
            .prepare(
                "SELECT entry, type, value FROM signals WHERE entry BETWEEN ?1 AND ?2 ORDER BY entry, type, value",
            )
            .map_err(db)?;
        let mut rows = signals.query([from, to]).map_err(db)?;
        while let Some(row) = rows.next().map_err(db)? {
            let (no, signal) = read_signal(row)?;
            each(no, signal)?;
        }
        Ok(())
    }

    /// Hands every digest of a bank to `each`, with the number of its entry, by rising number. A bank of nothing but
    /// PDQ is not read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_digest<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(i64, Signal) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.schema >= 2 && !self.signal_counts(bank)?.keys().any(|kind| kind.is_digest()) {
            return Ok(());
        }
        self.for_each_signal(
            bank,
            |no, signal| {
                if signal.kind().is_digest() { each(no, signal) } else { Ok(()) }
            },
        )
    }

    /// Hands every PhotoDNA value of a bank to `each`, with the number of its entry, by rising number. A bank without
    /// any is not read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_photodna<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.schema >= 2 && !self.signal_counts(bank)?.contains_key(&SignalType::Photodna) {
            return Ok(());
        }
        self.for_each_signal(bank, |no, signal| {
            if signal.kind() == SignalType::Photodna { each(no, signal.bytes()) } else { Ok(()) }
        })
    }

    /// One entry by the list's id (or line number); `None` when the bank has none such.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn entry(&self, bank: &str, entry: &str) -> Result<Option<StoredEntry>, StoreError> {
        entry_of(&self.db, bank, entry)
    }

    /// One entry by its number; `None` when there is none such.
    ///
    /// # Errors
    /// The database's.
    pub fn entry_by_no(&self, entry_no: i64) -> Result<Option<StoredEntry>, StoreError> {
        by_no(&self.db, entry_no)
    }

    /// What an answer says of an entry, by its number; `None` when there is none such. About 3 µs.
    ///
    /// # Errors
    /// The database's.
    pub fn entry_name(&self, entry_no: i64) -> Result<Option<EntryName>, StoreError> {
        name_of(&self.db, entry_no)
    }

    /// Adds one entry by hand: with the id given, else with one made here. Returns the entry.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the id is taken or too long, or there is no signal; [`StoreError::NotFound`].
    pub fn add_entry(
        &mut self,
        bank: &str,
        id: Option<&str>,
        signals: Vec<Signal>,
        now_us: i64,
    ) -> Result<StoredEntry, StoreError> {
        let taken = |id: &str| self.entry(bank, id).map(|found| found.is_some());
        let id = match id {
            Some(id) if taken(id)? => {
                let reason =
                    format!("bank {bank} has an entry {id:?} already; remove it first, or give another id");
                return Err(StoreError::Refused { reason });
            }
            Some(id) => id.to_owned(),
            None => {
                let mut number = self.count(bank)?;
                loop {
                    number += 1;
                    let id = format!("added-{number}");
                    if !taken(&id)? {
                        break id;
                    }
                }
            }
        };
        let row = ListEntry { entry: id.clone(), signals, ..ListEntry::default() };
        let source = ListSource { name: "added by hand", sha256: "" };
        let options = ImportOptions { now_us, ..ImportOptions::default() };
        match self.import(bank, source, [Ok(row)], options) {
            Ok(_) => {}
            Err(StoreError::Rejected { report, .. }) => {
                let reason = report.rejected.first().map_or("refused", |reject| &reject.reason);
                return Err(StoreError::Refused { reason: reason.to_owned() });
            }
            Err(error) => return Err(error),
        }
        self.entry(bank, &id)?
            .ok_or_else(|| StoreError::Corrupt { reason: "an entry that was added is gone".into() })
    }

    /// Removes one entry by the list's id; `false` when the bank has none such. Its number is not given again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn remove_entry(&mut self, bank: &str, id: &str) -> Result<bool, StoreError> {
        self.batch(0, |batch| Ok(batch.remove_entry(bank, id)?.is_some()))
    }

    /// Entries in a bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn count(&self, bank: &str) -> Result<u64, StoreError> {
        Ok(self.bank(bank)?.version.entries)
    }
}

impl Batch<'_> {
    /// As [`Store::entry_by_no`].
    ///
    /// # Errors
    /// The database's.
    pub fn entry_by_no(&self, entry_no: i64) -> Result<Option<StoredEntry>, StoreError> {
        by_no(self.db()?, entry_no)
    }

    /// As [`Store::entry_name`].
    ///
    /// # Errors
    /// The database's.
    pub fn entry_name(&self, entry_no: i64) -> Result<Option<EntryName>, StoreError> {
        name_of(self.db()?, entry_no)
    }

    /// As [`Store::entry`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn entry(&self, bank: &str, entry: &str) -> Result<Option<StoredEntry>, StoreError> {
        entry_of(self.db()?, bank, entry)
    }
}

fn name_of(db: &Connection, entry_no: i64) -> Result<Option<EntryName>, StoreError> {
    let mut statement = db.prepare_cached("SELECT entry, classification FROM entries WHERE no = ?1")?;
    let mut rows = statement.query([entry_no])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(EntryName { entry: read_id(row, 0)?, classification: row.get(1)? }))
}

fn by_no(db: &Connection, entry_no: i64) -> Result<Option<StoredEntry>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{SELECT} WHERE no = ?1"))?;
    let mut rows = statement.query([entry_no])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    with_signals(db, read(row)?).map(Some)
}

fn entry_of(db: &Connection, bank: &str, entry: &str) -> Result<Option<StoredEntry>, StoreError> {
    let bank = id_of(db, bank)?;
    let mut statement = db.prepare_cached(&format!("{SELECT} WHERE bank = ?1 AND entry = ?2"))?;
    let mut rows = statement.query(params![bank, EntryId(entry)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    with_signals(db, read(row)?).map(Some)
}

/// Number of the entry of a bank with the list's id.
pub(crate) fn no_of(db: &Connection, bank: i64, id: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT no FROM entries WHERE bank = ?1 AND entry = ?2";
    Ok(db.prepare_cached(sql)?.query_row(params![bank, EntryId(id)], |row| row.get(0)).optional()?)
}

fn db(error: rusqlite::Error) -> StoreError {
    error.into()
}

const SELECT: &str =
    "SELECT no, entry, classification, tags, pdq_quality, extra, line, added_generation FROM entries";

pub(crate) fn read_id(row: &Row<'_>, at: usize) -> Result<String, StoreError> {
    match row.get_ref(at)? {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        _ => Err(StoreError::Corrupt { reason: "an entry without an id".to_owned() }),
    }
}

/// An entry without its signals, from the columns of [`SELECT`].
pub(crate) fn read(row: &Row<'_>) -> Result<StoredEntry, StoreError> {
    let entry = read_id(row, 1)?;
    let tags: Option<String> = row.get(3)?;
    let extra: Option<String> = row.get(5)?;
    let broken = |_| StoreError::Corrupt { reason: "an entry whose fields are no JSON".to_owned() };
    Ok(StoredEntry {
        entry_no: row.get(0)?,
        added_generation: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        row: ListEntry {
            entry,
            signals: Vec::new(),
            pdq_quality: row.get(4)?,
            classification: row.get(2)?,
            tags: tags.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text)).map_err(broken)?,
            extra: extra.map(|text| serde_json::from_str(&text)).transpose().map_err(broken)?,
            line: u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
        },
    })
}

pub(crate) fn read_signal(row: &Row<'_>) -> Result<(i64, Signal), StoreError> {
    Ok((row.get(0)?, read_value(row, 1)?))
}

/// The signal whose type stands in column `at` and whose value in the next.
pub(crate) fn read_value(row: &Row<'_>, at: usize) -> Result<Signal, StoreError> {
    let broken = || StoreError::Corrupt { reason: "a signal whose value does not fit its type".to_owned() };
    let kind = row.get_ref(at)?.as_str().map_err(|_| broken())?;
    let kind = SignalType::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(broken)?;
    let value = row.get_ref(at + 1)?.as_blob().map_err(|_| broken())?;
    Signal::from_bytes(kind, value).ok_or_else(broken)
}

pub(crate) fn with_signals(db: &Connection, mut entry: StoredEntry) -> Result<StoredEntry, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT entry, type, value FROM signals WHERE entry = ?1 ORDER BY type, value")?;
    let mut rows = statement.query([entry.entry_no])?;
    while let Some(row) = rows.next()? {
        entry.row.signals.push(read_signal(row)?.1);
    }
    Ok(entry)
}
