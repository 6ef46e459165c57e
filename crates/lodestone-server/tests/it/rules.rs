//! Rules by their routes: what they may name, and what they follow.

use serde_json::{Value, json};

use crate::running::{Running, config};

fn banks_of(server: &Running, rule: &Value) -> Value {
    server.get(&format!("/v1/rules/{rule}")).json()["when"]["banks"].clone()
}

#[test]
fn a_rule_names_banks_that_are_there_and_receivers_that_may_be_sent_to() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.post("/v1/banks", &json!({ "name": "A", "kind": "own" })).status, 201);
    let rule = |banks: Value, then: Value| json!({ "name": "n", "when": { "banks": banks }, "then": [then] });
    let label = || json!({ "label": "seen" });
    let made = server.post("/v1/rules", &rule(json!(["A"]), label()));
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].clone();
    let unknown = server.post("/v1/rules", &rule(json!(["A", "B"]), label()));
    assert_eq!(unknown.message(), (422, "when.banks: no bank 'B'".to_owned()));
    assert_eq!(server.put(&format!("/v1/rules/{id}"), &rule(json!(["B"]), label())).status, 422);
    assert_eq!(banks_of(&server, &id), json!(["A"]), "as it was");
    // Nothing may be sent to this machine, nor to ports that are no web server's.
    for url in ["http://127.0.0.1/", "https://[::1]/", "https://192.168.1.1/hook", "https://8.8.8.8:22/"] {
        let refused = server.post("/v1/rules", &rule(json!(["A"]), json!({ "webhook": { "url": url } })));
        assert_eq!(refused.status, 400, "{url}");
        assert!(refused.message().1.starts_with("webhook.url: refused"), "{refused:?}");
    }
    let named = json!({ "webhook": { "url": "https://hooks.example/lodestone" } });
    assert_eq!(
        server.post("/v1/rules", &rule(json!(["A"]), named)).status,
        201,
        "a name is asked when it is sent to"
    );
    server.stop();
}

#[test]
fn rules_go_with_a_bank_that_is_renamed_by_either_route_and_are_in_force_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.post("/v1/banks", &json!({ "name": "A", "kind": "own" })).status, 201);
    let rule = json!({ "name": "n", "when": { "banks": ["A"] }, "then": [{ "label": "seen" }] });
    let id = server.post("/v1/rules", &rule).json()["id"].clone();
    let value = "0f".repeat(32);
    let contents = json!({ "contents": [{ "signals": { "pdq": value } }] });
    assert_eq!(server.post("/v1/banks/A/content", &contents).status, 200);
    assert_eq!(server.put("/c/bank/A", &json!({ "name": "B" })).status, 200);
    assert_eq!(banks_of(&server, &id), json!(["B"]));
    let patched = server.send("PATCH", "/v1/banks/B", Some(("application/json", "{\"name\":\"C\"}")));
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(banks_of(&server, &id), json!(["C"]));
    let signals = json!([{ "type": "pdq", "value": value }]);
    assert_eq!(server.post("/v1/lookup", &json!({ "signals": signals })).json()["matched"], 1);
    let labels = server.wait_for(async {
        loop {
            let read = |store: &lodestone_store::Store| {
                let events = store.match_events(0, 10)?;
                Ok(events.first().map(|event| store.labels_of(&event.id)).transpose()?)
            };
            if let Some(labels) = server.app().readers.read(read).await.unwrap() {
                return labels;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert_eq!(labels, ["seen"]);
    server.stop();
}

#[test]
fn reviews_of_a_queue_fill_their_page_whatever_lies_between() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let writer = server.app().writer.clone();
    server.wait_for(async move {
        let add = |batch: &mut lodestone_store::Batch<'_>| {
            for at in 0..30 {
                let queue = if at % 10 == 9 { "rare" } else { "usual" };
                batch.add_review(&format!("e{at}"), 0, &json!({ "queue": queue }).to_string())?;
            }
            Ok(())
        };
        writer.write(add).await.unwrap();
    });
    let page = server.get("/v1/reviews?queue=rare&limit=2").json();
    assert_eq!(page["reviews"].as_array().unwrap().len(), 2, "{page}");
    let rest = server.get(&format!("/v1/reviews?queue=rare&limit=2&after={}", page["next"])).json();
    assert_eq!((rest["reviews"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{rest}");
    server.stop();
}
