//! What HMA's own tests say that can be asked from outside, one after the other on one server that is emptied in
//! between. *Source:* facebook/ThreatExchange, `hasher-matcher-actioner/src/OpenMediaMatch/tests/`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::client::{Server, near, pdq};
use super::pictures::{self, BRIDGE_PDQ};
use super::web::Web;

/// A server, and a web server with the picture of HMA's tests.
struct Case {
    server: Server,
    web: Web,
}

impl Case {
    fn create_bank(&self, name: &str) {
        let made = self.server.post("/c/banks", &json!({ "name": name }));
        assert_eq!(made.status, 201);
        assert_eq!(made.json(), json!({ "matching_enabled_ratio": 1.0, "name": name }));
    }

    /// Adds the picture by its URL.
    fn add(&self, bank: &str, id: u64) {
        let path = format!("/c/bank/{bank}/content?url={}&content_type=photo", self.web.q("/picture.jpg"));
        let added = self.server.send("POST", &path, &[], b"");
        assert_eq!(
            (added.status, added.json()),
            (200, json!({ "id": id, "signals": { "pdq": BRIDGE_PDQ } }))
        );
    }
}

/// Fifteen hashes far from each other, and one more that is near the first.
fn examples() -> Vec<String> {
    let mut hashes: Vec<String> = (900..915).map(pdq).collect();
    hashes.push(near(&hashes[0], 5));
    hashes
}

