//! Opinions: who confirms or disputes a content of a bank.

use std::str::FromStr;

use rusqlite::{Connection, params};

use crate::changes::log_said;
use crate::read::{list, page};
use crate::{Batch, Store, StoreError};

/// What somebody says of a content. *Source:* python-threatexchange, `SignalOpinion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Opinion {
    /// It belongs there.
    Confirm,
    /// It does not.
    Dispute,
}

impl Opinion {
    /// Name in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Dispute => "dispute",
        }
    }
}

impl FromStr for Opinion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Confirm, Self::Dispute]
            .into_iter()
            .find(|opinion| opinion.as_str() == text)
            .ok_or_else(|| format!("unknown opinion {text:?}; known: confirm, dispute"))
    }
}

/// One opinion on a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOpinion {
    /// Whose it is, in the caller's words.
    pub who: String,
    /// What they say.
    pub opinion: Opinion,
    /// Why.
    pub note: Option<String>,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
}

/// How many opinions a content has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpinionCount {
    /// Number of its entry.
    pub entry_no: i64,
    /// Who confirm it.
    pub confirm: u32,
    /// Who dispute it.
    pub dispute: u32,
}

impl Store {
    /// The opinions on a content, by who has them.
    ///
    /// # Errors
    /// The database's.
    pub fn opinions_of(&self, entry_no: i64) -> Result<Vec<StoredOpinion>, StoreError> {
        if self.schema < 3 {
            return Ok(Vec::new());
        }
        opinions_of(&self.db, entry_no)
    }

    /// How many opinions the next contents after a number (at first 0) have, by rising number; those without any are
    /// left out.
    ///
    /// # Errors
    /// The database's.
    pub fn opinion_counts(&self, after_no: i64, limit: usize) -> Result<Vec<OpinionCount>, StoreError> {
        if self.schema < 3 {
            return Ok(Vec::new());
        }
        let sql = "SELECT no, sum(opinion = 'confirm'), sum(opinion = 'dispute') FROM opinions
                   WHERE no > ?1 GROUP BY no ORDER BY no LIMIT ?2";
        list(&self.db, sql, [after_no, page(limit)], |row| {
            Ok(OpinionCount { entry_no: row.get(0)?, confirm: row.get(1)?, dispute: row.get(2)? })
        })
    }
}

impl Batch<'_> {
    /// As [`Store::opinions_of`].
    ///
    /// # Errors
    /// The database's.
    pub fn opinions_of(&self, entry_no: i64) -> Result<Vec<StoredOpinion>, StoreError> {
        opinions_of(self.db()?, entry_no)
    }

    /// Notes an opinion, in the place of the one that `who` had before; `false` when there is no such entry. What others
    /// are told of matches changes, and with it the generation.
    ///
    /// # Errors
    /// The database's.
    pub fn set_opinion(
        &mut self,
        entry_no: i64,
        who: &str,
        opinion: Opinion,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let set = self
            .db()?
            .prepare_cached(
                "INSERT INTO opinions (no, who, opinion, note, at_us)
                 SELECT no, ?2, ?3, ?4, ?5 FROM entries WHERE no = ?1
                 ON CONFLICT (no, who) DO UPDATE SET opinion = ?3, note = ?4, at_us = ?5",
            )?
            .execute(params![entry_no, who, opinion.as_str(), note, self.now_us()])?;
        if set > 0 {
            self.said();
            let generation = self.step()?;
            log_said(self.db()?, generation, entry_no)?;
        }
        Ok(set > 0)
    }

    /// Takes back the opinion that `who` has; `false` when there is none.
    ///
    /// # Errors
    /// The database's.
    pub fn withdraw_opinion(&mut self, entry_no: i64, who: &str) -> Result<bool, StoreError> {
        let gone = self
            .db()?
            .prepare_cached("DELETE FROM opinions WHERE no = ?1 AND who = ?2")?
            .execute(params![entry_no, who])?;
        if gone > 0 {
            self.said();
            let generation = self.step()?;
            log_said(self.db()?, generation, entry_no)?;
        }
        Ok(gone > 0)
    }
}

fn opinions_of(db: &Connection, entry_no: i64) -> Result<Vec<StoredOpinion>, StoreError> {
    list(db, "SELECT who, opinion, note, at_us FROM opinions WHERE no = ?1 ORDER BY who", [entry_no], |row| {
        let opinion: String = row.get(1)?;
        Ok(StoredOpinion {
            who: row.get(0)?,
            opinion: opinion.parse().map_err(|reason| StoreError::Corrupt { reason })?,
            note: row.get(2)?,
            at_us: row.get(3)?,
        })
    })
}
