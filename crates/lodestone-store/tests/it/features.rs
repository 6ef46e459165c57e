//! Local features of known pictures, kept as they were sealed.

use lodestone_store::{FeatureCount, Store, StoreError};
use lodestone_types::{BankKind, ListEntry, SignalType};

use crate::{Row, import, signal, store};

fn file(id: &str, byte: u8, pdq: u8) -> Row {
    let signals = vec![signal(SignalType::Sha256, byte), signal(SignalType::Pdq, pdq)];
    Ok(ListEntry { entry: id.into(), signals, ..ListEntry::default() })
}

fn number(store: &Store, bank: &str, id: &str) -> i64 {
    store.entry(bank, id).unwrap().unwrap().entry_no
}

fn put(store: &mut Store, no: i64, sealed: &[u8]) {
    store.batch(1, |batch| batch.put_features(no, sealed)).unwrap();
}

fn all(store: &Store, bank: &str) -> Vec<(i64, Vec<u8>)> {
    let mut found = Vec::new();
    store
        .for_each_features(bank, |no, sealed| {
            found.push((no, sealed.to_vec()));
            Ok::<(), StoreError>(())
        })
        .unwrap();
    found
}

#[test]
fn features_are_kept_by_entry_and_counted_by_bank() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    store.create_bank("C", BankKind::Own, 31, "", 1).unwrap();
    import(&mut store, "l", vec![file("a", 1, 1), file("b", 2, 2), file("c", 3, 3)]).unwrap();
    assert!(!store.has_features().unwrap() && store.feature_counts().unwrap().is_empty());
    let (a, c) = (number(&store, "B", "a"), number(&store, "B", "c"));
    put(&mut store, c, b"four");
    put(&mut store, a, b"three");
    assert_eq!(all(&store, "B"), [(a, b"three".to_vec()), (c, b"four".to_vec())]);
    assert_eq!(all(&store, "C"), []);
    assert_eq!(store.feature_sizes("B").unwrap(), [(a, 5), (c, 4)]);
    assert_eq!(store.feature_sizes("C").unwrap(), []);
    assert!(matches!(store.feature_sizes("D"), Err(StoreError::NotFound { .. })));
    assert_eq!(store.features(a).unwrap().unwrap(), b"three");
    assert!(store.has_features().unwrap());
    let counts: Vec<_> = store.feature_counts().unwrap().into_iter().collect();
    assert_eq!(counts, [("B".to_owned(), FeatureCount { entries: 2, sealed_bytes: 9 })]);
    assert!(matches!(store.for_each_features("D", |_, _| Ok(())), Err(StoreError::NotFound { .. })));
    for (no, sealed) in [(a + 9, &b"x"[..]), (a, &[0; 200_000])] {
        let refused = store.batch(1, |batch| batch.put_features(no, sealed));
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
    }
    assert_eq!(store.features(a).unwrap().unwrap(), b"three");
}

#[test]
fn what_is_known_of_a_picture_changes_with_its_features_and_not_with_their_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1, 1)]).unwrap();
    let a = number(&store, "B", "a");
    let at = store.generation().unwrap();
    put(&mut store, a, b"one");
    assert_eq!(store.generation().unwrap(), at + 1);
    assert!(store.batch(1, |batch| batch.reseal_features(a, b"anew")).unwrap());
    assert!(!store.batch(1, |batch| batch.reseal_features(a + 1, b"anew")).unwrap());
    assert_eq!(
        (store.generation().unwrap(), store.features(a).unwrap().unwrap()),
        (at + 1, b"anew".to_vec())
    );
    let paged = store
        .batch(1, |batch| Ok::<_, StoreError>((batch.features_after(0, 9)?, batch.features_after(a, 9)?)));
    assert_eq!(paged.unwrap(), (vec![(a, b"anew".to_vec())], vec![]));
    assert!(store.batch(1, |batch| batch.remove_features(a)).unwrap());
    assert!(!store.batch(1, |batch| batch.remove_features(a)).unwrap());
    assert_eq!(store.generation().unwrap(), at + 2);
}

#[test]
fn features_go_with_their_entry_their_bank_and_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1, 1), file("b", 2, 2)]).unwrap();
    let (a, b) = (number(&store, "B", "a"), number(&store, "B", "b"));
    put(&mut store, a, b"one");
    put(&mut store, b, b"two");
    assert!(store.remove_entry("B", "a").unwrap());
    assert_eq!(all(&store, "B"), [(b, b"two".to_vec())]);
    store.delete_bank("B").unwrap();
    assert!(!store.has_features().unwrap());
    store.create_bank("B", BankKind::Own, 31, "", 1).unwrap();
    import(&mut store, "l", vec![file("a", 1, 1)]).unwrap();
    let a = number(&store, "B", "a");
    put(&mut store, a, b"one");
    store.reset(1).unwrap();
    assert!(!store.has_features().unwrap());
}

#[test]
fn an_entry_that_stands_for_another_file_loses_the_features_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1, 1), file("b", 2, 2)]).unwrap();
    let (a, b) = (number(&store, "B", "a"), number(&store, "B", "b"));
    put(&mut store, a, b"one");
    put(&mut store, b, b"two");
    // The first has another hash of the same bytes, the second is another file.
    import(&mut store, "l", vec![file("a", 1, 9), file("b", 8, 2)]).unwrap();
    assert_eq!(all(&store, "B"), [(a, b"one".to_vec())]);
}

#[test]
fn a_copy_carries_features_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1, 1)]).unwrap();
    let a = number(&store, "B", "a");
    put(&mut store, a, b"sealed");
    let copy = tempfile::tempdir().unwrap();
    store.backup_to(&copy.path().join("lodestone.db")).unwrap();
    assert_eq!(Store::open(copy.path()).unwrap().features(a).unwrap().unwrap(), b"sealed");
}
