//! `lodestone exchange` against services on loopback: the mocks of the clients' own tests, asked over real connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::program::{Place, Ran};

// The services as they speak, which the clients are tested against. Not all of it is used here.
#[allow(dead_code)]
#[path = "../../../lodestone-exchange/tests/it/mock/server.rs"]
pub(crate) mod server;
#[allow(dead_code)]
#[path = "../../../lodestone-exchange/tests/it/mock/services.rs"]
mod services;

use server::{Asked, Fault, Mock, Reply};
use services::{Row, Service, World, pdq};

const ROWS: u32 = 10;
const PAGE: usize = 3;

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn world() -> World {
    let row = |key| Row { key, at_s: 1_699_000_000 + i64::from(key), version: 1, is_withdrawn: false };
    Arc::new(Mutex::new((0..ROWS).map(row).collect()))
}

fn withdraw(world: &World, key: u32) {
    let mut rows = world.lock().unwrap();
    let row = rows.iter_mut().find(|row| row.key == key).unwrap();
    (row.is_withdrawn, row.at_s) = (true, now_s() - 1);
    let row = row.clone();
    // Told last, as a change.
    rows.retain(|row| row.key != key);
    rows.push(row);
}

/// Credentials of every service.
fn with_files(place: &Place) {
    let credentials = json!({
        "user": "tester", "password": "geheim", "username": "tester", "api_token": "123456789|secret-secret-secret",
        "fetch_function_key": "fetch-key", "feedback_function_key": "feedback-key", "subscription_key": "subscription",
    });
    place.put("credentials.json", credentials.to_string());
    place.put("settings.json", json!({ "privacy_group": 77, "attempts": 1 }).to_string());
}

fn add(place: &Place, service: Service, mock: &Mock) -> Ran {
    let url = mock.url(service.path());
    place.run(&[
        "exchange",
        "add",
        "LISTED",
        "--api",
        service.api(),
        "--base-url",
        &url,
        "--credentials",
        "credentials.json",
        "--settings",
        "settings.json",
        "--data",
        "state",
    ])
}

fn fetch(place: &Place, more: &[&str]) -> Ran {
    place.run(&[&["exchange", "fetch", "LISTED", "--data", "state", "--format", "ndjson"], more].concat())
}

/// Ids of the entries that a value matches.
fn matched(place: &Place, key: u32) -> Vec<String> {
    let signal = format!("pdq:{}", pdq(key));
    let ran = place.run(&["match", "--signal", &signal, "--data", "state", "--format", "ndjson"]);
    let objects = ran.objects();
    let found =
        objects.iter().find(|object| object["matches"].is_array()).unwrap_or_else(|| panic!("{}", ran.err));
    let ids =
        found["matches"].as_array().unwrap().iter().map(|one| one["entry"].as_str().unwrap().to_owned());
    ids.collect()
}

