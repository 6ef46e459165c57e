//! What a live index does with files that are cut, damaged, missing or somebody else's.
#![allow(clippy::unwrap_used)] // also in what the tests share

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lodestone_index::{Change, LiveError, LiveIndex};

use crate::live::{Model, apply_to, assert_is, code, folder, pairs_of, small};

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = folder();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// Does something to a folder.
type Spoil<'a> = &'a dyn Fn(&Path);

fn add(ids: std::ops::Range<u64>) -> Vec<Change> {
    ids.map(|id| Change::Add(code(id), id)).collect()
}

/// An index of some commits, with the states after each; the last ones are in the log only.
fn build(dir: &Path) -> Vec<Model> {
    let index = LiveIndex::open(dir, small(false)).unwrap();
    let mut states = vec![Model::new()];
    let commits = [
        add(0..30),
        add(30..55),
        vec![Change::Remove(code(31), 31)],
        add(55..60),
        vec![Change::RemoveIds(20..=40), Change::Add(code(25), 25)],
        vec![Change::Remove(code(57), 57), Change::Remove(code(3), 3)],
    ];
    for (stamp, changes) in (1..).zip(&commits) {
        index.apply(changes, stamp).unwrap();
        let mut next = states.last().unwrap().clone();
        apply_to(&mut next, changes);
        states.push(next);
    }
    states
}

