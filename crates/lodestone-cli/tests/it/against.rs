//! `match --against`: list by list, list by banks, and new entries against everything ever scanned.

use std::fs;

use crate::files::{jpeg, png, zip};
use crate::hashes::{hashes, hex, list, near, pairs};
use crate::program::{Place, Ran};

/// Two lists with pairs at many distances, among strangers; some values more than once.
fn lists(place: &Place) -> (Vec<[u8; 32]>, Vec<[u8; 32]>) {
    let (mut known, mut new) = (hashes(10, 1200), hashes(11, 900));
    for n in 0..100 {
        new[n * 8] = near(&known[n * 11], n % 40);
    }
    known[1199] = known[0];
    new[899] = new[8];
    place.put("known.txt", list(&known));
    place.put("new.txt", list(&new));
    (known, new)
}

fn found(ran: &Ran) -> Vec<(usize, usize, u32)> {
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse().unwrap();
    let mut found: Vec<_> = ran
        .of_kind("pair")
        .iter()
        .map(|one| {
            (
                number(&one["entry"]),
                number(&one["against_entry"]),
                one["distance_bits"].as_u64().unwrap() as u32,
            )
        })
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn two_lists_give_the_pairs_that_comparing_everything_gives_whatever_the_threads() {
    let place = Place::new();
    let (known, new) = lists(&place);
    for radius in [0, 31, 64] {
        let expected = pairs(&new, &known, radius);
        assert!(expected.len() > 2);
        let run = |workers: &str| {
            place.run(&[
                "match",
                "--against",
                "pdq:known.txt",
                "pdq:new.txt",
                "--radius",
                &radius.to_string(),
                "--format",
                "ndjson",
                "--workers",
                workers,
            ])
        };
        let ran = run("1");
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert_eq!(found(&ran), expected, "radius {radius}");
        assert_eq!(run("3").out, ran.out);
    }
}

#[test]
fn every_format_names_both_entries_and_the_summary_both_lists() {
    let place = Place::new();
    place.put(
        "known.csv",
        format!("id,pdq,md5,classification\nK-1,{},{},A1\n", "ab".repeat(32), "cd".repeat(16)),
    );
    let mut one = [0xab; 32];
    one[0] ^= 1;
    place.put(
        "new.csv",
        format!("id,pdq,md5\nN-1,{},\nN-2,,{}\nN-3,{},\n", hex(&one), "cd".repeat(16), "17".repeat(32)),
    );
    let run = |format: &str| place.run(&["match", "--against", "known.csv", "new.csv", "--format", format]);
    insta::assert_snapshot!(run("text").out, @r"
    new.csv entry N-1: known entry K-1 (known-real, classified A1): pdq at 1 of 31 bits, as stored
    new.csv entry N-2: known entry K-1 (known-real, classified A1): same bytes by md5
    ");
    insta::assert_snapshot!(run("csv").out, @r"
    list,entry,against,against_kind,against_entry,signal_type,distance_bits,radius_bits,classification,distance_squared
    new.csv,N-1,known,known-real,K-1,pdq,1,31,A1,
    new.csv,N-2,known,known-real,K-1,md5,0,0,A1,
    ");
    let ran = run("ndjson");
    insta::assert_snapshot!(ran.out.lines().next().unwrap(), @r#"{"kind":"pair","list":"new.csv","entry":"N-1","against":"known","against_kind":"known-real","against_entry":"K-1","signal_type":"pdq","distance_bits":1,"radius_bits":31,"classification":"A1"}"#);
    let summary = ran.of_kind("summary").remove(0);
    assert_eq!((summary["entries"].as_u64(), summary["pairs"].as_u64()), (Some(3), Some(2)));
    assert_eq!(summary["lists"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(summary["against"][0]["version"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(summary["look_up"]["queries"], 2);
    assert!(
        ran.err.contains("3 entries looked up, 2 pairs found") && ran.err.contains("look-ups: 2 queries"),
        "{}",
        ran.err
    );
    let document: serde_json::Value = serde_json::from_str(&run("json").out).unwrap();
    assert_eq!(document.as_array().unwrap().len(), 3);
    place.put("far.txt", "99".repeat(32));
    let ran = place.run(&["match", "--against", "known.csv", "pdq:far.txt"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
}

#[test]
fn several_lists_and_banks_stand_against_several_lists() {
    let place = Place::new();
    let (known, new) = lists(&place);
    place.run(&["bank", "import", "hotline", "pdq:known.txt", "--data", "state"]);
    let one =
        place.run(&["match", "--against", "banks", "pdq:new.txt", "--data", "state", "--format", "ndjson"]);
    assert_eq!(found(&one), pairs(&new, &known, 31), "{}", one.err);
    assert_eq!(one.of_kind("pair")[0]["against"], "hotline");
    let both = place.run(&[
        "match",
        "--against",
        "banks",
        "--against",
        "pdq:known.txt",
        "pdq:new.txt",
        "pdq:new.txt",
        "--data",
        "state",
        "--format",
        "ndjson",
    ]);
    assert_eq!(both.of_kind("pair").len(), 4 * one.of_kind("pair").len());
    let generation = |ran: &Ran| ran.of_kind("summary")[0]["generation"].as_u64().unwrap();
    assert_eq!(generation(&both), generation(&one) + 1);
}

#[test]
fn rows_that_cannot_be_read_are_listed_up_to_the_limit_and_end_the_run_beyond() {
    let place = Place::new();
    place.put("known.txt", list(&hashes(1, 10)));
    place.put("new.txt", format!("{}not a hash\n{}", list(&hashes(1, 2)), list(&hashes(1, 1))));
    let run = |more: &[&str]| {
        place.run(
            &[&["match", "--against", "pdq:known.txt", "pdq:new.txt", "--format", "ndjson"], more].concat(),
        )
    };
    let ran = run(&["--max-rejects", "1"]);
    assert_eq!((ran.code, ran.of_kind("pair").len()), (Some(1), 3), "{}", ran.err);
    assert!(ran.err.contains("new.txt: not taken: line 3"), "{}", ran.err);
    assert_eq!(ran.of_kind("summary")[0]["lists"][0]["rejected"], 1);
    let ran = run(&[]);
    assert_eq!((ran.code, ran.of_kind("pair").len()), (Some(2), 2), "{}", ran.err);
    let summary = ran.of_kind("summary").remove(0);
    assert_eq!(summary["interrupted"], true);
    assert_eq!((summary["entries"].as_u64(), summary["pairs"].as_u64()), (Some(2), Some(2)));
    assert_eq!(summary["lists"][0]["rejected"], 1);
    assert!(ran.err.contains("2 entries looked up, 2 pairs found"), "{}", ran.err);
    assert!(ran.err.lines().last().unwrap().contains("line 3"), "{}", ran.err);
}

#[test]
fn a_hash_that_repeats_in_both_lists_gives_every_pair_in_the_order_of_entries() {
    let place = Place::new();
    let same = hashes(30, 1)[0];
    place.put("known.txt", list(&[same; 600]));
    let mut new = hashes(31, 300);
    new.extend([same; 300]);
    place.put("new.txt", list(&new));
    let mut names: Vec<String> = (1..=600).map(|line| line.to_string()).collect();
    names.sort();
    let mut expected = String::new();
    for line in 301..=600 {
        for name in &names {
            expected += &format!(
                "new.txt entry {line}: known entry {name} (known-real): pdq at 0 of 31 bits, as stored\n"
            );
        }
    }
    for workers in ["1", "3", "40"] {
        let ran = place.run(&["match", "--against", "pdq:known.txt", "pdq:new.txt", "--workers", workers]);
        assert_eq!((ran.code, ran.out == expected), (Some(1), true), "{workers}: {}", ran.err);
    }
}

#[test]
fn lists_without_a_type_in_common_are_warned_of() {
    let place = Place::new();
    place.put("known.txt", list(&hashes(1, 5)));
    place.put("md5.txt", format!("{}\n", "cd".repeat(16)));
    place.put("other.txt", list(&hashes(2, 5)));
    let run = |new: &str, known: &str| place.run(&["match", "--against", known, new, "--format", "ndjson"]);
    for (new, known) in [
        ("md5:md5.txt", "pdq:known.txt"),
        ("pdq:known.txt", "md5:md5.txt"),
        ("pdq:known.txt", "sha256:other.txt"),
    ] {
        let ran = run(new, known);
        assert!(ran.err.contains("could be compared"), "{new} {known}: {}", ran.err);
        let summary = ran.of_kind("summary").remove(0);
        assert_eq!((ran.code, &summary["lists_not_comparable"]), (Some(0), &1.into()));
        assert_eq!(summary["lists"][0]["comparable"], false);
    }
    let ran = run("pdq:other.txt", "pdq:known.txt");
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    let summary = ran.of_kind("summary").remove(0);
    assert_eq!(
        (&summary["lists_not_comparable"], &summary["lists"][0]["comparable"]),
        (&0.into(), &true.into())
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_takes_nothing_from_the_exit_status() {
    let place = Place::new();
    place.put("known.txt", list(&[hashes(30, 1)[0]; 300]));
    place.put("far.txt", list(&hashes(31, 1)));
    let signal = format!("pdq:{}", hex(&hashes(30, 1)[0]));
    let against = ["match", "--against", "pdq:known.txt", "pdq:known.txt"];
    let by_value = ["match", "--known", "pdq:known.txt", "--signal", &signal];
    let none = ["match", "--known", "pdq:far.txt", "--signal", &signal];
    for format in ["text", "csv", "ndjson", "json"] {
        for (arguments, code) in [(against.as_slice(), 1), (&by_value, 1), (&none, 0)] {
            if format == "csv" && arguments != against {
                continue;
            }
            let arguments = [arguments, &["--format", format]].concat();
            let mut child = place
                .command(&arguments)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.err);
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused_in_words() {
    let place = Place::new();
    lists(&place);
    place.put("empty.txt", "");
    for (arguments, words) in [
        (vec!["--against", "pdq:known.txt"], "required"),
        (vec!["--against", "pdq:known.txt", "--signal", "md5:00"], "takes the place"),
        (vec!["--against", "pdq:known.txt", "pdq:new.txt", "--known", "pdq:known.txt"], "takes the place"),
        (vec!["--against", "banks", "pdq:new.txt"], "no data folder"),
        (vec!["--against", "seen", "pdq:new.txt"], "no data folder"),
        (vec!["--against", "seen", "--against", "banks", "pdq:new.txt", "--data", "x"], "stands alone"),
        (vec!["--against", "known.txt", "pdq:new.txt"], "PDQ or SHA-256"),
        (vec!["--against", "pdq:empty.txt", "pdq:new.txt"], "the list is empty"),
        (vec!["--against", "pdq:known.txt", "pdq:empty.txt"], "the list is empty"),
        (vec!["--against", "pdq:missing.txt", "pdq:new.txt"], "missing.txt"),
    ] {
        let ran = place.run(&[&["match"], arguments.as_slice()].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn new_entries_find_what_was_scanned_before_without_the_pictures() {
    let place = Place::new();
    for seed in 0..20 {
        place.put(&format!("pile/{seed:02}.png"), png(seed));
    }
    place.put("pile/z.zip", zip(&[("inner.jpg", jpeg(40))]));
    let scanned = place.scan(&["pile", "--data", "state"]);
    assert_eq!(scanned.code, Some(0), "{}", scanned.err);
    let signal = |path: &str, kind: &str| scanned.file(path)["signals"][kind].as_str().unwrap().to_owned();
    // A turned picture's entry is found as well: kept observations have all symmetries.
    let turned = place.run(&["hash", "pile/03.png", "--dihedral", "--format", "ndjson"]).objects().remove(0);
    let turned = turned["signals"]["pdq_dihedral"][1].as_str().unwrap().to_owned();
    let rows = [signal("pile/z.zip!/inner.jpg", "pdq"), turned, hex(&hashes(9, 1)[0])];
    place.put("new.txt", rows.join("\n"));
    place.put("md5.txt", signal("pile/07.png", "md5"));
    let direct = place.scan(&["pile", "--known", "pdq:new.txt", "--known", "md5:md5.txt"]);
    fs::remove_dir_all(place.path("pile")).unwrap();
    let ran = place.run(&[
        "match",
        "--against",
        "seen",
        "pdq:new.txt",
        "md5:md5.txt",
        "--data",
        "state",
        "--format",
        "ndjson",
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let told = |ran: &Ran| -> Vec<(String, String)> {
        let known = ran.of_kind("file").into_iter().filter(|file| file["state"] == "known");
        known
            .map(|file| {
                let path = file["path"].as_str().unwrap();
                (path[path.find("pile/").unwrap()..].to_owned(), file["matches"].to_string())
            })
            .collect()
    };
    assert_eq!(told(&ran).len(), 3);
    assert_eq!(told(&ran), told(&direct));
    let summary = ran.of_kind("summary").remove(0);
    assert_eq!((summary["files"].as_u64(), summary["observations"].as_u64()), (Some(21), Some(22)));
    let text = place.run(&["match", "--against", "seen", "pdq:new.txt", "--data", "state"]);
    assert_eq!((text.code, text.out.lines().count()), (Some(1), 2), "{}", text.out);
    place.put("vectors.csv", format!("id,photodna\nv,{}\n", "5b".repeat(144)));
    let apart = place.run(&["match", "--against", "seen", "vectors.csv", "--data", "state"]);
    assert_eq!(apart.code, Some(0));
    assert!(
        apart.err.contains("nothing could be compared") && !text.err.contains("compared"),
        "{}",
        apart.err
    );
    place.put("far.txt", hex(&hashes(8, 1)[0]));
    assert_eq!(place.run(&["match", "--against", "seen", "pdq:far.txt", "--data", "state"]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_join_with_what_was_looked_up_and_2() {
    let place = Place::new();
    place.put("known.txt", list(&hashes(20, 5_000)));
    place.put("new.txt", list(&hashes(21, 150_000)));
    for wait_ms in (0..60).map(|n| 150 + 40 * n) {
        let arguments = [
            "match",
            "--against",
            "pdq:known.txt",
            "pdq:new.txt",
            "--format",
            "ndjson",
            "--workers",
            "1",
            "--radius",
            "64",
        ];
        let child = place
            .command(&arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let ran = Ran::from(child.wait_with_output().unwrap());
        if ran.code.is_none() || !ran.out.contains("\"summary\"") {
            continue;
        }
        let summary = ran.of_kind("summary").remove(0);
        assert_eq!((ran.code, summary["interrupted"].as_bool()), (Some(2), Some(true)), "{}", ran.err);
        let list = &summary["lists"][0];
        assert_eq!(list["sha256"], "", "what was not read to its end has no digest");
        assert_eq!(list["entries"], summary["look_up"]["queries"], "what was read was looked up");
        return;
    }
    panic!("no run could be interrupted");
}

#[test]
fn codes_that_are_alike_in_part_are_warned_of_and_still_all_found() {
    let place = Place::new();
    // Half of all bits the same: an index finds far more in each of its buckets than it should.
    let mut codes = hashes(12, 50_000);
    for code in &mut codes {
        for byte in 0..16 {
            code[2 * byte] = 0x5a;
        }
    }
    place.put("skewed.txt", list(&codes));
    place.put("queries.txt", list(&codes[..50]));
    let ran = place.run(&["match", "--against", "pdq:skewed.txt", "pdq:queries.txt", "--radius", "0"]);
    assert_eq!(ran.out.lines().count(), 50);
    let ran = place.run(&["match", "--against", "pdq:skewed.txt", "pdq:queries.txt", "--radius", "20"]);
    assert!(ran.err.contains("warning: look-ups read") && ran.err.contains("skew"), "{}", ran.err);
    place.put("even.txt", list(&hashes(13, 50_000)));
    let ran = place.run(&["match", "--against", "pdq:even.txt", "pdq:queries.txt"]);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}