/// What the bank holds: id, values and words of every entry.
fn held(place: &Place) -> Vec<Value> {
    let ran = place.run(&["bank", "export", "LISTED", "--as", "ndjson", "--data", "state"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut rows: Vec<Value> = ran
        .objects()
        .into_iter()
        .map(|row| json!([row["entry"], row["signals"], row["classification"], row["tags"]]))
        .collect();
    rows.sort_by_key(Value::to_string);
    rows
}

#[test]
fn lists_are_fetched_matched_and_what_is_withdrawn_matches_no_more() {
    for service in Service::ALL {
        let place = Place::new();
        with_files(&place);
        let world = world();
        let mock = Mock::start(service.answer(world.clone(), PAGE));
        let made = add(&place, service, &mock);
        assert_eq!(made.code, Some(0), "{service:?} {}", made.err);
        assert_eq!(add(&place, service, &mock).code, Some(2), "twice");
        assert!(place.path("state/secret.key").is_file());
        let dry = fetch(&place, &["--dry-run"]);
        assert_eq!(dry.code, Some(0), "{service:?} {}", dry.err);
        assert_eq!((&dry.objects()[0]["added"], &dry.objects()[0]["dry_run"]), (&json!(ROWS), &json!(true)));
        assert!(held(&place).is_empty(), "a dry run changes nothing");
        let done = fetch(&place, &[]);
        let told = &done.objects()[0];
        assert_eq!(done.code, Some(0), "{service:?} {}", done.err);
        assert_eq!(
            (&told["added"], &told["up_to_date"], &told["why"]),
            (&json!(ROWS), &json!(true), &Value::Null)
        );
        assert!(told["pages"].as_u64().unwrap() >= 4, "{told}");
        assert!(matched(&place, 4).contains(&service.id(4)), "{service:?}");
        let again = fetch(&place, &[]);
        assert_eq!((&again.objects()[0]["added"], &again.objects()[0]["removed"]), (&json!(0), &json!(0)));
        withdraw(&world, 4);
        let done = fetch(&place, &[]);
        assert_eq!(
            (done.code, &done.objects()[0]["removed"]),
            (Some(0), &json!(1)),
            "{service:?} {}",
            done.out
        );
        assert!(!matched(&place, 4).contains(&service.id(4)), "{service:?}");
        assert!(matched(&place, 5).contains(&service.id(5)), "{service:?}");
        let status = place.run(&["exchange", "status", "LISTED", "--data", "state", "--format", "ndjson"]);
        let status = &status.objects()[0];
        assert_eq!((&status["fetched_items"], &status["up_to_date"]), (&json!(ROWS - 1), &json!(true)));
        assert!(!status.to_string().contains("geheim"), "{status}");
    }
}

#[test]
fn a_fetch_that_breaks_at_any_page_goes_on_there_and_ends_with_the_same_bank() {
    for service in Service::ALL {
        let whole = Place::new();
        with_files(&whole);
        let mock = Mock::start(service.answer(world(), PAGE));
        assert_eq!(add(&whole, service, &mock).code, Some(0));
        assert_eq!(fetch(&whole, &[]).code, Some(0));
        let requests = mock.asked().len();
        let want = held(&whole);
        assert_eq!(want.len(), ROWS as usize);
        let mut broken = 0;
        for at in 0..requests {
            let place = Place::new();
            with_files(&place);
            assert_eq!(add(&place, service, &mock).code, Some(0));
            mock.plan(std::iter::repeat_n(Fault::Pass, at).chain([Fault::Cut(50)]));
            let cut = fetch(&place, &[]);
            if cut.code == Some(2) {
                broken += 1;
                assert!(cut.err.contains("exchange LISTED: "), "{}", cut.err);
                let status =
                    place.run(&["exchange", "status", "LISTED", "--data", "state", "--format", "ndjson"]);
                assert_eq!(status.objects()[0]["last_fetch_succeeded"], false);
                assert!(status.objects()[0]["why"].is_string());
                let gone_on = fetch(&place, &[]);
                assert_eq!(gone_on.code, Some(0), "{service:?} {at} {}", gone_on.err);
                let rest = gone_on.objects()[0]["added"].as_u64().unwrap();
                assert!(at < 2 || rest < u64::from(ROWS), "{service:?} {at}: from the beginning");
            }
            assert_eq!(held(&place), want, "{service:?} broken at request {at}");
        }
        assert!(broken + 1 >= requests, "{service:?}: {broken} of {requests}");
    }
}

#[test]
fn a_killed_fetch_loses_nothing_and_the_next_one_goes_on() {
    let place = Place::new();
    with_files(&place);
    let mut answer = Service::Ncmec.answer(world(), PAGE);
    let (asked, hangs) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(2)));
    let (counts, until) = (asked.clone(), hangs.clone());
    let mock = Mock::start(move |one| {
        let number = counts.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        while number >= until.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        answer(one)
    });
    assert_eq!(add(&place, Service::Ncmec, &mock).code, Some(0));
    let mut child = place.command(&["exchange", "fetch", "LISTED", "--data", "state"]).spawn().unwrap();
    while asked.load(Ordering::SeqCst) < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    hangs.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(held(&place).len(), 2 * PAGE, "two pages were kept");
    let done = fetch(&place, &[]);
    let told = &done.objects()[0];
    assert_eq!((done.code, &told["added"]), (Some(0), &json!(ROWS as usize - 2 * PAGE)), "{}", done.err);
    assert_eq!(held(&place).len(), ROWS as usize);
}

