//! Banks: names, radius, deletion, and what each change does to the generation.

use lodestone_store::{Store, StoreError};
use lodestone_types::BankKind;

use crate::{all, import, row, store};

#[test]
fn banks_are_made_listed_by_name_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for kind in BankKind::ALL {
        let name = format!("BANK-{kind}.1");
        let bank = store.create_bank(&name, kind, 12, "list", 5).unwrap();
        assert_eq!((bank.kind, bank.radius_bits, bank.version.number), (kind, 12, 0));
    }
    let names: Vec<_> = store.banks().unwrap().into_iter().map(|bank| bank.name).collect();
    assert!(names.is_sorted() && names.len() == 7);
    assert!(matches!(store.bank("other"), Err(StoreError::NotFound { .. })));
}

#[test]
fn bad_names_taken_names_and_wide_radii_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    for name in ["", "a b", "a/b", "ü", &"x".repeat(256), "a\0"] {
        let error = store.create_bank(name, BankKind::Own, 31, "", 0).unwrap_err();
        assert!(error.to_string().contains("no bank name"), "{name:?}: {error}");
    }
    let error = store.create_bank("B", BankKind::Own, 31, "", 0).unwrap_err();
    assert!(error.to_string().contains("already"));
    assert!(store.create_bank("C", BankKind::Own, 65, "", 0).is_err());
    assert!(store.set_radius("B", 65).is_err());
    assert!(matches!(store.set_radius("C", 3), Err(StoreError::NotFound { .. })));
}

#[test]
fn each_applied_change_counts_one_generation_and_no_other_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    assert_eq!(store.generation().unwrap(), 0);
    store.create_bank("B", BankKind::Own, 31, "", 0).unwrap();
    assert!(store.create_bank("B", BankKind::Own, 31, "", 0).is_err());
    store.set_radius("B", 31).unwrap();
    assert_eq!(store.generation().unwrap(), 1);
    store.set_radius("B", 20).unwrap();
    assert_eq!(store.generation().unwrap(), 2);
    import(&mut store, "l", vec![row("a", 1, 1)]).unwrap();
    assert_eq!(store.generation().unwrap(), 3);
    assert_eq!(all(&store)[0].added_generation, 3);
    store.delete_bank("B").unwrap();
    assert_eq!(store.generation().unwrap(), 4);
}

#[test]
fn a_deleted_bank_takes_its_entries_along_and_its_numbers_never_return() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    store.create_bank("OTHER", BankKind::Own, 31, "", 0).unwrap();
    import(&mut store, "l", vec![row("a", 1, 1)]).unwrap();
    let old = all(&store)[0].entry_no;
    store.delete_bank("B").unwrap();
    assert_eq!(store.entry_by_no(old).unwrap(), None);
    store.create_bank("B", BankKind::Own, 31, "", 0).unwrap();
    assert!(all(&store).is_empty());
    import(&mut store, "l", vec![row("a", 1, 1)]).unwrap();
    assert_ne!(all(&store)[0].entry_no, old);
}

#[test]
fn banks_do_not_see_each_others_entries() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    store.create_bank("C", BankKind::Own, 31, "", 0).unwrap();
    import(&mut store, "l", vec![row("a", 1, 1), row("b", 2, 2)]).unwrap();
    assert_eq!(store.entry("C", "a").unwrap(), None);
    assert_eq!(store.count("C").unwrap(), 0);
    let mut seen = Vec::new();
    store
        .for_each_signal("B", |no, signal| {
            seen.push((no, signal.bytes()[0]));
            Ok::<(), StoreError>(())
        })
        .unwrap();
    assert_eq!(seen.iter().map(|(_, byte)| *byte).collect::<Vec<_>>(), [1, 2]);
    assert!(seen[0].0 < seen[1].0);
}
