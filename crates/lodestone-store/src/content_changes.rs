//! Content added, removed and changed one by one, with the log and the counts that an index lives by.

use lodestone_types::{Signal, SignalType};
use rusqlite::params;
use serde_json::Value;

use crate::banks::{entry_range, id_of};
use crate::changes::{log_added, log_removed};
use crate::content_ids::{entry_of, give_ids};
use crate::counts::Counts;
use crate::entries::{no_of, read_value};
use crate::import::{source_of, to_i64};
use crate::read::list;
use crate::writer::{EntryId, MAX_ID, next_no};
use crate::{Batch, ListSource, StoreError};

/// Source of what was not imported from a list.
pub(crate) const BY_HAND: ListSource<'_> = ListSource { name: "added by hand", sha256: "" };

/// Content to be added to a bank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NewContent<'a> {
    /// Id that its list gives it, 1 to 1,000 bytes; `None`: one is made of its content id.
    pub entry: Option<&'a str>,
    /// Its fingerprints; at least one. The same signal may stand in any number of contents.
    pub signals: &'a [Signal],
    /// What a person says of it.
    pub note: Option<&'a str>,
    /// Fields that are carried without being read.
    pub metadata: Option<&'a Value>,
    /// Where the medium came from.
    pub original_media_uri: Option<&'a str>,
    /// The list's own classification.
    pub classification: Option<&'a str>,
    /// The list's tags.
    pub tags: &'a [String],
    /// PDQ quality, 0 to 100.
    pub pdq_quality: Option<u8>,
    /// Fields of the list that are carried, to be written back.
    pub extra: Option<&'a Value>,
}

/// What was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its content id.
    pub content_id: i64,
    /// Its number.
    pub entry_no: i64,
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Number it had.
    pub entry_no: i64,
    /// Fingerprints it had, by type, then value.
    pub signals: Vec<Signal>,
}

/// What to change of a content; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentChange<'a> {
    /// Seconds since 1970 until which it does not match; 1: it matches; 0: it never does. As HMA has it.
    pub disable_until_ts: Option<i64>,
    /// Another note; inside, `None`: none.
    pub note: Option<Option<&'a str>>,
}

