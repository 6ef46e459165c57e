//! Content ids, as HMA has them: one integer for each entry, from 1 over all banks, never given again.
//!
//! Entries keep their own numbers, of which each bank is one range. What an id is for others is a run: entries
//! `first_no ..` have ids `first_id ..`. An import is one run, and so are entries added one by one to the same bank;
//! runs stand when entries go.

use rusqlite::Connection;

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// Entries whose numbers and ids rise together: entry `first_no + n` has id `first_id + n`, for `n < length`. Some of
/// the entries may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRun {
    /// Number of the first entry.
    pub first_no: i64,
    /// Content id of the first entry.
    pub first_id: i64,
    /// Entries, at least 1.
    pub length: i64,
}

impl ContentRun {
    /// Id of an entry; `None` when it is not in this run.
    pub fn id_of(&self, entry_no: i64) -> Option<i64> {
        let at = entry_no.checked_sub(self.first_no)?;
        (0..self.length).contains(&at).then(|| self.first_id.saturating_add(at))
    }

    /// Number of the entry with an id; `None` when it is not in this run.
    pub fn entry_of(&self, content_id: i64) -> Option<i64> {
        let at = content_id.checked_sub(self.first_id)?;
        (0..self.length).contains(&at).then(|| self.first_no.saturating_add(at))
    }
}

impl Store {
    /// The next runs after entry number `after`, by rising number; at first `after` is 0. What a server holds in memory
    /// to turn numbers into ids: 24 bytes a run.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in a store of an older version that is open for reading; the database's.
    pub fn content_runs_after(&self, after: i64, limit: usize) -> Result<Vec<ContentRun>, StoreError> {
        self.needs_schema_3()?;
        let sql = "SELECT first_no, first_id, length FROM content_runs WHERE first_no > ?1 ORDER BY first_no LIMIT ?2";
        list(&self.db, sql, [after, page(limit)], |row| {
            Ok(ContentRun { first_no: row.get(0)?, first_id: row.get(1)?, length: row.get(2)? })
        })
    }

    /// All runs, by rising number.
    ///
    /// # Errors
    /// As [`Store::content_runs_after`].
    pub fn content_runs(&self) -> Result<Vec<ContentRun>, StoreError> {
        let mut runs: Vec<ContentRun> = Vec::new();
        loop {
            let after = runs.last().map_or(0, |run| run.first_no);
            let next = self.content_runs_after(after, crate::MAX_PAGE)?;
            if next.is_empty() {
                return Ok(runs);
            }
            runs.extend(next);
        }
    }

    /// Number of the entry with a content id; `None` when there is none, or no more.
    ///
    /// # Errors
    /// As [`Store::content_runs_after`].
    pub fn entry_of(&self, content_id: i64) -> Result<Option<i64>, StoreError> {
        self.needs_schema_3()?;
        entry_of(&self.db, content_id)
    }

    /// Number that the entry with a content id has, or had before it went; `None` when the id was never given, or its bank
    /// is gone.
    ///
    /// # Errors
    /// As [`Store::content_runs_after`].
    pub fn number_of(&self, content_id: i64) -> Result<Option<i64>, StoreError> {
        self.needs_schema_3()?;
        number_of(&self.db, content_id)
    }

    /// Content id of an entry; `None` when the number was never given. An entry that is gone keeps its id until its
    /// bank goes.
    ///
    /// # Errors
    /// As [`Store::content_runs_after`].
    pub fn id_of(&self, entry_no: i64) -> Result<Option<i64>, StoreError> {
        self.needs_schema_3()?;
        id_of(&self.db, entry_no)
    }

    /// Refuses what only schema 3 can tell; a store that is open for writing always has it.
    pub(crate) fn needs_schema_3(&self) -> Result<(), StoreError> {
        if self.schema >= 3 {
            return Ok(());
        }
        Err(StoreError::Refused {
            reason:
                "the data folder is of an older version; a program that writes to it brings it up to date"
                    .to_owned(),
        })
    }
}

impl Batch<'_> {
    /// As [`Store::entry_of`].
    ///
    /// # Errors
    /// The database's.
    pub fn entry_of(&self, content_id: i64) -> Result<Option<i64>, StoreError> {
        entry_of(self.db()?, content_id)
    }

    /// As [`Store::number_of`].
    ///
    /// # Errors
    /// The database's.
    pub fn number_of(&self, content_id: i64) -> Result<Option<i64>, StoreError> {
        number_of(self.db()?, content_id)
    }

    /// As [`Store::id_of`].
    ///
    /// # Errors
    /// The database's.
    pub fn id_of(&self, entry_no: i64) -> Result<Option<i64>, StoreError> {
        id_of(self.db()?, entry_no)
    }
}

pub(crate) fn entry_of(db: &Connection, content_id: i64) -> Result<Option<i64>, StoreError> {
    let Some(no) = number_of(db, content_id)? else { return Ok(None) };
    one(db, "SELECT no FROM entries WHERE no = ?1", [no], |row| Ok(row.get(0)?))
}

fn number_of(db: &Connection, content_id: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT first_no, first_id, length FROM content_runs WHERE first_id <= ?1 ORDER BY first_id DESC LIMIT 1";
    let no = one(db, sql, [content_id], |row| {
        let run = ContentRun { first_no: row.get(0)?, first_id: row.get(1)?, length: row.get(2)? };
        Ok(run.entry_of(content_id))
    })?;
    Ok(no.flatten())
}

pub(crate) fn id_of(db: &Connection, entry_no: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT first_no, first_id, length FROM content_runs WHERE first_no <= ?1 ORDER BY first_no DESC LIMIT 1";
    let id = one(db, sql, [entry_no], |row| {
        let run = ContentRun { first_no: row.get(0)?, first_id: row.get(1)?, length: row.get(2)? };
        Ok(run.id_of(entry_no))
    })?;
    Ok(id.flatten())
}

/// Gives the next ids to `length` entries from `first_no` on, within the caller's transaction; returns the first id.
pub(crate) fn give_ids(db: &Connection, first_no: i64, length: i64) -> Result<i64, StoreError> {
    let first_id: i64 = db
        .prepare_cached(
            "UPDATE meta SET value = value + ?1 WHERE key = 'next_content_id' RETURNING value - ?1",
        )?
        .query_row([length], |row| row.get(0))?;
    let extended = db
        .prepare_cached(
            "UPDATE content_runs SET length = length + ?3
             WHERE first_id = (SELECT max(first_id) FROM content_runs)
               AND first_no + length = ?1 AND first_id + length = ?2",
        )?
        .execute([first_no, first_id, length])?;
    if extended == 0 {
        db.prepare_cached("INSERT INTO content_runs (first_no, first_id, length) VALUES (?1, ?2, ?3)")?
            .execute([first_no, first_id, length])?;
    }
    Ok(first_id)
}
