//! The log of matches: what was found, when. An event is kept once, however often it is handed over.

use rusqlite::{Row, params};

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// A match that was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchEvent {
    /// Its place in the log, rising in the order of noting.
    pub no: i64,
    /// The caller's id for it.
    pub id: String,
    /// When it happened, microseconds since 1970 UTC.
    pub at_us: i64,
    /// What happened: JSON, as it was handed over.
    pub body: String,
}

impl Store {
    /// The next events after a place in the log (at first 0), oldest first.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn match_events(&self, after: i64, limit: usize) -> Result<Vec<MatchEvent>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE no > ?1 ORDER BY no LIMIT ?2");
        list(&self.db, &sql, [after, page(limit)], read)
    }

    /// The events before a place in the log (at first `i64::MAX`), newest first.
    ///
    /// # Errors
    /// As [`Store::match_events`].
    pub fn match_events_before(&self, before: i64, limit: usize) -> Result<Vec<MatchEvent>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE no < ?1 ORDER BY no DESC LIMIT ?2");
        list(&self.db, &sql, [before, page(limit)], read)
    }

    /// One event by the caller's id; `None` when there is none such.
    ///
    /// # Errors
    /// As [`Store::match_events`].
    pub fn match_event(&self, id: &str) -> Result<Option<MatchEvent>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE id = ?1"), [id], read)
    }
}

impl Batch<'_> {
    /// Notes a match; `false`, and no change, when one of this id stands there.
    ///
    /// # Errors
    /// The database's.
    pub fn add_match_event(&mut self, id: &str, at_us: i64, body: &str) -> Result<bool, StoreError> {
        let added = self
            .db()?
            .prepare_cached(
                "INSERT INTO match_events (id, at_us, body) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![id, at_us, body])?;
        Ok(added > 0)
    }

    /// Forgets at most `limit` events that happened before a time; returns how many. Their ids count as new again.
    ///
    /// # Errors
    /// The database's.
    pub fn prune_match_events(&mut self, before_us: i64, limit: usize) -> Result<u64, StoreError> {
        let gone = self
            .db()?
            .prepare_cached(
                "DELETE FROM match_events
                 WHERE no IN (SELECT no FROM match_events WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
            )?
            .execute([before_us, page(limit)])?;
        Ok(gone as u64)
    }
}

const SELECT: &str = "SELECT no, id, at_us, body FROM match_events";

fn read(row: &Row<'_>) -> Result<MatchEvent, StoreError> {
    Ok(MatchEvent { no: row.get(0)?, id: row.get(1)?, at_us: row.get(2)?, body: row.get(3)? })
}
