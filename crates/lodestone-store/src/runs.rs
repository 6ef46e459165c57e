//! Runs of a scan: when, over what, with which settings, with what result.

use rusqlite::params;
use serde_json::Value;

use crate::{Store, StoreError};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Number, from 1.
    pub id: i64,
    /// When it started, microseconds since 1970 UTC.
    pub started_us: i64,
    /// When it ended; `None` while it runs, and for one that was killed.
    pub finished_us: Option<i64>,
    /// The folders and files given.
    pub roots: Vec<String>,
    /// The settings.
    pub options: Value,
    /// The summary, once it ended.
    pub summary: Option<Value>,
    /// It was ended before all was read.
    pub interrupted: bool,
}

impl Store {
    /// Notes that a run starts; returns its number.
    ///
    /// # Errors
    /// The database's.
    pub fn start_run(&mut self, roots: &[String], options: &Value, now_us: i64) -> Result<i64, StoreError> {
        let roots = Value::from(roots).to_string();
        self.db.execute(
            "INSERT INTO runs (started_us, roots, options, interrupted) VALUES (?1, ?2, ?3, 0)",
            params![now_us, roots, options.to_string()],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    /// Notes that a run ended.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when there is no such run.
    pub fn finish_run(
        &mut self,
        id: i64,
        summary: &Value,
        interrupted: bool,
        now_us: i64,
    ) -> Result<(), StoreError> {
        let found = self.db.execute(
            "UPDATE runs SET finished_us = ?2, summary = ?3, interrupted = ?4 WHERE id = ?1",
            params![id, now_us, summary.to_string(), interrupted],
        )?;
        if found == 0 {
            return Err(StoreError::Refused { reason: format!("there is no run {id}") });
        }
        Ok(())
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut statement = self.db.prepare(
            "SELECT id, started_us, finished_us, roots, options, summary, interrupted FROM runs ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut runs = Vec::new();
        let broken = |_| StoreError::Corrupt { reason: "a run whose fields are no JSON".to_owned() };
        while let Some(row) = rows.next()? {
            let (roots, options): (String, String) = (row.get(3)?, row.get(4)?);
            let summary: Option<String> = row.get(5)?;
            runs.push(Run {
                id: row.get(0)?,
                started_us: row.get(1)?,
                finished_us: row.get(2)?,
                roots: serde_json::from_str(&roots).map_err(broken)?,
                options: serde_json::from_str(&options).map_err(broken)?,
                summary: summary.map(|text| serde_json::from_str(&text)).transpose().map_err(broken)?,
                interrupted: row.get(6)?,
            });
        }
        Ok(runs)
    }
}
