//! Exchanges made over `/v1` and by the page's form; remote matchers that a look-up names, and what they cannot delay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::exchanging::server::{Asked, Fault, Mock, Reply};
use crate::running::{Answer, Running, config};

const PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

/// Starts a server that may ask on loopback, and waits for matchers so long.
fn start(dir: &tempfile::TempDir, wait: Duration) -> Running {
    let mut open = config(dir.path());
    open.allow_private_urls = true;
    open.remote_timeout = wait;
    Running::start(open)
}

fn make(server: &Running, name: &str, api: &str, config: &Value, credentials: &Value) -> Answer {
    let body = json!({ "name": name, "api": api, "config": config, "credentials": credentials });
    server.post("/v1/exchanges", &body)
}

fn ask(server: &Running, signals: &Value, remote: &Value) -> Answer {
    server.post("/v1/lookup", &json!({ "signals": signals, "remote": remote }))
}

fn pdq() -> Value {
    json!([{ "type": "pdq", "value": PDQ }])
}

/// Another Lodestone, which knows the first of what it is asked for.
fn peer(asked: &Asked) -> Reply {
    assert_eq!(asked.path(), "/v1/lookup");
    assert_eq!(asked.header("Authorization"), Some("Bearer geheim"));
    Reply::json(&json!({ "results": [
        { "index": 0, "matches": [{ "bank": "T", "bank_kind": "known-generated", "bank_content_id": 7, "distance": "4" }] },
        { "index": 1, "matches": [] },
    ] }))
}

#[test]
fn what_a_matcher_knows_is_told_beside_the_banks_and_counted_without_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let (server, mock) = (start(&dir, Duration::from_secs(20)), Mock::start(peer));
    let made = make(
        &server,
        "P",
        "remote_lodestone",
        &json!({ "base_url": mock.url("") }),
        &json!({ "token": "geheim" }),
    );
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!made.text.contains("geheim"), "{made:?}");
    let signals = json!([
        { "type": "pdq", "value": PDQ },
        { "type": "md5", "value": "ab".repeat(16) },
        { "type": "pdq", "value": "nonsense" },
    ]);
    let told = ask(&server, &signals, &json!(["P", "P"])).json();
    let remote = &told["remote"].as_array().unwrap()[..];
    assert_eq!(remote.len(), 1, "{told}");
    let results = remote[0]["results"].as_array().unwrap();
    let states: Vec<_> = results.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["answered", "answered", "not_asked"]);
    let found = &results[0]["matches"][0];
    assert_eq!(
        (&found["remote"], &found["bank"], &found["bank_kind"], &found["entry"], &found["distance"]),
        (&json!("P"), &json!("T"), &json!("known-generated"), &json!("7"), &json!("4"))
    );
    assert_eq!((&remote[0]["matched"], &remote[0]["not_asked"]), (&json!(1), &json!(1)));
    assert_eq!((&told["matched"], told["results"].as_array().unwrap().len()), (&json!(0), 3));
    let sent = String::from_utf8(mock.asked()[0].body.clone()).unwrap();
    assert!(sent.contains(PDQ) && !sent.contains("nonsense"));
    // One name needs no list.
    assert_eq!(ask(&server, &pdq(), &json!("P")).json()["remote"][0]["name"], "P");
    let metrics = server.get("/metrics").text;
    let counted = "lodestone_remote_items_total{exchange=\"P\",state=\"answered\"} ";
    assert!(metrics.contains(counted) && !metrics.contains(PDQ), "{metrics}");
    let audited = || server.get("/v1/audit/entries").text;
    let until = Instant::now() + Duration::from_secs(20);
    while !audited().contains("exchange.ask") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(audited().contains("exchange.ask") && !audited().contains(PDQ), "{}", audited());
    // It is fetched from by nobody, and its bank is empty.
    server.fetch();
    let status = server.status("P");
    assert_eq!((&status["fetched_items"], &status["last_fetch_succeeded"]), (&json!(0), &Value::Null));
    server.stop();
}