#[test]
fn wrong_credentials_are_told_and_nothing_is_lost() {
    let place = Place::new();
    with_files(&place);
    let world = world();
    let mock = Mock::start(Service::Ncmec.answer(world, PAGE));
    place.put("credentials.json", json!({ "user": "tester", "password": "falsch" }).to_string());
    assert_eq!(add(&place, Service::Ncmec, &mock).code, Some(0));
    let refused = fetch(&place, &[]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("refuses the credentials") && !refused.err.contains("falsch"),
        "{}",
        refused.err
    );
    place.put("credentials.json", json!({ "user": "tester" }).to_string());
    let url = mock.url("/hashsharing");
    let lacking = place.run(&[
        "exchange",
        "add",
        "B",
        "--api",
        "ncmec",
        "--base-url",
        &url,
        "--credentials",
        "credentials.json",
        "--data",
        "state",
    ]);
    assert!(lacking.code == Some(2) && lacking.err.contains("password is missing"), "{}", lacking.err);
    let unknown = place.run(&["exchange", "add", "B", "--api", "iwf", "--base-url", &url, "--data", "state"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("known: ncmec"), "{}", unknown.err);
    let plain = place.run(&[
        "exchange",
        "add",
        "B",
        "--api",
        "ncmec",
        "--base-url",
        "http://10.0.0.1/x",
        "--data",
        "state",
    ]);
    assert!(plain.code == Some(2) && plain.err.contains("https"), "{}", plain.err);
    let listed = place.run(&["exchange", "list", "--data", "state", "--format", "ndjson"]);
    assert_eq!(
        listed.objects(),
        [json!({ "exchange": "LISTED", "bank": "LISTED", "api": "ncmec", "enabled": true })]
    );
    assert_eq!(place.run(&["exchange", "remove", "LISTED", "--data", "state"]).code, Some(2));
    assert_eq!(place.run(&["exchange", "remove", "LISTED", "--yes", "--data", "state"]).code, Some(0));
    assert!(place.run(&["exchange", "list", "--data", "state", "--format", "ndjson"]).objects().is_empty());
}

fn records(asked: &Asked) -> Reply {
    if asked.method == "POST" {
        return Reply::json(&json!({}));
    }
    let record = |kind: &str, value: &str, status: &str| {
        json!({
            "lastModtimestamp": 1_699_000_000, "signalType": kind, "hashValue": value, "hashStatus": status,
            "caseNumbers": [], "CSPFeedbacks": [],
        })
    };
    Reply::json(&json!({
        "count": 4, "hasMoreRecords": false, "nextPageToken": null, "nextSetTimestamp": 1_699_000_000,
        "hashRecords": [
            record("ImagePDQ", &pdq(1), "Active"), record("ImagePDQ", "no hash", "Active"),
            record("ImageTomorrow", &pdq(2), "Active"), record("ImagePDQ", &pdq(3), "Dreamt"),
        ],
    }))
}

#[test]
fn what_cannot_be_read_is_counted_by_reason_and_a_vote_goes_back() {
    let place = Place::new();
    with_files(&place);
    let mock = Mock::start(records);
    assert_eq!(add(&place, Service::StopNcii, &mock).code, Some(0));
    let done = fetch(&place, &[]);
    let told = &done.objects()[0];
    assert_eq!((done.code, &told["added"], &told["rejected"]), (Some(0), &json!(1), &json!(1)), "{told}");
    assert_eq!(told["skipped"].as_object().unwrap().len(), 2, "{told}");
    assert!(!told.to_string().contains("no hash"), "{told}");
    let entry = Service::StopNcii.id(1);
    mock.asked();
    let voted = place.run(&["exchange", "vote", "LISTED", &entry, "--confirm", "--data", "state"]);
    assert_eq!(voted.code, Some(0), "{}", voted.err);
    let sent = mock.asked();
    assert_eq!((sent.len(), sent[0].method.as_str(), sent[0].path()), (1, "POST", "/v1/SubmitFeedback"));
    let none = place.run(&["exchange", "vote", "LISTED", "no-such", "--confirm", "--data", "state"]);
    assert_eq!(none.code, Some(2));
}

#[test]
fn nothing_unexamined_leaves_a_known_real_bank_without_a_person() {
    let place = Place::new();
    let md5 = |number: u32| format!("md5:{number:032x}");
    place.put("list.txt", format!("{:032x}\n", 7));
    assert_eq!(place.run(&["bank", "import", "B", "md5:list.txt", "--data", "state"]).code, Some(0));
    let added = place.run(&["bank", "add", "B", "--signal", &md5(8), "--id", "own", "--data", "state"]);
    assert_eq!(added.code, Some(0), "{}", added.err);
    let export = |more: &[&str]| {
        place.run(&[&["bank", "export", "B", "--as", "ndjson", "--data", "state"], more].concat())
    };
    let gated = export(&["--out", "out.ndjson"]);
    assert_eq!(gated.code, Some(0), "{}", gated.err);
    assert!(gated.err.contains("1 entry is held back (unexamined 1)"), "{}", gated.err);
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert!(
        read("out.ndjson").contains(&format!("{:032x}", 7))
            && !read("out.ndjson").contains(&format!("{:032x}", 8))
    );
    let held: Value = serde_json::from_str(read("out.ndjson.held.ndjson").trim()).unwrap();
    assert_eq!((&held["entry"], &held["reasons"][0]["code"]), (&json!("own"), &json!("unexamined")));
    assert_eq!(export(&[]).out.lines().count(), 1);
    let released = export(&["--release-held"]);
    assert_eq!((released.code, released.out.lines().count()), (Some(0), 2), "{}", released.err);
}

#[test]
fn a_vote_that_cannot_be_sent_now_waits_and_is_sent_later_in_order() {
    let place = Place::new();
    with_files(&place);
    let mock = Mock::start(Service::StopNcii.answer(world(), PAGE));
    assert_eq!(add(&place, Service::StopNcii, &mock).code, Some(0));
    assert_eq!(fetch(&place, &[]).code, Some(0));
    drop(mock);
    let [first, second] = [1, 2].map(|key| Service::StopNcii.id(key));
    let vote =
        |entry: &str, says: &str| place.run(&["exchange", "vote", "LISTED", entry, says, "--data", "state"]);
    let voted = vote(&first, "--confirm");
    assert_eq!(voted.code, Some(2), "{}", voted.err);
    assert!(voted.err.contains("is kept and was not sent"), "{}", voted.err);
    let voted = vote(&second, "--confirm");
    assert!(voted.code == Some(2) && voted.err.contains("one before it is not taken now"), "{}", voted.err);
    assert_eq!(vote(&first, "--dispute").code, Some(2), "instead of the first one, behind the second");
    let waiting = || {
        let ran = place.run(&["exchange", "votes", "--data", "state", "--format", "ndjson"]);
        let of = |vote: Value| {
            assert_eq!(vote["state"], "pending", "{vote}");
            (
                vote["vote"]["entry"].as_str().unwrap().to_owned(),
                vote["vote"]["says"].as_str().unwrap().to_owned(),
            )
        };
        (ran.code, ran.objects().into_iter().map(of).collect::<Vec<_>>())
    };
    let of = |entry: &str, says: &str| (entry.to_owned(), says.to_owned());
    assert_eq!(waiting(), (Some(0), vec![of(&second, "confirm"), of(&first, "dispute")]));
    let status = place.run(&["exchange", "status", "LISTED", "--data", "state"]);
    assert!(status.out.contains("2 votes wait to be sent, 0 votes are given up"), "{}", status.out);
    let send = || place.run(&["exchange", "votes", "LISTED", "--send", "--data", "state"]);
    assert_eq!(send().code, Some(2), "nobody answers");
    // Somebody answers there again.
    let mock = Mock::start(|asked: &Asked| {
        assert_eq!(asked.path(), "/v1/SubmitFeedback");
        Reply::json(&json!({}))
    });
    let mut store = lodestone_store::Store::open(&place.path("state")).unwrap();
    let mut config = store.exchange("LISTED").unwrap().unwrap().config;
    config["base_url"] = json!(mock.url("/v1"));
    store.batch(1, |batch| batch.change_exchange("LISTED", Some(&config), None)).unwrap();
    drop(store);
    let sent = send();
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    assert!(sent.err.contains("2 votes sent"), "{}", sent.err);
    let bodies: Vec<String> =
        mock.asked().iter().map(|asked| String::from_utf8_lossy(&asked.body).into_owned()).collect();
    assert!(bodies[0].contains(&pdq(2)) && bodies[1].contains(&pdq(1)), "{bodies:?}");
    assert!(bodies[0].contains("\"Blocked\"") && bodies[1].contains("\"NotBlocked\""), "{bodies:?}");
    assert_eq!(waiting(), (Some(0), Vec::new()));
}

#[test]
fn what_too_few_members_hold_is_matched_for_a_person_to_look_at() {
    let place = Place::new();
    with_files(&place);
    let mock = Mock::start(Service::Ncmec.answer(world(), PAGE));
    assert_eq!(add(&place, Service::Ncmec, &mock).code, Some(0));
    assert_eq!(fetch(&place, &[]).code, Some(0));
    let signal = format!("pdq:{}", pdq(4));
    let matched = || {
        let ran = place.run(&["match", "--signal", &signal, "--data", "state", "--format", "ndjson"]);
        let id = Service::Ncmec.id(4);
        let found = ran.of_kind("signal").remove(0)["matches"].take();
        let own = found.as_array().unwrap().iter().find(|one| one["entry"] == id.as_str()).cloned().unwrap();
        (ran.code, own["standing"].clone())
    };
    assert_eq!(matched(), (Some(1), Value::Null));
    let none = place.run(&["bank", "set", "LISTED", "--data", "state"]);
    assert!(none.code == Some(2) && none.err.contains("--members-needed"), "{}", none.err);
    let needed = ["--members-needed", "2", "--confirmations-needed", "1"];
    let set = place.run(&[&["bank", "set", "LISTED", "--data", "state"], needed.as_slice()].concat());
    assert_eq!(set.code, Some(0), "{}", set.err);
    assert!(set.err.contains("asks for 2 members or 1 confirmation"), "{}", set.err);
    let shown =
        place.run(&["bank", "show", "LISTED", "--data", "state", "--format", "ndjson"]).objects().remove(0);
    assert_eq!((&shown["members_needed"], &shown["confirmations_needed"]), (&json!(2), &json!(1)));
    let listed = place.run(&["bank", "list", "--data", "state"]);
    assert!(listed.out.contains("asks for 2 members or 1 confirmation"), "{}", listed.out);
    assert_eq!(matched(), (Some(1), json!("review")), "it is a match all the same");
    let text = place.run(&["match", "--signal", &signal, "--data", "state"]);
    assert!(text.out.contains("for a person to look at: fewer members hold or confirm it"), "{}", text.out);
    // A person confirms it.
    let mut store = lodestone_store::Store::open(&place.path("state")).unwrap();
    let no = store.entry("LISTED", &Service::Ncmec.id(4)).unwrap().unwrap().entry_no;
    store.batch(1, |batch| batch.set_opinion(no, "anna", lodestone_store::Opinion::Confirm, None)).unwrap();
    drop(store);
    assert_eq!(matched(), (Some(1), Value::Null));
}
