//! The requests of the Ruby gem `hasher_matcher_actioner_api`, whose types are strict.
//! *Source:* fetlife/hasher_matcher_actioner_api, `lib/hasher_matcher_actioner_api/*.rb`.

use serde_json::{Value, json};

use super::client::{Answer, Part, Server, near, pdq};
use super::pictures::{BRIDGE, BRIDGE_PDQ};
use super::web::Web;

/// What the gem makes of an answer: the body, or the class of its error.
fn handled(answer: &Answer) -> Result<Value, &'static str> {
    let message = || answer.json()["message"].as_str().unwrap_or_default().to_owned();
    match answer.status {
        200..=299 => Ok(serde_json::from_slice(&answer.body).unwrap_or_default()),
        400 => {
            assert!(!message().is_empty());
            Err("ValidationError")
        }
        401 => Err("AuthenticationError"),
        403 if message().contains("already exists") => Err("ResourceAlreadyExistsError"),
        403 if message().contains("missing role") => Err("ConfigurationError"),
        403 => Err("PermissionError"),
        404 => Err("NotFoundError"),
        _ => Err("Error"),
    }
}

/// A float between 0 and 1: an integer would not do.
fn assert_bank(bank: &Value, name: &str) {
    assert_eq!(bank["name"], json!(name));
    assert!(bank["matching_enabled_ratio"].is_f64(), "{bank}");
}

#[test]
fn banks_of_the_gem() {
    let server = Server::shared();
    let create = |name: &str| {
        let body = json!({ "name": name, "enabled": "true", "matching_enabled_ratio": 1.0 });
        handled(&server.post("/c/banks", &body))
    };
    assert_bank(&create("RUBY_BANK").unwrap(), "RUBY_BANK");
    assert_eq!(create("RUBY_BANK"), Err("ResourceAlreadyExistsError"));
    assert_eq!(create("not-a-name"), Err("ValidationError"));
    assert_bank(&handled(&server.get("/c/bank/RUBY_BANK")).unwrap(), "RUBY_BANK");
    for enabled in [json!(true), json!(false)] {
        assert_bank(
            &handled(&server.put("/c/bank/RUBY_BANK", &json!({ "enabled": enabled }))).unwrap(),
            "RUBY_BANK",
        );
    }
    assert_eq!(handled(&server.get("/c/bank/RUBY_NONE")), Err("NotFoundError"));
}

