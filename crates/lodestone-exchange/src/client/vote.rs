//! A vote on an entry, sent back to the exchange that it came from.

use lodestone_types::{ListEntry, SignalType};

use super::retry::ask;
use super::{ClientError, Request, Settings, Transport, ncmec, stopncii, threatexchange};

/// What we say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It belongs there.
    Confirm,
    /// It does not.
    Dispute,
}

/// A vote on an entry.
#[derive(Clone, Copy, Debug)]
pub struct Vote<'v> {
    /// The entry as it was fetched: its id and `extra` name it to the exchange.
    pub entry: &'v ListEntry,
    /// What we say.
    pub says: Says,
    /// The fingerprint that is meant, where the exchange has votes for each; `None`: every one of the entry.
    pub signal: Option<SignalType>,
    /// Reasons, by NCMEC's guids; others have none.
    pub reasons: &'v [String],
    /// Tags, which StopNCII takes.
    pub tags: &'v [String],
}

impl Vote<'_> {
    /// Kinds of fingerprint that are meant, each once.
    pub(super) fn kinds(&self) -> Result<Vec<SignalType>, ClientError> {
        let mut kinds: Vec<SignalType> = self.entry.signals.iter().map(|signal| signal.kind()).collect();
        kinds.sort();
        kinds.dedup();
        if let Some(wanted) = self.signal {
            kinds.retain(|kind| *kind == wanted);
        }
        match kinds.is_empty() {
            true => Err(ClientError::settings("the entry has no such fingerprint")),
            false => Ok(kinds),
        }
    }
}

/// The requests that a vote is made of: to be shown, or sent. Nothing is sent here.
///
/// # Errors
/// [`ClientError::Settings`] when the interface has no votes, or the vote lacks what it needs.
pub fn vote_request(api: &str, settings: &Settings, vote: &Vote<'_>) -> Result<Vec<Request>, ClientError> {
    match api {
        "ncmec" => ncmec::vote_request(settings, vote),
        "stop_ncii" => stopncii::vote_request(settings, vote),
        "fb_threatexchange" => threatexchange::vote_request(settings, vote),
        _ => Err(ClientError::settings("this interface takes no votes")),
    }
}

/// Sends a vote; gives the number of requests that were taken. Sending it again replaces what was said.
///
/// # Errors
/// [`ClientError`]; requests before the one that failed were taken.
pub fn vote(
    api: &str,
    settings: &Settings,
    net: &mut dyn Transport,
    vote: &Vote<'_>,
) -> Result<usize, ClientError> {
    let requests = vote_request(api, settings, vote)?;
    for request in &requests {
        ask(net, &settings.rules, request, |_, _| Ok(()))?;
    }
    Ok(requests.len())
}
