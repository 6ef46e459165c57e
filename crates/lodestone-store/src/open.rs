//! Opening the folder: lock, schema, settings.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::{StoreError, schema, upgrade};

/// Statements that a connection keeps ready: all that this crate has.
const STATEMENTS: usize = 256;

/// A data folder. One process writes to it at a time; any number read.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: Connection,
    /// Schema of the file: an older one is read as it is when the store is open for reading only.
    pub(crate) schema: i64,
    /// Groups of steps, done by this handle, that changed a suspension or an opinion.
    pub(crate) said: u64,
    /// Held for as long as the store is open for writing. The system lets it go when the process ends, however it ends.
    _lock: Option<Lock>,
}

/// The lock of a folder, let go when dropped: closing the file would not do while a child that was just started shares it.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The process ends or goes on without it; there is nobody to tell.
        let _ = self.0.unlock();
    }
}

impl Store {
    /// Opens a data folder for writing, and makes it when it is not there. One of an older version is brought up to
    /// date, in one transaction: about 0.3 µs a signal from schema 1, 0.1 µs an entry from schema 2, nothing from
    /// schema 3.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process writes to it, [`StoreError::NewerSchema`], [`StoreError::NotAStore`],
    /// [`StoreError::Io`] and [`StoreError::Full`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        make_private(dir)?;
        let lock_path = dir.join("lodestone.lock");
        let lock = private(File::options().create(true).truncate(false).write(true))
            .open(&lock_path)
            .map_err(|error| io(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: dir.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(io(&lock_path, &error)),
        }
        let path = dir.join("lodestone.db");
        // What lies beside it gets its mode. One that is there is not touched: closing it here would let go of the locks that
        // another connection of this process holds. Where none can be made, the database says why.
        let _ = private(File::options().create_new(true).write(true)).open(&path);
        // A path of ours is never a URI, whatever characters it holds.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(&path, flags).map_err(|error| named(&path, error))?;
        db.busy_timeout(Duration::from_secs(5))?;
        let version = checked_version(&db, &path)?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(|error| named(&path, error))?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.pragma_update(None, "trusted_schema", false)?;
        // 16 MiB; an import takes more while it runs.
        db.pragma_update(None, "cache_size", -16_384)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        if version < schema::VERSION {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if version == 0 {
                transaction.execute_batch(schema::CREATE)?;
            }
            if version < 2 {
                upgrade::from_1_to_2(&transaction)?;
            }
            if version < 3 {
                upgrade::from_2_to_3(&transaction)?;
            }
            if version < 4 {
                transaction.execute_batch(schema::FROM_3_TO_4)?;
            }
            transaction.execute_batch(schema::FROM_4_TO_5)?;
            transaction.commit()?;
        }
        Ok(Self { db, schema: schema::VERSION, said: 0, _lock: Some(Lock(lock)) })
    }

    /// Opens a data folder for reading. Needs no lock, and sees the last finished state while another process writes.
    ///
    /// # Errors
    /// As [`Store::open`], but never [`StoreError::Locked`] by a writer; [`StoreError::NotAStore`] for a folder without
    /// a store.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lodestone.db");
        if !path.is_file() {
            return Err(StoreError::NotAStore { path: dir.display().to_string() });
        }
        let db = open_for_reading(&path)?;
        let schema = checked_version(&db, &path)?;
        if schema == 0 {
            return Err(StoreError::NotAStore { path: path.display().to_string() });
        }
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self { db, schema, said: 0, _lock: None })
    }

    /// Holds the state that is read from here on: what others write meanwhile is not seen. Returns its generation.
    ///
    /// For stores open for reading. While one holds a state, the log of a store that is written to cannot shrink.
    ///
    /// # Errors
    /// The database's.
    pub fn hold(&self) -> Result<u64, StoreError> {
        if !self.db.is_autocommit() {
            self.db.execute_batch("COMMIT")?;
        }
        self.db.execute_batch("BEGIN")?;
        // A transaction sees the state of its first reading.
        self.generation()
    }

    /// The state of all banks: counts every change that was applied. Records name it.
    ///
    /// # Errors
    /// The database's.
    pub fn generation(&self) -> Result<u64, StoreError> {
        let generation: i64 =
            self.db.query_row("SELECT value FROM meta WHERE key = 'generation'", [], |row| row.get(0))?;
        Ok(u64::try_from(generation).unwrap_or(0))
    }
}

impl Store {
    /// Whether a finished step is on the disk when the call returns, so that a power cut loses nothing that was
    /// acknowledged. A server wants it; it costs one flush (0.1 to 10 ms) a step. Without it, as at first, a power cut
    /// can lose the last steps.
    ///
    /// # Errors
    /// The database's.
    pub fn set_durable(&mut self, durable: bool) -> Result<(), StoreError> {
        self.db.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
        Ok(())
    }

