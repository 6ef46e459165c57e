//! Folders of older versions.

use std::path::Path;

use lodestone_store::{Store, StoreError};
use lodestone_types::{BankKind, SignalType};

use crate::{all, import, row};

/// Schema 1 as it was released, with one bank of three entries.
fn schema_1(dir: &Path) {
    let db = rusqlite::Connection::open(dir.join("lodestone.db")).unwrap();
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    db.execute_batch(
        "PRAGMA application_id = 1282368613;
         PRAGMA user_version = 1;
         CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
         INSERT INTO meta VALUES ('generation', 2);
         CREATE TABLE banks (
             id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
             radius_bits INTEGER NOT NULL, source TEXT NOT NULL, version_number INTEGER NOT NULL,
             source_sha256 TEXT NOT NULL, entries INTEGER NOT NULL, created_us INTEGER NOT NULL
         );
         CREATE TABLE sources (
             id INTEGER PRIMARY KEY, bank INTEGER NOT NULL REFERENCES banks (id) ON DELETE CASCADE,
             name TEXT NOT NULL, sha256 TEXT NOT NULL, imported_us INTEGER NOT NULL, UNIQUE (bank, name)
         );
         CREATE TABLE entries (
             no INTEGER PRIMARY KEY, bank INTEGER NOT NULL REFERENCES banks (id), source INTEGER NOT NULL,
             entry NOT NULL, classification TEXT, tags TEXT, pdq_quality INTEGER, extra TEXT,
             line INTEGER NOT NULL, added_generation INTEGER NOT NULL
         );
         CREATE UNIQUE INDEX entries_by_id ON entries (bank, entry);
         CREATE TABLE signals (
             entry INTEGER NOT NULL REFERENCES entries (no) ON DELETE CASCADE, type TEXT NOT NULL,
             value BLOB NOT NULL, PRIMARY KEY (entry, type, value)
         ) WITHOUT ROWID;
         CREATE TABLE observed_files (
             no INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
             mtime_ns INTEGER NOT NULL, options TEXT NOT NULL, members INTEGER NOT NULL,
             written_us INTEGER NOT NULL
         );
         CREATE TABLE observations (
             file INTEGER NOT NULL REFERENCES observed_files (no) ON DELETE CASCADE, position INTEGER NOT NULL,
             member TEXT NOT NULL, observation TEXT NOT NULL, PRIMARY KEY (file, position)
         );
         CREATE TABLE runs (
             id INTEGER PRIMARY KEY AUTOINCREMENT, started_us INTEGER NOT NULL, finished_us INTEGER,
             roots TEXT NOT NULL, options TEXT NOT NULL, summary TEXT, interrupted INTEGER NOT NULL
         );
         INSERT INTO banks VALUES (1, 'B', 'own', 30, 'l', 1, '', 3, 5);
         INSERT INTO sources VALUES (1, 1, 'l', '', 5);
         INSERT INTO entries SELECT (1 << 40) + value, 1, 1, 'e' || value, NULL, NULL, NULL, NULL, value + 1, 2
             FROM json_each('[0, 1, 2]');
         INSERT INTO signals SELECT no, 'pdq', zeroblob(31) || char(no & 7) FROM entries;
         UPDATE signals SET value = CAST(value AS BLOB);
         INSERT INTO signals VALUES ((1 << 40) + 1, 'md5', zeroblob(16));",
    )
    .unwrap();
}

