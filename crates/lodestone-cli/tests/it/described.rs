//! Layer 4: a model made by hand that makes a small picture of each picture, as a user's own descriptor.

use serde_json::Value;

use crate::drawn::Drawn;
use crate::onnx::{node, thumbnail, thumbnail_toml};
use crate::program::{Place, Ran};

const KNOWN: u64 = 7;

/// Three known scenes, one with its edges cut off, and a scene that has nothing to do with them.
fn place() -> Place {
    let place = Place::new();
    for seed in [KNOWN, 8, 9] {
        place.put(&format!("known/scene{seed}.png"), Drawn::scene(seed, 480, 360).png());
    }
    place.put("cut.jpg", Drawn::scene(KNOWN, 480, 360).crop(22, 16, 438, 330).jpeg());
    place.put("unrelated.jpg", Drawn::scene(51, 480, 360).jpeg());
    place.put("thumb.onnx", thumbnail(&[], 192));
    place.put("thumb.toml", thumbnail_toml("thumb"));
    place
}

fn asked(place: &Place, files: &[&str], arguments: &[&str]) -> Ran {
    place.run(&[&["match"], files, arguments, &["--format", "ndjson"]].concat())
}

fn entries(ran: &Ran, path: &str) -> Vec<String> {
    let matches = ran.file(path)["matches"].clone();
    matches.as_array().unwrap().iter().map(|one| one["entry"].as_str().unwrap().to_owned()).collect()
}

const WITH: [&str; 6] = ["--known", "known", "--layers", "1,4", "--descriptor", "thumb.toml"];
const BOTH: [&str; 2] = ["cut.jpg", "unrelated.jpg"];

#[test]
fn a_derivative_is_proposed_by_the_descriptor_and_verified_by_features() {
    let place = place();
    let ran = asked(&place, &BOTH, &WITH);
    assert_eq!((ran.code, entries(&ran, "cut.jpg")), (Some(1), vec!["scene7.png".to_owned()]), "{}", ran.err);
    let one = ran.file("cut.jpg")["matches"][0].clone();
    assert_eq!((&one["layer"], &one["relation"]), (&4.into(), &"crop_of".into()), "{one}");
    assert!(one["standing"].is_null() && one["inliers"].as_u64().unwrap() > 20, "{one}");
    assert!(one["distance_bits"].is_null() && one["score"].as_f64().unwrap() > 0.3, "{one}");
    assert!(one["normalised_score"].is_null(), "three known pictures are nothing to go by: {one}");
    assert_eq!(one["model"].as_str().unwrap().len(), 64);
    assert_eq!(entries(&ran, "unrelated.jpg"), [""; 0]);
    for said in ["descriptor thumb: ", "licence MIT", "3 described", "bare cosines"] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    assert!(!ran.out.contains("\"descriptors\""), "vectors go into no output");

    // Named layers or not: a descriptor adds its own. Where layer 3 has found it, the score stands beside.
    let all = asked(&place, &BOTH, &["--known", "known", "--descriptor", "thumb.toml"]);
    let one = all.file("cut.jpg")["matches"][0].clone();
    assert_eq!(one["layer"], 3, "{one}");
    assert!(one["score"].as_f64().unwrap() > 0.3, "{one}");
    let text = place.run(&[&["match", "cut.jpg"], &WITH[..]].concat());
    assert!(text.out.contains("local features agree") && text.out.contains("score 0."), "{}", text.out);

    let scan = place.scan(&[&BOTH[..], &WITH].concat());
    assert_eq!(entries(&scan, "cut.jpg"), ["scene7.png"], "{}", scan.err);
    let examined = place.run(&[&["examine", "cut.jpg"], &WITH[..], &["--format", "ndjson"]].concat());
    assert!(examined.out.contains("scene7.png"), "{} {}", examined.out, examined.err);
}

