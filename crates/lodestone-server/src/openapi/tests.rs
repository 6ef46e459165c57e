use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::Config;

/// All routes that are served with `--dev`.
fn table() -> Table {
    let mut config = Config::new("data".into(), ([127, 0, 0, 1], 0).into(), "lodestone".into());
    config.dev = true;
    crate::run::all_routes(&config).finish().1
}

fn operations(document: &Value) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.insert((path.clone(), method.to_ascii_uppercase()), operation.clone());
        }
    }
    all
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let table = table();
    let served: BTreeSet<_> =
        table.list().iter().map(|route| (route.path.to_owned(), route.method.to_string())).collect();
    assert_eq!(served.len(), table.list().len(), "no route twice");
    let told: BTreeSet<_> = operations(&document(&table)).into_keys().collect();
    assert_eq!(told, served);
}

#[test]
fn operations_have_what_openapi_asks_of_them() {
    let document = document(&table());
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone().to_string()).collect();
    for ((path, method), operation) in operations(&document) {
        let place = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{place}: {id} twice");
        assert!(id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'), "{id}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{place}");
        assert!(
            operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag.to_string())),
            "{place}"
        );
        // Each name in braces is a parameter of the path, and there is no other.
        let parameters = operation["parameters"].as_array().unwrap();
        let named: BTreeSet<_> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(named, path_parameters(&path).collect(), "{place}");
        let mut seen = BTreeSet::new();
        for parameter in parameters {
            assert!(
                seen.insert((parameter["in"].to_string(), parameter["name"].to_string())),
                "{place}: twice"
            );
            assert!(parameter["in"] != "path" || parameter["required"] == true, "{place}");
            is_schema(&place, &parameter["schema"]);
        }
        if let Some(body) = operation.get("requestBody") {
            assert!(method != "GET", "{place}: a body");
            for content in body["content"].as_object().unwrap().values() {
                is_schema(&place, &content["schema"]);
                for property in
                    content["schema"]["properties"].as_object().into_iter().flat_map(|p| p.values())
                {
                    is_schema(&place, property);
                }
            }
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(!answers.is_empty(), "{place}");
        for (status, answer) in answers {
            assert!(status.parse().is_ok_and(|s: u16| (100..600).contains(&s)), "{place}: {status}");
            assert!(status != "500", "{place}: no request is answered 500");
            assert!(!answer["description"].as_str().unwrap().is_empty(), "{place}: {status}");
        }
    }
}

fn is_schema(place: &str, schema: &Value) {
    const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "object", "array"];
    assert!(schema["type"].as_str().is_some_and(|kind| TYPES.contains(&kind)), "{place}: {schema}");
}

#[test]
fn what_needs_a_role_says_which_and_that_it_may_be_refused() {
    let document = document(&table());
    let all = operations(&document);
    let of = |path: &str, method: &str| &all[&(path.to_owned(), method.to_owned())];
    assert_eq!(of("/m/lookup", "GET")["security"], json!([{ "key": ["match"] }]));
    assert_eq!(of("/ui/", "GET")["security"], json!([{ "key": [] }]));
    assert_eq!(of("/status", "GET")["security"], json!([]));
    assert!(of("/c/banks", "POST")["responses"]["401"].is_object());
    let body = &of("/c/banks", "POST")["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["name"]));
    assert!(of("/h/hash", "POST")["requestBody"]["content"]["multipart/form-data"].is_object());
}

#[test]
fn the_document_is_as_it_was_read_last() {
    insta::assert_snapshot!("openapi", format!("{:#}", document(&table())));
}