#[test]
fn a_folder_of_schema_1_is_read_as_it_is_and_brought_up_to_date_by_the_first_writer() {
    let dir = tempfile::tempdir().unwrap();
    schema_1(dir.path());
    let check = |store: &Store| {
        assert_eq!(all(store).len(), 3);
        let bank = store.bank("B").unwrap();
        assert_eq!((bank.kind, bank.radius_bits, bank.photodna_max_distance), (BankKind::Own, 30, None));
        let counts: Vec<_> = store.signal_counts("B").unwrap().into_iter().collect();
        assert_eq!(counts, [(SignalType::Pdq, 3), (SignalType::Md5, 1)]);
        assert_eq!(store.generation().unwrap(), 2);
    };
    let old = Store::open_read_only(dir.path()).unwrap();
    check(&old);
    assert!(!old.pdq_changes_since(2, |_| Ok::<(), StoreError>(())).unwrap(), "there is no log yet");
    drop(old);
    let before = std::fs::read(dir.path().join("lodestone.db")).unwrap();
    assert_eq!(before[60..64], 1u32.to_be_bytes(), "reading changes nothing");

    let mut store = Store::open(dir.path()).unwrap();
    check(&store);
    assert!(store.pdq_changes_since(2, |_| panic!("nothing changed") as Result<(), StoreError>).unwrap());
    assert!(!store.pdq_changes_since(1, |_| Ok::<(), StoreError>(())).unwrap(), "the log begins here");
    import(&mut store, "l", vec![row("e0", 1, 9), row("new", 4, 10)]).unwrap();
    let mut changes = 0;
    assert!(
        store
            .pdq_changes_since(2, |_| {
                changes += 1;
                Ok::<(), StoreError>(())
            })
            .unwrap()
    );
    assert_eq!(changes, 3, "an old value goes, two come");
    store.set_photodna_max_distance("B", Some(1000)).unwrap();
    assert_eq!(store.bank("B").unwrap().photodna_max_distance, Some(1000));
    drop(store);
    assert_eq!(Store::open(dir.path()).unwrap().bank("B").unwrap().photodna_max_distance, Some(1000));
}

/// Schema 2 as it was released, with one bank whose second of four entries was removed, and another bank.
fn schema_2(dir: &Path) {
    schema_1(dir);
    let db = rusqlite::Connection::open(dir.join("lodestone.db")).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF;
         ALTER TABLE banks ADD COLUMN photodna_max_distance INTEGER;
         ALTER TABLE banks ADD COLUMN next_no INTEGER NOT NULL DEFAULT 0;
         CREATE TABLE counts (
             bank INTEGER NOT NULL REFERENCES banks (id) ON DELETE CASCADE, type TEXT NOT NULL,
             signals INTEGER NOT NULL, PRIMARY KEY (bank, type)
         ) WITHOUT ROWID;
         CREATE TABLE changes (
             generation INTEGER NOT NULL, no INTEGER NOT NULL, what TEXT NOT NULL, first INTEGER NOT NULL,
             last INTEGER NOT NULL, pdq BLOB, PRIMARY KEY (generation, no)
         ) WITHOUT ROWID;
         INSERT INTO meta VALUES ('changes_since', 1);
         CREATE TABLE states (generation INTEGER PRIMARY KEY, token INTEGER NOT NULL);
         INSERT INTO states VALUES (2, 77);
         PRAGMA user_version = 2;
         INSERT INTO counts VALUES (1, 'pdq', 3), (1, 'md5', 1);
         UPDATE entries SET no = (1 << 40) + 3 WHERE no = (1 << 40) + 1;
         UPDATE signals SET entry = (1 << 40) + 3 WHERE entry = (1 << 40) + 1;
         INSERT INTO changes VALUES (2, 0, 'added', 1 << 40, (1 << 40) + 3, NULL);
         INSERT INTO banks VALUES (4, 'C', 'known-real', 31, 'm', 1, '', 1, 5, NULL, 0);
         INSERT INTO sources VALUES (2, 4, 'm', '', 5);
         INSERT INTO entries VALUES (4 << 40, 4, 2, 7, 'A1', NULL, NULL, NULL, 1, 2);
         INSERT INTO signals VALUES (4 << 40, 'sha1', zeroblob(20));
         INSERT INTO counts VALUES (4, 'sha1', 1);",
    )
    .unwrap();
}

