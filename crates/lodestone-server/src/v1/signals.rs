//! `POST /v1/lookup`: many signals at once.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_engine::live::LiveState;
use lodestone_types::{Signal, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::looked::{self, Looked};
use crate::lookup::{Ask, Found, Print, look_up, look_up_prints, scans};
use crate::route::{About, For, Routes};
use crate::types::Types;
use crate::v1::asked::{Asked, Wanted};
use crate::v1::match_files::quiet;
use crate::v1::told::{Hit, Hits, Quiet, ToldAll, told};
use crate::v1::{cut, field, json, ok};

/// Signals of one request.
const MAX_SIGNALS: usize = 10_000;
/// Of those, texts that are compared with every text there is.
const MAX_SCANS: usize = 100;
/// PDQ values of one search: enough to share its cost, few enough that what they find is held.
const TOGETHER: usize = 256;

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
            ] },
            answers: &[
                (200, "generation, banks with versions, and a result for each signal"),
                (400, "A field cannot be used"),
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
    signals: Vec<Value>,
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
}

/// One signal of a request.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    reference: Option<String>,
    signal: Result<Signal, String>,
}

#[derive(Serialize)]
struct Answered {
    index: usize,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
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
    if request.signals.len() > MAX_SIGNALS {
        let told = format!("at most {MAX_SIGNALS} signals a request");
        return Err(ApiError::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, told));
    }
    if request.forms.iter().any(|form| form == "dihedral") {
        return Err(ApiError::bad("the other symmetries cannot be told from a hash: look the file up"));
    }
    let state = app.view.now();
    let Request { signals, banks, radius_bits, forms, include, sender, seed, limit } = request;
    let wanted = Wanted { banks, radius_bits, forms, include, sender, seed, limit };
    let asked = Asked::new(&app, &state, wanted)?;
    let items: Vec<Item> = signals.iter().map(|given| item(&app.types, given)).collect();
    let scanned = items.iter().filter(|one| one.signal.as_ref().is_ok_and(|signal| scans(signal.kind())));
    if scanned.count() > MAX_SCANS {
        let told = format!("at most {MAX_SCANS} texts a request: each is compared with all there are");
        return Err(ApiError::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, told));
    }

    let begun = Instant::now();
    let (seen, ask) = (state.clone(), asked.ask.clone());
    let (items, found) = tokio::task::spawn_blocking(move || {
        let found = look_all_up(&seen, &items, &ask);
        (items, found)
    })
    .await
    .map_err(|_| ApiError::unavailable("the look-up failed"))?;
    let each = begun.elapsed() / u32::try_from(items.len().max(1)).unwrap_or(1);
    let looked: Vec<&Result<Hits, String>> =
        items.iter().zip(&found).filter(|(item, _)| item.signal.is_ok()).map(|(_, found)| found).collect();
    if !looked.is_empty() && looked.iter().all(|found| found.is_err()) {
        return Err(ApiError::unavailable("index not yet ready"));
    }
    looked.iter().for_each(|found| {
        app.metrics.looked_up(each, found.as_ref().is_ok_and(|hits| !hits.hits.is_empty()));
    });

    let mut events = Vec::new();
    for (item, hits) in items.iter().zip(&found) {
        let (Ok(signal), Ok(hits)) = (&item.signal, hits) else { continue };
        let looked = Looked {
            caller: &caller,
            sender: asked.sender.as_deref(),
            content_ref: item.reference.as_deref(),
            sha256: None,
            signals: std::slice::from_ref(signal),
            found: &hits.known(),
            assessment: None,
        };
        events.extend(looked.event(&app, &state));
    }
    let matched = events.len();
    looked::record(&app, events).await?;

    let failed = found.iter().filter(|found| found.is_err()).count();
    let hits: Vec<Hits> = found.iter().flatten().cloned().collect();
    let mut told = told(&app, &state, hits, &asked.extras, asked.limit).await?.into_iter();
    let results: Vec<Answered> = items
        .into_iter()
        .zip(found)
        .enumerate()
        .map(|(index, (item, found))| Answered {
            index,
            reference: item.reference,
            kind: item.signal.as_ref().ok().map(Signal::kind),
            outcome: match (found, item.signal) {
                (_, Err(error)) | (Err(error), _) => Outcome::Failed { error },
                (Ok(_), Ok(_)) => told.next().map_or_else(
                    || Outcome::Failed { error: "the answer was lost".to_owned() },
                    Outcome::Told,
                ),
            },
        })
        .collect();
    let mut answer = asked.named(&state);
    answer["signals"] = json!(results.len());
    answer["matched"] = json!(matched);
    answer["errors"] = json!(failed);
    answer["results"] = serde_json::to_value(results).unwrap_or_default();
    Ok(ok(answer))
}

