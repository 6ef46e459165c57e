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

/// NCMEC's list of four entries: one value that two members hold, one that one holds, one that another has confirmed.
fn ncmec(values: [String; 3]) -> impl FnMut(&Asked) -> Reply + Send + 'static {
    move |asked| {
        if asked.method == "PUT" {
            return Reply::ok("");
        }
        let [two, one, confirmed] = &values;
        let at = services::iso(1_699_000_000);
        let image = |member: u32, id: &str, value: &str, feedback: &str| {
            format!(
                "<image><member id=\"{member}\">M</member><timestamp>{at}</timestamp><id>{id}</id>\
                 <classification>A1</classification><fingerprints><pdq>{value}</pdq></fingerprints>{feedback}</image>"
            )
        };
        let vote = format!(
            "<feedback lastUpdateTimestamp=\"{at}\"><affirmativeFeedback type=\"Pdq\" lastUpdateTimestamp=\"{at}\">\
             <members timestamp=\"{at}\"><member id=\"43\">N</member></members></affirmativeFeedback></feedback>"
        );
        let images = [
            image(40, "a", two, ""),
            image(41, "b", two, ""),
            image(42, "c", one, ""),
            image(42, "d", confirmed, &vote),
        ];
        Reply::ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><queryResult \
             xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><images count=\"4\" \
             maxTimestamp=\"2017-10-24T15:10:00Z\">{}</images></queryResult>",
            images.concat()
        ))
    }
}

/// A server with NCMEC's bank, which asks for two members or a confirmation.
fn with_ncmec(dir: &std::path::Path, mock: &Mock, more: &Value) -> Running {
    let mut open = config(dir);
    open.allow_private_urls = true;
    let server = Running::start(open);
    let mut fields = json!({ "environment": "https://exttest.cybertip.org/hashsharing", "base_url": mock.url("/hashsharing") });
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    let body = json!({ "bank": "NC", "api": "ncmec", "api_json": fields });
    assert_eq!(server.post("/c/exchanges", &body).status, 201);
    let credentials = json!({ "credential_json": { "user": "tester", "password": "geheim" } });
    assert_eq!(server.post("/c/exchanges/api/ncmec", &credentials).status, 200);
    server.fetch();
    assert_eq!(server.status("NC")["fetched_items"], 4, "{}", server.get("/v1/exchanges/NC/status").text);
    let asks = "{\"members_needed\":2,\"confirmations_needed\":1}";
    let changed = server.send("PATCH", "/v1/banks/NC", Some(("application/json", asks)));
    assert_eq!((changed.status, &changed.json()["members_needed"]), (200, &json!(2)), "{}", changed.text);
    server
}

fn values() -> [String; 3] {
    ["0f", "33", "55"].map(|byte| byte.repeat(32))
}

