//! Archives, kind and unkind.

use std::time::{Duration, Instant};

use crate::files::{bomb, encrypted_zip, jpeg, tar_gz, zip};
use crate::program::Place;

#[test]
fn a_bomb_is_refused_quickly_with_a_reason() {
    let place = Place::new();
    place.put("pile/bomb.zip", bomb(8, 100));
    place.put("pile/a.jpg", jpeg(1));
    let started = Instant::now();
    let ran = place.scan(&["pile", "--workers", "1"]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let file = ran.file("pile/bomb.zip");
    assert_eq!(file["state"], "unreadable", "{}", ran.states());
    assert_eq!(file["unreadable"]["stage"], "unpack");
    assert_eq!(file["unreadable"]["reason"], "too_many_bytes");
    assert_eq!(ran.file("pile/a.jpg")["state"], "examined");
    assert_eq!(ran.code, Some(2));
}

#[test]
fn what_is_encrypted_or_too_deep_is_said_of_the_member() {
    let place = Place::new();
    place.put("pile/locked.zip", encrypted_zip(&[("a.jpg", jpeg(1))]));
    let mut deep = zip(&[("a.jpg", jpeg(2))]);
    for _ in 0..3 {
        deep = zip(&[("z", deep)]);
    }
    place.put("pile/deep.zip", deep);
    let ran = place.scan(&["pile", "--max-depth", "2"]);
    insta::assert_snapshot!(ran.states(), @r"
    pile/deep.zip examined
    pile/deep.zip!/z examined
    pile/deep.zip!/z!/z unreadable unpack/too_deep
    pile/locked.zip examined
    pile/locked.zip!/a.jpg unreadable unpack/encrypted
    ");
}

#[test]
fn a_thousand_small_members_are_a_thousand_records() {
    let place = Place::new();
    let names: Vec<String> = (0..1000).map(|n| format!("{n:04}.txt")).collect();
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), name.clone().into_bytes())).collect();
    place.put("pile/many.zip", zip(&members));
    let ran = place.scan(&["pile"]);
    assert_eq!(ran.of_kind("file").len(), 1001);
    assert_eq!(ran.file("pile/many.zip!/0999.txt")["unreadable"]["reason"], "unsupported");
    let few = place.scan(&["pile", "--max-members", "10"]);
    assert_eq!(few.file("pile/many.zip")["unreadable"]["reason"], "too_many_members");
    assert!((1..=11).contains(&few.of_kind("file").len()), "{}", few.states());
}

#[test]
fn members_named_like_each_other_or_like_paths_outside_stay_members() {
    let place = Place::new();
    place.put(
        "pile/odd.zip",
        zip(&[("x.jpg", jpeg(1)), ("x.jpg", jpeg(2)), ("../../up.jpg", jpeg(3)), ("/root.jpg", jpeg(4))]),
    );
    place.put("pile/odd.zip!/x.jpg", jpeg(5));
    place.put("pile/t.tar.gz", tar_gz(&[("../up.jpg", jpeg(6))]));
    let ran = place.scan(&["pile", "--workers", "1"]);
    assert_eq!(ran.of_kind("file").len(), 8, "{}", ran.states());
    let paths: Vec<_> =
        ran.of_kind("file").iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths.iter().all(|path| path.starts_with("pile/") && !path.contains("..")), "{paths:?}");
    assert_eq!(place.names(), ["pile"], "nothing is unpacked to disk");
    for _ in 0..3 {
        assert_eq!(place.scan(&["pile", "--workers", "3"]).out, ran.out);
    }
}

#[test]
fn without_archives_they_are_files_like_others() {
    let place = Place::new();
    place.put("pile/a.zip", zip(&[("a.jpg", jpeg(1))]));
    let ran = place.scan(&["pile", "--no-archives"]);
    assert_eq!(ran.states(), "pile/a.zip examined\n");
}
