//! Running the clients of exchanges: the network they ask through, what they are set up with, and what becomes of a page.
//!
//! ```text
//! Exchange, sealed credentials ─▶ settings_of ─▶ Settings ─┐
//!                                   Outbound ─▶ NetTransport ┤
//!                                                           ▼
//!                                  fetch: client.next_page ─▶ Step ─▶ apply (one transaction: entries, checkpoint, counts)
//! ```
//!
//! [`fetch()`] knows neither a server nor a program: whoever runs it does each [`Step`] by [`apply()`] in a transaction of
//! the store, the server through its writing thread and the program by itself.

mod apply;
mod kept;
mod reasons;
mod remote;
mod run;
mod setup;
mod transport;
pub(crate) mod vote_loop;
pub(crate) mod votes;
pub(crate) mod withdrawn;

pub use apply::{Applied, Step, apply};
pub use kept::{Kept, Tally};
pub use reasons::{REASON_KINDS, named_reasons, reasons_of};
pub use remote::{Asker, RemoteAnswers, RemoteState, RemoteTally, signals_of};
pub use run::{Connect, FetchError, Fetched, dry_run, fetch};
pub use setup::{NewNetworkExchange, add, forget, has_own_credentials, settings_of};
pub use transport::{NetTransport, OPERATOR, outbound_for};
pub use votes::{Ballot, Outcome, VoteError, Waiting, attempt, cast, note as note_vote, queue as queue_vote};
pub use withdrawn::{WITHDRAWN, Withdrawn, find_withdrawn, forget_lost, mark_withdrawn};

/// What the source of an exchange's entries is called.
pub(crate) fn source(api: &str) -> String {
    format!("{}{api}", lodestone_store::EXCHANGE_SOURCE)
}

/// The interface of another server that entries of this source were fetched by.
pub(crate) fn api_of(source: &str) -> Option<&str> {
    let api = source.strip_prefix("exchange ")?;
    lodestone_exchange::client::is_known(api).then_some(api)
}

/// HMA's metadata of an entry that was fetched: by exchange, the keys under which it was.
pub(crate) fn collab(exchange: &lodestone_store::Exchange, entry: &str) -> serde_json::Value {
    // An id that a person's entry had before.
    let key = entry.strip_prefix(&format!("{}:", source(&exchange.api))).unwrap_or(entry);
    serde_json::json!({ "collab": { exchange.name.as_str(): [key] } })
}
