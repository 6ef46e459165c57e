//! Content by its ids.

use std::collections::BTreeSet;

use lodestone_store::{BankChange, Content, ContentChange, Filter, NewContent, Store, StoreError};
use lodestone_types::SignalType::{Md5, Pdq, Sha1};
use lodestone_types::{BankKind, Signal};
use serde_json::json;

use super::{add, bank, done};
use crate::{import_into, row, signal};

fn everything(store: &Store, bank: &str) -> Vec<Content> {
    let mut found = Vec::new();
    store
        .for_each_content(bank, |content| {
            found.push(content);
            Ok::<(), StoreError>(())
        })
        .unwrap();
    found
}

pub(crate) fn ids_rise_over_all_banks_and_are_never_given_again(store: &mut Store) {
    done(store, |batch| {
        bank(batch, "A")?;
        bank(batch, "B")
    });
    let id =
        |store: &mut Store, name: &str| done(store, |batch| add(batch, name, &signal(Pdq, 1))).content_id;
    assert_eq!([id(store, "A"), id(store, "A"), id(store, "B"), id(store, "A")], [1, 2, 3, 4]);
    import_into(store, "B", vec![row("x", 1, 1), row("y", 2, 2), row("z", 3, 3)]).unwrap();
    assert_eq!(id(store, "B"), 8);
    let runs: Vec<_> = store.content_runs().unwrap().iter().map(|run| (run.first_id, run.length)).collect();
    assert_eq!(runs, [(1, 2), (4, 1), (3, 1), (5, 4)], "by number; what follows on is one run");

    // The last one of all, then a whole bank: what comes next is new all the same.
    assert!(done(store, |batch| batch.remove_content("B", 8)).is_some());
    assert_eq!((store.entry_of(8).unwrap(), id(store, "B")), (None, 9));
    done(store, |batch| batch.delete_bank("B"));
    assert_eq!(id(store, "A"), 10);
    assert_eq!(store.entry_of(5).unwrap(), None);
    for content in everything(store, "A") {
        let no = content.entry.entry_no;
        assert_eq!(store.id_of(no).unwrap(), Some(content.content_id));
        assert_eq!(store.entry_of(content.content_id).unwrap(), Some(no));
        let runs = store.content_runs().unwrap();
        assert!(
            runs.iter().any(|run| run.id_of(no) == Some(content.content_id)
                && run.entry_of(content.content_id) == Some(no))
        );
    }
    assert_eq!((store.id_of(0).unwrap(), store.id_of(i64::MAX).unwrap()), (None, None));
    assert_eq!(
        (store.entry_of(0).unwrap(), store.entry_of(11).unwrap(), store.entry_of(-1).unwrap()),
        (None, None, None)
    );
}

pub(crate) fn a_content_is_read_with_everything_it_was_added_with(store: &mut Store) {
    let signals = [signal(Sha1, 2), signal(Pdq, 1), signal(Pdq, 3), signal(Pdq, 1)];
    let metadata = json!({"content_id": "x", "json": {"a": [1, 2.5]}});
    let extra = json!({"b": 1, "a": 2});
    let tags = ["t1".to_owned(), "t2".to_owned()];
    let added = done(store, |batch| {
        bank(batch, "A")?;
        batch.add_content(
            "A",
            &NewContent {
                entry: Some("id-1"),
                signals: &signals,
                note: Some("a note"),
                metadata: Some(&metadata),
                original_media_uri: Some("file:x"),
                classification: Some("A1"),
                tags: &tags,
                pdq_quality: Some(77),
                extra: Some(&extra),
            },
        )
    });
    let content = store.content("A", added.content_id).unwrap().unwrap();
    assert_eq!((content.content_id, content.entry.entry_no), (added.content_id, added.entry_no));
    let entry = &content.entry.row;
    assert_eq!(entry.signals, [signal(Pdq, 1), signal(Pdq, 3), signal(Sha1, 2)]);
    assert_eq!(
        (entry.entry.as_str(), entry.classification.as_deref(), entry.pdq_quality),
        ("id-1", Some("A1"), Some(77))
    );
    assert_eq!((entry.tags.as_slice(), entry.extra.as_ref()), (tags.as_slice(), Some(&extra)));
    assert_eq!(
        (content.note.as_deref(), content.original_media_uri.as_deref()),
        (Some("a note"), Some("file:x"))
    );
    assert_eq!((content.metadata.as_ref(), content.disable_until_ts), (Some(&metadata), 1));
    assert_eq!(content.source, "added by hand");
    assert_eq!(content.entry.added_generation, store.generation().unwrap());
    assert_eq!(store.content_by_no(added.entry_no).unwrap().as_ref(), Some(&content));
    assert_eq!(store.entry("A", "id-1").unwrap().as_ref(), Some(&content.entry));
    assert_eq!(done(store, |batch| batch.content("A", added.content_id)), Some(content));
}

