//! Files at URLs: `GET /h/hash`, `GET /m/lookup?url=`, `POST /c/bank/B/content?url=`.

use serde_json::json;

use super::client::{Server, q};
use super::pictures::BRIDGE_PDQ;
use super::web::Web;

const UNSAFE: &str = r#"{"message":"Invalid or unsafe URL provided"}"#;

fn unsupported(kind: &str) -> String {
    format!(
        r#"{{"message":"unsupported url ContentType: '{kind}', if you know the expected type, provide it with the content_type query param"}}"#
    )
}

#[test]
fn the_content_type_of_the_answer_or_the_caller_says_what_a_file_is() {
    let (server, web) = (Server::shared(), Web::start());
    let get = |path: &str, more: &str| format!("GET /h/hash?url={}{more}", web.q(path));
    let pdq = format!(r#"{{"pdq":"{BRIDGE_PDQ}"}}"#);
    let md5 = r#"{"video_md5":"d35c785545392755e7e4164457657269"}"#;
    server.check(&[
        (&get("/picture.jpg", ""), "", 200, &pdq),
        (&get("/odd-case", ""), "", 200, &pdq),
        (&get("/film.mp4", ""), "", 200, "~\"video_md5\":"),
        (&get("/moved", ""), "", 200, &pdq),
        (&get("/slow.jpg", ""), "", 200, &pdq),
        (&get("/bytes", ""), "", 400, &unsupported("application/octet-stream")),
        (&get("/page", ""), "", 400, &unsupported("text/html")),
        (&get("/untyped", ""), "", 400, &unsupported("")),
        (&get("/bytes", "&content_type=photo"), "", 200, &pdq),
        (&get("/untyped", "&content_type=photo"), "", 200, &pdq),
        (&get("/picture.jpg", "&content_type=video"), "", 200, md5),
        (&get("/picture.jpg", "&content_type="), "", 200, &pdq),
        (
            &get("/picture.jpg", "&content_type=nope"),
            "",
            400,
            r#"{"message":"no such content_type: 'nope'"}"#,
        ),
        (
            &get("/picture.jpg", "&content_type=Photo"),
            "",
            400,
            r#"{"message":"no such content_type: 'Photo'"}"#,
        ),
        (&get("/picture.jpg", "&types=pdq"), "", 200, &pdq),
        (
            &get("/picture.jpg", "&types=video_md5"),
            "",
            400,
            r#"{"message":"signal type 'video_md5' doesn't exist or is disabled"}"#,
        ),
        (&get("/picture.jpg", "&types="), "", 400, r#"{"message":"empty signal type selection"}"#),
        (&get("/picture.jpg", "&types=,"), "", 400, r#"{"message":"empty signal type selection"}"#),
        (&get("/picture.jpg", "&content_type=video&types=video_md5"), "", 200, md5),
    ]);
}

#[test]
fn what_cannot_be_fetched_or_read_is_refused_with_a_message() {
    let (server, web) = (Server::shared(), Web::start());
    let get = |path: &str| format!("GET /h/hash?url={}", web.q(path));
    let missing = r#"[{"type":"missing","loc":["url"],"msg":"Field required","input":{},"url":"https://errors.pydantic.dev/2.14/v/missing"}]"#;
    server.check(&[
        ("GET /h/hash", "", 422, missing),
        (&get("/none"), "", 400, "~Failed to fetch URL: "),
        (&get("/wrong"), "", 400, "~Failed to fetch URL: "),
        (&get("/endless"), "", 400, "~Failed to fetch URL: "),
        (&get("/large.jpg"), "", 413, r#"{"message":"Content too large"}"#),
        (&get("/to-a-file"), "", 400, UNSAFE),
        ("GET /h/hash?url=http%3A%2F%2F127.0.0.1%3A1%2F", "", 400, "~Failed to fetch URL: "),
        // HMA answers 500.
        (&get("/broken.jpg"), "", 400, "~message"),
        (&get("/empty.jpg"), "", 400, "~message"),
    ]);
    for url in [
        "",
        "not a url",
        "picture.jpg",
        "example.com",
        "//example.com",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "ws://example.com",
        "http://",
        "https://",
        "http:///example.com",
        "http://example.com:",
        "http://example.com:abc",
        "http://user:password@127.0.0.1/",
    ] {
        server.check(&[(&format!("GET /h/hash?url={}", q(url)), "", 400, UNSAFE)]);
    }
    // A parser of browsers would take the first name in the path for the host.
    let trick = web.url("/picture.jpg").replace("http://", "http:///");
    server.check(&[(&format!("GET /h/hash?url={}", q(&trick)), "", 400, UNSAFE)]);
}

#[test]
fn a_url_is_looked_up_nested_and_with_a_type_flat() {
    let (server, web) = (Server::start(&[]), Web::start());
    server.bank("URLS");
    let to = format!("/c/bank/URLS/content?url={}", web.q("/picture.jpg"));
    let get = |more: &str| format!("GET /m/lookup?url={}{more}", web.q("/picture.jpg"));
    let flat = r#"{"URLS":[{"bank_content_id":1,"distance":"0"}]}"#;
    let nested = format!(r#"{{"pdq":{flat}}}"#);
    server.check(&[
        (&get(""), "", 200, r#"{"pdq":{}}"#),
        (&get("&signal_type=pdq"), "", 200, "{}"),
        (&format!("POST {to}"), "", 200, &format!(r#"{{"id":1,"signals":{{"pdq":"{BRIDGE_PDQ}"}}}}"#)),
        (&get(""), "", 200, &nested),
        (&get("&types=pdq"), "", 200, &nested),
        (&get("&banks=URLS"), "", 200, &nested),
        (&get("&banks="), "", 200, &nested),
        (&get("&banks=OTHER"), "", 200, r#"{"pdq":{}}"#),
        (&get("&signal_type=pdq"), "", 200, flat),
        // The URL wins over a signal, and a type that the file has not is no error.
        (&get("&signal_type=pdq&signal=x"), "", 200, flat),
        (&get("&signal_type=video_md5"), "", 200, "{}"),
        (&get("&signal_type=nope"), "", 200, "{}"),
        (&get("&types=nope"), "", 400, "~doesn't exist or is disabled"),
        (&get("&content_type=nope"), "", 400, "~no such content_type"),
        (&get("&content_type=video"), "", 200, r#"{"video_md5":{}}"#),
        (
            "GET /m/lookup?url=",
            "",
            400,
            r#"{"message":"Either url or both signal and signal_type are required"}"#,
        ),
        ("GET /m/lookup?url=ftp%3A%2F%2Fa", "", 400, UNSAFE),
        (&format!("GET /m/lookup?url={}", web.q("/none")), "", 400, "~Failed to fetch URL: "),
        (&format!("GET /m/lookup?url={}", web.q("/broken.jpg")), "", 400, "~message"),
    ]);
}

#[test]
fn content_is_added_from_a_url_with_what_a_json_body_tells() {
    let (server, web) = (Server::shared(), Web::start());
    server.bank("FETCHED");
    let to = format!("POST /c/bank/FETCHED/content?url={}", web.q("/picture.jpg"));
    let more = |query: &str| format!("{to}&{query}");
    server.check(&[
        (&to, r#"{"metadata":{"content_id":"1197433091","json":{"asdf":{}}},"note":"hi"}"#, 200, "~\"id\":"),
        (&to, r#"{"metadata":null,"note":null}"#, 200, "~\"id\":"),
        (&to, r#"{"unknown":1}"#, 200, "~\"id\":"),
        (&to, "[]", 200, "~\"id\":"),
        // As Coop once sent them: nothing of it is read.
        (&more("content_id=a&content_uri=b&metadata=%7B%7D"), "", 200, "~\"id\":"),
        (&more("content_type=video"), "", 200, "~video_md5"),
        (&more("types=pdq"), "", 200, "~pdq"),
        (&more("types=nope"), "", 400, "~doesn't exist or is disabled"),
        (&to, r#"{"metadata":{"invalid_metadata":5}}"#, 400, "~Invalid metadata: "),
        (&to, r#"{"metadata":{"json":"x"}}"#, 400, "~Invalid metadata: "),
        (&to, r#"{"metadata":[]}"#, 400, r#"{"message":"metadata should be a json object"}"#),
        (&to, r#"{"metadata":"x"}"#, 400, r#"{"message":"metadata should be a json object"}"#),
        (&to, r#"{"note":5}"#, 400, r#"{"message":"note should be a string"}"#),
        (&to, "{bad", 400, "~The browser (or proxy) sent a request"),
        (
            "POST /c/bank/FETCHED/content",
            "{}",
            400,
            r#"{"message":"Neither `url` nor multipart file upload was received"}"#,
        ),
        (
            "POST /c/bank/FETCHED/content?url=",
            "{}",
            400,
            r#"{"message":"Neither `url` nor multipart file upload was received"}"#,
        ),
        ("POST /c/bank/FETCHED/content?url=x", "", 400, UNSAFE),
        (&format!("POST /c/bank/FETCHED/content?url={}", web.q("/none")), "", 400, "~Failed to fetch URL: "),
        (&format!("POST /c/bank/FETCHED/content?url={}", web.q("/broken.jpg")), "", 400, "~message"),
        (&format!("POST /c/bank/FETCHED/content?url={}", web.q("/large.jpg")), "", 413, "~Content too large"),
        (
            &format!("POST /c/bank/NO_SUCH/content?url={}", web.q("/picture.jpg")),
            "",
            404,
            r#"{"message":"bank 'NO_SUCH' not found"}"#,
        ),
    ]);
    let told = server
        .post(to.strip_prefix("POST ").unwrap(), &json!({ "metadata": { "content_id": "c" }, "note": "n" }));
    let id = &told.json()["id"];
    let shown = server.get(&format!("/c/bank/FETCHED/content/{id}?include_metadata=true")).json();
    assert_eq!(
        shown["metadata"],
        json!({ "collab": null, "content_id": "c", "content_uri": null, "json": null })
    );
    assert_eq!((&shown["note"], &shown["original_media_uri"]), (&json!("n"), &json!(null)));
}

#[test]
fn addresses_that_are_not_public_are_refused_unless_allowed() {
    let (server, web) = (Server::with(&["--open"]), Web::start());
    server.bank("GUARDED");
    for url in [
        web.url("/picture.jpg").as_str(),
        "http://localhost/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/a.jpg",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let url = q(url);
        server.check(&[
            (&format!("GET /h/hash?url={url}"), "", 400, UNSAFE),
            (&format!("GET /m/lookup?url={url}"), "", 400, UNSAFE),
            (&format!("POST /c/bank/GUARDED/content?url={url}"), "", 400, UNSAFE),
        ]);
    }
}

#[test]
fn only_hosts_on_the_list_are_fetched_from_where_there_is_one() {
    let server = Server::start(&["--allow-host", "127.0.0.1"]);
    let web = Web::start();
    let get = |url: &str| format!("GET /h/hash?url={}", q(url));
    let allowed = web.url("/picture.jpg");
    server.check(&[
        (&get(&allowed), "", 200, &format!(r#"{{"pdq":"{BRIDGE_PDQ}"}}"#)),
        (&get(&allowed.replace("127.0.0.1", "localhost")), "", 400, UNSAFE),
        (&get(&allowed.replace("127.0.0.1", "127.0.0.2")), "", 400, UNSAFE),
        (&get("http://evil.example/127.0.0.1/picture.jpg"), "", 400, UNSAFE),
        (&get("http://127.0.0.1.evil.example/picture.jpg"), "", 400, UNSAFE),
        (&get("http://127.0.0.1@evil.example/picture.jpg"), "", 400, UNSAFE),
    ]);
}
