//! Entries for the tamper-evident log: written in the same step as what they tell of, then appended to the log by
//! whoever keeps it.
//!
//! The log holds only `leaf`, a salted commitment. The words (`body`) and the salt stay here and can be erased, without
//! harm to the log.

use rusqlite::{OptionalExtension, Row, params};

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Number, rising in the order of noting; numbers may be left out.
    pub no: i64,
    /// When it was noted, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Bytes of the entry in the log.
    pub leaf: Vec<u8>,
    /// What the commitment was salted with; `None` once it was erased.
    pub salt: Option<Vec<u8>>,
    /// What happened, byte for byte; `None` once it was erased.
    pub body: Option<String>,
    /// Its place in the log, from 0; `None` while it waits.
    pub log_index: Option<i64>,
}

impl Store {
    /// Entries that wait to be appended to the log, in order.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn audit_pending(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.needs_schema_3()?;
        list(&self.db, &format!("{SELECT} WHERE log_index IS NULL ORDER BY no LIMIT ?1"), [page(limit)], read)
    }

    /// The next entries after a number (at first 0), oldest first.
    ///
    /// # Errors
    /// As [`Store::audit_pending`].
    pub fn audit_entries(&self, after: i64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE no > ?1 ORDER BY no LIMIT ?2");
        list(&self.db, &sql, [after, page(limit)], read)
    }

    /// The entries before a number (at first `i64::MAX`), newest first.
    ///
    /// # Errors
    /// As [`Store::audit_pending`].
    pub fn audit_entries_before(&self, before: i64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE no < ?1 ORDER BY no DESC LIMIT ?2");
        list(&self.db, &sql, [before, page(limit)], read)
    }

    /// The entry at a place in the log; `None` when none is known to stand there.
    ///
    /// # Errors
    /// As [`Store::audit_pending`].
    pub fn audit_at(&self, log_index: i64) -> Result<Option<AuditEntry>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE log_index = ?1"), [log_index], read)
    }

    /// Entries known to stand in the log: the place that the next one gets.
    ///
    /// # Errors
    /// As [`Store::audit_pending`].
    pub fn audit_logged_size(&self) -> Result<i64, StoreError> {
        self.needs_schema_3()?;
        let last: Option<i64> = self
            .db
            .prepare_cached("SELECT max(log_index) FROM audit")?
            .query_row([], |row| row.get(0))
            .optional()?
            .flatten();
        Ok(last.map_or(0, |last| last.saturating_add(1)))
    }
}

impl Batch<'_> {
    /// Notes an entry for the log; returns its number.
    ///
    /// # Errors
    /// The database's.
    pub fn add_audit(&mut self, leaf: &[u8], salt: &[u8], body: &str) -> Result<i64, StoreError> {
        let db = self.db()?;
        db.prepare_cached("INSERT INTO audit (at_us, leaf, salt, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.now_us(), leaf, salt, body])?;
        Ok(db.last_insert_rowid())
    }

    /// Notes that the first `count` waiting entries from number `first_no` on stand in the log now, from place
    /// `first_index` on, in order.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when fewer wait, or a place is taken; then the batch must not go on.
    pub fn audit_logged(&mut self, first_no: i64, first_index: i64, count: usize) -> Result<(), StoreError> {
        let db = self.db()?;
        let wanted = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "SELECT no FROM audit WHERE log_index IS NULL AND no >= ?1 ORDER BY no LIMIT ?2";
        let waiting: Vec<i64> = list(db, sql, [first_no, wanted], |row| Ok(row.get(0)?))?;
        let taken = "SELECT 1 FROM audit WHERE log_index >= ?1 AND log_index - ?1 < ?2 LIMIT 1";
        if waiting.len() != count || one(db, taken, [first_index, wanted], |_| Ok(()))?.is_some() {
            let reason = "the log of audit and the store disagree on which entries are in it".to_owned();
            return Err(StoreError::Refused { reason });
        }
        let mut update = db.prepare_cached("UPDATE audit SET log_index = ?2 WHERE no = ?1")?;
        for (no, index) in waiting.into_iter().zip(first_index..) {
            update.execute([no, index])?;
        }
        Ok(())
    }

    /// Erases the words and the salt of an entry; what stands in the log stays. `false` when there is none such.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_erase_body(&mut self, no: i64) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached("UPDATE audit SET body = NULL, salt = NULL WHERE no = ?1")?
            .execute([no])?;
        Ok(changed > 0)
    }
}

const SELECT: &str = "SELECT no, at_us, leaf, salt, body, log_index FROM audit";

fn read(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        no: row.get(0)?,
        at_us: row.get(1)?,
        leaf: row.get(2)?,
        salt: row.get(3)?,
        body: row.get(4)?,
        log_index: row.get(5)?,
    })
}
