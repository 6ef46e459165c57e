//! The fetch: windows of time, each walked through page by page.

use serde::{Deserialize, Serialize};

use super::super::address::{Base, encode};
use super::super::page::Draft;
use super::super::retry::{Head, Rules, ask};
use super::super::time::iso;
use super::super::walk::{Progress, Tombs};
use super::super::{Checkpoint, Client, ClientError, Listing, Page, Request, Settings, Transport};
use super::{ENVIRONMENTS, authorization, entry, xml};

const API: &str = "ncmec";
/// Addresses of pages are valid for some 12 hours. *Source:* facebook/ThreatExchange, issue 1744.
const CURSOR_AGE_S: i64 = 11 * 3600;
/// A window begins this long before the end of the last one: what was written while that was read may bear a time just
/// before its end. *Source:* python-threatexchange stays 5 s behind the present for the same reason.
const OVERLAP_S: i64 = 5;
/// A service's clock that stands before 2020 is none.
const SANE_S: i64 = 1_577_836_800;
/// What a window shrinks by when the service cannot open it, or its pages expire before they are all read.
const SHRINK: i64 = 64;
/// How often a window shrinks, or is begun anew, in one fetch.
const MAX_RESTARTS: u32 = 3;
/// Pages of a window that is small enough to double the next one.
const SMALL_PAGES: u32 = 200;

/// What is kept of a fetch. A window is open when `to` is not 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    from: i64,
    to: i64,
    /// Path and query of the next page of the window.
    next: Option<String>,
    opened_s: i64,
    /// The service's own clock when the window was opened.
    service_s: Option<i64>,
    /// Largest window; 0: up to the present.
    width_s: i64,
    pages: u32,
    /// The whole list is being read.
    whole: bool,
    tombs: Tombs,
}

struct Ncmec {
    base: Base,
    authorization: String,
    only: Vec<u64>,
    scope: String,
    rules: Rules,
    state: State,
    progress: Progress,
    /// The end of this fetch: the present when it began.
    until: Option<i64>,
    is_first: bool,
    restarts: u32,
    is_done: bool,
}

pub(in super::super) fn open(
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    let base = settings.base(&ENVIRONMENTS)?;
    let only = settings.wholes("only_esp_ids")?;
    // Other members wanted than before: what was passed over has to be read.
    let scope = format!("{} {only:?}", base.text());
    let kept = Checkpoint::open::<State>(checkpoint, API, &scope)?;
    let is_first = kept.is_none();
    let state = kept.unwrap_or(State { whole: true, ..State::default() });
    Ok(Box::new(Ncmec {
        authorization: authorization(settings)?,
        rules: settings.rules,
        progress: Progress::default(),
        until: None,
        restarts: 0,
        is_done: false,
        base,
        only,
        scope,
        state,
        is_first,
    }))
}

/// A page as it was read.
struct Read {
    draft: Draft,
    next: Option<String>,
    head: Head,
}

impl Client for Ncmec {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        let until = match self.until {
            Some(until) => until,
            None => self.begin(net.now_s()),
        };
        let mut read = self.read(net, until)?;
        self.state.tombs.settle(&mut read.draft);
        self.state.pages = self.state.pages.saturating_add(1);
        if self.state.pages == 1 {
            self.state.service_s = read.head.date_s;
        }
        match read.next {
            Some(next) => {
                let next = self.base.next(&next).map_err(ClientError::Protocol)?;
                self.progress.step(read.draft.rows(), &next)?;
                self.state.next = Some(next);
            }
            None => self.close(until),
        }
        let listing = match self.state.whole {
            true => Listing::Whole { is_first: self.is_first },
            false => Listing::Changes,
        };
        self.is_first = false;
        if self.is_done {
            self.state.whole = false;
        }
        let checkpoint = Checkpoint::make(API, &self.scope, Some(self.state.from), &self.state);
        Ok(Some(read.draft.finish(checkpoint, listing, self.is_done)))
    }
}

