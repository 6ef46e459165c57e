//! Groups of steps.

use lodestone_store::{ApiKey, ImportOptions, ListSource, NewContent, Opinion, Store, StoreError};
use lodestone_types::SignalType::{Md5, Pdq};

use super::{add, bank, done};
use crate::{import_into, reject, row, signal};
use lodestone_types::RejectKind;
use serde_json::json;

pub(crate) fn a_batch_that_fails_leaves_nothing(store: &mut Store) {
    let result = store.batch(1, |batch| {
        bank(batch, "A")?;
        add(batch, "A", &signal(Pdq, 1))?;
        add(batch, "none", &signal(Pdq, 1))
    });
    assert!(matches!(result, Err(StoreError::NotFound { .. })));
    assert!(store.banks().unwrap().is_empty());
    assert_eq!((store.generation().unwrap(), store.content_runs().unwrap()), (0, vec![]));
}

pub(crate) fn a_step_apart_that_fails_leaves_the_others(store: &mut Store) {
    let ids = done(store, |batch| {
        bank(batch, "A")?;
        let first = add(batch, "A", &signal(Pdq, 1))?;
        let undone = batch.apart(|batch| {
            bank(batch, "B")?;
            add(batch, "A", &signal(Pdq, 2))?;
            // Another step within it that succeeds goes with it.
            batch.apart(|batch| add(batch, "B", &signal(Md5, 3)))?;
            batch.add_content("A", &NewContent::default())
        });
        assert!(matches!(undone, Err(StoreError::Refused { .. })));
        let second = batch.apart(|batch| add(batch, "A", &signal(Md5, 4)))?;
        Ok([first.content_id, second.content_id])
    });
    assert_eq!(ids, [1, 2]);
    assert_eq!(store.bank("A").unwrap().version.entries, 2);
    assert!(store.bank("B").is_err());
    let counts: Vec<_> = store.signal_counts("A").unwrap().into_iter().collect();
    assert_eq!(counts, [(Pdq, 1), (Md5, 1)]);
    // A first change that is undone does not use up the generation.
    let before = store.generation().unwrap();
    done(store, |batch| {
        let _: Result<(), _> = batch.apart(|batch| {
            add(batch, "A", &signal(Pdq, 5))?;
            Err(StoreError::Undone)
        });
        assert_eq!(batch.generation(), None);
        Ok(())
    });
    assert_eq!((store.generation().unwrap(), store.count("A").unwrap()), (before, 2));
}

pub(crate) fn a_batch_is_one_generation_and_one_version(store: &mut Store) {
    done(store, |batch| bank(batch, "A"));
    let (before, state) = (store.generation().unwrap(), store.state().unwrap());
    done(store, |batch| {
        for byte in 1..20 {
            add(batch, "A", &signal(Pdq, byte))?;
        }
        batch.remove_content("A", 3)?;
        assert_eq!(batch.generation(), Some(before + 1));
        Ok(())
    });
    assert_eq!((store.generation().unwrap(), store.bank("A").unwrap().version.number), (before + 1, 1));
    assert_ne!(store.state().unwrap(), state);
    done(store, |batch| batch.remove_content("A", 3));
    assert_eq!(store.generation().unwrap(), before + 1, "nothing was there to remove");
}

