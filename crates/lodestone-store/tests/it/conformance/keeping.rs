//! Keys, settings, rules and the audit's entries.

use lodestone_store::{ApiKey, Rule, Store, StoreError};
use serde_json::json;

use super::done;

pub(crate) fn keys_are_kept_without_their_secret_and_taken_back(store: &mut Store) {
    let key = |id: &str, expires_us| ApiKey {
        id: id.into(),
        name: "of \"Coop\"".into(),
        roles: vec!["match".into(), "hash".into()],
        secret_sha256: [200; 32],
        created_us: 5,
        expires_us,
        revoked_us: None,
    };
    done(store, |batch| {
        batch.add_api_key(&key("b", None))?;
        batch.add_api_key(&key("a", Some(9)))
    });
    assert!(matches!(
        store.batch(0, |batch| batch.add_api_key(&key("a", None))),
        Err(StoreError::Taken { .. })
    ));
    assert_eq!(store.api_keys("", 10).unwrap(), [key("a", Some(9)), key("b", None)]);
    assert_eq!(store.api_keys("a", 10).unwrap(), [key("b", None)]);
    assert_eq!(store.api_keys("", 1).unwrap().len(), 1);
    assert!(!format!("{:?}", key("a", None)).contains("200"), "a digest is not shown");
    assert!(done(store, |batch| batch.revoke_api_key("a")));
    assert!(!done(store, |batch| batch.revoke_api_key("a")));
    assert!(!done(store, |batch| batch.revoke_api_key("c")));
    assert_eq!(store.api_key("a").unwrap().unwrap().revoked_us, Some(1_000_000));
    assert_eq!(store.api_key("c").unwrap(), None);
}

pub(crate) fn settings_are_set_listed_and_forgotten(store: &mut Store) {
    done(store, |batch| {
        batch.set_setting("ratio.pdq", Some("1"))?;
        batch.set_setting("ratio.md5", Some("0"))?;
        batch.set_setting("ratios", Some("x"))?;
        batch.set_setting("ratio.pdq", Some("0.5"))?;
        assert_eq!(batch.setting("ratio.pdq")?.as_deref(), Some("0.5"));
        assert_eq!(batch.settings("")?.len(), 3);
        Ok(())
    });
    let ratios = store.settings("ratio.").unwrap();
    assert_eq!(
        ratios,
        [("ratio.md5", "0"), ("ratio.pdq", "0.5")].map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    done(store, |batch| batch.set_setting("ratio.pdq", None));
    assert_eq!(store.setting("ratio.pdq").unwrap(), None);
}

pub(crate) fn rules_are_numbered_once_and_changed(store: &mut Store) {
    let ids = done(store, |batch| {
        Ok([batch.add_rule(&json!({"a": 1}), true)?, batch.add_rule(&json!({}), false)?])
    });
    assert_eq!(ids, [1, 2]);
    assert!(done(store, |batch| batch.change_rule(1, None, Some(false))));
    assert!(done(store, |batch| batch.change_rule(2, Some(&json!({"b": 2})), None)));
    let rules = store.rules(0, 10).unwrap();
    assert_eq!(rules[0], Rule { id: 1, body: json!({"a": 1}), enabled: false, created_us: 1_000_000 });
    assert_eq!((&rules[1].body, rules[1].enabled), (&json!({"b": 2}), false));
    assert_eq!(store.rules(1, 10).unwrap().len(), 1);
    assert!(done(store, |batch| batch.delete_rule(2)));
    assert!(!done(store, |batch| batch.delete_rule(2)));
    assert!(!done(store, |batch| batch.change_rule(2, None, None)));
    assert_eq!(done(store, |batch| batch.add_rule(&json!({}), true)), 3);
}

pub(crate) fn audit_entries_are_logged_in_order_and_their_words_erased(store: &mut Store) {
    done(store, |batch| {
        for at in 0..5u8 {
            batch.add_audit(&[at], &[100 + at], &format!("{{\"at\": {at}}}"))?;
        }
        Ok(())
    });
    let nos =
        |entries: Vec<lodestone_store::AuditEntry>| entries.iter().map(|entry| entry.no).collect::<Vec<_>>();
    assert_eq!(nos(store.audit_pending(3).unwrap()), [1, 2, 3]);
    assert_eq!(store.audit_logged_size().unwrap(), 0);
    done(store, |batch| batch.audit_logged(1, 0, 3));
    assert_eq!(nos(store.audit_pending(9).unwrap()), [4, 5]);
    assert_eq!(store.audit_logged_size().unwrap(), 3);
    let third = store.audit_at(2).unwrap().unwrap();
    assert_eq!((third.no, third.leaf.as_slice(), third.salt.as_deref()), (3, &[2u8][..], Some(&[102u8][..])));
    assert_eq!((third.body.as_deref(), third.at_us), (Some("{\"at\": 2}"), 1_000_000));
    for (first_no, first_index, count) in [(4, 3, 3), (4, 2, 2), (1, 1, 2), (6, 3, 1)] {
        let wrong = store.batch(0, |batch| batch.audit_logged(first_no, first_index, count));
        assert!(matches!(wrong, Err(StoreError::Refused { .. })), "{first_no} {first_index} {count}");
    }
    assert_eq!(store.audit_logged_size().unwrap(), 3);

    assert!(done(store, |batch| batch.audit_erase_body(3)));
    assert!(!done(store, |batch| batch.audit_erase_body(9)));
    let third = store.audit_at(2).unwrap().unwrap();
    assert_eq!(
        (third.leaf.as_slice(), third.salt, third.body, third.log_index),
        (&[2u8][..], None, None, Some(2))
    );
    done(store, |batch| batch.audit_logged(4, 3, 2));
    assert!(store.audit_pending(9).unwrap().is_empty());
    assert_eq!(nos(store.audit_entries(3, 9).unwrap()), [4, 5]);
    assert_eq!(nos(store.audit_entries_before(3, 9).unwrap()), [2, 1]);
    assert_eq!(nos(store.audit_entries_before(i64::MAX, 2).unwrap()), [5, 4]);
}
