//! A request in general: any method, own headers, redirects checked one by one, the body as a stream.

use std::fmt;
use std::io::{self, Read};

use ureq::http;
use url::Url;

use crate::guard::{Deadline, Target};
use crate::transport::{exchange, translate};
use crate::{NetError, Outbound, Why};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; redirects are followed.
    Get,
    /// Reads the head only; redirects are followed.
    Head,
    /// Sends a body.
    Post,
    /// Replaces by a body.
    Put,
    /// Removes.
    Delete,
}

/// What to ask.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: &'a str,
    /// Headers, as name and value. Those that shape the message itself (`Host`, `Content-Length`, `Transfer-Encoding`,
    /// `Connection`, `Expect`, `Accept-Encoding` and their like) are refused.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body of POST and PUT; not sent with the others.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A GET without headers.
    #[must_use]
    pub fn get(url: &'a str) -> Self {
        Self { method: Method::Get, url, headers: &[], body: &[] }
    }
}

/// URLs and headers may hold keys: neither is printed.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?}, {} headers, {} bytes)", self.method, self.headers.len(), self.body.len())
    }
}

/// The head of an answer, and its body to be read.
#[derive(Debug)]
pub struct Response {
    /// The status, whatever it is.
    pub status: u16,
    /// The body, to be read within the same deadline.
    pub body: Body,
    headers: http::HeaderMap,
}

impl Response {
    /// A header's first value, when there is one and it is ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All headers that are ASCII, as name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// Length of the body as the server says, in bytes.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length").and_then(|text| text.parse().ok())
    }
}

/// The body of an answer. Reading fails after the policy's number of bytes and at its deadline, however slowly they
/// come; the error holds a [`NetError`], which [`NetError::of_read`] gives back.
pub struct Body {
    reader: ureq::BodyReader<'static>,
    left: u64,
    limit: u64,
    deadline: Deadline,
    target: Target,
    failed: Option<NetError>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes left of the limit)", self.left)
    }
}

impl Body {
    /// The whole body.
    ///
    /// # Errors
    /// [`NetError::TooLarge`], [`NetError::Timeout`], [`NetError::Connect`] when it breaks off, [`NetError::Malformed`].
    pub fn read_all(mut self) -> Result<Vec<u8>, NetError> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(NetError::of_read)?;
        Ok(bytes)
    }

    fn read_some(&mut self, into: &mut [u8]) -> Result<usize, NetError> {
        self.deadline.left(&self.target.host)?;
        // One byte more than is left, to tell a body that is just as long as allowed from one that goes on.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(into.len());
        let some = self
            .reader
            .read(&mut into[..most])
            .map_err(|error| translate(ureq::Error::from(error), &self.target, self.deadline))?;
        match self.left.checked_sub(some as u64) {
            Some(left) => self.left = left,
            None => return Err(NetError::TooLarge { limit_bytes: self.limit }),
        }
        Ok(some)
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        // Once failed, it stays so: a parser that reads on must not take the rest for the end.
        let outcome = match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.read_some(into),
        };
        outcome.map_err(|error| {
            self.failed = Some(error.clone());
            io::Error::other(error)
        })
    }
}

/// Asks, as the policy allows. Blocks until the head of the answer is there.
///
/// Redirects of GET and HEAD are followed up to the policy's number; each passes the whole gate anew, one from https to
/// http is refused, and one to another origin (scheme, host or port) is sent without the caller's headers except `Accept`.
/// Redirects of other methods are handed back as they are. Each hop is a connection of its own.
///
/// # Errors
/// Any [`NetError`] but [`NetError::Status`]: every status is an answer here. [`NetError::TooLarge`] when the server
/// announces a longer body than allowed.
pub fn request(policy: &Outbound, wanted: Request<'_>) -> Result<Response, NetError> {
    let deadline = Deadline::after(policy.total_timeout);
    check_headers(wanted.headers)?;
    let (method, body, follows) = match wanted.method {
        Method::Get => (http::Method::GET, None, true),
        Method::Head => (http::Method::HEAD, None, true),
        Method::Post => (http::Method::POST, Some(wanted.body), false),
        Method::Put => (http::Method::PUT, Some(wanted.body), false),
        Method::Delete => (http::Method::DELETE, None, false),
    };
    let mut headers = wanted.headers.to_vec();
    let mut target = policy.admit(wanted.url, deadline)?;
    let mut hops = 0;
    loop {
        let answer = exchange(policy, &target, method.clone(), &headers, body, deadline)?;
        let status = answer.status().as_u16();
        if !(follows && matches!(status, 301 | 302 | 303 | 307 | 308)) {
            return respond(policy, target, answer, deadline);
        }
        if hops == policy.max_redirects {
            return Err(NetError::refused(Why::TooManyRedirects(policy.max_redirects)));
        }
        hops += 1;
        let next = redirected(&target, answer.headers())?;
        // The connection of this hop is closed before the next is opened.
        drop(answer);
        if next.origin() != target.url.origin() {
            headers.retain(|(name, _)| name.eq_ignore_ascii_case("accept"));
        }
        target = policy.admit_url(next, deadline)?;
    }
}

/// Where a redirect leads.
fn redirected(target: &Target, headers: &http::HeaderMap) -> Result<Url, NetError> {
    let malformed = || NetError::Malformed {
        host: target.host.clone(),
        reason: "a redirect without a valid place to go".to_owned(),
    };
    let location =
        headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(malformed)?;
    let next = target.url.join(location).map_err(|_| malformed())?;
    if target.url.scheme() == "https" && next.scheme() == "http" {
        return Err(NetError::refused(Why::Downgrade));
    }
    Ok(next)
}

fn respond(
    policy: &Outbound,
    target: Target,
    answer: http::Response<ureq::Body>,
    deadline: Deadline,
) -> Result<Response, NetError> {
    let (head, body) = answer.into_parts();
    let limit = policy.max_bytes;
    if body.content_length().is_some_and(|length| length > limit) {
        return Err(NetError::TooLarge { limit_bytes: limit });
    }
    let body = Body { reader: body.into_reader(), left: limit, limit, deadline, target, failed: None };
    Ok(Response { status: head.status.as_u16(), body, headers: head.headers })
}

/// Refuses headers that are not valid and those that would change what the message is.
fn check_headers(headers: &[(&str, &str)]) -> Result<(), NetError> {
    const OURS: &[&str] = &[
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    for &(name, value) in headers {
        let valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && http::HeaderValue::from_str(value).is_ok();
        if !valid || OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(NetError::refused(Why::Header(name.chars().take(64).collect())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, location: &str) -> Result<String, NetError> {
        let url = Url::parse(from).expect("a URL");
        let target = Target { url, host: "a.test".to_owned(), addresses: Vec::new() };
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::LOCATION, http::HeaderValue::from_str(location).expect("a header"));
        redirected(&target, &headers).map(String::from)
    }

    #[test]
    fn a_redirect_never_leads_from_https_to_http() {
        let downgrade = Err(NetError::refused(Why::Downgrade));
        for location in ["http://a.test/", "HTTP://a.test/", "http:\\\\a.test", " http://b.test"] {
            assert_eq!(redirect("https://a.test/x", location), downgrade, "{location}");
        }
        assert_eq!(redirect("https://a.test/x/y", "../z"), Ok("https://a.test/z".to_owned()));
        assert_eq!(redirect("https://a.test/x", "//b.test/z"), Ok("https://b.test/z".to_owned()));
        assert_eq!(redirect("http://a.test/x", "https://a.test/x"), Ok("https://a.test/x".to_owned()));
    }
}
