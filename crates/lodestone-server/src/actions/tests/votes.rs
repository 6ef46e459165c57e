//! Votes on their way, and matches of what was withdrawn while they lay in the journal.

use lodestone_exchange::client::Says;
use lodestone_store::{ListedChange, ListedReport, ListedWhat, VotesCount};
use lodestone_types::{ListEntry, Signal, SignalType};
use serde_json::json;

use super::{BEGIN_US, DeliveryState, House, event};
use crate::exchanging::{
    self, Ballot, NewNetworkExchange, OPERATOR, WITHDRAWN, find_withdrawn, mark_withdrawn, queue_vote,
    vote_loop,
};

// Not all of it is used here.
#[allow(dead_code)]
#[path = "../../../../lodestone-exchange/tests/it/mock/server.rs"]
mod server;

use server::{Fault, Mock, Reply};

const MINUTE_US: i64 = 60_000_000;

fn pdq(byte: u8) -> Signal {
    Signal::from_bytes(SignalType::Pdq, &[byte; 32]).unwrap()
}

fn md5(byte: u8) -> Signal {
    Signal::from_bytes(SignalType::Md5, &[byte; 16]).unwrap()
}

/// Takes what an exchange lists of an entry; nothing: it is withdrawn.
fn list(house: &House, id: &str, at_s: i64, signals: Vec<Signal>) -> ListedReport {
    let what = match signals.is_empty() {
        true => ListedWhat::Remove,
        false => ListedWhat::Put(Box::new(ListEntry {
            signals,
            extra: Some(json!({ "at_s": at_s })),
            ..ListEntry::default()
        })),
    };
    let change = ListedChange { id: id.to_owned(), at_s: Some(at_s), what };
    house
        .context
        .writer
        .write_now(move |batch| {
            let report = batch.take_listed("S", "exchange stop_ncii", 1, vec![change])?;
            exchanging::withdrawn::note(batch, &report)?;
            Ok(report)
        })
        .unwrap()
}

/// Makes an exchange `S` at this address.
fn add_exchange(house: &House, base_url: &str) {
    let config = json!({ "base_url": base_url, OPERATOR: true, "send_votes": true });
    let credentials =
        json!({ "fetch_function_key": "f", "feedback_function_key": "b", "subscription_key": "s" });
    let new = NewNetworkExchange {
        name: "S".to_owned(),
        api: "stop_ncii".to_owned(),
        config: config.as_object().unwrap().clone(),
        credentials: credentials.as_object().unwrap().clone(),
        radius_bits: 31,
        enabled: true,
    };
    let secrets = house.context.shared.secrets.clone();
    house.context.writer.write_now(move |batch| exchanging::add(batch, &secrets, &new).map(drop)).unwrap();
}

fn vote(house: &House, id: &str, says: Says) {
    let (entry, exchange) =
        house.read(|store| (store.entry("S", id).unwrap().unwrap(), store.exchange("S").unwrap().unwrap()));
    let ballot = Ballot { says, signal: None, reasons: Vec::new(), tags: Vec::new() };
    house
        .context
        .writer
        .write_now(move |batch| Ok(queue_vote(batch, &exchange, &entry, "k1", &ballot)?))
        .unwrap();
}

fn count(house: &House) -> (u64, u64) {
    let VotesCount { pending, dead } = house.read(|store| store.votes_count(Some("S")).unwrap());
    (pending, dead)
}

#[test]
fn votes_outlive_a_failing_service_and_a_kill_and_go_in_order() {
    let mock = Mock::start(|_: &server::Asked| Reply::json(&json!({})));
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    add_exchange(&house, &mock.url("/v1"));
    list(&house, "1", 1, vec![pdq(1)]);
    list(&house, "2", 1, vec![pdq(2)]);
    vote(&house, "1", Says::Dispute);
    vote(&house, "2", Says::Confirm);
    mock.plan([Fault::Status(503, None)]);
    assert!(!vote_loop::pass(&house.context).unwrap());
    assert_eq!((mock.asked().len(), count(&house)), (1, (2, 0)), "the second waits behind the first");
    assert!(!vote_loop::pass(&house.context).unwrap());
    assert!(mock.asked().is_empty(), "its time has not come");
    let first = house.read(|store| store.votes(None, DeliveryState::Pending, 0, 9).unwrap().remove(0));
    assert!((4_000_000..=6_000_000).contains(&(first.next_us - BEGIN_US)), "{}", first.next_us);
    assert_eq!(
        (first.attempts, first.last_error.as_deref()),
        (1, Some("the service answered with status 503"))
    );
    // A newer one on the same entry takes its place, behind the other.
    house.kill();
    let house = House::open_at(dir.path(), 0, BEGIN_US + MINUTE_US);
    vote(&house, "1", Says::Confirm);
    assert_eq!(count(&house), (2, 0));
    assert!(vote_loop::pass(&house.context).unwrap());
    assert!(vote_loop::pass(&house.context).unwrap());
    assert!(!vote_loop::pass(&house.context).unwrap());
    let bodies: Vec<String> =
        mock.asked().iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    assert_eq!((bodies.len(), count(&house)), (2, (0, 0)));
    assert!(bodies[0].contains(&"02".repeat(32)) && bodies[1].contains(&"01".repeat(32)), "{bodies:?}");
    assert!(bodies.iter().all(|body| body.contains("\"Blocked\"")), "{bodies:?}");
    house.kill();
}

