//! Trouble on the way that is the same for every service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lodestone_exchange::client::{self, ClientError, Rules, Settings};
use serde_json::json;

use crate::mock::services::{Row, Service, World};
use crate::mock::{Bank, Fault, Loopback, Mock, NOW, Reply, fetch, settings};

fn start(service: Service, rows: u32) -> (Mock, Settings) {
    let rows =
        (0..rows).map(|key| Row { key, at_s: NOW - 1_000 + i64::from(key), version: 1, is_withdrawn: false });
    let world: World = Arc::new(Mutex::new(rows.collect()));
    let mock = Mock::start(service.answer(world, 5));
    let settings = settings(mock.url(service.path()), &json!({ "privacy_group": 77 }));
    (mock, settings)
}

#[test]
fn retry_after_is_honoured_and_a_long_one_ends_the_fetch() {
    for service in Service::ALL {
        let (mock, settings) = start(service, 3);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        mock.plan([
            Fault::Status(503, Some("17")),
            Fault::Status(429, Some("Tue, 14 Nov 2023 22:13:59 GMT")),
        ]);
        fetch(service.api(), &settings, &mut net, &mut bank).unwrap();
        assert_eq!(bank.entries.len(), 3);
        let seconds: Vec<u64> = net.waits.iter().map(Duration::as_secs).collect();
        assert!(matches!(seconds[..], [17, 39 | 40]), "{service:?}: {seconds:?}");
        mock.plan([Fault::Status(429, Some("86400"))]);
        let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
        let want = Some(Duration::from_secs(86_400));
        assert!(matches!(error, ClientError::Later { after, .. } if after == want), "{service:?}: {error}");
        assert_eq!(net.waits.len(), 2, "a day is not waited for");
    }
}

#[test]
fn attempts_are_counted_waits_grow_and_the_next_fetch_goes_on() {
    for service in Service::ALL {
        let (mock, settings) = start(service, 12);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        // One page and what leads to it, and then nothing any more.
        let healthy = if service == Service::Tat { 2 } else { 1 };
        mock.plan(vec![Fault::Pass; healthy]);
        mock.plan(vec![Fault::Close; 5]);
        let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
        assert!(matches!(error, ClientError::Later { after: None, .. }), "{service:?}: {error}");
        assert_eq!((bank.entries.len(), net.waits.len()), (5, 4), "{service:?}");
        for (wait, most_ms) in net.waits.iter().zip([500, 1_000, 2_000, 4_000]) {
            let most = Duration::from_millis(most_ms);
            assert!(*wait <= most && *wait >= most / 2, "{wait:?} {most:?}");
        }
        fetch(service.api(), &settings, &mut net, &mut bank).unwrap();
        assert_eq!(bank.entries.len(), 12, "{service:?}");
    }
}

#[test]
fn a_body_that_is_too_large_is_not_read_to_its_end() {
    for service in Service::ALL {
        let (_mock, mut settings) = start(service, 5);
        settings.rules = Rules { max_body_bytes: 600, ..Rules::default() };
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
        assert_eq!(error, ClientError::Protocol("a body of more than 600 bytes".to_owned()), "{service:?}");
        assert!(net.waits.is_empty() && bank.entries.is_empty());
    }
}

#[test]
fn wrong_credentials_are_told_as_such_and_are_not_tried_again() {
    for service in Service::ALL {
        let (mock, settings) = start(service, 1);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        mock.plan([Fault::Status(401, None)]);
        let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
        assert_eq!(error, ClientError::Credentials(401), "{service:?}");
        assert!(net.waits.is_empty());
        let missing = Settings { credentials: serde_json::Map::new(), ..settings };
        let error = client::open(service.api(), &missing, None).err();
        let config = service == Service::Ncmec || service == Service::StopNcii || service == Service::Tat;
        assert!(
            matches!(error, Some(ClientError::Settings(why)) if !config || why.contains("credential")),
            "{service:?}"
        );
    }
}

#[test]
fn a_fetch_that_is_told_to_end_ends() {
    for service in Service::ALL {
        let (mock, settings) = start(service, 1);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        net.stops = true;
        mock.plan([Fault::Status(503, None)]);
        let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
        assert_eq!(error, ClientError::Stopped, "{service:?}");
    }
}

#[test]
fn a_service_that_talks_of_something_else_is_no_list_and_takes_nothing_away() {
    for service in Service::ALL {
        for body in [
            "",
            "[]",
            "{}",
            "null",
            "<html/>",
            "{\"data\":5}",
            "{\"hashRecords\":[]}",
            "{\"results\":null}",
            "<queryResult>",
        ] {
            let mock = Mock::start(move |_| Reply::ok(body));
            let settings = settings(mock.url(service.path()), &json!({ "privacy_group": 77 }));
            let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
            let error = fetch(service.api(), &settings, &mut net, &mut bank).unwrap_err();
            assert!(matches!(error, ClientError::Protocol(_)), "{service:?} {body}: {error}");
            assert!(bank.checkpoint().is_none());
        }
    }
}

#[test]
fn no_endpoint_is_known_but_by_the_name_of_an_environment() {
    let with = |config: serde_json::Value| Settings { base_url: None, ..settings(String::new(), &config) };
    for api in client::apis() {
        let error = client::open(api, &with(json!({ "privacy_group": 1, "bank": "B" })), None).err();
        assert!(matches!(error, Some(ClientError::Settings(_))), "{api}");
        for (name, _) in client::environments(api) {
            let named = with(json!({ "privacy_group": 1, "environment": name }));
            assert!(client::open(api, &named, None).is_ok(), "{api} {name}");
        }
        let other = with(json!({ "privacy_group": 1, "bank": "B", "environment": "elsewhere" }));
        assert!(client::open(api, &other, None).is_err(), "{api}");
    }
}

#[test]
fn neither_requests_nor_settings_nor_checkpoints_show_credentials() {
    for service in Service::ALL {
        let (mock, settings) = start(service, 12);
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        crate::mock::fetch_killed(service.api(), &settings, &mut net, &mut bank, 2, false).unwrap();
        drop(mock);
        let shown = format!("{settings:?} {}", bank.checkpoint_text());
        for secret in ["geheim", "secret-secret", "fetch-key", "subscription", "eyJ.mock"] {
            assert!(!shown.contains(secret), "{service:?}: {shown}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_service_begins_anew_and_of_another_version_is_refused() {
    let (_mock, settings) = start(Service::Ncmec, 3);
    let kept = |text: &str| client::Checkpoint::from_value(serde_json::from_str(text).unwrap());
    let other = kept(r#"{"v":1,"api":"ncmec","scope":"https://other.test []","state":{"from":1699999000}}"#);
    let mut net = Loopback::at(NOW);
    let page = client::open("ncmec", &settings, Some(&other)).unwrap().next_page(&mut net).unwrap().unwrap();
    assert_eq!((page.changes.len(), page.listing), (3, client::Listing::Whole { is_first: true }));
    for text in [r#"{"v":2}"#, "{}", "null"] {
        let error = client::open("ncmec", &settings, Some(&kept(text))).err();
        assert!(matches!(error, Some(ClientError::Checkpoint(_))), "{text}");
    }
}
