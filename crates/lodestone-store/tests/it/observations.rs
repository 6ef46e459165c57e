//! Observations and runs.

use lodestone_store::{ObservationKey, Store};
use lodestone_types::{Observation, Thumbnail};
use serde_json::json;

fn key(path: &[u8], mtime_ns: i64) -> ObservationKey {
    ObservationKey { path: path.to_vec(), size_bytes: 10, mtime_ns, options: "v1".into() }
}

fn observation(size_bytes: u64) -> Observation {
    Observation { size_bytes, format: Some("png".into()), ..Observation::default() }
}

#[test]
fn an_observation_is_found_only_for_exactly_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let members = vec![
        ("".to_owned(), observation(1)),
        ("b.png".into(), observation(2)),
        ("a.png".into(), observation(3)),
    ];
    let stored = key(b"caf\xe9.zip", 5);
    store.put_observations(&[(stored.clone(), members.clone())], 1).unwrap();
    assert_eq!(store.observations_lookup(&stored).unwrap(), Some(members));
    for other in [
        ObservationKey { path: b"cafe.zip".to_vec(), ..stored.clone() },
        ObservationKey { size_bytes: 11, ..stored.clone() },
        ObservationKey { mtime_ns: 6, ..stored.clone() },
        ObservationKey { options: "v2".into(), ..stored.clone() },
    ] {
        assert_eq!(store.observations_lookup(&other).unwrap(), None);
    }
}

#[test]
fn a_new_observation_of_a_path_replaces_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store
        .put_observations(
            &[(key(b"a", 1), vec![("".into(), observation(1)), ("m".into(), observation(2))])],
            1,
        )
        .unwrap();
    store.put_observations(&[(key(b"a", 2), vec![("".into(), observation(3))])], 2).unwrap();
    assert_eq!(store.observations_lookup(&key(b"a", 1)).unwrap(), None);
    assert_eq!(store.observations_lookup(&key(b"a", 2)).unwrap(), Some(vec![("".into(), observation(3))]));
    store.put_observations(&[(key(b"b", 1), vec![])], 3).unwrap();
    assert_eq!(store.prune_observations(3).unwrap(), 1);
    assert_eq!(store.observations_lookup(&key(b"a", 2)).unwrap(), None);
    assert_eq!(store.observations_lookup(&key(b"b", 1)).unwrap(), Some(vec![]));
}

#[test]
fn no_pixels_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let thumbnail = Thumbnail { mode: "full".into(), width: 1, height: 1, png_base64: "cGl4ZWxz".into() };
    let shown = Observation { thumbnail: Some(thumbnail), ..observation(1) };
    store.put_observations(&[(key(b"a", 1), vec![("".into(), shown)])], 1).unwrap();
    assert_eq!(store.observations_lookup(&key(b"a", 1)).unwrap(), Some(vec![("".into(), observation(1))]));
}

#[test]
fn a_damaged_observation_counts_as_absent() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let two = vec![("".into(), observation(1)), ("m".into(), observation(2))];
    store.put_observations(&[(key(b"a", 1), two.clone()), (key(b"b", 1), two)], 1).unwrap();
    drop(store);
    let db = rusqlite::Connection::open(dir.path().join("lodestone.db")).unwrap();
    db.execute_batch(
        "UPDATE observations SET observation = '{\"size_by' WHERE file = 1 AND position = 1;
         DELETE FROM observations WHERE file = 2 AND position = 0;",
    )
    .unwrap();
    drop(db);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.observations_lookup(&key(b"a", 1)).unwrap(), None);
    assert_eq!(store.observations_lookup(&key(b"b", 1)).unwrap(), None);
}

#[test]
fn runs_are_kept_with_their_settings_and_result() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let first = store.start_run(&["a".into(), "b \"c\"".into()], &json!({ "radius": 31 }), 100).unwrap();
    let second = store.start_run(&[], &json!(null), 200).unwrap();
    store.finish_run(first, &json!({ "files": 3 }), true, 150).unwrap();
    assert!(store.finish_run(99, &json!(null), false, 1).is_err());
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(runs[0].roots, ["a", "b \"c\""]);
    assert_eq!((runs[0].finished_us, runs[0].interrupted), (Some(150), true));
    assert_eq!(runs[0].summary, Some(json!({ "files": 3 })));
    assert_eq!((runs[1].finished_us, &runs[1].summary), (None, &None));
}
