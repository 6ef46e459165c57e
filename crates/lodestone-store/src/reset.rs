//! Beginning anew, without leaving what keeps the house safe.

use crate::open::next_generation;
use crate::{Batch, Store, StoreError};

/// What is emptied, children first.
const EMPTIED: [&str; 22] = [
    "signals",
    "features",
    "descriptors",
    "content_details",
    "opinions",
    "content_runs",
    "entries",
    "counts",
    "sources",
    "votes",
    "exchanges",
    "exchange_credentials",
    "banks",
    "changes",
    "states",
    "rules",
    "match_events",
    "outbox",
    "reviews",
    "labels",
    "quarantine",
    "observations",
];

impl Batch<'_> {
    /// Empties the store: no bank, content, exchange, rule, event, delivery, review or observation is left, and content
    /// ids and numbers begin at 1 again. API keys, settings and entries for the audit log stay: a reset neither opens a
    /// door nor breaks the log. What else has to go, the same batch can remove.
    ///
    /// The generation rises and no log of changes reaches back: whatever was made from the banks is made anew.
    ///
    /// Cost: about 1 µs an entry.
    ///
    /// # Errors
    /// The database's.
    pub fn reset(&mut self) -> Result<(), StoreError> {
        self.forget_changes();
        let db = self.db()?;
        for table in EMPTIED {
            db.execute(&format!("DELETE FROM {table}"), [])?;
        }
        db.execute("DELETE FROM observed_files", [])?;
        db.execute("DELETE FROM runs", [])?;
        db.execute("DELETE FROM sqlite_sequence WHERE name <> 'audit'", [])?;
        db.execute("UPDATE meta SET value = 1 WHERE key = 'next_content_id'", [])?;
        let generation = next_generation(db)?;
        db.execute(
            "UPDATE meta SET value = ?1 WHERE key = 'changes_since'",
            [i64::try_from(generation).unwrap_or(i64::MAX)],
        )?;
        self.stands_at(generation);
        Ok(())
    }
}

impl Store {
    /// Empties the store, as [`Batch::reset`].
    ///
    /// # Errors
    /// The database's.
    pub fn reset(&mut self, now_us: i64) -> Result<(), StoreError> {
        self.batch(now_us, |batch| batch.reset())
    }
}
