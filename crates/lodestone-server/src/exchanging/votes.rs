//! A vote on an entry, back to where it came from.

use lodestone_exchange::client::{self, ClientError, Says, Settings, Transport, Vote};
use lodestone_store::StoredEntry;
use lodestone_types::SignalType;

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
