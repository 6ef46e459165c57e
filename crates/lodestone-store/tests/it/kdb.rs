//! Autopsy's hash sets: as Autopsy makes them, as others may, and made to deceive.

use std::path::{Path, PathBuf};

use lodestone_store::{ImportOptions, KdbWriter, ListSource, Store, StoreError, autopsy_kdb};
use lodestone_types::{BankKind, ListEntry, RejectKind, Signal, SignalType};

use crate::Row;

/// What The Sleuth Kit's `sqlite_hdb.cpp` makes.
const EMPTY: &str = "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);
    INSERT INTO db_properties (name, value) VALUES ('Schema Version', '1');
    CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, sha1 BINARY(20), sha2_256 BINARY(32));
    CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL);
    CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL);
    CREATE INDEX md5_index ON hashes(md5);
    CREATE INDEX sha1_index ON hashes(sha1);";

fn set(dir: &Path, sql: &str) -> PathBuf {
    let path = dir.join("notable.kdb");
    let _ = std::fs::remove_file(&path);
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn read(path: &Path) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    autopsy_kdb::read(path, |row| {
        rows.push(row);
        true
    })?;
    Ok(rows)
}

fn refusal(dir: &Path, sql: &str) -> String {
    match read(&set(dir, sql)) {
        Err(StoreError::Refused { reason }) => reason,
        other => panic!("{other:?}: {sql}"),
    }
}

fn blob(byte: u8, bytes: usize) -> String {
    format!("x'{}'", format!("{byte:02x}").repeat(bytes))
}

#[test]
fn a_set_is_read_as_autopsy_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        &format!(
            "{EMPTY} INSERT INTO hashes (md5, sha1, sha2_256) VALUES ({}, {}, {});
             INSERT INTO hashes (md5) VALUES ({});
             INSERT INTO file_names VALUES ('a chart.png', 1);
             INSERT INTO comments VALUES ('drawn', 1);",
            blob(1, 16),
            blob(2, 20),
            blob(3, 32),
            blob(4, 16)
        ),
    );
    assert!(autopsy_kdb::is_set(&path).unwrap());
    let before = std::fs::read(&path).unwrap();
    let rows = read(&path).unwrap();
    let first = rows[0].as_ref().unwrap();
    let kinds: Vec<_> = first.signals.iter().map(|signal| signal.kind()).collect();
    assert_eq!(kinds, [SignalType::Md5, SignalType::Sha1, SignalType::Sha256]);
    assert_eq!((first.entry.as_str(), first.line), ("1", 1));
    assert_eq!(rows[1].as_ref().unwrap().signals[0].to_text(), "04".repeat(16));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is made beside it");
}

#[test]
fn values_of_other_shapes_are_rejected_one_by_one_and_never_read_when_they_are_huge() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(
        dir.path(),
        &format!(
            "{EMPTY} INSERT INTO hashes (md5) VALUES ('{}'), ('zz'), (17), ({}), (zeroblob(50000000)),
             (x'd41d8cd98f00b204e9800998ecf8427e'), (x''), ({});
             INSERT INTO hashes (md5, sha1) VALUES (NULL, NULL), (NULL, {});
             INSERT INTO hashes (id, md5) VALUES (-5, {});",
            "AB".repeat(16),
            blob(1, 15),
            blob(9, 16),
            blob(7, 20),
            blob(8, 16),
        ),
    );
    let told: Vec<_> = read(&path)
        .unwrap()
        .into_iter()
        .map(|row| match row {
            Ok(entry) => format!("{} {}", entry.entry, entry.signals[0].to_text()),
            Err(reject) => format!("{} {:?}", reject.line, reject.kind),
        })
        .collect();
    let want = [
        format!("-5 {}", "08".repeat(16)),
        format!("1 {}", "ab".repeat(16)),
        "2 Row".into(),
        "3 Row".into(),
        "4 Row".into(),
        "5 Row".into(),
        "6 Ignored".into(),
        "7 Row".into(),
        format!("8 {}", "09".repeat(16)),
        "9 Row".into(),
        format!("10 {}", "07".repeat(20)),
    ];
    assert_eq!(told, want);
    let empty = set(dir.path(), EMPTY);
    assert_eq!(read(&empty).unwrap()[0].as_ref().unwrap_err().kind, RejectKind::Fatal);
}

