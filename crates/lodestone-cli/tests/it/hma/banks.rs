//! `/c/banks`, `/c/bank/B`.

use serde_json::json;

use super::client::Server;

const NAME: &str = r#"{"message":"Bank names must be UPPER_WITH_UNDERSCORE"}"#;
const RATIO: &str = r#"{"message":"enabled_ratio must be a number from 0 to 1"}"#;
const DONE: &str = r#"{"message":"Done"}"#;

/// What pydantic says of a body that is no object.
fn no_object(model: &str, input: &str) -> String {
    format!(
        r#"[{{"type":"model_type","loc":[],"msg":"Input should be a valid dictionary or instance of {model}","input":{input},"ctx":{{"class_name":"{model}"}},"url":"https://errors.pydantic.dev/2.14/v/model_type"}}]"#
    )
}

/// What pydantic says of one field.
fn wrong(kind: &str, field: &str, msg: &str, input: &str) -> String {
    format!(
        r#"[{{"type":"{kind}","loc":["{field}"],"msg":"{msg}","input":{input},"url":"https://errors.pydantic.dev/2.14/v/{kind}"}}]"#
    )
}

#[test]
fn banks_are_made_with_upper_case_names_only() {
    let longest = "N".repeat(255);
    Server::shared().check(&[
        ("POST /c/banks", r#"{"name":"NAMES"}"#, 201, r#"{"matching_enabled_ratio":1.0,"name":"NAMES"}"#),
        ("POST /c/banks", r#"{"name":"NAMES"}"#, 403, r#"{"message":"Bank already exists"}"#),
        (
            "POST /c/banks",
            r#"{"name":"NAMES_01"}"#,
            201,
            r#"{"matching_enabled_ratio":1.0,"name":"NAMES_01"}"#,
        ),
        ("POST /c/banks", r#"{"name":"_NAMES"}"#, 201, r#"{"matching_enabled_ratio":1.0,"name":"_NAMES"}"#),
        ("POST /c/banks", r#"{"name":"01_TEST_BANK"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"my_test_bank"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"Mixed"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"A B"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"A-B"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":""}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"ÄÖ"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"銀行"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"A\n"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"A\u0000"}"#, 400, NAME),
        ("POST /c/banks", r#"{"name":"../A"}"#, 400, NAME),
        ("POST /c/banks", &format!(r#"{{"name":"{longest}"}}"#), 201, "~NNN"),
        // HMA answers 500.
        ("POST /c/banks", &format!(r#"{{"name":"{longest}N"}}"#), 400, "~at most 255"),
        ("GET /c/bank/NAMES", "", 200, r#"{"matching_enabled_ratio":1.0,"name":"NAMES"}"#),
        ("GET /c/bank/names", "", 404, r#"{"message":"bank 'names' not found"}"#),
        ("GET /c/bank/NO_SUCH_BANK", "", 404, r#"{"message":"bank 'NO_SUCH_BANK' not found"}"#),
        ("GET /c/bank/%C3%89%20%27x", "", 404, r#"{"message":"bank '\u00c9 'x' not found"}"#),
    ]);
}

#[test]
fn ratios_are_read_as_pydantic_reads_them_and_stay_between_0_and_1() {
    let text = wrong(
        "float_parsing",
        "enabled_ratio",
        "Input should be a valid number, unable to parse string as a number",
        r#""half""#,
    );
    let list = wrong("float_type", "enabled_ratio", "Input should be a valid number", "[1]");
    let maybe = wrong(
        "bool_parsing",
        "enabled",
        "Input should be a valid boolean, unable to interpret input",
        r#""maybe""#,
    );
    let made = |name: &str, ratio: &str| format!(r#"{{"matching_enabled_ratio":{ratio},"name":"{name}"}}"#);
    Server::shared().check(&[
        ("POST /c/banks", r#"{"name":"RA","enabled_ratio":"0.25"}"#, 201, &made("RA", "0.25")),
        ("POST /c/banks", r#"{"name":"RB","enabled_ratio":"1"}"#, 201, &made("RB", "1.0")),
        ("POST /c/banks", r#"{"name":"RC","enabled_ratio":0}"#, 201, &made("RC", "0.0")),
        ("POST /c/banks", r#"{"name":"RD","enabled_ratio":true}"#, 201, &made("RD", "1.0")),
        ("POST /c/banks", r#"{"name":"RE","enabled_ratio":" 0.5 "}"#, 201, &made("RE", "0.5")),
        ("POST /c/banks", r#"{"name":"RF","enabled_ratio":1e-7}"#, 201, &made("RF", "1e-07")),
        ("POST /c/banks", r#"{"name":"RG","enabled_ratio":null}"#, 201, &made("RG", "1.0")),
        ("POST /c/banks", r#"{"name":"RH","enabled_ratio":null,"enabled":false}"#, 201, &made("RH", "0.0")),
        ("POST /c/banks", r#"{"name":"RI","enabled_ratio":0.5,"enabled":false}"#, 201, &made("RI", "0.5")),
        (
            "POST /c/banks",
            r#"{"name":"RJ","unknown":[1],"matching_enabled_ratio":0.3}"#,
            201,
            &made("RJ", "1.0"),
        ),
        (
            "POST /c/banks",
            r#"{"name":"RK","enabled":"true","matching_enabled_ratio":1.0}"#,
            201,
            &made("RK", "1.0"),
        ),
        // HMA forgets these.
        ("POST /c/banks", r#"{"name":"RL","enabled":false}"#, 201, &made("RL", "0.0")),
        ("POST /c/banks", r#"{"name":"RM","enabled":"off"}"#, 201, &made("RM", "0.0")),
        // HMA takes these.
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":7.5}"#, 400, RATIO),
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":-1}"#, 400, RATIO),
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":"nan"}"#, 400, RATIO),
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":"inf"}"#, 400, RATIO),
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":"half"}"#, 422, &text),
        ("POST /c/banks", r#"{"name":"RX","enabled_ratio":[1]}"#, 422, &list),
        ("POST /c/banks", r#"{"name":"RX","enabled":"maybe"}"#, 422, &maybe),
        ("GET /c/bank/RX", "", 404, "~not found"),
    ]);
}

#[test]
fn bodies_that_fit_no_schema_are_listed_as_pydantic_lists_them() {
    let server = Server::shared();
    let none = no_object("BankCreateRequest", "null");
    let update = no_object("BankUpdateRequest", "null");
    server.check(&[
        ("POST /c/banks", "{}", 422, &wrong("missing", "name", "Field required", "{}")),
        (
            "POST /c/banks",
            r#"{"name":5}"#,
            422,
            &wrong("string_type", "name", "Input should be a valid string", "5"),
        ),
        (
            "POST /c/banks",
            r#"{"name":null}"#,
            422,
            &wrong("string_type", "name", "Input should be a valid string", "null"),
        ),
        ("POST /c/banks", "[]", 422, &no_object("BankCreateRequest", "[]")),
        ("POST /c/banks", "5", 422, &no_object("BankCreateRequest", "5")),
        ("POST /c/banks", "null", 422, &none),
        ("POST /c/banks", "{bad", 422, &none),
        ("POST /c/banks", "", 422, &none),
        ("PUT /c/bank/X", "{bad", 422, &update),
        ("PUT /c/bank/X", "", 422, &update),
        (
            "PUT /c/bank/X",
            r#"{"name":5}"#,
            422,
            &wrong("string_type", "name", "Input should be a valid string", "5"),
        ),
    ]);
    let typed =
        |kind: &str| server.send("POST", "/c/banks", &[("Content-Type", kind)], b"{\"name\":\"TYPED\"}");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        assert_eq!((typed(kind).status, typed(kind).text()), (422, none.as_str()), "{kind}");
    }
    assert_eq!(typed("application/json; charset=utf-8").status, 201);
    assert_eq!(typed("application/vnd.api+json").status, 403);
}

#[test]
fn banks_are_renamed_and_switched() {
    let told = |name: &str, ratio: &str| format!(r#"{{"matching_enabled_ratio":{ratio},"name":"{name}"}}"#);
    Server::shared().check(&[
        ("POST /c/banks", r#"{"name":"PUT_A"}"#, 201, ""),
        ("POST /c/banks", r#"{"name":"PUT_TAKEN"}"#, 201, ""),
        ("PUT /c/bank/PUT_A", "{}", 200, &told("PUT_A", "1.0")),
        ("PUT /c/bank/PUT_A", r#"{"name":"PUT_B"}"#, 200, &told("PUT_B", "1.0")),
        ("GET /c/bank/PUT_A", "", 404, "~not found"),
        ("PUT /c/bank/PUT_A", r#"{"name":"PUT_C"}"#, 404, r#"{"message":"Bank not found"}"#),
        ("PUT /c/bank/PUT_A", r#"{"name":"1_invalid"}"#, 404, r#"{"message":"Bank not found"}"#),
        ("PUT /c/bank/PUT_A", r#"{"enabled_ratio":7}"#, 404, r#"{"message":"Bank not found"}"#),
        ("PUT /c/bank/PUT_B", r#"{"name":"1_invalid"}"#, 400, NAME),
        ("PUT /c/bank/PUT_B", r#"{"name":"PUT_TAKEN"}"#, 403, r#"{"message":"Bank name already exists"}"#),
        ("PUT /c/bank/PUT_B", r#"{"name":"PUT_B"}"#, 200, &told("PUT_B", "1.0")),
        ("PUT /c/bank/PUT_B", r#"{"name":null}"#, 200, &told("PUT_B", "1.0")),
        ("PUT /c/bank/PUT_B", r#"{"enabled_ratio":0.5}"#, 200, &told("PUT_B", "0.5")),
        ("PUT /c/bank/PUT_B", r#"{"enabled_ratio":null}"#, 200, &told("PUT_B", "0.5")),
        ("PUT /c/bank/PUT_B", r#"{"enabled_ratio":"0.75","enabled":false}"#, 200, &told("PUT_B", "0.75")),
        // HMA writes 0 and 1 here, which clients with strict types trip over.
        ("PUT /c/bank/PUT_B", r#"{"enabled":false}"#, 200, &told("PUT_B", "0.0")),
        ("PUT /c/bank/PUT_B", r#"{"enabled":"yes"}"#, 200, &told("PUT_B", "1.0")),
        ("PUT /c/bank/PUT_B", r#"{"enabled_ratio":2}"#, 400, RATIO),
        ("PUT /c/bank/PUT_B", r#"{"enabled_ratio":"NaN"}"#, 400, RATIO),
        ("GET /c/bank/PUT_B", "", 200, &told("PUT_B", "1.0")),
    ]);
}

#[test]
fn a_rename_keeps_the_content_and_a_delete_takes_it() {
    let server = Server::shared();
    server.bank("MOVES");
    let hash = super::client::pdq(501);
    let id = server.signal("MOVES", &json!({ "pdq": hash }));
    assert_eq!(server.put("/c/bank/MOVES", &json!({ "name": "MOVED" })).status, 200);
    let found = server.get(&format!("/m/lookup?signal_type=pdq&signal={hash}"));
    assert_eq!(found.json(), json!({ "MOVED": [{ "bank_content_id": id, "distance": "0" }] }));
    server.check(&[
        ("DELETE /c/bank/MOVED", "", 200, DONE),
        ("DELETE /c/bank/MOVED", "", 200, DONE),
        ("DELETE /c/bank/never_was", "", 200, DONE),
        ("DELETE /c/bank/%C3%89", "", 200, DONE),
        (&format!("GET /c/bank/MOVED/content/{id}"), "", 404, r#"{"message":"bank 'MOVED' not found"}"#),
        (&format!("GET /m/raw_lookup?signal_type=pdq&signal={hash}"), "", 200, r#"{"matches":[]}"#),
        (&format!("GET /m/lookup?signal_type=pdq&signal={hash}"), "", 200, "{}"),
    ]);
}

#[test]
fn the_list_of_banks_holds_each_once() {
    let server = Server::start(&[]);
    server.check(&[("GET /c/banks", "", 200, "[]")]);
    server.bank("B_FIRST");
    server.bank("A_SECOND");
    let list = server.get("/c/banks").json();
    let all =
        [("B_FIRST", 1.0), ("A_SECOND", 1.0)].map(|(n, r)| json!({ "matching_enabled_ratio": r, "name": n }));
    assert_eq!(list, json!(all));
}
