//! Votes: what an exchange is still to be told, kept in the same step as the opinion it tells, until it was sent.
//!
//! Of each exchange they go in the order in which they were noted: the first one that waits is the only one that is due. A
//! vote on the same thing takes the place of an older one that was not sent. Sending is at least once. What fails for good
//! is dead, and waits for a person.

use rusqlite::{Row, params};
use serde_json::Value;

use crate::read::{json, list, one, page};
use crate::{Batch, DeliveryState, Store, StoreError};

/// A vote, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVote {
    /// Number, rising in the order of noting.
    pub no: i64,
    /// The exchange that is to be told.
    pub exchange: String,
    /// What: the caller's, but for `entry_no` and `signal`. *See* [`Batch::add_vote`].
    pub body: Value,
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
    /// When it was sent, or given up.
    pub done_us: Option<i64>,
}

/// How many votes wait, and how many are dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VotesCount {
    /// Wait for their time, or for those before them.
    pub pending: u64,
    /// Failed for good.
    pub dead: u64,
}

impl Store {
    /// Votes that are due: of each exchange the first that waits, if its time has come; by number.
    ///
    /// # Errors
    /// The database's.
    pub fn votes_due(&self, now_us: i64) -> Result<Vec<StoredVote>, StoreError> {
        if self.schema < 5 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{SELECT} WHERE no IN (SELECT min(no) FROM votes WHERE state = 'pending' GROUP BY exchange)
               AND next_us <= ?1 ORDER BY no"
        );
        list(&self.db, &sql, [now_us], read)
    }

    /// The next votes in a state after a number (at first 0), by rising number; of one exchange, or of all.
    ///
    /// # Errors
    /// The database's.
    pub fn votes(
        &self,
        exchange: Option<&str>,
        state: DeliveryState,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredVote>, StoreError> {
        if self.schema < 5 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{SELECT} WHERE state = ?1 AND no > ?2 AND (?3 IS NULL OR exchange = ?3) ORDER BY no LIMIT ?4"
        );
        list(&self.db, &sql, params![state.as_str(), after, exchange, page(limit)], read)
    }

    /// How many votes wait and are dead; of one exchange, or of all.
    ///
    /// # Errors
    /// The database's.
    pub fn votes_count(&self, exchange: Option<&str>) -> Result<VotesCount, StoreError> {
        if self.schema < 5 {
            return Ok(VotesCount::default());
        }
        let sql = "SELECT coalesce(sum(state = 'pending'), 0), coalesce(sum(state = 'dead'), 0) FROM votes
                   WHERE state <> 'done' AND (?1 IS NULL OR exchange = ?1)";
        let count = one(&self.db, sql, [exchange], |row| {
            let whole = |count: i64| u64::try_from(count).unwrap_or(0);
            Ok(VotesCount { pending: whole(row.get(0)?), dead: whole(row.get(1)?) })
        })?;
        Ok(count.unwrap_or_default())
    }
}

impl Batch<'_> {
    /// Notes what an exchange is to be told; returns its number. `body` is an object: its `entry_no` says of which entry,
    /// and its `signal` (null: all) of which kind of value. One of the same exchange, entry and kind that was not sent goes;
    /// one of all kinds takes the place of those of each.
    ///
    /// # Errors
    /// The database's; also when there is no such exchange.
    pub fn add_vote(&mut self, exchange: &str, body: &Value, next_us: i64) -> Result<i64, StoreError> {
        let entry_no = body.get("entry_no").and_then(Value::as_i64);
        let signal = body.get("signal").and_then(Value::as_str);
        let (db, now_us) = (self.db()?, self.now_us());
        db.prepare_cached(&format!(
            "DELETE FROM votes WHERE {UNSENT} AND (?3 IS NULL OR json_extract(body, '$.signal') = ?3)"
        ))?
        .execute(params![exchange, entry_no, signal])?;
        db.prepare_cached(
            "INSERT INTO votes (exchange, body, next_us, state, created_us) VALUES (?1, ?2, ?3, 'pending', ?4)",
        )?
        .execute(params![exchange, body.to_string(), next_us, now_us])?;
        Ok(db.last_insert_rowid())
    }

    /// Forgets what an exchange was to be told of an entry in somebody's name (`who` of the body), where it was not sent;
    /// returns how much.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_votes(&mut self, exchange: &str, entry_no: i64, who: &str) -> Result<u64, StoreError> {
        let gone = self
            .db()?
            .prepare_cached(&format!(
                "DELETE FROM votes WHERE {UNSENT} AND json_extract(body, '$.who') = ?3"
            ))?
            .execute(params![exchange, entry_no, who])?;
        Ok(gone as u64)
    }

    /// Notes that a vote was sent; `false` when it does not wait any more: another took its place meanwhile.
    ///
    /// # Errors
    /// The database's.
    pub fn vote_sent(&mut self, no: i64) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE votes SET state = 'done', attempts = attempts + 1, done_us = ?2
                 WHERE no = ?1 AND state = 'pending'",
            )?
            .execute([no, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Notes that an attempt failed, and when to try again; without a time, the vote is dead. `false` when it does not wait
    /// any more.
    ///
    /// # Errors
    /// The database's.
    pub fn vote_failed(&mut self, no: i64, next_us: Option<i64>, error: &str) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE votes SET attempts = attempts + 1, last_error = ?3, next_us = coalesce(?2, next_us),
                        state = CASE WHEN ?2 IS NULL THEN 'dead' ELSE 'pending' END,
                        done_us = CASE WHEN ?2 IS NULL THEN ?4 END
                 WHERE no = ?1 AND state = 'pending'",
            )?
            .execute(params![no, next_us, error, self.now_us()])?;
        Ok(changed > 0)
    }

    /// Makes dead votes of an exchange due again, with all their attempts: the one of this number, or all; returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn retry_votes(&mut self, exchange: &str, no: Option<i64>) -> Result<u64, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE votes SET state = 'pending', attempts = 0, next_us = ?3, done_us = NULL
                 WHERE exchange = ?1 AND state = 'dead' AND (?2 IS NULL OR no = ?2)",
            )?
            .execute(params![exchange, no, self.now_us()])?;
        Ok(changed as u64)
    }

    /// Forgets at most `limit` votes that were sent before a time; returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn prune_votes(&mut self, before_us: i64, limit: usize) -> Result<u64, StoreError> {
        let gone = self
            .db()?
            .prepare_cached(
                "DELETE FROM votes
                 WHERE no IN (SELECT no FROM votes WHERE state = 'done' AND done_us < ?1 ORDER BY no LIMIT ?2)",
            )?
            .execute([before_us, page(limit)])?;
        Ok(gone as u64)
    }
}

/// Not sent, to exchange `?1`, of entry `?2`.
const UNSENT: &str =
    "exchange = ?1 AND state IN ('pending', 'dead') AND json_extract(body, '$.entry_no') = ?2";

const SELECT: &str =
    "SELECT no, exchange, body, attempts, next_us, state, last_error, created_us, done_us FROM votes";

fn read(row: &Row<'_>) -> Result<StoredVote, StoreError> {
    let state: String = row.get(5)?;
    Ok(StoredVote {
        no: row.get(0)?,
        exchange: row.get(1)?,
        body: json(row, 2)?,
        attempts: row.get(3)?,
        next_us: row.get(4)?,
        state: state.parse().map_err(|reason| StoreError::Corrupt { reason })?,
        last_error: row.get(6)?,
        created_us: row.get(7)?,
        done_us: row.get(8)?,
    })
}
