//! What a client asks of the world: to send a request, the time, to wait, a random number.
//!
//! A client does no input or output. Whoever runs it brings these four, so that the real network, its guard against
//! requests to inner addresses, and a test's loopback are one and the same to it.

use std::fmt;
use std::io::Read;
use std::time::Duration;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends a body.
    Post,
    /// Replaces by a body.
    Put,
}

/// A request to be sent. It holds credentials: it is printed without its URL, headers and body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers, as name and value; those that shape the message itself are the transport's.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// Whether sending it twice does what sending it once does.
    pub is_repeatable: bool,
}

impl Request {
    pub(super) fn get(url: String) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: Vec::new(), is_repeatable: true }
    }

    pub(super) fn post(url: String, media_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type", media_type.to_owned())];
        Self { method: Method::Post, url, headers, body, is_repeatable: false }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?}, {} headers, {} bytes)", self.method, self.headers.len(), self.body.len())
    }
}

/// The head of an answer, and its body to be read.
pub struct Response {
    /// The status, whatever it is.
    pub status: u16,
    /// Headers, as name and value; names in any case.
    pub headers: Vec<(String, String)>,
    /// The body. Reading fails when it breaks off; clients read no more than they can hold.
    pub body: Box<dyn Read>,
}

impl Response {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.status)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No name, no connection, or it broke off: trying again may help.
    Transient(String),
    /// A rule forbids it, or the other side did not prove who it is: trying again is no use.
    Permanent(String),
    /// The fetch is to end.
    Stopped,
}

/// The world, as a client sees it.
pub trait Transport {
    /// Sends a request and gives the head of the answer. Redirects must not take the headers to another origin.
    ///
    /// # Errors
    /// [`SendError`] when no answer came; every status is an answer.
    fn send(&mut self, request: &Request) -> Result<Response, SendError>;

    /// Seconds since 1970, UTC.
    fn now_s(&self) -> i64;

    /// Waits; `false` when the fetch is to end instead.
    fn wait(&mut self, time: Duration) -> bool;

    /// A random number, which spreads waits.
    fn random(&mut self) -> u64;
}
