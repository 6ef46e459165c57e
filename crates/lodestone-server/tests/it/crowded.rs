//! Slow and many clients: who takes a place, and who is kept waiting.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::running::{Running, config};

const LOOK_UP: &str = "/m/raw_lookup?signal_type=pdq&signal=\
    0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// A request whose body is on its way, and stays there.
fn begin(server: &Running, path: &str) -> std::net::TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{{\"sig"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn head(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = [0; 12];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn bodies_that_come_slowly_keep_no_look_up_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.max_requests = 2;
    let server = Running::start(config);
    let mut slow: Vec<_> = (0..6).map(|_| begin(&server, "/v1/lookup")).collect();
    // They have been begun once the server has their heads.
    std::thread::sleep(Duration::from_millis(300));
    for _ in 0..5 {
        assert_eq!(server.get(LOOK_UP).status, 200);
    }
    // What was slow is answered once it is in.
    slow[0].write_all(b"nals\":[]}").unwrap();
    assert_eq!(head(&mut slow[0]), "HTTP/1.1 200");
    // With all places taken, a body that is in finds none.
    let places = server.app().requests.clone();
    let all = places.try_acquire_many(2).unwrap();
    slow[1].write_all(b"nals\":[]}").unwrap();
    assert_eq!(head(&mut slow[1]), "HTTP/1.1 429");
    assert_eq!(server.get(LOOK_UP).status, 429);
    assert_eq!(server.get("/live").status, 200);
    drop(all);
    assert_eq!(server.get(LOOK_UP).status, 200);
    drop(slow);
    server.stop();
}

#[test]
fn with_all_connections_taken_the_probes_answer_and_all_else_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.max_connections = 2;
    let server = Running::start(config);
    let silent: Vec<_> = (0..2).map(|_| server.connect()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let ask = |path: &str| {
        let begun = Instant::now();
        let mut stream = server.connect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").as_bytes()).unwrap();
        let mut text = String::new();
        // To its end: such a connection is closed after one answer.
        stream.read_to_string(&mut text).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(30));
        text
    };
    for path in ["/live", "/status/live", "/ready"] {
        let answer = ask(path);
        assert!(answer.starts_with("HTTP/1.1 200") || path == "/ready", "{path}: {answer}");
        assert!(!answer.contains("connections are taken"), "{path}: {answer}");
    }
    let busy = ask(LOOK_UP);
    assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("connections are taken"), "{busy}");
    assert!(busy.to_ascii_lowercase().contains("retry-after"), "{busy}");
    drop(silent);
    let until = Instant::now() + Duration::from_secs(30);
    while !ask_and_close(&server).starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "places do not come free");
    }
    server.stop();
}

fn ask_and_close(server: &Running) -> String {
    let mut stream = server.connect();
    let request = format!("GET {LOOK_UP} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn files_that_are_fetched_count_in_what_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.allow_private_urls = true;
    config.max_held_bytes = 1 << 20;
    let server = Running::start(config);
    // A file of 3 MiB: within what one may have, beyond what all may.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.mp4", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 3145728\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&vec![7; 3 << 20]);
        }
    });
    let before = server.app().bodies.held.available_permits();
    assert_eq!(server.get(&format!("/h/hash?url={url}")).status, 429);
    assert_eq!(server.app().bodies.held.available_permits(), before, "given back");
    server.stop();
}
