//! Answers of servers that behave: statuses, headers, limits that are just met, what is sent.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use lodestone_net::{Method, NetError, Outbound, Request, Why, fetch, post, request};

use crate::server::{always, ok, open, serve};

#[test]
fn a_file_comes_with_its_type_and_all_its_bytes() {
    let picture: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let server = always(ok("image/png", &picture));
    let file = fetch(&open(), &server.url("/p.png")).expect("fetched");
    assert_eq!((file.status, file.content_type.as_deref()), (200, Some("image/png")));
    assert_eq!(file.bytes, picture);
    assert!(!format!("{file:?}").contains("251"));
    let sent = server.seen.all().remove(0).to_lowercase();
    assert!(sent.starts_with("get /p.png http/1.1\r\n"), "{sent}");
    assert!(sent.contains("user-agent: lodestone/") && sent.contains("accept-encoding: identity"), "{sent}");
}

#[test]
fn chunks_and_a_body_that_ends_with_the_connection_are_read() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = always(chunked.to_vec());
    let file = fetch(&open(), &server.url("/")).expect("fetched");
    assert_eq!((file.bytes, file.content_type), (b"abcde".to_vec(), None));
    let server = always(b"HTTP/1.1 200 OK\r\n\r\nall of it".to_vec());
    assert_eq!(fetch(&open(), &server.url("/")).map(|file| file.bytes), Ok(b"all of it".to_vec()));
}

#[test]
fn a_body_just_as_long_as_allowed_is_taken_and_one_byte_more_is_not() {
    let policy = Outbound { max_bytes: 1000, ..open() };
    let too_large = Err(NetError::TooLarge { limit_bytes: 1000 });
    for (length, fits) in [(1000, true), (1001, false)] {
        let body = vec![7; length];
        let bare = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body].concat();
        for answer in [ok("image/png", &body), bare] {
            let server = always(answer);
            let got = fetch(&policy, &server.url("/")).map(|file| file.bytes);
            assert_eq!(got, if fits { Ok(body.clone()) } else { too_large.clone() });
        }
    }
    let nothing = Outbound { max_bytes: 0, ..open() };
    let server = always(ok("image/png", b""));
    assert_eq!(fetch(&nothing, &server.url("/")).map(|file| file.bytes), Ok(Vec::new()));
}

#[test]
fn a_status_that_is_no_success_is_an_error_of_its_own() {
    for (status, is_transient) in
        [(204, None), (304, Some(false)), (404, Some(false)), (429, Some(true)), (503, Some(true))]
    {
        let server = always(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
        match (fetch(&open(), &server.url("/")), is_transient) {
            (Ok(file), None) => assert_eq!((file.status, file.bytes.len()), (204, 0)),
            (Err(error), Some(is_transient)) => {
                assert_eq!((&error, error.is_transient()), (&NetError::Status(status), is_transient));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn a_general_request_sends_method_headers_and_body_and_streams_the_answer() {
    let server = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 409 Conflict\r\nX-Next: 7\r\nContent-Length: 6\r\n\r\nline 1")
    });
    let url = server.url("/v2/entries?from=1");
    let headers = [("X-Functions-Key", "k"), ("Content-Type", "text/xml")];
    let wanted = Request { method: Method::Put, url: &url, headers: &headers, body: b"<a/>" };
    let mut response = request(&open(), wanted).expect("an answer");
    assert_eq!(
        (response.status, response.header("x-next"), response.content_length()),
        (409, Some("7"), Some(6))
    );
    let mut text = String::new();
    response.body.read_to_string(&mut text).expect("read");
    assert_eq!(text, "line 1");
    let sent = server.seen.all().remove(0);
    assert!(
        sent.starts_with("PUT /v2/entries?from=1 HTTP/1.1\r\n") && sent.ends_with("\r\n\r\n<a/>"),
        "{sent}"
    );
    assert!(sent.to_lowercase().contains("x-functions-key: k\r\n"), "{sent}");
    assert!(!format!("{wanted:?}").contains("entries"));
    for method in [Method::Head, Method::Delete] {
        let response =
            request(&open(), Request { method, url: &url, headers: &[], body: b"x" }).expect("an answer");
        assert_eq!(response.status, 409);
    }
    let starts: Vec<_> = server.seen.all().iter().map(|sent| sent[..4].to_owned()).collect();
    assert_eq!(starts, ["PUT ", "HEAD", "DELE"]);
}

#[test]
fn headers_that_would_change_the_message_are_refused() {
    for header in [
        ("Host", "internal"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("X-A", "b\r\nX-C: d"),
        ("X A", "b"),
        ("", "b"),
        ("Expect", "100-continue"),
    ] {
        let headers = [header];
        let wanted = Request { method: Method::Get, url: "http://127.0.0.1/", headers: &headers, body: b"" };
        let error = request(&open(), wanted).expect_err("refused");
        assert_eq!(error, NetError::Refused { why: Why::Header(header.0.to_owned()) });
    }
}

#[test]
fn nobody_listening_and_no_tls_are_told_apart() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port");
    let error = fetch(&open(), &format!("http://{free}/?token=hunter2")).expect_err("closed");
    assert!(matches!(&error, NetError::Connect { host, .. } if host == "127.0.0.1"), "{error:?}");
    assert!(error.is_transient() && !error.to_string().contains("hunter2"), "{error}");

    let plain = always(ok("text/plain", b"no TLS here"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = fetch(&open(), &format!("https://127.0.0.1:{port}/")).expect_err("no TLS");
    assert!(matches!(error, NetError::Tls { .. }), "{error:?}");
    drop(plain);
}

#[test]
fn a_webhook_gets_its_message_and_its_answer_is_kept_short() {
    let long = vec![b'x'; 100_000];
    let server = always(ok("text/plain", &long));
    let small = Outbound { max_bytes: 10, ..open() };
    let answer =
        post(&small, &server.url("/hook"), &[("webhook-id", "msg_1")], b"{\"a\":1}").expect("an answer");
    assert_eq!(
        (answer.status, answer.body.len(), answer.is_complete),
        (200, lodestone_net::MAX_ANSWER_BYTES, false)
    );
    let sent = server.seen.all().remove(0);
    assert!(
        sent.starts_with("POST /hook ") && sent.contains("msg_1") && sent.ends_with("{\"a\":1}"),
        "{sent}"
    );

    let busy = always(b"HTTP/1.1 429 X\r\nRetry-After: 120\r\nContent-Length: 2\r\n\r\nno".to_vec());
    let answer = post(&open(), &busy.url("/"), &[], b"").expect("an answer");
    assert_eq!((answer.status, answer.retry_after.map(|wait| wait.as_secs())), (429, Some(120)));
    assert_eq!((answer.body.as_slice(), answer.is_complete), (b"no".as_slice(), true));
}

#[test]
fn a_compressed_body_that_was_not_asked_for_is_not_taken_for_the_file() {
    let server =
        always(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc".to_vec());
    assert!(matches!(fetch(&open(), &server.url("/")), Err(NetError::Malformed { .. })));
}
