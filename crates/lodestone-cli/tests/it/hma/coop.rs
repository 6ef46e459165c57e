//! The requests of ROOST Coop, in its order. *Source:* roostorg/coop, `server/services/hmaService/index.ts`.

use serde_json::{Value, json};

use super::client::{Answer, Part, Server, near, q};
use super::pictures::{BRIDGE, BRIDGE_PDQ};
use super::web::Web;

/// What Coop takes for success.
fn ok(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

#[test]
fn banks_are_made_changed_verified_and_deleted_as_coop_does() {
    let server = Server::start(&[]);
    // Its base URL ends in a slash: every path begins with two. Ratios are texts when a bank is made.
    let made = server.post("//c/banks", &json!({ "name": "COOP_ORG1_KNOWN_IMAGES", "enabled_ratio": "1" }));
    assert_eq!(made.status, 201, "{}", made.text());
    let half = server.post("//c/banks", &json!({ "name": "COOP_ORG1_HALF", "enabled_ratio": "0.5" }));
    assert_eq!(half.json(), json!({ "matching_enabled_ratio": 0.5, "name": "COOP_ORG1_HALF" }));
    let again = server.post("//c/banks", &json!({ "name": "COOP_ORG1_HALF", "enabled_ratio": "0.5" }));
    assert!(!ok(&again));

    // A new ratio; a new name is a new bank and the old one's end.
    let changed = server.put("//c/bank/COOP_ORG1_HALF", &json!({ "enabled_ratio": 0.25 }));
    assert_eq!((changed.status, changed.json()["matching_enabled_ratio"].as_f64()), (200, Some(0.25)));
    assert!(ok(&server.post("//c/banks", &json!({ "name": "COOP_ORG1_QUARTER", "enabled_ratio": "0.25" }))));
    assert!(ok(&server.delete("//c/bank/COOP_ORG1_HALF")));

    // Only 404 may make Coop forget a bank.
    let json_type = [("Content-Type", "application/json")];
    for (name, status) in
        [("COOP_ORG1_KNOWN_IMAGES", 200), ("COOP_ORG1_QUARTER", 200), ("COOP_ORG1_HALF", 404)]
    {
        assert_eq!(server.get(&format!("//c/bank/{name}")).status, status, "{name}");
        let listed = server.send("GET", &format!("//c/bank/{name}"), &json_type, b"");
        assert_eq!(listed.status, status, "{name}");
    }
    assert!(ok(&server.delete("//c/bank/COOP_ORG1_QUARTER")));
    assert!(ok(&server.delete("//c/bank/COOP_ORG1_QUARTER")));
}

#[test]
fn content_is_added_hashed_and_looked_up_as_coop_does() {
    let (server, web) = (Server::start(&[]), Web::start());
    let bank = "COOP_ORG1_PICTURES";
    assert!(ok(&server.post("//c/banks", &json!({ "name": bank, "enabled_ratio": "1" }))));
    let to = format!("//c/bank/{bank}/content");
    let url = web.q("/picture.jpg");
    let id = |answer: &Answer| {
        assert!(ok(answer), "{}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["signals"], json!({ "pdq": BRIDGE_PDQ }));
        answer["id"].as_u64().unwrap()
    };
    // With a URL alone; with all in the query, as older versions; with a JSON body, as newer ones.
    let plain = id(&server.send("POST", &format!("{to}?url={url}"), &[], b""));
    let metadata = q(r#"{"a":1}"#);
    let older = format!("{to}?url={url}&content_id=item-1&content_uri={url}&metadata={metadata}");
    id(&server.send("POST", &older, &[], b""));
    let told = json!({ "metadata": { "content_id": "item-1", "json": { "a": 1 } }, "note": "why" });
    let newer = id(&server.post(&format!("{to}?url={url}"), &told));
    let shown = server.get(&format!("{to}/{newer}?include_metadata=true")).json();
    assert_eq!((&shown["metadata"]["content_id"], &shown["note"]), (&json!("item-1"), &json!("why")));
    // With a file, and fields beside it.
    let file: Part = ("photo", Some("blob"), BRIDGE);
    let uri: Part = ("content_uri", None, b"https://a.example/1");
    let uploaded =
        id(&server.upload(&to, &[file, ("content_id", None, b"item-2"), uri, ("note", None, b"n")]));
    let right: Part = ("metadata", None, br#"{"content_id":"item-3"}"#);
    id(&server.upload(&to, &[file, right]));
    // As in HMA, other keys than its own are refused.
    let wrong: Part = ("metadata", None, br#"{"any":"thing"}"#);
    assert_eq!(server.upload(&to, &[file, wrong]).status, 400);

    // An item with a picture: hash it, then ask once for every type.
    let hashed = server.get(&format!("//h/hash?url={url}"));
    assert!(ok(&hashed));
    let hashes = hashed.json();
    for (kind, hash) in hashes.as_object().unwrap() {
        let hash = hash.as_str().expect("hashes are texts");
        let found = server.get(&format!("//m/lookup?signal_type={kind}&signal={hash}"));
        let found = found.json();
        let matches = found[bank].as_array().unwrap();
        assert!(matches.iter().any(|one| one["bank_content_id"] == json!(plain)));
        assert!(matches.iter().any(|one| one["bank_content_id"] == json!(uploaded)));
        assert!(matches.iter().all(|one| one["distance"] == json!("0")));
    }
    let by_url = server.get(&format!("//m/lookup?url={url}&content_type=photo")).json();
    assert!(by_url["pdq"][bank].is_array());
    let none = server.get(&format!("//m/lookup?signal_type=pdq&signal={}", near(BRIDGE_PDQ, 40))).json();
    assert_eq!(none[bank], Value::Null);
    // What cannot be hashed is an error and never a match.
    assert!(!ok(&server.get(&format!("//h/hash?url={}", web.q("/page")))));
    assert!(!ok(&server.get(&format!("//h/hash?url={}", web.q("/none")))));
}

#[test]
fn exchanges_are_offered_made_and_followed_as_coop_does() {
    let server = Server::start(&[]);
    let names = server.get("//c/exchanges/apis").json();
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let info = server.get(&format!("//c/exchanges/api/{name}")).json();
        assert!(
            info["supports_authentification"].is_boolean() && info["has_set_authentification"].is_boolean()
        );
        let schema = server.get(&format!("//c/exchanges/api/{name}/schema")).json();
        assert!(schema["config_schema"]["fields"].is_array(), "{schema}");
        let section = &schema["credentials_schema"];
        assert_eq!(section.is_object(), info["supports_authentification"] == json!(true), "{schema}");
    }
    let bank = "COOP_ORG1_SHARED";
    let environment = "https://exttest.cybertip.org/hashsharing";
    let made = json!({ "bank": bank, "api": "ncmec", "api_json": { "environment": environment } });
    assert!(ok(&server.post("//c/exchanges", &made)));
    assert!(ok(&server.put(&format!("//c/bank/{bank}"), &json!({ "enabled_ratio": 0.5 }))));
    let credentials = json!({ "credential_json": { "user": "u", "password": "p" } });
    assert!(ok(&server.post("//c/exchanges/api/ncmec", &credentials)));
    let exchange = server.get(&format!("//c/exchange/{bank}")).json();
    assert_eq!((&exchange["api"], &exchange["enabled"]), (&json!("ncmec"), &json!(true)));
    assert_eq!(server.get("//c/exchanges/api/ncmec").json()["has_set_authentification"], json!(true));
    let status = server.get(&format!("//c/exchange/{bank}/status")).json();
    for key in [
        "last_fetch_succeeded",
        "last_fetch_complete_ts",
        "up_to_date",
        "fetched_items",
        "running_fetch_start_ts",
    ] {
        assert!(status.get(key).is_some(), "{key} is not in {status}");
    }
    assert_eq!(server.get("//c/exchange/COOP_ORG1_NONE").status, 404);
    assert!(ok(&server.delete(&format!("//c/bank/{bank}"))));
    assert_eq!(server.get(&format!("//c/exchange/{bank}")).status, 404);
}
