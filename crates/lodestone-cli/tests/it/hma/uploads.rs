//! `POST /h/hash`, `POST /m/lookup`, `POST /c/bank/B/content` with an uploaded file.

use serde_json::{Value, json};

use super::client::{FORM, Part, Server, form};
use super::pictures::{self, BRIDGE, BRIDGE_PDQ};

const MISSING: &str = "Missing multipart/form-data file upload";
const ONE_ONLY: &str = "Only one file allowed per request";
/// MD5 of the picture's bytes.
const BRIDGE_MD5: &str = "d35c785545392755e7e4164457657269";

fn photo(bytes: &[u8]) -> [Part<'_>; 1] {
    [("photo", Some("x"), bytes)]
}

#[test]
fn the_field_is_named_after_what_the_file_is_and_its_name_is_any() {
    let server = Server::shared();
    let hashed = |parts: &[Part]| {
        let answer = server.upload("/h/hash", parts);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        (answer.status, answer.json())
    };
    let pdq = (200, json!({ "pdq": BRIDGE_PDQ }));
    assert_eq!(server.upload("/h/hash", &photo(BRIDGE)).text(), format!("{{\"pdq\":\"{BRIDGE_PDQ}\"}}\n"));
    for name in ["x", "", "picture.jpg", "é ü.png", "../../etc/passwd", "film.mp4", "a;b.gif"] {
        assert_eq!(hashed(&[("photo", Some(name), BRIDGE)]), pdq, "{name}");
    }
    assert_eq!(hashed(&[("note", None, b"text"), ("photo", Some("x"), BRIDGE)]), pdq);
    // A picture is also bytes of a film, if one says so.
    assert_eq!(hashed(&[("video", Some("x"), BRIDGE)]), (200, json!({ "video_md5": BRIDGE_MD5 })));
    assert_eq!(hashed(&[("video", Some("x"), b"no film")]).0, 200);
    let refused = |parts: &[Part]| {
        let (status, answer) = hashed(parts);
        assert_eq!(status, 400);
        answer["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&[("file", Some("x"), BRIDGE)]), "no such content_type: 'file'");
    assert_eq!(refused(&[("Photo", Some("x"), BRIDGE)]), "no such content_type: 'Photo'");
    assert_eq!(refused(&[("", Some("x"), BRIDGE)]), "no such content_type: ''");
    assert_eq!(refused(&[("text", Some("x"), BRIDGE)]), "no such content_type: 'text'");
    // Without a file name it is a field, not a file.
    assert_eq!(refused(&[("photo", None, BRIDGE)]), MISSING);
    assert_eq!(refused(&[]), MISSING);
    assert_eq!(refused(&[("photo", Some("x"), BRIDGE), ("photo", Some("y"), BRIDGE)]), ONE_ONLY);
    assert_eq!(refused(&[("photo", Some("x"), BRIDGE), ("video", Some("y"), BRIDGE)]), ONE_ONLY);
}

#[test]
fn types_choose_among_those_of_the_content_type() {
    let server = Server::shared();
    let ask = |query: &str| {
        let answer = server.upload(&format!("/h/hash{query}"), &photo(BRIDGE));
        (answer.status, answer.json())
    };
    let pdq = (200, json!({ "pdq": BRIDGE_PDQ }));
    for query in ["", "?types=pdq", "?types=pdq,pdq", "?types=%20pdq%20,,", "?other=1"] {
        assert_eq!(ask(query), pdq, "{query}");
    }
    let refused = |text: &str| (400, json!({ "message": text }));
    assert_eq!(ask("?types="), refused("empty signal type selection"));
    assert_eq!(ask("?types=,"), refused("empty signal type selection"));
    assert_eq!(ask("?types=nope"), refused("signal type 'nope' doesn't exist or is disabled"));
    assert_eq!(ask("?types=pdq,nope"), refused("signal type 'nope' doesn't exist or is disabled"));
    assert_eq!(ask("?types=video_md5"), refused("signal type 'video_md5' doesn't exist or is disabled"));
}

#[test]
fn what_is_no_form_has_no_file() {
    let server = Server::shared();
    let whole = form(&photo(BRIDGE));
    let ask = |kind: &str, body: &[u8]| {
        let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("Content-Type", kind)] };
        server.send("POST", "/h/hash", headers, body)
    };
    for (kind, body) in [
        ("", &b""[..]),
        ("", &whole[..]),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"photo=abc"),
        ("image/jpeg", BRIDGE),
        ("multipart/form-data", &whole),
        ("multipart/form-data; boundary=", &whole),
        ("multipart/form-data; boundary=other", &whole),
        (FORM, b""),
        (FORM, b"no part"),
        (FORM, &whole[..2000]),
        (FORM, &whole[..40]),
    ] {
        let answer = ask(kind, body);
        assert_eq!((answer.status, answer.message().as_str()), (400, MISSING), "{kind} {}", body.len());
    }
    // Written otherwise, and right all the same.
    let (kind, boundary) = FORM.split_once("boundary=").unwrap();
    for kind in [
        format!("{kind}boundary=\"{boundary}\""),
        format!("Multipart/Form-Data; charset=utf-8; boundary={boundary}"),
    ] {
        assert_eq!(ask(&kind, &whole).json(), json!({ "pdq": BRIDGE_PDQ }), "{kind}");
    }
    assert_eq!(ask(FORM, &whole[..whole.len() - 2]).status, 200, "without the last line break");
    assert_eq!(ask(FORM, &[b"before\r\n", &whole[..]].concat()).status, 200, "with a preamble");
}

