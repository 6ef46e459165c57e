//! `POST /v1/lookup`: many signals at once.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lodestone_engine::live::LiveState;
use lodestone_types::{Signal, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::reply::json_text;
use crate::looked::{self, Looked};
use crate::lookup::{Matches, Print, each_print, look_up, scans};
use crate::remotes::{self, Asking};
use crate::route::{About, For, Routes};
use crate::types::Types;
use crate::v1::asked::{Asked, Wanted};
use crate::v1::given::{Given, Signals, Word};
use crate::v1::match_files::quiet;
use crate::v1::told::{Hit, Hits, Quiets, Room, ToldAll, told};
use crate::v1::{cut, field, json};

/// Signals of one request.
const MAX_SIGNALS: usize = 10_000;
/// Of those, texts that are compared with every text there is.
const MAX_SCANS: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/v1/lookup",
        For::Role(Role::Match),
        About {
            summary: "What many signals match; results in their order, and an error for each that cannot be looked up. \
                      Signals of the same `ref` are taken for one file's: an exact digest of a negative or known-good \
                      bank then suppresses its similar matches, which are shown as suppressed",
            takes: const { &[
                field("signals", "array", true, "Up to 10,000 objects of `type`, `value` and, if wanted, `ref`"),
                field("banks", "array", false, "Names of banks that take part; all by default"),
                field("radius_bits", "integer", false, "PDQ distance, 0 to 64, instead of the banks' own"),
                field("forms", "array", false, "Also `negative`"),
                field(
                    "include",
                    "array",
                    false,
                    "More in each match: `signals`, `classification`, `tags`, `source`, `note`, `opinions`, `kind`",
                ),
                field("sender", "string", false, "Whose content it is, for the match log and the hold on floods"),
                field("seed", "string", false, "Banks take part by their ratio and this seed, as in HMA"),
                field("limit", "integer", false, "Matches told of each signal, 1 to 1000; 100 by default"),
                field(
                    "remote",
                    "array",
                    false,
                    "Names of exchanges of remote matchers that are asked too, for hashes only; told in `remote`",
                ),
            ] },
            answers: &[
                (200, "generation, banks with versions, and a result for each signal; `left_out` counts matches not told"),
                (400, "A field cannot be used"),
                (403, "The key has not the role, or may not see what is to be included"),
                (413, "Too many signals"),
                (415, "Not JSON"),
                (503, "The index cannot be read now"),
            ],
        },
        look_up_signals,
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    signals: Signals<MAX_SIGNALS>,
    #[serde(default)]
    banks: Option<Vec<String>>,
    #[serde(default, alias = "radius")]
    radius_bits: Option<u32>,
    #[serde(default)]
    forms: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    sender: Option<String>,
    #[serde(default)]
    seed: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    remote: Names,
}

/// Names: a list, or one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Names {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Many(names) => names,
        }
    }
}

/// One signal of a request.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    reference: Option<String>,
    signal: Result<Signal, String>,
}

#[derive(Serialize)]
struct Answered<'a> {
    index: usize,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<SignalType>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Told(ToldAll),
    Failed { error: String },
}

async fn look_up_signals(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let request: Request = json(&app, &headers, body).await?;
    if request.signals.beyond > 0 {
        let told = format!("at most {MAX_SIGNALS} signals a request");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, told));
    }
    if request.forms.iter().any(|form| form == "dihedral") {
        return Err(ApiError::bad("the other symmetries cannot be told from a hash: look the file up"));
    }
    let state = app.view.now();
    let Request { signals, banks, radius_bits, forms, include, sender, seed, limit, remote } = request;
    let matchers = remotes::named(&app, &remote.list()).await?;
    let wanted = Wanted { banks, radius_bits, forms, include, sender, seed, limit, layers: None };
    let asked = Asked::new(&app, &caller, &state, wanted)?;
    let items: Vec<Item> = signals.first.iter().map(|given| item(&app.types, given)).collect();
    drop(signals);
    let scanned = items.iter().filter(|one| one.signal.as_ref().is_ok_and(|signal| scans(signal.kind())));
    if scanned.count() > MAX_SCANS {
        let told = format!("at most {MAX_SCANS} texts a request: each is compared with all there are");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, told));
    }

    let begun = Instant::now();
    let asking = (!matchers.is_empty()).then(|| {
        let signals = items.iter().map(|item| item.signal.iter().cloned().collect()).collect();
        remotes::begin(&app, &caller, matchers, signals)
    });
    let (inside, seen) = (app.clone(), state.clone());
    tokio::task::spawn_blocking(move || {
        let mut answering = Answering::new(&inside, &seen, &caller, &asked);
        answering.all(&items)?;
        answering.ended(&items, begun, asking)
    })
    .await
    .map_err(|_| ApiError::unavailable("the look-up failed"))?
}

