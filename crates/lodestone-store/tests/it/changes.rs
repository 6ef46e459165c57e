//! The log of changes, beside a model that does what it says; counts of signals; entries added and removed by hand.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_store::{ImportOptions, ListSource, NewContent, PdqChange, Store, StoreError};
use lodestone_types::{BankKind, ListEntry, SignalType};

use crate::{all, import, row, signal, store};

type Index = BTreeSet<(i64, [u8; 32])>;

/// Everything that stands in the store, read without the log.
fn truth(store: &Store) -> Index {
    let mut index = Index::new();
    for bank in store.banks().unwrap() {
        store
            .for_each_pdq(&bank.name, |no, pdq| {
                index.insert((no, pdq));
                Ok::<(), StoreError>(())
            })
            .unwrap();
    }
    index
}

fn caught_up(store: &Store, from: u64, mut index: Index) -> Option<Index> {
    let reached = store
        .pdq_changes_since(from, |change| {
            match change {
                PdqChange::Dropped { first, last } => index.retain(|(no, _)| !(first..=last).contains(no)),
                PdqChange::Removed { entry_no, pdq } => {
                    index.remove(&(entry_no, pdq));
                }
                PdqChange::Added { entry_no, pdq } => {
                    index.insert((entry_no, pdq));
                }
                _ => panic!("{change:?}"),
            }
            Ok::<(), StoreError>(())
        })
        .unwrap();
    reached.then_some(index)
}

fn two(id: &str, bytes: [u8; 2]) -> ListEntry {
    let signals = bytes.map(|byte| signal(SignalType::Pdq, byte)).into();
    ListEntry { entry: id.into(), line: 1, signals, ..ListEntry::default() }
}

#[test]
fn an_index_at_any_earlier_generation_catches_up_by_the_log_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let mut states: BTreeMap<u64, Index> = BTreeMap::new();
    let mut step = |store: &Store| {
        let now = truth(store);
        states.insert(store.generation().unwrap(), now.clone());
        for (from, index) in &states {
            assert_eq!(caught_up(store, *from, index.clone()).as_ref(), Some(&now), "from {from}");
        }
    };
    step(&store);
    import(&mut store, "l", (1..40).map(|line| row(&format!("e{line}"), line, line as u8)).collect())
        .unwrap();
    step(&store);
    // Changed, changed back, changed again, beside new ones.
    for byte in [77, 3, 78] {
        import(&mut store, "l", vec![row("e3", 3, byte), row(&format!("n{byte}"), 90, byte)]).unwrap();
        step(&store);
    }
    // Fields only: no change of a value.
    let mut fields = row("e5", 5, 5).unwrap();
    fields.classification = Some("A1".into());
    import(&mut store, "l", vec![Ok(fields)]).unwrap();
    step(&store);
    import(&mut store, "l", vec![Ok(two("e6", [6, 60]))]).unwrap();
    step(&store);
    assert!(store.remove_entry("B", "e6").unwrap());
    step(&store);
    // Batches of single contents, with what comes and goes within one.
    store.create_bank("D", BankKind::Own, 31, "", 1).unwrap();
    step(&store);
    for round in 0..3u8 {
        store
            .batch(1, |batch| {
                let mut add = |bank: &str, kind, byte: u8| {
                    let signals = [signal(kind, byte)];
                    let content = NewContent { signals: &signals, ..NewContent::default() };
                    batch.add_content(bank, &content).map(|added| added.content_id)
                };
                let b = add("B", SignalType::Pdq, 100 + round)?;
                add("B", SignalType::Md5, 1)?;
                let late = add("B", SignalType::Pdq, 110 + round)?;
                let d = add("D", SignalType::Pdq, 120 + round)?;
                add("B", SignalType::Pdq, 130 + round)?;
                batch.remove_content("B", [b, late][usize::from(round) % 2])?;
                let signals = [signal(SignalType::Pdq, 140 + round)];
                batch.add_content("B", &NewContent { signals: &signals, ..NewContent::default() })?;
                if round == 1 {
                    batch.remove_content("D", d)?;
                }
                let _: Result<(), StoreError> = batch.apart(|batch| {
                    batch.add_content("B", &NewContent { signals: &signals, ..NewContent::default() })?;
                    batch.delete_bank("D")?;
                    Err(StoreError::Undone)
                });
                let list = ListSource { name: "l", sha256: "" };
                batch.import(
                    "B",
                    list,
                    [row("e9", 9, 150 + round), row(&format!("m{round}"), 90, 3)],
                    ImportOptions::default(),
                )?;
                batch.add_content("B", &NewContent { signals: &signals, ..NewContent::default() })
            })
            .unwrap();
        step(&store);
    }
    let last = all(&store).last().unwrap().clone();
    assert!(store.remove_entry("B", &last.row.entry).unwrap());
    step(&store);
    let added = store.add_entry("B", Some("e6"), vec![signal(SignalType::Pdq, 61)], 1).unwrap();
    assert!(added.entry_no > last.entry_no, "numbers of removed entries are not given again");
    step(&store);
    store.create_bank("C", BankKind::Own, 31, "", 1).unwrap();
    store
        .import("C", ListSource { name: "c", sha256: "" }, [row("1", 1, 9)], ImportOptions::default())
        .unwrap();
    step(&store);
    store.delete_bank("C").unwrap();
    step(&store);
    store.delete_bank("B").unwrap();
    step(&store);
    store.delete_bank("D").unwrap();
    step(&store);
    assert!(truth(&store).is_empty());
}