pub(crate) fn the_same_signal_twice_is_two_contents(store: &mut Store) {
    done(store, |batch| bank(batch, "A"));
    let same = signal(Md5, 7);
    let ids = done(store, |batch| Ok([add(batch, "A", &same)?, add(batch, "A", &same)?]));
    assert_ne!(ids[0].content_id, ids[1].content_id);
    let removed = done(store, |batch| batch.remove_content("A", ids[0].content_id)).unwrap();
    assert_eq!((removed.entry_no, removed.signals.as_slice()), (ids[0].entry_no, [same.clone()].as_slice()));
    assert_eq!(store.content("A", ids[0].content_id).unwrap(), None);
    assert_eq!(store.content("A", ids[1].content_id).unwrap().unwrap().entry.row.signals, [same]);
    assert_eq!(store.signal_counts("A").unwrap().get(&Md5), Some(&1));
}

pub(crate) fn content_is_only_found_in_its_own_bank(store: &mut Store) {
    let id = done(store, |batch| {
        bank(batch, "A")?;
        bank(batch, "B")?;
        add(batch, "A", &signal(Pdq, 1))
    })
    .content_id;
    assert_eq!(store.content("B", id).unwrap(), None);
    let off = ContentChange { disable_until_ts: Some(0), note: None };
    done(store, |batch| {
        assert_eq!(batch.remove_content("B", id)?, None);
        assert!(!batch.change_content("B", id, off)?);
        Ok(())
    });
    assert_eq!(store.content("A", id).unwrap().unwrap().disable_until_ts, 1);
    assert!(matches!(store.content("C", id), Err(StoreError::NotFound { .. })));
    assert!(matches!(
        store.batch(0, |batch| batch.remove_content("C", id)),
        Err(StoreError::NotFound { .. })
    ));
}

pub(crate) fn ids_of_lists_stay_unique_and_made_ones_give_way(store: &mut Store) {
    let signals = [signal(Pdq, 1)];
    let named = |entry| NewContent { entry: Some(entry), signals: &signals, ..NewContent::default() };
    done(store, |batch| {
        bank(batch, "A")?;
        batch.add_content("A", &named("content-2"))?;
        add(batch, "A", &signal(Pdq, 2)).map(drop)
    });
    let ids: Vec<_> = everything(store, "A").into_iter().map(|content| content.entry.row.entry).collect();
    assert_eq!(ids, ["content-2", "content-2+"]);
    let taken = store.batch(0, |batch| batch.add_content("A", &named("content-2")));
    assert!(matches!(taken, Err(StoreError::Taken { .. })));
    for bad in ["", &"x".repeat(1001)] {
        let refused = store.batch(0, |batch| batch.add_content("A", &named(bad)));
        assert!(matches!(refused, Err(StoreError::Refused { .. })));
    }
}

