//! Index files: made, shown, checked, searched, refused.

use std::fs;

use crate::hashes::{distance, hashes, hex, list, near};
use crate::program::{Place, Ran};

/// A list of 3,000 hashes with two near the first.
fn with_list(place: &Place) -> Vec<[u8; 32]> {
    let mut codes = hashes(1, 3000);
    codes[10] = near(&codes[0], 5);
    codes[2999] = near(&codes[0], 31);
    place.put("list.txt", list(&codes));
    codes
}

fn refused(ran: &Ran, words: &str) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    let last = ran.err.lines().last().unwrap_or("");
    assert!(last.starts_with("lodestone: ") && last.contains(words), "{words}: {}", ran.err);
}

#[test]
fn an_index_of_a_list_finds_what_comparing_everything_finds() {
    let place = Place::new();
    let codes = with_list(&place);
    let built = place.run(&["index", "build", "pdq:list.txt", "--out", "list.lseg"]);
    assert_eq!(built.code, Some(0), "{}", built.err);
    assert!(built.out.contains("3000 hashes"), "{}", built.out);
    for (query, radius) in
        [(codes[0], 31), (codes[0], 30), (codes[7], 0), (near(&codes[9], 100), 64), (codes[3], 110)]
    {
        let ran = place.run(&[
            "index",
            "search",
            "list.lseg",
            "--signal",
            &format!("pdq:{}", hex(&query)),
            "--radius",
            &radius.to_string(),
            "--format",
            "ndjson",
        ]);
        let found: Vec<_> = ran
            .of_kind("hit")
            .iter()
            .map(|hit| (hit["distance_bits"].as_u64().unwrap() as u32, hit["id"].as_u64().unwrap()))
            .collect();
        let mut expected: Vec<_> =
            (1u64..).zip(&codes).map(|(line, code)| (distance(&query, code), line)).collect();
        expected.retain(|(distance, _)| *distance <= radius);
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(ran.code, Some(i32::from(!expected.is_empty())));
        assert_eq!(ran.of_kind("summary")[0]["look_up"]["queries"], 1);
    }
}

