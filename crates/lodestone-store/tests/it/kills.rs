//! A process that dies at any moment leaves the last finished state.

use std::process::Command;

use lodestone_store::{ImportOptions, ListSource, ObservationKey, Store};
use lodestone_types::Observation;

use crate::{ids, import, row, store};

const DIR: &str = "LODESTONE_STORE_TEST_KILL_DIR";

/// Not a test of its own: what [`a_killed_import_leaves_the_old_state`] runs in a process of its own, to die in it.
#[test]
fn the_process_that_dies() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let mut store = Store::open(dir.as_ref()).unwrap();
    let key = |n: u8| ObservationKey { path: vec![n], size_bytes: 1, mtime_ns: 2, options: String::new() };
    for n in 0..10 {
        store.put_observations(&[(key(n), vec![(String::new(), Observation::default())])], 1).unwrap();
    }
    // Far more than the page cache holds, so that the log has pages of the unfinished transaction.
    let rows = (1..=25_000u64).map(|line| {
        if line == 20_000 {
            std::process::abort();
        }
        let mut entry = row(&line.to_string(), line, 7).unwrap();
        entry.extra = Some(serde_json::Value::String("x".repeat(4000)));
        Ok(entry)
    });
    let source = ListSource { name: "big.txt", sha256: "" };
    let _ = store.import("B", source, rows, ImportOptions::default());
}

#[test]
fn a_killed_import_leaves_the_old_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = store(dir.path());
    import(&mut before, "l", vec![row("1", 1, 1), row("2", 2, 2)]).unwrap();
    let generation = before.generation().unwrap();
    drop(before);
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["kills::the_process_that_dies", "--exact", "--quiet"])
        .env(DIR, dir.path())
        .output()
        .unwrap()
        .status;
    assert!(!status.success(), "it was to die");
    assert!(std::fs::metadata(dir.path().join("lodestone.db-wal")).unwrap().len() > 1 << 20);
    let after = Store::open(dir.path()).expect("the lock died with its process");
    assert_eq!(ids(&after), [("1".into(), 1), ("2".into(), 2)]);
    assert_eq!(after.generation().unwrap(), generation);
    let key = ObservationKey { path: vec![9], size_bytes: 1, mtime_ns: 2, options: String::new() };
    assert!(after.observations_lookup(&key).unwrap().is_some(), "what was finished before stays");
}
