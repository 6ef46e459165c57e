//! Rows that are wrong, by accident or on purpose: each is counted with its place, the next one is read, and none of
//! them takes another along in silence.

use lodestone_types::RejectKind;
use serde_json::json;

use crate::{Rows, rows, value};

/// Kinds of rows: `.` an entry, `x` a reject, `i` ignored, `!` fatal.
fn shape(rows: &Rows) -> String {
    rows.iter()
        .map(|row| match row {
            Ok(_) => '.',
            Err(reject) => match reject.kind {
                RejectKind::Row => 'x',
                RejectKind::Ignored => 'i',
                _ => '!',
            },
        })
        .collect()
}

fn read(bytes: &[u8]) -> Rows {
    crate::read(bytes, &lodestone_exchange::format::ReadOptions::default()).expect("a readable list").1
}

/// A VICS document of a good medium, the given one, and a good medium.
fn among_media(medium: &[u8], in_case: bool) -> Rows {
    let good = |n: u8| json!({ "MediaID": n, "MD5": value(n, 32) }).to_string().into_bytes();
    let (open, close): (&[u8], &[u8]) = if in_case {
        (b"{\"value\":[{\"CaseID\":\"c\",\"Media\":[", b"]}]}")
    } else {
        (b"{\"value\":[", b"]}")
    };
    read(&[open, &good(1), b",", medium, b",", &good(3), close].concat())
}

fn members(count: u32) -> String {
    (0..count).map(|n| format!(",\"{n}\":1")).collect()
}

#[test]
fn a_medium_that_is_of_no_use_is_a_reject_and_the_next_one_is_read() {
    let md5 = value(2, 32);
    let deep = format!("{{\"MD5\":\"{md5}\",\"D\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("a name twice", format!("{{\"MD5\":\"{md5}\",\"MD5\":\"{}\"}}", value(9, 32)).into_bytes()),
        ("a name twice within", format!("{{\"MD5\":\"{md5}\",\"X\":{{\"a\":1,\"a\":2}}}}").into_bytes()),
        ("no UTF-8", [b"{\"MD5\":\"", md5.as_bytes(), b"\",\"C\":\"\xff\xfe\"}"].concat()),
        ("a wrong escape", format!("{{\"MD5\":\"{md5}\",\"P\":\"C:\\dir\"}}").into_bytes()),
        ("half a character", format!("{{\"MD5\":\"{md5}\",\"P\":\"\\ud800\"}}").into_bytes()),
        ("too deep", deep.into_bytes()),
        (
            "too many values",
            format!("{{\"MD5\":\"{md5}\",\"N\":[{}1]}}", "1e1,".repeat(300_000)).into_bytes(),
        ),
        (
            "too many values after",
            format!("{{\"N\":[{}1],\"MD5\":\"{md5}\"}}", "1,".repeat(300_000)).into_bytes(),
        ),
        ("too many members", format!("{{\"MD5\":\"{md5}\"{}}}", members(300_000)).into_bytes()),
        ("a number for a digest", b"{\"MD5\":12345}".to_vec()),
        ("a list for a digest", format!("{{\"MD5\":[\"{md5}\"]}}").into_bytes()),
        ("an object for a digest", format!("{{\"SHA1\":{{}},\"MD5\":\"{md5}\"}}").into_bytes()),
        ("no hash", b"{\"MediaID\":2}".to_vec()),
        ("a word", b"true".to_vec()),
        ("a list", format!("[{{\"MD5\":\"{md5}\"}}]").into_bytes()),
        (
            "our own name",
            format!("{{\"MD5\":\"{md5}\",\"lodestone:numbers\":{{\"/MD5\":\"1\"}}}}").into_bytes(),
        ),
        (
            "an empty alternative",
            b"{\"AlternativeHashes\":[{\"HashName\":\"PDQ\",\"HashValue\":\"zz\"}]}".to_vec(),
        ),
    ];
    for (what, medium) in bad {
        for in_case in [false, true] {
            let rows = among_media(&medium, in_case);
            assert_eq!(shape(&rows), ".x.", "{what}, in a case: {in_case}: {rows:?}");
            let reject = rows[1].as_ref().unwrap_err();
            assert_eq!(reject.line, 2, "{what}");
            assert!(!reject.reason.contains(&md5) && !reject.reason.contains("12345"), "{what}");
        }
    }
}

