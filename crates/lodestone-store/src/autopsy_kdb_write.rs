//! Writes Autopsy's hash sets, as The Sleuth Kit makes them: Autopsy looks files up by MD5.
//!
//! The two indexes on `hash_id` are ours: names are looked for while they come.
//!
//! *Source:* The Sleuth Kit, `tsk/hashdb/sqlite_hdb.cpp`, `sqlite_hdb_create_tables`.

use std::path::Path;

use lodestone_types::{ListEntry, SignalType};
use rusqlite::{Connection, params};

use crate::{StoreError, open};

const TABLES: &str = "
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
BEGIN;
CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);
INSERT INTO db_properties (name, value) VALUES ('Schema Version', '1');
CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, sha1 BINARY(20), sha2_256 BINARY(32));
CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL);
CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL);
CREATE INDEX md5_index ON hashes(md5);
CREATE INDEX sha1_index ON hashes(sha1);
CREATE INDEX name_index ON file_names(hash_id);
CREATE INDEX comment_index ON comments(hash_id);
";

/// A hash set that is being written. Nothing is complete before [`KdbWriter::finish`].
#[derive(Debug)]
pub struct KdbWriter {
    db: Connection,
}

impl KdbWriter {
    /// Begins a set in an empty file, which the caller puts in its place when it is whole.
    ///
    /// # Errors
    /// The file system's; [`StoreError::Refused`] for a file that is not empty.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if std::fs::metadata(path).is_ok_and(|found| found.len() > 0) {
            return Err(StoreError::Refused {
                reason: "a hash set is written into an empty file".to_owned(),
            });
        }
        let db = Connection::open(path).map_err(|error| open::named(path, error))?;
        db.execute_batch(TABLES).map_err(|error| open::named(path, error))?;
        Ok(Self { db })
    }

    /// Writes an entry; returns how many values of it were. One without an MD5 cannot be looked up by Autopsy, and is left
    /// out. One with several MD5s is a row for each, and SHA-1 and SHA-256 stand where it has one of each kind, since
    /// else nothing says which belong together. The classification becomes a comment, a file name a file name.
    ///
    /// # Errors
    /// The database's.
    pub fn entry(&mut self, entry: &ListEntry) -> Result<usize, StoreError> {
        let of = |kind: SignalType| -> Vec<&[u8]> {
            entry.signals.iter().filter(|signal| signal.kind() == kind).map(|signal| signal.bytes()).collect()
        };
        let (md5s, sha1s, sha256s) = (of(SignalType::Md5), of(SignalType::Sha1), of(SignalType::Sha256));
        let only = |values: &[&[u8]]| match (md5s.len(), values) {
            (1, [value]) => Some(value.to_vec()),
            _ => None,
        };
        let (sha1, sha256) = (only(&sha1s), only(&sha256s));
        for md5 in &md5s {
            // Two entries may have one file; what the first has not, the second may.
            let mut insert = self.db.prepare_cached(
                "INSERT INTO hashes (md5, sha1, sha2_256) VALUES (?1, ?2, ?3) ON CONFLICT (md5) DO UPDATE
                 SET sha1 = coalesce(sha1, excluded.sha1), sha2_256 = coalesce(sha2_256, excluded.sha2_256) RETURNING id",
            )?;
            let id: i64 = insert.query_row(params![md5, sha1, sha256], |row| row.get(0))?;
            let name = entry.extra.as_ref().and_then(|extra| extra.get("filename")).and_then(|v| v.as_str());
            let told =
                [("file_names", "name", name), ("comments", "comment", entry.classification.as_deref())];
            for (table, column, text) in told {
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    let sql = format!(
                        "INSERT INTO {table} ({column}, hash_id) SELECT ?1, ?2
                         WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE hash_id = ?2 AND {column} = ?1)"
                    );
                    self.db.prepare_cached(&sql)?.execute(params![text, id])?;
                }
            }
        }
        Ok(md5s.len() + usize::from(sha1.is_some()) + usize::from(sha256.is_some()))
    }

    /// Ends the set.
    ///
    /// # Errors
    /// The database's.
    pub fn finish(self) -> Result<(), StoreError> {
        self.db.execute_batch("COMMIT")?;
        self.db.close().map_err(|(_, error)| error)?;
        Ok(())
    }
}
