//! Copies, while others write; and steps that are on the disk when they return.

use std::sync::atomic::{AtomicBool, Ordering};

use lodestone_store::{Store, StoreError};

use crate::{all, import, row, store};

#[test]
fn a_copy_made_while_others_write_is_one_whole_state_and_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = store(dir.path());
    let rows =
        |round: u64| (0..500u64).map(|line| row(&format!("{round}-{line}"), line, line as u8)).collect();
    import(&mut writer, "l", rows(0)).unwrap();
    let ended = AtomicBool::new(false);
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("it's a copy.db");
    let mut copies = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..30 {
                import(&mut writer, "l", rows(round)).unwrap();
            }
            ended.store(true, Ordering::SeqCst);
        });
        let reader = Store::open_read_only(dir.path()).unwrap();
        loop {
            let last = ended.load(Ordering::SeqCst);
            let size = reader.backup_to(&copy).unwrap();
            assert_eq!(size, std::fs::metadata(&copy).unwrap().len());
            let restored = tempfile::tempdir().unwrap();
            std::fs::copy(&copy, restored.path().join("lodestone.db")).unwrap();
            let restored = Store::open(restored.path()).unwrap();
            let entries = all(&restored).len() as u64;
            assert_eq!(entries % 500, 0, "no half import");
            assert_eq!(entries, restored.count("B").unwrap());
            copies.push((restored.generation().unwrap(), restored.state().unwrap(), entries));
            if last {
                break;
            }
        }
    });
    assert!(copies.is_sorted());
    assert_eq!(copies.last(), Some(&(writer.generation().unwrap(), writer.state().unwrap(), 15_000)));
    let files: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["it's a copy.db"], "nothing else is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_copy_never_replaces_the_store_and_leaves_nothing_when_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let writer = store(dir.path());
    let itself = dir.path().join("../").join(dir.path().file_name().unwrap()).join("lodestone.db");
    assert!(matches!(writer.backup_to(&itself), Err(StoreError::Refused { .. })));
    let nowhere = dir.path().join("no/such/folder.db");
    let error = writer.backup_to(&nowhere).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }) && error.to_string().contains("folder.db"), "{error}");
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(writer.backup_to(&folder), Err(StoreError::Io { .. })));
    assert!(!dir.path().join("folder.part").exists());
    let reader = Store::open_read_only(dir.path()).unwrap();
    reader.hold().unwrap();
    assert!(matches!(reader.backup_to(&dir.path().join("x")), Err(StoreError::Refused { .. })));
    assert!(writer.backup_to(&dir.path().join("x")).unwrap() > 0, "the writer's own connection can, too");
    // What a killed one left is in nobody's way.
    std::fs::write(dir.path().join("x.part"), "left").unwrap();
    assert!(writer.backup_to(&dir.path().join("x")).is_ok());
}

#[test]
fn a_server_has_every_step_on_the_disk_before_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    store.set_durable(true).unwrap();
    import(&mut store, "l", vec![row("a", 1, 1)]).unwrap();
    store.set_durable(false).unwrap();
    assert_eq!(all(&store).len(), 1);
}
