//! What a look-up holds and answers where banks have one value thousands of times.

use serde_json::{Value, json};

use crate::running::{Running, config};

/// A PDQ value that differs from `ab…` in so many bits.
fn pdq(bits: u32) -> String {
    let mut bytes = [0xabu8; 32];
    for bit in 0..bits as usize {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fill(server: &Running, bank: &str, signals: &Value, times: usize) {
    let contents: Vec<Value> = (0..times).map(|_| json!({ "signals": signals })).collect();
    let told = server.post(&format!("/v1/banks/{bank}/content"), &json!({ "contents": contents }));
    assert_eq!(told.status, 200, "{told:?}");
}

fn bank(server: &Running, name: &str, kind: &str) {
    assert_eq!(server.post("/v1/banks", &json!({ "name": name, "kind": kind })).status, 201);
}

#[test]
fn many_signals_that_match_one_value_thousands_of_times_are_counted_and_cut_and_never_no_match() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    bank(&server, "many", "known-real");
    bank(&server, "few", "known-real");
    fill(&server, "many", &json!({ "pdq": pdq(0) }), 3_000);
    fill(&server, "few", &json!({ "pdq": pdq(9) }), 2);
    // More than one search may find: it is made for fewer signals at a time. Between them what is no PDQ.
    let mut signals: Vec<Value> = (0..100).map(|at| json!({ "type": "pdq", "value": pdq(at % 8) })).collect();
    signals.insert(50, json!({ "type": "nope", "value": "x" }));
    signals.insert(70, json!({ "type": "md5", "value": "ab".repeat(16) }));
    let told = server.post("/v1/lookup", &json!({ "signals": signals, "limit": 10 })).json();
    let results = told["results"].as_array().unwrap();
    assert_eq!((results.len(), &told["matched"], &told["errors"]), (102, &json!(100), &json!(1)));
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["index"], at);
        match at {
            50 => assert!(result["error"].is_string()),
            70 => assert_eq!((&result["matches_total"], result.get("truncated")), (&json!(0), None)),
            _ => {
                assert_eq!((&result["matches_total"], &result["truncated"]), (&json!(3_002), &json!(true)));
                assert_eq!(result["matches"].as_array().unwrap().len(), 10);
            }
        }
    }
    assert_eq!((&told["truncated"], &told["left_out"]), (&json!(true), &json!(100 * (3_002 - 10))));
    // What is written down has matches of each bank, however near those of the other are.
    let events = server.wait_for(async { wait_for_events(&server, 100).await });
    for event in events {
        let of = |name: &str| {
            event["matches"].as_array().unwrap().iter().filter(|one| one["bank"] == name).count()
        };
        assert!(of("many") >= 16 && of("few") == 2, "{} {}", of("many"), of("few"));
        assert_eq!(event["left_out"], 3_002 - of("many") - of("few"));
    }
    server.stop();
}

/// The match log, once it has so many events.
async fn wait_for_events(server: &Running, count: usize) -> Vec<Value> {
    loop {
        let read = server.app().readers.read(|store| Ok(store.match_events(0, 1_000)?)).await.unwrap();
        if read.len() >= count {
            return read.iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn what_suppresses_is_named_by_its_first_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    bank(&server, "A", "known-real");
    bank(&server, "N", "negative");
    let digest = "cd".repeat(32);
    fill(&server, "A", &json!({ "pdq": pdq(0) }), 1);
    fill(&server, "N", &json!({ "sha256": digest }), 300);
    let signals = json!([
        { "type": "pdq", "value": pdq(0), "ref": "r" },
        { "type": "sha256", "value": digest, "ref": "r" },
    ]);
    let told = server.post("/v1/lookup", &json!({ "signals": signals })).json();
    let first = &told["results"][0];
    assert_eq!((&told["matched"], &first["matches"][0]["suppressed"]), (&json!(0), &json!(true)));
    assert_eq!(
        (&first["suppressed_by"][0]["bank"], &first["suppressed_by_total"]),
        (&json!("N"), &json!(300))
    );
    assert!(first["suppressed_by"].as_array().unwrap().len() < 100);
    server.stop();
}
