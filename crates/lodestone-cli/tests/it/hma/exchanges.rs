//! `/c/exchanges`, `/c/exchange/N`: lists of others, their schemas, credentials and fetches.

use serde_json::{Value, json};

use super::client::Server;

const NO_JSON: &str = "~Did not attempt to load JSON data";

/// Names of HMA's interfaces.
const APIS: [&str; 5] = ["sample", "infinite_random", "fb_threatexchange", "ncmec", "stop_ncii"];

#[test]
fn interfaces_are_listed_and_say_whether_they_have_credentials() {
    let server = Server::start(&[]);
    let listed = server.get("/c/exchanges/apis").json();
    assert_eq!(listed, serde_json::json!(APIS), "HMA's, in its order");
    let all = server.get("/c/exchanges/apis?all=true").json();
    assert_eq!(all.as_array().unwrap()[..5], *listed.as_array().unwrap());
    assert_eq!(all.as_array().unwrap()[5..7], ["tat", "local_file"]);
    let ours = ["lodestone", "hma", "arachnid", "remote_hma", "remote_lodestone", "remote_matcher"];
    assert_eq!(all.as_array().unwrap()[7..], ours);
    let auth = |has: bool, supports: bool| {
        format!(r#"{{"has_set_authentification":{has},"supports_authentification":{supports}}}"#)
    };
    let none = r#"{"message":"no such Exchange API 'nope'"}"#;
    server.check(&[
        ("GET /c/exchanges/api/sample", "", 200, &auth(false, false)),
        ("GET /c/exchanges/api/infinite_random", "", 200, &auth(false, false)),
        ("GET /c/exchanges/api/fb_threatexchange", "", 200, &auth(false, true)),
        ("GET /c/exchanges/api/ncmec", "", 200, &auth(false, true)),
        ("GET /c/exchanges/api/stop_ncii", "", 200, &auth(false, true)),
        // 400, not 404, here; and 404 for the schema.
        ("GET /c/exchanges/api/nope", "", 400, none),
        ("POST /c/exchanges/api/nope", "{}", 400, none),
        ("GET /c/exchanges/api/nope/schema", "", 404, "~message"),
    ]);
}

#[test]
fn credentials_are_set_cleared_and_never_told() {
    let server = Server::start(&[]);
    let auth =
        |has: bool| format!(r#"{{"has_set_authentification":{has},"supports_authentification":true}}"#);
    let to = "POST /c/exchanges/api/fb_threatexchange";
    let token = r#"{"credential_json":{"api_token":"12345789|000000000000"}}"#;
    let ncmec = "POST /c/exchanges/api/ncmec";
    server.check(&[
        (to, "{}", 200, &auth(false)),
        (to, token, 200, &auth(true)),
        ("GET /c/exchanges/api/fb_threatexchange", "", 200, &auth(true)),
        ("GET /c/exchanges/api/ncmec", "", 200, &auth(false)),
        // Absent: no change.
        (to, "{}", 200, &auth(true)),
        (to, r#"{"credential_json":null}"#, 200, &auth(true)),
        (to, r#"{"credential_json":{}}"#, 200, &auth(false)),
        ("GET /c/exchanges/api/fb_threatexchange", "", 200, &auth(false)),
        (ncmec, r#"{"credential_json":{"user":"u","password":"p"}}"#, 200, &auth(true)),
        (
            "POST /c/exchanges/api/stop_ncii",
            r#"{"credential_json":{"fetch_function_key":"a","subscription_key":"b"}}"#,
            200,
            &auth(true),
        ),
        (to, "[]", 400, r#"{"message":"this endpoint expects a json object payload"}"#),
        (to, "5", 400, r#"{"message":"this endpoint expects a json object payload"}"#),
        (to, "{bad", 400, "~The browser (or proxy) sent a request"),
        (to, "", 415, NO_JSON),
        // HMA answers 500.
        (to, r#"{"credential_json":{"wrong":"x"}}"#, 400, "~message"),
        (to, r#"{"credential_json":"text"}"#, 400, "~message"),
        (to, r#"{"credential_json":["a"]}"#, 400, "~message"),
        (ncmec, r#"{"credential_json":{"user":"u"}}"#, 400, "~message"),
        (ncmec, r#"{"credential_json":{"user":1,"password":2}}"#, 400, "~message"),
        ("POST /c/exchanges/api/sample", r#"{"credential_json":{"user":"u"}}"#, 400, "~message"),
        // What was refused changed nothing.
        ("GET /c/exchanges/api/ncmec", "", 200, &auth(true)),
    ]);
    let secret = "not-to-be-repeated";
    let refused = server.post(
        "/c/exchanges/api/ncmec",
        &json!({ "credential_json": { "user": secret, "password": [secret] } }),
    );
    assert_eq!(refused.status, 400);
    assert!(!refused.text().contains(secret), "{}", refused.text());
    assert_eq!(
        server
            .post(
                "/c/exchanges/api/ncmec",
                &json!({ "credential_json": { "user": secret, "password": secret } })
            )
            .status,
        200
    );
    server.post("/c/exchanges", &json!({ "bank": "KEPT", "api": "sample" }));
    for path in
        ["/c/exchanges/api/ncmec", "/c/exchanges/api/ncmec/schema", "/c/exchanges", "/c/exchange/KEPT"]
    {
        assert!(!server.get(path).text().contains(secret), "{path}");
    }
}

#[test]
fn schemas_describe_every_field_as_hma_does() {
    let server = Server::shared();
    let schema = |api: &str| {
        let answer = server.get(&format!("/c/exchanges/api/{api}/schema"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        answer.json()
    };
    let field = |name: &str, kind: &str, required: bool, default: Value, help: &str, choices: Value| json!({ "name": name, "type": kind, "required": required, "default": default, "help": help, "choices": choices });
    assert_eq!(schema("sample"), json!({ "config_schema": { "fields": [] }, "credentials_schema": null }));
    let tx = schema("fb_threatexchange");
    let group = field(
        "privacy_group",
        "number",
        true,
        Value::Null,
        "ThreatPrivacyGroup ID for this collaboration",
        Value::Null,
    );
    assert_eq!(tx["config_schema"]["fields"], json!([group]));
    assert_eq!(tx["credentials_schema"]["fields"][0]["name"], "api_token");
    let ncmec = schema("ncmec");
    let environment = &ncmec["config_schema"]["fields"][0];
    assert_eq!(
        (&environment["name"], &environment["type"], &environment["required"]),
        (&json!("environment"), &json!("enum"), &json!(true))
    );
    let choices = environment["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 14);
    for url in ["https://report.cybertip.org/hashsharing", "https://hashsharing.ncmec.org/generative-ai-csam"]
    {
        assert!(choices.contains(&json!(url)), "{url}");
    }
    let esps = &ncmec["config_schema"]["fields"][1];
    assert_eq!(
        (&esps["name"], &esps["type"], &esps["required"]),
        (&json!("only_esp_ids"), &json!("set_of_number"), &json!(false))
    );
    for (api, names) in [
        ("ncmec", &["user", "password"][..]),
        ("stop_ncii", &["fetch_function_key", "subscription_key", "base_url_override"]),
    ] {
        let told = schema(api);
        let fields = told["credentials_schema"]["fields"].as_array().unwrap();
        let found: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{api}");
        for field in fields {
            assert_eq!((&field["type"], &field["choices"]), (&json!("string"), &Value::Null), "{field}");
            assert_eq!(field["required"], json!(field["name"] != "base_url_override"), "{field}");
        }
    }
    let random = schema("infinite_random");
    assert!(
        random["config_schema"]["fields"].as_array().unwrap().iter().any(|f| f["name"] == "total_item_limit")
    );
}

#[test]
fn an_exchange_is_made_with_its_bank_and_goes_with_it() {
    let server = Server::start(&[]);
    let to = "POST /c/exchanges";
    let made = r#"{"message":"Created successfully"}"#;
    let failed = "~Failed to parse `api_json` - ";
    server.check(&[
        ("GET /c/exchanges", "", 200, "[]"),
        (to, r#"{"bank":"NC","api":"ncmec","api_json":{"environment":"https://exttest.cybertip.org/hashsharing","only_esp_ids":[1,2]}}"#, 201, made),
        (to, r#"{"bank":"TX","api":"fb_threatexchange","api_json":{"privacy_group":123}}"#, 201, made),
        (to, r#"{"bank":"SAMPLE","api":"sample"}"#, 201, made),
        (to, r#"{"bank":"NCII","api":"stop_ncii","api_json":{"enabled":false,"unknown":[1]},"unknown":1}"#, 201, made),
        ("GET /c/exchanges", "", 200, r#"["NC","TX","SAMPLE","NCII"]"#),
        ("GET /c/bank/NC", "", 200, r#"{"matching_enabled_ratio":1.0,"name":"NC"}"#),
        (to, "{}", 400, r#"{"message":"bank is required"}"#),
        (to, r#"{"api":"sample"}"#, 400, r#"{"message":"bank is required"}"#),
        (to, r#"{"bank":"X"}"#, 400, r#"{"message":"Field `api_type` is required"}"#),
        (to, r#"{"bank":"X","api":"nope"}"#, 400, r#"{"message":"No such exchange type 'nope'"}"#),
        (to, r#"{"bank":"lower","api":"sample"}"#, 400, r#"{"message":"Field `bank` must match /^[A-Z0-9_]+$/"}"#),
        (to, r#"{"bank":"X","api":"sample","api_json":[]}"#, 400, r#"{"message":"Field `api_json` must be object"}"#),
        (to, r#"{"bank":"X","api":"ncmec"}"#, 400, failed),
        (to, r#"{"bank":"X","api":"ncmec","api_json":{"environment":"https://elsewhere.example"}}"#, 400, failed),
        (to, r#"{"bank":"X","api":"fb_threatexchange","api_json":{"privacy_group":"text"}}"#, 400, failed),
        (to, "{bad", 400, "~The browser (or proxy) sent a request"),
        (to, "", 415, NO_JSON),
        // HMA answers 500.
        (to, r#"{"bank":"NC","api":"sample"}"#, 403, "~already exists"),
        (to, r#"{"bank":"1DIGIT","api":"sample"}"#, 400, "~UPPER_WITH_UNDERSCORE"),
        (to, "[]", 400, "~message"),
        (to, r#"{"bank":5,"api":"sample"}"#, 400, "~message"),
        (to, r#"{"bank":"X","api":["sample"]}"#, 400, "~message"),
        ("GET /c/exchange/X", "", 404, r#"{"message":"Exchange 'X' not found"}"#),
        ("GET /c/exchange/X/status", "", 404, r#"{"message":"Exchange 'X' not found"}"#),
        ("PUT /c/exchange/X", r#"{"enabled":true}"#, 404, r#"{"message":"Exchange 'X' not found"}"#),
        ("GET /c/bank/X", "", 404, ""),
    ]);
    server.bank("PLAIN");
    assert_eq!(server.post("/c/exchanges", &json!({ "bank": "PLAIN", "api": "sample" })).status, 403);

    let nc = server.get("/c/exchange/NC");
    assert_eq!((nc.status, nc.header("content-type")), (200, Some("application/json")));
    assert!(nc.text().starts_with("{\n  \"environment\": \""), "indented, in its own order: {}", nc.text());
    let config = json!({
        "environment": "https://exttest.cybertip.org/hashsharing", "name": "NC", "api": "ncmec", "enabled": true,
        "only_esp_ids": [1, 2],
    });
    assert_eq!(nc.json(), config);
    assert_eq!(
        server.get("/c/exchange/NCII").json(),
        json!({ "name": "NCII", "api": "stop_ncii", "enabled": false })
    );
    let untouched = r#"{"checkpoint_ts":null,"fetched_items":0,"last_fetch_complete_ts":null,"last_fetch_succeeded":null,"running_fetch_start_ts":null,"up_to_date":false}"#;
    server.check(&[("GET /c/exchange/NCII/status", "", 200, untouched)]);

    // HMA runs the names of all fields together here.
    let mut off = config.clone();
    off["enabled"] = json!(false);
    assert_eq!(server.put("/c/exchange/NC", &json!({ "enabled": false })).json(), off);
    assert_eq!(server.put("/c/exchange/NC", &json!({ "enabled": "no" })).json(), off);
    assert_eq!(server.put("/c/exchange/NC", &json!({})).json(), off);
    assert_eq!(server.put("/c/exchange/NC", &json!({ "enabled": true })).json(), config);
    let deleted = r#"{"message":"Exchange deleted"}"#;
    server.check(&[
        ("PUT /c/exchange/NC", r#"{"enabled":"maybe"}"#, 422, "~bool_parsing"),
        ("PUT /c/exchange/NC", "[]", 422, "~ExchangeUpdateRequest"),
        ("PUT /c/exchange/NC", "", 422, "~ExchangeUpdateRequest"),
        ("DELETE /c/exchange/NC", "", 200, deleted),
        ("DELETE /c/exchange/NC", "", 200, deleted),
        ("DELETE /c/exchange/NEVER", "", 200, deleted),
        ("GET /c/exchange/NC", "", 404, "~not found"),
        ("GET /c/bank/NC", "", 404, "~not found"),
        // HMA leaves an exchange behind without a bank.
        ("DELETE /c/bank/TX", "", 200, r#"{"message":"Done"}"#),
        ("GET /c/exchange/TX", "", 404, "~not found"),
        ("GET /c/exchanges", "", 200, r#"["SAMPLE","NCII"]"#),
    ]);
}

#[test]
fn the_sample_exchange_fills_its_bank() {
    let server = Server::start(&[]);
    assert_eq!(server.post("/c/exchanges", &json!({ "bank": "SAMPLE", "api": "sample" })).status, 201);
    assert_eq!(server.post("/dev/run_fetch", &json!({})).status, 302);
    let status = server.get("/c/exchange/SAMPLE/status").json();
    // 16 PDQ and 2 MD5, the examples of python-threatexchange.
    assert_eq!(status["fetched_items"], 18, "{status}");
    assert_eq!(
        (&status["last_fetch_succeeded"], &status["up_to_date"]),
        (&json!(true), &json!(true)),
        "{status}"
    );
    assert!(
        status["last_fetch_complete_ts"].is_u64() && status["running_fetch_start_ts"].is_null(),
        "{status}"
    );
    let index = server.get("/m/index/status").json();
    assert_eq!((&index["pdq"]["size"], &index["video_md5"]["size"]), (&json!(16), &json!(2)));
    assert_eq!(server.post("/dev/run_fetch", &json!({})).status, 302);
    assert_eq!(server.get("/m/index/status").json()["pdq"]["size"], 16, "fetched again, and no more of it");
}
