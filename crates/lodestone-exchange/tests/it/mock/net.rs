//! The way to a mock: loopback only, a clock that is set by hand, waits that take no time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lodestone_exchange::client::{Method, Request, Response, SendError, Transport};

/// A transport to 127.0.0.1, and to nowhere else.
pub(crate) struct Loopback {
    pub(crate) now_s: i64,
    /// What was waited for.
    pub(crate) waits: Vec<Duration>,
    /// Whether waiting ends the fetch.
    pub(crate) stops: bool,
    random: u64,
}

impl Loopback {
    pub(crate) fn at(now_s: i64) -> Self {
        Self { now_s, waits: Vec::new(), stops: false, random: 1 }
    }
}

impl Transport for Loopback {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        let rest = request.url.strip_prefix("http://127.0.0.1:");
        let rest = rest.ok_or_else(|| SendError::Permanent("not loopback".to_owned()))?;
        let (port, target) = rest.split_at(rest.find('/').expect("a path"));
        let port: u16 = port.parse().expect("a port");
        let broken = |error: std::io::Error| SendError::Transient(error.to_string());
        let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(broken)?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(broken)?;
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
        };
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
        for (name, value) in &request.headers {
            assert!(!value.contains(['\r', '\n']), "a header of two lines");
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", request.body.len());
        stream.write_all(head.as_bytes()).map_err(broken)?;
        stream.write_all(&request.body).map_err(broken)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).map_err(broken)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| SendError::Transient("no answer".to_owned()))?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).map_err(broken)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "Content-Length");
        let left = length.map(|(_, text)| text.parse().expect("a length"));
        Ok(Response { status, headers, body: Box::new(Body { reader, left }) })
    }

    fn now_s(&self) -> i64 {
        self.now_s
    }

    fn wait(&mut self, time: Duration) -> bool {
        self.waits.push(time);
        !self.stops
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random
    }
}

/// A body that fails when it ends before its length.
struct Body {
    reader: BufReader<TcpStream>,
    left: Option<u64>,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = self.left.map_or(into.len(), |left| usize::try_from(left).unwrap().min(into.len()));
        if most == 0 {
            return Ok(0);
        }
        let some = self.reader.read(&mut into[..most])?;
        match &mut self.left {
            Some(_) if some == 0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            Some(left) => {
                *left -= some as u64;
                Ok(some)
            }
            None => Ok(some),
        }
    }
}
