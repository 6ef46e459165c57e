//! One question to a service: attempts with growing, spread waits; `Retry-After`; a limit for the body.

use std::io::Read;
use std::time::Duration;

use super::ClientError;
use super::time::parse_http_date;
use super::transport::{Request, Response, SendError, Transport};

/// How often, and how patiently, one request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Attempts in all. Default: 5, as python-threatexchange has it (one and four more).
    pub attempts: u32,
    /// Wait after the first failure; it doubles with each. Default: 500 ms.
    pub first_wait: Duration,
    /// Longest wait of our own. Default: 60 s.
    pub longest_wait: Duration,
    /// Longest `Retry-After` that is waited for; beyond it the fetch ends and says so. Default: 120 s, half of a turn.
    pub patience: Duration,
    /// Largest body that is held in memory, in bytes. Default: 64 MiB; a page of NCMEC has some 1 MiB.
    pub max_body_bytes: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            patience: Duration::from_secs(120),
            max_body_bytes: 64 << 20,
        }
    }
}

/// What came of one attempt.
enum Failed {
    /// Another may do better.
    Again { reason: String, after: Option<Duration>, was_unreadable: bool },
    /// None will.
    Ended(ClientError),
}

/// The head of an answer that parsers may want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The service's own clock, seconds since 1970.
    pub(super) date_s: Option<i64>,
}

/// Asks until `read` has understood the whole body, or the rules end it. A body that cannot be understood is asked for
/// again: one that was cut without saying so looks like that.
pub(super) fn ask<T>(
    net: &mut dyn Transport,
    rules: &Rules,
    request: &Request,
    mut read: impl FnMut(Head, &[u8]) -> Result<T, String>,
) -> Result<T, ClientError> {
    let mut failures = 0;
    loop {
        let failed = match once(net, rules, request, &mut read) {
            Ok(done) => return Ok(done),
            Err(Failed::Ended(error)) => return Err(error),
            Err(failed @ Failed::Again { .. }) => failed,
        };
        failures += 1;
        pause(net, rules, failed, failures)?;
    }
}

/// As [`ask`], for a body that is read as it comes. Only getting to its head is tried again.
pub(super) fn open(
    net: &mut dyn Transport,
    rules: &Rules,
    request: &Request,
) -> Result<Response, ClientError> {
    let mut failures = 0;
    loop {
        match send(net, request) {
            Ok(response) => return Ok(response),
            Err(Failed::Ended(error)) => return Err(error),
            Err(failed) => {
                failures += 1;
                pause(net, rules, failed, failures)?;
            }
        }
    }
}

/// Waits before the next attempt, or ends.
fn pause(net: &mut dyn Transport, rules: &Rules, failed: Failed, failures: u32) -> Result<(), ClientError> {
    let Failed::Again { reason, after, was_unreadable } = failed else { return Ok(()) };
    let too_long = after.is_some_and(|after| after > rules.patience);
    if failures >= rules.attempts || too_long {
        return Err(match was_unreadable {
            true => ClientError::Protocol(reason),
            false => ClientError::Later { reason, after },
        });
    }
    let wait = backoff(rules, failures, net.random());
    match net.wait(after.map_or(wait, |after| after.saturating_add(wait.min(Duration::from_secs(1))))) {
        true => Ok(()),
        false => Err(ClientError::Stopped),
    }
}

/// The wait after so many failures: half of it fixed, half by chance, so that those that failed together part.
fn backoff(rules: &Rules, failures: u32, random: u64) -> Duration {
    let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = rules.first_wait.saturating_mul(doubled).min(rules.longest_wait);
    let half_us = u64::try_from(whole.as_micros() / 2).unwrap_or(u64::MAX);
    let spread_us = (u128::from(half_us) * u128::from(random >> 32)) >> 32;
    Duration::from_micros(half_us + u64::try_from(spread_us).unwrap_or(0))
}

fn once<T>(
    net: &mut dyn Transport,
    rules: &Rules,
    request: &Request,
    read: &mut impl FnMut(Head, &[u8]) -> Result<T, String>,
) -> Result<T, Failed> {
    let again = |reason: String, was_unreadable| Failed::Again { reason, after: None, was_unreadable };
    let response = send(net, request)?;
    let head = Head { date_s: response.header("date").and_then(parse_http_date) };
    let mut body = Vec::new();
    response
        .body
        .take(rules.max_body_bytes.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|error| again(format!("the answer broke off: {}", error.kind()), false))?;
    if body.len() as u64 > rules.max_body_bytes {
        let why = format!("a body of more than {} bytes", rules.max_body_bytes);
        return Err(Failed::Ended(ClientError::Protocol(why)));
    }
    read(head, &body).map_err(|why| again(why, true))
}

/// One attempt up to the head; only an answer that succeeded is given back.
fn send(net: &mut dyn Transport, request: &Request) -> Result<Response, Failed> {
    let now_s = net.now_s();
    let response = net.send(request).map_err(|error| match error {
        SendError::Transient(reason) if request.is_repeatable => {
            Failed::Again { reason, after: None, was_unreadable: false }
        }
        SendError::Transient(reason) => Failed::Ended(ClientError::Later { reason, after: None }),
        SendError::Permanent(reason) => Failed::Ended(ClientError::Settings(reason)),
        SendError::Stopped => Failed::Ended(ClientError::Stopped),
    })?;
    match response.status {
        200..=299 => Ok(response),
        status @ (401 | 403) => Err(Failed::Ended(ClientError::Credentials(status))),
        status @ (408 | 425 | 429 | 500..=599) => {
            let reason = format!("the service answered with status {status}");
            let after = response.header("retry-after").and_then(|text| retry_after(text, now_s));
            // 429 and 503 say that nothing was done; the others may have come after the deed.
            match request.is_repeatable || matches!(status, 429 | 503) {
                true => Err(Failed::Again { reason, after, was_unreadable: false }),
                false => Err(Failed::Ended(ClientError::Later { reason, after })),
            }
        }
        status => Err(Failed::Ended(ClientError::Refused(status))),
    }
}

/// `Retry-After`: seconds, or a date. *Source:* RFC 9110, 10.2.3.
fn retry_after(text: &str, now_s: i64) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => u64::try_from(parse_http_date(text)?.saturating_sub(now_s)).unwrap_or(0),
    };
    Some(Duration::from_secs(seconds.min(7 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_spread_over_their_second_half() {
        let rules = Rules::default();
        for (failures, whole_ms) in [(1, 500), (2, 1000), (3, 2000), (30, 60_000)] {
            let whole = Duration::from_millis(whole_ms);
            assert_eq!(backoff(&rules, failures, 0), whole / 2);
            let longest = backoff(&rules, failures, u64::MAX);
            assert!(longest <= whole && longest > whole * 99 / 100, "{longest:?}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(retry_after(" 7 ", 0), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_790), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", 0), None);
        assert_eq!(retry_after("99999999999", 0), Some(Duration::from_secs(7 * 86_400)));
    }
}
