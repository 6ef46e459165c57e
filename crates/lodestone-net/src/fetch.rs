//! The two requests that the server makes: a file by its URL, and a message to a webhook.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use crate::{Method, NetError, Outbound, Request, request};

/// Most of a webhook's answer that is kept, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A file that was fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status, 200 to 299.
    pub status: u16,
    /// `Content-Type` as the server says, at most 256 bytes of it; a claim, no fact.
    pub content_type: Option<String>,
    /// The body as sent.
    pub bytes: Vec<u8>,
}

/// The bytes are not printed: they are someone's file.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({}, {:?}, {} bytes)", self.status, self.content_type, self.bytes.len())
    }
}

/// What a webhook answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, whatever it is; 200 to 299 means taken.
    pub status: u16,
    /// How long to wait before the next attempt, when the receiver says so in seconds (`Retry-After`); at most a day.
    pub retry_after: Option<Duration>,
    /// The body, at most [`MAX_ANSWER_BYTES`] of it.
    pub body: Vec<u8>,
    /// False when the body was longer, broke off or did not come in time.
    pub is_complete: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Fetches a file with GET. Blocks for at most the policy's total time and holds at most its number of bytes.
///
/// # Errors
/// Any [`NetError`] but [`NetError::NoRoom`]; [`NetError::Status`] for every status but 200 to 299,
/// [`NetError::Malformed`] for a body that is compressed in transfer, which was not asked for and would be hashed as it is.
pub fn fetch(policy: &Outbound, url: &str) -> Result<Fetched, NetError> {
    fetch_within(policy, url, &mut |_| true)
}

/// As [`fetch()`], for callers that count what they hold: `room` is told how many bytes are to be held in all, each time
/// before it is more, and ends the request by saying no.
///
/// # Errors
/// As there, and [`NetError::NoRoom`].
pub fn fetch_within(
    policy: &Outbound,
    url: &str,
    room: &mut dyn FnMut(u64) -> bool,
) -> Result<Fetched, NetError> {
    let mut response = request(policy, Request::get(url))?;
    if !(200..300).contains(&response.status) {
        return Err(NetError::Status(response.status));
    }
    if response
        .header("content-encoding")
        .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
    {
        let reason = "it is compressed, which was not asked for".to_owned();
        return Err(NetError::Malformed { host: "the server".to_owned(), reason });
    }
    let content_type = response.header("content-type").map(|text| text.chars().take(256).collect());
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = response.body.read(&mut piece).map_err(NetError::of_read)?;
        let Some(new) = piece.get(..read).filter(|new| !new.is_empty()) else { break };
        if bytes.len() + new.len() > bytes.capacity() {
            // Grown by half, so that what is held is near what is there, and copied a few times only.
            let wanted = (bytes.len() + new.len()).max(bytes.len() + bytes.len() / 2);
            if !room(wanted as u64) {
                return Err(NetError::NoRoom);
            }
            bytes.reserve_exact(wanted - bytes.len());
        }
        bytes.extend_from_slice(new);
    }
    Ok(Fetched { status: response.status, content_type, bytes })
}

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// Sends a message with POST and gives the answer, whatever its status. Redirects are not followed. An answer whose head
/// came is an answer: trouble with its body does not make it an error, or a message that was taken would be sent again.
///
/// # Errors
/// Any [`NetError`] but [`NetError::Status`] and [`NetError::TooLarge`].
pub fn post(policy: &Outbound, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, NetError> {
    // The length of the answer is cut below, not refused.
    let policy = Outbound { max_bytes: u64::MAX, ..policy.clone() };
    let response = request(&policy, Request { method: Method::Post, url, headers, body })?;
    let retry_after = response
        .header("retry-after")
        .and_then(|text| text.trim().parse().ok())
        .map(|seconds: u32| Duration::from_secs(u64::from(seconds).min(86_400)));
    let mut body = Vec::new();
    let read = response.body.take(MAX_ANSWER_BYTES as u64 + 1).read_to_end(&mut body);
    let is_complete = read.is_ok() && body.len() <= MAX_ANSWER_BYTES;
    body.truncate(MAX_ANSWER_BYTES);
    Ok(Answer { status: response.status, retry_after, body, is_complete })
}
