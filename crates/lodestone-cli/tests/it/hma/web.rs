//! A small web server on loopback, for what the program fetches.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::client::q;
use super::pictures::BRIDGE;

/// Serves until the test process ends.
pub(super) struct Web {
    address: SocketAddr,
}

impl Web {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || answer(stream));
            }
        });
        Self { address }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// As a value of a query.
    pub(super) fn q(&self, path: &str) -> String {
        q(&self.url(path))
    }
}

/// Answers one request. What a broken connection costs is that connection.
fn answer(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    let mut piece = [0; 2048];
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let typed = |kind: &str| format!("200 OK\r\nContent-Type: {kind}");
    let (head, body): (String, &[u8]) = match path {
        "/picture.jpg" => (typed("image/jpeg"), BRIDGE),
        "/odd-case" => (typed("IMAGE/Jpeg; quality=high"), BRIDGE),
        "/film.mp4" => (typed("video/mp4"), b"no film, but bytes"),
        "/bytes" => (typed("application/octet-stream"), BRIDGE),
        "/untyped" => ("200 OK".to_owned(), BRIDGE),
        "/page" => (typed("text/html"), b"<html>"),
        "/moved" => ("302 Found\r\nLocation: /picture.jpg".to_owned(), b""),
        "/endless" => ("302 Found\r\nLocation: /endless".to_owned(), b""),
        "/to-a-file" => ("302 Found\r\nLocation: file:///etc/hostname".to_owned(), b""),
        "/broken.jpg" => (typed("image/jpeg"), b"no picture"),
        "/empty.jpg" => (typed("image/jpeg"), b""),
        "/wrong" => ("500 Internal Server Error\r\nContent-Type: image/jpeg".to_owned(), b"x"),
        "/large.jpg" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 209715200\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            return;
        }
        "/slow.jpg" => {
            std::thread::sleep(Duration::from_millis(1500));
            (typed("image/jpeg"), BRIDGE)
        }
        _ => ("404 Not Found\r\nContent-Type: text/plain".to_owned(), b"none"),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(body);
    }
}