#[test]
fn layer_4_without_a_descriptor_or_with_one_that_cannot_be_used_is_refused_before_anything_is_read() {
    let place = place();
    let refused = |arguments: &[&str], why: &str| {
        let ran = asked(&place, &BOTH, &[&["--known", "known"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{why}: {}", ran.err);
        assert!(ran.err.contains(why), "{why}: {}", ran.err);
    };
    refused(&["--layers", "1,2,3,4"], "--descriptor FILE.toml");
    refused(&["--descriptor", "none.toml"], "none.toml");
    place.put("broken.onnx", &thumbnail(&[], 192)[..90]);
    place.put("broken.toml", thumbnail_toml("broken"));
    refused(&["--descriptor", "broken.toml"], "broken.toml");
    place.put("five.onnx", thumbnail(&[], 192));
    place.put("five.toml", thumbnail_toml("five").replace("dimension = 192", "dimension = 5"));
    refused(&["--descriptor", "five.toml"], "192 values");
    place.put("no.background", "LdDB and nothing that follows");
    refused(&["--descriptor", "thumb.toml", "--background", "no.background"], "no background");
    let unused =
        asked(&place, &BOTH, &["--known", "known", "--layers", "1,2,3", "--descriptor", "thumb.toml"]);
    assert!(unused.code == Some(1) && unused.err.contains("which --layers leaves out"), "{}", unused.err);
}

#[test]
fn what_the_descriptor_cannot_describe_is_listed_and_is_not_no_match() {
    let place = place();
    place.put("black.png", Drawn::plain(200, 150, 0).png());
    let ran = asked(&place, &["black.png", "cut.jpg"], &WITH);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let black = ran.file("black.png");
    let expected = (&Value::from("unreadable"), &Value::from("match"), &Value::from("descriptor"));
    let told = &black["unreadable"];
    assert_eq!((&black["state"], &told["stage"], &told["reason"]), expected, "{black}");
    assert!(told["detail"].as_str().unwrap().contains("all its values are zero"), "{black}");
    assert_eq!(entries(&ran, "cut.jpg"), ["scene7.png"]);
    assert!(ran.err.contains("1 look-up failed"), "{}", ran.err);

    // A known picture that it cannot describe ends the command, unless that is allowed.
    place.put("known/black.png", Drawn::plain(200, 150, 0).png());
    let refused = asked(&place, &BOTH, &WITH);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{}", refused.err);
    assert!(refused.err.contains("layer 4 cannot find it: black.png"), "{}", refused.err);
    let allowed = asked(&place, &BOTH, &[&WITH[..], &["--max-rejects", "1"]].concat());
    assert_eq!((allowed.code, entries(&allowed, "cut.jpg").len()), (Some(1), 1), "{}", allowed.err);
}

#[test]
fn a_model_that_gives_no_numbers_is_told_of_each_picture() {
    let place = place();
    place.put("nan.onnx", thumbnail(&[node("Sqrt", &["vector"], "out")], 192));
    place.put("nan.toml", thumbnail_toml("nan").replace("name = \"vector\"", "name = \"out\""));
    let with = ["--known", "known", "--layers", "1,4", "--descriptor", "nan.toml", "--max-rejects", "3"];
    let ran = asked(&place, &BOTH, &with);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    for path in BOTH {
        let told = ran.file(path)["unreadable"].clone();
        assert!(told["detail"].as_str().unwrap().contains("no finite numbers"), "{told}");
    }
    assert!(ran.err.contains("nothing given is described"), "{}", ran.err);
}

#[test]
fn banked_pictures_keep_their_descriptor_sealed_and_another_model_is_told_and_not_mixed() {
    let place = place();
    let add = |toml: &str| {
        let add =
            ["bank", "add", "case", "known", "--data", "state", "--format", "ndjson", "--descriptor", toml];
        place.run(&add)
    };
    let said = add("thumb.toml").objects().remove(0);
    assert_eq!((&said["described"], &said["descriptors_sealed"]), (&3.into(), &3.into()), "{said}");
    let again = add("thumb.toml").objects().remove(0);
    assert_eq!((&again["described"], &again["descriptors_sealed"]), (&3.into(), &0.into()), "{again}");
    assert_eq!(again["generation"], said["generation"], "nothing changed");
    let pictures = place.path("known");
    std::fs::rename(&pictures, place.path("gone")).unwrap();

    let found =
        |toml: &str| asked(&place, &BOTH, &["--data", "state", "--layers", "1,4", "--descriptor", toml]);
    let ran = found("thumb.toml");
    assert_eq!((ran.code, entries(&ran, "cut.jpg")), (Some(1), vec!["scene7.png".to_owned()]), "{}", ran.err);
    assert_eq!(ran.file("cut.jpg")["matches"][0]["layer"], 4);

    // Another preparation of the same model: its vectors compare with none of these.
    place.put("other.toml", thumbnail_toml("thumb").replace("mean = [0.0", "mean = [0.3"));
    let other = found("other.toml");
    assert_eq!((other.code, entries(&other, "cut.jpg").len()), (Some(0), 0), "{}", other.err);
    assert!(other.err.contains("descriptors of 3 known pictures by another model"), "{}", other.err);
    std::fs::rename(place.path("gone"), &pictures).unwrap();
    assert_eq!(add("other.toml").objects()[0]["descriptors_sealed"], 3);
    assert_eq!(entries(&found("other.toml"), "cut.jpg"), ["scene7.png"]);
    assert_eq!(entries(&found("thumb.toml"), "cut.jpg"), ["scene7.png"], "both stand side by side");

    // Sealed as everything else is: another key opens them only after they were sealed anew.
    std::fs::copy(place.path("state/secret.key"), place.path("old.key")).unwrap();
    let rotated = place.run(&["key", "rotate-secrets", "--new-key-file", "new.key", "--data", "state"]);
    assert_eq!(rotated.code, Some(0), "{}", rotated.err);
    assert!(rotated.err.contains("descriptors of 6 known pictures"), "{}", rotated.err);
    std::fs::remove_file(place.path("state/secret.key")).unwrap();
    let lost = found("thumb.toml");
    assert_eq!((lost.code, lost.out.as_str()), (Some(2), ""), "{}", lost.err);
    let with = ["--data", "state", "--layers", "1,4", "--descriptor", "thumb.toml", "--key-file"];
    let opened = asked(&place, &BOTH, &[&with[..], &["new.key"]].concat());
    assert_eq!(entries(&opened, "cut.jpg"), ["scene7.png"], "{}", opened.err);
}

#[test]
fn a_background_is_learned_from_unrelated_pictures_and_scores_are_normalised_by_it() {
    let place = place();
    for seed in 100..130 {
        place.put(&format!("unrelated/{seed}.png"), Drawn::scene(seed, 240, 180).png());
    }
    place.put("unrelated/same.png", Drawn::scene(100, 240, 180).png());
    place.put("unrelated/readme.txt", "no picture");
    place.put("unrelated/black.png", Drawn::plain(90, 90, 0).png());
    let learn = |toml: &str| {
        place.run(&["eval", "background", "unrelated", "--descriptor", toml, "--out", "of.lddb"])
    };
    let learned = learn("thumb.toml");
    assert_eq!(learned.code, Some(2), "{}", learned.err);
    for said in [
        "described 30 unrelated pictures; 1 no pictures, 1 the same as others, 0 beyond what a background holds, 1 that",
        "left out: unrelated/black.png",
        "30 pictures vouch for no less than 3.3e-2",
    ] {
        assert!(learned.err.contains(said), "{said}: {}", learned.err);
    }
    std::fs::remove_file(place.path("unrelated/black.png")).unwrap();
    assert_eq!(learn("thumb.toml").code, Some(0));

    let ran = asked(&place, &BOTH, &[&WITH[..], &["--background", "of.lddb"]].concat());
    assert_eq!(entries(&ran, "cut.jpg"), ["scene7.png"], "{}", ran.err);
    let one = ran.file("cut.jpg")["matches"][0].clone();
    let (score, left) = (one["score"].as_f64().unwrap(), one["normalised_score"].as_f64().unwrap());
    assert!(left < score, "{one}");
    assert!(ran.err.contains("normalised by 30 unrelated ones; 30 pictures vouch"), "{}", ran.err);
    assert_eq!(entries(&ran, "unrelated.jpg"), [""; 0]);

    place.put("other.toml", thumbnail_toml("thumb").replace("mean = [0.0", "mean = [0.3"));
    let with =
        ["--known", "known", "--layers", "1,4", "--background", "of.lddb", "--descriptor", "other.toml"];
    let refused = asked(&place, &BOTH, &with);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{}", refused.err);
    assert!(refused.err.contains("another model or preparation"), "{}", refused.err);
    let few = place.run(&["eval", "background", "known", "--descriptor", "thumb.toml", "--out", "few.lddb"]);
    assert_eq!(few.code, Some(2), "{}", few.err);
    assert!(
        few.err.contains("3 unrelated pictures are too few") && !place.path("few.lddb").exists(),
        "{}",
        few.err
    );
}

/// Banked without local features: nothing verifies what the descriptor proposes.
#[test]
fn what_features_cannot_confirm_is_a_possible_derivative_with_where_it_was_seen() {
    let place = place();
    let scene = Drawn::scene(KNOWN, 480, 360);
    place.put("mirrored.png", scene.mirrored().png());
    place.put("framed.png", Drawn::plain(700, 560, 30).over(&scene, 130, 90).png());
    let add =
        ["bank", "add", "case", "known", "--data", "state", "--no-features", "--descriptor", "thumb.toml"];
    let added = place.run(&add);
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(added.out.contains("3 described") && added.err.contains("made the key"), "{}", added.err);
    let asked = |toml: &str| {
        let files = ["mirrored.png", "framed.png"];
        asked(&place, &files, &["--data", "state", "--layers", "1,4", "--descriptor", toml])
    };
    let ran = asked("thumb.toml");
    let framed = ran.file("framed.png");
    assert_eq!((framed["matches"].as_array().unwrap().len(), &framed["state"]), (0, &"examined".into()));
    let possible = framed["possible_derivatives"][0].clone();
    assert_eq!((&possible["entry"], &possible["layer"]), (&"scene7.png".into(), &4.into()), "{framed}");
    for (name, wanted) in [("x", 130), ("y", 90), ("width", 480), ("height", 360)] {
        let off = possible["transform"]["region"][name].as_i64().unwrap() - wanted;
        assert!(off.abs() <= 8, "{name}: {possible}");
    }
    assert!(
        possible["expected_false_hits"].is_null() && possible["score"].as_f64() >= Some(0.9),
        "{possible}"
    );
    // Its hash has found the mirrored one; the descriptor agrees with it mirrored.
    let score = |ran: &Ran| {
        let score = ran.file("mirrored.png")["matches"][0]["score"].as_f64();
        score.unwrap_or_else(|| panic!("{} {}", ran.out, ran.err))
    };
    assert_eq!(ran.file("mirrored.png")["matches"][0]["layer"], 1);
    assert!(score(&ran) > 0.99, "{}", ran.out);
    // With nothing described but the whole, which compares with the same known vectors, neither is so.
    let alone = format!("{}\n[questioned]\nmirrored = false\nregions = 0\n", thumbnail_toml("thumb"));
    place.put("alone.toml", alone);
    let ran = asked("alone.toml");
    assert!(score(&ran) < 0.9, "{}", ran.out);
    assert!(ran.file("framed.png")["possible_derivatives"].is_null(), "{}", ran.out);
}
