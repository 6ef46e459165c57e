//! Settings by name, and the rules of what to do on a match. What they say is the caller's.

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::read::{json, list, one, page};
use crate::{Batch, Store, StoreError};

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Number, from 1; never given again.
    pub id: i64,
    /// When it applies and what is done.
    pub body: Value,
    /// Whether it is in force.
    pub enabled: bool,
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
}

impl Store {
    /// One setting; `None` when it is not set.
    ///
    /// # Errors
    /// The database's.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        if self.schema < 3 {
            return Ok(None);
        }
        setting(&self.db, key)
    }

    /// All settings whose names begin with a prefix, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        if self.schema < 3 {
            return Ok(Vec::new());
        }
        settings(&self.db, prefix)
    }

    /// The next rules after a number (at first 0), by rising number.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn rules(&self, after: i64, limit: usize) -> Result<Vec<Rule>, StoreError> {
        self.needs_schema_3()?;
        rules(&self.db, after, limit)
    }
}

impl Batch<'_> {
    /// As [`Store::setting`].
    ///
    /// # Errors
    /// The database's.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        setting(self.db()?, key)
    }

    /// As [`Store::settings`].
    ///
    /// # Errors
    /// The database's.
    pub fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        settings(self.db()?, prefix)
    }

    /// Sets a setting; `None` forgets it.
    ///
    /// # Errors
    /// The database's.
    pub fn set_setting(&mut self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let db = self.db()?;
        match value {
            Some(value) => db
                .prepare_cached("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")?
                .execute([key, value])?,
            None => db.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?,
        };
        Ok(())
    }

    /// As [`Store::rules`].
    ///
    /// # Errors
    /// The database's.
    pub fn rules(&self, after: i64, limit: usize) -> Result<Vec<Rule>, StoreError> {
        rules(self.db()?, after, limit)
    }

    /// Makes a rule; returns its number.
    ///
    /// # Errors
    /// The database's.
    pub fn add_rule(&mut self, body: &Value, enabled: bool) -> Result<i64, StoreError> {
        let db = self.db()?;
        db.prepare_cached("INSERT INTO rules (body, enabled, created_us) VALUES (?1, ?2, ?3)")?
            .execute(params![body.to_string(), enabled, self.now_us()])?;
        Ok(db.last_insert_rowid())
    }

    /// Changes a rule; `None` leaves a thing as it is. `false` when there is none such.
    ///
    /// # Errors
    /// The database's.
    pub fn change_rule(
        &mut self,
        id: i64,
        body: Option<&Value>,
        enabled: Option<bool>,
    ) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE rules SET body = coalesce(?2, body), enabled = coalesce(?3, enabled) WHERE id = ?1",
            )?
            .execute(params![id, body.map(Value::to_string), enabled])?;
        Ok(changed > 0)
    }

    /// Deletes a rule; `false` when there is none such.
    ///
    /// # Errors
    /// The database's.
    pub fn delete_rule(&mut self, id: i64) -> Result<bool, StoreError> {
        Ok(self.db()?.prepare_cached("DELETE FROM rules WHERE id = ?1")?.execute([id])? > 0)
    }
}

fn rules(db: &Connection, after: i64, limit: usize) -> Result<Vec<Rule>, StoreError> {
    let sql = "SELECT id, body, enabled, created_us FROM rules WHERE id > ?1 ORDER BY id LIMIT ?2";
    list(db, sql, [after, page(limit)], |row| {
        Ok(Rule { id: row.get(0)?, body: json(row, 1)?, enabled: row.get(2)?, created_us: row.get(3)? })
    })
}

fn setting(db: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    one(db, "SELECT value FROM settings WHERE key = ?1", [key], |row| Ok(row.get(0)?))
}

fn settings(db: &Connection, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key";
    list(db, sql, [prefix], |row| Ok((row.get(0)?, row.get(1)?)))
}
