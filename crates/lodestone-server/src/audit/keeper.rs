//! The log's folder and key, opened, and brought in line with the store.
//!
//! Store and log are two files that no commit spans. The log is appended to first; then the store notes which places its
//! rows have. After a kill between the two, the log is longer than the store knows: the rows that wait are looked for, to
//! the byte, among the entries beyond, and noted. An older copy of the store leaves entries in the log that no row speaks
//! of: they stay, and the log goes on behind them. An older copy of the log, or none, is shorter than the store knows: the
//! rows still have their leaves, which make the same tree again.

use std::path::{Path, PathBuf};

use lodestone_store::{AuditEntry, Store, StoreError};
use lodestone_tlog::{Folder, Log, Reader, SigningKey, TlogError, VerifierKey, key_file};
use lodestone_types::hex;
use ring::rand::{SecureRandom as _, SystemRandom};

/// The log's folder, in the data folder.
pub const FOLDER: &str = "audit";
/// The private key, in the data folder.
pub const KEY_FILE: &str = "audit.key";

/// Rows looked at in one go.
const PAGE: usize = 1000;

/// Why the log cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The log or its key.
    #[error("audit log: {0}")]
    Log(#[from] TlogError),
    /// The store.
    #[error("audit log: {0}")]
    Store(#[from] StoreError),
    /// The log has lost entries that the store cannot give back.
    #[error(
        "the audit log has {size} entries and the store knows of {known}, and not all that are missing can be made again: \
         put back a copy of the folder `audit`"
    )]
    Cut {
        /// Entries in the log.
        size: u64,
        /// Entries the store knows to be in it.
        known: u64,
    },
    /// The log has entries, and the store is as new: its database was lost.
    #[error(
        "the folder has an audit log of {size} entries, and its database is empty, as if it had just been made: put back a \
         copy of lodestone.db, or begin anew in another folder. Started so, every look-up would answer that nothing matches"
    )]
    StoreLost {
        /// Entries in the log.
        size: u64,
    },
    /// What was to be noted in the store was not.
    #[error("audit log: {0}")]
    NotNoted(String),
    /// The system gives no random bytes.
    #[error("audit log: the system gives no random bytes")]
    NoRandomness,
}

/// The log, open for writing. One process has one.
#[derive(Debug)]
pub struct Keeper {
    data: PathBuf,
    /// `None` after an append that failed: it has to be opened again.
    log: Option<Log<Folder>>,
    verifier: VerifierKey,
}

/// Notes in the store that `count` waiting rows from a number on stand in the log from an index on.
pub(super) type Noting<'n> = &'n mut dyn FnMut(i64, i64, usize) -> Result<(), AuditError>;

impl Keeper {
    /// Opens the log and its key, both made at first, and notes in the store what is in the log already.
    ///
    /// `origin` names a log that is made here; without one it is `lodestone-audit/` and 8 random digits.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(
        data: &Path,
        store: &mut Store,
        origin: Option<&str>,
        now_us: i64,
    ) -> Result<Self, AuditError> {
        let key_path = data.join(KEY_FILE);
        let key = match key_file::load(&key_path) {
            Err(TlogError::Missing { .. }) if !data.join(FOLDER).join("checkpoint").exists() => {
                let key =
                    SigningKey::generate(&origin.map_or_else(random_origin, |name| Ok(name.to_owned()))?)?;
                key_file::create(&key_path, &key)?;
                tracing::info!(verifier_key = %key.verifier(), "made a key for the audit log: keep its verifier key elsewhere");
                key
            }
            loaded => loaded?,
        };
        let verifier = key.verifier().clone();
        let log = open_log(data, key)?;
        let mut keeper = Self { data: data.to_owned(), log: Some(log), verifier };
        // Read through a connection of its own, so that each page sees what was noted before it.
        let reader = Store::open_read_only(data)?;
        let size = keeper.log.as_ref().map_or(0, Log::size);
        let is_new = reader.generation()? == 0 && reader.audit_entries(0, 1)?.is_empty();
        if size > 0 && is_new {
            return Err(AuditError::StoreLost { size });
        }
        keeper.settle(&reader, &mut |first_no, first_index, count| {
            store
                .batch(now_us, |batch| batch.audit_logged(first_no, first_index, count))
                .map_err(AuditError::from)
        })?;
        Ok(keeper)
    }

    /// The key by which others verify the log.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Appends rows that wait, oldest first, and returns the place of the first. After an error the log has to be opened
    /// again, by [`Keeper::reopen`].
    ///
    /// # Errors
    /// [`AuditError::Log`].
    pub(super) fn append(&mut self, rows: &[AuditEntry]) -> Result<u64, AuditError> {
        let Some(mut log) = self.log.take() else {
            return Err(AuditError::NotNoted("it is not open".to_owned()));
        };
        let leaves: Vec<&[u8]> = rows.iter().map(|row| row.leaf.as_slice()).collect();
        let range = log.append(&leaves)?;
        self.log = Some(log);
        Ok(range.start)
    }

    /// Closes the log, as after something that went wrong behind it.
    pub(super) fn close(&mut self) {
        self.log = None;
    }

    /// Whether it has to be opened again.
    pub(super) fn is_closed(&self) -> bool {
        self.log.is_none()
    }

    /// Opens it again where it is closed, and brings the store in line.
    ///
    /// # Errors
    /// [`AuditError`].
    pub(super) fn reopen(&mut self, reader: &Store, noting: Noting<'_>) -> Result<(), AuditError> {
        if self.log.is_none() {
            self.log = Some(open_log(&self.data, key_file::load(&self.data.join(KEY_FILE))?)?);
            let settled = self.settle(reader, noting);
            if settled.is_err() {
                self.log = None;
            }
            settled?;
        }
        Ok(())
    }

    fn settle(&mut self, reader: &Store, noting: Noting<'_>) -> Result<(), AuditError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let known = u64::try_from(reader.audit_logged_size()?).unwrap_or(0);
        if log.size() < known {
            restore(log, reader, known)?;
            tracing::warn!(
                entries = log.size(),
                "the audit log was shorter than the store knew: its end was made again"
            );
        } else if log.size() > known {
            let unknown = find(&log.reader(), reader, known, noting)?;
            if unknown > 0 {
                tracing::warn!(
                    unknown,
                    "the audit log has entries that the store does not know: an older copy of it?"
                );
            }
        }
        Ok(())
    }
}

