//! One request out, with every address checked first; signed webhooks; secrets sealed at rest; keys of the interface.
//!
//! A server that fetches what a stranger names can be made to fetch from its own network (server-side request forgery).
//! Here every outgoing request passes one gate:
//!
//! ```text
//! url ─parse─▶ scheme, port, name ─one look-up─▶ every address checked ─▶ a connection to those addresses, no others
//!   ▲                                                                                      │
//!   └────────────────────────── a redirect starts again from the left ◀────────────────────┘
//! ```
//!
//! - [`Outbound`] is the policy, [`fetch()`], [`post`] and [`request()`] act on it. All block: call them from threads.
//! - [`address`] says which addresses are public, [`Network`] names exceptions, [`Lookup`] is the name service.
//! - [`webhook`] signs and verifies as Standard Webhooks 1.0.0 wants it; [`backoff`] says when to try again.
//! - [`seal`] keeps credentials encrypted in the database, under keys from a file or the environment.
//! - [`token`] makes and checks the keys that clients of the server send.
//!
//! Nothing here writes a log line, and no error text holds the path, the query or the user part of a URL.
#![forbid(unsafe_code)]

pub mod address;
pub mod backoff;
mod error;
mod fetch;
mod guard;
mod hex;
mod lookup;
mod network;
mod proxy;
mod request;
pub mod seal;
mod secret;
pub mod token;
mod transport;
pub mod webhook;

pub use error::{NetError, Why};
pub use fetch::{Answer, Fetched, MAX_ANSWER_BYTES, fetch, fetch_within, post};
pub use guard::{CertificateError, Outbound, Root};
pub use lookup::{Lookup, SystemLookup};
pub use network::{BadNetwork, Network};
pub use proxy::{BadProxy, Proxy};
pub use request::{Body, Method, Request, Response, request};
pub use secret::Secret;