/// Answers item after item: each is looked up, written down, told as text and let go of before the next, so that what is
/// held does not grow with what the banks hold.
struct Answering<'a> {
    app: &'a App,
    state: &'a LiveState,
    caller: &'a Caller,
    asked: &'a Asked,
    room: Room,
    /// Matches that may yet be written down in full.
    left_to_write: usize,
    /// Results as JSON, with commas between.
    text: String,
    matched: Vec<bool>,
    errors: usize,
    failed: usize,
    left_out: u64,
}

/// Matches written down of one request, beyond which less is of each signal: the journal is bounded.
const WRITTEN: usize = 50_000;
/// So many of a bank then.
const WRITTEN_OF_A_BANK: u32 = 16;

impl<'a> Answering<'a> {
    fn new(app: &'a App, state: &'a LiveState, caller: &'a Caller, asked: &'a Asked) -> Self {
        Self {
            app,
            state,
            caller,
            asked,
            room: Room::default(),
            left_to_write: WRITTEN,
            text: String::new(),
            matched: Vec::new(),
            errors: 0,
            failed: 0,
            left_out: 0,
        }
    }

    /// Looks everything up, in the order of the items: PDQ together, the rest one by one.
    fn all(&mut self, items: &[Item]) -> Result<(), ApiError> {
        let quiet = quiet_by_ref(self.state, items);
        let hash =
            |item: &Item| item.signal.as_ref().ok().filter(|s| s.kind() == SignalType::Pdq)?.array::<32>();
        let pdq: Vec<(usize, [u8; 32])> =
            items.iter().enumerate().filter_map(|(at, item)| Some((at, hash(item)?))).collect();
        let prints: Vec<Print<'_>> = pdq.iter().map(|(_, hash)| Print { hash: *hash, others: &[] }).collect();
        let (state, ask) = (self.state, &self.asked.ask);
        let mut next = 0;
        each_print(state, &prints, ask, &mut |print, found| {
            let Some((at, _)) = pdq.get(print) else { return Ok(()) };
            self.others(items, next..*at, &quiet)?;
            next = at + 1;
            let Some(item) = items.get(*at) else { return Ok(()) };
            self.one(*at, item, found.map_err(|error| error.message().to_owned()), &quiet)
        })?;
        self.others(items, next..items.len(), &quiet)
    }

    /// Items that are no PDQ.
    fn others(
        &mut self,
        items: &[Item],
        places: std::ops::Range<usize>,
        quiet: &BTreeMap<&str, Quiets>,
    ) -> Result<(), ApiError> {
        let first = places.start;
        for (at, item) in (first..).zip(items.get(places).unwrap_or_default()) {
            let found = match &item.signal {
                Err(why) => Err(why.clone()),
                Ok(signal) => look_up(self.state, signal, &[], &self.asked.ask)
                    .map_err(|error| error.message().to_owned()),
            };
            self.one(at, item, found, quiet)?;
        }
        Ok(())
    }

