//! Files and folders as hostile or broken as they come. Nothing is dropped in silence.

use std::fs;

use crate::files::{jpeg, png_header};
use crate::program::Place;

#[test]
fn wrong_empty_cut_and_huge_files_are_all_accounted_for() {
    let place = Place::new();
    let whole = jpeg(1);
    place.put("pile/text.jpg", "hello\n".repeat(50));
    place.put("pile/empty.jpg", "");
    place.put("pile/cut.jpg", &whole[..whole.len() * 2 / 3]);
    place.put("pile/header.jpg", &whole[..30]);
    place.put("pile/huge.png", png_header(30_000, 30_000));
    place.put("pile/folder.jpg/x.txt", &whole);
    place.put("pile/right.txt", &whole);
    fs::create_dir(place.path("pile/nothing")).unwrap();
    let ran = place.scan(&["pile"]);
    insta::assert_snapshot!(ran.states(), @r"
    pile/cut.jpg examined
    pile/empty.jpg unreadable identify/empty
    pile/folder.jpg/x.txt alike
    pile/header.jpg unreadable decode/truncated
    pile/huge.png unreadable decode/too_many_pixels
    pile/right.txt alike
    pile/text.jpg unreadable identify/unsupported
    ");
    let cut = ran.file("pile/cut.jpg");
    assert!(cut["picture"]["partial"].is_string(), "{cut}");
    assert!(cut["signals"]["pdq"].is_string());
    for file in ran.of_kind("file") {
        assert!(file["sha256"].is_string(), "digests remain: {file}");
    }
}

#[test]
fn an_empty_folder_is_no_failure_and_a_missing_one_is() {
    let place = Place::new();
    fs::create_dir(place.path("pile")).unwrap();
    let ran = place.scan(&["pile"]);
    assert_eq!((ran.code, ran.objects().len()), (Some(0), 1));
    let ran = place.scan(&["nowhere"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("nowhere"), "{}", ran.err);
}

#[test]
fn a_picture_that_needs_more_than_a_worker_may_take_keeps_its_digests() {
    let place = Place::new();
    place.put("pile/huge.png", png_header(9_000, 9_000));
    let ran = place.scan(&["pile", "--max-memory", "16"]);
    let file = ran.file("pile/huge.png");
    assert_eq!(file["state"], "unreadable");
    assert!(file["sha256"].is_string(), "{file}");
    assert_eq!(place.scan(&["pile", "--max-memory", "1"]).code, Some(2));
}

#[test]
fn a_report_inside_the_folder_that_is_scanned_is_not_among_its_files() {
    let place = Place::new();
    place.put("pile/a.jpg", jpeg(1));
    let first = place.scan(&["pile", "--report", "pile/report.html"]);
    assert_eq!((first.code, first.states().as_str()), (Some(0), "pile/a.jpg examined\n"), "{}", first.err);
    assert_eq!(crate::program::names(&place.path("pile")), ["a.jpg", "report.html"]);
    let again = place.scan(&["pile", "--report", "pile/report.html"]);
    assert_eq!(first.out, again.out);
}

#[test]
fn a_report_never_takes_the_place_of_something_else() {
    let place = Place::new();
    place.put("pile/a.jpg", jpeg(1));
    for report in ["pile/a.jpg", "pile", "no/such/folder.html"] {
        let ran = place.scan(&["pile", "--report", report]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{report}");
        assert!(ran.err.contains("cannot write a report to"), "{}", ran.err);
    }
    assert_eq!(fs::read(place.path("pile/a.jpg")).unwrap(), jpeg(1));
}

#[test]
fn without_a_data_folder_nothing_is_left_behind() {
    let place = Place::new();
    place.put("pile/a.jpg", jpeg(1));
    let temporary = place.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let ran = place.command(&["scan", "pile"]).env("TMPDIR", &temporary).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(place.names(), ["pile", "tmp"]);
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn loops_pipes_and_broken_links_are_reported_and_end() {
        let place = Place::new();
        place.put("pile/in/a.jpg", jpeg(1));
        symlink(".", place.path("pile/in/loop")).unwrap();
        symlink("self", place.path("pile/self")).unwrap();
        symlink("nowhere", place.path("pile/broken")).unwrap();
        symlink("in/a.jpg", place.path("pile/link.jpg")).unwrap();
        assert!(Command::new("mkfifo").arg(place.path("pile/pipe.jpg")).status().unwrap().success());
        let ran = place.scan(&["pile"]);
        insta::assert_snapshot!(ran.states(), @r"
        pile/broken unreadable walk/broken_link
        pile/in/a.jpg alike
        pile/in/loop unreadable walk/loop
        pile/link.jpg alike
        pile/pipe.jpg unreadable walk/special
        pile/self unreadable walk/loop
        ");
        let plain = place.scan(&["pile", "--no-follow"]);
        assert_eq!(plain.file("pile/link.jpg")["unreadable"]["reason"], "link");
    }

    #[test]
    fn names_that_look_the_same_come_in_one_order_with_their_bytes() {
        let place = Place::new();
        fs::create_dir(place.path("pile")).unwrap();
        for byte in 0xf0..=0xff_u8 {
            let name = [b"bad-", &[byte][..], b".jpg"].concat();
            if fs::write(place.path("pile").join(OsStr::from_bytes(&name)), jpeg(u32::from(byte))).is_err() {
                return; // A file system that takes only UTF-8 has no such names.
            }
        }
        let first = place.scan(&["pile", "--workers", "1"]);
        let bytes: Vec<_> = first
            .of_kind("file")
            .iter()
            .map(|file| file["path_bytes_hex"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(bytes.len(), 16);
        assert!(bytes.is_sorted(), "{bytes:?}");
        for _ in 0..3 {
            assert_eq!(place.scan(&["pile", "--workers", "4"]).out, first.out);
        }
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal_or_add_lines_to_a_list() {
        let place = Place::new();
        let name = format!("x\n{},100,\u{1b}[31mred.jpg", "ab".repeat(32));
        place.put(&format!("pile/{name}"), jpeg(1));
        for arguments in [
            vec!["scan", "pile"],
            vec!["hash", &format!("pile/{name}")],
            vec!["match", &format!("pile/{name}"), "--signal", "md5:00000000000000000000000000000000"],
            vec!["examine", &format!("pile/{name}")],
        ] {
            let ran = place.run(&arguments);
            assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{}{}", ran.out, ran.err);
            assert!(!ran.out.contains("\nabab"), "{}", ran.out);
        }
        assert_eq!(place.run(&["hash", &format!("pile/{name}")]).out.lines().count(), 1);
    }

    #[test]
    fn a_reader_that_has_seen_enough_changes_neither_the_report_nor_the_exit_status() {
        let place = Place::new();
        for seed in 0..40 {
            place.put(&format!("pile/{seed:02}.jpg"), jpeg(seed));
        }
        let md5 =
            place.run(&["hash", "pile/07.jpg", "--format", "ndjson"]).objects()[0]["signals"]["md5"].clone();
        place.put("known.txt", md5.as_str().unwrap());
        let arguments =
            ["scan", "pile", "--known", "md5:known.txt", "--report", "r.html", "--format", "ndjson"];
        let mut child =
            place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 10]).unwrap();
        drop(out);
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert!(place.path("r.html").exists());
    }

    #[test]
    fn a_full_disk_under_standard_output_is_an_error() {
        let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
        let place = Place::new();
        place.put("pile/a.jpg", jpeg(1));
        let ran = place.command(&["scan", "pile"]).stdout(full).output().unwrap();
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains("No space left"), "{:?}", ran.stderr);
    }
}