#[test]
fn a_matcher_that_is_slow_fails_or_wants_to_be_left_alone_delays_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, Duration::from_millis(700));
    let delay = Arc::new(AtomicU64::new(0));
    let slow = delay.clone();
    let mock = Mock::start(move |asked: &Asked| {
        std::thread::sleep(Duration::from_millis(slow.load(Ordering::SeqCst)));
        peer(asked)
    });
    let config = json!({ "base_url": mock.url("") });
    assert_eq!(make(&server, "P", "remote_matcher", &config, &json!({ "token": "geheim" })).status, 201);
    let state = || {
        let told = ask(&server, &pdq(), &json!("P"));
        assert_eq!(told.status, 200, "{told:?}");
        let told = told.json();
        assert_eq!(told["results"][0]["matches"], json!([]), "the banks answer all the same");
        let one = &told["remote"][0]["results"][0];
        let of = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        (of("state"), of("reason"))
    };
    assert_eq!(state().0, "answered");
    for fault in [Fault::Close, Fault::Cut(50), Fault::Status(500, None), Fault::Garbage] {
        mock.plan([fault.clone(), fault.clone()]);
        let (state, reason) = state();
        assert!(state == "failed" && !reason.is_empty(), "{fault:?}: {state} {reason}");
    }
    mock.plan([Fault::Status(500, None)]);
    assert_eq!(state().0, "answered", "once more is tried");
    delay.store(3000, Ordering::SeqCst);
    let begun = Instant::now();
    let (late, reason) = state();
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert!(late != "answered" && !reason.is_empty(), "{late} {reason}");
    delay.store(0, Ordering::SeqCst);
    // The mock is at its slow answer still.
    std::thread::sleep(Duration::from_millis(3000));
    mock.asked();
    mock.plan([Fault::Status(429, Some("600"))]);
    assert_eq!(state().0, "failed");
    assert_eq!(mock.asked().len(), 1);
    let (alone, reason) = state();
    assert!(alone == "not_asked" && reason.contains("left alone"), "{alone} {reason}");
    assert!(mock.asked().is_empty());
    assert_eq!(server.put("/c/exchange/P", &json!({ "enabled": false })).status, 200);
    assert!(state().1.contains("switched off"));
    for wrong in ["NOBODY", "S"] {
        server.post("/c/exchanges", &json!({ "bank": "S", "api": "sample" }));
        let told = ask(&server, &pdq(), &json!(wrong));
        assert!(told.status == 400 && told.text.contains("remote matcher"), "{told:?}");
    }
    server.stop();
}

#[test]
fn exchanges_of_every_kind_are_made_over_v1_with_their_own_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let token = json!({ "api_token": "1|2" });
    let keys = json!({ "fetch_function_key": "a", "subscription_key": "b", "feedback_function_key": "c" });
    let peer = json!({ "base_url": "https://peer.invalid", "bank": "THEIRS" });
    let matcher = json!({ "base_url": "https://peer.invalid" });
    let login = json!({ "username": "u", "password": "p" });
    for (name, api, config, credentials) in [
        ("L", "lodestone", peer.clone(), json!({ "token": "t" })),
        ("H", "hma", peer.clone(), json!({})),
        ("S", "stop_ncii", json!({ "environment": "production" }), keys),
        ("T", "tat", json!({ "environment": "production" }), login.clone()),
        ("F", "fb_threatexchange", json!({ "environment": "production", "privacy_group": 7 }), token),
        ("N", "ncmec", json!({ "environment": "test_Industry" }), json!({ "user": "u", "password": "p" })),
        ("A", "arachnid", json!({ "environment": "production", "send_files": true }), login),
        ("RH", "remote_hma", matcher.clone(), json!({})),
        ("RL", "remote_lodestone", matcher.clone(), json!({ "token": "t" })),
        ("RM", "remote_matcher", matcher, json!({})),
        ("X", "sample", json!({}), json!({})),
    ] {
        let made = make(&server, name, api, &config, &credentials);
        assert_eq!(made.status, 201, "{api} {made:?}");
        assert_eq!((&made.json()["api"], &made.json()["bank"]), (&json!(api), &json!(name)));
        assert_eq!(server.get(&format!("/c/exchange/{name}")).json()["api"], api, "told by HMA's route too");
        assert_eq!(make(&server, name, api, &config, &credentials).status, 403, "twice");
    }
    let n = server.get("/c/exchange/N").json();
    assert_eq!(n["environment"], "https://exttest.cybertip.org/hashsharing", "in HMA's words");
    let listed = server.get("/v1/exchanges").json();
    assert_eq!(listed["exchanges"].as_array().unwrap().len(), 11);
    assert!(!listed.to_string().contains("\"t\"") && !listed.to_string().contains("api_token"));
    for (api, config, credentials, why) in [
        ("iwf", json!({}), json!({}), "no interface"),
        ("tat", json!({}), json!({}), "base_url"),
        ("tat", json!({ "environment": "test" }), json!({}), "production"),
        ("tat", json!({ "base_url": "http://127.0.0.1:1" }), json!({}), "loopback"),
        ("tat", json!({ "base_url": "http://127.0.0.1:1", "operator": true }), json!({}), "no field"),
        ("lodestone", json!({ "base_url": "https://peer.invalid" }), json!({}), "bank"),
        ("arachnid", json!({ "environment": "production" }), json!({ "username": "u" }), "password"),
        ("ncmec", json!({ "environment": "test_Industry", "only_esp_ids": "1" }), json!({}), "only_esp_ids"),
    ] {
        let made = make(&server, "BAD", api, &config, &credentials);
        assert!(made.status == 400 && made.text.contains(why), "{api}: {made:?}");
    }
    assert_eq!(make(&server, "bad", "sample", &json!({}), &json!({})).status, 400);
    assert_eq!(server.get("/c/bank/BAD").status, 404, "nothing was left of them");
    // HMA's own route takes the same fields.
    let body =
        json!({ "bank": "H2", "api": "remote_hma", "api_json": { "base_url": "https://peer.invalid" } });
    assert_eq!(server.post("/c/exchanges", &body).status, 201);
    let interfaces = server.get("/v1/exchange_interfaces").json();
    let ncmec =
        interfaces["interfaces"].as_array().unwrap().iter().find(|one| one["api"] == "ncmec").unwrap();
    assert_eq!(ncmec["environments"][0], "test_Industry");
    server.stop();
}

