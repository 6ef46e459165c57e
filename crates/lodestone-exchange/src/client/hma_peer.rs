//! A Hasher-Matcher-Actioner: one of its banks, asked for content by content.
//!
//! HMA lists no bank, so its numbers are tried one after another: `GET base/c/bank/BANK/content/N`. Numbers run over all
//! banks, and the bank in the path is not checked, so each answer's own bank is. A fetch asks for numbers beyond the last
//! one it knows and ends after many that are not there; once a day all are asked for again, to notice what has gone.
//! One request an entry: for moving from HMA, and for small banks.
//! *Source:* HMA 1.1.7, `blueprints/curation.py`.

use lodestone_types::{ListEntry, Signal, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::{Base, encode};
use super::json::{object, short};
use super::lodestone_peer::{authorized, bearer};
use super::page::{Draft, Listed, word};
use super::retry::ask;
use super::{
    Checkpoint, Client, ClientError, Listing, MemberOpinion, Page, Request, Settings, Stance, Transport,
};

const API: &str = "hma";
/// Numbers asked for in one page.
const PAGE: u32 = 200;
/// Numbers in a row that are not there, behind which there is nothing. More may go at once in a deleted exchange's bank.
const GAP: u64 = 1_000;
/// After that long, all numbers are asked for again.
const WHOLE_S: i64 = 86_400;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// The number to be asked for next.
    next: u64,
    /// The last one that was there, of any bank.
    highest: u64,
    whole: bool,
    whole_s: i64,
    fetched_s: i64,
}

struct Hma {
    base: Base,
    bank: String,
    authorization: Option<String>,
    scope: String,
    settings: Settings,
    state: State,
    has_begun: bool,
    is_first: bool,
    is_done: bool,
}

pub(super) fn open(
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    let base = settings.base(&[])?;
    let bank =
        settings.text("bank").ok_or_else(|| ClientError::settings("bank is missing: which of the peer's"))?;
    let scope = base.join(&format!("/c/bank/{}", encode(bank)));
    let kept = Checkpoint::open::<State>(checkpoint, API, &scope)?;
    let is_first = kept.is_none();
    Ok(Box::new(Hma {
        base,
        bank: bank.to_owned(),
        authorization: bearer(settings)?,
        scope,
        settings: settings.clone(),
        state: kept.unwrap_or(State { next: 1, highest: 0, whole: true, whole_s: 0, fetched_s: 0 }),
        has_begun: false,
        is_first,
        is_done: false,
    }))
}

impl Client for Hma {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        self.begin(net)?;
        let mut draft = Draft::default();
        for _ in 0..PAGE {
            if self.state.next > self.state.highest + GAP {
                self.is_done = true;
                break;
            }
            let number = self.state.next;
            if let Some(content) = self.ask(net, number)? {
                self.state.highest = number;
                read(&mut draft, &content, number, &self.bank, net.now_s());
            }
            self.state.next += 1;
        }
        let listing = match self.state.whole {
            true => Listing::Whole { is_first: self.is_first },
            false => Listing::Changes,
        };
        self.is_first = false;
        self.state.fetched_s = net.now_s();
        if self.is_done {
            self.state.next = self.state.highest + 1;
            self.state.whole = false;
        }
        let checkpoint = Checkpoint::make(API, &self.scope, Some(self.state.fetched_s), &self.state);
        Ok(Some(draft.finish(checkpoint, listing, self.is_done)))
    }
}

impl Hma {
    fn begin(&mut self, net: &mut dyn Transport) -> Result<(), ClientError> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        // A bank that is not there must not look like one without content.
        let request = authorized(Request::get(self.scope.clone()), self.authorization.as_ref());
        ask(net, &self.settings.rules, &request, |_, body| object(body).map(drop))?;
        let now_s = net.now_s();
        if !self.state.whole && now_s - self.state.whole_s > WHOLE_S {
            (self.state.next, self.state.whole, self.is_first) = (1, true, true);
        }
        if self.is_first {
            self.state.whole_s = now_s;
        }
        Ok(())
    }

    fn ask(&self, net: &mut dyn Transport, number: u64) -> Result<Option<Value>, ClientError> {
        let path = format!("/c/bank/{}/content/{number}?include_signals=true", encode(&self.bank));
        let request = authorized(Request::get(self.base.join(&path)), self.authorization.as_ref());
        match ask(net, &self.settings.rules, &request, |_, body| object(body)) {
            Ok(content) => Ok(Some(content)),
            Err(ClientError::Refused(404)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn read(draft: &mut Draft, content: &Value, number: u64, bank: &str, now_s: i64) {
    draft.row();
    let of = content.get("bank").and_then(|bank| bank.get("name")).and_then(Value::as_str);
    if of != Some(bank) {
        return draft.skip("content of another bank");
    }
    let key = number.to_string();
    // 1 is HMA's "never"; 0 is "for ever".
    let until_s = content.get("disable_until_ts").and_then(Value::as_i64).unwrap_or(1);
    if until_s == 0 || until_s > now_s {
        draft.skip("content that is switched off");
        return draft.remove(key, None);
    }
    let mut signals = Vec::new();
    for (name, value) in content.get("signals").and_then(Value::as_object).into_iter().flatten() {
        let Some(kind) = SignalType::from_wire(name) else {
            draft.skip(format!("signal type {}", word(name)));
            continue;
        };
        match value.as_str().and_then(|text| Signal::parse(kind, text).ok()) {
            Some(signal) if signal.says_nothing() => draft.skip("values that say nothing"),
            Some(signal) => signals.push(signal),
            None => draft.skip(format!("{kind} value that cannot be read")),
        }
    }
    if signals.is_empty() {
        draft.skip("content without a signal that can be matched");
        return draft.remove(key, None);
    }
    let note = content.get("note").and_then(Value::as_str).map(short);
    let entry = ListEntry {
        entry: key,
        signals,
        extra: note.map(|note| json!({ "note": note })),
        ..ListEntry::default()
    };
    draft.upsert(Listed { entry, opinions: vec![MemberOpinion::new("peer", Stance::Lists)] }, None);
}
