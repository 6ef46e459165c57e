//! Remote matchers, asked by `match` and by a server over real connections; reasons of votes; Autopsy's sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::exchange::server::{Asked, Fault, Mock, Reply};
use crate::files::png;
use crate::kdb_file::kdb;
use crate::program::{Place, Ran};
use crate::serve_client::Server as Serving;

/// Arachnid's Shield, which knows every PDQ and file but those that end in a zero.
fn shield(asked: &Asked) -> Reply {
    assert_eq!(asked.header("Authorization"), Some("Basic dGVzdGVyOmdlaGVpbQ=="));
    match asked.path() {
        "/v1/pdq/" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let hashes = body["hashes"].as_array().unwrap();
            let one = |hash: &Value| {
                let text = hash.as_str().unwrap().to_owned();
                let known = STANDARD.decode(&text).unwrap().last() != Some(&0);
                let detail =
                    json!({ "classification": "csam", "distance": 1200, "sha256_hex": "ab".repeat(32) });
                let found =
                    json!({ "classification": "csam", "match_type": "near", "near_match_details": [detail] });
                (text, if known { found } else { Value::Null })
            };
            let scanned: serde_json::Map<String, Value> = hashes.iter().map(one).collect();
            Reply::json(&json!({ "scanned_hashes": scanned }))
        }
        "/v1/media/" => Reply::json(&json!({ "classification": "no-known-match", "match_type": null })),
        other => panic!("{other}"),
    }
}

fn add(place: &Place, api: &str, mock: &Mock, more: &[&str]) -> Ran {
    place.put("credentials.json", json!({ "username": "tester", "password": "geheim" }).to_string());
    place.put("settings.json", json!({ "attempts": 1 }).to_string());
    let url = mock.url("");
    let all = [
        &["exchange", "add", "SHIELD", "--api", api, "--base-url", &url, "--data", "state"][..],
        &["--credentials", "credentials.json", "--settings", "settings.json"],
        more,
    ];
    place.run(&all.concat())
}

fn ask(place: &Place, more: &[&str]) -> Ran {
    let all = [&["match", "--remote", "SHIELD", "--data", "state", "--format", "ndjson"], more];
    place.run(&all.concat())
}

fn known(byte: u8) -> String {
    format!("pdq:{}", format!("{byte:02x}").repeat(32))
}

