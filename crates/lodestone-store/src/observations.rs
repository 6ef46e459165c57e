//! What scans have read, kept so that a later scan rereads only what changed.

use lodestone_types::Observation;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{Store, StoreError};

/// Which file, in which state, read with which settings. Anything different is another observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationKey {
    /// Bytes of the file's path.
    pub path: Vec<u8>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was changed last, nanoseconds since 1970 UTC.
    pub mtime_ns: i64,
    /// The settings that shape an observation, in the caller's words.
    pub options: String,
}

impl ObservationKey {
    fn size(&self) -> i64 {
        i64::try_from(self.size_bytes).unwrap_or(i64::MAX)
    }
}

/// What is kept of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptFile {
    /// Bytes of the file's path.
    pub path: Vec<u8>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The settings that shaped its observations.
    pub options: String,
    /// One for the file itself (member `""`) and, of an archive, one for each member, in the order they were put.
    pub observations: Vec<(String, Observation)>,
    /// Observations that should be there and cannot be read.
    pub unreadable: u64,
}

impl Store {
    /// The observations of a file in exactly this state: one for the file itself (member `""`) and, of an archive, one
    /// for each member, in the order they were put. `None` when there are none, or when they cannot be read: the file is
    /// then read again.
    ///
    /// # Errors
    /// The database's.
    pub fn observations_lookup(
        &self,
        key: &ObservationKey,
    ) -> Result<Option<Vec<(String, Observation)>>, StoreError> {
        let mut observations = Vec::new();
        let found = self.for_each_observed(key, &mut |member, observation| {
            observations.push((member, observation));
        })?;
        Ok(found.then_some(observations))
    }

