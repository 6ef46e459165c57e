//! Tech Against Terrorism: hashes of verified terrorist content.
//!
//! ```text
//! POST base/token-auth/tcap/ ─▶ token        GET base/api/hash-list/v2/all?order=asc&after=CHECKPOINT ─▶ results, checkpoint, next
//! ```
//!
//! The service's own checkpoint (`time,id` of the last row) is the cursor, and never goes stale; `deleted` removes.
//! *Source:* facebook/ThreatExchange, `exchanges/clients/techagainstterrorism/api.py` and its tests' recorded answers.

use lodestone_types::{ListEntry, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::{Base, encode};
use super::json::{self as lax, flag, id, object, short, unknown};
use super::page::{Draft, Listed};
use super::retry::{Rules, ask};
use super::walk::{Progress, Tombs};
use super::{
    Checkpoint, Client, ClientError, Listing, MemberOpinion, Page, Request, Settings, Stance, Transport,
};

const API: &str = "tat";
/// The one service. *Source:* python-threatexchange 1.2.17.
pub(super) const ENVIRONMENTS: [(&str, &str); 1] = [("production", "https://app.terrorismanalytics.org")];
/// Files whose MD5 is one of a video. *Source:* python-threatexchange, `techagainstterrorism_api.py`.
const VIDEOS: [&str; 4] = ["mov", "m4v", "mp4", "webm"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// The service's own checkpoint.
    after: String,
    whole: bool,
    tombs: Tombs,
}

struct Tat {
    base: Base,
    login: Vec<u8>,
    token: Option<String>,
    rules: Rules,
    state: State,
    progress: Progress,
    is_first: bool,
    is_done: bool,
}

pub(super) fn open(
    settings: &Settings,
    checkpoint: Option<&Checkpoint>,
) -> Result<Box<dyn Client>, ClientError> {
    let base = settings.base(&ENVIRONMENTS)?;
    let (user, password) = (settings.credential("username")?, settings.credential("password")?);
    let login = format!("username={}&password={}&resend=False", encode(user), encode(password)).into_bytes();
    let kept = Checkpoint::open::<State>(checkpoint, API, &base.text())?;
    let is_first = kept.is_none();
    let state = kept.unwrap_or(State { whole: true, ..State::default() });
    let mut progress = Progress::default();
    progress.restart(Some(&state.after));
    let rules = settings.rules;
    Ok(Box::new(Tat { base, login, token: None, rules, state, progress, is_first, is_done: false }))
}

/// A page as it was read.
struct Read {
    draft: Draft,
    checkpoint: Option<String>,
    has_more: bool,
}

impl Client for Tat {
    fn next_page(&mut self, net: &mut dyn Transport) -> Result<Option<Page>, ClientError> {
        if self.is_done {
            return Ok(None);
        }
        let is_fresh = self.token.is_none();
        let mut read = match self.ask(net) {
            // The token may have run out in the middle of a long fetch.
            Err(ClientError::Credentials(_)) if !is_fresh => {
                self.token = None;
                self.ask(net)?
            }
            other => other?,
        };
        self.state.tombs.settle(&mut read.draft);
        if read.has_more {
            let after = read.checkpoint.as_deref().unwrap_or_default();
            self.progress.step(read.draft.rows(), after)?;
        } else {
            self.is_done = true;
            self.state.tombs.clear();
        }
        // The last page, when it is empty, may have none.
        if let Some(after) = read.checkpoint {
            self.state.after = after;
        }
        let listing = match self.state.whole {
            true => Listing::Whole { is_first: self.is_first },
            false => Listing::Changes,
        };
        self.is_first = false;
        self.state.whole &= !self.is_done;
        let at_s = lax::seconds(self.state.after.split(',').next().map(|text| json!(text)).as_ref());
        let checkpoint = Checkpoint::make(API, &self.base.text(), at_s, &self.state);
        Ok(Some(read.draft.finish(checkpoint, listing, self.is_done)))
    }
}

impl Tat {
    fn token(&mut self, net: &mut dyn Transport) -> Result<String, ClientError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let url = self.base.join("/token-auth/tcap/");
        let request =
            Request::post(url, "application/x-www-form-urlencoded", self.login.clone()).repeatable();
        let token = ask(net, &self.rules, &request, |_, body| {
            let token = object(body)?.get("token").and_then(Value::as_str).map(str::to_owned);
            let fits = |token: &String| !token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic());
            token.filter(fits).ok_or_else(|| "an answer without a token".to_owned())
        });
        // Wrong names and passwords are told as a wrong request.
        let token = token.map_err(|error| match error {
            ClientError::Refused(status) => ClientError::Credentials(status),
            other => other,
        })?;
        self.token = Some(token.clone());
        Ok(token)
    }

    fn ask(&mut self, net: &mut dyn Transport) -> Result<Read, ClientError> {
        let token = self.token(net)?;
        let path = format!("/api/hash-list/v2/all?order=asc&after={}", encode(&self.state.after));
        let request = Request::get(self.base.join(&path)).with("Authorization", format!("Bearer {token}"));
        ask(net, &self.rules, &request, |_, body| {
            let answer = object(body)?;
            let results = answer.get("results").and_then(Value::as_array);
            let results = results.ok_or_else(|| "an answer without results".to_owned())?;
            let mut draft = Draft::default();
            for one in results {
                read_row(&mut draft, one);
            }
            let has_more = answer.get("next").is_some_and(|next| !next.is_null() && next != "");
            let checkpoint = answer.get("checkpoint").and_then(Value::as_str).map(str::trim);
            let fits = |text: &&str| !text.is_empty() && text.len() <= 200 && text.is_ascii();
            let checkpoint = checkpoint.filter(fits).map(str::to_owned);
            match has_more && checkpoint.is_none() {
                true => Err("more rows without a checkpoint for them".to_owned()),
                false => Ok(Read { draft, checkpoint, has_more }),
            }
        })
    }
}

fn read_row(draft: &mut Draft, row: &Value) {
    draft.row();
    let Some(key) = id(row.get("id")) else { return draft.reject("a row without an id") };
    let at_s = lax::seconds(row.get("updated_on"));
    if flag(row.get("deleted")) {
        return draft.remove(key, at_s);
    }
    let file_type = row.get("file_type").and_then(Value::as_str).map(short).unwrap_or_default();
    let is_video = VIDEOS.iter().any(|video| file_type.eq_ignore_ascii_case(video));
    let algorithm = row.get("algorithm").and_then(Value::as_str).unwrap_or_default();
    let kind = match algorithm.to_ascii_uppercase().replace('-', "").as_str() {
        "PDQ" => SignalType::Pdq,
        "MD5" if is_video => SignalType::VideoMd5,
        "MD5" => SignalType::Md5,
        "SHA1" => SignalType::Sha1,
        "SHA256" => SignalType::Sha256,
        _ => return unknown(draft, "algorithm", row.get("algorithm")),
    };
    let Some(text) = row.get("hash_digest").and_then(Value::as_str) else {
        return draft.reject("a row without its hash");
    };
    let Some(signal) = lax::signal(draft, kind, text) else { return };
    let ideology = row.get("ideology").and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
    let mut owner = MemberOpinion::new("techagainstterrorism.org", Stance::Lists);
    owner.tags.extend(ideology.clone());
    let entry = ListEntry {
        entry: key,
        signals: vec![signal],
        classification: ideology,
        extra: Some(json!({ "file_type": file_type })),
        ..ListEntry::default()
    };
    draft.upsert(Listed { entry, opinions: vec![owner] }, at_s);
}