#[test]
fn only_hashes_leave_and_what_a_matcher_knows_is_told_beside_the_lists() {
    let (place, mock) = (Place::new(), Mock::start(shield));
    let made = add(&place, "arachnid", &mock, &[]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert_eq!(add(&place, "arachnid", &mock, &[]).code, Some(2), "twice");
    for number in 0..70 {
        place.put(&format!("pile/{number:02}.png"), png(number));
    }
    let ran = ask(&place, &["pile"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let objects = ran.of_kind("file");
    assert_eq!(objects.len(), 70);
    for object in &objects {
        assert_eq!(object["state"], "known", "{object}");
        let found = &object["matches"][0];
        assert_eq!((&found["remote"], &found["bank"]), (&json!("SHIELD"), &json!("csam")));
        assert_eq!((&found["bank_kind"], &found["entry"]), (&json!("known-real"), &Value::Null));
        assert_eq!((&found["distance"], &found["exact"]), (&json!("1200"), &json!(false)));
        let told = &object["remote"][0];
        assert_eq!((&told["name"], &told["state"]), (&json!("SHIELD"), &json!("answered")));
        assert_eq!(told["asked"], json!(["pdq"]), "Arachnid takes no digests");
    }
    let asked = mock.asked();
    assert_eq!(asked.len(), 2, "70 files are two requests");
    assert!(asked.iter().all(|one| one.path() == "/v1/pdq/"), "no file was sent");
    assert!(
        ran.err.contains("remote SHIELD: 70 items asked for, 70 answered, 70 known there"),
        "{}",
        ran.err
    );
    // What has no hash that it takes was not asked for, and is not "no match".
    place.put("notes.txt", "no picture");
    let ran = ask(&place, &["notes.txt"]);
    assert_eq!(ran.code, Some(2));
    let told = &ran.file("notes.txt")["remote"][0];
    assert_eq!((&told["state"], &told["asked"]), (&json!("not_asked"), &json!([])));
    assert!(told["reason"].as_str().unwrap().contains("pdq"), "{told}");
    assert!(mock.asked().is_empty());
    let text = place.run(&["match", "notes.txt", "--remote", "SHIELD", "--data", "state"]);
    assert!(text.out.contains("not asked") && !text.out.contains("no match"), "{}", text.out);
}

#[test]
fn a_matcher_that_fails_is_told_for_each_item_and_is_never_no_match() {
    let (place, mock) = (Place::new(), Mock::start(shield));
    assert_eq!(add(&place, "arachnid", &mock, &[]).code, Some(0));
    let signal = known(0);
    let ran = ask(&place, &["--signal", &signal]);
    assert_eq!(ran.code, Some(0), "asked for, and not known: {}", ran.err);
    assert_eq!(ran.objects()[0]["remote"][0]["state"], "answered");
    for fault in [
        Fault::Close,
        Fault::Cut(50),
        Fault::CutSilently(50),
        Fault::Status(429, Some("900")),
        Fault::Status(500, None),
        Fault::Status(401, None),
        Fault::Status(404, None),
        Fault::Garbage,
    ] {
        mock.plan([fault.clone()]);
        let ran = ask(&place, &["--signal", &signal]);
        assert_eq!(ran.code, Some(2), "{fault:?} {}", ran.out);
        let told = &ran.objects()[0]["remote"][0];
        assert_eq!(told["state"], "failed", "{fault:?} {told}");
        assert!(!told["reason"].as_str().unwrap().is_empty());
        mock.plan([fault]);
        let text = place.run(&["match", "--signal", &signal, "--remote", "SHIELD", "--data", "state"]);
        assert!(text.code == Some(2) && !text.out.contains("no match"), "{}", text.out);
        assert!(!text.err.contains("geheim") && !text.err.contains(&mock.url("")), "{}", text.err);
    }
    // An answer of another shape.
    let odd = Mock::start(|_: &Asked| Reply::json(&json!({ "scanned_hashes": {} })));
    let other = Place::new();
    assert_eq!(add(&other, "arachnid", &odd, &[]).code, Some(0));
    let ran = ask(&other, &["--signal", &signal]);
    assert_eq!((ran.code, &ran.objects()[0]["remote"][0]["state"]), (Some(2), &json!("unanswered")));
}

#[test]
fn a_file_leaves_only_where_the_exchange_and_the_command_say_so() {
    let mock = Mock::start(shield);
    let place = Place::new();
    place.put("a.png", png(1));
    assert_eq!(add(&place, "arachnid", &mock, &[]).code, Some(0));
    let refused = ask(&place, &["--send-files", "a.png"]);
    assert!(
        refused.code == Some(2) && refused.err.contains("not set up to be sent files"),
        "{}",
        refused.err
    );
    assert!(mock.asked().is_empty());
    let place = Place::new();
    place.put("a.png", png(1));
    place.put("pile.zip", crate::files::zip(&[("b.png", png(2))]));
    assert_eq!(add(&place, "arachnid", &mock, &["--send-files"]).code, Some(0));
    assert_eq!(ask(&place, &["a.png"]).code, Some(1));
    assert!(mock.asked().iter().all(|one| one.path() == "/v1/pdq/"), "the command did not say so");
    place.put("notes.txt", "private words");
    let sent = ask(&place, &["--send-files", "a.png", "pile.zip", "notes.txt"]);
    let asked = mock.asked();
    let files: Vec<&Asked> = asked.iter().filter(|one| one.path() == "/v1/media/").collect();
    assert_eq!((files.len(), files[0].header("Content-Type")), (1, Some("image/png")));
    assert_eq!(files[0].body, png(1));
    let told = &sent.file("a.png")["remote"];
    assert_eq!((&told[0]["by"], &told[1]["by"]), (&json!("hashes"), &json!("file")));
    assert_eq!(told[1]["state"], "answered");
    for path in ["pile.zip", "notes.txt"] {
        assert_eq!(sent.file(path)["remote"][1]["state"], "not_asked", "{path}");
    }
    let member = sent.objects().into_iter().find(|one| one["path"] == "pile.zip!/b.png").unwrap();
    assert_eq!(member["remote"][1]["state"], "not_asked", "{member}");
    for api in ["remote_hma", "ncmec"] {
        let wrong = add(&Place::new(), api, &mock, &["--send-files"]);
        assert!(wrong.code == Some(2) && wrong.err.contains("takes no files"), "{}", wrong.err);
    }
}

#[test]
fn peers_are_asked_in_their_own_words_and_a_matcher_is_not_fetched() {
    let mock = Mock::start(|asked: &Asked| match asked.path() {
        "/m/lookup" => Reply::json(&json!({ "THEIRS": [{ "bank_content_id": 4, "distance": "6" }] })),
        "/v1/lookup" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            assert_eq!(body["signals"].as_array().unwrap().len(), 2);
            Reply::json(&json!({ "results": [
                { "index": 0, "matches": [{ "bank": "N", "bank_kind": "negative", "distance": "0", "exact": false }] },
                { "index": 1, "error": "cannot be looked up" },
            ] }))
        }
        other => panic!("{other}"),
    });
    let md5 = format!("md5:{}", "ab".repeat(16));
    let place = Place::new();
    assert_eq!(add(&place, "remote_hma", &mock, &[]).code, Some(0));
    let ran = ask(&place, &["--signal", &known(1), "--signal", &md5]);
    let objects = ran.objects();
    assert_eq!(ran.code, Some(2), "an HMA takes no MD5 of pictures");
    assert_eq!(
        (&objects[0]["matches"][0]["entry"], &objects[0]["matches"][0]["distance"]),
        (&json!("4"), &json!("6"))
    );
    assert_eq!(objects[0]["matches"][0]["bank_kind"], Value::Null);
    assert_eq!(objects[1]["remote"][0]["state"], "not_asked");
    for words in [["exchange", "fetch", "SHIELD"], ["bank", "show", "SHIELD"]] {
        let ran = place.run(&[&words[..], &["--data", "state"]].concat());
        assert_eq!(ran.code, Some(if words[1] == "fetch" { 2 } else { 0 }), "{}", ran.err);
    }
    let all = place.run(&["exchange", "fetch", "--all", "--data", "state"]);
    assert_eq!(all.code, Some(0), "{}", all.err);
    let status = place.run(&["exchange", "status", "--data", "state"]);
    assert!(status.out.contains("asked and not fetched"), "{}", status.out);
    for api in ["remote_lodestone", "remote_matcher"] {
        let place = Place::new();
        assert_eq!(add(&place, api, &mock, &[]).code, Some(0));
        let ran = ask(&place, &["--signal", &known(1), "--signal", &md5]);
        let objects = ran.objects();
        assert_eq!(ran.code, Some(2));
        assert_eq!(objects[0]["matches"][0]["bank_kind"], "negative");
        assert_eq!(objects[1]["remote"][0]["state"], "unanswered");
        let one = ask(&place, &["--signal", &known(1), "--remote", "NOBODY"]);
        assert!(one.code == Some(2) && one.err.contains("no such exchange"), "{}", one.err);
    }
}

#[test]
fn a_server_asks_for_hashes_of_files_and_tells_the_matcher_apart() {
    let mock = Mock::start(shield);
    let server = Serving::start(&["--open", "--allow-private-urls"]);
    let exchange = json!({
        "name": "SHIELD", "api": "arachnid", "config": { "base_url": mock.url(""), "send_files": true },
        "credentials": { "username": "tester", "password": "geheim" },
    });
    server.post("/v1/exchanges", &exchange).is(201);
    let picture = png(1);
    let files: &[(&str, &str, &[u8])] = &[("photo", "a.png", &picture), ("photo", "b.txt", b"no picture")];
    let told = server.upload("/v1/lookup/files?remote=SHIELD", files).is(200);
    let remote = &told["remote"][0];
    assert_eq!((&remote["name"], &remote["matched"]), (&json!("SHIELD"), &json!(1)), "{remote}");
    assert_eq!(remote["results"][0]["matches"][0]["bank"], "csam");
    assert_eq!(remote["results"][1]["state"], "not_asked");
    assert_eq!(told["results"][0]["matches"], json!([]));
    assert!(mock.asked().iter().all(|one| one.path() == "/v1/pdq/"), "a server sends no file");
    assert!(server.upload("/v1/lookup/files", files).is(200).get("remote").is_none());
    assert!(mock.asked().is_empty(), "nobody is asked unless that is said");
    assert_eq!(server.upload("/v1/lookup/files?remote=NOBODY", files).status, 400);
}

fn desk(asked: &Asked) -> Reply {
    let namespace = "xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"";
    let path = asked.path().trim_start_matches("/hashsharing/v2/");
    if let Some(kind) = path.strip_prefix("feedback/").and_then(|path| path.strip_suffix("/reasons")) {
        let digit = kind.len();
        return Reply::ok(format!(
            "<availableFeedbackReasons {namespace}><reason guid=\"0123456{digit}-abcd-0123-4567-012345678900\" \
             name=\"Drawn\" type=\"{kind}\"/></availableFeedbackReasons>"
        ));
    }
    match (asked.method.as_str(), path) {
        ("PUT", _) => Reply::ok(format!("<submissionResult {namespace}/>")),
        (_, "entries") => Reply::ok(format!(
            "<queryResult {namespace}><images count=\"1\" maxTimestamp=\"2023-11-14T22:13:20Z\"><image><member \
             id=\"42\">M</member><timestamp>2023-11-14T22:13:20Z</timestamp><id>image1</id><classification>A1</classification>\
             <fingerprints><md5>{}</md5><pdq>{}</pdq></fingerprints></image></images></queryResult>",
            "ab".repeat(16),
            "cd".repeat(32)
        )),
        _ => Reply::status(404),
    }
}

#[test]
fn reasons_are_listed_and_a_vote_names_them_by_their_words() {
    let (place, mock) = (Place::new(), Mock::start(desk));
    place.put("credentials.json", json!({ "user": "tester", "password": "geheim" }).to_string());
    let url = mock.url("/hashsharing");
    let data = ["--data", "state"];
    let add = [
        "exchange",
        "add",
        "LISTED",
        "--api",
        "ncmec",
        "--base-url",
        &url,
        "--credentials",
        "credentials.json",
    ];
    assert_eq!(place.run(&[&add[..], &data].concat()).code, Some(0));
    assert_eq!(place.run(&[&["exchange", "fetch", "LISTED"][..], &data].concat()).code, Some(0));
    let listed =
        place.run(&[&["exchange", "reasons", "LISTED", "--format", "ndjson"][..], &data].concat()).objects();
    assert_eq!(listed.len(), 4, "one for each kind of fingerprint");
    assert_eq!((&listed[0]["signal_type"], &listed[0]["name"]), (&json!("md5"), &json!("Drawn")));
    let one = place.run(&[&["exchange", "reasons", "LISTED", "--signal-type", "sha1"][..], &data].concat());
    assert!(one.code == Some(0) && one.out.contains("01234564-abcd"), "{} {}", one.out, one.err);
    mock.asked();
    let vote = |reason: &str| {
        let vote = ["exchange", "vote", "LISTED", "42-image1", "--dispute", "--reason", reason];
        place.run(&[&vote[..], &data].concat())
    };
    let wrong = vote("No such reason");
    assert!(wrong.code == Some(2) && wrong.err.contains("exchange reasons"), "{}", wrong.err);
    assert!(mock.asked().iter().all(|one| one.method == "GET"), "nothing was sent");
    let voted = vote("drawn");
    assert_eq!(voted.code, Some(0), "{}", voted.err);
    let sent: Vec<_> = mock.asked().into_iter().filter(|one| one.method == "PUT").collect();
    let said: Vec<String> = sent.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    // Each kind of fingerprint has a reason of its own.
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().any(|one| one.path().ends_with("/MD5/feedback")));
    assert!(
        said.iter().all(|body| body.contains("<guid>01234563-abcd-0123-4567-012345678900</guid>")),
        "{said:?}"
    );
    let stop = ["exchange", "add", "STOP", "--api", "stop_ncii", "--base-url", &url];
    assert_eq!(place.run(&[&stop[..], &data].concat()).code, Some(0));
    let none = place.run(&[&["exchange", "reasons", "STOP"][..], &data].concat());
    assert!(none.code == Some(2) && none.err.contains("only ncmec"), "{}", none.err);
}

#[test]
fn autopsys_sets_are_imported_and_matched_wherever_lists_are() {
    let place = Place::new();
    let picture = png(5);
    place.put("a.png", &picture);
    let hashed = place.run(&["hash", "a.png", "--format", "ndjson"]).objects();
    let md5 = hashed[0]["signals"]["md5"].as_str().unwrap().to_owned();
    let md5: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&md5[2 * at..2 * at + 2], 16).unwrap()).collect();
    place.put("notable.kdb", kdb(&[&md5, &[0xab; 16], &[0]]));
    let import = |more: &[&str]| {
        let all = [&["bank", "import", "B", "notable.kdb", "--data", "state", "--format", "ndjson"], more];
        place.run(&all.concat())
    };
    let refused = import(&[]);
    assert!(refused.code == Some(2) && refused.err.contains("nothing was imported"), "{}", refused.err);
    let done = import(&["--max-rejects", "1"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let told = &done.objects()[0];
    assert_eq!(
        (&told["format"], &told["added"], &told["rejected"]),
        (&json!("autopsy-kdb"), &json!(2), &json!(1))
    );
    for lists in [&["--data", "state"][..], &["--known", "notable.kdb", "--max-rejects", "1"]] {
        let ran = place.run(&[&["match", "a.png", "--format", "ndjson"], lists].concat());
        assert_eq!((ran.code, &ran.file("a.png")["state"]), (Some(1), &json!("known")), "{}", ran.err);
    }
    std::fs::write(place.path("notable.kdb-wal"), "something").unwrap();
    let refused = import(&["--max-rejects", "1"]);
    assert!(refused.code == Some(2) && refused.err.contains("log lies beside"), "{}", refused.err);
}
