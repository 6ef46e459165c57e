//! Which banks take part in a look-up: ratios, seeds, and going round them.

use serde_json::{Value, json};

use super::client::{Server, pdq, q};

/// Seeds, `random.Random(seed).random()` of CPython 3.11, and the number before it.
const FLIPS: &[(&str, &str, &str)] = &[
    ("a", "0.2720295377534757", "0.27202953775347566"),
    ("b", "0.722813739778963", "0.7228137397789629"),
    ("hello", "0.3537754404730722", "0.35377544047307213"),
    ("1197433091", "0.21525155395457052", "0.2152515539545705"),
    ("0", "0.3616904771377427", "0.36169047713774266"),
    ("coop-item-17", "0.8766559666571614", "0.8766559666571613"),
    ("", "0.9602256525641875", "0.9602256525641873"),
    ("é", "0.9689252893653495", "0.9689252893653494"),
    ("日本", "0.7269956030927222", "0.726995603092722"),
];

/// Names of the banks in an answer.
fn banks(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_seed_falls_as_in_python_to_the_last_bit() {
    let server = Server::start(&[]);
    let hash = pdq(400);
    for name in ["AT", "BELOW"] {
        server.bank(name);
        server.signal(name, &json!({ "pdq": hash }));
    }
    for (seed, at, below) in FLIPS {
        // As texts: they reach the server unrounded.
        assert_eq!(server.put("/c/bank/AT", &json!({ "enabled_ratio": at })).status, 200);
        assert_eq!(server.put("/c/bank/BELOW", &json!({ "enabled_ratio": below })).status, 200);
        let path = format!("/m/lookup?signal_type=pdq&signal={hash}&seed={}", q(seed));
        for _ in 0..2 {
            assert_eq!(banks(&server.get(&path).json()), ["AT"], "seed {seed:?}");
        }
    }
}

#[test]
fn one_flip_counts_for_all_banks_of_a_request() {
    let server = Server::start(&[]);
    let hash = pdq(410);
    for (name, ratio) in [("NEVER", 0.0), ("HALF_A", 0.5), ("HALF_B", 0.5), ("MOST", 0.9), ("ALWAYS", 1.0)] {
        let made = server.post("/c/banks", &json!({ "name": name, "enabled_ratio": ratio }));
        assert_eq!(made.status, 201);
        server.signal(name, &json!({ "pdq": hash }));
    }
    let path = format!("/m/lookup?signal_type=pdq&signal={hash}");
    let mut both = 0;
    for _ in 0..60 {
        let answer = server.get(&path).json();
        let found = banks(&answer);
        let has = |name| found.contains(&name);
        assert!(has("ALWAYS") && !has("NEVER"), "{found:?}");
        assert_eq!(has("HALF_A"), has("HALF_B"), "{found:?}");
        assert!(!has("HALF_A") || has("MOST"), "{found:?}");
        both += usize::from(has("HALF_A"));
    }
    assert!(0 < both && both < 60, "{both} of 60 flips of one half");
    let raw = server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={hash}")).json();
    assert_eq!(raw, json!({ "matches": [1, 2, 3, 4, 5] }), "raw look-ups know no ratio");
    assert_eq!(banks(&server.get(&format!("{path}&banks=NEVER")).json()), [""; 0]);
}

#[test]
fn flips_can_be_gone_round_by_post_and_by_get() {
    let server = Server::start(&[]);
    let off = server.post("/c/banks", &json!({ "name": "OFF", "enabled_ratio": 0 }));
    assert_eq!(off.status, 201);
    let file: super::client::Part = ("photo", Some("x"), super::pictures::BRIDGE);
    assert_eq!(server.upload("/c/bank/OFF/content", &[file]).status, 200);
    let hash = super::pictures::BRIDGE_PDQ;
    let found = json!({ "OFF": [{ "bank_content_id": 1, "distance": "0" }] });
    let post = |query: &str| server.upload(&format!("/m/lookup{query}"), &[file]).json()["pdq"].clone();
    assert_eq!(post(""), json!({}));
    assert_eq!(post("?bypass_coinflip=false"), json!({}));
    assert_eq!(post("?bypass_coinflip=true"), found);
    assert_eq!(post("?bypass_coinflip=true&banks=OFF&seed=x"), found);
    assert_eq!(post("?bypass_coinflip=true&banks=OTHER"), json!({}));
    // HMA takes the word on GET, and ignores it.
    let get = |more: &str| server.get(&format!("/m/lookup?signal_type=pdq&signal={hash}{more}")).json();
    assert_eq!(get(""), json!({}));
    assert_eq!(get("&bypass_coinflip=no"), json!({}));
    for word in ["true", "True", "1", "yes", "on"] {
        assert_eq!(get(&format!("&bypass_coinflip={word}")), found, "{word}");
    }
}
