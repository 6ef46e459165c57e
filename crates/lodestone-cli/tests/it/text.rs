//! What a person reads.

use crate::files::{jpeg, png};
use crate::program::Place;

#[test]
fn the_short_help_fits_a_screen_and_the_long_one_has_examples() {
    let place = Place::new();
    for command in
        [&["-h"][..], &["scan", "-h"], &["match", "-h"], &["hash", "-h"], &["bank", "-h"], &["demo", "-h"]]
    {
        let lines = place.run(command).out.lines().count();
        assert!((5..=40).contains(&lines), "{command:?}: {lines} lines");
    }
    for command in ["scan", "hash", "match", "examine"] {
        let ran = place.run(&[command, "--help"]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.contains("Examples:") && ran.out.contains("Exit status:"), "{command}: {}", ran.out);
    }
}

#[test]
fn what_cannot_be_typed_ends_with_2() {
    let place = Place::new();
    for arguments in [&["scan"][..], &["scan", "x", "--radius", "65"], &["no-such-command"], &[]] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn what_hash_prints_is_a_list_that_scan_reads() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/a, \"b\".jpg", jpeg(2));
    for (format, name) in [("text", "pdq:list.txt"), ("csv", "list.csv")] {
        let list = place.run(&["hash", "pile/a.png", "pile/a, \"b\".jpg", "--format", format]);
        place.put(name.trim_start_matches("pdq:"), &list.out);
        let ran = place.scan(&["pile", "--known", name]);
        assert_eq!(ran.code, Some(1), "{format}: {}\n{}", ran.err, list.out);
        assert!(ran.of_kind("file").iter().all(|file| file["state"] == "known"), "{}", ran.states());
    }
}

#[test]
fn the_demo_finds_what_it_planted_and_ends_well() {
    let place = Place::new();
    let ran = place.run(&["demo", "d", "--thumbnails", "none"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(place.path("d/report.html").exists());
    assert!(ran.out.contains("Look at first") && ran.out.contains("The report is at"), "{}", ran.out);
    let again = place.scan(&[
        "d/pictures",
        "--known",
        "d/lists/known.csv",
        "--known-good",
        "md5:d/lists/known-good.md5",
    ]);
    let summary = again.of_kind("summary").remove(0);
    assert_eq!((summary["known"].as_u64(), summary["known_good"].as_u64()), (Some(15), Some(1)));
}

#[test]
fn settings_name_their_origin() {
    let place = Place::new();
    place.put("lodestone.toml", "workers = 1\n");
    let out = place.run(&["config", "show"]).out;
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("workers").ends_with("lodestone.toml"), "{out}");
    assert!(line("timeout_s").ends_with("default"), "{out}");
    place.put("lodestone.toml", "wokers = 1\n");
    assert_eq!(place.run(&["config", "show"]).code, Some(2));
}
