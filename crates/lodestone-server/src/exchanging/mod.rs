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
mod run;
mod setup;
mod transport;
pub(crate) mod vote_loop;
pub(crate) mod votes;
pub(crate) mod withdrawn;

pub use apply::{Applied, Step, apply};
pub use kept::{Kept, Tally};
pub use run::{Connect, FetchError, Fetched, dry_run, fetch};
pub use setup::{NewNetworkExchange, add, forget, settings_of};
pub use transport::{NetTransport, OPERATOR, outbound_for};
pub use votes::{Ballot, Outcome, VoteError, Waiting, attempt, cast, note as note_vote, queue as queue_vote};
pub use withdrawn::{WITHDRAWN, Withdrawn, find_withdrawn, forget_lost, mark_withdrawn};

/// What the source of an exchange's entries is called.
pub(crate) fn source(api: &str) -> String {
    format!("{}{api}", lodestone_store::EXCHANGE_SOURCE)
}