#[test]
fn what_stands_in_the_place_of_a_table_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let properties = "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);";
    for (sql, why) in [
        (
            format!(
                "{properties} CREATE TABLE t (id INTEGER PRIMARY KEY, md5); CREATE VIEW hashes AS SELECT * FROM t;"
            ),
            "views",
        ),
        (format!("{EMPTY} CREATE VIEW other AS SELECT randomblob(1000000000);"), "views"),
        (
            format!("{EMPTY} CREATE TRIGGER t AFTER INSERT ON hashes BEGIN DELETE FROM hashes; END;"),
            "triggers",
        ),
        (format!("{properties} CREATE TABLE hashes (id INTEGER PRIMARY KEY, b, md5 AS (b));"), "generated"),
        (format!("{properties} CREATE TABLE hashes (id TEXT, md5 BLOB);"), "id"),
        (format!("{properties} CREATE TABLE hashes (id TEXT PRIMARY KEY, md5 BLOB) WITHOUT ROWID;"), "id"),
        (format!("{properties} CREATE TABLE hashes (id INTEGER PRIMARY KEY, h BLOB);"), "neither md5"),
        (format!("{properties} CREATE TABLE t (x);"), "no table hashes"),
        ("CREATE TABLE hashes (id INTEGER PRIMARY KEY, md5 BLOB);".to_owned(), "db_properties"),
        ((0..80).fold(EMPTY.to_owned(), |sql, n| format!("{sql} CREATE TABLE t{n} (x);")), "more than 64"),
    ] {
        let told = refusal(dir.path(), &sql);
        assert!(told.contains(why), "{told}");
    }
    // A virtual table, by its entry in the schema: no module is needed to be deceived by one.
    let path = set(dir.path(), EMPTY);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING fts5(x)');",
    )
    .unwrap();
    drop(db);
    let refused = read(&path);
    assert!(
        matches!(&refused, Err(StoreError::Refused { reason }) if reason.contains("virtual")),
        "{refused:?}"
    );
}

#[test]
fn a_log_beside_it_is_refused_and_an_empty_one_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = set(dir.path(), &format!("{EMPTY} INSERT INTO hashes (md5) VALUES ({});", blob(1, 16)));
    for name in ["notable.kdb-wal", "notable.kdb-journal"] {
        let log = dir.path().join(name);
        std::fs::write(&log, "").unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        std::fs::write(&log, "something").unwrap();
        assert!(
            matches!(read(&path), Err(StoreError::Refused { reason }) if reason.contains("log lies beside"))
        );
        std::fs::remove_file(log).unwrap();
    }
}

#[test]
fn other_files_are_refused_and_one_cut_short_leaves_the_bank_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notable.kdb");
    assert!(matches!(read(&path), Err(StoreError::Io { .. })));
    std::fs::write(&path, "no database at all, ".repeat(100)).unwrap();
    assert!(matches!(read(&path), Err(StoreError::NotAStore { .. })));
    assert!(autopsy_kdb::is_set(&path).is_err());
    let many = format!(
        "{EMPTY} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO hashes (md5) SELECT unhex(printf('%032x', i)) FROM n;"
    );
    let path = set(dir.path(), &many);
    let whole = std::fs::read(&path).unwrap();
    let mut store = Store::open(&dir.path().join("data")).unwrap();
    store.create_bank("NOTABLE", BankKind::KnownReal, 0, "", 0).unwrap();
    let mut import = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let source = ListSource { name: "notable.kdb", sha256: "" };
        store.import_fed("NOTABLE", source, ImportOptions::default(), |take| autopsy_kdb::read(&path, take))
    };
    assert!(import(&whole[..whole.len() / 2]).is_err());
    assert!(import(&whole[..whole.len() / 2]).is_err());
    let report = import(&whole).unwrap();
    assert_eq!((report.added, report.unchanged), (20_000, 0), "nothing was left of the cut ones");
    assert_eq!(import(&whole).unwrap().unchanged, 20_000);
}