#[test]
fn a_file_is_one_in_every_spelling_of_its_header() {
    let server = Server::shared();
    let ask = |head: &[u8], end: &[u8]| {
        let line = &end[..end.len().min(2)];
        let body = [b"--B", line, head, line, line, BRIDGE, line, b"--B--", end].concat();
        server.send("POST", "/h/hash", &[("Content-Type", "multipart/form-data; boundary=B")], &body)
    };
    for head in [
        &b"Content-Disposition: form-data; name=photo; filename=x"[..],
        b"content-disposition: FORM-DATA; NAME=\"photo\"; FILENAME=\"x\"",
        b"Content-Disposition: form-data; filename=\"x\"; name=\"photo\"",
        // Names beyond ASCII, as Python's urllib3 and Windows' curl send them.
        b"Content-Disposition: form-data; name=\"photo\"; filename*=utf-8''gr%C3%BCn.jpg",
        b"Content-Disposition: form-data; name=\"photo\"; filename=\"gr\xfcn.jpg\"",
        b"Content-Disposition: form-data; name=\"photo\"; filename=\"a \\\"b\\\".jpg\"",
        b"Content-Disposition: form-data; name=\"photo\"; filename=\"C:\\pictures\\a.jpg\"",
        b"Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"x\"",
    ] {
        let answer = ask(head, b"\r\n");
        assert_eq!(answer.json(), json!({ "pdq": BRIDGE_PDQ }), "{}", String::from_utf8_lossy(head));
    }
    let unix = ask(b"Content-Disposition: form-data; name=\"photo\"; filename=\"x\"", b"\n");
    assert_eq!(unix.json(), json!({ "pdq": BRIDGE_PDQ }));
    let ends_early = form(&[("photo", Some("x"), BRIDGE), ("note", None, b"a note")]);
    let cut = server.send("POST", "/h/hash", &[("Content-Type", FORM)], &ends_early[..ends_early.len() - 30]);
    assert_eq!((cut.status, cut.message().as_str()), (400, MISSING), "of half a form nothing is taken");
}

#[test]
fn what_cannot_be_read_is_refused_with_a_message_everywhere() {
    // HMA answers 500 to most of these.
    let server = Server::shared();
    server.bank("UNREADABLE");
    let png = pictures::png(&pictures::scene(1));
    let short_header = &png[..20];
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"no picture at all"),
        ("cut", &BRIDGE[..600]),
        ("header", short_header),
        ("zeros", &[0; 4096]),
        ("page", b"<!doctype html><svg xmlns='http://www.w3.org/2000/svg'/>"),
    ] {
        for path in ["/h/hash", "/m/lookup", "/c/bank/UNREADABLE/content"] {
            let answer = server.upload(path, &photo(bytes));
            assert!(matches!(answer.status, 400 | 422), "{name} {path}: {}", answer.status);
            assert!(!answer.message().is_empty());
        }
    }
    assert_eq!(server.upload("/h/hash", &[("video", Some("x"), b"")]).status, 400);
}