impl Ncmec {
    /// What this fetch reads up to; a cursor that has expired meanwhile is given up, its window is not.
    fn begin(&mut self, now_s: i64) -> i64 {
        let state = &mut self.state;
        if state.next.is_some() && !(0..CURSOR_AGE_S).contains(&(now_s - state.opened_s)) {
            state.next = None;
        }
        // A clock that was set back must not make a window of negative length.
        state.from = state.from.min(now_s - OVERLAP_S).max(0);
        self.progress.restart(state.next.as_deref());
        let until = now_s.max(1);
        self.until = Some(until);
        until
    }

    /// The next page of the window; one that cannot be had is begun anew, and made smaller.
    fn read(&mut self, net: &mut dyn Transport, until: i64) -> Result<Read, ClientError> {
        loop {
            let is_open = self.state.to != 0;
            if !is_open {
                self.open_window(net.now_s(), until);
            }
            let error = match self.ask(net) {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            let is_expired = self.state.next.is_some() && error.is_refusal();
            let is_too_much = self.state.next.is_none()
                && self.state.to - self.state.from > SHRINK
                && matches!(error, ClientError::Later { after: None, .. });
            if !(is_expired || is_too_much) || self.restarts == MAX_RESTARTS {
                return Err(error);
            }
            self.restarts += 1;
            if is_too_much || self.restarts > 1 {
                self.state.width_s = ((self.state.to - self.state.from) / SHRINK).max(1);
                self.state.to = 0;
            }
            self.reopen(net.now_s());
        }
    }

    fn open_window(&mut self, now_s: i64, until: i64) {
        let state = &mut self.state;
        state.to = match state.width_s {
            0 => until,
            width_s => until.min(state.from.saturating_add(width_s)),
        };
        state.to = state.to.max(state.from + 1);
        state.tombs.clear();
        self.reopen(now_s);
    }

    /// Begins the window from its first page.
    fn reopen(&mut self, now_s: i64) {
        let state = &mut self.state;
        (state.next, state.opened_s, state.pages, state.service_s) = (None, now_s, 0, None);
        self.progress.restart(None);
    }

    /// The window was read to its end.
    fn close(&mut self, until: i64) {
        let state = &mut self.state;
        // Nothing is known beyond the service's own present: our clock may run ahead of it.
        let service_s = state.service_s.filter(|at_s| *at_s > SANE_S).unwrap_or(i64::MAX);
        self.is_done = state.to >= until || service_s < state.to;
        // Opened at its very end, it may have missed what was written in its last seconds.
        let was_present = self.is_done || state.to + OVERLAP_S >= state.opened_s;
        let next_from = state.to.min(service_s) - if was_present { OVERLAP_S } else { 0 };
        let least = if self.is_done { state.from } else { state.from + 1 };
        state.from = least.max(next_from);
        if state.width_s > 0 && state.pages <= SMALL_PAGES {
            state.width_s = state.width_s.saturating_mul(2);
        }
        (state.to, state.next, state.pages) = (0, None, 0);
        state.tombs.clear();
    }

    fn ask(&self, net: &mut dyn Transport) -> Result<Read, ClientError> {
        let state = &self.state;
        let url = match &state.next {
            Some(next) => self.base.at(next),
            None => {
                let (from, to) = (encode(&iso(state.from)), encode(&iso(state.to)));
                self.base.join(&format!("/v2/entries?from={from}&to={to}"))
            }
        };
        let request = Request::get(url).with("Authorization", self.authorization.as_str());
        ask(net, &self.rules, &request, |head, body| {
            let (mut draft, mut next) = (Draft::default(), None);
            xml::rows(body, "queryResult", 2, |parent, node| match (parent, node) {
                ("images" | "videos", Ok(node)) => entry::read(&mut draft, &node, &self.only),
                ("images" | "videos", Err(why)) => {
                    draft.row();
                    draft.reject(format!("an entry cannot be read: {why}"));
                }
                ("paging", Ok(node)) if node.name == "next" => {
                    next = Some(node.text).filter(|next| !next.is_empty());
                }
                _ => {}
            })?;
            Ok(Read { draft, next, head })
        })
    }
}
