//! `/dev`: shortcuts that are offered with `--dev` only.

use serde_json::json;

use super::client::{Server, pdq};

#[test]
fn a_factory_reset_empties_everything_and_ids_begin_at_1_again() {
    let server = Server::start(&[]);
    for round in 0..2 {
        server.bank("RESET");
        let hash = pdq(600 + round);
        assert_eq!(server.signal("RESET", &json!({ "pdq": hash })), 1);
        assert_eq!(server.signal("RESET", &json!({ "pdq": hash })), 2);
        server.post("/c/exchanges", &json!({ "bank": "LIST", "api": "sample" }));
        let credentials = json!({ "credential_json": { "user": "u", "password": "p" } });
        assert_eq!(server.post("/c/exchanges/api/ncmec", &credentials).status, 200);
        assert_eq!(server.put("/c/signal_type/video_md5", &json!({ "enabled_ratio": 0 })).status, 200);
        let reset = server.send("POST", "/dev/factory_reset", &[], b"");
        assert_eq!(reset.status, 302, "{}", reset.text());
        assert!(reset.header("location").unwrap().starts_with("/ui"));
        server.check(&[
            ("GET /c/banks", "", 200, "[]"),
            ("GET /c/exchanges", "", 200, "[]"),
            ("GET /c/exchanges/api/ncmec", "", 200, "~\"has_set_authentification\":false"),
            (
                "GET /c/signal_type",
                "",
                200,
                r#"[{"enabled_ratio":1.0,"name":"pdq"},{"enabled_ratio":1.0,"name":"video_md5"}]"#,
            ),
            (&format!("GET /m/raw_lookup?signal_type=pdq&signal={hash}"), "", 200, r#"{"matches":[]}"#),
            (
                "GET /m/index/status?signal_type=pdq",
                "",
                200,
                r#"{"pdq":{"built_to":-1,"present":false,"size":0}}"#,
            ),
            ("GET /status", "", 200, "~I-AM-ALIVE"),
        ]);
    }
}

#[test]
fn samples_and_seeds_are_made_on_demand() {
    let server = Server::start(&[]);
    for path in ["/dev/setup_sample_example", "/dev/setup_tx_example", "/dev/seed_banks", "/dev/run_fetch"] {
        let done = server.send("POST", path, &[], b"");
        assert_eq!(done.status, 302, "{path} {}", done.text());
        assert_eq!(server.get(path).status, 405, "{path}");
    }
    assert_eq!(server.get("/c/exchanges").json().as_array().unwrap().len(), 2);
    assert!(server.get("/c/banks").json().as_array().unwrap().len() >= 3);
    // HMA answers 500 the second time.
    let again = server.send("POST", "/dev/setup_sample_example", &[], b"");
    assert!(matches!(again.status, 302 | 403), "{}", again.status);
}

#[test]
fn in_production_there_is_no_dev() {
    let server = Server::with(&["--open"]);
    for path in ["factory_reset", "run_fetch", "seed_banks", "setup_sample_example", "setup_tx_example"] {
        assert_eq!(server.send("POST", &format!("/dev/{path}"), &[], b"").status, 404, "{path}");
    }
    assert!(!server.get("/site-map").text().contains("/dev/"));
}
