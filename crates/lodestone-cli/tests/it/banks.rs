//! Banks and their index: changes that are found at once, an index that is behind, gone or damaged, and a folder that
//! cannot be written to.

use std::fs;

use lodestone_index::{Code256, SearchStats, Segment};
use lodestone_store::Store;
use serde_json::Value;

use crate::files::{jpeg, png};
use crate::hashes::{hashes, hex, list, near};
use crate::program::{Place, Ran};

/// A bank of 5,000 hashes in `state`.
fn with_bank() -> (Place, Vec<[u8; 32]>) {
    let (place, codes) = (Place::new(), hashes(3, 5000));
    place.put("hotline.txt", list(&codes));
    let ran = place.run(&["bank", "import", "hotline", "pdq:hotline.txt", "--data", "state"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    (place, codes)
}

fn look_up(place: &Place, code: &[u8; 32]) -> Ran {
    let signal = format!("pdq:{}", hex(code));
    place.run(&["match", "--signal", &signal, "--data", "state", "--format", "ndjson"])
}

fn entries(ran: &Ran) -> Vec<String> {
    let matches = ran.of_kind("signal").remove(0)["matches"].take();
    matches.as_array().unwrap().iter().map(|one| one["entry"].as_str().unwrap().to_owned()).collect()
}

fn verified(place: &Place) -> String {
    let ran = place.run(&["index", "verify", "--data", "state"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

#[test]
fn an_imported_bank_is_searched_in_its_index_and_the_index_holds_what_the_bank_holds() {
    let (place, codes) = with_bank();
    let ran = look_up(&place, &near(&codes[41], 31));
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert_eq!(entries(&ran), ["42"]);
    assert_eq!(look_up(&place, &near(&codes[41], 32)).code, Some(0));
    assert!(verified(&place).contains("5000 hashes, the same as the banks"));
    let shown = place.run(&["index", "show", "--data", "state", "--format", "ndjson"]).objects().remove(0);
    assert_eq!((shown["entries"].as_u64(), shown["up_to_date"].as_bool()), (Some(5000), Some(true)));
    assert_eq!(shown["stands_at_generation"], ran.of_kind("signal")[0]["generation"]);
}

#[test]
fn an_entry_is_found_when_it_was_added_and_gone_when_it_was_removed() {
    let (place, codes) = with_bank();
    let new = hashes(77, 1)[0];
    let add = |more: &[&str]| {
        let signal = format!("pdq:{}", hex(&new));
        place.run(&[&["bank", "add", "hotline", "--data", "state", "--signal", &signal], more].concat())
    };
    assert_eq!(look_up(&place, &new).code, Some(0));
    assert_eq!(add(&["--id", "case-9"]).code, Some(0));
    let ran = look_up(&place, &near(&new, 20));
    assert_eq!((ran.code, entries(&ran)), (Some(1), vec!["case-9".to_owned()]));
    assert_eq!(add(&["--id", "case-9"]).code, Some(2), "the id is taken");
    let made = add(&["--format", "json"]);
    let id = made.objects()[0]["entry"].as_str().unwrap().to_owned();
    assert_eq!(entries(&look_up(&place, &new)).len(), 2);
    let remove = |id: &str, yes: &[&str]| {
        place.run(&[&["bank", "remove", "hotline", id, "--data", "state"], yes].concat())
    };
    assert_eq!(remove(&id, &[]).code, Some(2), "it has to be meant");
    assert_eq!(remove(&id, &["--yes"]).code, Some(0));
    assert_eq!(remove("case-9", &["--yes"]).code, Some(0));
    assert_eq!(remove("case-9", &["--yes"]).code, Some(2), "it is gone");
    assert_eq!(look_up(&place, &new).code, Some(0));
    // One that came with the list.
    assert_eq!(remove("100", &["--yes"]).code, Some(0));
    assert_eq!(look_up(&place, &codes[99]).code, Some(0));
    assert!(verified(&place).contains("4999 hashes, the same"));
    // A changed list, a second bank, a deleted one.
    place.put("hotline.txt", list(&[&[new], &codes[1..]].concat()));
    place.run(&["bank", "import", "hotline", "pdq:hotline.txt", "--data", "state"]);
    assert_eq!((look_up(&place, &new).code, look_up(&place, &codes[0]).code), (Some(1), Some(0)));
    place.run(&["bank", "import", "other", "pdq:hotline.txt", "--data", "state"]);
    assert_eq!(entries(&look_up(&place, &new)), ["1", "1"]);
    place.run(&["bank", "delete", "hotline", "--yes", "--data", "state"]);
    assert_eq!(entries(&look_up(&place, &new)), ["1"]);
    assert!(verified(&place).contains("5000 hashes, the same"));
    let shown = || place.run(&["index", "show", "--data", "state", "--format", "ndjson"]).objects().remove(0);
    assert_eq!(shown()["entries"].as_u64(), Some(5000), "what went with its bank is not counted");
    for command in ["compact", "rebuild"] {
        let ran = place.run(&["index", command, "--data", "state"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert_eq!(entries(&look_up(&place, &new)), ["1"]);
    }
    assert_eq!(shown()["segments"].as_array().unwrap().len(), 1);
}

#[test]
fn values_that_say_nothing_and_banks_that_do_not_exist_take_no_entry() {
    let (place, _) = with_bank();
    let add =
        |bank: &str, signal: &str| place.run(&["bank", "add", bank, "--signal", signal, "--data", "state"]);
    for (bank, signal, words) in [
        ("hotline", format!("pdq:{}", "0".repeat(64)), "says nothing"),
        ("nobody", format!("pdq:{}", "a".repeat(64)), "no bank"),
        ("hotline", "pdq:12".to_owned(), "64 hexadecimal digits"),
    ] {
        let ran = add(bank, &signal);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn negative_and_known_good_banks_are_never_in_the_index() {
    let (place, codes) = with_bank();
    for (bank, kind) in [("calm", "negative"), ("system", "known-good")] {
        place.run(&["bank", "create", bank, "--kind", kind, "--data", "state"]);
        let signal = format!("pdq:{}", hex(&near(&codes[0], 2)));
        let ran = place.run(&["bank", "add", bank, "--signal", &signal, "--data", "state"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.contains("exact digest only"), "{}", ran.err);
    }
    assert_eq!(entries(&look_up(&place, &codes[0])), ["1"]);
    assert!(verified(&place).contains("5000 hashes, the same"));
    place.run(&["index", "rebuild", "--data", "state"]);
    assert_eq!(entries(&look_up(&place, &codes[0])), ["1"]);
}

/// Changes the banks as a program would that died before it came to the index.
fn fall_behind(place: &Place, code: &[u8; 32]) {
    let signal = format!("pdq:{}", hex(code)).parse().unwrap();
    let mut store = Store::open(&place.path("state")).unwrap();
    store.add_entry("hotline", Some("late"), vec![signal], 1).unwrap();
}

#[test]
fn an_index_that_is_behind_is_brought_up_to_date_by_whoever_finds_it() {
    let (place, _) = with_bank();
    let new = hashes(78, 1)[0];
    fall_behind(&place, &new);
    let behind = verified(&place);
    assert!(behind.contains("the next command that uses it brings it up to date"), "{behind}");
    let ran = look_up(&place, &new);
    assert_eq!(entries(&ran), ["late"]);
    assert!(ran.err.contains("brought up to date: 1 hash added"), "{}", ran.err);
    let again = look_up(&place, &new);
    assert_eq!((again.err.as_str(), again.out), ("", ran.out));
    assert!(verified(&place).contains("5001 hashes, the same"));
}

#[test]
fn an_index_that_cannot_be_brought_up_to_date_gives_way_to_memory_and_says_so() {
    let (place, codes) = with_bank();
    let new = hashes(79, 1)[0];
    fall_behind(&place, &new);
    let held = Store::open(&place.path("state")).unwrap();
    let locked = look_up(&place, &new);
    assert_eq!(entries(&locked), ["late"]);
    assert!(locked.err.contains("reading the banks into memory"), "{}", locked.err);
    let many = |ran: &Ran| (entries(ran), ran.of_kind("signal"));
    let in_memory = many(&look_up(&place, &near(&codes[5], 9)));
    drop(held);
    assert_eq!(many(&look_up(&place, &near(&codes[5], 9))), in_memory, "the index answers the same");
    assert_eq!(look_up(&place, &new).out, locked.out);
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_cannot_be_written_to_is_matched_against() {
    use std::os::unix::fs::PermissionsExt;
    let (place, codes) = with_bank();
    let rights = |mode| {
        for name in ["state/index/pdq", "state/index", "state"] {
            fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    rights(0o500);
    let ran = look_up(&place, &codes[7]);
    rights(0o700);
    assert_eq!((entries(&ran), ran.err.as_str()), (vec!["8".to_owned()], ""));
}

/// Turns a bit in the middle of every file of the index that has one.
fn damage(place: &Place) {
    for entry in fs::read_dir(place.path("state/index/pdq")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn an_index_that_is_gone_or_damaged_is_built_again_with_one_line() {
    let (place, codes) = with_bank();
    let before = look_up(&place, &codes[7]).out;
    let folder = place.path("state/index/pdq");
    let harms: [&dyn Fn(); 4] = [
        &|| fs::remove_dir_all(&folder).unwrap(),
        &|| damage(&place),
        &|| fs::write(folder.join("MANIFEST"), b"something else").unwrap(),
        &|| {
            assert_eq!(place.run(&["index", "compact", "--data", "state"]).code, Some(0));
            let segment = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            let segment =
                segment.filter(|path| path.extension().is_some_and(|e| e == "segment")).last().unwrap();
            let bytes = fs::read(&segment).unwrap();
            fs::write(&segment, &bytes[..bytes.len() / 2]).unwrap();
        },
    ];
    for (number, harm) in harms.iter().enumerate() {
        harm();
        let ran = look_up(&place, &codes[7]);
        assert_eq!(ran.out, before, "{number}: {}", ran.err);
        let lines: Vec<_> = ran.err.lines().collect();
        assert_eq!(lines.len(), 1, "{number}: {}", ran.err);
        assert!(
            lines[0].contains("from the banks") || lines[0].contains("up to date"),
            "{number}: {}",
            ran.err
        );
        assert_eq!(look_up(&place, &codes[7]).err, "", "{number}");
        assert!(verified(&place).contains("5000 hashes, the same"), "{number}");
    }
    damage(&place);
    let ran = place.run(&["index", "verify", "--data", "state"]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(2), 1), "{}", ran.err);
}

/// The owners of hashes lie in blocks of their own, which are read for what is found only. Damages one that a look-up of
/// one of these hashes needs and opening does not.
fn damage_owners(place: &Place, hashes: &[[u8; 32]]) {
    let folder = place.path("state/index/pdq");
    let segments = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let path = segments.filter(|path| path.extension().is_some_and(|e| e == "segment")).last().unwrap();
    let facts = Segment::open(&path).unwrap().facts();
    let owners = facts.sections.iter().find(|section| section.name == "owners").unwrap();
    let whole = fs::read(&path).unwrap();
    for block in owners.offset / 4096..(owners.offset + owners.bytes) / 4096 {
        let mut bytes = whole.clone();
        bytes[block as usize * 4096 + 100] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let Ok(segment) = Segment::open(&path) else { continue };
        let fails = |hash: &[u8; 32]| {
            let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
            segment.search_into(&[Code256::from_bytes(hash)], 31, &mut hits, &mut stats).is_err()
        };
        if hashes.iter().any(fails) {
            return;
        }
    }
    panic!("no block that only these hashes need");
}

#[test]
fn a_look_up_that_meets_damage_is_an_error_and_never_no_match() {
    let place = Place::new();
    // Large enough that the self-test does not read everything.
    let mut codes = hashes(4, 40_000);
    place.put("pile/a.png", png(1));
    place.put("pile/b.jpg", jpeg(2));
    let hash = |name: &str| -> [u8; 32] {
        let text = place.run(&["hash", name]).out[..64].to_owned();
        std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    };
    codes[20_000] = hash("pile/a.png");
    place.put("hotline.txt", list(&codes));
    place.run(&["bank", "import", "hotline", "pdq:hotline.txt", "--data", "state"]);
    damage_owners(&place, &codes);
    let ran = place.run(&[
        "match",
        "--against",
        "banks",
        "pdq:hotline.txt",
        "--data",
        "state",
        "--format",
        "ndjson",
    ]);
    assert_eq!(ran.code, Some(2));
    let (pairs, failed) = (ran.of_kind("pair"), ran.of_kind("failed"));
    assert!(!failed.is_empty() && pairs.len() > 30_000, "{} {}", failed.len(), pairs.len());
    let mut named: Vec<u64> = [pairs, failed.clone()]
        .concat()
        .iter()
        .map(|one| one["entry"].as_str().unwrap().parse().unwrap())
        .collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), 40_000, "every entry is found, or named as one that could not be looked up");
    // One that fails, by value and in a scan.
    let line: usize = failed[0]["entry"].as_str().unwrap().parse().unwrap();
    let ran = look_up(&place, &codes[line - 1]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.of_kind("signal").is_empty() && ran.err.contains("could not be looked up"), "{}", ran.err);
    assert!(ran.err.contains("index rebuild"), "{}", ran.err);
    codes[line - 1] = hash("pile/b.jpg");
    assert_eq!(place.run(&["index", "rebuild", "--data", "state"]).code, Some(0));
    assert_eq!(look_up(&place, &codes[line]).code, Some(1));
}

#[test]
fn a_scan_says_which_files_could_not_be_looked_up() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/b.jpg", jpeg(2));
    let text = |name: &str| place.run(&["hash", name]).out[..64].to_owned();
    let known = text("pile/a.png");
    let mut fillers = hashes(5, 40_000);
    // All near the picture: some of their owners stand in any block.
    let base: [u8; 32] = std::array::from_fn(|i| u8::from_str_radix(&known[2 * i..2 * i + 2], 16).unwrap());
    for (bit, filler) in fillers.iter_mut().enumerate().take(20_000) {
        let mut code = base;
        for step in [7, 31, 101] {
            let at = bit.wrapping_mul(step).wrapping_add(bit / 256) % 256;
            code[at / 8] ^= 1 << (at % 8);
        }
        *filler = code;
    }
    place.put("hotline.txt", list(&fillers));
    place.run(&["bank", "import", "hotline", "pdq:hotline.txt", "--data", "state"]);
    damage_owners(&place, &[base]);
    let ran = place.scan(&["pile", "--data", "state"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(ran.states(), "pile/a.png unreadable match/look_up\npile/b.jpg examined\n");
    assert!(ran.err.contains("1 look-up failed, which is not \"no match\""), "{}", ran.err);
    assert_eq!(ran.of_kind("summary")[0]["look_up"]["failed"], 1);
    // Nothing wrong is kept of it.
    assert_eq!(place.run(&["index", "rebuild", "--data", "state"]).code, Some(0));
    let ran = place.scan(&["pile", "--data", "state"]);
    assert_eq!((ran.code, ran.states().as_str()), (Some(1), "pile/a.png known\npile/b.jpg examined\n"));
}

#[test]
fn records_are_the_same_from_an_index_from_memory_and_from_a_list() {
    let place = Place::new();
    for seed in 0..6 {
        place.put(&format!("pile/{seed}.png"), png(seed));
    }
    let signals = |seed: u32| {
        place.run(&["hash", &format!("pile/{seed}.png"), "--format", "ndjson"]).objects()[0]["signals"]
            .clone()
    };
    let mut rows = String::from("id,pdq,md5,classification\n");
    for seed in 0..4 {
        let value = signals(seed);
        let md5 = if seed % 2 == 0 { value["md5"].as_str().unwrap() } else { "" };
        let pdq = value["pdq"].as_str().unwrap();
        rows += &format!("LD-{seed},{pdq},{md5},A{seed}\n");
        rows += &format!("LX-{seed},{pdq},,\n");
    }
    for (number, code) in hashes(6, 2000).iter().enumerate() {
        rows += &format!("F-{number},{},,\n", hex(code));
    }
    place.put("hotline.csv", rows);
    let matches = |ran: &Ran| -> Vec<(Value, Value, Value)> {
        let files = ran.of_kind("file");
        files.into_iter().map(|mut f| (f["path"].take(), f["state"].take(), f["matches"].take())).collect()
    };
    let from_list = place.scan(&["pile", "--known", "hotline.csv"]);
    place.run(&["bank", "import", "hotline", "hotline.csv", "--data", "state"]);
    let from_index = place.scan(&["pile", "--data", "state"]);
    assert_eq!(from_index.code, Some(1), "{}", from_index.err);
    assert_eq!(matches(&from_index), matches(&from_list));
    fall_behind(&place, &hashes(80, 1)[0]);
    let ran = |held: bool| {
        let held = held.then(|| Store::open(&place.path("state")).unwrap());
        let files: Vec<String> = (0..6).map(|seed| format!("pile/{seed}.png")).collect();
        let mut arguments = vec!["match", "--data", "state", "--format", "ndjson"];
        arguments.extend(files.iter().map(String::as_str));
        let ran = place.run(&arguments);
        drop(held);
        ran
    };
    let (in_memory, mapped) = (ran(true), ran(false));
    assert!(in_memory.err.contains("into memory") && !mapped.err.contains("into memory"));
    assert_eq!(in_memory.out, mapped.out);
}

#[test]
fn an_import_killed_at_any_moment_leaves_an_index_that_ends_up_with_what_the_bank_holds() {
    let (place, codes) = with_bank();
    for (round, wait_ms) in (0u64..).zip([20, 60, 120, 200, 320, 480, 700]) {
        place.put("more.txt", list(&hashes(100 + round, 20_000)));
        let mut child = place
            .command(&["bank", "import", &format!("more-{round}"), "pdq:more.txt", "--data", "state"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(entries(&look_up(&place, &codes[7])), ["8"]);
        assert!(verified(&place).contains("the same as the banks"), "{wait_ms} ms");
    }
}
