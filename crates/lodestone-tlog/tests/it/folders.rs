//! Real folders: the writer's lock, and what strangers put there.

use std::fs;
use std::path::Path;

use lodestone_tlog::{
    Checkpoint, Expected, Files as _, Folder, Log, MAX_PROBLEMS, Note, Problem, Reader, Report, SigningKey,
    TlogError, verify,
};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", [5; 32]).unwrap()
}

fn report(folder: &Path) -> Report {
    let keys = [key().verifier().clone()];
    verify(&Folder::for_reading(folder), &Expected { keys: &keys, older: None }, |_, _| {})
}

#[test]
fn a_log_in_a_folder_is_written_by_one_and_read_by_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/audit");
    let mut log = Log::create(Folder::for_writing(&path).unwrap(), key()).unwrap();
    assert!(matches!(Folder::for_writing(&path), Err(TlogError::Locked { .. })));
    for batch in [1, 2, 300, 1000] {
        log.append(&vec!["entry"; batch]).unwrap();
    }
    let found = report(&path);
    assert!(found.is_whole(), "{found}");
    assert_eq!(found.entries, 1303);
    let files = Folder::for_reading(&path);
    let reader = Reader::open(&files, &[key().verifier().clone()]).unwrap();
    assert_eq!(reader.entry(1302).unwrap(), b"entry");
    reader.inclusion_proof(700).unwrap();
    reader.consistency_proof(3).unwrap();
    drop(log);
    let log = Log::open(Folder::for_writing(&path).unwrap(), key(), &[]).unwrap();
    assert_eq!(log.size(), 1303);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_log_can_be_handed_to_another_thread() {
    fn sendable<T: Send>() {}
    sendable::<Log<Folder>>();
}

#[test]
fn a_folder_without_a_log_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none")] {
        let found = report(&path);
        assert_eq!(found.problems, [Problem::Checkpoint { reason: "there is none".to_owned() }]);
    }
}

#[test]
fn a_stranger_may_claim_any_size_and_gets_a_short_answer() {
    let folder = tempfile::tempdir().unwrap();
    for size in [1, 257, 1 << 40, i64::MAX as u64] {
        let claim =
            Checkpoint { origin: "example.org/log".to_owned(), size, root: [7; 32], extensions: Vec::new() };
        let note = Note::sign(&claim.to_string(), &[&key()]).unwrap().to_string();
        fs::write(folder.path().join("checkpoint"), note).unwrap();
        let found = report(folder.path());
        assert!(!found.is_whole() && found.problems.len() <= MAX_PROBLEMS, "{found}");
        assert!(matches!(
            Log::open(Folder::for_reading(folder.path()), key(), &[]),
            Err(TlogError::Missing { .. })
        ));
    }
}

#[test]
#[cfg(unix)]
fn pipes_devices_links_and_folders_in_the_place_of_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    Log::create(Folder::for_writing(&path).unwrap(), key()).unwrap().append(&["a"]).unwrap();
    let tile = path.join("tile/0/000.p/1");
    fs::remove_file(&tile).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &tile).unwrap();
    let found = report(&path);
    assert!(found.to_string().contains("tile/0/000.p/1: not a plain file"), "{found}");
    fs::remove_file(&tile).unwrap();
    fs::create_dir(&tile).unwrap();
    assert!(report(&path).to_string().contains("not a plain file"));
    fs::remove_dir(&tile).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&tile).status().unwrap().success());
    assert!(report(&path).to_string().contains("not a plain file"));
}

#[test]
fn files_that_are_too_large_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    Log::create(Folder::for_writing(&path).unwrap(), key()).unwrap().append(&["a"]).unwrap();
    let tile = path.join("tile/0/000.p/1");
    fs::write(&tile, vec![0; 8193]).unwrap();
    assert!(report(&path).to_string().contains("larger than 8192 bytes"));
    fs::write(path.join("checkpoint"), vec![b'a'; (1 << 20) + 1]).unwrap();
    assert!(matches!(report(&path).problems.as_slice(), [Problem::Checkpoint { .. }]));
    let files = Folder::for_reading(&path);
    assert_eq!(files.read("tile/0/000.p/1/beyond", 10).unwrap(), None);
    assert_eq!(files.list("nowhere").unwrap(), Vec::<String>::new());
}