#[test]
fn a_folder_of_schema_2_is_read_as_it_is_and_its_entries_get_content_ids_by_the_first_writer() {
    let dir = tempfile::tempdir().unwrap();
    schema_2(dir.path());
    let check = |store: &Store| {
        assert_eq!(all(store).len(), 3);
        let bank = store.stored_bank("C").unwrap();
        assert_eq!(
            (bank.number, bank.enabled_ratio, bank.created_us, bank.bank.version.entries),
            (4, 1.0, 5, 1)
        );
        assert_eq!((store.generation().unwrap(), store.state().unwrap()), (2, Some(77)));
        assert_eq!(store.pdq_changes_count(1).unwrap(), Some(4));
        assert_eq!(store.suspended(0, 9).unwrap(), []);
        assert_eq!(store.opinion_counts(0, 9).unwrap(), []);
        assert_eq!((store.setting("x").unwrap(), store.settings("").unwrap()), (None, vec![]));
    };
    let old = Store::open_read_only(dir.path()).unwrap();
    check(&old);
    let refused = old.content_runs().unwrap_err();
    assert!(matches!(&refused, StoreError::Refused { reason } if reason.contains("older")), "{refused}");
    assert!(matches!(old.content("B", 1), Err(StoreError::Refused { .. })));
    let mut old = old;
    assert!(old.batch(0, |batch| batch.set_setting("x", Some("y"))).is_err());

    let mut store = Store::open(dir.path()).unwrap();
    check(&store);
    check(&old);
    let runs = [(1 << 40, 1, 1), ((1 << 40) + 2, 2, 2), (4 << 40, 4, 1)];
    let found: Vec<_> =
        store.content_runs().unwrap().iter().map(|run| (run.first_no, run.first_id, run.length)).collect();
    assert_eq!(found, runs);
    assert_eq!(store.content("C", 4).unwrap().unwrap().entry.row.classification.as_deref(), Some("A1"));
    import(&mut store, "l", vec![row("new", 4, 10)]).unwrap();
    assert_eq!(store.content("B", 5).unwrap().unwrap().entry.row.entry, "new");
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.content_runs().unwrap().len(), 4);
}

#[test]
fn a_folder_of_schema_3_is_read_as_it_is_and_takes_features_from_the_first_writer_on() {
    let dir = tempfile::tempdir().unwrap();
    schema_2(dir.path());
    drop(Store::open(dir.path()).unwrap());
    let path = dir.path().join("lodestone.db");
    // All that the next schema added.
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "DROP TABLE features; DROP TABLE votes; DROP TABLE descriptors; ALTER TABLE banks DROP COLUMN layers;
         ALTER TABLE banks DROP COLUMN members_needed; ALTER TABLE banks DROP COLUMN confirmations_needed;
         PRAGMA user_version = 3",
    )
    .unwrap();
    drop(db);
    let old = Store::open_read_only(dir.path()).unwrap();
    assert!(!old.has_features().unwrap() && old.feature_counts().unwrap().is_empty());
    assert_eq!(old.features(1 << 40).unwrap(), None);
    old.for_each_features("B", |_, _| panic!("there is none") as Result<(), StoreError>).unwrap();
    assert_eq!(old.content_runs().unwrap().len(), 3);
    drop(old);
    let mut store = Store::open(dir.path()).unwrap();
    assert_eq!((store.content_runs().unwrap().len(), store.generation().unwrap()), (3, 2));
    store.batch(1, |batch| batch.put_features(1 << 40, b"sealed")).unwrap();
    drop(store);
    assert_eq!(Store::open(dir.path()).unwrap().features(1 << 40).unwrap().unwrap(), b"sealed");
}

#[test]
fn an_upgrade_that_fails_leaves_the_folder_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    schema_2(dir.path());
    let path = dir.path().join("lodestone.db");
    // In the way of the last table but one.
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE quarantine (x)").unwrap();
    assert!(Store::open(dir.path()).is_err());
    let old = Store::open_read_only(dir.path()).unwrap();
    assert!(matches!(old.content_runs(), Err(StoreError::Refused { .. })));
    drop(old);
    let db = rusqlite::Connection::open(&path).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('content_runs', 'audit', 'exchanges')";
    assert_eq!(db.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    db.execute_batch("DROP TABLE quarantine").unwrap();
    drop(db);
    assert_eq!(Store::open(dir.path()).unwrap().content_runs().unwrap().len(), 3);
}

#[test]
fn a_new_folder_and_one_brought_up_to_date_have_the_same_tables() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    schema_1(old.path());
    let tables = |dir: &Path| {
        drop(Store::open(dir).unwrap());
        let db = rusqlite::Connection::open(dir.join("lodestone.db")).unwrap();
        let mut statement = db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| {
            let sql: Option<String> = row.get(1)?;
            let words: Vec<_> = sql.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            Ok((row.get::<_, String>(0)?, words.concat()))
        });
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(tables(old.path()), tables(new.path()));
}