#[test]
fn a_page_that_is_linked_to_many_times_does_not_make_a_set_endless() {
    let dir = tempfile::tempdir().unwrap();
    let many = format!(
        "PRAGMA page_size = 1024; {EMPTY} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO hashes (md5) SELECT unhex(printf('%032x', i)) FROM n;"
    );
    let path = set(dir.path(), &many);
    let db = rusqlite::Connection::open(&path).unwrap();
    let root: i64 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'hashes'", [], |row| row.get(0))
        .unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    let page = (usize::try_from(root).unwrap() - 1) * 1024;
    assert_eq!(bytes[page], 5, "an interior page");
    // Every cell of it leads to the first child.
    let cells = usize::from(u16::from_be_bytes([bytes[page + 3], bytes[page + 4]]));
    let at = |bytes: &[u8], cell: usize| {
        let pointer = page + 12 + 2 * cell;
        page + usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]))
    };
    let first: [u8; 4] = bytes[at(&bytes, 0)..at(&bytes, 0) + 4].try_into().unwrap();
    for cell in 1..cells {
        let place = at(&bytes, cell);
        bytes[place..place + 4].copy_from_slice(&first);
    }
    std::fs::write(&path, bytes).unwrap();
    let refused = read(&path);
    assert!(
        matches!(&refused, Err(StoreError::Refused { reason }) if reason.contains("damaged")),
        "{refused:?}"
    );
}

#[test]
fn what_is_written_is_what_autopsy_makes_and_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.kdb");
    std::fs::write(&path, "").unwrap();
    let signal =
        |kind: SignalType, byte: u8, bytes: usize| Signal::from_bytes(kind, &vec![byte; bytes]).unwrap();
    let (md5, sha1) = (|byte| signal(SignalType::Md5, byte, 16), |byte| signal(SignalType::Sha1, byte, 20));
    let entry = |signals: Vec<Signal>, classification: Option<&str>| ListEntry {
        signals,
        classification: classification.map(str::to_owned),
        extra: Some(serde_json::json!({ "filename": "a chart.png" })),
        ..ListEntry::default()
    };
    let mut set = KdbWriter::create(&path).unwrap();
    let sha256 = signal(SignalType::Sha256, 3, 32);
    assert_eq!(set.entry(&entry(vec![md5(1), sha1(2), sha256], Some("A1"))).unwrap(), 3);
    assert_eq!(
        set.entry(&entry(vec![md5(4), md5(5), sha1(6)], None)).unwrap(),
        2,
        "whose SHA-1 it is is not known"
    );
    assert_eq!(set.entry(&entry(vec![sha1(7)], None)).unwrap(), 0, "Autopsy looks up MD5s");
    // The same file once more, with what the first entry had not.
    assert_eq!(set.entry(&entry(vec![md5(4), sha1(8)], Some("A1"))).unwrap(), 2);
    set.finish().unwrap();
    let rows: Vec<Vec<Signal>> = read(&path).unwrap().into_iter().map(|row| row.unwrap().signals).collect();
    assert_eq!(
        rows,
        [vec![md5(1), sha1(2), signal(SignalType::Sha256, 3, 32)], vec![md5(4), sha1(8)], vec![md5(5)]]
    );
    let db = rusqlite::Connection::open(&path).unwrap();
    let told = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(told("SELECT count(*) FROM comments WHERE comment = 'A1'"), 2);
    assert_eq!(told("SELECT count(*) FROM file_names WHERE name = 'a chart.png'"), 3);
    assert_eq!(told("SELECT count(*) FROM db_properties WHERE name = 'Schema Version' AND value = '1'"), 1);
    drop(db);
    assert!(matches!(KdbWriter::create(&path), Err(StoreError::Refused { .. })), "it is not empty");
}