    /// Writes down and tells what one item matches.
    fn one(
        &mut self,
        index: usize,
        item: &Item,
        found: Result<Matches, String>,
        quiet: &BTreeMap<&str, Quiets>,
    ) -> Result<(), ApiError> {
        let (outcome, is_known) = match (&item.signal, found) {
            (Err(error), _) => (Outcome::Failed { error: error.clone() }, None),
            (Ok(_), Err(error)) => {
                self.failed += 1;
                (Outcome::Failed { error }, Some(false))
            }
            (Ok(signal), Ok(matches)) => {
                let hits = hits(self.state, item, signal, matches, quiet);
                let is_known = self.write_down(item, signal, &hits)?;
                let found = !hits.hits.is_empty();
                let (app, state, asked) = (self.app, self.state, self.asked);
                let told = told(app, state, hits, &asked.extras, asked.limit, &mut self.room)?;
                self.left_out += told.left_out();
                self.matched.push(is_known);
                (Outcome::Told(told), Some(found))
            }
        };
        if let Some(found) = is_known {
            self.app.metrics.matched(found);
        }
        self.errors += usize::from(matches!(outcome, Outcome::Failed { .. }));
        let answered = Answered {
            index,
            reference: item.reference.as_deref(),
            kind: item.signal.as_ref().ok().map(Signal::kind),
            outcome,
        };
        let text = serde_json::to_string(&answered)
            .map_err(|error| ApiError::unavailable(format!("the answer cannot be written: {error}")))?;
        self.room.took(text.len());
        if index > 0 {
            self.text.push(',');
        }
        self.text.push_str(&text);
        Ok(())
    }

    /// Writes an event down, if there is one.
    fn write_down(&mut self, item: &Item, signal: &Signal, hits: &Hits) -> Result<bool, ApiError> {
        let looked = Looked {
            caller: self.caller,
            sender: self.asked.sender.as_deref(),
            content_ref: item.reference.as_deref(),
            sha256: None,
            signals: std::slice::from_ref(signal),
            found: &hits.known(),
            left_out: hits.left_out_known,
            of_a_bank: if self.left_to_write == 0 { WRITTEN_OF_A_BANK } else { looked::OF_A_BANK },
            assessment: None,
        };
        let Some(event) = looked.event(self.app, self.state) else { return Ok(false) };
        self.left_to_write = self.left_to_write.saturating_sub(event.matches.len());
        self.app.record(&event)?;
        Ok(true)
    }

    /// The whole answer.
    fn ended(self, items: &[Item], begun: Instant, asking: Option<Asking>) -> Result<Response, ApiError> {
        let looked = self.matched.len() + self.failed;
        if looked > 0 && looked == self.failed {
            return Err(ApiError::unavailable("index not yet ready"));
        }
        let each = begun.elapsed() / u32::try_from(items.len().max(1)).unwrap_or(1);
        (0..looked).for_each(|_| self.app.metrics.look_up_took(each));
        let mut head = self.asked.named(self.state);
        head["signals"] = json!(items.len());
        head["matched"] = json!(self.matched.iter().filter(|known| **known).count());
        head["errors"] = json!(self.errors);
        if self.left_out > 0 {
            head["truncated"] = json!(true);
            head["left_out"] = json!(self.left_out);
        }
        if let Some(asking) = asking {
            head["remote"] = asking.told();
        }
        Ok(with_results(&head, &self.text))
    }
}

/// An answer of an object and, behind its fields, `results`: a list that is text already, and long.
pub(super) fn with_results(head: &Value, results: &str) -> Response {
    let mut text = head.to_string();
    // An object that is not empty: `{"generation": …}`.
    text.truncate(text.len().saturating_sub(1));
    text.reserve_exact(results.len() + 16);
    text.push_str(",\"results\":[");
    text.push_str(results);
    text.push_str("]}");
    json_text(StatusCode::OK, text)
}

/// A signal as it was given.
fn item(types: &Types, given: &Given) -> Item {
    let reference = given.reference.text().map(cut);
    let signal = match (given.kind.text(), given.value.text()) {
        _ if given.reference == Word::Other => Err("ref is no text".to_owned()),
        (Some(kind), Some(value)) => signal(types, kind, value),
        _ => Err("a signal is an object with type and value, both texts".to_owned()),
    };
    Item { reference, signal }
}

