//! StopNCII: hashes that people made of their own pictures, and withdraw again.
//!
//! ```text
//! base/FetchHashes?startTimestamp=…&pageSize=800 ─▶ hashRecords, nextPageToken while hasMoreRecords ─▶ nextSetTimestamp
//! ```
//!
//! A record replaces the earlier one of its hash; `Withdrawn` and `Deleted` remove it. Words that are not known here
//! occur: a record with one in its type or status is passed over and counted, a feedback with one likewise, without its
//! record. Case numbers are not kept: they name people's cases.
//! *Source:* facebook/ThreatExchange, `exchanges/clients/stopncii/api.py` and its tests' recorded answers.

mod fetch;
mod record;
mod send;

pub(super) use fetch::open;
pub(super) use send::vote_request;
pub use send::{Submission, submit};

use super::{ClientError, Request, Settings};

/// The one service.
pub const ENVIRONMENTS: [(&str, &str); 1] = [("production", "https://api.stopncii.org/v1")];

/// A request with its two keys; each function of the service has a key of its own.
fn keyed(settings: &Settings, request: Request, function_key: &str) -> Result<Request, ClientError> {
    Ok(request
        .with("x-functions-key", settings.credential(function_key)?)
        .with("Ocp-Apim-Subscription-Key", settings.credential("subscription_key")?))
}
