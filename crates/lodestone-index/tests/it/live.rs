//! The live index against a plain set of pairs.
#![allow(clippy::unwrap_used)] // also in what the tests share

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use lodestone_index::{Change, Code256, Hit, LiveError, LiveIndex, LiveOptions, LiveSnapshot, SearchStats};
use proptest::prelude::*;

pub(crate) type Model = BTreeSet<(Code256, u64)>;

/// A temporary folder, in memory where the system offers that: flushing a busy disk thousands of times takes minutes.
pub(crate) fn folder() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() }.unwrap()
}

/// One of 256 codes, some near each other and some of odd weight.
pub(crate) fn code(n: u64) -> Code256 {
    let n = n % 256;
    let centre = (n / 8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Code256([centre ^ (n % 8), centre.rotate_left(17), !centre, centre.rotate_left(40) ^ ((n % 3) << 50)])
}

/// Thresholds at which everything happens all the time.
pub(crate) fn small(background: bool) -> LiveOptions {
    let mut options = LiveOptions::default();
    options.memtable_pairs = 20;
    options.max_segments = 2;
    options.background = background;
    options
}

pub(crate) fn apply_to(model: &mut Model, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Add(code, id) => {
                model.insert((*code, *id));
            }
            Change::Remove(code, id) => {
                model.remove(&(*code, *id));
            }
            Change::RemoveIds(ids) => model.retain(|(_, id)| !ids.contains(id)),
        }
    }
}

pub(crate) fn pairs_of(snapshot: &LiveSnapshot) -> Vec<(Code256, u64)> {
    let mut pairs = Vec::new();
    snapshot
        .for_each(&mut |code, id| {
            pairs.push((code, id));
            ControlFlow::Continue(())
        })
        .unwrap();
    pairs.sort_unstable();
    pairs
}

/// Everything a snapshot says, against the set it should be.
pub(crate) fn assert_is(snapshot: &LiveSnapshot, model: &Model) {
    let pairs = pairs_of(snapshot);
    assert!(pairs.iter().eq(model), "{} pairs for {}", pairs.len(), model.len());
    assert_eq!(snapshot.len().unwrap(), model.len() as u64);
    let queries: Vec<Code256> = (0..256).step_by(5).map(code).chain([!code(9), code(10)]).collect();
    for radius in [0, 3, 31, 256] {
        let mut expected = Vec::new();
        for (query, near) in (0..).zip(&queries) {
            let hit = |(code, id): &(Code256, u64)| Hit {
                query,
                distance_bits: code.distance_bits(*near),
                id: *id,
            };
            expected.extend(model.iter().map(hit).filter(|hit| hit.distance_bits <= radius));
        }
        expected.sort_unstable();
        let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
        snapshot.search_into(&queries, radius, &mut hits, &mut stats).unwrap();
        assert_eq!(hits, expected, "radius {radius}");
        assert_eq!((stats.queries, stats.hits), (queries.len() as u64, expected.len() as u64));
    }
}

fn add_all(index: &LiveIndex, pairs: impl IntoIterator<Item = (Code256, u64)>, stamp: u64) {
    let changes: Vec<Change> = pairs.into_iter().map(|(code, id)| Change::Add(code, id)).collect();
    index.apply(&changes, stamp).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Change>),
    Bulk { remove: Vec<(u64, u64)>, add: Vec<(Code256, u64)> },
    Flush,
    Merge,
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let pair = (0u64..256, 0u64..24).prop_map(|(n, id)| (code(n), id));
    let change = prop_oneof![
        8 => pair.clone().prop_map(|(code, id)| Change::Add(code, id)),
        4 => pair.clone().prop_map(|(code, id)| Change::Remove(code, id)),
        1 => (0u64..24, 0u64..5).prop_map(|(first, n)| Change::RemoveIds(first..=first + n)),
    ];
    let ranges = prop::collection::vec((0u64..24, 0u64..8).prop_map(|(first, n)| (first, first + n)), 0..3);
    prop_oneof![
        12 => prop::collection::vec(change, 0..12).prop_map(Step::Apply),
        2 => (ranges, prop::collection::vec(pair, 0..40)).prop_map(|(remove, add)| Step::Bulk { remove, add }),
        1 => Just(Step::Flush),
        1 => Just(Step::Merge),
        1 => Just(Step::Compact),
        2 => Just(Step::Reopen),
    ]
}