#[test]
fn content_and_hashes_of_the_gem() {
    let (server, web) = (Server::start(&[]), Web::start());
    server.bank("RUBY_CONTENT");
    let url = web.q("/picture.jpg");
    // Faraday's parts have a length and an encoding of their own.
    let boundary = "-----------RubyMultipartPost-0c6feacbe17921d562a9946606263c85";
    let upload = |path: &str, metadata: &str| {
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\
             Content-Length: {}\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n\r\n",
            BRIDGE.len()
        )
        .into_bytes();
        body.extend_from_slice(BRIDGE);
        if !metadata.is_empty() {
            let part = format!(
                "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}"
            );
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        handled(&server.send("POST", path, &[("Content-Type", &kind)], &body))
    };
    let content = |id: u64| Ok(json!({ "id": id, "signals": { "pdq": BRIDGE_PDQ } }));
    let to = "/c/bank/RUBY_CONTENT/content";
    let by_url = |more: &str| handled(&server.send("POST", &format!("{to}?url={url}{more}"), &[], b""));
    assert_eq!(by_url("&content_type=photo"), content(1));
    assert_eq!(by_url(""), content(2));
    assert_eq!(by_url("&metadata=%7B%22content_id%22%3A%221%22%7D"), content(3));
    assert_eq!(upload(to, ""), content(4));
    assert_eq!(upload(to, r#"{"content_id":"123","content_uri":"https://a.example"}"#), content(5));
    assert_eq!(upload("/c/bank/RUBY_NONE/content", ""), Err("NotFoundError"));
    assert_eq!(
        handled(&server.send("POST", &format!("/c/bank/RUBY_NONE/content?url={url}"), &[], b"")),
        Err("NotFoundError")
    );
    let hash = json!({ "pdq": BRIDGE_PDQ });
    assert_eq!(upload("/h/hash", ""), Ok(hash.clone()));
    for more in ["", "&content_type=photo", "&types=pdq", "&content_type=photo&types=pdq"] {
        assert_eq!(handled(&server.get(&format!("/h/hash?url={url}{more}"))), Ok(hash.clone()), "{more}");
    }
    let found: Vec<Value> = (1..=5).map(|id| json!({ "bank_content_id": id, "distance": "0" })).collect();
    let nested = json!({ "pdq": { "RUBY_CONTENT": found } });
    assert_eq!(upload("/m/lookup", ""), Ok(nested.clone()));
    assert_eq!(
        handled(&server.get(&format!("/m/lookup?url={url}&content_type=photo&types=pdq"))),
        Ok(nested)
    );
    let other: Part = ("photo", Some("b.png"), &super::pictures::png(&super::pictures::scene(2)));
    assert_eq!(handled(&server.upload("/m/lookup", &[other])), Ok(json!({ "pdq": {} })));
}

#[test]
fn lookups_of_the_gem() {
    let server = Server::shared();
    server.bank("RUBY_ONE");
    server.bank("RUBY_TWO");
    let hash = pdq(800);
    let one = server.signal("RUBY_ONE", &json!({ "pdq": hash }));
    let two = server.signal("RUBY_TWO", &json!({ "pdq": near(&hash, 12) }));
    let raw = |distance: bool| {
        let path = format!("/m/raw_lookup?signal={hash}&signal_type=pdq&include_distance={distance}");
        handled(&server.get(&path)).unwrap()["matches"].clone()
    };
    assert_eq!(raw(false), json!([one, two]));
    for found in raw(true).as_array().unwrap() {
        assert!(found["bank_content_id"].is_u64());
        // Coerced to an integer.
        assert!(found["distance"].as_str().unwrap().parse::<u32>().is_ok());
    }
    let looked = handled(&server.get(&format!("/m/lookup?signal={hash}&signal_type=pdq"))).unwrap();
    assert_eq!(looked["RUBY_ONE"], json!([{ "bank_content_id": one, "distance": "0" }]));
    assert_eq!(looked["RUBY_TWO"], json!([{ "bank_content_id": two, "distance": "12" }]));
    let nothing = handled(&server.get(&format!("/m/lookup?signal={}&signal_type=pdq", pdq(801)))).unwrap();
    assert_eq!(nothing, json!({}));
    let status = server.get("/status");
    assert_eq!((status.status, status.text()), (200, "I-AM-ALIVE"));
}

#[test]
fn exchanges_of_the_gem() {
    let server = Server::start(&[]);
    let apis = handled(&server.get("/c/exchanges/apis")).unwrap();
    let apis: Vec<&str> = apis.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in ["sample", "infinite_random", "fb_threatexchange", "ncmec", "stop_ncii"] {
        assert!(apis.contains(&name), "{name}");
        let config = handled(&server.get(&format!("/c/exchanges/api/{name}"))).unwrap();
        assert!(
            config["supports_authentification"].is_boolean()
                && config["has_set_authentification"].is_boolean()
        );
    }
    let credentials = json!({ "credential_json": { "user": "u", "password": "p" } });
    let set = handled(&server.post("/c/exchanges/api/ncmec", &credentials)).unwrap();
    assert_eq!(set["has_set_authentification"], json!(true));
    let environment = "https://exttest.cybertip.org/hashsharing";
    let body = json!({
        "api": "ncmec", "bank": "RUBY_LIST", "api_json": { "environment": environment, "only_esp_ids": [1] },
    });
    assert!(handled(&server.post("/c/exchanges", &body)).is_ok());
    let exchange = handled(&server.get("/c/exchange/RUBY_LIST")).unwrap();
    assert_eq!((&exchange["name"], &exchange["api"]), (&json!("RUBY_LIST"), &json!("ncmec")));
    assert!(exchange["enabled"].is_boolean() && exchange["only_esp_ids"][0].is_u64());
    assert_eq!(handled(&server.post("/c/exchanges", &body)), Err("ResourceAlreadyExistsError"));
    assert_eq!(handled(&server.get("/c/exchange/RUBY_NONE")), Err("NotFoundError"));
    let status = handled(&server.get("/c/exchange/RUBY_LIST/status")).unwrap();
    let expected = json!({
        "checkpoint_ts": null, "fetched_items": 0, "last_fetch_complete_ts": null, "last_fetch_succeeded": null,
        "running_fetch_start_ts": null, "up_to_date": false,
    });
    assert_eq!(status, expected);
}
