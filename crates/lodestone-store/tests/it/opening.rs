//! Opening: locks, foreign files, newer schemas, reading beside a writer.

use lodestone_store::{Store, StoreError};

use crate::{all, import, row, store};

#[test]
fn a_second_writer_is_told_what_to_do_and_a_reader_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = store(dir.path());
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(error.to_string().contains("--data"), "{error}");
    let reader = Store::open_read_only(dir.path()).unwrap();
    assert!(all(&reader).is_empty());
    import(&mut first, "l", vec![row("a", 1, 1)]).unwrap();
    assert_eq!(all(&reader).len(), 1, "a reader sees what is finished");
    drop(first);
    assert!(Store::open(dir.path()).is_ok());
}

#[test]
fn a_reader_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let mut reader = Store::open_read_only(dir.path()).unwrap();
    assert!(matches!(reader.delete_bank("B"), Err(StoreError::Refused { .. })));
    assert!(matches!(import(&mut reader, "l", vec![row("a", 1, 1)]), Err(StoreError::Refused { .. })));
    assert_eq!(reader.banks().unwrap().len(), 1);
}

#[test]
fn foreign_files_and_newer_schemas_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open_read_only(dir.path()), Err(StoreError::NotAStore { .. })));
    let path = dir.path().join("lodestone.db");
    std::fs::write(&path, "this is no database, but long enough to look at it as one ".repeat(30)).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotAStore { .. })));
    std::fs::remove_file(&path).unwrap();

    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(foreign);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::remove_file(&path).unwrap();

    drop(store(dir.path()));
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(newer);
    for result in [Store::open(dir.path()), Store::open_read_only(dir.path())] {
        assert!(matches!(result, Err(StoreError::NewerSchema { found: 99, known: 5 })));
    }
}

#[test]
fn an_empty_database_file_is_a_store_that_was_never_finished() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lodestone.db"), b"").unwrap();
    assert!(Store::open(dir.path()).unwrap().banks().unwrap().is_empty());
}

#[test]
fn a_path_that_cannot_be_a_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(&error, StoreError::Io { path, .. } if path.ends_with("file")), "{error}");
}

#[cfg(unix)]
#[test]
fn the_folder_is_made_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("a/b data?%20#");
    drop(store(&data));
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(Store::open_read_only(&data).unwrap().banks().unwrap().len(), 1);
}

#[test]
fn the_file_is_marked_as_ours() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let bytes = std::fs::read(dir.path().join("lodestone.db")).unwrap();
    assert_eq!(&bytes[68..72], b"Lode", "application_id");
    assert_eq!(bytes[60..64], 5u32.to_be_bytes(), "user_version");
}

#[test]
fn a_full_disk_undoes_the_step() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    // The database may not grow: what a full disk looks like to it.
    let path = dir.path().join("lodestone.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    let error = db
        .execute_batch(
            "PRAGMA max_page_count = 1; BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(900000));",
        )
        .unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::Full));
}
