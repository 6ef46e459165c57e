//! Flood quarantine: a hash that many senders match at once is held until a person has looked at it.

use rusqlite::{Row, params};

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// A hash that is held, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The hash, in the caller's spelling.
    pub hash_key: String,
    /// Held; false once it was released.
    pub held: bool,
    /// When it was first held, microseconds since 1970 UTC.
    pub first_us: i64,
    /// When it was held or released last.
    pub changed_us: i64,
    /// Senders counted.
    pub senders: i64,
    /// What else is known of it: JSON, as it was handed over.
    pub body: String,
}

impl Store {
    /// The next hashes after one (at first ""), in alphabetical order: those that are held, or those that were released.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn quarantine(&self, held: bool, after: &str, limit: usize) -> Result<Vec<Quarantined>, StoreError> {
        self.needs_schema_3()?;
        let sql =
            format!("{SELECT} WHERE hash_key > ?1 AND (state = 'held') = ?2 ORDER BY hash_key LIMIT ?3");
        list(&self.db, &sql, params![after, held, page(limit)], read)
    }

    /// One hash; `None` when it was never held.
    ///
    /// # Errors
    /// As [`Store::quarantine`].
    pub fn quarantined(&self, hash_key: &str) -> Result<Option<Quarantined>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE hash_key = ?1"), [hash_key], read)
    }
}

impl Batch<'_> {
    /// Holds a hash, whether it is new, held (then senders and body are put right) or was released.
    ///
    /// # Errors
    /// The database's.
    pub fn hold_hash(&mut self, hash_key: &str, senders: i64, body: &str) -> Result<(), StoreError> {
        self.db()?
            .prepare_cached(
                "INSERT INTO quarantine (hash_key, state, first_us, changed_us, senders, body)
                 VALUES (?1, 'held', ?2, ?2, ?3, ?4)
                 ON CONFLICT (hash_key) DO UPDATE
                 SET changed_us = CASE state WHEN 'held' THEN changed_us ELSE ?2 END, state = 'held', senders = ?3,
                     body = ?4",
            )?
            .execute(params![hash_key, self.now_us(), senders, body])?;
        Ok(())
    }

    /// Releases a hash; `false` when it is not held.
    ///
    /// # Errors
    /// The database's.
    pub fn release_hash(&mut self, hash_key: &str) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE quarantine SET state = 'released', changed_us = ?2 WHERE hash_key = ?1 AND state = 'held'",
            )?
            .execute(params![hash_key, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Forgets a hash; `false` when it is not known.
    ///
    /// # Errors
    /// The database's.
    pub fn forget_hash(&mut self, hash_key: &str) -> Result<bool, StoreError> {
        Ok(self.db()?.prepare_cached("DELETE FROM quarantine WHERE hash_key = ?1")?.execute([hash_key])? > 0)
    }
}

const SELECT: &str = "SELECT hash_key, state = 'held', first_us, changed_us, senders, body FROM quarantine";

fn read(row: &Row<'_>) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        hash_key: row.get(0)?,
        held: row.get(1)?,
        first_us: row.get(2)?,
        changed_us: row.get(3)?,
        senders: row.get(4)?,
        body: row.get(5)?,
    })
}
