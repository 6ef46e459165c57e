//! What people say and decide.

use lodestone_store::{Opinion, OpinionCount, Store, StoredOpinion};
use lodestone_types::SignalType::Pdq;

use super::{add, bank, done};
use crate::signal;

pub(crate) fn opinions_are_one_each_counted_and_withdrawn(store: &mut Store) {
    let [a, b] = done(store, |batch| {
        bank(batch, "A")?;
        Ok([add(batch, "A", &signal(Pdq, 1))?.entry_no, add(batch, "A", &signal(Pdq, 2))?.entry_no])
    });
    let generation = store.generation().unwrap();
    done(store, |batch| {
        assert!(batch.set_opinion(a, "me", Opinion::Confirm, None)?);
        assert!(batch.set_opinion(a, "you", Opinion::Dispute, Some("a chart"))?);
        assert!(batch.set_opinion(a, "me", Opinion::Dispute, Some("so it is"))?);
        assert!(batch.set_opinion(b, "me", Opinion::Confirm, None)?);
        assert!(!batch.set_opinion(b + 1, "me", Opinion::Confirm, None)?, "there is no such content");
        Ok(())
    });
    assert_eq!(store.generation().unwrap(), generation + 1);
    let opinion = |who: &str, note: &str| StoredOpinion {
        who: who.into(),
        opinion: Opinion::Dispute,
        note: Some(note.into()),
        at_us: 1_000_000,
    };
    assert_eq!(store.opinions_of(a).unwrap(), [opinion("me", "so it is"), opinion("you", "a chart")]);
    let count = |entry_no, confirm, dispute| OpinionCount { entry_no, confirm, dispute };
    assert_eq!(store.opinion_counts(0, 9).unwrap(), [count(a, 0, 2), count(b, 1, 0)]);
    assert_eq!(store.opinion_counts(a, 9).unwrap(), [count(b, 1, 0)]);
    assert_eq!(store.opinion_counts(0, 1).unwrap(), [count(a, 0, 2)]);
    assert!(done(store, |batch| batch.withdraw_opinion(a, "you")));
    assert!(!done(store, |batch| batch.withdraw_opinion(a, "you")));
    assert_eq!(store.opinion_counts(0, 1).unwrap(), [count(a, 0, 1)]);
    // They go with what they are about.
    done(store, |batch| batch.remove_content("A", 1));
    assert_eq!((store.opinions_of(a).unwrap(), store.opinion_counts(0, 9).unwrap().len()), (vec![], 1));
    done(store, |batch| batch.delete_bank("A"));
    assert_eq!(store.opinion_counts(0, 9).unwrap(), []);
}

pub(crate) fn a_review_is_asked_for_once_and_decided_once(store: &mut Store) {
    let asked = done(store, |batch| {
        Ok([("e1", 1), ("e1", 2), ("e1", 1), ("e2", 0)]
            .map(|(event, rule)| batch.add_review(event, rule, "{\"queue\":\"q\"}").unwrap()))
    });
    assert_eq!(asked.map(|no| no.is_some()), [true, true, false, true]);
    let first = asked[0].unwrap();
    assert_eq!(store.open_reviews().unwrap(), 3);
    assert!(done(store, |batch| batch.decide_review(first, "{\"a\": 1}")));
    assert!(!done(store, |batch| batch.decide_review(first, "{\"a\": 2}")));
    assert!(!done(store, |batch| batch.decide_review(99, "{}")));
    let review = store.review(first).unwrap().unwrap();
    assert_eq!(
        (review.event.as_str(), review.rule, review.decision.as_deref()),
        ("e1", 1, Some("{\"a\": 1}"))
    );
    assert_eq!((review.created_us, review.decided_us), (1_000_000, Some(1_000_000)));
    let events = |only_open, after| -> Vec<_> {
        let reviews = store.reviews(only_open, None, after, 9).unwrap();
        reviews.into_iter().map(|review| (review.event, review.rule)).collect()
    };
    assert_eq!(events(true, 0), [("e1".to_owned(), 2), ("e2".to_owned(), 0)]);
    assert_eq!(events(false, 0).len(), 3);
    assert_eq!(events(false, first).len(), 2);
    assert_eq!(store.open_reviews().unwrap(), 2);
    // A page of one queue is as long as it may be, whatever stands between; a body that is no JSON names none.
    done(store, |batch| {
        batch.add_review("e3", 0, "no JSON")?;
        batch.add_review("e4", 0, "{\"queue\":\"other\"}")?;
        batch.add_review("e5", 0, "{\"queue\":\"q\"}")
    });
    let of = |queue| -> Vec<_> {
        let reviews = store.reviews(true, queue, 0, 3).unwrap();
        reviews.into_iter().map(|review| review.event).collect()
    };
    assert_eq!(of(Some("q")), ["e1", "e2", "e5"]);
    assert_eq!((of(Some("other")), of(Some("none"))), (vec!["e4".to_owned()], vec![]));
    assert_eq!(of(None), ["e1", "e2", "e3"]);
}

pub(crate) fn labels_are_put_on_and_taken_off(store: &mut Store) {
    done(store, |batch| {
        assert!(batch.add_label("e", "b")?);
        assert!(batch.add_label("e", "a")?);
        assert!(!batch.add_label("e", "b")?);
        assert!(batch.add_label("other", "b")?);
        Ok(())
    });
    assert_eq!(store.labels_of("e").unwrap(), ["a", "b"]);
    assert!(done(store, |batch| batch.remove_label("e", "b")));
    assert!(!done(store, |batch| batch.remove_label("e", "b")));
    assert_eq!(
        (store.labels_of("e").unwrap(), store.labels_of("other").unwrap()),
        (vec!["a".into()], vec!["b".into()])
    );
}

pub(crate) fn a_hash_is_held_until_it_is_released(store: &mut Store) {
    store.batch(5, |batch| batch.hold_hash("pdq:b", 10, "{}")).unwrap();
    store.batch(6, |batch| batch.hold_hash("pdq:a", 11, "{}")).unwrap();
    store.batch(7, |batch| batch.hold_hash("pdq:b", 12, "[]")).unwrap();
    let keys = |store: &Store, held, after: &str| -> Vec<String> {
        store.quarantine(held, after, 9).unwrap().into_iter().map(|hash| hash.hash_key).collect()
    };
    assert_eq!(keys(store, true, ""), ["pdq:a", "pdq:b"]);
    assert_eq!(keys(store, true, "pdq:a"), ["pdq:b"]);
    let held = store.quarantined("pdq:b").unwrap().unwrap();
    assert_eq!(
        (held.held, held.first_us, held.changed_us, held.senders, held.body.as_str()),
        (true, 5, 5, 12, "[]")
    );
    assert!(store.batch(8, |batch| batch.release_hash("pdq:b")).unwrap());
    assert!(!store.batch(9, |batch| batch.release_hash("pdq:b")).unwrap());
    assert_eq!((keys(store, true, ""), keys(store, false, "")), (vec!["pdq:a".into()], vec!["pdq:b".into()]));
    store.batch(10, |batch| batch.hold_hash("pdq:b", 1, "{}")).unwrap();
    let held = store.quarantined("pdq:b").unwrap().unwrap();
    assert_eq!((held.held, held.first_us, held.changed_us), (true, 5, 10));
    assert!(done(store, |batch| batch.forget_hash("pdq:b")));
    assert!(!done(store, |batch| batch.forget_hash("pdq:b")));
    assert_eq!(store.quarantined("pdq:b").unwrap(), None);
}
