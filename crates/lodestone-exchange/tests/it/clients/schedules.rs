//! For every service: whatever goes wrong and wherever the fetch is killed, the bank ends as the service is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lodestone_exchange::client::{ClientError, Settings};
use lodestone_types::Signal;
use proptest::prelude::*;
use serde_json::json;

use crate::mock::services::{Row, Service, World, signal};
use crate::mock::{Bank, Fault, Loopback, Mock, NOW, fetch, fetch_killed, settings};

/// What the bank must hold: the newest version of every key that was not withdrawn after it.
fn model(service: Service, rows: &[Row]) -> BTreeMap<String, (Vec<Signal>, String)> {
    let mut newest: BTreeMap<u32, &Row> = BTreeMap::new();
    for row in rows {
        let held = newest.entry(row.key).or_insert(row);
        if row.at_s > held.at_s {
            *held = row;
        }
    }
    let live = newest.into_values().filter(|row| !row.is_withdrawn);
    live.map(|row| (service.id(row.key), (vec![signal(row.key)], format!("v{}", row.version)))).collect()
}

fn held(bank: &Bank) -> BTreeMap<String, (Vec<Signal>, String)> {
    let of = |(key, listed): (&String, &lodestone_exchange::client::Listed)| {
        (key.clone(), (listed.entry.signals.clone(), Service::word(&listed.entry)))
    };
    bank.entries.iter().map(of).collect()
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::Pass),
        1 => Just(Fault::Close),
        1 => (0u8..100).prop_map(Fault::Cut),
        1 => (0u8..100).prop_map(Fault::CutSilently),
        1 => Just(Fault::Status(503, Some("7"))),
        1 => Just(Fault::Status(429, None)),
        1 => Just(Fault::Status(500, None)),
        1 => Just(Fault::Garbage),
        1 => Just(Fault::Again),
    ]
}

/// Rows of a few keys, each with a time of its own; the order is chance.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0u32..12, prop::bool::weighted(0.3)), 0..40)
        .prop_flat_map(|drawn| {
            let rows: Vec<Row> = drawn
                .into_iter()
                .enumerate()
                .map(|(n, (key, is_withdrawn))| Row {
                    key,
                    at_s: NOW - 5_000 + n as i64 * 7,
                    version: n as u32,
                    is_withdrawn,
                })
                .collect();
            Just(rows).prop_shuffle()
        })
        .boxed()
}

/// Fetches until it succeeds; every error must be one that the next fetch may get over.
fn fetch_at_last(service: Service, settings: &Settings, net: &mut Loopback, bank: &mut Bank) {
    for _ in 0..40 {
        match fetch(service.api(), settings, net, bank) {
            Ok(_) => return,
            Err(ClientError::Later { .. } | ClientError::Protocol(_)) => net.now_s += 60,
            Err(error) => panic!("{service:?}: {error}"),
        }
    }
    panic!("{service:?}: no fetch succeeds");
}

fn start(service: Service, world: &World, size: usize) -> (Mock, Settings) {
    let mock = Mock::start(service.answer(world.clone(), size));
    let settings = settings(mock.url(service.path()), &json!({ "privacy_group": 77 }));
    (mock, settings)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_the_bank_ends_as_the_service_is(
        rows in rows(),
        later in rows(),
        size in 1usize..9,
        faults in prop::collection::vec(fault(), 0..30),
        kills in prop::collection::vec((0usize..5, any::<bool>()), 0..8),
    ) {
        for service in Service::ALL {
            let world: World = Arc::new(Mutex::new(rows.clone()));
            let (mock, settings) = start(service, &world, size);
            mock.plan(faults.clone());
            let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
            for (pages, loses_one) in &kills {
                let _ = fetch_killed(service.api(), &settings, &mut net, &mut bank, *pages, *loses_one);
                net.now_s += 60;
            }
            fetch_at_last(service, &settings, &mut net, &mut bank);
            prop_assert_eq!(held(&bank), model(service, &rows), "{:?}", service);
            // What happens later is fetched later, however far the first fetch came.
            let then = net.now_s;
            let newer: Vec<Row> =
                later.iter().map(|row| Row { at_s: row.at_s - NOW + 5_001 + then, version: row.version + 100, ..row.clone() }).collect();
            world.lock().unwrap().extend(newer);
            mock.plan(faults.iter().rev().cloned());
            net.now_s += 1_000;
            fetch_at_last(service, &settings, &mut net, &mut bank);
            let all = world.lock().unwrap().clone();
            prop_assert_eq!(held(&bank), model(service, &all), "{:?}", service);
        }
    }
}

#[test]
fn a_fetch_that_is_killed_at_every_page_resumes_without_loss_or_duplicate() {
    let rows: Vec<Row> = (0..50u32)
        .map(|n| Row {
            key: n,
            at_s: NOW - 4_000 + i64::from(n * 17 % 50) * 7,
            version: 1,
            is_withdrawn: n % 9 == 4,
        })
        .collect();
    for service in Service::ALL {
        for loses_one in [false, true] {
            let world: World = Arc::new(Mutex::new(rows.clone()));
            let (mock, settings) = start(service, &world, 4);
            let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
            let mut kills = 0;
            while held(&bank) != model(service, &rows) {
                fetch_killed(service.api(), &settings, &mut net, &mut bank, 1, loses_one).unwrap();
                kills += 1;
                assert!(kills <= 13, "{service:?}: each life brings a page further");
            }
            assert!(kills >= 12, "{service:?}: {kills}");
            let asked = mock.asked();
            let pages = asked.iter().filter(|asked| asked.method == "GET").count();
            let most = if loses_one { 2 * kills } else { kills };
            assert!(pages <= most, "{service:?}: {pages} requests for {kills} pages");
        }
    }
}

#[test]
fn a_withdrawn_entry_goes_and_a_second_fetch_changes_nothing() {
    for service in Service::ALL {
        let row = |key, at_s, is_withdrawn| Row { key, at_s, version: 1, is_withdrawn };
        let world: World = Arc::new(Mutex::new(vec![row(1, NOW - 90, false), row(2, NOW - 80, false)]));
        let (_mock, settings) = start(service, &world, 10);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        fetch(service.api(), &settings, &mut net, &mut bank).unwrap();
        assert_eq!(bank.entries.len(), 2, "{service:?}");
        let before = bank.entries.clone();
        net.now_s += 240;
        fetch(service.api(), &settings, &mut net, &mut bank).unwrap();
        assert_eq!(bank.entries, before, "{service:?}");
        // In the very second of the next fetch.
        world.lock().unwrap().push(row(1, net.now_s, true));
        fetch(service.api(), &settings, &mut net, &mut bank).unwrap();
        assert_eq!(bank.keys(), [service.id(2)], "{service:?}");
    }
}
