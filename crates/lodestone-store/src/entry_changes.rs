//! What those who hold entries in memory have to catch up with: which came, changed and went, and what they have.

use lodestone_types::Signal;

use crate::changes::{ADDED, CHANGED, DROPPED, REMOVED, SAID};
use crate::content_ids::ContentRun;
use crate::entries::read_signal;
use crate::read::list;
use crate::{Store, StoreError};

/// One step of the entries, in the order they happened. Taking one twice does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryChange {
    /// A bank went with all entries of these numbers, the last included.
    Dropped {
        /// First number.
        first: i64,
        /// Last number.
        last: i64,
    },
    /// The entry went.
    Removed {
        /// Its number.
        entry_no: i64,
    },
    /// The entry has other signals than before.
    Changed {
        /// Its number.
        entry_no: i64,
    },
    /// Members of its exchange, or people here, say something else of the entry than before.
    Said {
        /// Its number.
        entry_no: i64,
    },
    /// Entries of these numbers are new, the last included; some may be gone again.
    Added {
        /// First number.
        first: i64,
        /// Last number.
        last: i64,
    },
}

impl Store {
    /// Hands over what happened to entries since a generation, in order. `false`, and nothing is handed over: the log
    /// does not reach back that far.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn entry_changes_since<E: From<StoreError>>(
        &self,
        generation: u64,
        mut each: impl FnMut(EntryChange) -> Result<(), E>,
    ) -> Result<bool, E> {
        if !self.log_reaches(generation)? {
            return Ok(false);
        }
        let since = i64::try_from(generation).unwrap_or(i64::MAX);
        let sql = "SELECT what, first, last FROM changes WHERE generation > ?1 ORDER BY generation, no";
        let mut statement = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([since]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let what: String = row.get(0).map_err(StoreError::from)?;
            let first = row.get(1).map_err(StoreError::from)?;
            let last = row.get(2).map_err(StoreError::from)?;
            match what.as_str() {
                ADDED => each(EntryChange::Added { first, last })?,
                CHANGED => each(EntryChange::Changed { entry_no: first })?,
                REMOVED => each(EntryChange::Removed { entry_no: first })?,
                DROPPED => each(EntryChange::Dropped { first, last })?,
                SAID => each(EntryChange::Said { entry_no: first })?,
                other => {
                    let reason = format!("a change of the unknown kind {other:?}");
                    return Err(StoreError::Corrupt { reason }.into());
                }
            }
        }
        Ok(true)
    }

    /// Hands over the signals of entries of these numbers, the last included, that no index on the disk holds: all but
    /// PDQ and PhotoDNA. About 0.3 µs a signal read.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn unindexed_signals<E: From<StoreError>>(
        &self,
        first: i64,
        last: i64,
        mut each: impl FnMut(i64, &Signal) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT entry, type, value FROM signals
                   WHERE entry BETWEEN ?1 AND ?2 AND type NOT IN ('pdq', 'photodna') ORDER BY entry, type, value";
        let mut statement = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([first, last]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let (no, signal) = read_signal(row)?;
            each(no, &signal)?;
        }
        Ok(())
    }

    /// The runs of content ids that entries of these numbers are in, the last included.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in a store of an older version that is open for reading; the database's.
    pub fn content_runs_between(&self, first: i64, last: i64) -> Result<Vec<ContentRun>, StoreError> {
        self.needs_schema_3()?;
        let sql = "SELECT first_no, first_id, length FROM content_runs
                   WHERE first_no <= ?2 AND first_no >= coalesce(
                       (SELECT max(first_no) FROM content_runs WHERE first_no <= ?1), ?1)
                   ORDER BY first_no";
        list(&self.db, sql, [first, last], |row| {
            Ok(ContentRun { first_no: row.get(0)?, first_id: row.get(1)?, length: row.get(2)? })
        })
    }
}
