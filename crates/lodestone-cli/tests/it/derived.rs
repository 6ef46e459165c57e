//! Known pictures inside others: what each layer finds, and what a match says of it.

use serde_json::Value;

use crate::drawn::Drawn;
use crate::files::png_header;
use crate::program::{Place, Ran};

const KNOWN: u64 = 7;

fn known() -> Drawn {
    Drawn::scene(KNOWN, 480, 360)
}

/// A folder of known scenes and one of questioned pictures.
fn place() -> Place {
    let place = Place::new();
    for seed in [KNOWN, 8, 9] {
        place.put(&format!("known/scene{seed}.png"), Drawn::scene(seed, 480, 360).png());
    }
    let other = Drawn::scene(50, 480, 360);
    place.put("asked/crop.jpg", known().crop(90, 70, 300, 220).jpeg());
    place.put("asked/mirrored-crop.jpg", known().crop(60, 40, 330, 260).mirrored().jpeg());
    place.put("asked/letterbox.jpg", Drawn::plain(480, 640, 0).over(&known(), 0, 140).jpeg());
    place.put(
        "asked/collage.jpg",
        Drawn::plain(980, 380, 255).over(&other, 10, 10).over(&known(), 490, 10).jpeg(),
    );
    place.put("asked/edited.jpg", known().over(&other.crop(100, 100, 170, 150), 150, 100).jpeg());
    place.put("asked/unrelated.jpg", Drawn::scene(51, 480, 360).jpeg());
    place.put("asked/cut-off.png", png_header(300, 200));
    place
}

fn asked(place: &Place, layers: &str) -> Ran {
    place.run(&["match", "asked", "--known", "known", "--layers", layers, "--format", "ndjson"])
}

fn found(ran: &Ran, path: &str) -> Vec<Value> {
    ran.file(path)["matches"].as_array().unwrap().clone()
}