#[test]
fn bare_hashes_are_numbered_from_nought_and_the_file_does_not_depend_on_how_it_was_built() {
    let place = Place::new();
    let codes = hashes(2, 40_000);
    place.put("codes.bin", codes.concat());
    let build = |out: &str, more: &[&str]| {
        let ran = place.run(&[&["index", "build", "--raw", "codes.bin", "--out", out], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        fs::read(place.path(out)).unwrap()
    };
    let one = build("a.lseg", &["--threads", "1"]);
    assert_eq!(one, build("b.lseg", &["--threads", "2"]));
    assert_eq!(one, build("c.lseg", &["--memory", "1"]), "out of core");
    assert_eq!(place.names(), ["a.lseg", "b.lseg", "c.lseg", "codes.bin"], "nothing else is left");
    let ran = place.run(&["index", "search", "a.lseg", "--signal", &format!("pdq:{}", hex(&codes[39_999]))]);
    assert!(ran.out.contains("id 39999 at 0 bits"), "{}", ran.out);
}

#[test]
fn what_is_no_list_of_hashes_makes_no_index_and_what_is_no_index_is_not_overwritten() {
    let place = Place::new();
    with_list(&place);
    place.put("empty.txt", "");
    place.put("md5.txt", "ab".repeat(16) + "\n");
    place.put("short.bin", [7; 33]);
    place.put("broken.txt", format!("{}\nnot a hash\n", "ab".repeat(32)));
    place.put("notes.txt", "mine");
    let build = |arguments: &[&str]| place.run(&[&["index", "build"], arguments].concat());
    refused(&build(&["missing.txt", "--out", "x"]), "missing.txt");
    refused(&build(&["list.txt", "--out", "x"]), "pdq:FILE");
    refused(&build(&["pdq:empty.txt", "--out", "x"]), "the list is empty");
    refused(&build(&["md5:md5.txt", "--out", "x"]), "no PDQ value");
    refused(&build(&["--raw", "short.bin", "--out", "x"]), "no multiple of 32");
    refused(&build(&["--raw", "empty.txt", "--out", "x"]), "the file is empty");
    refused(&build(&["--raw", ".", "--out", "x"]), "not from a folder, pipe or device");
    #[cfg(unix)]
    refused(&build(&["--raw", "/dev/null", "--out", "x"]), "not from a folder, pipe or device");
    refused(&build(&["pdq:broken.txt", "--out", "x"]), "line 2");
    refused(&build(&["pdq:list.txt", "--out", "notes.txt"]), "another file");
    refused(&build(&["pdq:list.txt", "--out", "."]), "is a folder");
    assert!(!place.path("x").exists());
    assert_eq!(fs::read(place.path("notes.txt")).unwrap(), b"mine");
    let allowed = build(&["pdq:broken.txt", "--out", "x", "--max-rejects", "1"]);
    assert_eq!(allowed.code, Some(0), "{}", allowed.err);
    assert!(allowed.err.contains("not taken: line 2"), "{}", allowed.err);
    assert_eq!(build(&["pdq:list.txt", "--out", "x"]).code, Some(0), "an index gives way to a new one");
}

#[test]
fn damage_cuts_and_foreign_files_are_each_told_in_one_line() {
    let place = Place::new();
    with_list(&place);
    assert_eq!(place.run(&["index", "build", "pdq:list.txt", "--out", "good.lseg"]).code, Some(0));
    let good = fs::read(place.path("good.lseg")).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    place.put("flipped.lseg", &flipped);
    place.put("cut.lseg", &good[..good.len() - 1]);
    place.put("half.lseg", &good[..good.len() / 2]);
    place.put("foreign.lseg", "no index at all, but long enough to look for one in it ".repeat(100));
    place.put("nothing.lseg", "");
    let sound = place.run(&["index", "verify", "good.lseg"]);
    assert_eq!(sound.code, Some(0), "{}", sound.err);
    assert!(sound.out.contains("good.lseg: sound, 3000 hashes"), "{}", sound.out);
    let bad = ["flipped.lseg", "cut.lseg", "half.lseg", "foreign.lseg", "nothing.lseg", "missing.lseg"];
    let ran = place.run(&[&["index", "verify", "good.lseg"], bad.as_slice()].concat());
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!(lines.len(), bad.len(), "{}", ran.err);
    for (line, name) in lines.iter().zip(bad) {
        assert!(line.starts_with("lodestone: ") && line.contains(name), "{line}");
    }
    let ran = place.run(&["index", "verify", "good.lseg", "cut.lseg", "--format", "ndjson"]);
    let sound: Vec<_> = ran.of_kind("verified").iter().map(|one| one["sound"].as_bool().unwrap()).collect();
    assert_eq!((ran.code, sound), (Some(2), vec![true, false]));
    for name in ["cut.lseg", "foreign.lseg"] {
        refused(&place.run(&["index", "show", name]), name);
        refused(
            &place.run(&["index", "search", name, "--signal", &format!("pdq:{}", "ab".repeat(32))]),
            name,
        );
    }
}

#[test]
fn show_says_what_an_index_is_made_of() {
    let place = Place::new();
    with_list(&place);
    place.run(&["index", "build", "pdq:list.txt", "--out", "list.lseg"]);
    let ran = place.run(&["index", "show", "list.lseg", "--format", "ndjson"]);
    let facts = &ran.objects()[0];
    assert_eq!((facts["entries"].as_u64(), facts["distinct"].as_u64()), (Some(3000), Some(3000)));
    let bytes = fs::metadata(place.path("list.lseg")).unwrap().len();
    assert_eq!(facts["bytes"].as_u64(), Some(bytes));
    assert!(facts["bytes_a_hash"].as_f64().unwrap() > 32.0);
    assert!(
        !facts["parts"].as_array().unwrap().is_empty() && !facts["sections"].as_array().unwrap().is_empty()
    );
    let text = place.run(&["index", "show", "list.lseg"]);
    assert!(text.out.contains("entries") && text.out.contains("3000"), "{}", text.out);
}
