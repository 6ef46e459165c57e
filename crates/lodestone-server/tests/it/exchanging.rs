//! Exchanges of other servers, fetched by a server: from a service on loopback, as the clients' own tests have it.

use std::sync::{Arc, Mutex};

use lodestone_server::exchanging::WITHDRAWN;
use serde_json::{Value, json};

use crate::running::{Running, config};

// Not all of it is used here.
#[allow(dead_code)]
#[path = "../../../lodestone-exchange/tests/it/mock/server.rs"]
pub(crate) mod server;
#[allow(dead_code)]
#[path = "../../../lodestone-exchange/tests/it/mock/services.rs"]
mod services;

use server::{Asked, Fault, Mock, Reply};
use services::{Row, Service, World, pdq};

#[test]
fn a_service_is_fetched_seen_at_once_and_its_withdrawals_mark_what_they_matched() {
    let row = |key| Row { key, at_s: 1_699_000_000 + i64::from(key), version: 1, is_withdrawn: false };
    let world: World = Arc::new(Mutex::new((0..10).map(row).collect()));
    let mock = Mock::start(Service::Tat.answer(world.clone(), 3));
    let dir = tempfile::tempdir().unwrap();
    let mut open = config(dir.path());
    open.allow_private_urls = true;
    let server = Running::start(open);
    let fields = json!({ "base_url": mock.url("") });
    let body = json!({ "bank": "T", "api": "tat", "api_json": fields });
    assert_eq!(server.post("/c/exchanges", &body).status, 201);
    server.fetch();
    let status = server.status("T");
    assert_eq!(
        (&status["last_fetch_succeeded"], &status["up_to_date"]),
        (&json!(false), &json!(false)),
        "{status}"
    );
    let why = server.get("/v1/exchanges/T/status").json()["why"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("credential username is missing"), "{why}");
    let credentials = json!({ "credential_json": { "username": "tester", "password": "geheim" } });
    assert_eq!(server.post("/c/exchanges/api/tat", &credentials).status, 200);
    server.fetch();
    let status = server.status("T");
    assert_eq!((&status["fetched_items"], &status["up_to_date"]), (&json!(10), &json!(true)), "{status}");
    assert_eq!(
        (&status["last_fetch_succeeded"], &status["running_fetch_start_ts"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(status["checkpoint_ts"], 1_699_000_009);
    let before = server.found("pdq", &pdq(4)).len();
    assert!(before > 0);
    // A look-up that is written down: it is in the store a moment after its answer.
    let asked = server.post("/v1/lookup", &json!({ "signals": [{ "type": "pdq", "value": pdq(4) }] }));
    assert_eq!(asked.status, 200, "{}", asked.text);
    let events = || server.app().readers.read_now(|store| Ok(store.match_events(0, 100)?)).unwrap();
    while events().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for row in world.lock().unwrap().iter_mut().filter(|row| row.key == 4) {
        (row.is_withdrawn, row.at_s) = (true, 1_699_000_100);
    }
    server.fetch();
    assert_eq!(server.found("pdq", &pdq(4)).len(), before - 1);
    assert_eq!(server.status("T")["fetched_items"], 9);
    let marked = server
        .app()
        .readers
        .read_now(|store| {
            let labels = store.match_events(0, 100)?.into_iter().map(|event| store.labels_of(&event.id));
            Ok(labels.collect::<Result<Vec<_>, _>>()?)
        })
        .unwrap();
    assert_eq!(
        marked.iter().filter(|labels| labels.contains(&WITHDRAWN.to_owned())).count(),
        1,
        "{marked:?}"
    );
    // A fetch that fails leaves everything as it was, and says why.
    mock.plan([Fault::Status(401, None)]);
    server.fetch();
    let told = server.get("/v1/exchanges/T/status").json();
    assert_eq!((&told["last_fetch_succeeded"], &told["fetched_items"]), (&json!(false), &json!(9)), "{told}");
    assert!(told["why"].as_str().unwrap().contains("credentials"), "{told}");
    assert!(!told.to_string().contains("geheim"));
    server.stop();
}

#[test]
fn an_inner_address_is_asked_only_where_the_operator_says_so() {
    let mock = Mock::start(|_: &Asked| Reply::status(500));
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let body =
        json!({ "bank": "T", "api": "tat", "api_json": { "base_url": mock.url(""), "operator": true } });
    assert_eq!(server.post("/c/exchanges", &body).status, 201);
    let credentials = json!({ "credential_json": { "username": "tester", "password": "geheim" } });
    assert_eq!(server.post("/c/exchanges/api/tat", &credentials).status, 200);
    server.fetch();
    let told = server.get("/v1/exchanges/T/status").json();
    assert!(told["why"].as_str().unwrap().contains("loopback only"), "{told}");
    assert!(mock.asked().is_empty());
    server.stop();
}