fn run(dir: &Path, options: &LiveOptions, steps: &[Step]) {
    let mut model = Model::new();
    let mut generation = 0;
    let mut index = LiveIndex::open(dir, options.clone()).unwrap();
    let onlooker = LiveIndex::open_read_only(dir).unwrap();
    for (stamp, step) in (100..).zip(steps) {
        match step {
            Step::Apply(changes) => {
                let before = model.len() as i64;
                apply_to(&mut model, changes);
                let applied = index.apply(changes, stamp).unwrap();
                generation += 1;
                assert_eq!(applied.generation, generation);
                if !changes.iter().any(|change| matches!(change, Change::RemoveIds(_))) {
                    assert_eq!(applied.added as i64 - applied.removed as i64, model.len() as i64 - before);
                }
                assert_eq!(index.snapshot().stamp(), stamp);
            }
            Step::Bulk { remove, add } => {
                let ranges: Vec<_> = remove.iter().map(|(first, last)| *first..=*last).collect();
                let applied = index.bulk::<LiveError>(
                    &ranges,
                    stamp,
                    |bulk| add.iter().try_for_each(|(code, id)| bulk.push(*code, *id)),
                    &mut |_| ControlFlow::Continue(()),
                );
                model.retain(|(_, id)| !ranges.iter().any(|ids| ids.contains(id)));
                let before = model.len();
                model.extend(add);
                generation += 1;
                let applied = applied.unwrap();
                assert_eq!((applied.generation, applied.added), (generation, (model.len() - before) as u64));
            }
            Step::Flush => index.flush().unwrap(),
            Step::Merge => index.merge_now().unwrap(),
            Step::Compact => {
                index.compact(&mut |_| ControlFlow::Continue(())).unwrap();
                assert!(index.snapshot().facts().segments.len() <= 1);
            }
            Step::Reopen => {
                drop(index);
                index = LiveIndex::open(dir, options.clone()).unwrap();
            }
        }
        let snapshot = index.snapshot();
        assert_eq!(snapshot.generation(), generation);
        assert_is(&snapshot, &model);
        let asked: Vec<(Code256, u64)> = (0..60).map(|n| (code(n * 7), n % 24)).collect();
        let expected: Vec<bool> = asked.iter().map(|pair| model.contains(pair)).collect();
        assert_eq!(snapshot.contains(&asked).unwrap(), expected);
    }
    onlooker.refresh().unwrap();
    assert_eq!(onlooker.snapshot().generation(), generation);
    assert_is(&onlooker.snapshot(), &model);
    assert!(index.snapshot().facts().segments.len() <= 6);
    assert_eq!(index.health(), Default::default());
    index.verify(&mut |_, _| ControlFlow::Continue(())).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn whatever_happens_a_live_index_is_the_set_of_its_pairs(
        steps in prop::collection::vec(step(), 1..40),
        background in any::<bool>(),
    ) {
        let dir = folder();
        run(dir.path(), &small(background), &steps);
    }
}

#[test]
fn a_change_is_seen_by_the_next_look_up_and_not_by_a_snapshot_held() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), LiveOptions::default()).unwrap();
    let before = index.snapshot();
    add_all(&index, [(code(1), 7)], 3);
    assert_eq!(index.snapshot().search(&[code(1)], 0).unwrap().len(), 1);
    assert_eq!(before.search(&[code(1)], 0).unwrap(), []);
    assert_eq!((before.generation(), index.snapshot().generation()), (0, 1));
    index.apply(&[Change::Remove(code(1), 7)], 4).unwrap();
    assert_eq!(index.snapshot().search(&[code(1)], 256).unwrap(), []);
}

#[test]
fn a_search_that_finds_more_than_there_is_room_for_gives_nothing_and_says_so() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    // A code with ten owners in a segment, and two more in memory.
    add_all(&index, (0..10).map(|id| (code(9), id)), 1);
    index.flush().unwrap();
    add_all(&index, (10..12).map(|id| (code(9), id)), 2);
    let snapshot = index.snapshot();
    let query = [code(9)];
    let before = Hit { query: 5, distance_bits: 0, id: 77 };
    for (most, fits) in [(0, false), (9, false), (10, false), (11, false), (12, true), (usize::MAX, true)] {
        let (mut hits, mut stats) = (vec![before], SearchStats::default());
        assert_eq!(snapshot.search_at_most(&query, 0, most, &mut hits, &mut stats).unwrap(), fits, "{most}");
        let found: Vec<u64> = hits.iter().skip(1).map(|hit| hit.id).collect();
        assert_eq!(found, if fits { (0..12).collect() } else { Vec::new() }, "{most}");
        assert_eq!((hits[0], stats.hits), (before, if fits { 12 } else { 0 }));
    }
}

