//! A vote on an entry, back to where it came from: kept until it is sent.
//!
//! ```text
//! opinion ─one commit─▶ opinion · vote ─▶ attempt ─▶ note: sent │ later, with a growing wait │ dead, until a person retries it
//! ```
//!
//! Votes of an exchange go in their order; a newer one on the same entry takes the place of one that was not sent. A vote is
//! noted as sent after the service took it: killed between the two it is sent again, which says the same.

use std::sync::Arc;
use std::time::Duration;

use lodestone_exchange::client::{self, ClientError, Says, Settings, Transport, Vote};
use lodestone_net::backoff;
use lodestone_store::{Batch, Exchange, Opinion, StoreError, StoredEntry, StoredVote};
use lodestone_types::SignalType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;

/// Why a vote was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VoteError {
    /// The entry is none of the exchange's.
    #[error("the entry did not come from this exchange")]
    NotFromThere,
    /// The client's.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// What is said of an entry.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// What we say.
    pub says: Says,
    /// The fingerprint that is meant; `None`: every one of the entry.
    pub signal: Option<SignalType>,
    /// Reasons, by NCMEC's guids.
    pub reasons: Vec<String>,
    /// Tags, which StopNCII takes.
    pub tags: Vec<String>,
}

impl Ballot {
    /// What an opinion says to an exchange, with the reasons that its configuration has for a negative one.
    pub fn of_opinion(exchange: &Exchange, opinion: Opinion) -> Self {
        let reasons = exchange.config.get("dispute_reasons").and_then(Value::as_array);
        let reasons = reasons.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let says = if opinion == Opinion::Confirm { Says::Confirm } else { Says::Dispute };
        Self { says, signal: None, reasons, tags: Vec::new() }
    }
}

/// A vote as it is kept. The store reads `entry_no`, `signal` and `who`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Number of the entry.
    pub entry_no: i64,
    /// The exchange's id of it, for people.
    pub entry: String,
    /// `confirm` or `dispute`.
    pub says: String,
    /// The fingerprint that is meant.
    pub signal: Option<SignalType>,
    /// Reasons.
    pub reasons: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// In whose name.
    pub who: String,
}

impl Waiting {
    fn ballot(&self) -> Ballot {
        let says = if self.says == Opinion::Confirm.as_str() { Says::Confirm } else { Says::Dispute };
        Ballot { says, signal: self.signal, reasons: self.reasons.clone(), tags: self.tags.clone() }
    }
}

/// Keeps a vote to be sent, in the transaction of the opinion that it tells; gives its number.
///
/// # Errors
/// The store's.
pub fn queue(
    batch: &mut Batch<'_>,
    exchange: &Exchange,
    entry: &StoredEntry,
    who: &str,
    ballot: &Ballot,
) -> Result<i64, StoreError> {
    let says = if ballot.says == Says::Confirm { Opinion::Confirm } else { Opinion::Dispute };
    let waiting = Waiting {
        entry_no: entry.entry_no,
        entry: entry.row.entry.clone(),
        says: says.as_str().to_owned(),
        signal: ballot.signal,
        reasons: ballot.reasons.clone(),
        tags: ballot.tags.clone(),
        who: who.to_owned(),
    };
    batch.add_vote(&exchange.name, &json!(waiting), batch.now_us())
}

/// The exchange that is to be told of an opinion on an entry of a bank, where it wants votes and brought the entry (whose
/// source is `source`).
pub(crate) fn voter(batch: &Batch<'_>, bank: &str, source: &str) -> Result<Option<Exchange>, StoreError> {
    let wants = |exchange: &Exchange| {
        exchange.config.get("send_votes") == Some(&Value::Bool(true))
            && client::takes_votes(&exchange.api)
            && source == super::source(&exchange.api)
    };
    Ok(batch.exchange_of_bank(bank)?.filter(wants))
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, by so many requests.
    Sent(usize),
    /// Not taken; it may be later.
    Later {
        /// Why.
        why: String,
        /// Not before.
        after: Option<Duration>,
    },
    /// Never to be taken as it is.
    Refused(String),
    /// We were told to end.
    Stopped,
}

impl From<Result<usize, VoteError>> for Outcome {
    fn from(sent: Result<usize, VoteError>) -> Self {
        match sent {
            Ok(requests) => Self::Sent(requests),
            Err(VoteError::Client(ClientError::Stopped)) => Self::Stopped,
            Err(VoteError::Client(error)) if error.is_temporary() => {
                Self::Later { why: error.to_string(), after: error.after() }
            }
            Err(error) => Self::Refused(error.to_string()),
        }
    }
}