/// What is done until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn what_too_few_members_hold_is_for_a_person_until_one_confirms_it() {
    let [two, one, confirmed] = values();
    let mock = Mock::start(ncmec(values()));
    let dir = tempfile::tempdir().unwrap();
    let server = with_ncmec(dir.path(), &mock, &json!({}));
    let rule = json!({ "name": "r", "when": { "banks": ["NC"] }, "then": [{ "label": "acted" }, { "review": { "queue": "q" } }] });
    assert_eq!(server.post("/v1/rules", &rule).status, 201);
    // HMA's routes.
    assert_eq!((server.found("pdq", &two).len(), server.found("pdq", &confirmed).len()), (2, 1));
    assert!(server.found("pdq", &one).is_empty());
    let asked = server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={one}&review=true")).json();
    assert_eq!(asked["matches"][0]["standing"], "review", "{asked}");
    let id = asked["matches"][0]["bank_content_id"].as_i64().unwrap();
    let raw = {
        use std::io::{Read as _, Write as _};
        let mut stream = server.connect();
        let target = format!("/m/lookup?signal_type=pdq&signal={one}");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.to_ascii_lowercase()
    };
    assert!(raw.contains("lodestone-for-review: 1\r\n") && raw.contains("{}"), "{raw}");
    let told = server.get(&format!("/m/lookup?signal_type=pdq&signal={two}")).json();
    assert_eq!(told["NC"].as_array().unwrap().len(), 2, "{told}");
    // Our own: told, and said to be for a person.
    let of = |value: &str| {
        let signals = json!({ "signals": [{ "type": "pdq", "value": value }] });
        server.post("/v1/lookup", &signals).json()["results"][0]["matches"][0].clone()
    };
    assert_eq!((&of(&one)["standing"], &of(&two)["standing"]), (&json!("review"), &Value::Null));
    // A review of each, and an action of those that stand.
    let read = |work: &dyn Fn(&lodestone_store::Store) -> Vec<(bool, bool)>| {
        server.app().readers.read_now(|store| Ok(work(store))).unwrap()
    };
    let events = |store: &lodestone_store::Store| -> Vec<(bool, bool)> {
        let events = store.match_events(0, 100).unwrap();
        let told = |event: lodestone_store::MatchEvent| {
            let acted = store.labels_of(&event.id).unwrap().contains(&"acted".to_owned());
            (event.body.contains("\"standing\":\"review\""), acted)
        };
        events.into_iter().map(told).collect()
    };
    until("four events", || read(&events).len() == 4);
    assert!(read(&events).iter().all(|(is_review, acted)| is_review != acted), "{:?}", read(&events));
    let reviews = server.get("/v1/reviews").json();
    assert_eq!(reviews["reviews"].as_array().unwrap().len(), 4, "{reviews}");
    // What members say is counted.
    let content =
        server.get(&format!("/v1/banks/NC/content?signal=pdq:{confirmed}")).json()["contents"][0].clone();
    assert_eq!(content["opinions"], json!({ "confirm": 1, "dispute": 0 }), "{content}");
    let opinions =
        server.get(&format!("/v1/banks/NC/content/{}/opinions", content["bank_content_id"])).json();
    assert_eq!(
        (&opinions["confirm"], opinions["members"].as_array().unwrap().len()),
        (&json!(1), 2),
        "{opinions}"
    );
    // A person's word suffices, at once; one against takes it away.
    let path = format!("/v1/banks/NC/content/{id}/opinions");
    assert_eq!(server.put(&path, &json!({ "opinion": "confirm" })).status, 200);
    assert_eq!(server.found("pdq", &one), [id.unsigned_abs()]);
    assert_eq!(server.delete(&path).status, 200);
    assert!(server.found("pdq", &one).is_empty());
    // Nothing was asked to vote.
    assert!(mock.asked().iter().all(|asked| asked.method == "GET"));
    let page = server.get("/ui/banks/NC").text;
    assert!(
        page.contains("asks for: 2 members or 1 confirmation") && page.contains("name=\"members_needed\""),
        "{page}"
    );
    server.stop();
}

#[test]
fn an_opinion_goes_back_as_a_vote_which_is_told_of_and_tried_again() {
    let [_, one, _] = values();
    let mock = Mock::start(ncmec(values()));
    let dir = tempfile::tempdir().unwrap();
    let server = with_ncmec(dir.path(), &mock, &json!({ "send_votes": true }));
    mock.asked();
    let content = server.get(&format!("/v1/banks/NC/content?signal=pdq:{one}")).json()["contents"][0].clone();
    let path = format!("/v1/banks/NC/content/{}/opinions", content["bank_content_id"]);
    mock.plan([Fault::Status(404, None)]);
    assert_eq!(server.put(&path, &json!({ "opinion": "confirm" })).status, 200);
    let votes = |state: &str| server.get(&format!("/v1/exchanges/NC/votes?state={state}")).json();
    until("it is dead", || votes("dead")["dead"] == 1);
    let dead = votes("dead")["votes"][0].clone();
    assert_eq!(
        (&dead["vote"]["entry"], &dead["vote"]["says"]),
        (&json!("42-c"), &json!("confirm")),
        "{dead}"
    );
    assert!(dead["last_error"].as_str().unwrap().contains("404"), "{dead}");
    let status = server.get("/v1/exchanges/NC/status").json();
    assert_eq!(status["votes"], json!({ "pending": 0, "dead": 1 }), "{status}");
    until("it is counted", || server.get("/metrics").text.contains("lodestone_votes_dead 1"));
    let retry = |no: &str| server.send("POST", &format!("/v1/exchanges/NC/votes/{no}/retry"), None);
    assert_eq!((retry("999").status, retry("x").status), (404, 404));
    assert_eq!(retry(&dead["no"].to_string()).json(), json!({ "retried": 1 }));
    until("it is sent", || votes("done")["votes"].as_array().unwrap().len() == 1);
    let sent: Vec<String> =
        mock.asked().iter().filter(|one| one.method == "PUT").map(|one| one.path().to_owned()).collect();
    assert_eq!(sent, ["/hashsharing/v2/entries/42/c/PDQ/feedback"; 2]);
    assert_eq!(retry("all").json(), json!({ "retried": 0 }));
    assert_eq!(server.get("/v1/exchanges/X/votes").status, 404);
    server.stop();
}
