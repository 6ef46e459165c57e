//! Autopsy's hash sets: `.kdb`, an SQLite database.
//!
//! ```text
//! hashes         id INTEGER PRIMARY KEY, md5 BINARY(16), sha1 BINARY(20), sha2_256 BINARY(32)      taken
//! file_names     name, hash_id        comments  comment, hash_id                                   not taken
//! db_properties  name, value          "Schema Version" = 1
//! ```
//!
//! Whoever made the file is not trusted. It is opened for reading only, as a file that nothing changes; a log beside it would
//! be another state of it, and is refused, as are views, triggers, virtual tables and generated columns, which are ways to
//! have something else run in the place of a table. Values are looked at by their length before they are read. A page that is
//! linked to from many places makes a small file endless: row numbers have to rise.
//!
//! *Source:* The Sleuth Kit, `tsk/hashdb/sqlite_hdb.cpp`; no export of Autopsy itself was read.

use std::path::Path;

use lodestone_types::{ListEntry, Reject, RejectKind, Signal, SignalType};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{StoreError, open};

/// Tables, indexes and what else a schema may name; Autopsy's has some ten.
const MAX_OBJECTS: i64 = 64;
/// Columns of a table.
const MAX_COLUMNS: i64 = 64;
/// Bytes of a value that is read: a SHA-256 in hexadecimal digits has 64.
const MAX_VALUE: i64 = 128;
/// Columns with hashes, as they are asked for.
const COLUMNS: [(&str, SignalType); 3] =
    [("md5", SignalType::Md5), ("sha1", SignalType::Sha1), ("sha2_256", SignalType::Sha256)];

/// Whether a database names itself one of Autopsy's, hostile or not; [`read`] tells what is wrong with it.
///
/// # Errors
/// [`StoreError::NotAStore`] for what is no database, [`StoreError::Refused`] for one that is damaged, [`StoreError::Io`].
pub fn is_set(path: &Path) -> Result<bool, StoreError> {
    let db = open::open_immutable(path).map_err(foreign)?;
    let sql = "SELECT count(DISTINCT lower(name)) FROM sqlite_schema WHERE lower(name) IN ('hashes', 'db_properties')";
    let found: i64 = db.query_row(sql, [], |row| row.get(0)).map_err(|error| of_file(path, error))?;
    Ok(found == 2)
}

/// Hands every row of a set to `take`, until it returns false. `entry` and `line` are the row's id.
///
/// # Errors
/// [`StoreError::NotAStore`] for a file that is no SQLite database, [`StoreError::Refused`] for one that is no such set, is
/// made to deceive, is damaged or has a log beside it, [`StoreError::Io`] when reading fails on the way.
pub fn read(path: &Path, mut take: impl FnMut(Result<ListEntry, Reject>) -> bool) -> Result<(), StoreError> {
    // A log lies beside the file itself, whatever link leads to it.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    for (place, log) in [path, &real].into_iter().flat_map(|place| [(place, "-wal"), (place, "-journal")]) {
        let mut name = place.as_os_str().to_owned();
        name.push(log);
        if std::fs::symlink_metadata(&name).is_ok_and(|found| found.len() > 0 || !found.is_file()) {
            return Err(refused(format!(
                "a log lies beside it ({log}): it is in use, or was not closed; close it in the program that wrote it first"
            )));
        }
    }
    let db = open::open_immutable(path).map_err(foreign)?;
    let columns = probe(&db).map_err(foreign)?;
    let asked: Vec<String> = columns
        .iter()
        .map(|(name, _)| {
            format!("octet_length({name}), CASE WHEN octet_length({name}) <= {MAX_VALUE} THEN {name} END")
        })
        .collect();
    let sql = format!("SELECT id, {} FROM main.hashes ORDER BY id", asked.join(", "));
    let mut statement = db.prepare(&sql).map_err(|error| of_file(path, error))?;
    let mut rows = statement.query([]).map_err(|error| of_file(path, error))?;
    let mut last = None;
    while let Some(row) = rows.next().map_err(|error| of_file(path, error))? {
        let id: i64 = row.get(0).map_err(|_| damaged("a row without a number"))?;
        if last.is_some_and(|last| id <= last) {
            return Err(damaged("rows come in no order, or again and again"));
        }
        last = Some(id);
        if !take(entry(row, id, &columns)) {
            return Ok(());
        }
    }
    if last.is_none() {
        take(Err(Reject { line: 0, reason: "no entries".to_owned(), kind: RejectKind::Fatal }));
    }
    Ok(())
}

fn refused(why: impl Into<String>) -> StoreError {
    StoreError::Refused { reason: format!("no Autopsy hash set that is read here: {}", why.into()) }
}

