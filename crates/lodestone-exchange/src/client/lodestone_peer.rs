//! Another Lodestone: one of its banks, as the list it exports.
//!
//! ```text
//! GET base/v1/banks/BANK ─▶ version, entries ─(changed?)─▶ GET base/v1/banks/BANK/export?format=ndjson ─▶ rows, streamed
//! ```
//!
//! An export is of one generation and whole, so every fetch after a change reads the whole list; what it no longer names
//! is gone. A killed fetch begins anew. An export that breaks off, or has fewer rows than the bank, ends nothing.

use lodestone_types::{Reject, RejectKind, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::{Base, encode};
use super::json::object;
use super::page::{Draft, Listed};
use super::retry::{ask, open as open_stream};
use super::{
    Checkpoint, Client, ClientError, Listing, MemberOpinion, Page, Request, Settings, Stance, Transport,
};
use crate::format::{self, Entries, ListFormat, ReadOptions};

const API: &str = "lodestone";
/// Rows of a page.
const PAGE: usize = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Which state of the bank was read to its end.
    seen: String,
    fetched_s: i64,
}

struct Peer {
    base: Base,
    bank: String,
    authorization: Option<String>,
    scope: String,
    settings: Settings,
    state: State,
    reading: Option<Reading>,
    is_done: bool,
}

/// An export that is being read.
struct Reading {
    rows: Entries<'static>,
    seen: String,
    /// Rows that the bank has, and those that came.
    expected: u64,
    read: u64,
    is_first: bool,
}

pub(super) fn open(
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    let base = settings.base(&[])?;
    let bank =
        settings.text("bank").ok_or_else(|| ClientError::settings("bank is missing: which of the peer's"))?;
    let bank = encode(bank);
    let scope = base.join(&format!("/v1/banks/{bank}"));
    let state = Checkpoint::open::<State>(checkpoint, API, &scope)?.unwrap_or_default();
    let authorization = bearer(settings)?;
    let settings = settings.clone();
    Ok(Box::new(Peer { base, bank, authorization, scope, settings, state, reading: None, is_done: false }))
}

/// `Authorization` by a token, where there is one.
pub(super) fn bearer(settings: &Settings) -> Result<Option<String>, ClientError> {
    Ok(settings.maybe_credential("token")?.map(|token| format!("Bearer {token}")))
}

/// A request with the authorization, where there is one.
pub(super) fn authorized(request: Request, authorization: Option<&String>) -> Request {
    match authorization {
        Some(value) => request.with("Authorization", value.as_str()),
        None => request,
    }
}

impl Client for Peer {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => match self.begin(net)? {
                Some(reading) => reading,
                None => {
                    self.is_done = true;
                    self.state.fetched_s = net.now_s();
                    return Ok(Some(Draft::default().finish(self.checkpoint(), Listing::Changes, true)));
                }
            },
        };
        let mut draft = Draft::default();
        let mut is_last = true;
        for row in reading.rows.by_ref() {
            draft.row();
            reading.read += 1;
            take(&mut draft, row)?;
            if draft.rows() == PAGE as u64 {
                is_last = false;
                break;
            }
        }
        let listing = Listing::Whole { is_first: std::mem::replace(&mut reading.is_first, false) };
        if is_last {
            if reading.read < reading.expected {
                let reason =
                    "the export has fewer rows than the bank: it was cut, or the bank changed".to_owned();
                return Err(ClientError::Later { reason, after: None });
            }
            self.state = State { seen: reading.seen, fetched_s: net.now_s() };
            self.is_done = true;
        } else {
            self.reading = Some(reading);
        }
        Ok(Some(draft.finish(self.checkpoint(), listing, is_last)))
    }
}

fn take(draft: &mut Draft, row: Result<lodestone_types::ListEntry, Reject>) -> Result<(), ClientError> {
    match row {
        Ok(mut entry) => {
            // Times of versions are those of the exchange that the peer has it from, not the peer's.
            let opinions = vec![MemberOpinion::new("peer", Stance::Lists)];
            entry.line = 0;
            draft.upsert(Listed { entry, opinions }, None);
        }
        Err(reject) if reject.kind == RejectKind::Fatal => {
            return Err(ClientError::Later { reason: format!("the export: {}", reject.reason), after: None });
        }
        Err(reject) if reject.kind == RejectKind::Ignored => draft.skip("values that say nothing"),
        Err(reject) => draft.reject(reject.reason),
    }
    Ok(())
}

impl Peer {
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::make(API, &self.scope, Some(self.state.fetched_s).filter(|at_s| *at_s > 0), &self.state)
    }

    /// Opens an export; `None` when the bank is as it was.
    fn begin(&self, net: &mut dyn Transport) -> Result<Option<Reading>, ClientError> {
        let request = authorized(Request::get(self.scope.clone()), self.authorization.as_ref());
        let (seen, expected) = ask(net, &self.settings.rules, &request, |_, body| {
            let bank = object(body)?;
            let number = |name: &str| bank.get(name).and_then(Value::as_u64);
            let (version, entries) = number("version")
                .zip(number("entries"))
                .ok_or_else(|| "a bank without version and entries".to_owned())?;
            Ok((format!("{version} {entries} {}", number("created_us").unwrap_or(0)), entries))
        })?;
        if seen == self.state.seen {
            return Ok(None);
        }
        let rows: Entries<'static> = match expected {
            0 => Box::new(std::iter::empty()),
            _ => {
                let url = self.base.join(&format!("/v1/banks/{}/export?format=ndjson", self.bank));
                let request = authorized(Request::get(url), self.authorization.as_ref());
                let response = open_stream(net, &self.settings.rules, &request)?;
                let options = ReadOptions {
                    format: Some(ListFormat::Ndjson),
                    declared: None::<SignalType>,
                    ..ReadOptions::default()
                };
                let list = format::open(response.body, &options)
                    .map_err(|refusal| ClientError::Protocol(refusal.to_string()))?;
                list.entries
            }
        };
        Ok(Some(Reading { rows, seen, expected, read: 0, is_first: true }))
    }
}
