//! Matches noted, and what is told of them.

use lodestone_store::{Delivery, DeliveryState, NewDelivery, Store};

use super::done;

pub(crate) fn a_match_is_noted_once_and_read_both_ways(store: &mut Store) {
    let noted = done(store, |batch| {
        Ok([("a", 3), ("b", 2), ("a", 9), ("c", 1)]
            .map(|(id, at)| batch.add_match_event(id, at, "{\"x\":  1}").unwrap()))
    });
    assert_eq!(noted, [true, true, false, true]);
    let ids = |events: Vec<lodestone_store::MatchEvent>| {
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(store.match_events(0, 9).unwrap()), ["a", "b", "c"]);
    assert_eq!(ids(store.match_events_before(i64::MAX, 2).unwrap()), ["c", "b"]);
    let a = store.match_event("a").unwrap().unwrap();
    assert_eq!((a.at_us, a.body.as_str()), (3, "{\"x\":  1}"), "byte for byte");
    assert_eq!(ids(store.match_events(a.no, 1).unwrap()), ["b"]);
    assert_eq!(store.match_event("d").unwrap(), None);
}

fn delivery(key: &str, next_us: i64) -> NewDelivery<'_> {
    NewDelivery { key, event: "e", rule: Some(3), target: "hook", body: "{\"x\":  1}", next_us }
}

fn keys(deliveries: Vec<Delivery>) -> Vec<String> {
    deliveries.into_iter().map(|delivery| delivery.key).collect()
}

pub(crate) fn a_delivery_is_noted_once_and_due_until_delivered(store: &mut Store) {
    assert_eq!(store.next_due_us().unwrap(), None);
    let nos = done(store, |batch| {
        Ok([("late", 90), ("b", 20), ("a", 10), ("b", 1)]
            .map(|(key, at)| batch.add_delivery(&delivery(key, at)).unwrap()))
    });
    assert_eq!(nos.map(|no| no.is_some()), [true, true, true, false]);
    assert_eq!(store.next_due_us().unwrap(), Some(10));
    assert_eq!(keys(store.due(9, 9).unwrap()), [""; 0]);
    for _ in 0..2 {
        assert_eq!(keys(store.due(20, 9).unwrap()), ["a", "b"], "due until it is noted");
    }
    assert_eq!(keys(store.due(20, 1).unwrap()), ["a"]);
    let a = nos[2].unwrap();
    assert_eq!(keys(store.due_beside(20, &[], &[a], 1).unwrap()), ["b"], "what is passed over takes no room");
    assert_eq!(keys(store.due_beside(20, &["hook"], &[], 9).unwrap()), [""; 0]);
    assert_eq!(keys(store.due_beside(90, &["other"], &[99], 9).unwrap()), ["a", "b", "late"]);
    let b = nos[1].unwrap();
    assert!(store.batch(25, |batch| batch.delivered(b)).unwrap());
    assert!(!store.batch(26, |batch| batch.delivered(b)).unwrap());
    assert!(!store.batch(26, |batch| batch.failed(b, Some(1), "late")).unwrap());
    assert_eq!(keys(store.due(20, 9).unwrap()), ["a"]);
    let b = store.delivery(b).unwrap().unwrap();
    assert_eq!((b.state, b.attempts, b.done_us, b.rule), (DeliveryState::Done, 1, Some(25), Some(3)));
    assert_eq!((b.event.as_str(), b.target.as_str(), b.body.as_str()), ("e", "hook", "{\"x\":  1}"));
    assert_eq!(store.outbox_counts().unwrap(), (2, 0));
    assert_eq!(done(store, |batch| batch.add_delivery(&delivery("b", 1))), None, "delivered, and not again");
}

pub(crate) fn a_failed_delivery_is_tried_again_or_dead_until_requeued(store: &mut Store) {
    let no = done(store, |batch| batch.add_delivery(&delivery("a", 10))).unwrap();
    assert!(store.batch(11, |batch| batch.failed(no, Some(50), "503")).unwrap());
    assert!(store.due(49, 9).unwrap().is_empty());
    let again = store.due(50, 9).unwrap().remove(0);
    assert_eq!((again.attempts, again.last_error.as_deref(), again.done_us), (1, Some("503"), None));
    assert!(store.batch(51, |batch| batch.failed(no, None, "410")).unwrap());
    assert!(store.due(i64::MAX, 9).unwrap().is_empty());
    let dead = store.deliveries(DeliveryState::Dead, 0, 9).unwrap().remove(0);
    assert_eq!((dead.attempts, dead.last_error.as_deref(), dead.done_us), (2, Some("410"), Some(51)));
    assert!(store.deliveries(DeliveryState::Dead, no, 9).unwrap().is_empty());
    assert_eq!(store.outbox_counts().unwrap(), (0, 1));
    assert!(store.batch(60, |batch| batch.requeue(no)).unwrap());
    assert!(!store.batch(60, |batch| batch.requeue(no)).unwrap());
    let due = store.due(60, 9).unwrap().remove(0);
    assert_eq!((due.attempts, due.next_us, due.done_us), (0, 60, None));
    assert_eq!(keys(store.deliveries(DeliveryState::Pending, 0, 9).unwrap()), ["a"]);
}

pub(crate) fn what_is_old_is_forgotten_and_numbers_are_not_given_again(store: &mut Store) {
    let last = done(store, |batch| {
        for at in 0..10 {
            batch.add_match_event(&format!("e{at}"), at, "{}")?;
            let no = batch.add_delivery(&delivery(&format!("d{at}"), 0))?.unwrap();
            if at < 9 {
                batch.delivered(no)?;
            }
        }
        Ok(batch.add_delivery(&delivery("last", 0))?.unwrap())
    });
    assert_eq!(done(store, |batch| batch.prune_match_events(5, 3)), 3);
    assert_eq!(done(store, |batch| batch.prune_match_events(5, 30)), 2);
    let kept: Vec<_> = store.match_events(0, 99).unwrap().into_iter().map(|event| event.at_us).collect();
    assert_eq!(kept, [5, 6, 7, 8, 9]);
    assert_eq!(done(store, |batch| batch.prune_delivered(1_000_000, 99)), 0, "not before that time");
    assert_eq!(done(store, |batch| batch.prune_delivered(1_000_001, 99)), 9);
    assert_eq!(keys(store.deliveries(DeliveryState::Pending, 0, 9).unwrap()), ["d9", "last"]);
    done(store, |batch| {
        batch.delivered(last)?;
        batch.prune_delivered(1_000_001, 99)
    });
    assert!(done(store, |batch| batch.add_delivery(&delivery("new", 0))).unwrap() > last);
    done(store, |batch| batch.prune_match_events(99, 99));
    done(store, |batch| batch.add_match_event("new", 1, "{}"));
    assert_eq!(store.match_events(0, 9).unwrap()[0].no, 11);
}
