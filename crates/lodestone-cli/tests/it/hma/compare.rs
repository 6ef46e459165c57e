//! `POST /m/compare`.

use super::client::{Server, near, pdq};

#[test]
fn two_hashes_are_compared() {
    let one = pdq(1);
    let body = |bits: usize| format!(r#"{{"pdq":["{one}","{}"]}}"#, near(&one, bits));
    let zeros = "0".repeat(32);
    Server::shared().check(&[
        ("POST /m/compare", &body(0), 200, r#"{"pdq":[true,{"distance":0}]}"#),
        ("POST /m/compare", &body(9), 200, r#"{"pdq":[true,{"distance":9}]}"#),
        ("POST /m/compare", &body(31), 200, r#"{"pdq":[true,{"distance":31}]}"#),
        ("POST /m/compare", &body(32), 200, r#"{"pdq":[false,{"distance":32}]}"#),
        ("POST /m/compare", &body(256), 200, r#"{"pdq":[false,{"distance":256}]}"#),
        ("POST /m/compare", "{}", 200, "{}"),
        // HMA answers 500 for types without a distance.
        (
            "POST /m/compare",
            &format!(r#"{{"video_md5":["{zeros}","{zeros}"]}}"#),
            200,
            "~\"video_md5\":[true,",
        ),
        (
            "POST /m/compare",
            &format!(r#"{{"video_md5":["{zeros}","{}"]}}"#, "1".repeat(32)),
            200,
            "~\"video_md5\":[false,",
        ),
        (
            "POST /m/compare",
            &format!(r#"{{"video_md5":["{zeros}","{zeros}"],"pdq":["{one}","{one}"]}}"#),
            200,
            "~{\"pdq\":[true,{\"distance\":0}],\"video_md5\":[true,",
        ),
    ]);
}

#[test]
fn what_cannot_be_compared_is_refused_in_hmas_words() {
    let one = pdq(1);
    let server = Server::shared();
    let two = r#"{"message":"Comparison hash list length must be exactly 2"}"#;
    let dict = r#"{"message":"Request input was not a dict"}"#;
    let garbled =
        r#"{"message":"The browser (or proxy) sent a request that this server could not understand."}"#;
    server.check(&[
        ("POST /m/compare", r#"["banana"]"#, 400, dict),
        ("POST /m/compare", r#""banana""#, 400, dict),
        ("POST /m/compare", "null", 400, dict),
        ("POST /m/compare", "5", 400, dict),
        (
            "POST /m/compare",
            r#"{"pdq":"banana"}"#,
            400,
            r#"{"message":"Comparison hashes for pdq was not a list"}"#,
        ),
        (
            "POST /m/compare",
            r#"{"pdq":{"a":"b"}}"#,
            400,
            r#"{"message":"Comparison hashes for pdq was not a list"}"#,
        ),
        ("POST /m/compare", r#"{"pdq":[]}"#, 400, two),
        ("POST /m/compare", &format!(r#"{{"pdq":["{one}"]}}"#), 400, two),
        ("POST /m/compare", &format!(r#"{{"pdq":["{one}","{one}","{one}"]}}"#), 400, two),
        (
            "POST /m/compare",
            r#"{"pdq":["banana","banana"]}"#,
            400,
            r#"{"message":"Invalid pdq hash: invalid PDQ hash"}"#,
        ),
        (
            "POST /m/compare",
            &format!(r#"{{"pdq":["{one}","{}"]}}"#, one.to_uppercase()),
            400,
            "~Invalid pdq hash: ",
        ),
        ("POST /m/compare", r#"{"pdq":[1,2]}"#, 400, "~Invalid pdq hash: "),
        ("POST /m/compare", r#"{"pdq":[null,null]}"#, 400, "~Invalid pdq hash: "),
        ("POST /m/compare", r#"{"video_md5":["x","y"]}"#, 400, "~Invalid video_md5 hash: "),
        ("POST /m/compare", r#"{"nope":["a","b"]}"#, 400, r#"{"message":"No such SignalType 'nope'"}"#),
        ("POST /m/compare", "{bad", 400, garbled),
        ("POST /m/compare", "", 415, "~Did not attempt to load JSON data"),
    ]);
    let plain = server.send("POST", "/m/compare", &[("Content-Type", "text/plain")], b"{}");
    assert_eq!(plain.status, 415);
    let empty = server.send("POST", "/m/compare", &[("Content-Type", "application/json")], b"");
    assert_eq!((empty.status, empty.text().trim_end()), (400, garbled));
}
