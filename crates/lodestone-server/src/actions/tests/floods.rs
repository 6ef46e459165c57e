//! Floods: what follows from a hash that suddenly matches many is held, and done or dropped once a person says so.

use lodestone_store::DeliveryState;

use super::{House, nowhere};
use crate::actions::ask_release;
use crate::auth::Caller;

fn release(house: &House, send: bool) -> Result<(), crate::error::ApiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let parts = (&house.context.readers, &house.context.writer, &house.context.shared);
    runtime.block_on(ask_release(parts, Caller { key: "person".into() }, "pdq:7".to_owned(), send))
}

fn sent(house: &House) -> Vec<String> {
    house.deliveries(DeliveryState::Pending).into_iter().map(|one| one.key).collect()
}

fn flooded(dir: &std::path::Path) -> House {
    let house = House::open(dir, 2);
    house.add_rule(nowhere());
    for (id, sender) in [("e1", "a"), ("e2", "b"), ("e3", "a"), ("e4", "c"), ("e5", "a")] {
        house.record(id, sender);
    }
    house.ingest().unwrap();
    house
}

#[test]
fn from_the_sender_that_is_one_too_many_on_nothing_is_done_but_all_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let house = flooded(dir.path());
    assert_eq!(house.events().len(), 5);
    assert_eq!(sent(&house), ["e1-1-0", "e2-1-0", "e3-1-0"]);
    house.read(|store| {
        let held = store.quarantine(true, "", 10).unwrap();
        assert_eq!((held.len(), held[0].hash_key.as_str(), held[0].senders), (1, "pdq:7", 3));
        // One review for the flood, at its first event.
        let floods: Vec<_> = store
            .reviews(true, None, 0, 100)
            .unwrap()
            .into_iter()
            .filter(|review| review.rule == 0)
            .collect();
        assert_eq!((floods.len(), floods[0].event.as_str()), (1, "e4"));
        assert!(store.labels_of("e5").unwrap()[0].starts_with("held:pdq:7@"));
    });
    house.kill();
    // The hold outlives the process; the counts need not.
    let house = House::open(dir.path(), 2);
    house.record("e6", "z");
    house.ingest().unwrap();
    assert_eq!(sent(&house).len(), 3);
    house.kill();
}

#[test]
fn what_was_held_is_done_once_when_a_person_lets_it_go() {
    let dir = tempfile::tempdir().unwrap();
    let house = flooded(dir.path());
    release(&house, true).unwrap();
    assert_eq!(release(&house, true).unwrap_err().status().as_u16(), 404);
    house.ingest().unwrap();
    house.ingest().unwrap();
    let sent = sent(&house);
    assert_eq!(sent.len(), 5);
    assert!(sent[3..].iter().all(|key| key.contains("-hpdq-7-")), "{sent:?}");
    assert!(sent.iter().all(|key| key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')));
    house.read(|store| {
        assert_eq!(store.labels_of("e5").unwrap(), ["seen"]);
        assert!(store.quarantine(true, "", 10).unwrap().is_empty());
        assert!(store.settings("release.").unwrap().is_empty());
    });
    // It is counted anew.
    house.record("e6", "a");
    house.ingest().unwrap();
    assert_eq!(house.deliveries(DeliveryState::Pending).len(), 6);
    house.kill();
}

#[test]
fn what_was_held_is_dropped_when_a_person_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let house = flooded(dir.path());
    release(&house, false).unwrap();
    house.ingest().unwrap();
    assert_eq!(sent(&house).len(), 3);
    house.read(|store| assert!(store.labels_of("e5").unwrap().is_empty()));
    house.kill();
}

#[test]
fn a_release_that_a_kill_cut_short_is_gone_through_by_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let house = flooded(dir.path());
    release(&house, true).unwrap();
    house.kill();
    let house = House::open(dir.path(), 2);
    house.ingest().unwrap();
    assert_eq!(sent(&house).len(), 5);
    house.kill();
}

#[test]
fn what_nothing_confirms_is_asked_for_beside_the_review_of_a_flood_and_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 1);
    house.add_rule(nowhere());
    for (id, sender) in [("e1", "a"), ("e2", "b")] {
        let mut event = super::event(id, sender);
        let mut part = event.matches[0].clone();
        (part.bank_content_id, part.layer, part.asked_by_bank) = (8, Some(2), true);
        part.standing = lodestone_types::Standing::Review;
        event.matches.push(part);
        house.context.shared.record(&event).unwrap();
    }
    house.ingest().unwrap();
    // The rule is about whole pictures; the second event's are held.
    assert_eq!(sent(&house), ["e1-1-0"]);
    house.read(|store| {
        let of = |queue: &str| -> Vec<String> {
            let reviews = store.reviews(true, Some(queue), 0, 100).unwrap();
            reviews.into_iter().map(|review| review.event).collect()
        };
        assert_eq!(
            (of("derived"), of("flood"), of("q")),
            (vec!["e1".into(), "e2".into()], vec!["e2".into()], vec!["e1".to_owned()])
        );
        let bodies = store.reviews(true, Some("derived"), 0, 100).unwrap();
        let body: serde_json::Value = serde_json::from_str(&bodies[0].body).unwrap();
        assert_eq!(body["matches"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&body["matches"][0]["bank_content_id"], &body["matches"][0]["standing"]),
            (&8.into(), &"review".into())
        );
    });
    house.kill();
}
