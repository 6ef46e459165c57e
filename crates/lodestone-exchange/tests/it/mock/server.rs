//! A small HTTP server on loopback, one connection at a time, that can be told to misbehave.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// What is asked but for the page: the answers to the same question are pages of one walk.
    fn question(&self) -> (String, [Option<String>; 4]) {
        let of = ["from", "to", "startTimestamp", "start_time"].map(|name| self.query(name));
        (self.path().to_owned(), of.map(|value| value.filter(|value| value != "0")))
    }

    /// A parameter of the query, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        let bytes = value.as_bytes();
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            if bytes[at] == b'%' {
                out.push(u8::from_str_radix(&value[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        Some(String::from_utf8(out).unwrap())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::ok(body.to_string())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: b"{\"message\":\"no\"}".to_vec() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What goes wrong with one answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// The connection breaks before a word of the answer.
    Close,
    /// It breaks after so many percent of the body.
    Cut(u8),
    /// As `Cut`, and the answer did not say how long it was to be.
    CutSilently(u8),
    /// Another status, perhaps with `Retry-After`.
    Status(u16, Option<&'static str>),
    /// A page of a proxy that calls itself a success.
    Garbage,
    /// The answer before this one comes again, where it was a page of the same walk.
    Again,
}

/// The server.
pub(crate) struct Mock {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Asked>>>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    before: Arc<Mutex<Option<(Asked, Reply)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    /// Answers every request by `answer`.
    pub(crate) fn start(mut answer: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let faults = Arc::new(Mutex::new(VecDeque::new()));
        let before: Arc<Mutex<Option<(Asked, Reply)>>> = Arc::default();
        let (stopped, log, plan, last) = (stop.clone(), asked.clone(), faults.clone(), before.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let Some(one) = read(&stream) else { continue };
                let fault: Fault = plan.lock().unwrap().pop_front().unwrap_or(Fault::Pass);
                let reply = answer(&one);
                log.lock().unwrap().push(one.clone());
                // The other side may have gone: that is its business.
                let mut last = last.lock().unwrap();
                let again = last.as_ref().filter(|(asked, _)| asked.question() == one.question());
                let _ = write(&mut stream, &reply, again.map(|(_, reply)| reply), &fault);
                *last = Some((one, reply));
            }
        });
        Self { address, stop, asked, faults, before, thread: Some(thread) }
    }

    /// Its URL with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What goes wrong with the next answers. No answer from before comes again: that would be one to another question.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.before.lock().unwrap() = None;
        self.faults.lock().unwrap().extend(faults);
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the mock panicked");
        }
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, text)| text.parse().unwrap());
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body).ok()?;
    Some(Asked { method, target, headers, body })
}

fn write(
    stream: &mut TcpStream,
    reply: &Reply,
    before: Option<&Reply>,
    fault: &Fault,
) -> std::io::Result<()> {
    let percent = |body: &[u8], of: u8| body.len() * usize::from(of.min(99)) / 100;
    match fault {
        Fault::Pass => send(stream, reply, true, reply.body.len()),
        Fault::Close => Ok(()),
        Fault::Cut(of) => send(stream, reply, true, percent(&reply.body, *of)),
        Fault::CutSilently(of) => send(stream, reply, false, percent(&reply.body, *of)),
        Fault::Status(status, after) => {
            let reply = Reply::status(*status);
            let reply = match after {
                Some(after) => reply.with("Retry-After", *after),
                None => reply,
            };
            send(stream, &reply, true, reply.body.len())
        }
        Fault::Garbage => {
            let reply = Reply::ok("<html><body>Please log in</body></html>");
            send(stream, &reply, true, reply.body.len())
        }
        Fault::Again => {
            let reply = before.unwrap_or(reply);
            send(stream, reply, true, reply.body.len())
        }
    }
}

fn send(stream: &mut TcpStream, reply: &Reply, says_length: bool, bytes: usize) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    if says_length {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&reply.body[..bytes])
}
