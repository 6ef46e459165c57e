//! `POST /c/bank/B/signal`: content added by its signals.

use serde_json::json;

use super::client::{Server, near, pdq};

const UNTYPED: &str = r#"{"message":"Did not attempt to load JSON data because the request Content-Type was not 'application/json'."}"#;
const GARBLED: &str =
    r#"{"message":"The browser (or proxy) sent a request that this server could not understand."}"#;
const INVALID: &str = r#"{"message":"Invalid pdq signal: invalid PDQ hash"}"#;

#[test]
fn signals_are_checked_and_told_as_they_are_kept() {
    let server = Server::start(&[]);
    server.bank("SIGNALS");
    let (one, two) = (pdq(1), pdq(2));
    let upper = one.to_uppercase();
    let to = "POST /c/bank/SIGNALS/signal";
    let md5 = "0123456789abcdef0123456789abcdef";
    let note = "ü".repeat(255);
    server.check(&[
        (to, &format!(r#"{{"pdq":"{one}"}}"#), 200, &format!(r#"{{"id":1,"signals":{{"pdq":"{one}"}}}}"#)),
        // The same hash is another content.
        (to, &format!(r#"{{"pdq":"{one}"}}"#), 200, &format!(r#"{{"id":2,"signals":{{"pdq":"{one}"}}}}"#)),
        (
            to,
            &format!(r#"{{"pdq":"{two}","video_md5":" {} ","note":"both"}}"#, md5.to_uppercase()),
            200,
            &format!(r#"{{"id":3,"signals":{{"pdq":"{two}","video_md5":"{md5}"}}}}"#),
        ),
        (to, &format!(r#"{{"pdq":"{upper}"}}"#), 400, INVALID),
        (to, &format!(r#"{{"pdq":" {one}"}}"#), 400, INVALID),
        (to, &format!(r#"{{"pdq":"{}"}}"#, &one[1..]), 400, INVALID),
        (to, &format!(r#"{{"pdq":"{one}0"}}"#), 400, INVALID),
        (to, r#"{"pdq":""}"#, 400, INVALID),
        (to, r#"{"video_md5":"xyz"}"#, 400, "~Invalid video_md5 signal: "),
        (to, r#"{"nope":"x"}"#, 400, r#"{"message":"No such signal type nope"}"#),
        (to, &format!(r#"{{"pdq":"{one}","nope":"x"}}"#), 400, r#"{"message":"No such signal type nope"}"#),
        (
            to,
            r#"{"md5":"0123456789abcdef0123456789abcdef"}"#,
            400,
            r#"{"message":"No such signal type md5"}"#,
        ),
        (to, "{}", 400, r#"{"message":"No signals given"}"#),
        (to, r#"{"note":"alone"}"#, 400, r#"{"message":"No signals given"}"#),
        (to, &format!(r#"{{"pdq":"{one}","note":5}}"#), 400, r#"{"message":"note should be a string"}"#),
        (
            to,
            &format!(r#"{{"pdq":"{one}","note":"{note}x"}}"#),
            400,
            r#"{"message":"note must be at most 255 characters"}"#,
        ),
        (to, &format!(r#"{{"pdq":"{one}","note":"{note}"}}"#), 200, "~\"id\":4"),
        (to, &format!(r#"{{"pdq":"{one}","note":null}}"#), 200, "~\"id\":5"),
        ("POST /c/bank/NO_SUCH/signal", "{}", 404, r#"{"message":"bank 'NO_SUCH' not found"}"#),
        (to, "{bad", 400, GARBLED),
        (to, "", 415, UNTYPED),
        // HMA answers 500.
        (to, "[]", 400, "~message"),
        (to, r#"["pdq"]"#, 400, "~message"),
        (to, r#""pdq""#, 400, "~message"),
        (to, "null", 400, "~message"),
        (to, "7", 400, "~message"),
        (to, r#"{"pdq":null}"#, 400, "~Invalid pdq signal"),
        (to, r#"{"pdq":5}"#, 400, "~Invalid pdq signal"),
        (to, r#"{"pdq":["a"]}"#, 400, "~Invalid pdq signal"),
        // What was refused left nothing.
        ("GET /m/index/status?signal_type=pdq", "", 200, "~\"size\":5"),
    ]);
    let plain = server.send("POST", "/c/bank/SIGNALS/signal", &[("Content-Type", "text/plain")], b"{}");
    assert_eq!((plain.status, plain.text().trim_end()), (415, UNTYPED));
}

#[test]
fn the_only_hash_there_is_is_found_at_once_and_gone_at_once() {
    // HMA finds nothing in an index of one hash, and new ones only minutes later.
    let server = Server::start(&[]);
    server.bank("ONE");
    let hash = pdq(7);
    let raw = |hash: &str| format!("/m/raw_lookup?signal_type=pdq&include_distance=true&signal={hash}");
    for round in 1..=20_u64 {
        let id = server.signal("ONE", &json!({ "pdq": hash }));
        assert_eq!(id, round);
        let found = server.get(&raw(&near(&hash, 31))).json();
        assert_eq!(found, json!({ "matches": [{ "bank_content_id": id, "distance": "31" }] }));
        let gone = server.delete(&format!("/c/bank/ONE/content/{id}"));
        assert_eq!((gone.status, gone.text()), (200, "{\"deleted\":1}\n"));
        assert_eq!(server.get(&raw(&hash)).json(), json!({ "matches": [] }));
    }
}
