//! NSRL RDSv3 sets: as a table, as a view, with other columns, broken.

use std::path::{Path, PathBuf};

use lodestone_store::{ImportOptions, ListSource, Store, StoreError, nsrl_rds3};
use lodestone_types::{BankKind, RejectKind, SignalType};

use crate::Row;

fn set(dir: &Path, sql: &str) -> PathBuf {
    let path = dir.join("RDS_2024.03.1_modern.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    path
}

fn read(path: &Path) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    nsrl_rds3::read(path, |row| {
        rows.push(row);
        true
    })?;
    Ok(rows)
}

fn values(byte: u8) -> String {
    let hex = format!("{byte:02X}");
    format!("'{}', '{}', '{}'", hex.repeat(32), hex.repeat(20), hex.repeat(16))
}

#[test]
fn a_minimal_set_has_a_table_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        &format!(
            "CREATE TABLE FILE (sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR, file_name VARCHAR, file_size INTEGER, package_id INTEGER);
             INSERT INTO FILE VALUES ({}, 'a.dll', 1, 2);
             INSERT INTO FILE VALUES ('', 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709', NULL, 'empty', 0, 2);
             INSERT INTO FILE VALUES ('xyz', NULL, NULL, 'bad', 0, 2);
             INSERT INTO FILE VALUES ({}, 'b.dll', 1, 2);",
            values(1),
            values(2)
        ),
    );
    let rows = read(&path).unwrap();
    let first = rows[0].as_ref().unwrap();
    let kinds: Vec<_> = first.signals.iter().map(|signal| signal.kind()).collect();
    assert_eq!(kinds, [SignalType::Sha256, SignalType::Sha1, SignalType::Md5]);
    assert_eq!((first.entry.as_str(), first.line), ("1", 1));
    assert_eq!(rows[1].as_ref().unwrap_err().kind, RejectKind::Ignored);
    assert_eq!(rows[2].as_ref().unwrap_err().kind, RejectKind::Row);
    assert_eq!(rows[3].as_ref().unwrap().entry, "4");
}

#[test]
fn a_full_set_is_read_from_the_table_behind_its_view() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        &format!(
            "CREATE TABLE METADATA (object_id INTEGER PRIMARY KEY, sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR);
             CREATE TABLE PACKAGE_OBJECT (package_id INTEGER, object_id INTEGER);
             CREATE VIEW FILE AS SELECT sha256, sha1, md5, package_id FROM METADATA JOIN PACKAGE_OBJECT USING (object_id);
             INSERT INTO METADATA VALUES (7, {});
             INSERT INTO PACKAGE_OBJECT VALUES (1, 7), (2, 7);",
            values(1)
        ),
    );
    let rows = read(&path).unwrap();
    assert_eq!(rows.len(), 1, "once, not once for each package");
    assert_eq!(rows[0].as_ref().unwrap().entry, "7");
}

#[test]
fn a_view_alone_is_read_with_row_counts_as_ids() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        &format!(
            "CREATE TABLE t (h VARCHAR);
             CREATE VIEW FILE AS SELECT h AS MD5 FROM t;
             INSERT INTO t VALUES ('{}'), ('{}');",
            "ab".repeat(16),
            "cd".repeat(16)
        ),
    );
    let ids: Vec<_> = read(&path).unwrap().into_iter().map(|row| row.unwrap().entry).collect();
    assert_eq!(ids, ["1", "2"]);
}

#[test]
fn other_databases_and_other_files_are_refused_and_an_empty_set_has_no_entries() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(dir.path(), "CREATE TABLE t (md5 VARCHAR)");
    assert!(matches!(read(&path), Err(StoreError::Refused { .. })));
    std::fs::write(&path, "no database at all, ".repeat(100)).unwrap();
    assert!(matches!(read(&path), Err(StoreError::NotAStore { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(read(&path), Err(StoreError::Io { .. })));
    let path = set(dir.path(), "CREATE TABLE FILE (md5 VARCHAR)");
    assert_eq!(read(&path).unwrap()[0].as_ref().unwrap_err().kind, RejectKind::Fatal);
}

#[test]
fn a_set_fills_a_known_good_bank_and_is_left_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let inserts: String = (1..=50).map(|n| format!("INSERT INTO FILE VALUES ({});", values(n))).collect();
    let path = set(
        dir.path(),
        &format!(
            "PRAGMA journal_mode = WAL; CREATE TABLE FILE (sha256 TEXT, sha1 TEXT, md5 TEXT); {inserts}"
        ),
    );
    let before = std::fs::read(&path).unwrap();
    let mut store = Store::open(&dir.path().join("data")).unwrap();
    store.create_bank("NSRL", BankKind::KnownGood, 0, "NSRL", 0).unwrap();
    for added in [50, 0] {
        let source = ListSource { name: "rds.db", sha256: "" };
        let report = store
            .import_fed("NSRL", source, ImportOptions::default(), |take| nsrl_rds3::read(&path, take))
            .unwrap();
        assert_eq!((report.added, report.unchanged), (added, 50 - added));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_set_cut_short_leaves_the_bank_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        "CREATE TABLE FILE (sha256 TEXT, sha1 TEXT, md5 TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO FILE SELECT NULL, NULL, printf('%032x', i) FROM n;",
    );
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let mut store = Store::open(&dir.path().join("data")).unwrap();
    store.create_bank("NSRL", BankKind::KnownGood, 0, "NSRL", 0).unwrap();
    let source = ListSource { name: "rds.db", sha256: "" };
    let result =
        store.import_fed("NSRL", source, ImportOptions::default(), |take| nsrl_rds3::read(&path, take));
    assert!(result.is_err());
    assert_eq!(store.count("NSRL").unwrap(), 0);
    assert_eq!(store.generation().unwrap(), 1);
}
