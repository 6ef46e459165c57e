//! Clients of the services that lists come from: what changed since last time, page by page, with a checkpoint each.
//!
//! ```text
//! Settings, Checkpoint ─▶ open ─▶ Client ──next_page(&mut Transport)──▶ Page { changes, checkpoint, counts } ─▶ one transaction
//!                                    ▲                                                                            │
//!                                    └───────────── killed at any point: open again with the last checkpoint ─────┘
//! ```
//!
//! - A client does no input or output: it asks a [`Transport`], which brings the network, the clock, waiting and chance.
//! - **Apply a page and its checkpoint in one transaction.** Then a fetch that is killed anywhere goes on without loss and
//!   without a duplicate: ids are the exchange's own, and the same page again changes nothing.
//! - **A dry run** is a fetch whose pages are counted and not applied.
//! - Nothing foreign is trusted: bodies, rows, texts and the number of empty pages are bounded, pages that lead in a circle
//!   end the fetch, what cannot be read is counted with its reason, and no answer sends credentials to another host.
//!
//! What each service offers, and what a client makes of it, is in `docs/exchanges.md`.

mod address;
mod checkpoint;
mod error;
mod hma_peer;
mod json;
mod lodestone_peer;
pub mod matcher;
pub mod ncmec;
mod page;
mod retry;
mod settings;
pub mod stopncii;
mod tat;
pub mod threatexchange;
mod time;
mod transport;
mod vote;
mod walk;

use lodestone_types::BankKind;

pub use crate::opinion::{MemberOpinion, OpinionPolicy, Stance};
pub use checkpoint::Checkpoint;
pub use error::ClientError;
pub use page::{Change, Counts, Listed, Listing, Page, What};
pub use retry::Rules;
pub use settings::Settings;
pub use transport::{Method, Request, Response, SendError, Transport};
pub use vote::{Says, Vote, vote, vote_request};

/// A fetch that is going on.
pub trait Client {
    /// The next page, or `None` after the last one.
    ///
    /// # Errors
    /// [`ClientError`]; the last page that was given stands, and a fetch from its checkpoint goes on there.
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError>;
}

/// Makes a client, or says why not.
type Open = fn(&Settings, Option<&Checkpoint>) -> Result<Box<dyn Client>, ClientError>;

/// A service that can be fetched from.
struct Service {
    name: &'static str,
    /// Names of environments with their base URLs, test twins first.
    environments: &'static [(&'static str, &'static str)],
    open: Open,
}

/// Every service, by the name of its interface.
const SERVICES: [Service; 6] = [
    Service { name: "ncmec", environments: &ncmec::ENVIRONMENTS, open: ncmec::open },
    Service { name: "stop_ncii", environments: &stopncii::ENVIRONMENTS, open: stopncii::open },
    Service {
        name: "fb_threatexchange",
        environments: &threatexchange::ENVIRONMENTS,
        open: threatexchange::open,
    },
    Service { name: "tat", environments: &tat::ENVIRONMENTS, open: tat::open },
    Service { name: "lodestone", environments: &[], open: lodestone_peer::open },
    Service { name: "hma", environments: &[], open: hma_peer::open },
];

/// Names of the interfaces that can be fetched from.
pub fn apis() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name)
}

/// Environments of an interface, matchers included, as name and base URL, the test twins first; empty where there is none,
/// or no such interface. They are the only addresses that are known here.
pub fn environments(api: &str) -> &'static [(&'static str, &'static str)] {
    of(api).unwrap_or(&[])
}

fn of(api: &str) -> Option<&'static [(&'static str, &'static str)]> {
    let service = SERVICES.iter().find(|service| service.name == api);
    service.map(|service| service.environments).or_else(|| matcher::environments(api))
}

/// Begins a fetch, or goes on where a checkpoint says. Nothing is sent yet.
///
/// # Errors
/// [`ClientError::Settings`], [`ClientError::Checkpoint`].
pub fn open(
    api: &str,
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    match SERVICES.iter().find(|service| service.name == api) {
        Some(service) => (service.open)(settings, checkpoint),
        None => Err(ClientError::settings("there is no client for this interface")),
    }
}

/// Whether there is a client for this interface.
pub fn is_known(api: &str) -> bool {
    SERVICES.iter().any(|service| service.name == api)
}

/// Names of the interfaces that there are clients for.
pub fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name)
}

/// The address that all requests of an exchange go to, matchers included, and whether whoever set it up gave the address
/// itself, and not the name of an environment.
///
/// # Errors
/// [`ClientError::Settings`].
pub fn base_url(api: &str, settings: &Settings) -> Result<(String, bool), ClientError> {
    let environments =
        of(api).ok_or_else(|| ClientError::settings("there is no client for this interface"))?;
    let is_given = settings.names_address();
    Ok((settings.base(environments)?.text(), is_given))
}

/// Whether an exchange of this interface is set up so that it could be fetched from, or asked. Nothing is sent.
///
/// # Errors
/// [`ClientError::Settings`].
pub fn check(api: &str, settings: &Settings) -> Result<(), ClientError> {
    match matcher::is_known(api) {
        true => matcher::open(api, settings).map(drop),
        false => open(api, settings, None).map(drop),
    }
}

/// Whether the service takes votes on what it lists.
pub fn takes_votes(api: &str) -> bool {
    matches!(api, "ncmec" | "stop_ncii" | "fb_threatexchange")
}

/// What the members of an exchange's bank are: generated material where the service says so by its database.
pub fn bank_kind(api: &str, settings: &Settings) -> BankKind {
    match api == "ncmec" && ncmec::is_generated(settings) {
        true => BankKind::KnownGenerated,
        false => BankKind::default(),
    }
}