#[test]
fn a_picture_of_low_quality_has_the_empty_hash_which_matches_nothing() {
    let server = Server::shared();
    server.bank("FLAT");
    let flat = pictures::flat();
    let hashed = server.upload("/h/hash", &photo(&flat));
    assert_eq!((hashed.status, hashed.text()), (200, "{\"pdq\":\"\"}\n"));
    let looked = server.upload("/m/lookup", &photo(&flat));
    assert_eq!((looked.status, looked.message().as_str()), (400, "invalid signal: invalid PDQ hash"));
    let added = server.upload("/c/bank/FLAT/content", &photo(&flat));
    assert_eq!((added.status, added.message().as_str()), (400, "Invalid pdq signal: invalid PDQ hash"));
}

/// Bits between two hashes, as the server compares them.
fn bits(server: &Server, left: &str, right: &str) -> u64 {
    let compared = server.post("/m/compare", &json!({ "pdq": [left, right] }));
    compared.json()["pdq"][1]["distance"].as_u64().unwrap_or_else(|| panic!("{}", compared.text()))
}

#[test]
fn the_same_picture_has_the_same_hash_in_every_format() {
    // HMA hashes the indices of palettes, inverts CMYK, and finds nothing in 16 bits and in 1.
    let server = Server::shared();
    let hash = |bytes: &[u8]| {
        let answer = server.upload("/h/hash", &photo(bytes)).json();
        answer["pdq"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    for seed in [1, 2] {
        let scene = pictures::scene(seed);
        let plain = hash(&pictures::png(&scene));
        assert_eq!(plain.len(), 64, "the scene is good enough to be hashed");
        for (name, bytes, most) in [
            ("alpha", pictures::png_with_alpha(&scene), 0),
            ("palette", pictures::png_with_palette(&scene), 0),
            ("gif", pictures::gif(&scene), 0),
            ("16 bits", pictures::png_of_16_bits(&scene), 2),
            ("jpeg", pictures::jpeg(&scene), 12),
            ("cmyk", pictures::cmyk_jpeg(&scene), 16),
        ] {
            let distance = bits(&server, &plain, &hash(&bytes));
            assert!(distance <= most, "{name} is {distance} bits away");
        }
        let (one_bit, same) = pictures::png_of_1_bit(&scene);
        assert!(bits(&server, &hash(&one_bit), &hash(&same)) <= 2, "1 bit");
    }
    let apart =
        bits(&server, &hash(&pictures::png(&pictures::scene(1))), &hash(&pictures::png(&pictures::scene(2))));
    assert!(apart > 31, "two scenes are {apart} bits apart");
}

#[test]
fn a_file_is_looked_up_by_type_and_bank() {
    let server = Server::start(&[]);
    server.bank("FILES");
    server.bank("OTHERS");
    let ask = |query: &str, parts: &[Part]| {
        let answer = server.upload(&format!("/m/lookup{query}"), parts);
        (answer.status, answer.json())
    };
    assert_eq!(ask("", &photo(BRIDGE)), (200, json!({ "pdq": {} })));
    let added = server.upload("/c/bank/FILES/content", &photo(BRIDGE));
    assert_eq!(added.text(), format!("{{\"id\":1,\"signals\":{{\"pdq\":\"{BRIDGE_PDQ}\"}}}}\n"));
    let film = server.upload("/c/bank/OTHERS/content", &[("video", Some("a.mp4"), BRIDGE)]);
    assert_eq!((film.status, film.json()), (200, json!({ "id": 2, "signals": { "video_md5": BRIDGE_MD5 } })));
    let found = json!({ "pdq": { "FILES": [{ "bank_content_id": 1, "distance": "0" }] } });
    for query in [
        "",
        "?banks=FILES",
        "?banks=OTHERS,FILES",
        "?banks=",
        "?types=pdq",
        "?seed=x",
        "?bypass_coinflip=true",
        "?bypass_coinflip=maybe",
        "?bypass_coinflip=",
    ] {
        assert_eq!(ask(query, &photo(BRIDGE)), (200, found.clone()), "{query}");
    }
    assert_eq!(ask("?banks=OTHERS", &photo(BRIDGE)), (200, json!({ "pdq": {} })));
    assert_eq!(ask("?banks=NO_SUCH", &photo(BRIDGE)), (200, json!({ "pdq": {} })));
    let video = json!({ "video_md5": { "OTHERS": [{ "bank_content_id": 2, "distance": "-" }] } });
    assert_eq!(ask("", &[("video", Some("x"), BRIDGE)]), (200, video));
    let other = pictures::jpeg(&pictures::scene(1));
    assert_eq!(ask("", &photo(&other)), (200, json!({ "pdq": {} })));
    let refused = |text: &str| (400, json!({ "message": text }));
    assert_eq!(ask("", &[]), refused(MISSING));
    assert_eq!(ask("", &[("file", Some("x"), BRIDGE)]), refused("no such content_type: 'file'"));
    assert_eq!(
        ask("?types=nope", &photo(BRIDGE)),
        refused("signal type 'nope' doesn't exist or is disabled")
    );
    assert_eq!(ask("", &[("photo", Some("x"), BRIDGE), ("photo", Some("x"), BRIDGE)]), refused(ONE_ONLY));
}

#[test]
fn metadata_and_notes_come_with_a_file_and_are_told_again() {
    let server = Server::shared();
    server.bank("TOLD");
    let add = |more: &[(&str, &str)]| {
        let mut parts: Vec<Part> = vec![("photo", Some("x"), BRIDGE)];
        parts.extend(more.iter().map(|(name, text)| (*name, None, text.as_bytes())));
        server.upload("/c/bank/TOLD/content", &parts)
    };
    let told = |id: &Value, query: &str| server.get(&format!("/c/bank/TOLD/content/{id}{query}")).json();
    let whole = add(&[
        ("metadata", r#"{"content_id":"a","content_uri":"https://a.example/b","json":{"x":[1,{"y":null}]}}"#),
        ("note", "seen twice"),
    ]);
    assert_eq!(whole.status, 200, "{}", whole.text());
    let id = &whole.json()["id"];
    let metadata = json!({
        "collab": null, "content_id": "a", "content_uri": "https://a.example/b", "json": { "x": [1, { "y": null }] },
    });
    let answer = told(id, "?include_metadata=true&include_signals=true");
    assert_eq!(answer["metadata"], metadata);
    assert_eq!(answer["note"], "seen twice");
    assert_eq!(answer["signals"], json!({ "pdq": BRIDGE_PDQ }));
    assert!(told(id, "").get("metadata").is_none());
    assert_eq!(told(id, "")["note"], "seen twice");
    let changed = server.put(&format!("/c/bank/TOLD/content/{id}"), &json!({ "note": "" })).json();
    assert_eq!((&changed["note"], &changed["collab_metadata"]), (&Value::Null, &json!({})));
    assert!(told(id, "").get("note").is_none());
    // `collab` is the exchanges': it is dropped.
    let part = add(&[("metadata", r#"{"content_id":"z","collab":{"A":["b"]}}"#)]).json();
    let expected = json!({ "collab": null, "content_id": "z", "content_uri": null, "json": null });
    assert_eq!(told(&part["id"], "?include_metadata=TRUE")["metadata"], expected);
    let long = "ü".repeat(255);
    for more in [
        &[][..],
        &[("metadata", "")],
        &[("metadata", "null")],
        &[("metadata", "{}")],
        &[("note", "")],
        &[("note", long.as_str())],
        &[("content_id", "1"), ("content_uri", "2"), ("other", "3")],
    ] {
        let added = add(more);
        assert_eq!(added.status, 200, "{more:?} {}", added.text());
        assert!(told(&added.json()["id"], "?include_metadata=true").get("metadata").is_none(), "{more:?}");
    }
    let longer = format!("{long}ü");
    for (more, message) in [
        (("metadata", "{bad"), "metadata form field must be valid JSON"),
        (("metadata", "[]"), "metadata should be a json object"),
        (("metadata", "\"text\""), "metadata should be a json object"),
        (("note", longer.as_str()), "note must be at most 255 characters"),
    ] {
        let refused = add(&[more]);
        assert_eq!((refused.status, refused.message().as_str()), (400, message), "{more:?}");
    }
    for metadata in [r#"{"zzz":1}"#, r#"{"content_id":5}"#, r#"{"json":[]}"#, r#"{"collab":5}"#] {
        let refused = add(&[("metadata", metadata)]);
        assert_eq!(refused.status, 400, "{metadata}");
        assert!(refused.message().starts_with("Invalid metadata: "), "{metadata} {}", refused.message());
    }
    let nothing = server.upload("/c/bank/TOLD/content", &[("note", None, b"x")]);
    assert_eq!(
        (nothing.status, nothing.message().as_str()),
        (400, "Neither `url` nor multipart file upload was received")
    );
    assert_eq!(
        server.upload("/c/bank/NO_SUCH/content", &photo(BRIDGE)).message(),
        "bank 'NO_SUCH' not found"
    );
}
