//! Logs: what is written, what is refused, what an append costs.

use lodestone_tlog::{
    Checkpoint, Expected, Log, MAX_ENTRY_BYTES, Reader, SigningKey, TlogError, bundle, verify,
};

use crate::disk::Disk;

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", [5; 32]).unwrap()
}

#[test]
fn a_log_of_two_entries_is_these_files() {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    assert_eq!(log.append(&["one", ""]).unwrap(), 0..2);
    let files = disk.files();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"]);
    assert_eq!(files["tile/entries/000.p/2"], b"\x00\x03one\x00\x00");
    let leaves = [lodestone_tlog::tree::leaf_hash(b"one"), lodestone_tlog::tree::leaf_hash(b"")];
    assert_eq!(files["tile/0/000.p/2"], leaves.concat());
    let note = String::from_utf8(files["checkpoint"].clone()).unwrap();
    assert_eq!(note, log.signed_checkpoint());
    let lines: Vec<&str> = note.split('\n').collect();
    assert_eq!((lines[0], lines[1], lines[3]), ("example.org/log", "2", ""));
    assert!(lines[4].starts_with("\u{2014} example.org/log "), "{}", lines[4]);
    assert_eq!(lines.len(), 6);
}

#[test]
fn partial_tiles_of_every_checkpoint_stay_until_the_full_tile_is_there() {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    for entry in ["a", "b", "c"] {
        log.append(&[entry]).unwrap();
    }
    for width in 1..=3 {
        assert!(disk.files().contains_key(&format!("tile/0/000.p/{width}")));
        assert!(disk.files().contains_key(&format!("tile/entries/000.p/{width}")));
    }
    log.append(&vec!["d"; 300]).unwrap();
    let names: Vec<String> = disk.files().into_keys().collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/47",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/47"
        ]
    );
}

#[test]
fn entries_in_one_batch_or_one_by_one_make_the_same_tree() {
    let entries: Vec<String> = (0..600).map(|i| format!("entry {i}")).collect();
    let mut at_once = Log::create(Disk::default(), key()).unwrap();
    at_once.append(&entries).unwrap();
    let disk = Disk::default();
    let mut one_by_one = Log::create(disk.clone(), key()).unwrap();
    for (at, entry) in entries.iter().enumerate() {
        // Opened anew now and then: what is remembered between appends is what is read at opening.
        if at % 97 == 0 {
            drop(one_by_one);
            one_by_one = Log::open(disk.clone(), key(), &[]).unwrap();
        }
        assert_eq!(one_by_one.append(&[entry]).unwrap().start, at as u64);
    }
    assert_eq!(at_once.signed_checkpoint(), one_by_one.signed_checkpoint());
    let expected = Expected { keys: &[key().verifier().clone()], older: None };
    let mut read = Vec::new();
    let report = verify(&disk, &expected, |index, entry| {
        assert_eq!(index, read.len() as u64);
        read.push(String::from_utf8(entry.to_vec()).unwrap());
    });
    assert!(report.is_whole(), "{report}");
    assert_eq!(read, entries);
    assert_eq!(report.signed_by, ["example.org/log"]);
}

#[test]
fn an_entry_may_have_65535_bytes_and_no_more() {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    let longest = vec![7; MAX_ENTRY_BYTES];
    log.append(&[&longest]).unwrap();
    let too_long = log.append(&[b"fits".to_vec(), vec![7; MAX_ENTRY_BYTES + 1]]).unwrap_err();
    assert_eq!(too_long.to_string(), "entry 1 of the batch is longer than 65,535 bytes");
    assert_eq!(log.size(), 1);
    assert_eq!(log.append::<&[u8]>(&[]).unwrap(), 1..1);
    assert_eq!(log.reader().entry(0).unwrap(), longest);
    // A whole bundle of the longest entries is read back.
    log.append(&vec![longest.clone(); 256]).unwrap();
    assert_eq!(disk.files()["tile/entries/000"].len(), bundle::MAX_BUNDLE_BYTES);
    let expected = Expected { keys: &[key().verifier().clone()], older: None };
    assert!(verify(&disk, &expected, |_, _| {}).is_whole());
}

#[test]
fn an_append_writes_no_more_than_the_batch_and_the_partial_end_and_reads_nothing() {
    let counting = Counting::default();
    let mut log = Log::create(counting.clone(), key()).unwrap();
    log.append(&vec!["x".repeat(98); 200_000]).unwrap();
    log.append(&["x".repeat(98)]).unwrap();
    counting.reset();
    log.append(&["x".repeat(98)]).unwrap();
    // 200,002 entries: 66 in the last bundle; 13 in the last tile of level 1, 3 in that of level 2, both unchanged.
    let (reads, writes, bytes) = counting.counts();
    assert_eq!((reads, writes), (0, 3));
    assert!(bytes < 66 * 100 + 66 * 32 + 400, "{bytes} bytes");
    counting.reset();
    log.append(&vec!["x".repeat(98); 10_000]).unwrap();
    let (reads, _, bytes) = counting.counts();
    assert_eq!(reads, 0);
    assert!(bytes < 10_256 * 132 + 2 * 8192 + 400, "{bytes} bytes");
}

