//! Kills: nothing that was acknowledged is lost, nothing is done twice.

use std::fs;
use std::io::Write as _;

use lodestone_store::DeliveryState;

use super::{House, nowhere};
use crate::actions::ingest::POSITION;
use crate::audit;

fn all_once(house: &House, events: &[&str]) {
    assert_eq!(house.events(), events);
    let deliveries = house.deliveries(DeliveryState::Pending);
    let of: Vec<_> = deliveries.iter().map(|one| one.event.as_str()).collect();
    assert_eq!(of, events);
    house.read(|store| {
        assert_eq!(store.reviews(true, None, 0, 100).unwrap().len(), events.len());
        let noted = store.audit_entries(0, 100).unwrap();
        assert_eq!(noted.iter().filter(|row| is_match(&row.leaf)).count(), events.len());
        for event in events {
            assert_eq!(store.labels_of(event).unwrap(), ["seen"]);
        }
    });
}

fn is_match(leaf: &[u8]) -> bool {
    String::from_utf8_lossy(leaf).contains("\"match.found\"")
}

#[test]
fn events_of_a_process_killed_before_it_took_them_in_are_taken_in_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    house.add_rule(nowhere());
    house.record("e1", "a");
    house.record("e2", "b");
    assert!(house.events().is_empty());
    house.kill();
    let house = House::open(dir.path(), 0);
    house.record("e3", "c");
    house.ingest().unwrap();
    all_once(&house, &["e1", "e2", "e3"]);
    // The segment of the process that was killed is gone, the new one stays until it is large or the server stops.
    assert_eq!(fs::read_dir(dir.path().join("journal")).unwrap().count(), 1);
    assert_eq!(house.context.shared.journal.waiting_bytes(), 0);
    house.kill();
}

#[test]
fn events_of_a_process_killed_after_the_commit_are_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    house.add_rule(nowhere());
    house.record("e1", "a");
    house.record("e2", "b");
    house.ingest().unwrap();
    house.record("e3", "c");
    house.kill();
    let house = House::open(dir.path(), 0);
    house.ingest().unwrap();
    all_once(&house, &["e1", "e2", "e3"]);
    house.kill();
}

#[test]
fn even_without_the_position_an_event_is_known_by_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    house.add_rule(nowhere());
    house.record("e1", "a");
    house.ingest().unwrap();
    house.context.writer.write_now(|batch| Ok(batch.set_setting(POSITION, None)?)).unwrap();
    house.kill();
    let house = House::open(dir.path(), 0);
    house.ingest().unwrap();
    all_once(&house, &["e1"]);
    house.kill();
}

#[test]
fn while_the_store_takes_nothing_events_wait_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    house.add_rule(nowhere());
    house.record("e1", "a");
    house.context.writer.stop();
    while house.context.writer.write_now(|_| Ok(())).is_ok() {}
    assert!(house.ingest().is_err());
    house.record("e2", "b");
    assert!(house.context.shared.journal.waiting_bytes() > 0);
    drop(house);
    let house = House::open(dir.path(), 0);
    house.ingest().unwrap();
    all_once(&house, &["e1", "e2"]);
    house.kill();
}

#[test]
fn a_torn_record_is_passed_over_and_what_the_next_process_writes_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    house.add_rule(nowhere());
    house.record("e1", "a");
    house.kill();
    let segment = fs::read_dir(dir.path().join("journal")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&segment).unwrap();
    fs::File::options().append(true).open(&segment).unwrap().write_all(&whole[..whole.len() / 2]).unwrap();
    let house = House::open(dir.path(), 0);
    house.record("e2", "b");
    house.ingest().unwrap();
    all_once(&house, &["e1", "e2"]);
    house.kill();
}

#[test]
fn many_events_are_taken_in_over_several_commits_and_segments() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), 0);
    let long = "s".repeat(20_000);
    for at in 0..700 {
        house.record(&format!("e{at}"), &format!("{at}{long}"));
    }
    assert!(fs::read_dir(dir.path().join("journal")).unwrap().count() > 2);
    house.ingest().unwrap();
    let events = house.read(|store| store.match_events(0, 10_000).unwrap());
    assert_eq!(events.len(), 700);
    assert!(events.iter().enumerate().all(|(at, row)| row.id == format!("e{at}")));
    assert_eq!(house.context.shared.journal.waiting_bytes(), 0);
    house.kill();
}

#[test]
fn a_server_that_stops_leaves_an_empty_journal_and_a_whole_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path(), 0);
    house.record("e0", "a");
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    for at in 1..20 {
        house.record(&format!("e{at}"), "a");
    }
    threads.stop();
    assert_eq!(house.events().len(), 20);
    assert_eq!(fs::read_dir(dir.path().join("journal")).unwrap().count(), 0);
    let waiting = house.read(|store| store.audit_pending(100).unwrap().len());
    house.kill();
    let checked = audit::check(dir.path(), &[], None).unwrap();
    assert!(checked.is_whole(), "{checked:?}");
    assert_eq!((checked.opened, checked.waiting, waiting), (20, 0, 0));
}
