//! Exchanges.

use lodestone_store::{BankChange, FetchState, Store, StoreError};
use lodestone_types::SignalType::Pdq;
use serde_json::json;

use super::{add, bank, done};
use crate::signal;

fn exchange(store: &mut Store, name: &str) {
    done(store, |batch| {
        bank(batch, name)?;
        batch.create_exchange(name, "local_file", &json!({"file": "x"}), true)?;
        add(batch, name, &signal(Pdq, 1)).map(drop)
    });
}

pub(crate) fn an_exchange_and_its_bank_go_together(store: &mut Store) {
    exchange(store, "A");
    exchange(store, "B");
    let again = store.batch(0, |batch| batch.create_exchange("A", "ncmec", &json!({}), true));
    assert!(matches!(again, Err(StoreError::Taken { .. })));
    let bankless = store.batch(0, |batch| batch.create_exchange("C", "ncmec", &json!({}), true));
    assert!(matches!(bankless, Err(StoreError::NotFound { .. })));

    done(store, |batch| batch.change_bank("A", &BankChange { name: Some("A2"), ..BankChange::default() }));
    let found = store.exchange("A").unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.bank.as_str(), found.api.as_str()), ("A", "A2", "local_file"));
    assert_eq!(
        (found.enabled, &found.config, &found.fetch),
        (true, &json!({"file": "x"}), &FetchState::default())
    );
    assert!(done(store, |batch| batch.change_exchange("A", None, Some(false))));
    assert!(done(store, |batch| batch.change_exchange("A", Some(&json!({"file": "y"})), None)));
    let found = store.exchange("A").unwrap().unwrap();
    assert_eq!((found.enabled, found.config), (false, json!({"file": "y"})));
    assert!(!done(store, |batch| batch.change_exchange("none", None, Some(false))));

    assert!(done(store, |batch| batch.delete_exchange("A")));
    assert!(!done(store, |batch| batch.delete_exchange("A")));
    assert!(store.bank("A2").is_err());
    done(store, |batch| batch.delete_bank("B"));
    assert_eq!(store.exchanges().unwrap(), []);
    assert!(!done(store, |batch| batch.set_fetch_state("B", &FetchState::default())));
}

pub(crate) fn how_far_an_exchange_is_fetched_is_kept(store: &mut Store) {
    exchange(store, "A");
    let state = FetchState {
        checkpoint: Some(json!({"next": 7})),
        checkpoint_ts: Some(5),
        running_fetch_start_ts: Some(6),
        last_fetch_complete_ts: Some(7),
        last_fetch_succeeded: Some(false),
        up_to_date: true,
        fetched_items: 8,
    };
    assert!(done(store, |batch| batch.set_fetch_state("A", &state)));
    assert_eq!(store.exchange("A").unwrap().unwrap().fetch, state);
    assert_eq!(done(store, |batch| batch.exchange("A")).unwrap().fetch, state);
    done(store, |batch| batch.set_fetch_state("A", &FetchState::default()));
    assert_eq!(store.exchanges().unwrap()[0].fetch, FetchState::default());
}

pub(crate) fn sealed_credentials_are_kept_by_interface(store: &mut Store) {
    done(store, |batch| {
        batch.set_exchange_credentials("ncmec", Some("v1.x"))?;
        batch.set_exchange_credentials("fb_threatexchange", Some("v1.y"))?;
        batch.set_exchange_credentials("ncmec", Some("v1.z"))
    });
    assert_eq!(store.exchange_credentials("ncmec").unwrap().as_deref(), Some("v1.z"));
    let all = store.all_exchange_credentials().unwrap();
    assert_eq!(all, [("fb_threatexchange".into(), "v1.y".into()), ("ncmec".to_owned(), "v1.z".to_owned())]);
    done(store, |batch| batch.set_exchange_credentials("ncmec", None));
    assert_eq!(store.exchange_credentials("ncmec").unwrap(), None);
}