pub(crate) fn suspension_and_notes_are_changed_and_taken_back(store: &mut Store) {
    let [a, b] = done(store, |batch| {
        bank(batch, "A")?;
        Ok([add(batch, "A", &signal(Pdq, 1))?, add(batch, "A", &signal(Pdq, 2))?])
    });
    let until = |until| ContentChange { disable_until_ts: Some(until), note: None };
    let note = |note| ContentChange { disable_until_ts: None, note: Some(note) };
    let before = store.generation().unwrap();
    assert!(done(store, |batch| batch.change_content("A", a.content_id, note(Some("n")))));
    assert_eq!(store.generation().unwrap(), before, "a note changes no match");
    assert_eq!(store.suspended(0, 10).unwrap(), []);
    assert!(done(store, |batch| batch.change_content("A", a.content_id, until(0))));
    assert!(done(store, |batch| batch.change_content("A", b.content_id, until(99))));
    assert_eq!(store.generation().unwrap(), before + 2);
    assert_eq!(store.suspended(0, 10).unwrap(), [(a.entry_no, 0), (b.entry_no, 99)]);
    assert_eq!(store.suspended(a.entry_no, 10).unwrap(), [(b.entry_no, 99)]);
    assert_eq!(store.suspended(0, 1).unwrap().len(), 1);
    let content = store.content("A", a.content_id).unwrap().unwrap();
    assert_eq!((content.disable_until_ts, content.note.as_deref()), (0, Some("n")));
    done(store, |batch| {
        batch.change_content("A", a.content_id, until(1))?;
        batch.change_content("A", a.content_id, note(None))
    });
    let content = store.content("A", a.content_id).unwrap().unwrap();
    assert_eq!((content.disable_until_ts, content.note), (1, None));
    done(store, |batch| batch.remove_content("A", b.content_id));
    assert_eq!(store.suspended(0, 10).unwrap(), []);
}

pub(crate) fn pages_hold_everything_once_and_in_order(store: &mut Store) {
    done(store, |batch| {
        bank(batch, "A")?;
        bank(batch, "B")?;
        for at in 0..60u8 {
            add(batch, if at % 3 == 0 { "B" } else { "A" }, &signal(Pdq, at + 1))?;
        }
        for gone in [2, 3, 20, 60] {
            batch.remove_content("A", gone)?;
        }
        Ok(())
    });
    import_into(store, "A", (0..9).map(|at| row(&format!("l{at}"), at, at as u8 + 100)).collect()).unwrap();
    let all: Vec<i64> = everything(store, "A").iter().map(|content| content.content_id).collect();
    assert_eq!(all.len() as u64, store.count("A").unwrap());
    assert!(all.is_sorted());
    for limit in [1, 2, 7, 100] {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = store.contents("A", after, limit, &Filter::default()).unwrap();
            assert!(page.contents.len() <= limit);
            seen.extend(page.contents.iter().map(|content| content.content_id));
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, all, "{limit} a page");
    }
    // From any id, of this bank, another, or gone.
    for after in -1..75 {
        let page = store.contents("A", after, 100, &Filter::default()).unwrap();
        let seen: Vec<i64> = page.contents.iter().map(|content| content.content_id).collect();
        let rest: Vec<i64> = all.iter().copied().filter(|id| *id > after).collect();
        assert_eq!(seen, rest, "after {after}");
    }
}

