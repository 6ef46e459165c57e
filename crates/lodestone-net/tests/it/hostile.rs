//! Servers that want to hold a thread, fill the memory or confuse the reader.

use std::io::{Read, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lodestone_net::{NetError, Outbound, Request, fetch, post, request};

use crate::server::{Server, always, ok, open, serve};

/// A policy whose whole request may take this long.
fn within(total: Duration) -> Outbound {
    Outbound { total_timeout: total, ..open() }
}

fn drip(head: &'static [u8], drop: &'static [u8]) -> Server {
    serve(move |_, stream| {
        stream.write_all(head)?;
        loop {
            stream.write_all(drop)?;
            sleep(Duration::from_millis(30));
        }
    })
}

#[test]
fn a_server_that_drips_is_left_at_the_deadline() {
    let total = Duration::from_millis(400);
    for server in [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ] {
        let start = Instant::now();
        let error = fetch(&within(total), &server.url("/")).expect_err("dripping");
        let took = start.elapsed();
        assert!(matches!(error, NetError::Timeout { .. } | NetError::Malformed { .. }), "{error:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

#[test]
fn a_server_that_says_nothing_is_left_at_the_deadline() {
    let server = serve(|_, _| {
        sleep(Duration::from_secs(20));
        Ok(())
    });
    let start = Instant::now();
    let error = fetch(&within(Duration::from_millis(300)), &server.url("/")).expect_err("silent");
    assert_eq!(error, NetError::Timeout { host: "127.0.0.1".to_owned(), within: Duration::from_millis(300) });
    assert!(error.is_transient() && start.elapsed() < Duration::from_secs(3));
}

#[test]
fn slow_redirects_share_one_deadline() {
    let server = serve(|_, stream| {
        sleep(Duration::from_millis(250));
        stream.write_all(&crate::server::to("/next"))
    });
    let policy = Outbound { max_redirects: 200, ..within(Duration::from_millis(600)) };
    let start = Instant::now();
    assert!(matches!(fetch(&policy, &server.url("/")), Err(NetError::Timeout { .. })));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_webhook_that_took_the_message_and_drips_its_answer_has_taken_it() {
    let server = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x");
    let answer = post(&within(Duration::from_millis(300)), &server.url("/"), &[], b"m").expect("an answer");
    assert_eq!((answer.status, answer.is_complete), (200, false));
    let cut = always(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec());
    let answer = post(&open(), &cut.url("/"), &[], b"m").expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice(), answer.is_complete), (200, b"abc".as_slice(), false));
}

#[test]
fn an_endless_body_is_cut_by_counting() {
    let too_large = Err(NetError::TooLarge { limit_bytes: 1 << 20 });
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
        let server = serve(move |_, stream| {
            stream.write_all(head.as_bytes())?;
            let chunk = [b"1000\r\n".as_slice(), &[b'0'; 4096], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk)?;
            }
        });
        assert_eq!(fetch(&open(), &server.url("/")), too_large, "{head}");
    }
}

#[test]
fn an_announced_length_above_the_limit_is_refused_before_a_byte_is_read() {
    let server = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")?;
        sleep(Duration::from_secs(20));
        Ok(())
    });
    let start = Instant::now();
    assert_eq!(fetch(&open(), &server.url("/")), Err(NetError::TooLarge { limit_bytes: 1 << 20 }));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_wrong_length_is_an_error_and_never_a_shorter_file() {
    let short = always(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec());
    let error = fetch(&open(), &short.url("/")).expect_err("cut");
    assert!(matches!(error, NetError::Connect { .. }), "{error:?}");
    let chunk = always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".to_vec());
    assert!(matches!(fetch(&open(), &chunk.url("/")), Err(NetError::Connect { .. })));
    // What comes after the announced length is none of the file's.
    let long = always(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef".to_vec());
    assert_eq!(fetch(&open(), &long.url("/")).map(|file| file.bytes), Ok(b"abc".to_vec()));
    for length in ["-1", "x", "1, 2", "+3", "99999999999999999999", "3\r\nContent-Length: 4"] {
        let server = always(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc"));
        let error = fetch(&open(), &server.url("/")).expect_err(length);
        assert!(matches!(error, NetError::Malformed { .. }), "{length}: {error:?}");
    }
}

#[test]
fn a_flood_of_headers_is_refused() {
    let many = (0..500).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let long = format!("X: {}\r\n", "y".repeat(100_000));
    for headers in [many, long] {
        let server = always(format!("HTTP/1.1 200 OK\r\n{headers}\r\n"));
        let error = fetch(&open(), &server.url("/")).expect_err("a flood");
        assert!(matches!(error, NetError::Malformed { .. }), "{error:?}");
    }
    let endless = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"A: b\r\n")?;
        }
    });
    assert!(matches!(fetch(&open(), &endless.url("/")), Err(NetError::Malformed { .. })));
}

#[test]
fn a_connection_cut_or_nonsense_instead_of_an_answer_is_told() {
    for answer in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = always(answer);
        let error = fetch(&open(), &server.url("/")).expect_err("cut");
        assert!(matches!(error, NetError::Connect { .. }), "{answer:?}: {error:?}");
    }
    for answer in ["SSH-2.0-OpenSSH_9.9\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\0\0\0\0\0\0\0\0\r\n\r\n"] {
        let server = always(answer);
        let error = fetch(&open(), &server.url("/")).expect_err("nonsense");
        assert!(matches!(error, NetError::Malformed { .. }), "{answer:?}: {error:?}");
    }
}

#[test]
fn a_reader_that_failed_does_not_become_a_short_file() {
    let server = always(ok("text/plain", &[b'x'; 100]));
    let policy = Outbound { max_bytes: 10, ..open() };
    // Without a length in the head the limit is met while reading.
    let bare = always([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 100]].concat());
    assert!(matches!(request(&policy, Request::get(&server.url("/"))), Err(NetError::TooLarge { .. })));
    let mut body = request(&policy, Request::get(&bare.url("/"))).expect("a head").body;
    let mut kept = Vec::new();
    for _ in 0..3 {
        let error = body.read_to_end(&mut kept).expect_err("too large");
        assert_eq!(NetError::of_read(error), NetError::TooLarge { limit_bytes: 10 });
    }
    assert!(!NetError::of_read(std::io::ErrorKind::NotFound.into()).is_transient());
}
