//! `/ui`: the form routes that HMA's pages and people's scripts call, the pages, and the OpenAPI document.

use serde_json::json;

use super::client::{Part, Server, near, pdq};
use super::pictures::{BRIDGE, BRIDGE_PDQ};
use super::web::Web;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn pages_are_html_and_so_are_their_errors() {
    let server = Server::shared();
    for path in ["/ui/", "/ui/banks", "/ui/exchanges", "/ui/match", "/ui/documentation"] {
        let page = server.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src"), "{path} {policy}");
    }
    server.check(&[("GET /ui/nothing", "", 404, "HTML"), ("GET /ui/query", "", 405, "HTML")]);
    assert_eq!(Server::start(&["--no-ui"]).get("/ui/").status, 404);
}

#[test]
fn a_bank_is_made_by_a_form() {
    let server = Server::shared();
    let made = server.send("POST", "/ui/create_bank", &[FORM], b"bank_name=FROM_A_FORM");
    assert_eq!(made.status, 302, "{}", made.text());
    assert_eq!(server.get("/c/bank/FROM_A_FORM").status, 200);
    for body in [&b"bank_name=FROM_A_FORM"[..], b"bank_name=lower", b"bank_name=", b""] {
        let refused = server.send("POST", "/ui/create_bank", &[FORM], body);
        assert!((400..500).contains(&refused.status), "{} {}", refused.status, refused.text());
    }
}

#[test]
fn forms_ask_for_hashes_and_get_banks_and_matches() {
    let (server, web) = (Server::start(&[]), Web::start());
    server.bank("FORMS");
    let off = server.post("/c/banks", &json!({ "name": "FORMS_OFF", "enabled_ratio": 0 }));
    assert_eq!(off.status, 201);
    let near_one = server.signal("FORMS", &json!({ "pdq": near(BRIDGE_PDQ, 8), "note": "eight off" }));
    let exact = server.signal("FORMS_OFF", &json!({ "pdq": BRIDGE_PDQ }));
    // `signal_value` is the one that was asked for.
    let matches = json!([
        {
            "bank_name": "FORMS_OFF", "content_id": exact, "distance": "0", "signal_type": "pdq",
            "signal_value": BRIDGE_PDQ,
        },
        {
            "bank_name": "FORMS", "content_id": near_one, "distance": "8", "signal_type": "pdq",
            "signal_value": BRIDGE_PDQ, "note": "eight off",
        },
    ]);
    let banks = json!(["FORMS", "FORMS_OFF"]);
    let photo: Part = ("photo", Some("x"), BRIDGE);
    let by_file = server.upload("/ui/query", &[photo]);
    assert_eq!(by_file.status, 200, "{}", by_file.text());
    assert_eq!(
        by_file.json(),
        json!({ "hashes": { "pdq": BRIDGE_PDQ }, "banks": banks, "matches": matches })
    );
    let strict = server.upload("/ui/query", &[photo, ("bypass_enabled_ratio", None, b"false")]).json();
    assert_eq!(strict["banks"], json!(["FORMS"]));
    let url = format!("url={}&content_type=photo", web.q("/picture.jpg"));
    let by_url = server.send("POST", "/ui/query_url", &[FORM], url.as_bytes());
    assert_eq!(by_url.json()["matches"], matches);
    let hash = format!("signal_type=pdq&signal_value={BRIDGE_PDQ}");
    let by_hash = server.send("POST", "/ui/query_hash", &[FORM], hash.as_bytes());
    assert_eq!((by_hash.status, &by_hash.json()["matches"]), (200, &matches));
    for (path, body) in [
        ("/ui/query_hash", "signal_type=pdq&signal_value=x"),
        ("/ui/query_hash", "signal_type=nope&signal_value=x"),
        ("/ui/query_hash", ""),
        ("/ui/query_url", "url=ftp%3A%2F%2Fa"),
        ("/ui/query_url", ""),
        ("/ui/query", ""),
    ] {
        let refused = server.send("POST", path, &[FORM], body.as_bytes());
        assert!((400..500).contains(&refused.status), "{path} {body} {}", refused.status);
    }
}

#[test]
fn content_of_a_bank_is_found_by_hash_and_by_url() {
    let (server, web) = (Server::shared(), Web::start());
    server.bank("FIND");
    let id = server.signal("FIND", &json!({ "pdq": BRIDGE_PDQ }));
    let find = "/ui/bank/FIND/content/find";
    for body in [
        json!({ "signal_type": "pdq", "signal_value": BRIDGE_PDQ }),
        json!({ "url": web.url("/picture.jpg"), "content_type": "photo" }),
    ] {
        let found = server.post(find, &body);
        assert_eq!(found.status, 200, "{}", found.text());
        let found = found.json();
        assert_eq!((&found["bank_name"], &found["content_ids"]), (&json!("FIND"), &json!([id])));
        assert_eq!(found["matches"].as_array().unwrap().len(), 1);
    }
    let none = server.post(find, &json!({ "signal_type": "pdq", "signal_value": pdq(700) })).json();
    assert_eq!(none, json!({ "bank_name": "FIND", "content_ids": [], "matches": [] }));
    for body in [json!({}), json!({ "signal_type": "pdq", "signal_value": "x" }), json!([])] {
        let refused = server.post(find, &body).status;
        assert!(matches!(refused, 400 | 422), "{body} {refused}");
    }
    let missing = json!({ "signal_type": "pdq", "signal_value": BRIDGE_PDQ });
    assert_eq!(server.post("/ui/bank/NO_SUCH/content/find", &missing).status, 404);
}

#[test]
fn the_openapi_document_describes_every_route_there_is() {
    let server = Server::shared();
    let document = server.get("/openapi/openapi.json");
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    let document = document.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["info"]["title"].is_string());
    let paths = document["paths"].as_object().unwrap();
    for pattern in server.get("/site-map").json().as_array().unwrap() {
        let pattern = pattern.as_str().unwrap();
        let path = pattern.replace("int:", "").replace("string:", "").replace('<', "{").replace('>', "}");
        let of_pages = path == "/" || path.starts_with("/ui") || path.starts_with("/openapi");
        assert!(of_pages || paths.contains_key(&path), "{path} is not described");
    }
    for (path, method, status) in [
        ("/c/banks", "post", "201"),
        ("/c/bank/{bank_name}/signal", "post", "200"),
        ("/c/bank/{bank_name}/content", "post", "200"),
        ("/c/exchanges/api/{api_name}", "get", "200"),
        ("/m/lookup", "post", "200"),
    ] {
        assert!(paths[path][method]["responses"][status].is_object(), "{method} {path} answers {status}");
    }
    assert_eq!(server.get("/openapi/").status, 200);
}
