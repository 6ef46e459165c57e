//! Signal types that are offered only when asked for at the start.

use serde_json::json;

use super::client::{Part, Server, q};
use super::pictures::{self, BRIDGE, BRIDGE_PDQ};

const ALL: &[&str] = &["--signal-types", "pdq,video_md5,md5,sha1,sha256,raw_text,url,trend_query,text_tlsh"];
const MD5: &str = "d35c785545392755e7e4164457657269";
const SHA1: &str = "ea45d7166b30f98aac6af52f952193ce3083cb4c";
const SHA256: &str = "b5b0799616df52d475a3968dc7e54f1d0724c912244ffa6175bc786375dd7298";

#[test]
fn digests_of_photos_and_films_are_signals_when_offered() {
    let server = Server::start(ALL);
    let names = ["pdq", "video_md5", "md5", "sha1", "sha256", "raw_text", "url", "trend_query", "text_tlsh"];
    let listed = server.get("/c/signal_type").json();
    assert_eq!(listed, json!(names.map(|name| json!({ "enabled_ratio": 1.0, "name": name }))));
    let hash = |path: &str, part: Part| {
        let answer = server.upload(path, &[part]);
        (answer.status, answer.json())
    };
    let photo: Part = ("photo", Some("x"), BRIDGE);
    let whole = json!({ "md5": MD5, "pdq": BRIDGE_PDQ, "sha1": SHA1, "sha256": SHA256 });
    assert_eq!(hash("/h/hash", photo), (200, whole.clone()));
    let film = json!({ "md5": MD5, "sha1": SHA1, "sha256": SHA256, "video_md5": MD5 });
    assert_eq!(hash("/h/hash", ("video", Some("x"), BRIDGE)), (200, film));
    assert_eq!(hash("/h/hash?types=sha1,md5", photo), (200, json!({ "md5": MD5, "sha1": SHA1 })));
    // Digests need no picture; PDQ does.
    assert_eq!(hash("/h/hash?types=md5", ("photo", Some("x"), b"text")).0, 200);
    assert_eq!(hash("/h/hash", ("photo", Some("x"), b"text")).0, 400);
    let flat = pictures::flat();
    let (status, of_flat) = hash("/h/hash", ("photo", Some("x"), &flat));
    assert_eq!((status, &of_flat["pdq"]), (200, &json!("")));
    assert_eq!(of_flat["md5"].as_str().unwrap().len(), 32);
    assert_eq!(hash("/h/hash?types=raw_text", photo).0, 400, "a photo has no text");

    server.bank("DIGESTS");
    assert_eq!(hash("/c/bank/DIGESTS/content", photo), (200, json!({ "id": 1, "signals": whole })));
    let exact = json!({ "DIGESTS": [{ "bank_content_id": 1, "distance": "-" }] });
    let near = json!({ "DIGESTS": [{ "bank_content_id": 1, "distance": "0" }] });
    let found = json!({ "md5": exact, "pdq": near, "sha1": exact, "sha256": exact });
    assert_eq!(hash("/m/lookup", photo), (200, found));
    for (kind, value) in [("md5", MD5), ("sha1", SHA1), ("sha256", SHA256)] {
        for value in [value.to_owned(), value.to_uppercase(), format!(" {value}")] {
            let path = format!("/m/lookup?signal_type={kind}&signal={}", q(&value));
            assert_eq!(server.get(&path).json(), exact, "{kind} {value}");
        }
        let short = format!("/m/raw_lookup?signal_type={kind}&signal={}", &value[1..]);
        assert_eq!(server.get(&short).status, 400);
        let compared = server.post("/m/compare", &json!({ kind: [value, value] })).json();
        assert_eq!(compared[kind][0], json!(true));
    }
    // MD5 of a film and MD5 are one: equal bytes are equal.
    assert_eq!(server.get(&format!("/m/lookup?signal_type=video_md5&signal={MD5}")).json(), exact);
}

#[test]
fn texts_match_as_in_python_threatexchange() {
    let server = Server::start(ALL);
    server.bank("TEXTS");
    let tlsh = format!("T1{}ABCDEF", "0123456789ABCDEF".repeat(4));
    let query = r#"{"and":[{"or":["bad","worse"]}],"not":["fine"]}"#;
    let to = "POST /c/bank/TEXTS/signal";
    let text = "The quick brown fox jumps over the lazy dog, again and again.";
    let kept = |id: u64, kind: &str, value: &str| json!({ "id": id, "signals": { kind: value } });
    for (at, kind, given, value) in [
        (1, "raw_text", &*format!("  {text} "), text),
        (2, "url", "https://Example.org/a?b=1", "https://Example.org/a?b=1"),
        (3, "trend_query", query, query),
        (4, "text_tlsh", &tlsh, &tlsh),
    ] {
        let added = server.post("/c/bank/TEXTS/signal", &json!({ kind: given }));
        assert_eq!((added.status, added.json()), (200, kept(at, kind, value)));
    }
    server.check(&[
        (to, r#"{"raw_text":""}"#, 400, "~Invalid raw_text signal: "),
        (to, r#"{"trend_query":"no query"}"#, 400, "~Invalid trend_query signal: "),
        (to, r#"{"text_tlsh":"zz"}"#, 400, "~Invalid text_tlsh signal: "),
        (to, r#"{"raw_text":5}"#, 400, "~Invalid raw_text signal: "),
    ]);
    let distance = |kind: &str, value: &str| {
        let path = format!("/m/raw_lookup?signal_type={kind}&include_distance=true&signal={}", q(value));
        let answer = server.get(&path).json();
        let first = &answer["matches"][0];
        first["distance"].as_str().map(|text| (first["bank_content_id"].as_u64().unwrap(), text.to_owned()))
    };
    let found = |id: u64, text: &str| Some((id, text.to_owned()));
    assert_eq!(distance("raw_text", text), found(1, "100%"));
    assert_eq!(distance("raw_text", &text.to_uppercase()), found(1, "100%"));
    assert_eq!(distance("raw_text", &text.replace("fox", "fix")), found(1, "98%"));
    assert_eq!(distance("raw_text", "something else entirely"), None);
    assert_eq!(distance("url", "https://Example.org/a?b=1"), found(2, "-"));
    assert_eq!(distance("url", "https://example.org/a?b=2"), None);
    assert_eq!(distance("text_tlsh", &tlsh), found(4, "0"));
    let status = server.get("/m/index/status").json();
    for kind in ["raw_text", "url", "trend_query", "text_tlsh"] {
        assert_eq!((&status[kind]["present"], &status[kind]["size"]), (&json!(true), &json!(1)), "{kind}");
    }
    let compared = server.post("/m/compare", &json!({ "raw_text": ["hello my friend", "hello my friend"] }));
    assert_eq!((compared.status, &compared.json()["raw_text"][0]), (200, &json!(true)));
}