    /// As [`Store::observations_lookup`], one observation at a time. `false`: there are none, or not all could be read,
    /// and what was handed over does not count.
    ///
    /// # Errors
    /// The database's.
    pub fn for_each_observed(
        &self,
        key: &ObservationKey,
        take: &mut dyn FnMut(String, Observation),
    ) -> Result<bool, StoreError> {
        let found: Option<(i64, i64)> = self
            .db
            .prepare_cached(
                "SELECT no, members FROM observed_files
                 WHERE path = ?1 AND size_bytes = ?2 AND mtime_ns = ?3 AND options = ?4",
            )?
            .query_row(params![key.path, key.size(), key.mtime_ns, key.options], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((file, members)) = found else { return Ok(false) };
        let mut statement = self.db.prepare_cached(
            "SELECT member, observation FROM observations WHERE file = ?1 ORDER BY position",
        )?;
        let mut rows = statement.query([file])?;
        let mut count = 0i64;
        while let Some(row) = rows.next()? {
            let (Ok(member), Ok(json)) = (row.get::<_, String>(0), row.get::<_, String>(1)) else {
                return Ok(false);
            };
            let Ok(observation) = serde_json::from_str(&json) else { return Ok(false) };
            take(member, observation);
            count += 1;
        }
        Ok(count == members)
    }

    /// Keeps a batch of observations, in one transaction: all of a file's replace what was kept for its path.
    /// Thumbnails are left out: the store holds no pixels.
    ///
    /// # Errors
    /// [`StoreError::Full`] and the database's; then nothing of the batch is kept.
    pub fn put_observations(
        &mut self,
        batch: &[(ObservationKey, Vec<(String, Observation)>)],
        now_us: i64,
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (key, observations) in batch {
            put(&transaction, key, observations.len() as u64, now_us, &mut |take| {
                observations.iter().try_for_each(|(member, observation)| take(member, observation))
            })?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// As [`Store::put_observations`], of one file with so many members that they come one at a time: `feed` hands each
    /// to what it is given. All of them are kept, or none.
    ///
    /// # Errors
    /// As [`Store::put_observations`], and those of `feed`.
    pub fn put_observed(
        &mut self,
        key: &ObservationKey,
        count: u64,
        now_us: i64,
        feed: &mut Feed<'_>,
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put(&transaction, key, count, now_us, feed)?;
        transaction.commit()?;
        Ok(())
    }

    /// Files whose observations are kept.
    ///
    /// # Errors
    /// The database's.
    pub fn kept_files(&self) -> Result<u64, StoreError> {
        let files: i64 = self.db.query_row("SELECT count(*) FROM observed_files", [], |row| row.get(0))?;
        Ok(u64::try_from(files).unwrap_or(0))
    }

    /// Hands over everything kept, file by file in the order of their paths' bytes, holding one file at a time.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn for_each_kept<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(KeptFile) -> Result<(), E>,
    ) -> Result<(), E> {
        let db = StoreError::from;
        let mut files = self
            .db
            .prepare("SELECT no, path, size_bytes, options, members FROM observed_files ORDER BY path")
            .map_err(db)?;
        let mut members = self
            .db
            .prepare("SELECT member, observation FROM observations WHERE file = ?1 ORDER BY position")
            .map_err(db)?;
        let mut files = files.query([]).map_err(db)?;
        while let Some(row) = files.next().map_err(db)? {
            let no: i64 = row.get(0).map_err(db)?;
            let size: i64 = row.get(2).map_err(db)?;
            let mut file = KeptFile {
                path: row.get(1).map_err(db)?,
                size_bytes: u64::try_from(size).unwrap_or(0),
                options: row.get(3).map_err(db)?,
                observations: Vec::new(),
                unreadable: 0,
            };
            let count: i64 = row.get(4).map_err(db)?;
            let mut rows = members.query([no]).map_err(db)?;
            while let Some(row) = rows.next().map_err(db)? {
                let member = row.get::<_, String>(0);
                let observation = row.get::<_, String>(1).map(|json| serde_json::from_str(&json));
                match (member, observation) {
                    (Ok(member), Ok(Ok(observation))) => file.observations.push((member, observation)),
                    _ => file.unreadable += 1,
                }
            }
            let read = file.observations.len() as u64 + file.unreadable;
            file.unreadable += u64::try_from(count).unwrap_or(0).saturating_sub(read);
            each(file)?;
        }
        Ok(())
    }

    /// Forgets observations put before a time; returns how many files were forgotten.
    ///
    /// # Errors
    /// The database's.
    pub fn prune_observations(&mut self, before_us: i64) -> Result<u64, StoreError> {
        let gone = self.db.execute("DELETE FROM observed_files WHERE written_us < ?1", [before_us])?;
        Ok(gone as u64)
    }
}

/// Hands over observations with their members' names, one at a time.
pub type Feed<'f> =
    dyn FnMut(&mut dyn FnMut(&str, &Observation) -> Result<(), StoreError>) -> Result<(), StoreError> + 'f;

fn put(
    transaction: &Transaction<'_>,
    key: &ObservationKey,
    count: u64,
    now_us: i64,
    feed: &mut Feed<'_>,
) -> Result<(), StoreError> {
    transaction.prepare_cached("DELETE FROM observed_files WHERE path = ?1")?.execute([&key.path])?;
    let members = i64::try_from(count).unwrap_or(i64::MAX);
    transaction
        .prepare_cached(
            "INSERT INTO observed_files (path, size_bytes, mtime_ns, options, members, written_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![key.path, key.size(), key.mtime_ns, key.options, members, now_us])?;
    let file = transaction.last_insert_rowid();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO observations (file, position, member, observation) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut positions = 0i64..;
    feed(&mut |member, observation| {
        let json = if observation.shows_picture() {
            serde_json::to_string(&observation.pictureless())
        } else {
            serde_json::to_string(observation)
        };
        let json = json.map_err(|error| StoreError::Refused {
            reason: format!("an observation cannot be written as JSON: {error}"),
        })?;
        insert.execute(params![file, positions.next(), member, json])?;
        Ok(())
    })
}