pub(crate) fn a_list_is_imported_beside_other_steps_or_not_at_all(store: &mut Store) {
    let source = ListSource { name: "l", sha256: "aa" };
    let before = store.generation().unwrap();
    let report = done(store, |batch| {
        bank(batch, "A")?;
        add(batch, "A", &signal(Pdq, 1))?;
        let bad = vec![row("x", 1, 8), reject(2, RejectKind::Row)];
        assert!(matches!(
            batch.import("A", source, bad, ImportOptions::default()),
            Err(StoreError::Rejected { .. })
        ));
        let report =
            batch.import("A", source, vec![row("y", 1, 2), row("z", 2, 3)], ImportOptions::default())?;
        add(batch, "A", &signal(Pdq, 4))?;
        Ok(report)
    });
    assert_eq!((report.added, report.generation), (2, before + 1));
    let version = store.bank("A").unwrap().version;
    assert_eq!((version.number, version.entries, version.sha256.as_str()), (1, 4, ""));
    let ids: Vec<_> = [1, 2, 3, 4, 5]
        .map(|id| store.content("A", id).unwrap().map(|content| content.entry.row.entry))
        .into_iter()
        .collect();
    assert_eq!(
        ids,
        ["content-1", "y", "z", "content-4"]
            .map(|id| Some(id.to_owned()))
            .into_iter()
            .chain([None])
            .collect::<Vec<_>>()
    );
    let same = done(store, |batch| {
        batch.import("A", source, vec![row("y", 1, 2), row("z", 2, 3)], ImportOptions::default())
    });
    assert_eq!((same.unchanged, same.generation), (2, before + 1));
    assert_eq!(store.generation().unwrap(), before + 1);
}

pub(crate) fn a_reset_leaves_keys_settings_and_audit_only(store: &mut Store) {
    let key = ApiKey {
        id: "k".into(),
        name: "n".into(),
        roles: vec![],
        secret_sha256: [1; 32],
        created_us: 1,
        expires_us: None,
        revoked_us: None,
    };
    done(store, |batch| {
        bank(batch, "A")?;
        batch.create_exchange("A", "sample", &json!({}), true)?;
        batch.set_exchange_credentials("sample", Some("s"))?;
        batch.add_rule(&json!({}), true)?;
        batch.add_match_event("e", 1, "{}")?;
        batch.add_review("e", 1, "{}")?;
        batch.add_label("e", "l")?;
        batch.hold_hash("h", 1, "{}")?;
        batch.add_api_key(&key)?;
        batch.set_setting("s", Some("v"))?;
        batch.add_audit(b"leaf", b"salt", "{}").map(drop)
    });
    import_into(store, "A", vec![row("x", 1, 1), row("y", 2, 2)]).unwrap();
    done(store, |batch| batch.set_opinion(batch.entry_of(1)?.unwrap(), "me", Opinion::Confirm, None));
    let (generation, state) = (store.generation().unwrap(), store.state().unwrap().unwrap());

    let after = done(store, |batch| {
        batch.reset()?;
        bank(batch, "B")?;
        add(batch, "B", &signal(Pdq, 9))?;
        batch.add_audit(b"reset", b"salt", "{}")
    });
    assert_eq!(after, 2, "numbers of the audit go on");
    assert!(store.generation().unwrap() > generation);
    assert_eq!(store.generation_of(state).unwrap(), None, "no index of before is known");
    assert!(!store.pdq_changes_since(generation, |_| Ok::<(), StoreError>(())).unwrap());
    let content = store.content("B", 1).unwrap().unwrap();
    assert_eq!(content.entry.row.signals, [signal(Pdq, 9)]);
    assert_eq!(store.banks().unwrap().len(), 1);
    assert!(store.exchanges().unwrap().is_empty() && store.all_exchange_credentials().unwrap().is_empty());
    assert!(store.rules(0, 9).unwrap().is_empty() && store.match_events(0, 9).unwrap().is_empty());
    assert!(store.reviews(false, None, 0, 9).unwrap().is_empty() && store.labels_of("e").unwrap().is_empty());
    assert!(store.quarantined("h").unwrap().is_none() && store.opinion_counts(0, 9).unwrap().is_empty());
    assert_eq!(store.api_keys("", 9).unwrap(), [key]);
    assert_eq!(store.setting("s").unwrap().as_deref(), Some("v"));
    assert_eq!(store.audit_entries(0, 9).unwrap().len(), 2);
    store.reset(1).unwrap();
    assert_eq!((store.content_runs().unwrap(), store.banks().unwrap()), (vec![], vec![]));
}