#[test]
fn what_is_refused_or_fails_too_often_is_dead_until_it_is_tried_again() {
    let mock = Mock::start(|_: &server::Asked| Reply::json(&json!({})));
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path(), 0);
    add_exchange(&house, &mock.url("/v1"));
    list(&house, "1", 1, vec![pdq(1)]);
    list(&house, "2", 1, vec![pdq(2)]);
    vote(&house, "1", Says::Confirm);
    mock.plan([Fault::Status(404, None)]);
    assert!(!vote_loop::pass(&house.context).unwrap());
    assert_eq!(count(&house), (0, 1));
    vote(&house, "2", Says::Confirm);
    list(&house, "2", 2, Vec::new());
    assert!(vote_loop::pass(&house.context).unwrap());
    assert_eq!((count(&house), mock.asked().len()), ((0, 1), 1), "nobody waits for what is withdrawn");
    let retry = |house: &House, no| {
        house.context.writer.write_now(move |batch| Ok(batch.retry_votes("S", no)?)).unwrap()
    };
    let dead = house.read(|store| store.votes(None, DeliveryState::Dead, 0, 9).unwrap());
    assert_eq!(retry(&house, Some(dead[0].no)), 1);
    let mut attempts = 0;
    let mut at_us = BEGIN_US;
    while count(&house).0 > 0 {
        attempts += 1;
        assert!(attempts < 20);
        mock.plan([Fault::Status(503, None)]);
        vote_loop::pass(&house.context).unwrap();
        house.kill();
        at_us += 86_400_000_000;
        house = House::open_at(dir.path(), 0, at_us);
    }
    assert_eq!((attempts, count(&house)), (12, (0, 1)));
    assert_eq!(retry(&house, Some(dead[0].no)), 1);
    assert!(vote_loop::pass(&house.context).unwrap());
    assert_eq!(count(&house), (0, 0));
    let noted = house.read(|store| store.audit_entries(0, 100).unwrap());
    let votes = noted.iter().filter(|row| String::from_utf8_lossy(&row.leaf).contains("\"exchange.vote\""));
    assert_eq!(votes.count(), 4, "one refused, one of what was withdrawn, one given up, one sent");
    house.kill();
}

/// A match of an entry, looked up before this generation.
fn record(house: &House, name: &str, id: &str, kind: &str, value: &Signal) {
    let (content_id, generation) = house.read(|store| {
        let no = store.entry("S", id).unwrap().unwrap().entry_no;
        (store.id_of(no).unwrap().unwrap(), store.generation().unwrap())
    });
    let mut found = event(name, "sender");
    found.generation = generation;
    found.signals = [(kind.to_owned(), value.to_text())].into();
    found.matches[0].bank = "S".to_owned();
    found.matches[0].bank_content_id = content_id.unsigned_abs();
    found.matches[0].signal_type = kind.to_owned();
    house.context.shared.record(&found).unwrap();
}

#[test]
fn matches_that_lay_in_the_journal_while_their_entry_or_value_went_are_marked_when_they_are_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    add_exchange(&house, "http://127.0.0.1:1");
    for id in ["1", "2", "3"] {
        list(&house, id, 1, vec![md5(7), pdq(1)]);
    }
    let labels = |house: &House, event: &str| house.read(|store| store.labels_of(event).unwrap());
    record(&house, "in the store", "2", "md5", &md5(7));
    house.ingest().unwrap();
    for (name, id, kind, value) in [
        ("gone", "1", "pdq", pdq(1)),
        ("value lost", "2", "md5", md5(7)),
        ("other value", "2", "pdq", pdq(1)),
        ("untouched", "3", "md5", md5(7)),
    ] {
        record(&house, name, id, kind, &value);
    }
    list(&house, "1", 2, Vec::new());
    let report = list(&house, "2", 2, vec![md5(8), pdq(1)]);
    assert_eq!(report.lost.len(), 1);
    // The fetch ends before anything is taken in.
    let withdrawn = house.read(|store| find_withdrawn(store, "S").unwrap());
    assert_eq!(withdrawn.events, ["in the store"]);
    house.context.writer.write_now(move |batch| Ok(mark_withdrawn(batch, &withdrawn)?)).unwrap();
    house.kill();
    let house = House::open(dir.path(), 0);
    house.ingest().unwrap();
    for (name, marked) in [
        ("in the store", true),
        ("gone", true),
        ("value lost", true),
        ("other value", false),
        ("untouched", false),
    ] {
        assert_eq!(labels(&house, name).iter().any(|label| label == WITHDRAWN), marked, "{name}");
    }
    // A mark that a person took off does not come back with the next fetch of something else.
    house.context.writer.write_now(|batch| Ok(batch.remove_label("in the store", WITHDRAWN)?)).unwrap();
    assert!(
        !house.read(|store| find_withdrawn(store, "S").unwrap()).events.contains(&"in the store".to_owned())
    );
    // What was looked up later found what is there now.
    record(&house, "later", "2", "md5", &md5(8));
    house.ingest().unwrap();
    assert!(labels(&house, "later").is_empty());
    house.kill();
}