impl Batch<'_> {
    /// Adds one content to a bank.
    ///
    /// Cost: about 50 µs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Taken`] when the bank has an entry of this id; [`StoreError::Refused`]
    /// without a signal, with an id that is too long, and of a bank that is full.
    pub fn add_content(&mut self, bank: &str, content: &NewContent<'_>) -> Result<Added, StoreError> {
        let bank_id = id_of(self.db()?, bank)?;
        if content.signals.is_empty() {
            return Err(refused("no signal"));
        }
        if content.entry.is_some_and(|id| id.is_empty() || id.len() > MAX_ID) {
            return Err(refused("the id is empty or longer than 1,000 bytes"));
        }
        if let Some(id) = content.entry
            && no_of(self.db()?, bank_id, id)?.is_some()
        {
            return Err(StoreError::Taken { reason: format!("bank {bank} has an entry {id:?} already") });
        }
        let entry_no = next_no(self.db()?, bank_id)?;
        if entry_no >= entry_range(bank_id).1 {
            return Err(refused("the bank is full"));
        }
        let generation = self.touch(bank_id)?;
        let db = self.db()?;
        let content_id = give_ids(db, entry_no, 1)?;
        let id = match content.entry {
            Some(id) => id.to_owned(),
            None => {
                let mut id = format!("content-{content_id}");
                while no_of(db, bank_id, &id)?.is_some() {
                    id.push('+');
                }
                id
            }
        };
        let (source, _) = source_of(db, bank_id, BY_HAND, self.now_us())?;
        let tags = (!content.tags.is_empty()).then(|| Value::from(content.tags).to_string());
        db.prepare_cached(
            "INSERT INTO entries (no, bank, source, entry, classification, tags, pdq_quality, extra, line,
                                  added_generation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)",
        )?
        .execute(params![
            entry_no,
            bank_id,
            source,
            EntryId(&id),
            content.classification,
            tags,
            content.pdq_quality,
            content.extra.map(Value::to_string),
            to_i64(generation),
        ])?;
        let mut signals: Vec<&Signal> = content.signals.iter().collect();
        signals.sort();
        signals.dedup();
        let mut counts = Counts::new(db, bank_id);
        let mut insert = db.prepare_cached("INSERT INTO signals (entry, type, value) VALUES (?1, ?2, ?3)")?;
        for signal in &signals {
            insert.execute(params![entry_no, signal.kind().as_str(), signal.bytes()])?;
            counts.add(signal.kind(), 1);
        }
        counts.write()?;
        if content.note.is_some() || content.metadata.is_some() || content.original_media_uri.is_some() {
            db.prepare_cached(
                "INSERT INTO content_details (no, note, original_media_uri, metadata) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                entry_no,
                content.note,
                content.original_media_uri,
                content.metadata.map(Value::to_string),
            ])?;
        }
        db.prepare_cached("UPDATE banks SET entries = entries + 1, source_sha256 = '' WHERE id = ?1")?
            .execute([bank_id])?;
        log_added(db, generation, entry_no)?;
        Ok(Added { content_id, entry_no })
    }

    /// Removes a content by its id; `None` when the bank has none such. Neither its id nor its number is given again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn remove_content(&mut self, bank: &str, content_id: i64) -> Result<Option<Removed>, StoreError> {
        let bank_id = id_of(self.db()?, bank)?;
        match entry_of(self.db()?, content_id)?.filter(|no| is_of(bank_id, *no)) {
            Some(no) => self.remove(bank_id, no).map(Some),
            None => Ok(None),
        }
    }

    /// Removes an entry by the list's id; `None` when the bank has none such. Its number is not given again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn remove_entry(&mut self, bank: &str, id: &str) -> Result<Option<Removed>, StoreError> {
        let bank_id = id_of(self.db()?, bank)?;
        match no_of(self.db()?, bank_id, id)? {
            Some(no) => self.remove(bank_id, no).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn remove(&mut self, bank: i64, no: i64) -> Result<Removed, StoreError> {
        let generation = self.touch(bank)?;
        let db = self.db()?;
        let sql = "SELECT type, value FROM signals WHERE entry = ?1 ORDER BY type, value";
        let signals = list(db, sql, [no], |row| read_value(row, 0))?;
        let mut counts = Counts::new(db, bank);
        let mut pdq: Vec<u8> = Vec::new();
        for signal in &signals {
            counts.add(signal.kind(), -1);
            if signal.kind() == SignalType::Pdq {
                pdq.extend(signal.bytes());
            }
        }
        db.prepare_cached("DELETE FROM signals WHERE entry = ?1")?.execute([no])?;
        db.prepare_cached("DELETE FROM entries WHERE no = ?1")?.execute([no])?;
        db.prepare_cached(
            "UPDATE banks SET next_no = max(next_no, ?2), entries = entries - 1, source_sha256 = '' WHERE id = ?1",
        )?
        .execute([bank, no.saturating_add(1)])?;
        counts.write()?;
        log_removed(db, generation, no, &pdq)?;
        Ok(Removed { entry_no: no, signals })
    }

    /// Changes a content; `false` when the bank has none such. Only when it matches is a change of the bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn change_content(
        &mut self,
        bank: &str,
        content_id: i64,
        change: ContentChange<'_>,
    ) -> Result<bool, StoreError> {
        let bank_id = id_of(self.db()?, bank)?;
        let Some(no) = entry_of(self.db()?, content_id)?.filter(|no| is_of(bank_id, *no)) else {
            return Ok(false);
        };
        let mut matching = false;
        let db = self.db()?;
        db.prepare_cached("INSERT INTO content_details (no) VALUES (?1) ON CONFLICT (no) DO NOTHING")?
            .execute([no])?;
        if let Some(until) = change.disable_until_ts {
            matching = db
                .prepare_cached(
                    "UPDATE content_details SET disable_until_ts = ?2 WHERE no = ?1 AND disable_until_ts <> ?2",
                )?
                .execute([no, until])?
                > 0;
        }
        if let Some(note) = change.note {
            db.prepare_cached("UPDATE content_details SET note = ?2 WHERE no = ?1")?
                .execute(params![no, note])?;
        }
        db.prepare_cached(
            "DELETE FROM content_details
             WHERE no = ?1 AND disable_until_ts = 1 AND note IS NULL AND original_media_uri IS NULL
               AND metadata IS NULL",
        )?
        .execute([no])?;
        if matching {
            self.said();
            self.touch(bank_id)?;
        }
        Ok(true)
    }
}

/// Whether an entry's number is one of the bank's.
pub(crate) fn is_of(bank: i64, entry_no: i64) -> bool {
    let (first, last) = entry_range(bank);
    (first..=last).contains(&entry_no)
}

fn refused(reason: &str) -> StoreError {
    StoreError::Refused { reason: reason.to_owned() }
}
