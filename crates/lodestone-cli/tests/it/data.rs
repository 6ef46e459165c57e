//! A data folder: what is kept between runs, and what an end at any moment leaves.

use std::fs::{self, File};
use std::time::Duration;

use crate::files::{jpeg, png, tar_gz, zip};
use crate::program::Place;

#[test]
fn a_second_run_reads_only_what_changed() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/b.png", png(2));
    let arguments = ["pile", "--data", "state"];
    let first = place.scan(&arguments);
    assert_eq!(place.scan(&arguments).out, first.out);
    // Other content under the same size and time is not noticed, which shows that the file is not read again …
    let path = place.path("pile/a.png");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(place.scan(&arguments).out, first.out);
    // … until it is asked for, and then the new answer is the one that is kept.
    let fresh = place.scan(&["pile"]);
    assert_ne!(fresh.out, first.out);
    assert_eq!(place.scan(&["pile", "--data", "state", "--rehash"]).out, fresh.out);
    assert_eq!(place.scan(&arguments).out, fresh.out);
    // A change that shows is seen without asking.
    place.put("pile/a.png", png(3));
    assert_eq!(place.scan(&arguments).out, place.scan(&["pile"]).out);
}

#[test]
fn a_data_folder_inside_the_pile_is_left_out() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    let first = place.scan(&["pile", "--data", "pile/state"]);
    assert_eq!(first.states(), "pile/a.png examined\n");
    assert_eq!(place.scan(&["pile", "--data", "pile/state"]).out, first.out);
}

#[test]
fn two_writers_at_a_time_are_refused_and_readers_are_not() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    let held = lodestone_store::Store::open(&place.path("state")).unwrap();
    let ran = place.scan(&["pile", "--data", "state"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("in use by another lodestone process"), "{}", ran.err);
    assert_eq!(place.run(&["match", "pile/a.png", "--data", "state"]).code, Some(0));
    drop(held);
    assert_eq!(place.scan(&["pile", "--data", "state"]).code, Some(0));
}

fn pile() -> Place {
    let place = Place::new();
    for seed in 0..60 {
        place.put(&format!("pile/{:02}/{seed:03}.jpg", seed % 7), jpeg(seed));
    }
    place.put("pile/z.zip", zip(&[("a.jpg", jpeg(3)), ("b.txt", b"text".to_vec())]));
    place.put("pile/a.tar.gz", tar_gz(&[("c.jpg", jpeg(100)), ("z.zip", zip(&[("d.jpg", jpeg(101))]))]));
    place
}

#[test]
fn killed_at_any_moment_a_run_goes_on_and_says_what_an_undisturbed_one_says() {
    let place = pile();
    let whole = place.scan(&["pile"]);
    let arguments = ["scan", "pile", "--format", "ndjson", "--workers", "2", "--data", "state"];
    for wait_ms in [15, 40, 80, 140, 220, 320] {
        let mut child = place
            .command(&arguments)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let resumed = place.run(&arguments);
    assert_eq!(resumed.out, whole.out, "{}", resumed.err);
    assert_eq!(place.run(&arguments).out, whole.out);
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_files_in_work_says_how_to_go_on_and_ends_with_2() {
    let place = pile();
    let whole = place.scan(&["pile"]);
    // The moment is found by trying: before it the program does not listen yet, after it everything is done.
    for wait_ms in (0..60).map(|n| 20 + 15 * n) {
        let state = format!("state-{wait_ms}");
        let arguments = ["scan", "pile", "--format", "ndjson", "--workers", "1", "--data", &state];
        let child = place
            .command(&arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let ran = crate::program::Ran::from(child.wait_with_output().unwrap());
        if ran.code.is_none() || !ran.err.contains("interrupted") {
            continue;
        }
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("run the same command again to go on"), "{}", ran.err);
        let summary = ran.of_kind("summary").remove(0);
        assert_eq!(summary["interrupted"], true);
        assert_eq!(place.run(&arguments).out, whole.out);
        return;
    }
    panic!("no run could be interrupted");
}
