//! Descriptors of known pictures by a user's model, kept as they were sealed.

use lodestone_store::{Store, StoreError};
use lodestone_types::{ListEntry, SignalType};

use crate::{Row, import, signal, store};

const MODEL: &str = "0a";
const OTHER: &str = "0b";

fn file(id: &str, byte: u8) -> Row {
    let signals = vec![signal(SignalType::Sha256, byte)];
    Ok(ListEntry { entry: id.into(), signals, ..ListEntry::default() })
}

fn number(store: &Store, id: &str) -> i64 {
    store.entry("B", id).unwrap().unwrap().entry_no
}

fn put(store: &mut Store, no: i64, model: &str, sealed: &[u8]) {
    store.batch(1, |batch| batch.put_descriptor(no, model, sealed)).unwrap();
}

fn all(store: &Store, model: &str) -> Vec<(i64, Vec<u8>)> {
    let mut found = Vec::new();
    store
        .for_each_descriptor("B", model, |no, sealed| {
            found.push((no, sealed.to_vec()));
            Ok::<(), StoreError>(())
        })
        .unwrap();
    found
}

#[test]
fn an_entry_has_one_of_each_model_and_they_are_never_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1), file("b", 2)]).unwrap();
    let (a, b) = (number(&store, "a"), number(&store, "b"));
    assert!(store.descriptor_models().unwrap().is_empty());
    put(&mut store, b, MODEL, b"of b");
    put(&mut store, a, MODEL, b"of a");
    put(&mut store, a, OTHER, b"by the other");
    assert_eq!(all(&store, MODEL), [(a, b"of a".to_vec()), (b, b"of b".to_vec())]);
    assert_eq!(all(&store, OTHER), [(a, b"by the other".to_vec())]);
    let models: Vec<_> = store.descriptor_models().unwrap().into_iter().collect();
    assert_eq!(models, [(MODEL.to_owned(), 2), (OTHER.to_owned(), 1)]);
    for (no, model, sealed) in
        [(a + 9, MODEL, &b"x"[..]), (a, "", b"x"), (a, &"x".repeat(65), b"x"), (a, MODEL, &[0; 9000])]
    {
        let refused = store.batch(1, |batch| batch.put_descriptor(no, model, sealed));
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{no} {model}");
    }
    let unknown = store.for_each_descriptor("D", MODEL, |_, _| Ok(()));
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}

#[test]
fn another_key_is_no_change_of_the_bank_and_pages_go_over_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![file("a", 1), file("b", 2)]).unwrap();
    let (a, b) = (number(&store, "a"), number(&store, "b"));
    put(&mut store, a, MODEL, b"1");
    put(&mut store, a, OTHER, b"2");
    put(&mut store, b, MODEL, b"3");
    let at = store.generation().unwrap();
    assert!(store.batch(1, |batch| batch.reseal_descriptor(a, OTHER, b"anew")).unwrap());
    assert!(!store.batch(1, |batch| batch.reseal_descriptor(b, OTHER, b"anew")).unwrap());
    assert_eq!(store.generation().unwrap(), at);
    let (mut seen, mut after) = (Vec::new(), (0, String::new()));
    loop {
        let page = store.batch(1, |batch| batch.descriptors_after((after.0, &after.1), 2)).unwrap();
        let Some((no, model, _)) = page.last() else { break };
        after = (*no, model.clone());
        seen.extend(page);
    }
    let row = |no, model: &str, sealed: &[u8]| (no, model.to_owned(), sealed.to_vec());
    assert_eq!(seen, [row(a, MODEL, b"1"), row(a, OTHER, b"anew"), row(b, MODEL, b"3")]);
    assert!(store.batch(1, |batch| batch.remove_descriptor(a, OTHER)).unwrap());
    assert!(!store.batch(1, |batch| batch.remove_descriptor(a, OTHER)).unwrap());
    assert_eq!(store.generation().unwrap(), at + 1);
    let held = store
        .batch(1, |batch| Ok::<_, StoreError>((batch.descriptor(a, MODEL)?, batch.descriptor(a, OTHER)?)));
    assert_eq!(held.unwrap(), (Some(b"1".to_vec()), None));
}

#[test]
fn descriptors_go_with_their_file_their_entry_their_bank_and_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let fill = |store: &mut Store| {
        import(store, "l", vec![file("a", 1), file("b", 2)]).unwrap();
        for id in ["a", "b"] {
            let no = number(store, id);
            put(store, no, MODEL, b"x");
        }
    };
    fill(&mut store);
    // The id stands for another file now.
    import(&mut store, "l", vec![file("a", 7), file("b", 2)]).unwrap();
    assert_eq!(all(&store, MODEL), [(number(&store, "b"), b"x".to_vec())]);
    store.remove_entry("B", "b").unwrap();
    assert_eq!(all(&store, MODEL), []);
    fill(&mut store);
    store.delete_bank("B").unwrap();
    assert!(store.descriptor_models().unwrap().is_empty());
    store.create_bank("B", lodestone_types::BankKind::Own, 31, "", 1).unwrap();
    fill(&mut store);
    store.batch(1, |batch| batch.reset()).unwrap();
    assert!(store.descriptor_models().unwrap().is_empty());
}