pub(crate) fn filters_find_what_they_say(store: &mut Store) {
    done(store, |batch| bank(batch, "A"));
    import_into(store, "A", vec![row("1", 1, 1), row("2", 2, 2)]).unwrap();
    let tags = ["one".to_owned(), "it's \"two\"".to_owned()];
    let shared = [signal(Pdq, 2), signal(Md5, 9)];
    done(store, |batch| {
        let content = NewContent {
            signals: &shared,
            note: Some("Found in 50%_of"),
            classification: Some("A1"),
            tags: &tags,
            ..NewContent::default()
        };
        batch.add_content("A", &content)?;
        batch.change_content("A", 1, ContentChange { disable_until_ts: Some(0), note: None })
    });
    let ids = |filter: Filter| -> BTreeSet<i64> {
        let page = store.contents("A", 0, 10, &filter).unwrap();
        assert_eq!(page.next, None);
        page.contents.iter().map(|content| content.content_id).collect()
    };
    let none = Filter::default;
    let with = |signal: Signal| Filter { signal: Some(signal), ..none() };
    assert_eq!(ids(none()), [1, 2, 3].into());
    assert_eq!(ids(with(signal(Pdq, 2))), [2, 3].into());
    assert_eq!(ids(with(signal(Md5, 2))), [].into(), "the same bytes of another type");
    assert_eq!(ids(Filter { note_contains: Some("fOuNd".into()), ..none() }), [3].into());
    assert_eq!(ids(Filter { note_contains: Some("50%_o".into()), ..none() }), [3].into());
    assert_eq!(ids(Filter { note_contains: Some("50_%".into()), ..none() }), [].into());
    assert_eq!(ids(Filter { classification: Some("A1".into()), ..none() }), [3].into());
    assert_eq!(ids(Filter { tag: Some("it's \"two\"".into()), ..none() }), [3].into());
    assert_eq!(ids(Filter { tag: Some("on".into()), ..none() }), [].into());
    assert_eq!(ids(Filter { source: Some("l".into()), ..none() }), [1, 2].into());
    assert_eq!(ids(Filter { suspended: Some(true), ..none() }), [1].into());
    assert_eq!(ids(Filter { suspended: Some(false), ..none() }), [2, 3].into());
    assert_eq!(
        ids(Filter { suspended: Some(false), source: Some("l".into()), ..with(signal(Pdq, 2)) }),
        [2].into()
    );
}

pub(crate) fn banks_are_renamed_and_changed(store: &mut Store) {
    let name = "N".repeat(255);
    done(store, |batch| {
        bank(batch, "A")?;
        bank(batch, "B")?;
        add(batch, "A", &signal(Pdq, 1)).map(drop)
    });
    let before = store.stored_bank("A").unwrap();
    assert_eq!((before.enabled_ratio, before.created_us), (1.0, 1_000_000));
    let change = BankChange {
        name: Some(&name),
        kind: Some(BankKind::Own),
        radius_bits: Some(7),
        photodna_max_distance: Some(Some(5)),
        enabled_ratio: Some(7.5),
        layers: Some(0b101),
        members_needed: Some(2),
        confirmations_needed: Some(1),
    };
    let after = done(store, |batch| batch.change_bank("A", &change));
    assert_eq!(after, store.stored_bank(&name).unwrap());
    assert_eq!(
        (after.number, after.enabled_ratio, after.bank.kind, after.bank.radius_bits),
        (before.number, 7.5, BankKind::Own, 7)
    );
    assert_eq!(after.bank.photodna_max_distance, Some(5));
    assert_eq!((after.layers, after.members_needed, after.confirmations_needed), (0b101, 2, 1));
    assert!(matches!(store.stored_bank("A"), Err(StoreError::NotFound { .. })));
    assert_eq!(everything(store, &name).len(), 1);

    let generation = store.generation().unwrap();
    done(store, |batch| batch.change_bank(&name, &change));
    assert_eq!(store.generation().unwrap(), generation, "the same again is no change");
    let mut fails =
        |change: BankChange<'_>| store.batch(0, |batch| batch.change_bank("B", &change)).unwrap_err();
    assert!(matches!(
        fails(BankChange { name: Some(&name), ..BankChange::default() }),
        StoreError::Taken { .. }
    ));
    for change in [
        BankChange { name: Some("a b"), ..BankChange::default() },
        BankChange { radius_bits: Some(65), ..BankChange::default() },
        BankChange { enabled_ratio: Some(f64::NAN), ..BankChange::default() },
        BankChange { layers: Some(0), ..BankChange::default() },
        BankChange { layers: Some(16), ..BankChange::default() },
    ] {
        assert!(matches!(fails(change), StoreError::Refused { .. }));
    }
    assert_eq!(store.stored_banks().unwrap().len(), 2);
}