fn open_log(data: &Path, key: SigningKey) -> Result<Log<Folder>, AuditError> {
    let root = data.join(FOLDER);
    let fresh = !root.join("checkpoint").exists() && !root.join("tile").exists();
    let folder = Folder::for_writing(&root)?;
    Ok(if fresh { Log::create(folder, key)? } else { Log::open(folder, key, &[])? })
}

fn random_origin() -> Result<String, AuditError> {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AuditError::NoRandomness)?;
    Ok(format!("lodestone-audit/{}", hex::encode(&bytes)))
}

/// Appends what the log has lost, from the rows.
fn restore(log: &mut Log<Folder>, store: &Store, known: u64) -> Result<(), AuditError> {
    while log.size() < known {
        let (from, to) = (log.size(), known.min(log.size() + PAGE as u64));
        let mut leaves = Vec::new();
        for index in from..to {
            let row = store.audit_at(i64::try_from(index).unwrap_or(i64::MAX))?;
            leaves.push(row.ok_or(AuditError::Cut { size: from, known })?.leaf);
        }
        log.append(&leaves)?;
    }
    Ok(())
}

/// Looks for the rows that wait among the entries from `known` on, in order; returns how many entries are none of them.
fn find(log: &Reader<'_, Folder>, store: &Store, known: u64, noting: Noting<'_>) -> Result<u64, AuditError> {
    let size = log.checkpoint().size;
    let (mut index, mut unknown) = (known, 0);
    let mut waiting = store.audit_pending(PAGE)?;
    while index < size {
        // A run of entries that are the next rows.
        let mut run = 0;
        while let Some(row) = waiting.get(run)
            && index + (run as u64) < size
            && log.entry(index + run as u64)? == row.leaf
        {
            run += 1;
        }
        match waiting.first() {
            Some(first) if run > 0 => {
                noting(first.no, i64::try_from(index).unwrap_or(i64::MAX), run)?;
                index += run as u64;
                waiting = store.audit_pending(PAGE)?;
            }
            _ => {
                unknown += 1;
                index += 1;
            }
        }
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{self, note};
    use crate::auth::Caller;
    use serde_json::json;

    struct Data(tempfile::TempDir);

    impl Data {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn store(&self) -> Store {
            Store::open(self.0.path()).unwrap()
        }

        fn keeper(&self, store: &mut Store) -> Result<Keeper, AuditError> {
            Keeper::open(self.0.path(), store, Some("lodestone-audit/test"), 9)
        }

        fn copy(&self, from: &str, to: &str) {
            let (from, to) = (self.0.path().join(from), self.0.path().join(to));
            let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
            assert!(status.success());
        }
    }

    fn noted(store: &mut Store, names: &[&str]) {
        let caller = Caller { key: "k".into() };
        let work = |batch: &mut lodestone_store::Batch<'_>| -> Result<(), StoreError> {
            for name in names {
                assert!(note(batch, &caller, "bank.create", &json!({ "bank": name })).is_ok());
            }
            Ok(())
        };
        store.batch(1, work).unwrap();
    }

    /// Appends what waits; notes it, or is killed before that.
    fn appended(keeper: &mut Keeper, store: &mut Store, killed: bool) {
        let rows = store.audit_pending(100).unwrap();
        let first = keeper.append(&rows).unwrap();
        if !killed {
            store.batch(2, |batch| batch.audit_logged(rows[0].no, first as i64, rows.len())).unwrap();
        }
    }

    fn is_whole(data: &Data, entries: u64) -> bool {
        let checked = audit::check(data.0.path(), &[], None).unwrap();
        checked.is_whole() && checked.log.entries == entries
    }

    #[test]
    fn an_entry_whose_note_was_lost_by_a_kill_is_not_appended_again() {
        let data = Data::new();
        let mut store = data.store();
        let mut keeper = data.keeper(&mut store).unwrap();
        noted(&mut store, &["A", "B"]);
        appended(&mut keeper, &mut store, false);
        noted(&mut store, &["C", "D", "E"]);
        appended(&mut keeper, &mut store, true);
        // One more waits, which is not in the log.
        noted(&mut store, &["F"]);
        drop(keeper);
        let mut keeper = data.keeper(&mut store).unwrap();
        assert_eq!((store.audit_logged_size().unwrap(), store.audit_pending(9).unwrap().len()), (5, 1));
        appended(&mut keeper, &mut store, false);
        drop((keeper, store));
        assert!(is_whole(&data, 6));
    }

    #[test]
    fn an_older_copy_of_the_store_leaves_its_entries_in_the_log() {
        let data = Data::new();
        let mut store = data.store();
        let mut keeper = data.keeper(&mut store).unwrap();
        noted(&mut store, &["A", "B"]);
        let copy = data.0.path().join("copy");
        store.backup_to(&copy).unwrap();
        appended(&mut keeper, &mut store, false);
        noted(&mut store, &["C"]);
        appended(&mut keeper, &mut store, false);
        drop((keeper, store));
        for beside in ["lodestone.db-wal", "lodestone.db-shm"] {
            let _ = std::fs::remove_file(data.0.path().join(beside));
        }
        std::fs::rename(copy, data.0.path().join("lodestone.db")).unwrap();
        let mut store = data.store();
        let mut keeper = data.keeper(&mut store).unwrap();
        // A and B waited in the copy, and are known again; C has no row any more.
        assert_eq!((store.audit_logged_size().unwrap(), store.audit_pending(9).unwrap().len()), (2, 0));
        noted(&mut store, &["D"]);
        appended(&mut keeper, &mut store, true);
        drop(keeper);
        let keeper = data.keeper(&mut store).unwrap();
        assert_eq!((store.audit_logged_size().unwrap(), store.audit_pending(9).unwrap().len()), (4, 0));
        drop((keeper, store));
        let checked = audit::check(data.0.path(), &[], None).unwrap();
        assert!(checked.is_whole() && checked.without_row == 1, "{checked:?}");
    }

    #[test]
    fn a_log_that_was_lost_in_part_is_made_again_from_the_rows() {
        let data = Data::new();
        let mut store = data.store();
        let mut keeper = data.keeper(&mut store).unwrap();
        noted(&mut store, &["A"]);
        appended(&mut keeper, &mut store, false);
        data.copy("audit", "older");
        noted(&mut store, &["B", "C"]);
        appended(&mut keeper, &mut store, false);
        let last = std::fs::read(data.0.path().join("audit/checkpoint")).unwrap();
        drop(keeper);
        std::fs::remove_dir_all(data.0.path().join("audit")).unwrap();
        std::fs::rename(data.0.path().join("older"), data.0.path().join("audit")).unwrap();
        let keeper = data.keeper(&mut store).unwrap();
        // The same tree, to the signature.
        assert_eq!(std::fs::read(data.0.path().join("audit/checkpoint")).unwrap(), last);
        drop((keeper, store));
        assert!(is_whole(&data, 3));
    }

    #[test]
    fn a_store_that_was_lost_is_not_taken_for_a_new_one() {
        let data = Data::new();
        let mut store = data.store();
        // Neither at the first start nor at one before anything happened.
        drop(data.keeper(&mut store).unwrap());
        let mut keeper = data.keeper(&mut store).unwrap();
        noted(&mut store, &["A"]);
        appended(&mut keeper, &mut store, false);
        drop((keeper, store));
        for file in ["lodestone.db", "lodestone.db-wal", "lodestone.db-shm"] {
            let _ = std::fs::remove_file(data.0.path().join(file));
        }
        let mut store = data.store();
        assert!(matches!(data.keeper(&mut store), Err(AuditError::StoreLost { size: 1 })));
    }

    #[test]
    fn a_log_without_its_key_is_not_begun_anew() {
        let data = Data::new();
        let mut store = data.store();
        drop(data.keeper(&mut store).unwrap());
        std::fs::remove_file(data.0.path().join(KEY_FILE)).unwrap();
        assert!(matches!(data.keeper(&mut store), Err(AuditError::Log(TlogError::Missing { .. }))));
    }
}
