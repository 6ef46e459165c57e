//! No request of any kind is answered with 500, and none takes the server down.

use std::io::Write as _;
use std::net::TcpStream;

use super::client::{FORM, Server, form};

#[test]
fn no_combination_of_method_path_and_body_is_a_server_error() {
    let server = Server::start(&[]);
    server.bank("ODD");
    server.signal("ODD", &serde_json::json!({ "pdq": super::client::pdq(950) }));
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let wide = format!("{{\"pdq\":[{}1]}}", "1,".repeat(20_000));
    let file =
        form(&[("photo", Some("x"), b"GIF89a\x01"), ("metadata", None, b"\xff\xfe"), ("note", None, b"\0")]);
    let json = "application/json";
    let bodies: &[(&str, &[u8])] = &[
        ("", b""),
        (json, b""),
        (json, b"null"),
        (json, b"[]"),
        (json, b"[[],{}]"),
        (json, b"\"\\ud800\""),
        (json, b"{\"name\":\"\\u0000\",\"note\":\"\\u0000\",\"pdq\":\"\\u0000\",\"bank\":\"\\u0000\",\"api\":\"\\u0000\"}"),
        (json, b"{\"name\":null,\"enabled_ratio\":null,\"disable_until_ts\":null,\"pdq\":null,\"bank\":null,\"api\":null}"),
        (json, b"{\"name\":[],\"enabled_ratio\":[],\"disable_until_ts\":[],\"pdq\":{},\"bank\":{},\"api_json\":5}"),
        (json, b"{\"name\":1e999,\"enabled_ratio\":1e308,\"disable_until_ts\":-1e308}"),
        (json, b"{\"enabled_ratio\":NaN}"),
        (json, b"{\"name\":\"A\",\"name\":\"B\",\"\":1}"),
        (json, b"\xff\xfe{\0}\0"),
        (json, b"\xef\xbb\xbf{}"),
        (json, deep.as_bytes()),
        (json, wide.as_bytes()),
        ("application/json; charset=utf-16", b"{}"),
        ("application/x-www-form-urlencoded", b"a=%ff&b&=&bank_name=%00"),
        ("text/plain", b"{}"),
        (FORM, &file),
        (FORM, b"------lodestone7MA4YWxk\r\n\r\n\r\n------lodestone7MA4YWxk--"),
        ("multipart/form-data; boundary=é", b"x"),
    ];
    let mut paths: Vec<String> = [
        "/c/bank/%00",
        "/c/bank/ODD/content?url=%00",
        "/c/bank/ODD/content/0",
        "/c/bank/ODD/content/18446744073709551616",
        "/c/signal_type/pdq",
        "/c/signal_type/index?signal_type=%00",
        "/c/exchanges/api/ncmec",
        "/h/hash?url=%00&types=%00&content_type=%00",
        "/m/lookup?signal=%00&signal_type=pdq&seed=%00&banks=%00",
        "/m/lookup?url=%00",
        "/m/raw_lookup?signal=%00&signal_type=pdq",
        "/m/raw_lookup?signal=&signal_type=",
        "/m/index/status?signal_type=%00",
        "/%00",
        "/%FF",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/c/../c/banks",
    ]
    .map(str::to_owned)
    .to_vec();
    // And every route there is, with something in its places and with nothing to be found.
    for pattern in server.get("/site-map").json().as_array().unwrap() {
        let pattern = pattern.as_str().unwrap();
        for (bank, other) in [("ODD", "1"), ("NONE", "%00")] {
            let mut path = pattern.replace("<bank_name>", bank);
            while let (Some(from), Some(to)) = (path.find('<'), path.find('>')) {
                path.replace_range(from..=to, other);
            }
            paths.push(path);
        }
    }
    // These are long or end the data that other rows need.
    paths.retain(|path| !path.starts_with("/dev/"));
    let mut asked = 0;
    for path in &paths {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"] {
            // Bodies count where they are read; elsewhere a few show that they do not.
            let some = if matches!(method, "POST" | "PUT") { bodies } else { &bodies[..3] };
            for (kind, body) in some {
                let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("Content-Type", kind)] };
                let answer = server.send(method, path, headers, body);
                let length = body.len();
                assert!(
                    answer.status < 500,
                    "{method} {path} {kind} ({length} bytes): {} {}",
                    answer.status,
                    answer.text()
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 2000, "{asked}");
    assert_eq!(server.get("/status").text(), "I-AM-ALIVE");
}

#[test]
fn what_is_no_http_ends_its_own_connection_only() {
    let server = Server::shared();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /status HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /c/banks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /c/banks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let _ = stream.write_all(bytes);
        drop(stream);
    }
    let long =
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "a".repeat(200_000));
    let mut stream = TcpStream::connect(server.address).unwrap();
    let _ = stream.write_all(long.as_bytes());
    drop(stream);
    assert_eq!(server.get("/status").text(), "I-AM-ALIVE");
}

#[test]
fn a_body_that_is_announced_too_large_is_413_before_it_is_sent() {
    let server = Server::start(&["--max-body", "1"]);
    server.bank("LARGE");
    for path in
        ["/h/hash", "/m/lookup", "/c/bank/LARGE/content", "/c/bank/LARGE/signal", "/m/compare", "/c/banks"]
    {
        let address = server.address;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: 209715200\r\n\r\n"
        );
        let answer = server.raw(request.as_bytes());
        assert_eq!((answer.status, answer.message().as_str()), (413, "Content too large"), "{path}");
    }
}
