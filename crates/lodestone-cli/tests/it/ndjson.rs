//! The output that other programs rely on.

use serde_json::{Value, json};

use crate::files::{jpeg, png, tar_gz, zip};
use crate::program::Place;

/// A pile with something of every state, and the list that knows entry `LD-7`.
fn pile() -> Place {
    let place = Place::new();
    place.put("pile/b.png", png(1));
    place.put("pile/B.jpg", jpeg(1));
    place.put("pile/a/z.jpg", jpeg(2));
    place.put("pile/a.jpg", jpeg(3));
    place.put("pile/text.jpg", "no picture\n");
    place.put("pile/outer.zip", zip(&[("dir/inner.jpg", jpeg(4))]));
    let nested = zip(&[("deep.png", png(2))]);
    place.put("pile/t.tar.gz", tar_gz(&[("in/nested.zip", nested), ("in/a.jpg", jpeg(5))]));
    let hashed = place.run(&["hash", "pile/b.png", "--format", "ndjson"]);
    let signals = &hashed.objects()[0]["signals"];
    let (pdq, md5) = (signals["pdq"].as_str().unwrap(), signals["md5"].as_str().unwrap());
    place.put("known.csv", format!("id,pdq,md5\nLD-7,{pdq},{md5}\n"));
    place
}

#[test]
fn files_come_in_the_byte_order_of_their_paths_then_groups_then_the_summary() {
    let place = pile();
    let ran = place.scan(&["pile", "--known", "known.csv"]);
    insta::assert_snapshot!(ran.states(), @r"
    pile/B.jpg known
    pile/a.jpg examined
    pile/a/z.jpg alike
    pile/b.png known
    pile/outer.zip examined
    pile/outer.zip!/dir/inner.jpg examined
    pile/t.tar.gz examined
    pile/t.tar.gz!/in/a.jpg examined
    pile/t.tar.gz!/in/nested.zip examined
    pile/t.tar.gz!/in/nested.zip!/deep.png alike
    pile/text.jpg unreadable identify/unsupported
    ");
    let objects = ran.objects();
    let kinds: Vec<_> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    let mut sorted = kinds.clone();
    sorted.sort_by_key(|kind| ["file", "group", "summary"].iter().position(|one| one == kind).unwrap());
    assert_eq!(kinds, sorted);
    assert_eq!(kinds.iter().filter(|kind| **kind == "summary").count(), 1);
    assert_eq!(ran.code, Some(2), "something is unreadable");
}

#[test]
fn a_file_has_the_promised_fields_and_its_match_says_how() {
    let place = pile();
    let ran = place.scan(&["pile", "--known", "known.csv"]);
    let file = ran.file("pile/B.jpg");
    for name in ["kind", "path", "sha256", "state", "unreadable", "signals", "matches", "generation"] {
        assert!(file.get(name).is_some(), "{name} is missing in {file}");
    }
    assert_eq!(file["sha256"], file["signals"]["sha256"]);
    for (name, digits) in [("md5", 32), ("sha1", 40), ("sha256", 64), ("pdq", 64)] {
        let value = file["signals"][name].as_str().unwrap();
        assert!(value.len() == digits && value.bytes().all(|b| b"0123456789abcdef".contains(&b)), "{value}");
    }
    assert!(file["signals"]["pdq_quality"].as_u64().unwrap() >= 50);
    let matches = file["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1);
    let only = &matches[0];
    assert_eq!(
        (&only["bank"], &only["entry"], &only["signal_type"], &only["transform"]["kind"]),
        (&json!("known"), &json!("LD-7"), &json!("pdq"), &json!("as_is"))
    );
    assert!(only["distance_bits"].as_u64().unwrap() <= 31);
    let exact = ran.file("pile/b.png");
    let types: Vec<_> = exact["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (&m["signal_type"], &m["distance_bits"]))
        .collect();
    assert_eq!(types, [(&json!("md5"), &json!(0)), (&json!("pdq"), &json!(0))]);
    let text = ran.file("pile/text.jpg");
    assert_eq!(text["unreadable"]["stage"], "identify");
    assert!(text["sha256"].is_string() && text["signals"]["pdq"].is_null());
}

#[test]
fn groups_name_their_members_and_rank_and_every_readable_file_is_in_one() {
    let place = pile();
    let ran = place.scan(&["pile", "--known", "known.csv"]);
    let groups = ran.of_kind("group");
    let ranks: Vec<_> = groups.iter().map(|group| group["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, (1..=groups.len() as u64).collect::<Vec<_>>());
    assert!(
        groups
            .iter()
            .all(|group| group["group"].is_u64() && !group["reasons"].as_array().unwrap().is_empty())
    );
    let first: Vec<_> = groups[0]["members"].as_array().unwrap().iter().collect();
    assert_eq!(first, ["pile/B.jpg", "pile/b.png"], "a derivative of known material comes first");
    let mut members: Vec<Value> =
        groups.iter().flat_map(|g| g["members"].as_array().unwrap().clone()).collect();
    members.sort_by_key(ToString::to_string);
    let mut readable: Vec<Value> = ran
        .of_kind("file")
        .into_iter()
        .filter(|file| file["state"] != "unreadable")
        .map(|file| file["path"].clone())
        .collect();
    readable.sort_by_key(ToString::to_string);
    assert_eq!(members, readable);
}

#[test]
fn the_summary_adds_up() {
    let place = pile();
    let ran = place.scan(&["pile", "--known", "known.csv"]);
    let summary = ran.of_kind("summary").remove(0);
    let count = |name: &str| summary[name].as_u64().unwrap();
    let states = ["known", "known_good", "alike", "examined", "unreadable"].map(count);
    assert_eq!(states, [2, 0, 2, 6, 1]);
    assert_eq!(count("files"), 11);
    assert_eq!(ran.of_kind("file").len(), 11);
    assert_eq!(count("groups") as usize, ran.of_kind("group").len());
    assert_eq!(summary["interrupted"], false);
}

#[test]
fn two_runs_and_any_number_of_workers_give_the_same_bytes() {
    let place = pile();
    let arguments = ["pile", "--known", "known.csv", "--workers"];
    let first = place.scan(&[&arguments[..], &["1"]].concat());
    for workers in ["1", "4"] {
        let again = place.scan(&[&arguments[..], &[workers]].concat());
        assert_eq!(first.out, again.out, "{workers} workers");
    }
}

#[test]
fn hash_gives_path_digests_and_signals_of_each_file() {
    let place = pile();
    let ran = place.run(&["hash", "pile/b.png", "pile/text.jpg", "pile/outer.zip", "--format", "ndjson"]);
    assert_eq!(ran.code, Some(2));
    let paths: Vec<_> =
        ran.objects().iter().map(|object| object["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, ["pile/b.png", "pile/text.jpg", "pile/outer.zip", "pile/outer.zip!/dir/inner.jpg"]);
    let first = &ran.objects()[0];
    assert!(first["unreadable"].is_null() && first["sha256"] == first["signals"]["sha256"]);
    assert_eq!(place.run(&["hash", "pile/b.png"]).code, Some(0));
}

#[test]
fn json_is_one_document_with_the_same_objects() {
    let place = pile();
    let lines = place.scan(&["pile", "--known", "known.csv"]);
    let ran = place.run(&["scan", "pile", "--known", "known.csv", "--format", "json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["files"].as_array().unwrap(), &lines.of_kind("file"));
    assert_eq!(document["groups"].as_array().unwrap(), &lines.of_kind("group"));
    assert_eq!(document["summary"], lines.of_kind("summary")[0]);
}
