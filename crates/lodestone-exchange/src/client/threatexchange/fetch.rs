//! The fetch: one walk through the changes since a time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::address::{Base, with, without};
use super::super::json::object;
use super::super::page::Draft;
use super::super::retry::{Rules, ask};
use super::super::walk::{Progress, Tombs};
use super::super::{Checkpoint, Client, ClientError, Listing, Page, Request, Settings, Transport};
use super::{ENVIRONMENTS, record};

const API: &str = "fb_threatexchange";
const TOKEN: &str = "access_token";
/// Records of a page; Graph takes up to 1,000. *Source:* python-threatexchange takes 100 and 500.
const PAGE: u32 = 500;
const FIELDS: &str =
    "indicator,type,last_updated,should_delete,descriptors{id,reactions,owner{id},tags,status}";
/// How long the address of a page is taken to be good.
const CURSOR_AGE_S: i64 = 12 * 3600;
/// Tombstones are kept for 90 days. *Source:* python-threatexchange, `FBThreatExchangeCheckpoint`.
const STALE_S: i64 = 85 * 86_400;
/// A record may be this far ahead of our clock; one beyond it must not move the checkpoint past everything.
const AHEAD_S: i64 = 3600;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Changes up to here are known; 0: none.
    start: i64,
    /// The latest change on the pages of this walk.
    latest: i64,
    /// Path and query of the next page, without the token.
    next: Option<String>,
    opened_s: i64,
    fetched_s: i64,
    whole: bool,
    tombs: Tombs,
}

struct ThreatExchange {
    base: Base,
    group: u64,
    token: String,
    scope: String,
    rules: Rules,
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
    let group = settings.whole("privacy_group");
    let group = group.ok_or_else(|| ClientError::settings("privacy_group is missing"))?;
    let scope = format!("{} {group}", base.text());
    let kept = Checkpoint::open::<State>(checkpoint, API, &scope)?;
    let is_first = kept.is_none();
    Ok(Box::new(ThreatExchange {
        group,
        token: settings.credential("api_token")?.to_owned(),
        rules: settings.rules,
        state: kept.unwrap_or(State { whole: true, ..State::default() }),
        progress: Progress::default(),
        has_begun: false,
        is_done: false,
        base,
        scope,
        is_first,
    }))
}

/// A page as it was read.
struct Read {
    draft: Draft,
    next: Option<String>,
    latest: Option<i64>,
}

impl Client for ThreatExchange {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        self.begin(net.now_s());
        let had_cursor = self.state.next.is_some();
        let mut read = match self.ask(net) {
            // The cursor has expired: the same walk from its beginning.
            Err(error) if had_cursor && error.is_refusal() => {
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
        self.state.latest = self.state.latest.max(read.latest.unwrap_or(0).min(now_s + AHEAD_S));
        match read.next {
            Some(next) => {
                self.progress.step(read.draft.rows(), &next)?;
                self.state.next = Some(next);
            }
            None => {
                self.state.start = self.state.start.max(self.state.latest);
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
        let checkpoint = Checkpoint::make(API, &self.scope, Some(self.state.start), &self.state);
        Ok(Some(read.draft.finish(checkpoint, listing, self.is_done)))
    }
}

impl ThreatExchange {
    fn begin(&mut self, now_s: i64) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let state = &mut self.state;
        if state.fetched_s != 0 && now_s - state.fetched_s > STALE_S {
            (state.start, state.whole, self.is_first) = (0, true, true);
            self.restart();
        } else if !(0..CURSOR_AGE_S).contains(&(now_s - state.opened_s)) {
            self.restart();
        }
        self.progress.restart(self.state.next.as_deref());
    }

    fn restart(&mut self) {
        (self.state.next, self.state.opened_s, self.state.latest) = (None, 0, 0);
        self.state.tombs.clear();
        self.progress.restart(None);
    }

    fn ask(&self, net: &mut dyn Transport) -> Result<Read, ClientError> {
        let url = match &self.state.next {
            Some(next) => self.base.at(&with(next, TOKEN, &self.token)),
            None => {
                let path = format!("/{}/threat_updates/?limit={PAGE}", self.group);
                let path = with(&with(&path, "fields", FIELDS), TOKEN, &self.token);
                self.base.join(&match self.state.start {
                    0 => path,
                    start => with(&path, "start_time", &start.to_string()),
                })
            }
        };
        ask(net, &self.rules, &Request::get(url), |_, body| {
            let answer = object(body)?;
            let data = answer.get("data").and_then(Value::as_array);
            let data = data.ok_or_else(|| "an answer without data".to_owned())?;
            let mut draft = Draft::default();
            let latest = data.iter().filter_map(|one| record::read(&mut draft, one)).max();
            let next = answer.get("paging").and_then(|paging| paging.get("next")).and_then(Value::as_str);
            let next = next.filter(|next| !next.is_empty()).map(|next| self.base.next(next)).transpose()?;
            Ok(Read { draft, next: next.map(|next| without(&next, TOKEN)), latest })
        })
    }
}
