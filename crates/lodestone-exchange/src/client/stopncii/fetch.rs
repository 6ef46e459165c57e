//! The fetch: one set of pages from a time on; the time moves when the set was read to its end.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::address::{Base, encode};
use super::super::json::{object, seconds};
use super::super::page::Draft;
use super::super::retry::ask;
use super::super::walk::{Progress, Tombs};
use super::super::{Checkpoint, Client, ClientError, Listing, Page, Request, Settings, Transport};
use super::{ENVIRONMENTS, keyed, record};

const API: &str = "stop_ncii";
/// The earliest time. *Source:* python-threatexchange, `StopNCIIAPI.DEFAULT_START_TIME`.
const FIRST: i64 = 10;
const PAGE: u32 = 800;
/// Page tokens are "not valid over long periods"; how long is not said.
const TOKEN_AGE_S: i64 = 6 * 3600;
/// After that long without a fetch, everything is read anew. *Source:* python-threatexchange, `StopNCIICheckpoint`.
const STALE_S: i64 = 30 * 86_400;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    start: i64,
    token: Option<String>,
    opened_s: i64,
    fetched_s: i64,
    whole: bool,
    tombs: Tombs,
}

struct StopNcii {
    base: Base,
    settings: Settings,
    state: State,
    progress: Progress,
    has_begun: bool,
    is_first: bool,
    is_done: bool,
}

pub(in super::super) fn open(
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    let base = settings.base(&ENVIRONMENTS)?;
    keyed(settings, Request::get(String::new()), "fetch_function_key")?;
    let kept = Checkpoint::open::<State>(checkpoint, API, &base.text())?;
    let is_first = kept.is_none();
    let anew =
        State { start: FIRST, token: None, opened_s: 0, fetched_s: 0, whole: true, tombs: Tombs::default() };
    Ok(Box::new(StopNcii {
        base,
        settings: settings.clone(),
        state: kept.unwrap_or(anew),
        progress: Progress::default(),
        has_begun: false,
        is_first,
        is_done: false,
    }))
}

/// A page as it was read.
struct Read {
    draft: Draft,
    next: Option<String>,
    set_s: Option<i64>,
}

impl Client for StopNcii {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        self.begin(net.now_s());
        let had_token = self.state.token.is_some();
        let mut read = match self.ask(net) {
            // The token has expired: the same set from its beginning.
            Err(error) if had_token && error.is_refusal() => {
                self.restart();
                self.ask(net)?
            }
            other => other?,
        };
        self.state.tombs.settle(&mut read.draft);
        let now_s = net.now_s();
        if self.state.opened_s == 0 {
            self.state.opened_s = now_s;
        }
        self.state.fetched_s = now_s;
        match read.next {
            Some(token) => {
                self.progress.step(read.draft.rows(), &token)?;
                self.state.token = Some(token);
            }
            None => {
                // Of the last page, as the service says; never back, and never beyond our own present.
                let set_s = read.set_s.unwrap_or(self.state.start).min(now_s);
                self.state.start = self.state.start.max(set_s);
                self.restart();
                self.is_done = true;
            }
        }
        let listing = match self.state.whole {
            true => Listing::Whole { is_first: self.is_first },
            false => Listing::Changes,
        };
        self.is_first = false;
        self.state.whole &= !self.is_done;
        let checkpoint = Checkpoint::make(API, &self.base.text(), Some(self.state.start), &self.state);
        Ok(Some(read.draft.finish(checkpoint, listing, self.is_done)))
    }
}

impl StopNcii {
    fn begin(&mut self, now_s: i64) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let state = &mut self.state;
        if state.fetched_s != 0 && now_s - state.fetched_s > STALE_S {
            (state.start, state.whole, self.is_first) = (FIRST, true, true);
            self.restart();
        } else if !(0..TOKEN_AGE_S).contains(&(now_s - state.opened_s)) {
            self.restart();
        }
        self.progress.restart(self.state.token.as_deref());
    }

    /// The set from its beginning.
    fn restart(&mut self) {
        (self.state.token, self.state.opened_s) = (None, 0);
        self.state.tombs.clear();
        self.progress.restart(None);
    }

    fn ask(&self, net: &mut dyn Transport) -> Result<Read, ClientError> {
        let mut path = format!("/FetchHashes?startTimestamp={}&pageSize={PAGE}", self.state.start);
        if let Some(token) = &self.state.token {
            path += &format!("&nextPageToken={}", encode(token));
        }
        let request = keyed(&self.settings, Request::get(self.base.join(&path)), "fetch_function_key")?;
        ask(net, &self.settings.rules, &request, |_, body| {
            let answer = object(body)?;
            let records = answer.get("hashRecords").and_then(Value::as_array);
            let records = records.ok_or_else(|| "an answer without hashRecords".to_owned())?;
            let mut draft = Draft::default();
            for one in records {
                record::read(&mut draft, one);
            }
            let has_more = answer.get("hasMoreRecords").and_then(Value::as_bool);
            let has_more = has_more.ok_or_else(|| "an answer without hasMoreRecords".to_owned())?;
            let token = answer.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty());
            let next = match (has_more, token) {
                (false, _) => None,
                (true, Some(token)) if token.len() <= 8 * 1024 => Some(token.to_owned()),
                (true, _) => return Err("more records without a token for them".to_owned()),
            };
            Ok(Read { draft, next, set_s: seconds(answer.get("nextSetTimestamp")) })
        })
    }
}
