//! Meta's ThreatExchange: the changes of a privacy group.
//!
//! ```text
//! base/GROUP/threat_updates/?start_time=…&limit=…&fields=… ─▶ data[], paging.next ─▶ …
//! ```
//!
//! `should_delete`, or a record without descriptors, is a tombstone; tombstones are kept for 90 days, so that a
//! checkpoint of more than 85 days begins anew. Owners' statuses and others' reactions are opinions.
//! The address of the next page holds the access token: what is kept of it does not.
//! *Source:* facebook/ThreatExchange, `exchanges/impl/fb_threatexchange_api.py`, `clients/fb_threatexchange/`.

mod fetch;
mod record;

pub(super) use fetch::open;

use serde_json::Value;

use super::address::encode;
use super::vote::{Says, Vote};
use super::{ClientError, Request, Settings};

/// The one service. *Source:* python-threatexchange 1.2.17.
pub const ENVIRONMENTS: [(&str, &str); 1] = [("production", "https://graph.facebook.com/v21.0")];

/// A reaction to every descriptor of an entry.
pub(super) fn vote_request(settings: &Settings, vote: &Vote<'_>) -> Result<Vec<Request>, ClientError> {
    vote.kinds()?;
    let base = settings.base(&ENVIRONMENTS)?;
    let token = encode(settings.credential("api_token")?);
    let reaction = match vote.says {
        Says::Confirm => "HELPFUL",
        Says::Dispute => "DISAGREE_WITH_TAGS",
    };
    let descriptors = vote.entry.extra.as_ref().and_then(|extra| extra.get("descriptors")?.as_array());
    let ids = descriptors.into_iter().flatten().filter_map(|one| one.get("id").and_then(Value::as_str));
    let requests: Vec<Request> = ids
        .map(|id| {
            let url = base.join(&format!("/{}/?access_token={token}", encode(id)));
            let body = format!("reactions={reaction}").into_bytes();
            Request::post(url, "application/x-www-form-urlencoded", body).repeatable()
        })
        .collect();
    match requests.is_empty() {
        true => Err(ClientError::settings("the entry has no descriptor to react to")),
        false => Ok(requests),
    }
}