#[test]
fn an_index_from_the_future_or_from_before_the_log_is_told_to_be_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![row("a", 1, 1)]).unwrap();
    let now = store.generation().unwrap();
    assert_eq!(caught_up(&store, now, truth(&store)), Some(truth(&store)));
    assert_eq!(caught_up(&store, now + 1, Index::new()), None);
    assert_eq!(store.pdq_changes_count(0).unwrap(), Some(1));
    assert_eq!(store.pdq_changes_count(now + 1).unwrap(), None);
    // A short log is kept …
    store.trim_changes(now).unwrap();
    assert_eq!(store.pdq_changes_count(0).unwrap(), Some(1));
    // … a long one is cut where indexes stand.
    for round in 0..2u8 {
        let rows = (1..=10_001u64).map(|line| row(&format!("x{line}"), line, round));
        store.import("B", ListSource { name: "l", sha256: "" }, rows, ImportOptions::default()).unwrap();
    }
    let (now, index) = (store.generation().unwrap(), truth(&store));
    assert_eq!(caught_up(&store, now - 1, Index::new()).map(|index| index.len()), Some(10_001));
    store.trim_changes(now).unwrap();
    assert_eq!(caught_up(&store, now - 1, Index::new()), None);
    assert_eq!(caught_up(&store, now, index.clone()), Some(index));
}

#[test]
fn signals_are_counted_through_every_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let counted = |store: &Store| {
        let mut counts: BTreeMap<SignalType, u64> = BTreeMap::new();
        store
            .for_each_signal("B", |_, signal| {
                *counts.entry(signal.kind()).or_default() += 1;
                Ok::<(), StoreError>(())
            })
            .unwrap();
        assert_eq!(store.signal_counts("B").unwrap(), counts);
        counts
    };
    assert!(counted(&store).is_empty());
    let mut entry = two("a", [1, 2]);
    entry.signals.push(signal(SignalType::Md5, 1));
    import(&mut store, "l", vec![Ok(entry), row("b", 2, 3)]).unwrap();
    assert_eq!(counted(&store), BTreeMap::from([(SignalType::Pdq, 3), (SignalType::Md5, 1)]));
    import(&mut store, "l", vec![row("a", 1, 9)]).unwrap();
    assert_eq!(counted(&store), BTreeMap::from([(SignalType::Pdq, 2)]));
    store.remove_entry("B", "b").unwrap();
    store.add_entry("B", None, vec![signal(SignalType::Sha1, 4)], 1).unwrap();
    assert_eq!(counted(&store), BTreeMap::from([(SignalType::Pdq, 1), (SignalType::Sha1, 1)]));
}

#[test]
fn an_entry_is_added_by_hand_and_removed_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let before = store.bank("B").unwrap().version.number;
    let pdq = || vec![signal(SignalType::Pdq, 5)];
    let made = store.add_entry("B", None, pdq(), 7).unwrap();
    assert_eq!(made.row.entry, "added-1");
    assert_eq!(store.add_entry("B", None, pdq(), 7).unwrap().row.entry, "added-2");
    let name = store.entry_name(made.entry_no).unwrap().unwrap();
    assert_eq!((name.entry.as_str(), name.classification), ("added-1", None));
    for (id, words) in [(Some("added-1"), "already"), (Some(""), "id is empty")] {
        let error = store.add_entry("B", id, pdq(), 7).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains(words), "{error}");
    }
    assert!(matches!(store.add_entry("B", None, vec![], 7), Err(StoreError::Refused { .. })));
    assert!(matches!(store.add_entry("X", None, pdq(), 7), Err(StoreError::NotFound { .. })));
    let generation = store.generation().unwrap();
    assert!(!store.remove_entry("B", "nobody").unwrap());
    assert_eq!(store.generation().unwrap(), generation, "nothing happened");
    assert!(store.remove_entry("B", "added-1").unwrap());
    assert_eq!(store.entry_name(made.entry_no).unwrap(), None);
    let bank = store.bank("B").unwrap();
    assert_eq!((bank.version.entries, bank.version.number), (1, before + 3));
    // Its id is free, its number is not.
    assert!(store.remove_entry("B", "added-2").unwrap());
    assert!(store.add_entry("B", Some("added-2"), pdq(), 7).unwrap().entry_no > made.entry_no + 1);
}

#[test]
fn a_reader_that_holds_a_state_does_not_see_what_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = store(dir.path());
    import(&mut writer, "l", vec![row("a", 1, 1)]).unwrap();
    let reader = Store::open_read_only(dir.path()).unwrap();
    let held = reader.hold().unwrap();
    assert_eq!(held, writer.generation().unwrap());
    import(&mut writer, "l", vec![row("b", 2, 2)]).unwrap();
    assert_eq!((reader.generation().unwrap(), all(&reader).len()), (held, 1));
    assert_eq!(reader.hold().unwrap(), held + 1);
    assert_eq!(all(&reader).len(), 2);
}