/// Tries to send a vote that is kept, once. `entry`: as it is now.
pub fn attempt(
    api: &str,
    settings: &Settings,
    net: &mut dyn Transport,
    entry: Option<&StoredEntry>,
    vote: &StoredVote,
) -> Outcome {
    let Ok(waiting) = serde_json::from_value::<Waiting>(vote.body.clone()) else {
        return Outcome::Refused("the vote cannot be read".to_owned());
    };
    let Some(entry) = entry else {
        // Nobody waits for it any more.
        return Outcome::Sent(0);
    };
    // Waiting is done where the vote is kept.
    let mut settings = settings.clone();
    settings.rules.attempts = 1;
    cast(api, &settings, net, entry, &waiting.ballot()).into()
}

/// Notes how an attempt ended, and in the log of audit whether it was the last one. `false`: another vote has taken its place
/// meanwhile.
///
/// # Errors
/// The store's.
pub fn note(batch: &mut Batch<'_>, vote: &StoredVote, outcome: &Outcome) -> Result<bool, ApiError> {
    let failed = vote.attempts.saturating_add(1);
    let (stands, sent, why) = match outcome {
        Outcome::Sent(requests) => (batch.vote_sent(vote.no)?, Some(*requests), None),
        Outcome::Later { why, after } => {
            let wait =
                backoff::wait(failed, jitter(vote, failed)).map(|wait| wait.max(after.unwrap_or_default()));
            let next_us = wait.map(|wait| {
                batch.now_us().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
            });
            let stands = batch.vote_failed(vote.no, next_us, why)?;
            if next_us.is_some() {
                return Ok(stands);
            }
            (stands, None, Some(why))
        }
        Outcome::Refused(why) => (batch.vote_failed(vote.no, None, why)?, None, Some(why)),
        Outcome::Stopped => return Ok(true),
    };
    let of = |name: &str| vote.body.get(name).cloned().unwrap_or_default();
    let object = json!({
        "exchange": vote.exchange, "entry": of("entry"), "opinion": of("says"), "by": of("who"), "attempts": failed,
        "sent": sent, "why": why,
    });
    audit::note(batch, &Caller { key: Arc::from("vote") }, "exchange.vote", &object)?;
    Ok(stands)
}

/// FNV-1a: the same vote and attempt wait the same.
fn jitter(vote: &StoredVote, failed: u32) -> u64 {
    let bytes =
        vote.no.to_le_bytes().into_iter().chain(vote.created_us.to_le_bytes()).chain(failed.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Sends a vote on an entry that was fetched; gives how many requests were taken.
///
/// # Errors
/// [`VoteError`]; requests before the one that failed were taken, and may be sent again.
pub fn cast(
    api: &str,
    settings: &Settings,
    net: &mut dyn Transport,
    entry: &StoredEntry,
    ballot: &Ballot,
) -> Result<usize, VoteError> {
    if entry.row.line == 0 && entry.row.extra.is_none() {
        return Err(VoteError::NotFromThere);
    }
    let mut row = entry.row.clone();
    // An id that a person's entry had before.
    if let Some(id) = row.entry.strip_prefix(&format!("{}:", super::source(api))) {
        row.entry = id.to_owned();
    }
    let Ballot { says, signal, reasons, tags } = ballot;
    let vote = Vote { entry: &row, says: *says, signal: *signal, reasons, tags };
    Ok(client::vote(api, settings, net, &vote)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_do_better_later_is_told_from_what_never_will() {
        let of = |error: ClientError| Outcome::from(Err(VoteError::Client(error)));
        let later = ClientError::Later { reason: "busy".into(), after: Some(Duration::from_secs(9)) };
        assert_eq!(of(later), Outcome::Later { why: "busy".into(), after: Some(Duration::from_secs(9)) });
        assert!(matches!(of(ClientError::Credentials(401)), Outcome::Later { .. }));
        assert!(matches!(of(ClientError::Protocol("cut".into())), Outcome::Later { .. }));
        assert!(matches!(of(ClientError::Refused(404)), Outcome::Refused(_)));
        assert!(matches!(of(ClientError::Settings("no reason".into())), Outcome::Refused(_)));
        assert_eq!(of(ClientError::Stopped), Outcome::Stopped);
        assert!(matches!(Outcome::from(Err(VoteError::NotFromThere)), Outcome::Refused(_)));
        assert_eq!(Outcome::from(Ok(2)), Outcome::Sent(2));
    }
}