/// What a test is about, and the test.
type Ported = (&'static str, fn(&Case));

#[test]
fn what_hmas_own_tests_say_holds() {
    let cases: &[Ported] = &[
        ("status", |case| {
            let status = case.server.get("/status");
            assert_eq!((status.status, status.text()), (200, "I-AM-ALIVE"));
        }),
        ("banks: empty list", |case| {
            let banks = case.server.get("/c/banks");
            assert_eq!((banks.status, banks.json()), (200, json!([])));
        }),
        ("banks: create", |case| {
            for name in ["01_TEST_BANK", "my_test_bank"] {
                assert_eq!(case.server.post("/c/banks", &json!({ "name": name })).status, 400);
            }
            case.create_bank("MY_TEST_BANK_01");
            let only = json!([{ "matching_enabled_ratio": 1.0, "name": "MY_TEST_BANK_01" }]);
            assert_eq!(case.server.get("/c/banks").json(), only);
        }),
        ("banks: update", |case| {
            case.create_bank("MY_TEST_BANK");
            assert_eq!(
                case.server.put("/c/bank/MY_TEST_BANK", &json!({ "name": "1_invalid_name" })).status,
                400
            );
            let renamed = case.server.put("/c/bank/MY_TEST_BANK", &json!({ "name": "MY_TEST_BANK_RENAMED" }));
            assert_eq!((renamed.status, &renamed.json()["name"]), (200, &json!("MY_TEST_BANK_RENAMED")));
            let off = case.server.put("/c/bank/MY_TEST_BANK_RENAMED", &json!({ "enabled": false }));
            assert_eq!((off.status, off.json()["matching_enabled_ratio"].as_f64()), (200, Some(0.0)));
            let half = case.server.put("/c/bank/MY_TEST_BANK_RENAMED", &json!({ "enabled_ratio": 0.5 }));
            assert_eq!((half.status, half.json()["matching_enabled_ratio"].as_f64()), (200, Some(0.5)));
            let only = json!([{ "matching_enabled_ratio": 0.5, "name": "MY_TEST_BANK_RENAMED" }]);
            assert_eq!(case.server.get("/c/banks").json(), only);
        }),
        ("banks: delete, also what is not there", |case| {
            case.create_bank("MY_TEST_BANK");
            for _ in 0..2 {
                assert_eq!(case.server.delete("/c/bank/MY_TEST_BANK").status, 200);
            }
        }),
        ("content: add and show", |case| {
            case.create_bank("TEST_BANK_GET");
            case.add("TEST_BANK_GET", 1);
            let shown = case.server.get("/c/bank/TEST_BANK_GET/content/1?include_signals=true");
            assert_eq!((shown.status, &shown.json()["id"]), (200, &json!(1)));
            assert_eq!(shown.json()["signals"], json!({ "pdq": BRIDGE_PDQ }));
        }),
        ("content: 404 without bank and without content", |case| {
            assert_eq!(case.server.get("/c/bank/TEST_BANK_GET/content/1").status, 404);
            case.create_bank("TEST_BANK_GET");
            assert_eq!(case.server.get("/c/bank/TEST_BANK_GET/content/1").status, 404);
        }),
        ("content: update", |case| {
            case.create_bank("TEST_BANK_UPDATE");
            case.add("TEST_BANK_UPDATE", 1);
            let year = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 365 * 86_400;
            let path = "/c/bank/TEST_BANK_UPDATE/content/1";
            let updated = case.server.put(path, &json!({ "disable_until_ts": year }));
            assert_eq!((updated.status, &updated.json()["disable_until_ts"]), (200, &json!(year)));
            assert_eq!(case.server.put(path, &json!({ "disable_until_ts": 9_999_999_999_u64 })).status, 400);
        }),
        ("content: delete", |case| {
            case.create_bank("NEW_BANK");
            case.add("NEW_BANK", 1);
            let deleted = case.server.delete("/c/bank/NEW_BANK/content/1");
            assert_eq!((deleted.status, deleted.json()), (200, json!({ "deleted": 1 })));
            let raw = case.server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={BRIDGE_PDQ}"));
            assert_eq!((raw.status, raw.json()), (200, json!({ "matches": [] })));
        }),
        ("content: metadata", |case| {
            case.create_bank("NEW_BANK");
            let path =
                format!("/c/bank/NEW_BANK/content?url={}&content_type=photo", case.web.q("/picture.jpg"));
            let refused = case.server.post(&path, &json!({ "metadata": { "invalid_metadata": 5 } }));
            assert_eq!(refused.status, 400);
            let metadata = json!({ "content_id": "1197433091", "json": { "asdf": {} } });
            assert_eq!(case.server.post(&path, &json!({ "metadata": metadata })).status, 200);
        }),
        ("content: two pictures are found each by its hash", |case| {
            case.create_bank("NEW_BANK");
            case.create_bank("NEW_BANK_2");
            case.add("NEW_BANK", 1);
            let other = pictures::png(&pictures::scene(1));
            let added =
                case.server.upload("/c/bank/NEW_BANK/content", &[("photo", Some("c.png"), &other)]).json();
            assert_eq!(added["id"], 2);
            let hash = added["signals"]["pdq"].as_str().unwrap();
            for (hash, id) in [(BRIDGE_PDQ, 1), (hash, 2)] {
                let raw = case.server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={hash}"));
                assert_eq!((raw.status, raw.json()), (200, json!({ "matches": [id] })));
            }
        }),
        ("end to end: signals in, matches out", |case| {
            case.create_bank("TEST_BANK");
            let hashes = examples();
            for hash in &hashes {
                assert_eq!(case.server.post("/c/bank/TEST_BANK/signal", &json!({ "pdq": hash })).status, 200);
            }
            let status = case.server.get("/m/index/status?signal_type=pdq").json();
            assert_eq!((&status["pdq"]["present"], &status["pdq"]["size"]), (&json!(true), &json!(16)));
            let found = case.server.get(&format!("/m/lookup?signal_type=pdq&signal={}", hashes[14])).json();
            assert_eq!(found, json!({ "TEST_BANK": [{ "bank_content_id": 15, "distance": "0" }] }));
            let none = case.server.get(&format!("/m/lookup?signal_type=pdq&signal={}", "5".repeat(64)));
            assert_eq!((none.status, none.json()), (200, json!({})));
        }),
        ("look-ups: with and without distance", |case| {
            case.create_bank("SAMPLES");
            for hash in examples() {
                case.server.signal("SAMPLES", &json!({ "pdq": hash, "video_md5": &hash[..32] }));
            }
            for (kind, value) in
                [("pdq", examples()[0].clone()), ("video_md5", examples()[0][..32].to_owned())]
            {
                let path = format!("/m/raw_lookup?signal={value}&signal_type={kind}");
                let plain = case.server.get(&path).json()["matches"].as_array().unwrap().len();
                assert!(plain >= 1);
                let told = case.server.get(&format!("{path}&include_distance=True")).json();
                let told = told["matches"].as_array().unwrap();
                assert_eq!(told.len(), plain);
                assert!(
                    told.iter().all(|one| one["bank_content_id"].is_u64() && one["distance"].is_string())
                );
                let full = case.server.get(&format!("/m/lookup?signal={value}&signal_type={kind}")).json();
                assert_eq!(full.as_object().unwrap().keys().collect::<Vec<_>>(), ["SAMPLES"]);
            }
        }),
        ("look-ups: by bank", |case| {
            let hash = &examples()[0];
            for name in ["BANK_A", "BANK_B", "BANK_C"] {
                case.create_bank(name);
                case.server.signal(name, &json!({ "pdq": hash }));
            }
            for (banks, names) in [
                ("", &["BANK_A", "BANK_B", "BANK_C"][..]),
                ("&banks=BANK_A", &["BANK_A"]),
                ("&banks=BANK_A,BANK_C", &["BANK_A", "BANK_C"]),
                ("&banks=NON_EXISTENT_BANK", &[]),
            ] {
                let full = case.server.get(&format!("/m/lookup?signal_type=pdq&signal={hash}{banks}")).json();
                assert_eq!(full.as_object().unwrap().keys().collect::<Vec<_>>(), names, "{banks}");
                let path = format!("/m/raw_lookup?signal_type=pdq&signal={hash}{banks}");
                assert_eq!(case.server.get(&path).json()["matches"].as_array().unwrap().len(), names.len());
                let told = case.server.get(&format!("{path}&include_distance=true")).json();
                assert_eq!(told["matches"].as_array().unwrap().len(), names.len());
            }
        }),
        ("look-ups: of a URL and of a file, with nothing known", |case| {
            let by_url = case.server.get(&format!("/m/lookup?url={}", case.web.q("/picture.jpg")));
            assert_eq!((by_url.status, by_url.json()), (200, json!({ "pdq": {} })));
            let file = pictures::jpeg(&pictures::scene(1));
            let by_file = case.server.upload("/m/lookup", &[("photo", Some("a.jpg"), &file)]);
            assert_eq!((by_file.status, by_file.json()), (200, json!({ "pdq": {} })));
        }),
        ("compare", |case| {
            let one = "facd8bcb2a49bcebdec1985298d5fe84bcd006c187c598c720c3c087b3fdb318";
            let two = "facd8bcb2a49bcebdec1985228d5ae84bcd006c187c598c720c2b087b3fdb318";
            let compared = case.server.post("/m/compare", &json!({ "pdq": [one, two] }));
            assert_eq!(compared.json(), json!({ "pdq": [true, { "distance": 9 }] }));
            for bad in [
                json!(["banana"]),
                json!({ "pdq": "banana" }),
                json!({ "pdq": [] }),
                json!({ "pdq": ["banana", "banana"] }),
                json!({ "pdq": [one, two, one] }),
            ] {
                assert_eq!(case.server.post("/m/compare", &bad).status, 400, "{bad}");
            }
        }),
    ];
    let mut case = Case { server: Server::start(&[]), web: Web::start() };
    for (at, (name, run)) in cases.iter().enumerate() {
        if at > 0 {
            let reset = case.server.send("POST", "/dev/factory_reset", &[], b"");
            if reset.status == 404 {
                case.server = Server::start(&[]);
            } else {
                assert_eq!(reset.status, 302, "before {name}");
            }
        }
        println!("{name}");
        run(&case);
    }
}