/// Hashes are looked up whether HMA's routes offer their type or not; texts only where they are offered.
fn signal(types: &Types, name: &str, value: &str) -> Result<Signal, String> {
    let unknown = || format!("no signal type '{}'", cut(name));
    let kind = SignalType::from_wire(name).ok_or_else(unknown)?;
    match types.named(name) {
        Some((_, ratio)) if ratio <= 0.0 => return Err(format!("signal type '{name}' is not enabled")),
        None if kind.is_text() => return Err(format!("signal type '{name}' is not offered here")),
        None if kind == SignalType::Photodna => return Err("photodna is not looked up here".to_owned()),
        _ => {}
    }
    Signal::parse_as_hma(kind, value).map_err(|error| format!("invalid signal: {error}"))
}

/// Matches of a signal, with what suppresses them.
fn hits(
    state: &LiveState,
    item: &Item,
    signal: &Signal,
    matches: Matches,
    by_ref: &BTreeMap<&str, Quiets>,
) -> Hits {
    let quiet = match item.reference.as_deref().and_then(|reference| by_ref.get(reference)) {
        Some(all) => all.clone(),
        None => quiet(state, std::slice::from_ref(signal)),
    };
    let suppressed = !signal.kind().is_digest() && !quiet.is_empty();
    let Matches { found, left_out } = matches;
    Hits {
        hits: found.into_iter().map(|found| Hit::of_signal(found, suppressed)).collect(),
        left_out,
        left_out_known: if suppressed { 0 } else { left_out },
        quiet,
    }
}

/// Entries of negative and known-good banks that are exactly one of the signals of each `ref`.
fn quiet_by_ref<'i>(state: &LiveState, items: &'i [Item]) -> BTreeMap<&'i str, Quiets> {
    let mut by_ref: BTreeMap<&str, Quiets> = BTreeMap::new();
    for item in items {
        let (Some(reference), Ok(signal)) = (&item.reference, &item.signal) else { continue };
        let own = quiet(state, std::slice::from_ref(signal));
        if !own.is_empty() {
            by_ref.entry(reference).or_default().extend(own);
        }
    }
    by_ref
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Types {
        Types::new(&[SignalType::Pdq, SignalType::VideoMd5])
    }

    #[test]
    fn a_signal_that_cannot_be_looked_up_says_why_and_keeps_its_ref() {
        let pdq = "ab".repeat(32);
        let item = |given: Value| item(&types(), &serde_json::from_value(given).unwrap());
        let good = item(json!({ "type": "pdq", "value": pdq, "ref": "r" }));
        assert_eq!((good.reference.as_deref(), good.signal.is_ok()), (Some("r"), true));
        for (given, why) in [
            (json!({ "type": "pdq", "value": "zz" }), "invalid signal"),
            (json!({ "type": "pdq", "value": 5 }), "both texts"),
            (json!({ "type": "nope", "value": "x" }), "no signal type 'nope'"),
            (json!({ "type": "raw_text", "value": "x" }), "not offered"),
            (json!({ "type": "photodna", "value": "x" }), "not looked up"),
            (json!("pdq"), "object"),
            (json!({ "type": "pdq", "value": pdq, "ref": 5 }), "ref is no text"),
        ] {
            let error = item(given).signal.unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn digests_are_looked_up_though_hma_does_not_offer_them_and_never_when_switched_off() {
        assert!(signal(&types(), "sha256", &"ab".repeat(32)).is_ok());
        let (dir, types) = (tempfile::tempdir().unwrap(), types());
        let mut store = lodestone_store::Store::open(dir.path()).unwrap();
        let off = crate::types::setting(SignalType::Pdq);
        store.batch(1, |batch| batch.set_setting(&off, Some("0"))).unwrap();
        types.load(&store).unwrap();
        assert!(signal(&types, "pdq", &"ab".repeat(32)).unwrap_err().contains("not enabled"));
    }
}