#[test]
fn an_empty_commit_counts_and_keeps_its_stamp() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    index.apply(&[], 55).unwrap();
    drop(index);
    let snapshot = LiveIndex::open_read_only(dir.path()).unwrap().snapshot();
    assert_eq!((snapshot.generation(), snapshot.stamp()), (1, 55));
}

#[test]
fn a_pair_toggled_across_flushes_and_merges_is_counted_once() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    for round in 0..12 {
        add_all(&index, [(code(3), 1), (code(3), 2)], round);
        index.flush().unwrap();
        index.apply(&[Change::Remove(code(3), 1)], round).unwrap();
        add_all(&index, [(code(3), 1)], round);
        let ids: Vec<u64> =
            index.snapshot().search(&[code(3)], 0).unwrap().iter().map(|hit| hit.id).collect();
        assert_eq!(ids, [1, 2]);
        index.apply(&[Change::RemoveIds(0..=u64::MAX)], round).unwrap();
        assert!(index.snapshot().is_empty().unwrap());
    }
}

#[test]
fn two_readers_see_whole_commits_only_and_never_go_back() {
    // Each commit moves the window of pairs on: 50 more, those of ten commits ago gone.
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    let onlooker = LiveIndex::open_read_only(dir.path()).unwrap();
    let done = AtomicBool::new(false);
    let commits = 120u64;
    let check = |snapshot: &LiveSnapshot| {
        let generation = snapshot.generation();
        let expected: Vec<u64> = (generation.saturating_sub(10) * 50..generation * 50).collect();
        let mut ids: Vec<u64> = pairs_of(snapshot).iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        assert_eq!(ids, expected, "generation {generation}");
        let mut found: Vec<u64> =
            snapshot.search(&[code(77)], 256).unwrap().iter().map(|hit| hit.id).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "generation {generation}");
        generation
    };
    std::thread::scope(|scope| {
        for outside in [false, true] {
            let (index, onlooker, done, check) = (&index, &onlooker, &done, &check);
            scope.spawn(move || {
                let (mut last, mut seen) = (0, 0);
                while !done.load(Ordering::Acquire) {
                    if outside {
                        onlooker.refresh().unwrap();
                    }
                    let source = if outside { onlooker } else { index };
                    let generation = check(&source.snapshot());
                    assert!(generation >= last);
                    seen += u64::from(generation > last);
                    last = generation;
                }
                assert!(seen > 3, "the test saw {seen} states only");
            });
        }
        for commit in 0..commits {
            let mut changes: Vec<Change> =
                (commit * 50..commit * 50 + 50).map(|id| Change::Add(code(id), id)).collect();
            if commit >= 10 {
                let first = (commit - 10) * 50;
                if commit % 2 == 0 {
                    changes.push(Change::RemoveIds(first..=first + 49));
                } else {
                    changes.extend((first..first + 50).map(|id| Change::Remove(code(id), id)));
                }
            }
            index.apply(&changes, commit).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    onlooker.refresh().unwrap();
    assert_eq!(check(&onlooker.snapshot()), commits);
    assert!(index.snapshot().facts().segments.len() <= 6);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    assert!(matches!(LiveIndex::open(dir.path(), small(true)), Err(LiveError::Locked { .. })));
    let reader = LiveIndex::open_read_only(dir.path()).unwrap();
    assert!(matches!(reader.apply(&[], 1), Err(LiveError::ReadOnly)));
    assert!(matches!(reader.flush(), Err(LiveError::ReadOnly)));
    drop(index);
    LiveIndex::open(dir.path(), small(true)).unwrap();
}

#[test]
fn a_folder_without_an_index_is_not_one_to_read() {
    let dir = folder();
    assert!(matches!(LiveIndex::open_read_only(dir.path()), Err(LiveError::NotALiveIndex { .. })));
    assert!(LiveIndex::open_read_only(&dir.path().join("none")).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "a reader writes nothing");
}

#[test]
fn the_id_of_canaries_is_refused_and_changes_nothing() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    let changes = [Change::Add(code(1), 1), Change::Add(code(1), u64::MAX)];
    assert!(matches!(index.apply(&changes, 1), Err(LiveError::ReservedId)));
    let bulk = index
        .bulk::<LiveError>(&[], 1, |bulk| bulk.push(code(1), u64::MAX), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(bulk, Err(LiveError::ReservedId)));
    index.apply(&[Change::Remove(code(1), u64::MAX), Change::RemoveIds(5..=u64::MAX)], 1).unwrap();
    assert_eq!(index.snapshot().len().unwrap(), 0);
}

#[test]
fn a_bulk_change_that_fails_or_is_stopped_leaves_the_state_as_it_was() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    let mut model = Model::new();
    add_all(&index, (0..30).map(|n| (code(n), n)), 1);
    model.extend((0..30).map(|n| (code(n), n)));
    let all = [0..=u64::MAX];
    let failed = index.bulk::<LiveError>(
        &all,
        2,
        |bulk| {
            bulk.push(code(1), 99)?;
            Err(LiveError::Stopped)
        },
        &mut |_| ControlFlow::Continue(()),
    );
    assert!(matches!(failed, Err(LiveError::Stopped)));
    let stopped = index.bulk::<LiveError>(
        &all,
        2,
        |bulk| (0..10).try_for_each(|n| bulk.push(code(n), 99)),
        &mut |step| match step {
            lodestone_index::LiveStep::Read { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        },
    );
    assert!(matches!(stopped, Err(LiveError::Stopped)));
    assert_is(&index.snapshot(), &model);
    assert_eq!((index.snapshot().generation(), index.snapshot().stamp()), (1, 1));
}

#[test]
fn closing_does_not_wait_for_a_merge() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    for round in 0..20 {
        add_all(&index, (0..25).map(|n| (code(n), round * 100 + n)), round);
    }
    drop(index);
    let index = LiveIndex::open(dir.path(), small(true)).unwrap();
    assert_eq!(index.snapshot().len().unwrap(), 500);
}

