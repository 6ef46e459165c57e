//! A server of one's own, asked over plain sockets, so that what is on the wire is the test's to the last octet.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::Duration;

use serde_json::Value;

use crate::program::Place;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The program as a server, on a free port of loopback, with a data folder of its own. It is killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    _place: Place,
}

impl Server {
    /// Asks for no keys, offers `/dev`, fetches from loopback.
    pub(super) fn start(more: &[&str]) -> Self {
        Self::with(&[&["--open", "--dev", "--allow-private-urls"], more].concat())
    }

    /// With these arguments only.
    pub(super) fn with(more: &[&str]) -> Self {
        Self::at(Place::new(), more)
    }

    /// With keys, made beforehand: a name and its roles each; and the headers that carry them.
    pub(super) fn with_keys(keys: &[(&str, &str)]) -> (Self, Vec<String>) {
        let place = Place::new();
        let made = keys.iter().map(|(name, roles)| {
            let ran = place.run(&["key", "add", name, "--role", roles, "--data", "data"]);
            assert_eq!(ran.code, Some(0), "{}", ran.err);
            format!("Bearer {}", ran.out.trim())
        });
        let made = made.collect();
        (Self::at(place, &["--allow-private-urls"]), made)
    }

    fn at(place: Place, more: &[&str]) -> Self {
        let arguments = [&["serve", "--data", "data", "--listen", "127.0.0.1:0", "--workers", "2"], more];
        let mut command = place.command(&arguments.concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end: a server whose log nobody reads would stand still.
            for line in log.lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("lodestone: listening on http://") {
                    let _ = tell.send(address.trim().parse::<SocketAddr>().unwrap());
                }
            }
        });
        let Ok(address) = told.recv_timeout(Duration::from_secs(120)) else {
            let _ = child.kill();
            panic!("the server does not start with {more:?}");
        };
        Self { child, address, _place: place }
    }

    /// One server for all tests that run at the same time; each has banks of its own.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start(&[]));
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Sends a request as it stands and reads what comes back until the connection is closed.
    pub(super) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // A server may answer and close before all of a body is sent.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        assert!(read.is_ok() || !bytes.is_empty(), "no answer: {read:?}");
        Answer::of(&bytes)
    }

    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let address = self.address;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT") {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(super) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[JSON], body.to_string().as_bytes())
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[JSON], body.to_string().as_bytes())
    }

    /// Sends a form.
    pub(super) fn upload(&self, path: &str, parts: &[Part]) -> Answer {
        self.send("POST", path, &[("Content-Type", FORM)], &form(parts))
    }

    /// Makes a bank, and says what it is called.
    pub(super) fn bank(&self, name: &str) -> String {
        let made = self.post("/c/banks", &serde_json::json!({ "name": name }));
        assert_eq!(made.status, 201, "{}", made.text());
        name.to_owned()
    }

    /// Adds a content by its signals, and says its id.
    pub(super) fn signal(&self, bank: &str, signals: &Value) -> u64 {
        let added = self.post(&format!("/c/bank/{bank}/signal"), signals);
        assert_eq!(added.status, 200, "{}", added.text());
        added.json()["id"].as_u64().unwrap()
    }

    /// Asks everything in the table and lists all that is answered otherwise. A row: method and path, a JSON body or
    /// nothing, status, answer: JSON to the letter; `HTML` for a page; `~` and a part of it; nothing for any.
    pub(super) fn check(&self, table: &[(&str, &str, u16, &str)]) {
        let mut wrong = String::new();
        for (request, body, status, expected) in table {
            let (method, path) = request.split_once(' ').unwrap();
            let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[JSON] };
            let answer = self.send(method, path, headers, body.as_bytes());
            if let Err(why) = answer.fits(*status, expected) {
                let body: String = body.chars().take(200).collect();
                writeln!(wrong, "{request} {body}\n  {why}").unwrap();
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Of the first answer in these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(super) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {}", self.text())).to_owned()
    }

    /// Status, content type and body as in the tables of [`Server::check`].
    fn fits(&self, status: u16, expected: &str) -> Result<(), String> {
        let kind = self.header("content-type").unwrap_or_default();
        let text = String::from_utf8_lossy(&self.body);
        let (body, wanted) = match expected {
            "" => (true, kind),
            "HTML" => (text.starts_with("<!doctype html>"), "text/html; charset=utf-8"),
            part if part.starts_with('~') => (text.contains(&part[1..]), kind),
            // Of schema errors, flask-openapi3 ends the text without a line break.
            whole if status == 422 => (text == whole, "application/json"),
            whole => (text.strip_suffix('\n') == Some(whole), "application/json"),
        };
        if self.status == status && body && kind == wanted {
            return Ok(());
        }
        Err(format!("is {} {kind} {text}\n  not {status} {wanted} {expected}", self.status))
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    whole
}

/// A part of a form: the name of its field, its file's name where it is one, its bytes.
pub(super) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// The content type of what [`form`] makes.
pub(super) const FORM: &str = "multipart/form-data; boundary=----lodestone7MA4YWxk";

pub(super) fn form(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        body.extend_from_slice(b"------lodestone7MA4YWxk\r\n");
        let file =
            file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
        let file = file.unwrap_or_default();
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"------lodestone7MA4YWxk--\r\n");
    body
}

/// A text as a value of a query.
pub(super) fn q(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    out
}

/// A PDQ hash of this number, far from those of all others.
pub(super) fn pdq(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03;
    let mut out = String::new();
    for _ in 0..4 {
        for shift in [30, 27, 31] {
            state = (state ^ (state >> shift)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(0x94d0_49bb);
        }
        write!(out, "{state:016x}").unwrap();
    }
    out
}

/// This hash with so many bits changed, spread over all of it.
pub(super) fn near(hash: &str, bits: usize) -> String {
    let mut digits: Vec<u32> = hash.chars().map(|c| c.to_digit(16).unwrap()).collect();
    for bit in 0..bits {
        digits[bit * 7 % 64] ^= 1 << (bit / 64);
    }
    digits.iter().map(|digit| char::from_digit(*digit, 16).unwrap()).collect()
}
