//! `GET /m/raw_lookup`, `GET /m/lookup` with a signal, `GET /m/index/status`.

use serde_json::{Value, json};

use super::client::{Server, near, pdq};

#[test]
fn raw_lookups_give_ids_or_ids_with_distances_as_texts() {
    let server = Server::shared();
    server.bank("RAW");
    let hash = pdq(200);
    let md5 = "00112233445566778899aabbccddeeff";
    let id = server.signal("RAW", &json!({ "pdq": hash, "video_md5": md5 }));
    let raw = |hash: &str, more: &str| format!("GET /m/raw_lookup?signal_type=pdq&signal={hash}{more}");
    let plain = format!(r#"{{"matches":[{id}]}}"#);
    let at =
        |distance: &str| format!(r#"{{"matches":[{{"bank_content_id":{id},"distance":"{distance}"}}]}}"#);
    let none = r#"{"matches":[]}"#;
    server.check(&[
        (&raw(&hash, ""), "", 200, &plain),
        (&raw(&hash, "&include_distance=false"), "", 200, &plain),
        (&raw(&hash, "&include_distance=0"), "", 200, &plain),
        (&raw(&hash, "&include_distance=True"), "", 200, &at("0")),
        (&raw(&hash, "&include_distance=1"), "", 200, &at("0")),
        (&raw(&hash, "&include_distance=yes"), "", 200, &at("0")),
        (&raw(&hash, "&include_distance=ON"), "", 200, &at("0")),
        (&raw(&near(&hash, 1), "&include_distance=true"), "", 200, &at("1")),
        (&raw(&near(&hash, 16), "&include_distance=true"), "", 200, &at("16")),
        (&raw(&near(&hash, 30), "&include_distance=true"), "", 200, &at("30")),
        (&raw(&near(&hash, 31), "&include_distance=true"), "", 200, &at("31")),
        (&raw(&near(&hash, 31), ""), "", 200, &plain),
        (&raw(&near(&hash, 32), ""), "", 200, none),
        (&raw(&near(&hash, 256), ""), "", 200, none),
        (&raw(&hash, "&unknown=1&signal=x"), "", 200, &plain),
        (&raw(&hash, "&banks=RAW"), "", 200, &plain),
        (&raw(&hash, "&banks="), "", 200, &plain),
        (&raw(&hash, "&banks=A,RAW,B"), "", 200, &plain),
        (&raw(&hash, "&banks=RAW&include_distance=true"), "", 200, &at("0")),
        (&raw(&hash, "&banks=OTHER"), "", 200, none),
        (&raw(&hash, "&banks=raw"), "", 200, none),
        // Names are not trimmed.
        (&raw(&hash, "&banks=%20RAW"), "", 200, none),
        (&raw(&hash, "&banks=A,%20RAW"), "", 200, none),
        (&raw(&hash, "&banks=,"), "", 200, none),
        (&format!("GET /m/raw_lookup?signal_type=video_md5&signal={md5}"), "", 200, &plain),
        (
            &format!(
                "GET /m/raw_lookup?signal_type=video_md5&signal=%20{}%20&include_distance=t",
                md5.to_uppercase()
            ),
            "",
            200,
            &at("-"),
        ),
        ("GET /m/raw_lookup?signal_type=video_md5&signal=ffffffffffffffffffffffffffffffff", "", 200, none),
    ]);
}

#[test]
fn what_is_missing_or_wrong_in_a_raw_lookup_is_told() {
    let hash = pdq(201);
    let missing = |field: &str, input: &str| {
        format!(
            r#"{{"type":"missing","loc":["{field}"],"msg":"Field required","input":{input},"url":"https://errors.pydantic.dev/2.14/v/missing"}}"#
        )
    };
    let both = format!("[{},{}]", missing("signal", "{}"), missing("signal_type", "{}"));
    let kind = format!("[{}]", missing("signal_type", r#"{"signal":"x"}"#));
    let value = format!("[{}]", missing("signal", r#"{"signal_type":"pdq"}"#));
    let unclear = r#"[{"type":"bool_parsing","loc":["include_distance"],"msg":"Input should be a valid boolean, unable to interpret input","input":"maybe","url":"https://errors.pydantic.dev/2.14/v/bool_parsing"}]"#;
    let invalid = r#"{"message":"invalid signal: invalid PDQ hash"}"#;
    let raw = |signal: &str| format!("GET /m/raw_lookup?signal_type=pdq&signal={signal}");
    Server::shared().check(&[
        ("GET /m/raw_lookup", "", 422, &both),
        ("GET /m/raw_lookup?signal=x", "", 422, &kind),
        ("GET /m/raw_lookup?signal_type=pdq", "", 422, &value),
        (&raw(&format!("{hash}&include_distance=maybe")), "", 422, unclear),
        (&raw(&format!("{hash}&include_distance=")), "", 422, "~bool_parsing"),
        (&raw(""), "", 400, invalid),
        (&raw("xyz"), "", 400, invalid),
        (&raw(&hash.to_uppercase()), "", 400, invalid),
        (&raw(&format!("{hash}0")), "", 400, invalid),
        (&raw(&format!("%20{hash}")), "", 400, invalid),
        (&raw("%FF%00"), "", 400, invalid),
        ("GET /m/raw_lookup?signal_type=video_md5&signal=xyz", "", 400, "~invalid signal: "),
        (
            "GET /m/raw_lookup?signal_type=nope&signal=x",
            "",
            400,
            r#"{"message":"No such SignalType 'nope'"}"#,
        ),
        ("GET /m/raw_lookup?signal_type=PDQ&signal=x", "", 400, r#"{"message":"No such SignalType 'PDQ'"}"#),
        ("GET /m/raw_lookup?signal_type=&signal=x", "", 400, r#"{"message":"No such SignalType ''"}"#),
        ("GET /m/raw_lookup?signal_type=md5&signal=x", "", 400, r#"{"message":"No such SignalType 'md5'"}"#),
    ]);
}

#[test]
fn lookups_name_the_banks_that_match() {
    let server = Server::start(&[]);
    let hash = pdq(210);
    for name in ["LOOK_A", "LOOK_B", "LOOK_C"] {
        server.bank(name);
        server.signal(name, &json!({ "pdq": hash }));
    }
    server.signal("LOOK_A", &json!({ "pdq": near(&hash, 20), "video_md5": "0".repeat(31) + "1" }));
    let full = |more: &str| format!("GET /m/lookup?signal_type=pdq&signal={hash}{more}");
    let a = r#""LOOK_A":[{"bank_content_id":1,"distance":"0"},{"bank_content_id":4,"distance":"20"}]"#;
    let b = r#""LOOK_B":[{"bank_content_id":2,"distance":"0"}]"#;
    let c = r#""LOOK_C":[{"bank_content_id":3,"distance":"0"}]"#;
    let all = format!("{{{a},{b},{c}}}");
    let required = r#"{"message":"Either url or both signal and signal_type are required"}"#;
    server.check(&[
        (&full(""), "", 200, &all),
        (&full("&banks="), "", 200, &all),
        (&full("&seed=any"), "", 200, &all),
        (&full("&unknown=1"), "", 200, &all),
        (&full("&url="), "", 200, &all),
        (&full("&banks=LOOK_A"), "", 200, &format!("{{{a}}}")),
        (&full("&banks=LOOK_C,LOOK_A"), "", 200, &format!("{{{a},{c}}}")),
        (&full("&banks=LOOK_B,NONE"), "", 200, &format!("{{{b}}}")),
        (&full("&banks=NONE"), "", 200, "{}"),
        (&full("&banks=%20LOOK_A"), "", 200, "{}"),
        (&full("&bypass_coinflip=maybe"), "", 422, "~bool_parsing"),
        ("GET /m/lookup?signal_type=video_md5&signal=00000000000000000000000000000001", "", 200, r#"{"LOOK_A":[{"bank_content_id":4,"distance":"-"}]}"#),
        ("GET /m/lookup?signal_type=pdq&signal=5555555555555555555555555555555555555555555555555555555555555555", "", 200, "{}"),
        ("GET /m/lookup", "", 400, required),
        ("GET /m/lookup?signal=x", "", 400, required),
        ("GET /m/lookup?signal_type=pdq", "", 400, required),
        ("GET /m/lookup?signal_type=pdq&signal=", "", 400, required),
        ("GET /m/lookup?signal_type=&signal=x", "", 400, required),
        ("GET /m/lookup?seed=x&banks=LOOK_A", "", 400, required),
        ("GET /m/lookup?signal_type=pdq&signal=x", "", 400, r#"{"message":"invalid signal: invalid PDQ hash"}"#),
        ("GET /m/lookup?signal_type=nope&signal=x", "", 400, r#"{"message":"No such SignalType 'nope'"}"#),
    ]);
}

#[test]
fn the_index_says_what_it_holds() {
    let server = Server::start(&[]);
    let absent = r#"{"built_to":-1,"present":false,"size":0}"#;
    server.check(&[
        ("GET /m/index/status", "", 200, &format!(r#"{{"pdq":{absent},"video_md5":{absent}}}"#)),
        ("GET /m/index/status?signal_type=pdq", "", 200, &format!(r#"{{"pdq":{absent}}}"#)),
        ("GET /m/index/status?signal_type=nope", "", 400, r#"{"message":"No such signal type 'nope'"}"#),
        ("GET /c/signal_type/index?signal_type=nope", "", 400, r#"{"message":"No such signal type 'nope'"}"#),
    ]);
    server.bank("INDEX");
    for number in 0..5 {
        server.signal("INDEX", &json!({ "pdq": pdq(300 + number) }));
    }
    let status = server.get("/m/index/status").json();
    assert_eq!((&status["pdq"]["present"], &status["pdq"]["size"]), (&json!(true), &json!(5)));
    let built_to = status["pdq"]["built_to"].as_i64().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(built_to.abs_diff(i64::try_from(now).unwrap()) < 600, "{built_to} is seconds of now");
    assert_eq!(status["video_md5"], json!({ "built_to": -1, "present": false, "size": 0 }));
    let index = server.get("/c/signal_type/index").json();
    let expected = json!({
        "db_size": 5, "index_size": 5, "index_out_of_date": false,
        "newest_db_item": built_to, "index_built_to": built_to,
    });
    assert_eq!(index["pdq"], expected);
    assert_eq!(index["video_md5"]["index_out_of_date"], Value::Bool(false));
    assert_eq!(index["video_md5"]["db_size"], 0);
    let one = server.get("/c/signal_type/index?signal_type=pdq").json();
    assert_eq!(one, json!({ "pdq": expected }));
}

#[test]
fn whoever_adds_or_removes_sees_it_in_the_next_lookup_also_among_many() {
    let server = Server::shared();
    server.bank("MANY");
    let ids = std::sync::Mutex::new(std::collections::BTreeSet::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (server, ids) = (&server, &ids);
            scope.spawn(move || {
                for round in 0..15 {
                    let hash = pdq(10_000 + thread * 100 + round);
                    let id = server.signal("MANY", &json!({ "pdq": hash }));
                    assert!(ids.lock().unwrap().insert(id), "{id} twice");
                    let raw = format!("/m/raw_lookup?signal_type=pdq&signal={}", near(&hash, 10));
                    assert_eq!(server.get(&raw).json(), json!({ "matches": [id] }));
                    let full = server.get(&format!("/m/lookup?signal_type=pdq&signal={hash}"));
                    assert_eq!(full.json(), json!({ "MANY": [{ "bank_content_id": id, "distance": "0" }] }));
                    assert_eq!(
                        server.delete(&format!("/c/bank/MANY/content/{id}")).json(),
                        json!({ "deleted": 1 })
                    );
                    assert_eq!(server.get(&raw).json(), json!({ "matches": [] }));
                }
            });
        }
    });
    assert_eq!(ids.lock().unwrap().len(), 60);
}
