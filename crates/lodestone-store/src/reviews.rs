//! What waits for a person, and the labels that rules put on events.

use rusqlite::{OptionalExtension, Row, params};

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// Something that a person decides on, or has decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Number, rising in the order of noting.
    pub no: i64,
    /// Id of the event.
    pub event: String,
    /// The rule that asked for it; 0 for none.
    pub rule: i64,
    /// What there is to decide: JSON, as it was handed over.
    pub body: String,
    /// When it was noted, microseconds since 1970 UTC.
    pub created_us: i64,
    /// When it was decided; `None` while it is open.
    pub decided_us: Option<i64>,
    /// What was decided, by whom and why: JSON, as it was handed over.
    pub decision: Option<String>,
}

impl Store {
    /// The next reviews after a number (at first 0), by rising number: all, or only the open ones; of one `queue`, as their
    /// bodies name it, or of all. Cost: in proportion to what is passed over.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn reviews(
        &self,
        only_open: bool,
        queue: Option<&str>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Review>, StoreError> {
        self.needs_schema_3()?;
        let open = if only_open { "state = 'open' AND" } else { "" };
        let sql = format!(
            "{SELECT} WHERE {open} no > ?1
               AND (?2 IS NULL OR CASE WHEN json_valid(body) THEN json_extract(body, '$.queue') = ?2 ELSE 0 END)
             ORDER BY no LIMIT ?3"
        );
        list(&self.db, &sql, params![after, queue, page(limit)], read)
    }

    /// One review; `None` when there is none such.
    ///
    /// # Errors
    /// As [`Store::reviews`].
    pub fn review(&self, no: i64) -> Result<Option<Review>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE no = ?1"), [no], read)
    }

    /// How many reviews are open.
    ///
    /// # Errors
    /// As [`Store::reviews`].
    pub fn open_reviews(&self) -> Result<u64, StoreError> {
        self.needs_schema_3()?;
        let sql = "SELECT count(*) FROM reviews WHERE state = 'open'";
        let open: i64 = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(open).unwrap_or(0))
    }

    /// The labels of an event, in alphabetical order.
    ///
    /// # Errors
    /// As [`Store::reviews`].
    pub fn labels_of(&self, event: &str) -> Result<Vec<String>, StoreError> {
        self.needs_schema_3()?;
        list(&self.db, "SELECT label FROM labels WHERE event = ?1 ORDER BY label", [event], |row| {
            Ok(row.get(0)?)
        })
    }
}

impl Batch<'_> {
    /// Asks a person to decide; returns the number. `None`, and no change, when this rule has asked for this event.
    ///
    /// # Errors
    /// The database's.
    pub fn add_review(&mut self, event: &str, rule: i64, body: &str) -> Result<Option<i64>, StoreError> {
        let number = self
            .db()?
            .prepare_cached(
                "INSERT INTO reviews (event, rule, state, body, created_us) VALUES (?1, ?2, 'open', ?3, ?4)
                 ON CONFLICT (event, rule) DO NOTHING RETURNING no",
            )?
            .query_row(params![event, rule, body, self.now_us()], |row| row.get(0))
            .optional()?;
        Ok(number)
    }

    /// Notes what a person decided; `false` when there is no such review, or it is decided already.
    ///
    /// # Errors
    /// The database's.
    pub fn decide_review(&mut self, no: i64, decision: &str) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE reviews SET state = 'done', decided_us = ?2, decision = ?3 WHERE no = ?1 AND state = 'open'",
            )?
            .execute(params![no, self.now_us(), decision])?;
        Ok(changed > 0)
    }

    /// Puts a label on an event; `false` when it has it.
    ///
    /// # Errors
    /// The database's.
    pub fn add_label(&mut self, event: &str, label: &str) -> Result<bool, StoreError> {
        let added = self
            .db()?
            .prepare_cached("INSERT INTO labels (event, label) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute([event, label])?;
        Ok(added > 0)
    }

    /// Takes a label off an event; `false` when it has it not.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_label(&mut self, event: &str, label: &str) -> Result<bool, StoreError> {
        let gone = self
            .db()?
            .prepare_cached("DELETE FROM labels WHERE event = ?1 AND label = ?2")?
            .execute([event, label])?;
        Ok(gone > 0)
    }
}

const SELECT: &str = "SELECT no, event, rule, body, created_us, decided_us, decision FROM reviews";

fn read(row: &Row<'_>) -> Result<Review, StoreError> {
    Ok(Review {
        no: row.get(0)?,
        event: row.get(1)?,
        rule: row.get(2)?,
        body: row.get(3)?,
        created_us: row.get(4)?,
        decided_us: row.get(5)?,
        decision: row.get(6)?,
    })
}
