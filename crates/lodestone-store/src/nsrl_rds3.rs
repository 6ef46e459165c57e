//! NSRL RDS version 3: the known software files of NIST, as SQLite.
//!
//! ```text
//! FILE      sha256, sha1, md5, file_name, file_size, package_id      a view, or the table of the *minimal* sets
//! METADATA  the table behind the view
//! ```
//!
//! Columns are probed, not presumed: editions differ. The set is opened for reading only, and rows are handed over one
//! by one. *Source:* NIST, RDSv3 documentation; IPED's reader.

use std::path::Path;

use lodestone_types::{ListEntry, Reject, RejectKind, Signal, SignalType};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{StoreError, open};

/// Hands every file of an RDSv3 set to `take`, until it returns false. `entry` and `line` are the row's number.
///
/// # Errors
/// [`StoreError::NotAStore`] for a file that is no SQLite database, [`StoreError::Refused`] for one that is no RDSv3
/// set, [`StoreError::Corrupt`] and [`StoreError::Io`] when reading fails on the way.
pub fn read(path: &Path, mut take: impl FnMut(Result<ListEntry, Reject>) -> bool) -> Result<(), StoreError> {
    let db = open::open_for_reading(path)?;
    let set = probe(&db)?;
    let columns: Vec<&str> = set.columns.iter().map(|(name, _)| name.as_str()).collect();
    let number = if set.is_table { "rowid, " } else { "" };
    let mut statement = db
        .prepare(&format!("SELECT {number}{} FROM {}", columns.join(", "), set.table))
        .map_err(|error| open::named(path, error))?;
    let mut rows = statement.query([])?;
    let mut count = 0i64;
    let mut any = false;
    while let Some(row) = rows.next().map_err(|error| open::named(path, error))? {
        count = count.saturating_add(1);
        let (no, first) = if set.is_table { (row.get(0)?, 1) } else { (count, 0) };
        any = true;
        if !take(entry(row, no, first, &set)) {
            return Ok(());
        }
    }
    if !any {
        take(Err(Reject { line: 0, reason: "no entries".to_owned(), kind: RejectKind::Fatal }));
    }
    Ok(())
}

struct Set {
    /// Quoted name of the table or view.
    table: String,
    /// Quoted column names and what they hold.
    columns: Vec<(String, SignalType)>,
    is_table: bool,
}

/// Finds the digests. The table behind a view is better than the view, which repeats a file for every package.
fn probe(db: &Connection) -> Result<Set, StoreError> {
    let mut found = None;
    for wanted in ["FILE", "METADATA"] {
        let table: Option<(String, String)> = db
            .query_row(
                "SELECT name, type FROM sqlite_schema WHERE upper(name) = ?1 AND type IN ('table', 'view')",
                [wanted],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((name, kind)) = table else { continue };
        let mut columns = Vec::new();
        let mut statement = db.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let mut rows = statement.query([&name])?;
        while let Some(row) = rows.next()? {
            let column: String = row.get(0)?;
            let plain = column.to_ascii_lowercase().replace(['-', '_'], "");
            let kind = match plain.as_str() {
                "md5" => SignalType::Md5,
                "sha1" => SignalType::Sha1,
                "sha256" => SignalType::Sha256,
                _ => continue,
            };
            columns.push((quoted(&column), kind));
        }
        if columns.is_empty() {
            continue;
        }
        // A table without row numbers is read like a view.
        let is_table =
            kind == "table" && db.prepare(&format!("SELECT rowid FROM {} LIMIT 1", quoted(&name))).is_ok();
        let set = Set { table: quoted(&name), columns, is_table };
        if is_table {
            return Ok(set);
        }
        found = found.or(Some(set));
    }
    found.ok_or_else(|| StoreError::Refused {
        reason: "a database, but no NSRL RDSv3 set: no FILE with md5, sha1 or sha256".to_owned(),
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn entry(row: &Row<'_>, no: i64, first: usize, set: &Set) -> Result<ListEntry, Reject> {
    let line = u64::try_from(no).unwrap_or(0);
    let reject = |reason: String, kind| Reject { line, reason, kind };
    let mut entry = ListEntry { entry: no.to_string(), line, ..ListEntry::default() };
    for (at, (_, kind)) in set.columns.iter().enumerate() {
        let value = row
            .get_ref(first + at)
            .map_err(|error| reject(format!("a value cannot be read: {error}"), RejectKind::Fatal))?;
        let signal = match value {
            ValueRef::Text(text) => {
                let text = std::str::from_utf8(text).unwrap_or("?").trim();
                if text.is_empty() {
                    continue;
                }
                Signal::parse(*kind, text).map_err(|error| reject(error.to_string(), RejectKind::Row))?
            }
            ValueRef::Blob(bytes) => Signal::from_bytes(*kind, bytes).ok_or_else(|| {
                reject(format!("{} bytes are no {kind} value", bytes.len()), RejectKind::Row)
            })?,
            ValueRef::Null => continue,
            _ => return Err(reject(format!("a number is no {kind} value"), RejectKind::Row)),
        };
        entry.signals.push(signal);
    }
    if entry.signals.is_empty() {
        return Err(reject("no value".to_owned(), RejectKind::Row));
    }
    entry.signals.retain(|signal| !signal.says_nothing());
    if entry.signals.is_empty() {
        return Err(reject("only the digest of an empty file".to_owned(), RejectKind::Ignored));
    }
    Ok(entry)
}