/// A signal as it was given.
fn item(types: &Types, given: &Value) -> Item {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let reference = text("ref").map(cut);
    let signal = match (text("type").or_else(|| text("signal_type")), text("value")) {
        (Some(kind), Some(value)) => signal(types, kind, value),
        _ => Err("a signal is an object with type and value, both texts".to_owned()),
    };
    let bad_ref = given.get("ref").is_some_and(|value| !value.is_string() && !value.is_null());
    match bad_ref {
        true => Item { reference, signal: Err("ref is no text".to_owned()) },
        false => Item { reference, signal },
    }
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

/// Looks everything up: PDQ together, the rest one by one. Items that are none have their own error.
fn look_all_up(state: &LiveState, items: &[Item], ask: &Ask) -> Vec<Result<Hits, String>> {
    let mut found: Vec<Result<Vec<Found>, String>> = items
        .iter()
        .map(|item| match &item.signal {
            Err(why) => Err(why.clone()),
            Ok(signal) if signal.kind() == SignalType::Pdq => Ok(Vec::new()),
            Ok(signal) => look_up(state, signal, &[], ask).map_err(|error| error.message().to_owned()),
        })
        .collect();
    let hash = |item: &Item| item.signal.as_ref().ok().filter(|s| s.kind() == SignalType::Pdq)?.array::<32>();
    let pdq: Vec<(usize, [u8; 32])> =
        items.iter().enumerate().filter_map(|(at, item)| Some((at, hash(item)?))).collect();
    for some in pdq.chunks(TOGETHER) {
        let prints: Vec<Print<'_>> =
            some.iter().map(|(_, hash)| Print { hash: *hash, others: &[] }).collect();
        let together = look_up_prints(state, &prints, ask);
        let mut together = together.ok().map(Vec::into_iter);
        for ((at, _), print) in some.iter().zip(&prints) {
            // One damaged block concerns few values: they are told apart.
            let own = match &mut together {
                Some(all) => Ok(all.next().unwrap_or_default()),
                None => look_up_prints(state, &[*print], ask).map(|mut all| all.pop().unwrap_or_default()),
            };
            if let Some(slot) = found.get_mut(*at) {
                *slot = own.map_err(|error| error.message().to_owned());
            }
        }
    }
    let quiet = quiet_of(state, items);
    found
        .into_iter()
        .zip(items)
        .zip(quiet)
        .map(|((found, item), quiet)| {
            let similar = item.signal.as_ref().is_ok_and(|signal| !signal.kind().is_digest());
            let suppressed = similar && !quiet.is_empty();
            let hit = |found| Hit::of_signal(found, suppressed);
            found.map(|found| Hits { hits: found.into_iter().map(hit).collect(), quiet })
        })
        .collect()
}

/// Entries of negative and known-good banks that are exactly an item, or another of the same `ref`.
fn quiet_of(state: &LiveState, items: &[Item]) -> Vec<Vec<Quiet>> {
    let own: Vec<Vec<Quiet>> = items
        .iter()
        .map(|item| {
            item.signal.as_ref().map_or_else(|_| Vec::new(), |s| quiet(state, std::slice::from_ref(s)))
        })
        .collect();
    let mut by_ref: BTreeMap<&str, Vec<Quiet>> = BTreeMap::new();
    for (item, own) in items.iter().zip(&own) {
        if let Some(reference) = &item.reference
            && !own.is_empty()
        {
            by_ref.entry(reference).or_default().extend(own.iter().cloned());
        }
    }
    items
        .iter()
        .zip(own)
        .map(|(item, own)| {
            match item.reference.as_ref().and_then(|reference| by_ref.get(reference.as_str())) {
                Some(all) => all.clone(),
                None => own,
            }
        })
        .collect()
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
        let good = item(&types(), &json!({ "type": "pdq", "value": pdq, "ref": "r" }));
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
            let error = item(&types(), &given).signal.unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn digests_are_looked_up_though_hma_does_not_offer_them_and_never_when_switched_off() {
        assert!(signal(&types(), "sha256", &"ab".repeat(32)).is_ok());
        let types = types();
        types.set(SignalType::Pdq, 0.0);
        assert!(signal(&types, "pdq", &"ab".repeat(32)).unwrap_err().contains("not enabled"));
    }
}
