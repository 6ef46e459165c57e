//! `/c/bank/B/content/ID`: content shown, changed, removed.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::client::{Server, pdq};

/// A bank of this name with one content, its id and hash.
fn with_content(server: &Server, name: &str, number: u64) -> (u64, String) {
    server.bank(name);
    let hash = pdq(number);
    (server.signal(name, &json!({ "pdq": hash })), hash)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_content_is_told_with_what_was_asked_for() {
    let server = Server::shared();
    let (id, hash) = with_content(&server, "SHOWN", 100);
    let at = format!("GET /c/bank/SHOWN/content/{id}");
    let bank = r#""bank":{"matching_enabled_ratio":1.0,"name":"SHOWN"}"#;
    let plain = format!(r#"{{{bank},"disable_until_ts":1,"id":{id},"original_media_uri":null}}"#);
    let whole = format!(
        r#"{{{bank},"disable_until_ts":1,"id":{id},"original_media_uri":null,"signals":{{"pdq":"{hash}"}}}}"#
    );
    let ask = |query: &str| format!("{at}?{query}");
    server.check(&[
        (&at, "", 200, &plain),
        (&ask("include_signals=true"), "", 200, &whole),
        (&ask("include_signals=TRUE"), "", 200, &whole),
        (&ask("include_signals=true&include_metadata=True"), "", 200, &whole),
        // Only the word counts.
        (&ask("include_signals=1"), "", 200, &plain),
        (&ask("include_signals=yes"), "", 200, &plain),
        (&ask("include_signals="), "", 200, &plain),
        (&ask("include_metadata=true"), "", 200, &plain),
        (&format!("GET /c/bank/SHOWN/content/0{id}"), "", 200, &plain),
    ]);
}

#[test]
fn content_that_is_not_there_is_404_with_a_message_and_no_id_is_no_route() {
    let server = Server::shared();
    let (id, _) = with_content(&server, "MISSING", 110);
    let none = |id: &str| format!(r#"{{"message":"content '{id}' not found"}}"#);
    let bank = r#"{"message":"bank 'NO_SUCH' not found"}"#;
    server.check(&[
        ("GET /c/bank/MISSING/content/987654321", "", 404, &none("987654321")),
        ("PUT /c/bank/MISSING/content/987654321", r#"{"note":"x"}"#, 404, &none("987654321")),
        ("DELETE /c/bank/MISSING/content/987654321", "", 200, r#"{"deleted":0}"#),
        ("GET /c/bank/MISSING/content/0", "", 404, &none("0")),
        ("GET /c/bank/MISSING/content/2147483648", "", 404, &none("2147483648")),
        ("GET /c/bank/MISSING/content/9223372036854775807", "", 404, &none("9223372036854775807")),
        // HMA's database fails on numbers beyond its own.
        ("GET /c/bank/MISSING/content/99999999999999999999999", "", 404, "~not found"),
        ("PUT /c/bank/MISSING/content/99999999999999999999999", r#"{"note":"x"}"#, 404, "~not found"),
        ("DELETE /c/bank/MISSING/content/99999999999999999999999", "", 200, r#"{"deleted":0}"#),
        (&format!("GET /c/bank/NO_SUCH/content/{id}"), "", 404, bank),
        (&format!("PUT /c/bank/NO_SUCH/content/{id}"), "{}", 404, bank),
        (&format!("DELETE /c/bank/NO_SUCH/content/{id}"), "", 404, bank),
        ("GET /c/bank/MISSING/content/x", "", 404, "HTML"),
        ("GET /c/bank/MISSING/content/-1", "", 404, "HTML"),
        ("GET /c/bank/MISSING/content/1.0", "", 404, "HTML"),
        ("PUT /c/bank/MISSING/content/x", "{}", 404, "HTML"),
        ("DELETE /c/bank/MISSING/content/x", "", 404, "HTML"),
        ("GET /c/bank/MISSING/content/", "", 404, "HTML"),
    ]);
}

#[test]
fn another_bank_neither_shows_nor_changes_nor_removes_a_content() {
    // In HMA all of it works through any bank that exists.
    let server = Server::shared();
    let (id, hash) = with_content(&server, "OWNER", 120);
    server.bank("STRANGER");
    let at = format!("/c/bank/STRANGER/content/{id}");
    let none = format!(r#"{{"message":"content '{id}' not found"}}"#);
    server.check(&[
        (&format!("GET {at}"), "", 404, &none),
        (&format!("PUT {at}"), r#"{"disable_until_ts":0}"#, 404, &none),
        (&format!("DELETE {at}"), "", 200, r#"{"deleted":0}"#),
        (&format!("GET /m/lookup?signal_type=pdq&signal={hash}"), "", 200, "~OWNER"),
        (&format!("DELETE /c/bank/OWNER/content/{id}"), "", 200, r#"{"deleted":1}"#),
        (&format!("DELETE /c/bank/OWNER/content/{id}"), "", 200, r#"{"deleted":0}"#),
        (&format!("GET /m/lookup?signal_type=pdq&signal={hash}"), "", 200, "{}"),
    ]);
}

#[test]
fn a_change_is_answered_in_the_other_shape() {
    let server = Server::shared();
    let (id, _) = with_content(&server, "CHANGED", 130);
    let at = format!("PUT /c/bank/CHANGED/content/{id}");
    let told = |until: u64, note: &str| {
        format!(
            r#"{{"bank":{{"matching_enabled_ratio":1.0,"name":"CHANGED"}},"collab_metadata":{{}},"disable_until_ts":{until},"id":{id},"note":{note},"original_media_uri":null,"user_metadata":null}}"#
        )
    };
    let year = now_s() + 365 * 86_400;
    let invalid = |text: &str| format!(r#"{{"message":"Invalid int: '{text}'"}}"#);
    let note = "n".repeat(255);
    server.check(&[
        (&at, "{}", 200, &told(1, "null")),
        (&at, r#"{"disable_until_ts":0}"#, 200, &told(0, "null")),
        (&at, &format!(r#"{{"disable_until_ts":{year}}}"#), 200, &told(year, "null")),
        (&at, &format!(r#"{{"disable_until_ts":"{year}"}}"#), 200, &told(year, "null")),
        (&at, r#"{"disable_until_ts":12.7}"#, 200, &told(12, "null")),
        (&at, r#"{"disable_until_ts":true}"#, 200, &told(1, "null")),
        (
            &at,
            r#"{"disable_until_ts":-1}"#,
            400,
            r#"{"message":"disable_until_ts must be a non-negative integer"}"#,
        ),
        (
            &at,
            r#"{"disable_until_ts":9999999999}"#,
            400,
            r#"{"message":"disable_until_ts must be less than 5 years in the future"}"#,
        ),
        (&at, r#"{"disable_until_ts":"x"}"#, 400, &invalid("x")),
        (&at, r#"{"disable_until_ts":"12.7"}"#, 400, &invalid("12.7")),
        (&at, r#"{"disable_until_ts":""}"#, 400, &invalid("")),
        (&at, r#"{"note":"hello"}"#, 200, &told(1, "\"hello\"")),
        (&at, r#"{"unknown":1}"#, 200, &told(1, "\"hello\"")),
        (&at, r#"{"note":"gr\u00fcn"}"#, 200, &told(1, r#""gr\u00fcn""#)),
        (&at, &format!(r#"{{"note":"{note}"}}"#), 200, &told(1, &format!("\"{note}\""))),
        (
            &at,
            &format!(r#"{{"note":"{note}n"}}"#),
            400,
            r#"{"message":"note must be at most 255 characters"}"#,
        ),
        (&at, r#"{"note":5}"#, 400, r#"{"message":"note should be a string"}"#),
        (&at, r#"{"note":null}"#, 200, &told(1, "null")),
        (&at, r#"{"disable_until_ts":5,"note":"both"}"#, 200, &told(5, "\"both\"")),
        // One wrong field: nothing is changed.
        (&at, r#"{"disable_until_ts":7,"note":5}"#, 400, ""),
        (&at, "{}", 200, &told(5, "\"both\"")),
        (&at, "", 415, "~Did not attempt to load JSON data"),
        (&at, "{bad", 400, "~The browser (or proxy) sent a request"),
        // HMA answers 500.
        (&at, r#"{"disable_until_ts":null}"#, 400, "~Invalid int"),
        (&at, r#"{"disable_until_ts":[1]}"#, 400, "~Invalid int"),
        (&at, r#"{"disable_until_ts":{}}"#, 400, "~Invalid int"),
        (&at, r#"{"disable_until_ts":1e300}"#, 400, ""),
        (&at, r#"{"disable_until_ts":123456789012345678901234567890}"#, 400, ""),
        (&at, "[]", 400, "~message"),
        (&at, "null", 400, "~message"),
        (&at, "5", 400, "~message"),
    ]);
}

#[test]
fn content_that_is_off_is_left_out_of_lookups_but_not_of_raw_ones() {
    let server = Server::shared();
    let (id, hash) = with_content(&server, "STATES", 140);
    let full = format!("/m/lookup?signal_type=pdq&signal={hash}");
    let raw = format!("/m/raw_lookup?signal_type=pdq&signal={hash}");
    let found = json!({ "STATES": [{ "bank_content_id": id, "distance": "0" }] });
    for (until, on) in [(0, false), (1, true), (now_s() + 1000, false), (2, true), (now_s() - 5, true)] {
        let put = server.put(&format!("/c/bank/STATES/content/{id}"), &json!({ "disable_until_ts": until }));
        assert_eq!(put.status, 200);
        let expected = if on { found.clone() } else { json!({}) };
        assert_eq!(server.get(&full).json(), expected, "until {until}");
        assert_eq!(server.get(&format!("{full}&bypass_coinflip=true")).json(), expected, "until {until}");
        assert_eq!(server.get(&raw).json(), json!({ "matches": [id] }), "until {until}");
    }
}