/// Counts what is asked of a disk.
#[derive(Debug, Clone, Default)]
struct Counting {
    disk: Disk,
    counts: std::rc::Rc<std::cell::Cell<(usize, usize, usize)>>,
}

impl Counting {
    fn reset(&self) {
        self.counts.set((0, 0, 0));
    }

    fn counts(&self) -> (usize, usize, usize) {
        self.counts.get()
    }
}

impl lodestone_tlog::Files for Counting {
    fn read(&self, path: &str, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
        let (reads, writes, bytes) = self.counts.get();
        self.counts.set((reads + 1, writes, bytes));
        self.disk.read(path, limit)
    }

    fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn write(&self, path: &str, content: &[u8]) -> std::io::Result<()> {
        let (reads, writes, bytes) = self.counts.get();
        self.counts.set((reads, writes + 1, bytes + content.len()));
        self.disk.write(path, content)
    }

    fn sync(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove_folder(&self, folder: &str) -> std::io::Result<()> {
        self.disk.remove_folder(folder)
    }
}

#[test]
fn a_log_is_not_begun_where_one_is_or_was() {
    let disk = Disk::default();
    let missing = Log::open(disk.clone(), key(), &[]).unwrap_err();
    assert!(matches!(missing, TlogError::Missing { .. }));
    Log::create(disk.clone(), key()).unwrap().append(&["a"]).unwrap();
    assert!(matches!(Log::create(disk.clone(), key()), Err(TlogError::Refused { .. })));
    disk.put("checkpoint", None);
    assert!(matches!(Log::create(disk.clone(), key()), Err(TlogError::Refused { .. })));
    let gone = Log::open(disk, key(), &[]).unwrap_err();
    assert!(gone.to_string().contains("its checkpoint is gone"), "{gone}");
}

#[test]
fn a_log_is_opened_with_its_own_key_or_after_a_change_of_keys_with_both() {
    let disk = Disk::default();
    let former = Log::create(disk.clone(), key()).unwrap().append(&["a"]).map(|_| key()).unwrap();
    let new = || SigningKey::from_seed("example.org/log", [6; 32]).unwrap();
    let refused = Log::open(disk.clone(), new(), &[]).unwrap_err();
    assert_eq!(refused.to_string(), "the note is not signed by any of the keys given");
    let mut log = Log::open(disk.clone(), new(), &[former.verifier().clone()]).unwrap();
    log.append(&["b"]).unwrap();
    let other_name = SigningKey::from_seed("example.org/other", [6; 32]).unwrap();
    assert!(Log::open(disk.clone(), other_name, &[new().verifier().clone()]).is_err());
    Log::open(disk, new(), &[]).unwrap();
}

#[test]
fn a_log_whose_end_was_changed_is_not_opened_for_writing() {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    log.append(&vec!["entry"; 300]).unwrap();
    drop(log);
    for path in ["tile/entries/001.p/44", "tile/0/001.p/44", "tile/1/000.p/1"] {
        let damaged = disk.copy();
        let mut content = damaged.files()[path].clone();
        content[3] ^= 1;
        damaged.put(path, Some(content));
        assert!(matches!(Log::open(damaged.clone(), key(), &[]), Err(TlogError::Damaged { .. })), "{path}");
        damaged.put(path, None);
        assert!(matches!(Log::open(damaged, key(), &[]), Err(TlogError::Missing { .. })), "{path}");
    }
}

#[test]
fn a_reader_goes_on_giving_proofs_for_its_checkpoint_while_the_log_grows() {
    let disk = Disk::default();
    let keys = [key().verifier().clone()];
    let mut log = Log::create(disk.clone(), key()).unwrap();
    log.append(&["early"; 10]).unwrap();
    let reader = Reader::open(&disk, &keys).unwrap();
    log.append(&vec!["late"; 500]).unwrap();
    // Its partial tile is gone by now; the full one begins with the same hashes.
    assert!(!disk.files().contains_key("tile/0/000.p/10"));
    assert_eq!(reader.entry(9).unwrap(), b"early");
    let (leaf, proof) = reader.inclusion_proof(9).unwrap();
    let root = reader.checkpoint().root;
    assert!(lodestone_tlog::tree::verify_inclusion(9, 10, &leaf, &proof, &root));
    assert!(matches!(reader.entry(10), Err(TlogError::Refused { .. })));
    assert!(matches!(reader.inclusion_proof(10), Err(TlogError::Refused { .. })));
    assert!(matches!(reader.consistency_proof(11), Err(TlogError::Refused { .. })));
    let (checkpoint, _) = Checkpoint::open(log.signed_checkpoint().as_bytes(), &keys).unwrap();
    assert_eq!(&checkpoint, log.checkpoint());
}
