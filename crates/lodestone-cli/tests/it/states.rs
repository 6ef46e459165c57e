//! How files end, and what comes first when several things are true.

use serde_json::{Value, json};

use crate::files::{jpeg, png};
use crate::program::Place;

fn signals(place: &Place, file: &str) -> Value {
    place.run(&["hash", file, "--format", "ndjson"]).objects()[0]["signals"].clone()
}

fn line(signals: &Value, kind: &str) -> String {
    format!("{}\n", signals[kind].as_str().unwrap())
}

#[test]
fn known_comes_before_known_good_before_alike_before_examined_before_nothing() {
    let place = Place::new();
    for (name, bytes) in [
        ("known.png", png(1)),
        ("good.png", png(2)),
        ("copy.jpg", jpeg(2)),
        ("twin.jpg", jpeg(3)),
        ("twin.png", png(3)),
    ] {
        place.put(&format!("pile/{name}"), bytes);
    }
    place.put("pile/alone.png", png(4));
    place.put("pile/text.jpg", "text");
    let known = signals(&place, "pile/known.png");
    place.put("known.txt", line(&known, "md5"));
    place.put("good.txt", line(&known, "md5") + &line(&signals(&place, "pile/good.png"), "md5"));
    let ran = place.scan(&["pile", "--known", "md5:known.txt", "--known-good", "md5:good.txt"]);
    insta::assert_snapshot!(ran.states(), @r"
    pile/alone.png examined
    pile/copy.jpg alike
    pile/good.png known_good
    pile/known.png known
    pile/text.jpg unreadable identify/unsupported
    pile/twin.jpg alike
    pile/twin.png alike
    ");
    let kinds: Vec<_> = ran.file("pile/known.png")["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["bank_kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["known-real", "known-good"], "the known-good match is shown and hides nothing");
}

#[test]
fn an_unreadable_file_that_a_digest_knows_is_known() {
    let place = Place::new();
    place.put("pile/text.jpg", "text");
    place.put("known.txt", line(&signals(&place, "pile/text.jpg"), "sha256"));
    let ran = place.scan(&["pile", "--known", "sha256:known.txt"]);
    let file = ran.file("pile/text.jpg");
    assert_eq!((&file["state"], &file["unreadable"]["reason"]), (&json!("known"), &json!("unsupported")));
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_false_alarm_suppresses_similarity_shows_it_and_leaves_other_bytes_alone() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/b.jpg", jpeg(1));
    let (a, b) = (signals(&place, "pile/a.png"), signals(&place, "pile/b.jpg"));
    place.put("known.txt", line(&a, "pdq"));
    place.put("negative.txt", line(&b, "md5"));
    let ran = place.scan(&["pile", "--known", "pdq:known.txt", "--negative", "md5:negative.txt"]);
    let cleared = ran.file("pile/b.jpg");
    assert_ne!(cleared["state"], "known");
    let similar: Vec<_> =
        cleared["matches"].as_array().unwrap().iter().filter(|m| m["signal_type"] == "pdq").collect();
    assert!(similar.len() == 1 && similar[0]["suppressed"] == true, "{cleared}");
    assert_eq!(ran.file("pile/a.png")["state"], "known");
    // An exact hit is never suppressed.
    place.put("known.txt", line(&b, "md5"));
    let ran = place.scan(&["pile", "--known", "md5:known.txt", "--negative", "md5:negative.txt"]);
    assert_eq!(ran.file("pile/b.jpg")["state"], "known");
}

#[test]
fn a_picture_turned_or_inverted_is_found_and_the_transform_says_so() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    let ran = place.run(&["hash", "pile/a.png", "--format", "ndjson", "--dihedral"]);
    let forms = ran.objects()[0]["signals"]["pdq_dihedral"].clone();
    let forms: Vec<_> = forms.as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
    assert_eq!(forms.len(), 8);
    for (number, form) in forms.iter().enumerate() {
        place.put("list.txt", form);
        let file = place.scan(&["pile", "--known", "pdq:list.txt"]).file("pile/a.png");
        let names = ["as_is", "rot90", "rot180", "rot270", "flip_x", "flip_y", "flip_plus1", "flip_minus1"];
        assert_eq!(file["matches"][0]["distance_bits"], 0);
        assert_eq!(file["matches"][0]["transform"]["kind"], names[number]);
    }
    let digit = |d: char| char::from_digit(15 - d.to_digit(16).unwrap(), 16).unwrap();
    place.put("list.txt", forms[0].chars().map(digit).collect::<String>());
    let file = place.scan(&["pile", "--known", "pdq:list.txt"]).file("pile/a.png");
    assert_eq!(file["matches"][0]["transform"]["kind"], "negative");
}
