//! Every request of the fixture is answered as pydantic and flask-openapi3 answered it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fields, SchemaErrors, pairs};
use crate::hma_json;

const GOLDEN: &str = include_str!("../../tests/fixtures/pydantic.json");

#[derive(Deserialize)]
struct Case {
    path: String,
    body: Option<String>,
    ct: Option<String>,
    q: Option<String>,
    status: u16,
    answer: String,
}

fn ask(case: &Case, body: &[u8]) -> Result<Value, SchemaErrors> {
    let json = |model| Fields::from_json(model, case.ct.as_deref(), body);
    match case.path.as_str() {
        "/create" => json("Create")?.read(|f| {
            let name = f.required_str("name");
            let ratio = f.opt_float("enabled_ratio", Some(1.0));
            json!({ "name": name, "enabled_ratio": ratio, "enabled": f.opt_bool("enabled") })
        }),
        "/ratio" => json("Ratio")?.read(|f| json!({ "enabled_ratio": f.required_float("enabled_ratio") })),
        "/ex" => json("Ex")?.read(|f| {
            json!({
                "bank": f.required_str("bank"), "api": f.required_str("api"),
                "api_json": f.object_or_empty("api_json"), "credential_json": f.opt_object("credential_json"),
            })
        }),
        "/int" => json("Int")?.read(|f| json!({ "disable_until_ts": f.opt_int("disable_until_ts") })),
        "/meta" => json("Meta")?.read(|f| {
            let (id, uri) = (f.opt_str("content_id"), f.opt_str("content_uri"));
            let data = f.opt_object("json");
            f.deny_unknown(&["content_id", "content_uri", "json", "collab"]);
            json!({ "content_id": id, "content_uri": uri, "json_data": data, "collab": null })
        }),
        _ => {
            let query = pairs(case.q.as_deref().unwrap_or_default());
            Fields::from_query(&["signal", "signal_type", "banks", "include_distance"], &query).read(|f| {
                json!({
                    "signal": f.required_str("signal"), "signal_type": f.required_str("signal_type"),
                    "banks": f.opt_str("banks"), "include_distance": f.bool_or("include_distance", false),
                })
            })
        }
    }
}

/// Requests that are answered otherwise, on purpose.
fn differs(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    // What JSON is not, and numbers beyond 64 bits.
    let python_only =
        ["NaN", "1e400", "ud800", "9999999999999999999", "1234567890123456789", "00000000000000000000"];
    // Infinite ratios, which Python then writes as JSON that is none.
    let infinite = ["\"nan\"", "\"inf\"", "nfinity\""];
    // A name beside its alias, and a text in a list: our routes do not use them.
    let aliases = ["json_data", "\"collab\""];
    body.starts_with(b"\xff\xfe")
        || python_only.iter().chain(&infinite).chain(&aliases).any(|part| text.contains(part))
}

#[test]
fn requests_are_read_and_refused_as_pydantic_does() {
    let golden: Vec<Case> = serde_json::from_str(GOLDEN).unwrap();
    let mut compared = 0;
    for case in &golden {
        // Bodies that are no UTF-8 stand in the fixture as Latin-1.
        let text = case.body.clone().unwrap_or_default();
        let body: Vec<u8> = match text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>() {
            Some(latin) if latin.starts_with(b"\xff\xfe") || text == "{\"name\":\"\u{ff}\"}" => latin,
            _ => text.into_bytes(),
        };
        if differs(&body) {
            continue;
        }
        let answer = ask(case, &body);
        match &answer {
            Ok(value) => assert_eq!((200, hma_json::to_text(value)), (case.status, case.answer.clone())),
            Err(errors) => assert_eq!((422, errors.to_json()), (case.status, case.answer.clone())),
        }
        compared += 1;
    }
    assert!(compared > 110, "{compared}");
}

#[test]
fn numbers_beyond_64_bits_and_fractions_are_no_whole_numbers() {
    let kind = |text: &str| {
        let body = format!("{{\"n\":{text}}}");
        let fields = Fields::from_json("M", Some("application/json"), body.as_bytes()).unwrap();
        fields.read(|f| f.opt_int("n")).map_err(|errors| errors.0[0].kind)
    };
    assert_eq!(kind("9223372036854775807"), Ok(Some(i64::MAX)));
    assert_eq!(kind("\"-9223372036854775808\""), Ok(Some(i64::MIN)));
    for text in ["9223372036854775808", "99999999999999999999999", "1e30", "\"99999999999999999999\""] {
        assert_eq!(kind(text), Err("int_parsing_size"), "{text}");
    }
    assert_eq!(kind("-0.5"), Err("int_from_float"));
}

#[test]
fn a_body_that_is_too_deep_is_no_json() {
    let body = format!("{{\"name\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let errors = Fields::from_json("M", Some("application/json"), body.as_bytes()).unwrap_err();
    assert_eq!(errors.0[0].kind, "model_type");
}

#[test]
fn an_object_or_null_must_be_there_where_it_is_required() {
    let read = |text: &str| {
        let fields = Fields::from_json("M", Some("application/json"), text.as_bytes()).unwrap();
        fields.read(|f| f.required_object_or_null("c")).map_err(|errors| errors.0[0].kind)
    };
    assert_eq!(read("{}"), Err("missing"));
    assert_eq!(read("{\"c\":null}"), Ok(None));
    assert_eq!(read("{\"c\":1}"), Err("dict_type"));
    assert_eq!(read("{\"c\":{}}").unwrap().unwrap().len(), 0);
}
