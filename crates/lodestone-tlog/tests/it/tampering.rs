//! Nothing of a log can be changed without `verify` saying so.

use lodestone_tlog::{Expected, Log, Problem, Report, SigningKey, VerifierKey, tile, tree, verify};

use proptest::prelude::*;

use crate::disk::Disk;

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", [5; 32]).unwrap()
}

fn keys() -> [VerifierKey; 1] {
    [key().verifier().clone()]
}

/// A log of 300 entries in three batches: two bundles, two tiles of level 0, one of level 1.
fn small_log() -> (Disk, String) {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    let entries: Vec<String> = (0..300).map(|i| format!("{i}")).collect();
    log.append(&entries[..100]).unwrap();
    let older = log.signed_checkpoint().to_owned();
    log.append(&entries[100..290]).unwrap();
    log.append(&entries[290..]).unwrap();
    (disk, older)
}

fn report(disk: &Disk) -> Report {
    verify(disk, &Expected { keys: &keys(), older: None }, |_, _| {})
}

#[test]
fn every_byte_of_every_file_is_covered_or_belongs_to_a_file_that_is_not_read() {
    let (disk, _) = small_log();
    let whole = report(&disk);
    assert!(whole.is_whole(), "{whole}");
    let files = disk.files();
    // Left for readers with an older checkpoint; the log without them is the same log.
    let superseded = ["tile/0/001.p/34", "tile/entries/001.p/34"];
    for path in superseded {
        disk.put(path, None);
    }
    assert_eq!(report(&disk), whole);
    let mut changed = 0;
    for (path, content) in &files {
        if superseded.contains(&path.as_str()) {
            continue;
        }
        for at in 0..content.len() {
            // Every bit of the checkpoint; one bit, always another, of all else.
            let bits = if path == "checkpoint" { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in bits {
                let mut other = content.clone();
                other[at] ^= 1 << bit;
                disk.put(path, Some(other));
                assert!(!report(&disk).is_whole(), "{path}, byte {at}, bit {bit}");
                changed += 1;
            }
        }
        for cut in [0, 1, content.len() / 2, content.len() - 1] {
            disk.put(path, Some(content[..cut].to_vec()));
            assert!(!report(&disk).is_whole(), "{path}, cut to {cut}");
        }
        disk.put(path, Some([content.as_slice(), b"\0"].concat()));
        assert!(!report(&disk).is_whole(), "{path}, a byte more");
        disk.put(path, None);
        assert!(!report(&disk).is_whole(), "{path}, removed");
        disk.put(path, Some(content.clone()));
    }
    assert_eq!(report(&disk), whole);
    assert!(changed > 12_000, "{changed}");
}

#[test]
fn a_changed_entry_is_named() {
    let (disk, _) = small_log();
    let mut content = disk.files()["tile/entries/000"].clone();
    // Entries 0 … 9 take three bytes each.
    content[7 * 3 + 2] = b'8';
    disk.put("tile/entries/000", Some(content));
    let report = report(&disk);
    let expected =
        Problem::Entry { index: 7, bundle: "tile/entries/000".to_owned(), tile: "tile/0/000".to_owned() };
    assert_eq!(report.problems, [expected]);
    assert_eq!((report.entries_match, report.tiles_match), (Some(false), Some(true)));
    let text = report.to_string();
    assert!(
        text.contains("- entry 7: what tile/entries/000 holds has not the hash that tile/0/000 holds"),
        "{text}"
    );
}

#[test]
fn a_changed_hash_is_told_from_a_changed_entry() {
    let (disk, _) = small_log();
    let mut content = disk.files()["tile/0/001.p/44"].clone();
    content[32 * 5] ^= 1;
    disk.put("tile/0/001.p/44", Some(content));
    let report = report(&disk);
    assert_eq!(report.problems.len(), 1);
    assert!(matches!(&report.problems[0], Problem::Entry { index: 261, .. }), "{report}");
    assert_eq!((report.entries_match, report.tiles_match), (Some(true), Some(false)));
    assert!(report.to_string().ends_with("all entries are those that were signed; other files are damaged"));
}

#[test]
fn an_entry_changed_together_with_its_hash_is_found_a_level_above() {
    let (disk, _) = small_log();
    let files = disk.files();
    let mut bundle = files["tile/entries/000"].clone();
    bundle[7 * 3 + 2] = b'8';
    let mut hashes = files["tile/0/000"].clone();
    hashes[7 * 32..8 * 32].copy_from_slice(&tree::leaf_hash(b"8"));
    disk.put("tile/entries/000", Some(bundle));
    disk.put("tile/0/000", Some(hashes.clone()));
    let found = report(&disk);
    let tile = Problem::Tile {
        path: "tile/1/000.p/1".to_owned(),
        position: 0,
        below: "tile/0/000".to_owned(),
        first_entry: 0,
        end_entry: 256,
    };
    assert_eq!(found.problems, [tile, Problem::Root]);
    // Changed up to the top, the signed root alone tells.
    let root = tile::root(&tile::parse(&hashes).unwrap());
    disk.put("tile/1/000.p/1", Some(root.to_vec()));
    assert_eq!(report(&disk).problems, [Problem::Root]);
}

#[test]
fn a_log_that_was_written_anew_with_its_own_key_shows_against_an_older_checkpoint() {
    let (disk, older) = small_log();
    let expected = Expected { keys: &keys(), older: Some(older.as_bytes()) };
    let found = verify(&disk, &expected, |_, _| {});
    assert!(found.is_whole(), "{found}");
    assert!(
        found.to_string().ends_with("whole, and goes on from the older checkpoint of 100 entries"),
        "{found}"
    );

    let forged = Disk::default();
    let mut log = Log::create(forged.clone(), key()).unwrap();
    let mut entries: Vec<String> = (0..300).map(|i| format!("{i}")).collect();
    entries[50] = "another".to_owned();
    log.append(&entries).unwrap();
    assert!(report(&forged).is_whole());
    let found = verify(&forged, &expected, |_, _| {});
    assert_eq!(found.problems, [Problem::NotExtended { old: 100 }]);

    let short = Disk::default();
    Log::create(short.clone(), key()).unwrap().append(&entries[..40]).unwrap();
    let found = verify(&short, &expected, |_, _| {});
    assert_eq!(found.problems, [Problem::Shrunk { old: 100, new: 40 }]);
}

#[test]
fn an_older_checkpoint_must_be_signed_and_of_this_log() {
    let (disk, older) = small_log();
    let other = SigningKey::from_seed("example.org/other", [9; 32]).unwrap();
    let mut other_log = Log::create(Disk::default(), other).unwrap();
    other_log.append(&["a"]).unwrap();
    let keys = [
        key().verifier().clone(),
        SigningKey::from_seed("example.org/other", [9; 32]).unwrap().verifier().clone(),
    ];
    for wrong in
        [other_log.signed_checkpoint().to_owned(), older.replace("\n100\n", "\n101\n"), String::new()]
    {
        let expected = Expected { keys: &keys, older: Some(wrong.as_bytes()) };
        let found = verify(&disk, &expected, |_, _| {});
        assert!(matches!(found.problems.as_slice(), [Problem::OlderCheckpoint { .. }]), "{found}");
    }
}

#[test]
fn damage_beyond_the_older_checkpoint_leaves_its_entries_vouched_for() {
    let (disk, older) = small_log();
    let mut content = disk.files()["tile/entries/001.p/44"].clone();
    let last = content.len() - 1;
    content[last] ^= 1;
    disk.put("tile/entries/001.p/44", Some(content));
    let found = verify(&disk, &Expected { keys: &keys(), older: Some(older.as_bytes()) }, |_, _| {});
    assert!(!found.is_whole());
    assert!(
        found.to_string().ends_with("the first 100 entries are those of the older checkpoint"),
        "{found}"
    );
}

#[test]
fn entries_cannot_be_moved_swapped_or_cut_off() {
    let (disk, _) = small_log();
    let files = disk.files();
    let full = &files["tile/entries/000"];
    let mut swapped = full.clone();
    swapped[..6].rotate_left(3);
    disk.put("tile/entries/000", Some(swapped));
    assert_eq!(report(&disk).problems.len(), 2);
    let last = lodestone_tlog::bundle::entries(full).last().unwrap().len() + 2;
    disk.put("tile/entries/000", Some(full[..full.len() - last].to_vec()));
    let found = report(&disk);
    assert!(matches!(found.problems.as_slice(), [Problem::File { first_entry: 255, .. }]), "{found}");
    assert_eq!(found.entries_match, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_takes_the_place_of_a_piece_of_a_file_shows_and_nothing_falls_over(
        which: prop::sample::Index,
        at: prop::sample::Index,
        taken in 0_usize..300,
        put in prop::collection::vec(any::<u8>(), 0..300),
        claimed in prop::option::of(any::<u64>()),
    ) {
        let disk = Disk::default();
        let entries: Vec<String> = (0..300).map(|i| format!("{i}")).collect();
        Log::create(disk.clone(), key()).unwrap().append(&entries).unwrap();
        let files = disk.files();
        let path = which.get(&files.keys().collect::<Vec<_>>()).to_string();
        let mut content = files[&path].clone();
        let at = at.index(content.len());
        let end = content.len().min(at + taken);
        content.splice(at..end, put);
        let same = content == files[&path];
        disk.put(&path, Some(content));
        prop_assert_eq!(report(&disk).is_whole(), same);
        // A size that was signed and is not that of the log.
        if let Some(size) = claimed.map(|size| size >> 1).filter(|size| *size != 300) {
            let origin = "example.org/log".to_owned();
            let claim = lodestone_tlog::Checkpoint { origin, size, root: [1; 32], extensions: Vec::new() };
            let note = lodestone_tlog::Note::sign(&claim.to_string(), &[&key()]).unwrap();
            disk.put("checkpoint", Some(note.to_string().into_bytes()));
            prop_assert!(!report(&disk).is_whole());
            prop_assert!(Log::open(disk, key(), &[]).is_err());
        }
    }
}
