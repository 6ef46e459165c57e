//! Lists as they are given, and refused.

use serde_json::json;

use crate::files::{jpeg, png};
use crate::program::{Place, Ran};

fn pile() -> (Place, serde_json::Value) {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/b.jpg", jpeg(2));
    let signals = place.run(&["hash", "pile/a.png", "--format", "ndjson"]).objects()[0]["signals"].clone();
    (place, signals)
}

fn last_line(ran: &Ran) -> &str {
    ran.err.lines().last().unwrap_or("")
}

#[test]
fn a_list_of_64_digits_is_never_guessed_and_the_hint_says_what_to_write() {
    let (place, signals) = pile();
    place.put("list.txt", signals["pdq"].as_str().unwrap());
    let ran = place.scan(&["pile", "--known", "list.txt"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(last_line(&ran), @"lodestone: list list.txt: 64 hexadecimal digits can be PDQ or SHA-256; say --known pdq:FILE or --known sha256:FILE");
}

#[test]
fn a_typed_list_matches_by_its_type_and_the_entry_is_the_line() {
    let (place, signals) = pile();
    for kind in ["pdq", "md5", "sha1", "sha256"] {
        let value = signals[kind].as_str().unwrap();
        let stranger = "0123456789abcdef".repeat(4);
        place.put("list.txt", format!("{}\n{value}\n", &stranger[..value.len()]));
        let ran = place.scan(&["pile", "--known", &format!("{kind}:list.txt")]);
        assert_eq!(ran.code, Some(1), "{kind}: {}", ran.err);
        let file = ran.file("pile/a.png");
        assert_eq!(file["matches"][0]["entry"], "2");
        assert_eq!(file["matches"][0]["signal_type"], json!(kind));
        assert_eq!(ran.file("pile/b.jpg")["matches"], json!([]));
    }
}

#[test]
fn what_cannot_be_a_list_is_refused_with_its_name_and_a_reason() {
    let (place, _) = pile();
    place.put("empty.txt", "");
    place.put("short.txt", "abcdef\n");
    for (list, words) in [
        ("missing.txt", "missing.txt"),
        ("pdq:missing.txt", "missing.txt"),
        ("pdq:empty.txt", "the list is empty"),
        ("pdq:short.txt", "short.txt"),
        ("pdq:pile", "is a folder"),
    ] {
        let ran = place.scan(&["pile", "--known", list]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{list}");
        assert!(last_line(&ran).contains(words), "{}", ran.err);
        assert_eq!(
            last_line(&ran).matches("os error").count(),
            usize::from(list.contains("missing")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_vics_set_cannot_be_loaded_as_known_good() {
    let (place, signals) = pile();
    let md5 = signals["md5"].as_str().unwrap().to_uppercase();
    let set = json!({
        "@odata.context": "http://github.com/ICMEC/ProjectVic/DataModels/2.0.xml/US/$metadata#Media",
        "value": [{ "MediaID": 77, "Category": 1, "MD5": md5, "MediaSize": 12 }],
    });
    place.put("vics.json", set.to_string());
    let refused = place.scan(&["pile", "--known-good", "vics.json"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("known-good would hide evidence"), "{}", refused.err);
    let ran = place.scan(&["pile", "--known", "vics.json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(ran.file("pile/a.png")["matches"][0]["entry"], "77");
}

#[test]
fn a_vics_set_is_written_in_the_version_that_its_reader_knows() {
    let place = Place::new();
    let medium =
        json!({ "MediaID": 77, "Category": 1, "MD5": "AB".repeat(16), "Own": { "deep": [2.5, null] } });
    let root = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media";
    place.put("vics.json", json!({ "odata.metadata": root, "value": [medium] }).to_string());
    assert_eq!(place.run(&["bank", "import", "B", "vics.json", "--data", "state"]).code, Some(0));
    let export = |more: &[&str]| {
        place.run(&[&["bank", "export", "B", "--as", "vics", "--data", "state"], more].concat())
    };
    let same = export(&["--vics-version", "1.3"]);
    assert_eq!(same.code, Some(0), "{}", same.err);
    let written: serde_json::Value = serde_json::from_str(&same.out).unwrap();
    assert_eq!(written["odata.metadata"], root);
    assert_eq!(written["value"][0]["Own"], medium["Own"]);
    let newest: serde_json::Value = serde_json::from_str(&export(&[]).out).unwrap();
    assert!(newest["@odata.context"].as_str().unwrap().contains("/2.0.xml/"), "{newest}");
    let wrong = export(&["--vics-version", "3"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
}

#[test]
fn an_autopsy_set_is_written_into_a_file_and_read_again() {
    let place = Place::new();
    place.put("list.txt", format!("{}\n{}\n", "ab".repeat(16), "cd".repeat(16)));
    assert_eq!(place.run(&["bank", "import", "B", "md5:list.txt", "--data", "state"]).code, Some(0));
    let export = ["bank", "export", "B", "--as", "autopsy-kdb", "--data", "state"];
    let stream = place.run(&export);
    assert_eq!((stream.code, stream.out.as_str()), (Some(2), ""));
    assert!(stream.err.contains("--out"), "{}", stream.err);
    let written = place.run(&[&export[..], &["--out", "out.kdb"]].concat());
    assert_eq!(written.code, Some(0), "{}", written.err);
    let again = place.run(&["bank", "import", "C", "out.kdb", "--data", "state"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    let asked = format!("md5:{}", "cd".repeat(16));
    let ran = place.run(&["match", "--signal", &asked, "--data", "state", "--format", "ndjson"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("\"bank\":\"B\"") && ran.out.contains("\"bank\":\"C\""), "{}", ran.out);
}

#[test]
fn an_export_takes_the_place_of_nothing_that_the_store_or_it_itself_needs() {
    let place = Place::new();
    place.put("list.txt", format!("{}\n", "ab".repeat(16)));
    assert_eq!(place.run(&["bank", "import", "B", "md5:list.txt", "--data", "state"]).code, Some(0));
    let export = |more: &[&str]| place.run(&[&["bank", "export", "B", "--data", "state"], more].concat());
    for more in [
        &["--out", "state/lodestone.db"][..],
        &["--out", "state/new.csv"],
        &["--out", "a.csv", "--held", "state/lodestone.db"],
        &["--out", "a.csv", "--held", "./a.csv"],
    ] {
        let refused = export(more);
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{more:?}: {}", refused.err);
    }
    assert_eq!(export(&["--out", "a.csv"]).code, Some(0));
    assert_eq!(place.run(&["bank", "show", "B", "--data", "state"]).code, Some(0));
}

#[test]
fn a_list_of_rejects_alone_makes_no_bank_and_nothing_to_match_against_is_no_clean_answer() {
    let place = Place::new();
    place.put("bad.csv", "id,md5\n1,zz\n2,yy\n");
    let import = ["bank", "import", "B", "bad.csv", "--max-rejects", "9", "--data", "state"];
    assert_eq!(place.run(&import).code, Some(2));
    place.put("a.png", png(1));
    for asked in [&["match", "a.png"][..], &["match", "--signal", &format!("md5:{}", "ab".repeat(16))]] {
        let refused = place.run(asked);
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{}", refused.err);
        assert!(refused.err.contains("nothing to match against"), "{}", refused.err);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_error_costs_no_result() {
    let (place, signals) = pile();
    place.put("list.txt", format!("{}\n", signals["pdq"].as_str().unwrap()));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command =
        place.command(&["match", "pile/a.png", "--known", "pdq:list.txt", "--format", "ndjson"]);
    let output = command.stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"distance_bits\":0"));
}

#[cfg(unix)]
#[test]
fn a_set_that_is_in_use_is_refused_whatever_link_leads_to_it() {
    let place = Place::new();
    place.put("set.kdb", crate::kdb_file::kdb(&[&[7; 16]]));
    std::os::unix::fs::symlink("set.kdb", place.path("link.kdb")).unwrap();
    assert_eq!(place.run(&["bank", "import", "B", "link.kdb", "--data", "state"]).code, Some(0));
    place.put("set.kdb-wal", "x");
    let refused = place.run(&["bank", "import", "C", "link.kdb", "--data", "state"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("a log lies beside it"), "{}", refused.err);
}

#[test]
fn a_bank_keeps_a_list_for_later_and_importing_it_again_changes_nothing() {
    let (place, signals) = pile();
    place.put("list.csv", format!("id,pdq\nLD-9,{}\n", signals["pdq"].as_str().unwrap()));
    let import = ["bank", "import", "hotline", "list.csv", "--data", "state", "--format", "json"];
    assert_eq!(place.run(&import).code, Some(0));
    let again = place.run(&import);
    assert_eq!(again.code, Some(0), "{}", again.err);
    let ran = place.scan(&["pile", "--data", "state"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(ran.file("pile/a.png")["matches"][0]["bank"], "hotline");
    assert_eq!(ran.file("pile/a.png")["matches"][0]["entry"], "LD-9");
    let pdq = format!("pdq:{}", signals["pdq"].as_str().unwrap());
    assert_eq!(place.run(&["match", "--signal", &pdq, "--data", "state"]).code, Some(1));
}

#[test]
fn exit_status_tells_nothing_matched_from_something_matched_from_not_done() {
    let (place, signals) = pile();
    place.put("other.txt", "ab".repeat(16));
    place.put("known.txt", signals["md5"].as_str().unwrap());
    assert_eq!(place.run(&["scan", "pile", "--known", "md5:other.txt"]).code, Some(0));
    assert_eq!(place.run(&["scan", "pile", "--known", "md5:known.txt"]).code, Some(1));
    place.put("pile/text.jpg", "no picture");
    assert_eq!(place.run(&["scan", "pile", "--known", "md5:known.txt"]).code, Some(2));
    assert_eq!(place.run(&["scan", "no-such-folder"]).code, Some(2));
    assert_eq!(place.run(&["match", "pile/a.png", "--known", "md5:other.txt"]).code, Some(0));
    assert_eq!(place.run(&["match", "pile/a.png", "--known", "md5:known.txt"]).code, Some(1));
}
