//! PhotoDNA values that a list and a caller bring: synthetic bytes, compared and never computed.

use crate::program::{Place, Ran};

/// 144 synthetic bytes, the first moved by `by`.
fn value(by: u8) -> String {
    let bytes = (0..144u8).map(|i| i / 2 + if i == 0 { by } else { 0 });
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn list(place: &Place) {
    let rows: Vec<String> = [0, 7, 50].iter().map(|by| format!("e{by},{}", value(*by))).collect();
    place.put("known.csv", format!("id,photodna\n{}\n", rows.join("\n")));
}

fn entries(ran: &Ran, field: &str) -> Vec<(String, u64)> {
    let objects = ran.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let matches: Vec<_> = objects.flat_map(|object| object["matches"].as_array().unwrap().clone()).collect();
    matches
        .iter()
        .map(|one| (one["entry"].as_str().unwrap().to_owned(), one[field].as_u64().unwrap()))
        .collect()
}

#[test]
fn a_list_given_by_file_matches_equal_values_and_nearer_ones_when_told_how_near() {
    let place = Place::new();
    list(&place);
    let signal = format!("photodna:{}", value(0));
    let equal = place.run(&["match", "--signal", &signal, "--known", "known.csv"]);
    assert_eq!(equal.code, Some(1), "{}", equal.err);
    assert!(
        equal.out.ends_with("known entry e0 (known-real): photodna at squared distance 0 of 0\n"),
        "{}",
        equal.out
    );
    let near = place.run(&[
        "match",
        "--signal",
        &signal,
        "--known",
        "known.csv",
        "--photodna-distance",
        "49",
        "--format",
        "ndjson",
    ]);
    assert_eq!(entries(&near, "distance_squared"), [("e0".to_owned(), 0), ("e7".to_owned(), 49)]);
    let none = place.run(&["match", "--signal", &format!("photodna:{}", value(90)), "--known", "known.csv"]);
    assert_eq!((none.code, none.out.ends_with("no match\n")), (Some(0), true), "{}", none.err);
    // Base64 of the same bytes, three at a time.
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u32> = (0..144u32).map(|i| i / 2).collect();
    let base64: String = bytes
        .chunks(3)
        .flat_map(|three| {
            let word = three[0] << 16 | three[1] << 8 | three[2];
            [18, 12, 6, 0].map(|shift| char::from(digits[(word >> shift & 63) as usize]))
        })
        .collect();
    let ran = place.run(&["match", "--signal", &format!("photodna:{base64}"), "--known", "known.csv"]);
    assert_eq!((ran.code, ran.out), (Some(1), equal.out), "{}", ran.err);
    let short = place.run(&["match", "--signal", "photodna:AAEC", "--known", "known.csv"]);
    assert!(short.err.contains("192 characters of base64"), "{}", short.err);
    let beyond = place.run(&["match", "--signal", &signal, "--photodna-distance", "9363601"]);
    assert_eq!(beyond.code, Some(2), "{}", beyond.out);
}

#[test]
fn a_bank_matches_photodna_values_within_its_own_limit_which_can_be_changed() {
    let place = Place::new();
    list(&place);
    let data = ["--data", "state"];
    let run = |arguments: &[&str]| place.run(&[arguments, &data].concat());
    assert_eq!(run(&["bank", "create", "hotline", "--photodna-distance", "60"]).code, Some(0));
    assert_eq!(run(&["bank", "import", "hotline", "known.csv"]).code, Some(0));
    let signal = format!("photodna:{}", value(0));
    let ask = || run(&["match", "--signal", &signal, "--format", "ndjson"]);
    assert_eq!(entries(&ask(), "max_distance_squared"), [("e0".to_owned(), 60), ("e7".to_owned(), 60)]);
    let set = run(&["bank", "set", "hotline", "--photodna-distance", "2500"]);
    assert!(set.err.contains("PhotoDNA distance 2500"), "{}", set.err);
    assert_eq!(entries(&ask(), "distance_squared").len(), 3);
    let added = format!("photodna:{}", value(1));
    assert_eq!(run(&["bank", "add", "hotline", "--id", "new", "--signal", &added]).code, Some(0));
    assert_eq!(entries(&ask(), "distance_squared")[1], ("new".to_owned(), 1));
    assert_eq!(run(&["bank", "remove", "hotline", "new", "--yes"]).code, Some(0));
    assert_eq!(run(&["bank", "set", "hotline", "--photodna-distance", "0", "--radius", "20"]).code, Some(0));
    assert_eq!(entries(&ask(), "distance_squared"), [("e0".to_owned(), 0)]);
    let nothing = run(&["bank", "set", "hotline"]);
    assert_eq!(nothing.code, Some(2));
    assert!(
        nothing.err.contains("--radius") && nothing.err.contains("--photodna-distance"),
        "{}",
        nothing.err
    );
}

#[test]
fn whole_lists_are_joined_by_photodna_too() {
    let place = Place::new();
    list(&place);
    place.put("new.csv", format!("id,photodna\nn,{}\n", value(5)));
    let ran = place.run(&[
        "match",
        "--against",
        "known.csv",
        "new.csv",
        "--photodna-distance",
        "25",
        "--format",
        "csv",
    ]);
    let expected =
        "new.csv,n,known,known-real,e7,photodna,0,0,,4\nnew.csv,n,known,known-real,e0,photodna,0,0,,25\n";
    assert!(ran.out.ends_with(expected), "{}{}", ran.out, ran.err);
}
