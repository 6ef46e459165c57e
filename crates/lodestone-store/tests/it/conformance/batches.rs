//! Groups of steps.

use lodestone_store::{NewContent, Store, StoreError};
use lodestone_types::SignalType::{Md5, Pdq};

use super::{add, bank, done};
use crate::signal;

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
