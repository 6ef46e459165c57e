//! What changed among PDQ values since a generation: what an index has to catch up with.
//!
//! A log of a few bytes a change stands beside the entries. New entries are a range of numbers and their values are read
//! from the entries themselves; what changed or went keeps the values it had; a deleted bank is one range. Reading it
//! costs time in proportion to the change, whatever the size of the store.

use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::banks::{entry_range, id_of};
use crate::import::to_i64;
use crate::{Store, StoreError, schema};

/// One step that an index of PDQ values takes to catch up. Taking one twice does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PdqChange {
    /// All entries with these numbers are gone, the last included.
    Dropped {
        /// First number.
        first: i64,
        /// Last number.
        last: i64,
    },
    /// The entry has this value no more. It may never have been in the index.
    Removed {
        /// Number of the entry.
        entry_no: i64,
        /// The value, in the reading order of its hexadecimal text.
        pdq: [u8; 32],
    },
    /// The entry has this value. It may be in the index already.
    Added {
        /// Number of the entry.
        entry_no: i64,
        /// The value, in the reading order of its hexadecimal text.
        pdq: [u8; 32],
    },
}

/// Rows of the log that are kept however old they are.
const MIN_LOG: i64 = 10_000;

impl Store {
    /// Hands over what an index that stands at `generation` has to do to stand at [`Store::generation`], in an order in
    /// which it may be done: first all that goes, then all that comes. `false`, and nothing is handed over: the log does
    /// not reach back that far, and the index has to be built again.
    ///
    /// Cost: about 1 µs a change.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn pdq_changes_since<E: From<StoreError>>(
        &self,
        generation: u64,
        mut each: impl FnMut(PdqChange) -> Result<(), E>,
    ) -> Result<bool, E> {
        if !self.log_reaches(generation)? {
            return Ok(false);
        }
        let since = i64::try_from(generation).unwrap_or(i64::MAX);
        let mut gone = self
            .db
            .prepare_cached(
                "SELECT what, first, last, pdq FROM changes WHERE generation > ?1 ORDER BY generation, no",
            )
            .map_err(db)?;
        let mut rows = gone.query([since]).map_err(db)?;
        while let Some(row) = rows.next().map_err(db)? {
            let what: String = row.get(0).map_err(db)?;
            let (first, last) = (row.get(1).map_err(db)?, row.get(2).map_err(db)?);
            match what.as_str() {
                DROPPED => each(PdqChange::Dropped { first, last })?,
                CHANGED | REMOVED => {
                    let values: Option<Vec<u8>> = row.get(3).map_err(db)?;
                    let (values, _) = values.as_deref().unwrap_or_default().as_chunks::<32>();
                    for pdq in values {
                        each(PdqChange::Removed { entry_no: first, pdq: *pdq })?;
                    }
                }
                _ => {}
            }
        }
        drop(rows);
        let mut came = self
            .db
            .prepare_cached(
                "SELECT first, last FROM changes WHERE generation > ?1 AND what IN ('added', 'changed')
                 ORDER BY generation, no",
            )
            .map_err(db)?;
        let mut rows = came.query([since]).map_err(db)?;
        while let Some(row) = rows.next().map_err(db)? {
            let range = (row.get(0).map_err(db)?, row.get(1).map_err(db)?);
            self.pdq_between(range, |entry_no, pdq| each(PdqChange::Added { entry_no, pdq }))?;
        }
        Ok(true)
    }

    /// About how many values [`Store::pdq_changes_since`] would hand over; `None` when the log does not reach back.
    ///
    /// # Errors
    /// The database's.
    pub fn pdq_changes_count(&self, generation: u64) -> Result<Option<u64>, StoreError> {
        if !self.log_reaches(generation)? {
            return Ok(None);
        }
        let count: i64 = self.db.query_row(
            "SELECT coalesce(sum(CASE what WHEN 'added' THEN last - first + 1 ELSE 1 END), 0)
             FROM changes WHERE generation > ?1",
            [i64::try_from(generation).unwrap_or(i64::MAX)],
            |row| row.get(0),
        )?;
        Ok(Some(u64::try_from(count).unwrap_or(0)))
    }

    /// Hands every PDQ value of a bank to `each`, with the number of its entry, by rising number. About 0.3 µs a value.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_pdq<E: From<StoreError>>(
        &self,
        bank: &str,
        each: impl FnMut(i64, [u8; 32]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.pdq_between(entry_range(id_of(&self.db, bank)?), each)
    }

    /// Forgets the log up to a generation, once it is long: indexes that stand there need it no more.
    ///
    /// # Errors
    /// The database's.
    pub fn trim_changes(&mut self, up_to: u64) -> Result<(), StoreError> {
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        let rows: i64 =
            self.db.query_row("SELECT count(*) FROM changes WHERE generation <= ?1", [up_to], |row| {
                row.get(0)
            })?;
        if rows < MIN_LOG {
            return Ok(());
        }
        let transaction = self.db.transaction()?;
        transaction.execute("DELETE FROM changes WHERE generation <= ?1", [up_to])?;
        transaction.execute("DELETE FROM states WHERE generation < ?1", [up_to])?;
        transaction.execute("UPDATE meta SET value = max(value, ?1) WHERE key = 'changes_since'", [up_to])?;
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn log_reaches(&self, generation: u64) -> Result<bool, StoreError> {
        let from: Option<i64> = self
            .db
            .query_row("SELECT value FROM meta WHERE key = 'changes_since'", [], |row| row.get(0))
            .optional()?;
        let reaches = from.and_then(|from| u64::try_from(from).ok()).is_some_and(|from| generation >= from);
        Ok(reaches && generation <= self.generation()?)
    }

    fn pdq_between<E: From<StoreError>>(
        &self,
        (first, last): (i64, i64),
        mut each: impl FnMut(i64, [u8; 32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .db
            .prepare_cached(
                "SELECT entry, value FROM signals WHERE entry BETWEEN ?1 AND ?2 AND type = 'pdq'
                 ORDER BY entry, value",
            )
            .map_err(db)?;
        let mut rows = statement.query([first, last]).map_err(db)?;
        while let Some(row) = rows.next().map_err(db)? {
            let value = row.get_ref(1).map_err(db)?.as_blob().ok().and_then(|value| value.try_into().ok());
            let value = value.ok_or_else(|| StoreError::Corrupt {
                reason: "a signal whose value does not fit its type".to_owned(),
            })?;
            each(row.get(0).map_err(db)?, value)?;
        }
        Ok(())
    }
}

pub(crate) const ADDED: &str = "added";
pub(crate) const CHANGED: &str = "changed";
pub(crate) const REMOVED: &str = "removed";
pub(crate) const DROPPED: &str = "dropped";
pub(crate) const SAID: &str = "said";

/// Writes the log of one generation, within the caller's transaction.
pub(crate) struct Log<'t> {
    generation: i64,
    next: i64,
    insert: Statement<'t>,
}

impl<'t> Log<'t> {
    pub(crate) fn new(db: &'t Connection, generation: u64) -> Result<Self, StoreError> {
        let insert = db.prepare(
            "INSERT INTO changes (generation, no, what, first, last, pdq) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let generation = i64::try_from(generation).unwrap_or(i64::MAX);
        // A batch comes here more than once with one generation.
        let next = db.query_row(
            "SELECT coalesce(max(no) + 1, 0) FROM changes WHERE generation = ?1",
            [generation],
            |row| row.get(0),
        )?;
        Ok(Self { generation, next, insert })
    }

    /// Entries that are new.
    pub(crate) fn added(&mut self, first: i64, last: i64) -> Result<(), StoreError> {
        self.put(ADDED, first, last, None)
    }

    /// An entry whose signals changed, with the PDQ values it had.
    pub(crate) fn changed(&mut self, no: i64, pdq_before: &[u8]) -> Result<(), StoreError> {
        self.put(CHANGED, no, no, Some(pdq_before))
    }

    /// An entry of which members of its exchange say something else than before.
    pub(crate) fn said(&mut self, no: i64) -> Result<(), StoreError> {
        self.put(SAID, no, no, None)
    }

    /// All entries of a bank.
    pub(crate) fn dropped(&mut self, first: i64, last: i64) -> Result<(), StoreError> {
        self.put(DROPPED, first, last, None)
    }

    fn put(&mut self, what: &str, first: i64, last: i64, pdq: Option<&[u8]>) -> Result<(), StoreError> {
        self.insert.execute(params![self.generation, self.next, what, first, last, pdq])?;
        self.next += 1;
        Ok(())
    }
}

/// Logs one new entry of a generation: new ones of a bank that follow one another share a row.
pub(crate) fn log_added(db: &Connection, generation: u64, no: i64) -> Result<(), StoreError> {
    let generation = to_i64(generation);
    let extended = db
        .prepare_cached(
            "UPDATE changes SET last = ?2
             WHERE generation = ?1 AND no = (SELECT max(no) FROM changes WHERE generation = ?1)
               AND what = 'added' AND last < ?2 AND first BETWEEN ?3 AND ?2",
        )?
        .execute([generation, no, entry_range(no >> schema::ENTRY_BITS).0])?;
    if extended == 0 {
        log_one(db, generation, ADDED, no, None)?;
    }
    Ok(())
}

/// Logs one entry that went, with the PDQ values it had.
pub(crate) fn log_removed(db: &Connection, generation: u64, no: i64, pdq: &[u8]) -> Result<(), StoreError> {
    log_one(db, to_i64(generation), REMOVED, no, Some(pdq))
}

/// Logs one entry of which people say something else than before.
pub(crate) fn log_said(db: &Connection, generation: u64, no: i64) -> Result<(), StoreError> {
    log_one(db, to_i64(generation), SAID, no, None)
}

fn log_one(
    db: &Connection,
    generation: i64,
    what: &str,
    no: i64,
    pdq: Option<&[u8]>,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO changes (generation, no, what, first, last, pdq)
         VALUES (?1, (SELECT coalesce(max(no) + 1, 0) FROM changes WHERE generation = ?1), ?2, ?3, ?3, ?4)",
    )?
    .execute(params![generation, what, no, pdq])?;
    Ok(())
}

fn db(error: rusqlite::Error) -> StoreError {
    error.into()
}