fn entries(ran: &Ran, path: &str) -> Vec<String> {
    found(ran, path).iter().map(|one| one["entry"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_layer_finds_what_the_one_before_cannot_and_nothing_finds_the_unrelated() {
    let place = place();
    let whole = asked(&place, "1");
    let regions = asked(&place, "1,2");
    let all = asked(&place, "1,2,3");
    for path in ["asked/crop.jpg", "asked/mirrored-crop.jpg", "asked/letterbox.jpg", "asked/collage.jpg"] {
        assert_eq!(entries(&whole, path), [""; 0], "{path}");
        assert_eq!(entries(&all, path), ["scene7.png"], "{path}");
        assert_eq!(all.file(path)["state"], "derived");
    }
    for path in ["asked/letterbox.jpg", "asked/collage.jpg"] {
        assert_eq!(entries(&regions, path), ["scene7.png"], "{path}");
        assert_eq!(found(&regions, path)[0]["layer"], 2);
    }
    for ran in [&whole, &regions, &all] {
        assert_eq!(entries(ran, "asked/unrelated.jpg"), [""; 0]);
        assert_eq!(ran.file("asked/cut-off.png")["state"], "unreadable");
        assert_eq!(ran.code, Some(2), "one could not be read");
    }
}

#[test]
fn a_match_says_where_the_known_picture_lies_and_how_sure_it_is() {
    let place = place();
    let all = asked(&place, "1,2,3");
    let collage = &found(&all, "asked/collage.jpg")[0];
    let at = &collage["transform"]["region"];
    let near = |value: &Value, wanted: i64| (value.as_i64().unwrap() - wanted).abs() <= 12;
    assert!(near(&at["x"], 490) && near(&at["y"], 10), "{collage}");
    assert!(near(&at["width"], 480) && near(&at["height"], 360), "{collage}");
    assert_eq!(collage["relation"], "contains");
    assert!(collage["windows"].as_u64().unwrap() <= 60);
    assert!(collage["expected_false_hits"].as_f64().unwrap() < 1e-3, "{collage}");
    let crop = &found(&all, "asked/crop.jpg")[0];
    assert_eq!((crop["layer"].as_u64(), crop["relation"].as_str()), (Some(3), Some("crop_of")));
    assert!(crop["inliers"].as_u64().unwrap() >= 8, "{crop}");
    let seen = &crop["transform"]["known_region"];
    assert!(near(&seen["x"], 187) && near(&seen["width"], 625), "{crop}");
    let mirrored = &found(&all, "asked/mirrored-crop.jpg")[0];
    assert_eq!(mirrored["transform"]["mirror"], true);
}

#[test]
fn what_was_replaced_of_a_known_picture_is_told_and_called_an_edit() {
    let place = place();
    let all = asked(&place, "1,2,3");
    let edited = &found(&all, "asked/edited.jpg")[0];
    assert_eq!(edited["relation"], "edited_from_known", "{edited}");
    let share = edited["edit"]["replaced_share"].as_f64().unwrap();
    // 170 x 150 of 480 x 360.
    assert!((0.08..0.25).contains(&share), "{edited}");
    let scan = place.scan(&["asked", "--known", "known", "--layers", "1,2,3"]);
    let group = scan
        .of_kind("group")
        .into_iter()
        .find(|group| group["members"].to_string().contains("edited.jpg"))
        .unwrap();
    assert!(group["priority"]["factors"].to_string().contains("edited_from_known"), "{group}");
    let summary = &scan.of_kind("summary")[0];
    assert_eq!(
        summary["files"].as_u64(),
        ["known", "derived", "known_good", "alike", "examined", "unreadable"]
            .iter()
            .map(|state| summary[state].as_u64())
            .sum()
    );
}

#[test]
fn answers_are_the_same_for_any_number_of_workers() {
    let place = place();
    let run = |workers| {
        place.run(&["match", "asked", "--known", "known", "--workers", workers, "--format", "ndjson"]).out
    };
    assert_eq!(run("1"), run("3"));
}

#[test]
fn a_folder_that_is_empty_or_holds_a_broken_picture_matches_nothing_in_silence() {
    let place = place();
    std::fs::create_dir(place.path("empty")).unwrap();
    let empty = place.run(&["match", "asked", "--known", "empty"]);
    assert_eq!(empty.code, Some(2));
    assert!(empty.err.contains("holds no file"), "{}", empty.err);
    place.put("known/broken.png", png_header(300, 200));
    let broken = place.run(&["match", "asked", "--known", "known"]);
    assert_eq!(broken.code, Some(2));
    assert!(broken.err.contains("broken.png") && broken.err.contains("--max-rejects"), "{}", broken.err);
    let allowed = place.run(&["match", "asked/crop.jpg", "--known", "known", "--max-rejects", "1"]);
    assert_eq!(allowed.code, Some(1), "{}", allowed.err);
    let unknown = place.run(&["match", "asked", "--known", "known", "--layers", "1,9"]);
    assert_eq!(unknown.code, Some(2));
}

#[test]
fn two_pictures_are_compared_both_ways_and_drawn_without_a_pixel() {
    let place = place();
    let arguments = ["compare", "known/scene7.png", "asked/crop.jpg"];
    let ran = place.run(&[&arguments[..], &["--format", "json", "--report", "page.html"]].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said[0]["second_from_first"][0]["relation"], "crop_of");
    assert_eq!(said[0]["first_from_second"][0]["relation"], "contains");
    let page = std::fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.contains("<polygon") && !page.contains("<img"));
    let unrelated = place.run(&["compare", "known/scene7.png", "asked/unrelated.jpg"]);
    assert_eq!(unrelated.code, Some(0));
    assert!(unrelated.out.starts_with("No relation was found"), "{}", unrelated.out);
    assert_eq!(place.run(&["compare", "known/scene7.png", "asked/cut-off.png"]).code, Some(2));
}

#[test]
fn a_collage_in_a_pile_stands_with_what_it_holds_and_is_a_look_of_its_own() {
    let place = Place::new();
    place.put("pile/alone.jpg", known().jpeg());
    let other = Drawn::scene(50, 480, 360);
    place.put(
        "pile/collage.jpg",
        Drawn::plain(980, 380, 255).over(&other, 10, 10).over(&known(), 490, 10).jpeg(),
    );
    let groups = |layers: &str| place.scan(&["pile", "--layers", layers]).of_kind("group");
    assert_eq!(groups("1").len(), 2);
    let together = groups("1,2");
    assert_eq!(together.len(), 1, "{together:?}");
    assert_eq!(together[0]["edges"][0]["kind"], "in_collage_with");
    assert_eq!(together[0]["exposures_saved"], 0, "{together:?}");
}

#[test]
fn the_tail_of_ones_own_traffic_is_learned_and_sets_the_radius_of_regions() {
    let place = place();
    for seed in 60..64 {
        let two = Drawn::plain(980, 380, 255).over(&Drawn::scene(seed, 480, 360), 10, 10).over(
            &Drawn::scene(seed + 10, 480, 360),
            490,
            10,
        );
        place.put(&format!("traffic/{seed}.jpg"), two.jpeg());
    }
    let learned = place.run(&["eval", "tail", "traffic", "--known", "known", "--out", "tail.json"]);
    assert_eq!(learned.code, Some(0), "{}", learned.err);
    assert!(learned.err.contains("learned from 4 pictures; 0 left out"), "{}", learned.err);
    let run = |more: &[&str]| {
        let base =
            ["match", "asked/collage.jpg", "--known", "known", "--layers", "1,2", "--format", "ndjson"];
        place.run(&[&base[..], more].concat())
    };
    let radius = |ran: &Ran| found(ran, "asked/collage.jpg")[0]["radius_bits"].as_u64().unwrap();
    let expected = |ran: &Ran| found(ran, "asked/collage.jpg")[0]["expected_false_hits"].as_f64().unwrap();
    let (plain, learned) = (run(&[]), run(&["--tail", "tail.json"]));
    assert_eq!(radius(&plain), 31);
    // So few pairs say less than the many that are built in.
    assert!(expected(&learned) > expected(&plain) && radius(&learned) <= 31);
    place.put("other.json", "{}");
    assert_eq!(run(&["--tail", "other.json"]).code, Some(2));
    let none = place.run(&["eval", "tail", "known", "--known", "known", "--out", "none.json"]);
    assert_eq!(none.code, Some(2), "what matches is not learned from");
    assert!(!place.path("none.json").exists());
}
