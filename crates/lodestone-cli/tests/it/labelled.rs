//! Calibrating and judging on labelled folders.

use serde_json::Value;

use crate::files::{jpeg, png};
use crate::program::Place;

#[test]
fn a_labelled_folder_that_is_not_there_is_one_line_and_2() {
    let place = Place::new();
    std::fs::create_dir(place.path("empty")).unwrap();
    for arguments in [
        &["calibrate", "--labelled", "nowhere"][..],
        &["eval", "provenance", "nowhere"],
        &["eval", "provenance", "empty"],
    ] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn rates_are_counted_by_label_and_sizes_that_give_the_classes_away_silence_scores() {
    let place = Place::new();
    for i in 0..6 {
        place.put(&format!("pile/camera/{i}.jpg"), jpeg(i));
        place.put(&format!("pile/ai/{i}.png"), png(i));
    }
    let ran = place.run(&["eval", "provenance", "pile", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["files"], 12);
    assert_eq!(found["rates"]["label"]["camera"]["files"], 6);
    assert_eq!(found["rates"]["label"]["ai"]["generator"], 0);
    assert!(found["size_only_auc"].is_number());
    let square = place.run(&["eval", "provenance", "pile", "--square", "7"]);
    assert_eq!(square.code, Some(2));
    assert!(square.err.contains("are not 7 × 7"), "{}", square.err);
}

#[test]
fn too_few_files_make_no_table_and_say_why() {
    let place = Place::new();
    place.put("pile/manifest.csv", "path,label,source\na.jpg,camera,one\nb.png,ai,two\n");
    place.put("pile/a.jpg", jpeg(1));
    place.put("pile/b.png", png(1));
    let ran = place.run(&["calibrate", "--labelled", "pile", "--out", "c.json"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.out.contains("1 usable files of camera_original from 1 sources"), "{}", ran.out);
    assert_eq!(std::fs::read_to_string(place.path("c.json")).unwrap().trim(), "[]");
}