fn damaged(why: &str) -> StoreError {
    StoreError::Refused { reason: format!("an Autopsy hash set that is damaged: {why}") }
}

/// What is damaged is the file, not the store.
fn foreign(error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt { reason } => damaged(&reason),
        other => other,
    }
}

fn of_file(path: &Path, error: rusqlite::Error) -> StoreError {
    foreign(open::named(path, error))
}

/// Checks that the set is what it should be, and gives the columns that hold hashes.
fn probe(db: &Connection) -> Result<Vec<(&'static str, SignalType)>, StoreError> {
    let count = |sql: &str| -> Result<i64, StoreError> { Ok(db.query_row(sql, [], |row| row.get(0))?) };
    if count("SELECT count(*) FROM sqlite_schema")? > MAX_OBJECTS {
        return Err(refused(format!("more than {MAX_OBJECTS} tables and indexes")));
    }
    if count("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')")? > 0 {
        return Err(refused("it has views or triggers, which Autopsy makes none of"));
    }
    // A virtual table has no page of its own.
    if count("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND coalesce(rootpage, 0) < 1")? > 0 {
        return Err(refused("it has virtual tables, which Autopsy makes none of"));
    }
    for table in ["db_properties", "hashes"] {
        let sql = "SELECT type FROM sqlite_schema WHERE name = ?1";
        let kind: Option<String> = db.query_row(sql, [table], |row| row.get(0)).optional()?;
        if kind.as_deref() != Some("table") {
            return Err(refused(format!("there is no table {table}")));
        }
    }
    let sql = "SELECT count(*), coalesce(sum(hidden <> 0), 0) FROM pragma_table_xinfo('hashes')";
    let (columns, hidden): (i64, i64) = db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if columns > MAX_COLUMNS || hidden > 0 {
        return Err(refused("hashes has generated columns, or too many"));
    }
    // Only then is `id` the row's number, whatever a row holds.
    let sql = "SELECT count(*) FROM pragma_table_xinfo('hashes') WHERE name = 'id' AND pk = 1 AND upper(type) = 'INTEGER'";
    let keys = "SELECT count(*) FROM pragma_table_xinfo('hashes') WHERE pk > 0";
    if count(sql)? != 1 || count(keys)? != 1 {
        return Err(refused("hashes has no whole number as its id"));
    }
    let mut found = Vec::new();
    for (name, kind) in COLUMNS {
        let sql = "SELECT count(*) FROM pragma_table_xinfo('hashes') WHERE name = ?1";
        if db.query_row(sql, [name], |row| row.get::<_, i64>(0))? > 0 {
            found.push((name, kind));
        }
    }
    match found.is_empty() {
        true => Err(refused("hashes has neither md5 nor sha1 nor sha2_256")),
        false => Ok(found),
    }
}

fn entry(row: &Row<'_>, id: i64, columns: &[(&str, SignalType)]) -> Result<ListEntry, Reject> {
    let line = u64::try_from(id).unwrap_or(0);
    let reject = |reason: String, kind| Reject { line, reason, kind };
    let wrong = |reason: String| reject(reason, RejectKind::Row);
    let unreadable =
        |error: rusqlite::Error| reject(format!("a value cannot be read: {error}"), RejectKind::Fatal);
    let mut entry = ListEntry { entry: id.to_string(), line, ..ListEntry::default() };
    for (at, (name, kind)) in columns.iter().enumerate() {
        let length: Option<i64> = row.get(1 + 2 * at).map_err(unreadable)?;
        let Some(length) = length else { continue };
        if length > MAX_VALUE {
            return Err(wrong(format!("{name}: {length} bytes are no {kind} value")));
        }
        let signal = match row.get_ref(2 + 2 * at).map_err(unreadable)? {
            ValueRef::Blob([]) | ValueRef::Text([]) | ValueRef::Null => continue,
            ValueRef::Blob(bytes) => Signal::from_bytes(*kind, bytes)
                .ok_or_else(|| wrong(format!("{name}: {} bytes are no {kind} value", bytes.len())))?,
            ValueRef::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|_| wrong(format!("{name}: no text")))?;
                Signal::parse(*kind, text.trim()).map_err(|error| wrong(error.to_string()))?
            }
            ValueRef::Integer(_) | ValueRef::Real(_) => {
                return Err(wrong(format!("{name}: a number is no {kind} value")));
            }
        };
        entry.signals.push(signal);
    }
    if entry.signals.is_empty() {
        return Err(wrong("no value".to_owned()));
    }
    entry.signals.retain(|signal| !signal.says_nothing());
    if entry.signals.is_empty() {
        return Err(reject("only the digest of an empty file".to_owned(), RejectKind::Ignored));
    }
    Ok(entry)
}
