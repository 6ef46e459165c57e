//! `/c/signal_type`, `/c/content_type`.

use super::client::Server;

#[test]
fn types_are_listed() {
    Server::shared().check(&[
        (
            "GET /c/signal_type",
            "",
            200,
            r#"[{"enabled_ratio":1.0,"name":"pdq"},{"enabled_ratio":1.0,"name":"video_md5"}]"#,
        ),
        (
            "GET /c/content_type",
            "",
            200,
            r#"[{"enabled":true,"name":"photo"},{"enabled":true,"name":"video"}]"#,
        ),
    ]);
}

#[test]
fn a_signal_type_can_be_switched_off_and_on() {
    // HMA answers 500 to each of these, and knows no type that is off.
    let server = Server::start(&[]);
    let to = "PUT /c/signal_type/video_md5";
    let raw = "GET /m/raw_lookup?signal_type=video_md5&signal=00000000000000000000000000000001";
    let off = r#"{"message":"SignalType 'video_md5' is not enabled"}"#;
    server.check(&[
        (to, r#"{"enabled_ratio":0}"#, 200, r#"{"enabled_ratio":0.0,"name":"video_md5"}"#),
        (
            "GET /c/signal_type",
            "",
            200,
            r#"[{"enabled_ratio":1.0,"name":"pdq"},{"enabled_ratio":0.0,"name":"video_md5"}]"#,
        ),
        (raw, "", 400, off),
        ("GET /m/lookup?signal_type=video_md5&signal=00000000000000000000000000000001", "", 400, off),
        ("POST /m/compare", r#"{"video_md5":["a","b"]}"#, 400, off),
        (to, r#"{"enabled_ratio":"1.0"}"#, 200, r#"{"enabled_ratio":1.0,"name":"video_md5"}"#),
        (raw, "", 200, r#"{"matches":[]}"#),
        (to, r#"{"enabled_ratio":2}"#, 400, "~message"),
        (to, r#"{"enabled_ratio":"nan"}"#, 400, "~message"),
        (to, "{}", 422, "~\"missing\""),
        (to, r#"{"enabled_ratio":null}"#, 422, "~\"float_type\""),
        (to, r#"{"enabled_ratio":"x"}"#, 422, "~\"float_parsing\""),
        (to, "[]", 422, "~SignalTypeUpdateRequest"),
        (to, "", 422, "~SignalTypeUpdateRequest"),
        ("PUT /c/signal_type/nope", r#"{"enabled_ratio":1}"#, 404, "~nope"),
    ]);
    assert_eq!(
        server.put("/c/signal_type/video_md5", &serde_json::json!({ "enabled_ratio": 0 })).status,
        200
    );
    let film = server.upload("/h/hash?types=video_md5", &[("video", Some("x"), b"bytes")]);
    assert_eq!(
        (film.status, film.message().as_str()),
        (400, "signal type 'video_md5' doesn't exist or is disabled")
    );
}
