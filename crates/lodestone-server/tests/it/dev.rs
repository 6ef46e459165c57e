//! `/dev`.

use serde_json::json;

use crate::running::{Running, config};

#[test]
fn examples_are_set_up_and_send_to_the_pages() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    for path in ["/dev/setup_sample_example", "/dev/setup_tx_example", "/dev/seed_banks"] {
        let answer = server.send("POST", path, None);
        assert_eq!((answer.status, answer.location.as_deref()), (302, Some("/ui/")), "{path}");
        assert_eq!(server.send("POST", path, None).status, 403, "{path} a second time");
    }
    assert_eq!(server.get("/c/exchanges").json(), json!(["SEED_SAMPLE", "TX_EXAMPLE_COLLAB"]));
    assert_eq!(
        server.get("/c/exchange/TX_EXAMPLE_COLLAB").json()["privacy_group"],
        1_012_185_296_055_235_i64
    );
    let index = server.get("/m/index/status").json();
    assert_eq!((&index["pdq"]["size"], &index["video_md5"]["size"]), (&json!(5000), &json!(5000)));
    assert_eq!(server.get("/dev/seed_banks").status, 405);
    server.stop();
}

#[test]
fn after_a_reset_ids_begin_at_one_and_nothing_old_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let value = "0f".repeat(32);
    let add = || {
        assert_eq!(server.post("/c/banks", &json!({ "name": "B" })).status, 201);
        server.post("/c/bank/B/signal", &json!({ "pdq": value })).json()["id"].clone()
    };
    assert_eq!(add(), 1);
    server.send("POST", "/dev/setup_sample_example", None);
    server.fetch();
    assert_eq!(server.put("/c/signal_type/pdq", &json!({ "enabled_ratio": 0.5 })).status, 200);
    assert_eq!(server.send("POST", "/dev/factory_reset", None).status, 302);
    assert_eq!(server.get("/c/banks").json(), json!([]));
    assert_eq!(server.get("/c/exchanges").json(), json!([]));
    assert_eq!(server.get("/c/signal_type").json()[0]["enabled_ratio"], 1.0);
    assert!(server.found("pdq", &value).is_empty());
    assert_eq!(add(), 1);
    assert_eq!(server.found("pdq", &value), [1]);
    server.stop();
}

#[test]
fn without_dev_there_is_none_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut closed = config(dir.path());
    closed.dev = false;
    let server = Running::start(closed);
    assert_eq!(server.send("POST", "/dev/factory_reset", None).status, 404);
    assert!(!server.get("/site-map").text.contains("/dev/"));
    server.stop();
}

#[test]
fn a_ratio_that_was_set_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.put("/c/signal_type/pdq", &json!({ "enabled_ratio": 0.25 })).status, 200);
    server.stop();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.get("/c/signal_type").json()[0], json!({ "enabled_ratio": 0.25, "name": "pdq" }));
    server.stop();
}