#[test]
fn a_medium_that_breaks_the_structure_is_fatal() {
    // A quote that is missing swallows what follows: nobody can say how much.
    for medium in [
        &b"{\"MD5\":\"abc,\n\"X\":1}"[..],
        b"{\"MD5\":tru}",
        b"{\"a\" 1}",
        b"{\"a\":1,}",
        b"{\"MD5\":\"a\x01b\",\"Comments\":\"one control character among many others that are none at all\"}",
    ] {
        for in_case in [false, true] {
            let rows = among_media(medium, in_case);
            assert!(shape(&rows).ends_with('!'), "{}: {rows:?}", String::from_utf8_lossy(medium));
        }
    }
}

#[test]
fn gigantic_numbers_are_carried_and_huge_values_end_the_list() {
    let digits = "9".repeat(5000);
    let medium = format!("{{\"MD5\":\"{}\",\"N\":{digits},\"E\":1e400}}", value(2, 32));
    let rows = among_media(medium.as_bytes(), false);
    assert_eq!(shape(&rows), "...");
    let numbers = &rows[1].as_ref().unwrap().extra.as_ref().unwrap()["lodestone:numbers"];
    assert_eq!((&numbers["/N"], &numbers["/E"]), (&json!(digits), &json!("1e400")));
    let huge = [b"{\"MD5\":\"", vec![b'a'; 17 << 20].as_slice(), b"\"}"].concat();
    assert_eq!(shape(&among_media(&huge, true)), ".!");
}

#[test]
fn a_medium_that_holds_media_and_a_page_of_several_are_said() {
    let inner = json!({ "MD5": value(5, 32) });
    let outer = json!({ "value": [{ "MD5": value(4, 32), "Media": [inner] }, { "Media": [inner], "SHA1": value(4, 40) }] });
    assert_eq!(shape(&rows(&outer.to_string(), None).1), ".x.x", "the inner are read, the outer are counted");
    let page = json!({ "value": [inner], "@odata.nextLink": "page2" });
    assert_eq!(shape(&rows(&page.to_string(), None).1), ".x");
    let last = json!({ "value": [inner], "@odata.nextLink": null, "odata.count": "1" });
    assert_eq!(shape(&rows(&last.to_string(), None).1), ".");
}

#[test]
fn bad_lines_of_ndjson_are_rejects() {
    let good = |n: u8| json!({ "signals": { "md5": value(n, 32) } }).to_string().into_bytes();
    let md5 = value(2, 32);
    let bad: [Vec<u8>; 9] = [
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}},\"lodestone:numbers\":{{}}}}").into_bytes(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}},\"extra\":{{\"lodestone:numbers\":5}}}}").into_bytes(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\",\"md5\":\"{md5}\"}}}}").into_bytes(),
        [b"{\"signals\":{\"md5\":\"", md5.as_bytes(), b"\"},\"n\":\"\xff\"}"].concat(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}},\"a\":1,\"extra\":{{\"a\":2}}}}").into_bytes(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}},\"d\":{}{}}}", "[".repeat(500), "]".repeat(500))
            .into_bytes(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}}}} trailing").into_bytes(),
        b"nonsense".to_vec(),
        format!("{{\"signals\":{{\"md5\":\"{md5}\"}},\"tags\":[1]}}").into_bytes(),
    ];
    for line in bad {
        let rows = read(&[&good(1), b"\n".as_slice(), &line, b"\n", &good(3), b"\n"].concat());
        assert_eq!(shape(&rows), ".x.", "{}: {rows:?}", String::from_utf8_lossy(&line));
        assert_eq!(rows[1].as_ref().unwrap_err().line, 2);
    }
}

#[test]
fn bad_rows_of_tables_are_rejects_with_their_line() {
    let md5 = value(2, 32);
    for bad in [
        format!("2,{md5},x,y"),
        "2,123,x".to_owned(),
        format!("2,{},x", &md5[1..]),
        "2,,x".to_owned(),
        format!("2,{md5}{md5},x"),
        "2,zz02020202020202020202020202020202,x".to_owned(),
    ] {
        let text = format!("id,md5,note\r\n1,{},\r\n{bad}\r\n3,{},\r\n", value(1, 32), value(3, 32));
        let (_, rows) = rows(&text, None);
        assert_eq!(shape(&rows), ".x.", "{bad}");
        assert_eq!(rows[1].as_ref().unwrap_err().line, 3, "{bad}");
    }
    let late = format!("id,md5\n{}9,\0\n", format!("1,{md5}\n").repeat(3000));
    assert!(shape(&rows(&late, None).1).ends_with(".!"), "binary data is fatal");
}