#[test]
fn what_changes_while_segments_are_merged_is_not_undone_by_the_merge() {
    let dir = folder();
    let mut options = small(false);
    options.max_segments = 50;
    let index = LiveIndex::open(dir.path(), options.clone()).unwrap();
    let mut model = Model::new();
    let change = |model: &mut Model, changes: &[Change]| {
        apply_to(model, changes);
        index.apply(changes, 0).unwrap();
        assert_is(&index.snapshot(), model);
    };
    for first in [0, 40, 80] {
        let changes: Vec<Change> = (first..first + 40).map(|n| Change::Add(code(n), n)).collect();
        change(&mut model, &changes);
    }
    change(&mut model, &[Change::RemoveIds(30..=45), Change::Remove(code(100), 100)]);
    let mut calls = 0u64;
    index
        .compact(&mut |_| {
            // A pair of each segment dies, one that was dead comes back, one dies and comes back, a range dies over an
            // older one, and all this is flushed while the merge goes on.
            let n = calls;
            calls += 1;
            change(&mut model, &[Change::Remove(code(n), n), Change::Remove(code(60 + n), 60 + n)]);
            change(&mut model, &[Change::Add(code(100), 100), Change::Add(code(35), 35)]);
            change(&mut model, &[Change::Remove(code(90 + n), 90 + n), Change::Add(code(90 + n), 90 + n)]);
            if n == 1 {
                change(&mut model, &[Change::RemoveIds(40..=50), Change::Add(code(47), 47)]);
            }
            index.flush().unwrap();
            change(&mut model, &[Change::Remove(code(35), 35)]);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(calls > 3, "{calls}");
    assert_is(&index.snapshot(), &model);
    drop(index);
    let index = LiveIndex::open(dir.path(), options).unwrap();
    assert_is(&index.snapshot(), &model);
    index.verify(&mut |_, _| ControlFlow::Continue(())).unwrap();
}

#[test]
fn a_merge_that_its_caller_stops_changes_nothing_and_another_can_follow() {
    let dir = folder();
    let index = LiveIndex::open(dir.path(), small(false)).unwrap();
    let pairs: Model = (0..90).map(|n| (code(n), n)).collect();
    for (stamp, chunk) in pairs.iter().copied().collect::<Vec<_>>().chunks(30).enumerate() {
        add_all(&index, chunk.iter().copied(), stamp as u64);
        index.flush().unwrap();
    }
    index.apply(&[Change::Remove(code(1), 1)], 9).unwrap();
    let mut stop_at = 0;
    let merged = loop {
        let mut calls = 0;
        let merged = index.compact(&mut |_| {
            calls += 1;
            if calls > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let mut model = pairs.clone();
        model.remove(&(code(1), 1));
        assert_is(&index.snapshot(), &model);
        match merged {
            Err(LiveError::Stopped) => stop_at += 1,
            other => break other,
        }
    };
    merged.unwrap();
    assert!(stop_at > 2);
    assert_eq!(index.snapshot().facts().segments.len(), 1);
}
