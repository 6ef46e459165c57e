//! The outbox: what has to be told to others, kept in the same step as what it tells of, until it was delivered.
//!
//! Delivery is at least once: one process sends what is due, then notes it; killed between the two, it sends again, with
//! the same key. What fails for good is dead, and waits for a person.

use std::str::FromStr;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError};

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It waits for its time.
    Pending,
    /// It was delivered.
    Done,
    /// It failed for good.
    Dead,
}

impl DeliveryState {
    /// Name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("unknown state {text:?}; known: pending, done, dead"))
    }
}

/// Something to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDelivery<'a> {
    /// Idempotency key: the receiver knows by it what comes twice.
    pub key: &'a str,
    /// Id of the event it tells of.
    pub event: &'a str,
    /// The rule that asked for it.
    pub rule: Option<i64>,
    /// Where to, in the caller's words.
    pub target: &'a str,
    /// What is sent, byte for byte.
    pub body: &'a str,
    /// Not before this time, microseconds since 1970 UTC.
    pub next_us: i64,
}

/// A delivery, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Number, rising in the order of noting.
    pub no: i64,
    /// Idempotency key.
    pub key: String,
    /// Id of the event it tells of.
    pub event: String,
    /// The rule that asked for it.
    pub rule: Option<i64>,
    /// Where to.
    pub target: String,
    /// What is sent, byte for byte.
    pub body: String,
    /// Attempts that ended, well or not.
    pub attempts: u32,
    /// When it is tried (again), microseconds since 1970 UTC.
    pub next_us: i64,
    /// How far it is.
    pub state: DeliveryState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was noted.
    pub created_us: i64,
    /// When it was delivered, or given up.
    pub done_us: Option<i64>,
}

impl Store {
    /// Deliveries that are due, those that have waited longest first. They stay due until they are noted as delivered or
    /// failed.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn due(&self, now_us: i64, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE state = 'pending' AND next_us <= ?1 ORDER BY next_us, no LIMIT ?2");
        list(&self.db, &sql, [now_us, page(limit)], read)
    }

    /// As [`Store::due`], without those to some targets and without some by their numbers: what is on its way already must
    /// not hide what else is due. Cost: in proportion to what is passed over.
    ///
    /// # Errors
    /// As there.
    pub fn due_beside(
        &self,
        now_us: i64,
        targets: &[&str],
        numbers: &[i64],
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!(
            "{SELECT} WHERE state = 'pending' AND next_us <= ?1
               AND target NOT IN (SELECT value FROM json_each(?2)) AND no NOT IN (SELECT value FROM json_each(?3))
             ORDER BY next_us, no LIMIT ?4"
        );
        let (targets, numbers) = (Value::from(targets).to_string(), Value::from(numbers).to_string());
        list(&self.db, &sql, params![now_us, targets, numbers, page(limit)], read)
    }

    /// When the next delivery is due; `None` when none is pending.
    ///
    /// # Errors
    /// As [`Store::due`].
    pub fn next_due_us(&self) -> Result<Option<i64>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, "SELECT min(next_us) FROM outbox WHERE state = 'pending'", [], |row| Ok(row.get(0)?))
            .map(Option::flatten)
    }

    /// The next deliveries in a state after a number (at first 0), by rising number: `Dead` is the dead-letter view.
    ///
    /// # Errors
    /// As [`Store::due`].
    pub fn deliveries(
        &self,
        state: DeliveryState,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE state = '{}' AND no > ?1 ORDER BY no LIMIT ?2", state.as_str());
        list(&self.db, &sql, [after, page(limit)], read)
    }

    /// One delivery by its number; `None` when there is none such.
    ///
    /// # Errors
    /// As [`Store::due`].
    pub fn delivery(&self, no: i64) -> Result<Option<Delivery>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE no = ?1"), [no], read)
    }

    /// How many deliveries are pending, and how many are dead: what a monitor watches.
    ///
    /// # Errors
    /// As [`Store::due`].
    pub fn outbox_counts(&self) -> Result<(u64, u64), StoreError> {
        self.needs_schema_3()?;
        let count = |state| -> Result<u64, StoreError> {
            let sql = format!("SELECT count(*) FROM outbox WHERE state = '{state}'");
            let count: i64 = self.db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        Ok((count("pending")?, count("dead")?))
    }
}

impl Batch<'_> {
    /// Notes something to deliver; returns its number. `None`, and no change, when one of this key stands there.
    ///
    /// # Errors
    /// The database's.
    pub fn add_delivery(&mut self, delivery: &NewDelivery<'_>) -> Result<Option<i64>, StoreError> {
        let number = self
            .db()?
            .prepare_cached(
                "INSERT INTO outbox (key, event, rule, target, body, next_us, state, created_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7) ON CONFLICT (key) DO NOTHING RETURNING no",
            )?
            .query_row(
                params![
                    delivery.key,
                    delivery.event,
                    delivery.rule,
                    delivery.target,
                    delivery.body,
                    delivery.next_us,
                    self.now_us(),
                ],
                |row| row.get(0),
            )
            .optional()?;
        Ok(number)
    }

    /// Notes that something was delivered; `false` when it is not pending.
    ///
    /// # Errors
    /// The database's.
    pub fn delivered(&mut self, no: i64) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE outbox SET state = 'done', attempts = attempts + 1, done_us = ?2
                 WHERE no = ?1 AND state = 'pending'",
            )?
            .execute([no, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Notes that an attempt failed, and when to try again; without a time, the delivery is dead. `false` when it is not
    /// pending.
    ///
    /// # Errors
    /// The database's.
    pub fn failed(&mut self, no: i64, next_us: Option<i64>, error: &str) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE outbox SET attempts = attempts + 1, last_error = ?3, next_us = coalesce(?2, next_us),
                        state = CASE WHEN ?2 IS NULL THEN 'dead' ELSE 'pending' END,
                        done_us = CASE WHEN ?2 IS NULL THEN ?4 END
                 WHERE no = ?1 AND state = 'pending'",
            )?
            .execute(params![no, next_us, error, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Makes a dead delivery due again, with all its attempts; `false` when it is not dead.
    ///
    /// # Errors
    /// The database's.
    pub fn requeue(&mut self, no: i64) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', attempts = 0, next_us = ?2, done_us = NULL
                 WHERE no = ?1 AND state = 'dead'",
            )?
            .execute([no, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Forgets at most `limit` deliveries that were delivered before a time; returns how many. Their keys count as new
    /// again.
    ///
    /// # Errors
    /// The database's.
    pub fn prune_delivered(&mut self, before_us: i64, limit: usize) -> Result<u64, StoreError> {
        let gone = self
            .db()?
            .prepare_cached(
                "DELETE FROM outbox WHERE no IN (
                     SELECT no FROM outbox WHERE state = 'done' AND done_us < ?1 ORDER BY done_us LIMIT ?2)",
            )?
            .execute([before_us, page(limit)])?;
        Ok(gone as u64)
    }
}

const SELECT: &str =
    "SELECT no, key, event, rule, target, body, attempts, next_us, state, last_error, created_us, done_us
                      FROM outbox";

fn read(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let state: String = row.get(8)?;
    Ok(Delivery {
        no: row.get(0)?,
        key: row.get(1)?,
        event: row.get(2)?,
        rule: row.get(3)?,
        target: row.get(4)?,
        body: row.get(5)?,
        attempts: row.get(6)?,
        next_us: row.get(7)?,
        state: state.parse().map_err(|reason| StoreError::Corrupt { reason })?,
        last_error: row.get(9)?,
        created_us: row.get(10)?,
        done_us: row.get(11)?,
    })
}