#[test]
fn credentials_of_an_interface_go_to_no_peer() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&dir, Duration::from_secs(20));
    let mock = Mock::start(|asked: &Asked| {
        assert_eq!(asked.header("Authorization"), None);
        Reply::json(&json!({ "results": [{ "index": 0, "matches": [] }] }))
    });
    let body = json!({ "credential_json": { "token": "geheim" } });
    assert_eq!(server.post("/c/exchanges/api/remote_matcher", &body).status, 200);
    let config = json!({ "base_url": mock.url("") });
    assert_eq!(make(&server, "P", "remote_matcher", &config, &json!({})).status, 201);
    let told = ask(&server, &pdq(), &json!("P")).json();
    assert_eq!(told["remote"][0]["answered"], 1, "{told}");
    server.stop();
}

#[test]
fn the_page_makes_peers_and_matchers_and_fetched_content_tells_its_collab() {
    let dir = tempfile::tempdir().unwrap();
    let mut open = config(dir.path());
    open.allow_private_urls = true;
    let server = Running::start(open);
    let page = server.get("/ui/exchanges?api=tat");
    assert!(
        page.text.contains("name=\"f_environment\"") && page.text.contains("name=\"c_username\""),
        "{}",
        page.text
    );
    assert!(page.text.contains("<option value=\"\">"), "no environment is preset");
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mock = Mock::start(|asked: &Asked| match asked.path() {
        "/token-auth/tcap/" => Reply::json(&json!({ "token": "t" })),
        _ => Reply::json(
            &json!({ "count": 1, "next": null, "previous": null, "checkpoint": "1699000000,5", "results": [{
            "hash_digest": PDQ, "algorithm": "PDQ", "ideology": "i", "file_type": "png", "deleted": false,
            "updated_on": "2023-11-03T08:26:40Z", "created_on": "2023-11-03T08:26:40Z", "id": 5,
        }] }),
        ),
    });
    let send = |fields: &[(&str, &str)]| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token).extend_pairs(fields);
        server.send("POST", "/ui/exchanges", Some(("application/x-www-form-urlencoded", &form.finish())))
    };
    let made = send(&[
        ("bank", "T"),
        ("api", "tat"),
        ("f_environment", ""),
        ("f_base_url", &mock.url("")),
        ("c_username", "u"),
        ("c_password", "p"),
    ]);
    assert_eq!(
        (made.status, made.location.as_deref()),
        (303, Some("/ui/exchanges?did=made")),
        "{}",
        made.text
    );
    let made = send(&[("bank", "S"), ("api", "arachnid"), ("f_environment", "production")]);
    assert_eq!(made.status, 303, "{}", made.text);
    assert_eq!(send(&[("bank", "B"), ("api", "tat"), ("f_environment", "")]).status, 400);
    let page = server.get("/ui/exchanges").text;
    assert!(page.contains("its own") && page.contains("asked by look-ups"), "{page}");
    server.fetch();
    let id = server.found("pdq", PDQ)[0];
    let told = server.get(&format!("/c/bank/T/content/{id}?include_metadata=true")).json();
    assert_eq!(
        told["metadata"],
        json!({ "content_id": null, "content_uri": null, "json": null, "collab": { "T": ["5"] } })
    );
    server.stop();
}