#[test]
fn a_log_cut_at_any_byte_gives_the_commits_that_are_whole_and_goes_on_from_there() {
    let dir = folder();
    let states = build(dir.path());
    let log = files(dir.path(), "log").pop().unwrap();
    let whole = fs::read(&log).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let reading = copy(dir.path());
    for length in 0..=whole.len() {
        fs::write(reading.path().join(log.file_name().unwrap()), &whole[..length]).unwrap();
        let index = match LiveIndex::open_read_only(reading.path()) {
            Ok(index) => index,
            Err(error) => {
                assert!(length < 40 && matches!(error, LiveError::Damaged { .. }), "{length}: {error}");
                continue;
            }
        };
        let generation = index.snapshot().generation();
        let model = &states[generation as usize];
        assert_eq!(index.snapshot().stamp(), generation);
        assert!(pairs_of(&index.snapshot()).iter().eq(model), "{length}");
        seen.insert(generation);
        if length % 53 != 0 && length != whole.len() - 1 {
            continue;
        }
        let copy = copy(reading.path());
        let index = LiveIndex::open(copy.path(), small(false)).unwrap();
        assert_is(&index.snapshot(), model);
        // What was cut off does not come back behind the next commit.
        index.apply(&add(100..101), 9).unwrap();
        drop(index);
        let mut model = model.clone();
        apply_to(&mut model, &add(100..101));
        let index = LiveIndex::open(copy.path(), small(false)).unwrap();
        assert_eq!(index.snapshot().generation(), generation + 1);
        assert_is(&index.snapshot(), &model);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
}

#[test]
fn damage_in_the_middle_of_a_log_is_an_error_and_the_file_stays_as_it_is() {
    let dir = folder();
    build(dir.path());
    let log = files(dir.path(), "log").pop().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    bytes[80] ^= 1;
    fs::write(&log, &bytes).unwrap();
    for _ in 0..2 {
        assert!(matches!(LiveIndex::open(dir.path(), small(false)), Err(LiveError::Damaged { .. })));
        assert!(matches!(LiveIndex::open_read_only(dir.path()), Err(LiveError::Damaged { .. })));
        assert_eq!(fs::read(&log).unwrap(), bytes);
    }
}

#[test]
fn after_a_refused_segment_or_manifest_the_one_before_and_the_logs_give_the_same_state() {
    let dir = folder();
    let states = build(dir.path());
    {
        // The newest manifest comes of a merge.
        let index = LiveIndex::open(dir.path(), small(false)).unwrap();
        index.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        index.apply(&add(200..203), 7).unwrap();
    }
    let mut model = states[6].clone();
    apply_to(&mut model, &add(200..203));
    let newest = files(dir.path(), "segment").pop().unwrap();
    let newest = newest.file_name().unwrap();
    let spoil: [(&str, Spoil<'_>); 6] = [
        ("header", &|dir| flip(&dir.join(newest), 20)),
        ("length", &|dir| cut(&dir.join(newest), 100)),
        ("missing", &|dir| fs::remove_file(dir.join(newest)).unwrap()),
        ("foreign", &|dir| fs::write(dir.join(newest), b"not a segment").unwrap()),
        ("manifest", &|dir| flip(&dir.join("MANIFEST"), 40)),
        ("no manifest", &|dir| fs::remove_file(dir.join("MANIFEST")).unwrap()),
    ];
    for (what, spoil) in spoil {
        let copy = copy(dir.path());
        spoil(copy.path());
        let reader = LiveIndex::open_read_only(copy.path()).unwrap();
        assert!(reader.health().refused.is_some(), "{what}");
        assert_is(&reader.snapshot(), &model);
        let index = LiveIndex::open(copy.path(), small(true)).unwrap();
        assert!(index.health().refused.is_some(), "{what}");
        assert_eq!((index.snapshot().generation(), index.snapshot().stamp()), (7, 7), "{what}");
        assert_is(&index.snapshot(), &model);
        index.apply(&add(300..301), 8).unwrap();
        drop(index);
        // Once taken, it is the state like any other.
        let index = LiveIndex::open(copy.path(), small(true)).unwrap();
        assert_eq!(index.health(), Default::default(), "{what}");
        assert_eq!(index.snapshot().generation(), 8);
        index.verify(&mut |_, _| ControlFlow::Continue(())).unwrap();
    }
}

#[test]
fn a_bulk_change_whose_segment_is_refused_gives_the_state_before_under_a_number_of_its_own() {
    let dir = folder();
    let states = build(dir.path());
    {
        // No merge becomes due: one would leave a newer manifest with the same pairs.
        let mut options = small(false);
        options.max_segments = 9;
        let index = LiveIndex::open(dir.path(), options).unwrap();
        index.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        let fill = |bulk: &mut lodestone_index::BulkWriter<'_>| {
            (500..600).try_for_each(|id| bulk.push(code(id), id))
        };
        index.bulk::<LiveError>(&[1000..=1010], 7, fill, &mut |_| ControlFlow::Continue(())).unwrap();
        index.apply(&add(700..701), 8).unwrap();
        assert_eq!(index.snapshot().generation(), 8);
    }
    let manifest = fs::read(dir.path().join("MANIFEST")).unwrap();
    let newest = files(dir.path(), "segment").pop().unwrap();
    flip(&newest, 20);
    let reader = LiveIndex::open_read_only(dir.path()).unwrap();
    assert_eq!((reader.snapshot().generation(), reader.snapshot().stamp()), (6, 6));
    assert_is(&reader.snapshot(), &states[6]);
    assert_eq!(fs::read(dir.path().join("MANIFEST")).unwrap(), manifest, "a reader writes nothing");
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    assert!(index.health().refused.is_some());
    assert_eq!((index.snapshot().generation(), index.snapshot().stamp()), (9, 6));
    assert_is(&index.snapshot(), &states[6]);
    drop(index);
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    assert_eq!((index.snapshot().generation(), index.health()), (9, Default::default()));
    assert_is(&index.snapshot(), &states[6]);
}

#[test]
fn files_of_others_are_left_alone_and_files_that_nothing_names_are_removed() {
    let dir = folder();
    build(dir.path());
    let stale = ["00000000000000ff.segment", ".segment-AbC123.tmp", "MANIFEST.tmp"];
    let foreign = ["notes.txt", "ff.segment", ".tmpXYZ"];
    for name in stale.iter().chain(&foreign) {
        fs::write(dir.path().join(name), b"x").unwrap();
    }
    LiveIndex::open_read_only(dir.path()).unwrap();
    assert!(stale.iter().all(|name| dir.path().join(name).exists()), "a reader removes nothing");
    LiveIndex::open(dir.path(), small(false)).unwrap();
    assert!(!stale.iter().any(|name| dir.path().join(name).exists()));
    assert!(foreign.iter().all(|name| dir.path().join(name).exists()));
}

#[test]
fn segments_without_a_manifest_are_not_taken_for_a_new_index() {
    let dir = folder();
    build(dir.path());
    fs::remove_file(dir.path().join("MANIFEST")).unwrap();
    fs::remove_file(dir.path().join("MANIFEST.old")).unwrap();
    let before = fs::read_dir(dir.path()).unwrap().count();
    assert!(matches!(LiveIndex::open(dir.path(), small(false)), Err(LiveError::Damaged { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
}

#[test]
fn a_merge_that_fails_is_reported_by_the_next_change_and_loses_nothing() {
    let dir = folder();
    let mut model = Model::new();
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    index.apply(&add(0..15), 1).unwrap();
    apply_to(&mut model, &add(0..15));
    // A folder stands where the next segments should go.
    for number in 2..40 {
        fs::create_dir_all(dir.path().join(format!("{number:016x}.segment/in the way"))).unwrap();
    }
    index.apply(&add(15..40), 2).unwrap();
    apply_to(&mut model, &add(15..40));
    assert_is(&index.snapshot(), &model);
    assert!(index.health().failure.is_some());
    assert!(matches!(index.apply(&add(90..91), 3), Err(LiveError::Background { .. })));
    assert_is(&index.snapshot(), &model);
    for number in 2..40 {
        fs::remove_dir_all(dir.path().join(format!("{number:016x}.segment"))).unwrap();
    }
    index.apply(&add(90..91), 3).unwrap();
    apply_to(&mut model, &add(90..91));
    assert_eq!(index.health(), Default::default());
    assert_eq!(index.snapshot().facts().memtable_pairs, 0, "flushed after all");
    drop(index);
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    assert_eq!(index.snapshot().generation(), 3);
    assert_is(&index.snapshot(), &model);
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, by: usize) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - by]).unwrap();
}