    /// A number that only this state of this database has: drawn at random with every change of
    /// [`Store::generation`], never 0. What was derived from the banks keeps it, to know them again. `None` in a
    /// database of schema 1.
    ///
    /// # Errors
    /// The database's.
    pub fn state(&self) -> Result<Option<u64>, StoreError> {
        if self.schema < 2 {
            return Ok(None);
        }
        let token: Option<i64> = self
            .db
            .query_row(
                "SELECT token FROM states WHERE generation = (SELECT value FROM meta WHERE key = 'generation')",
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(token.and_then(|token| u64::try_from(token).ok()))
    }

    /// The generation that had this [`Store::state`]; `None` when none in this database's past had, as far as it is
    /// remembered.
    ///
    /// # Errors
    /// The database's.
    pub fn generation_of(&self, state: u64) -> Result<Option<u64>, StoreError> {
        let Ok(token) = i64::try_from(state) else { return Ok(None) };
        if self.schema < 2 {
            return Ok(None);
        }
        let generation: Option<i64> = self
            .db
            .query_row("SELECT generation FROM states WHERE token = ?1", [token], |row| row.get(0))
            .optional()?;
        Ok(generation.and_then(|generation| u64::try_from(generation).ok()))
    }
}

/// Counts one change, within the caller's transaction.
pub(crate) fn next_generation(db: &Connection) -> Result<u64, StoreError> {
    let generation: i64 = db.query_row(
        "UPDATE meta SET value = value + 1 WHERE key = 'generation' RETURNING value",
        [],
        |row| row.get(0),
    )?;
    db.execute(
        "INSERT OR REPLACE INTO states VALUES (?1, (random() & 4611686018427387903) + 1)",
        [generation],
    )?;
    Ok(u64::try_from(generation).unwrap_or(0))
}

/// Opens a database that nobody writes to through this connection; also from a medium that cannot be written.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |immutable: bool| -> rusqlite::Result<Connection> {
        let db = if immutable {
            Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(path, flags)?
        };
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "trusted_schema", false)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    };
    let error = match open(false) {
        Ok(db) => return Ok(db),
        Err(error) => error,
    };
    // A write-ahead log wants a file beside it. Without a log to read, the file alone is the whole state.
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = fs::metadata(log).is_ok_and(|log| log.len() > 0);
    let denied = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
    );
    if !has_log && denied {
        return open(true).map_err(|error| named(path, error));
    }
    Err(named(path, error))
}

/// Opens a foreign database that nothing changes while it is read: no lock, no log, nothing made beside it.
pub(crate) fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    // SQLite's words for a file that is not there say nothing of why.
    File::open(path).map_err(|error| io(path, &error))?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = || -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(immutable_uri(path), flags)?;
        db.pragma_update(None, "trusted_schema", false)?;
        db.pragma_update(None, "cell_size_check", true)?;
        db.pragma_update(None, "mmap_size", 0)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    };
    open().map_err(|error| named(path, error))
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Schema number of a file that is ours; 0 for an empty one.
fn checked_version(db: &Connection, path: &Path) -> Result<i64, StoreError> {
    let read =
        |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| named(path, error));
    let tables = read("SELECT count(*) FROM sqlite_schema")?;
    let application = read("PRAGMA application_id")?;
    let version = read("PRAGMA user_version")?;
    if tables == 0 && application == 0 && version == 0 {
        return Ok(0);
    }
    if application != schema::APPLICATION_ID || version < 1 {
        return Err(StoreError::NotAStore { path: path.display().to_string() });
    }
    if version > schema::VERSION {
        return Err(StoreError::NewerSchema { found: version, known: schema::VERSION });
    }
    Ok(version)
}

/// Makes the folder, for its owner only: it tells which files matched.
fn make_private(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|error| io(dir, &error))
}

/// Has a file that is made be its owner's only: the folder may be an older one that others can look into.
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

pub(crate) fn io(path: &Path, error: &std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::Full;
    }
    StoreError::Io { path: path.display().to_string(), reason: error.to_string() }
}

/// A database's error with its path.
pub(crate) fn named(path: &Path, error: rusqlite::Error) -> StoreError {
    let name = path.display().to_string();
    match StoreError::from(error) {
        StoreError::Locked { .. } => StoreError::Locked { path: name },
        StoreError::NotAStore { .. } => StoreError::NotAStore { path: name },
        StoreError::Io { reason, .. } => StoreError::Io { path: name, reason },
        other => other,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn in_a_folder_that_others_can_look_into_the_files_are_its_owners_only() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.reset(1).unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        for name in ["lodestone.db", "lodestone.db-wal", "lodestone.db-shm", "lodestone.lock"] {
            assert_eq!(mode(name), 0o600, "{name}");
        }
    }
}
