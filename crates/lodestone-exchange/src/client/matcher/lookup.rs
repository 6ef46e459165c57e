//! Lodestone as a matcher, and every service that answers in the same shape: `POST /v1/lookup`, many a request.

use lodestone_types::{BankKind, Signal, SignalType};
use serde_json::{Value, json};

use super::super::address::Base;
use super::super::json::{object, short};
use super::super::lodestone_peer::{authorized, bearer};
use super::super::retry::ask;
use super::super::{ClientError, Request, Settings, Transport};
use super::{RemoteAnswer, RemoteMatch, RemoteMatcher, in_batches, standing};

/// Fingerprints of one request; Lodestone takes 10,000.
const BATCH: usize = 1_000;

struct Lookup {
    base: Base,
    authorization: Option<String>,
    settings: Settings,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn RemoteMatcher>, ClientError> {
    Ok(Box::new(Lookup::new(settings)?))
}

impl Lookup {
    fn new(settings: &Settings) -> Result<Self, ClientError> {
        let (base, authorization) = (settings.base(&[])?, bearer(settings)?);
        Ok(Self { base, authorization, settings: settings.clone() })
    }
}

impl RemoteMatcher for Lookup {
    fn takes(&self) -> &'static [SignalType] {
        &SignalType::HASHES
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn look_up(&self, net: &mut dyn Transport, signals: &[Signal]) -> Result<Vec<RemoteAnswer>, ClientError> {
        in_batches(self.takes(), signals, BATCH, |some| {
            let asked: Vec<Value> = some
                .iter()
                .map(|signal| json!({ "type": signal.kind().as_str(), "value": signal.to_text() }))
                .collect();
            let body = json!({ "signals": asked }).to_string().into_bytes();
            let request = Request::post(self.base.join("/v1/lookup"), "application/json", body).repeatable();
            let request = authorized(request, self.authorization.as_ref());
            ask(net, &self.settings.rules, &request, |_, body| {
                let answer = object(body)?;
                let results = answer.get("results").and_then(Value::as_array);
                let results = results.ok_or_else(|| "an answer without results".to_owned())?;
                let mut answers = vec![RemoteAnswer::Unanswered; some.len()];
                for result in results {
                    let index = result.get("index").and_then(Value::as_u64);
                    let index = index.and_then(|index| usize::try_from(index).ok());
                    if let Some(place) = index.and_then(|index| answers.get_mut(index)) {
                        *place = match (std::mem::replace(place, RemoteAnswer::Unanswered), read(result)) {
                            // One that is told twice counts with all that is told of it.
                            (RemoteAnswer::Matches(mut all), RemoteAnswer::Matches(more)) => {
                                all.extend(more);
                                RemoteAnswer::Matches(all)
                            }
                            (RemoteAnswer::Matches(all), _) if !all.is_empty() => RemoteAnswer::Matches(all),
                            (_, told) => told,
                        };
                    }
                }
                Ok(answers)
            })
        })
    }
}

/// `{"index": 0, "matches": [{"bank": …, "bank_kind": …, "distance": …, "exact": …}]}`, or `{"index": 0, "error": …}`.
fn read(result: &Value) -> RemoteAnswer {
    let Some(found) = result.get("matches").and_then(Value::as_array) else {
        return RemoteAnswer::Unanswered;
    };
    if result.get("error").is_some_and(|error| !error.is_null()) {
        return RemoteAnswer::Unanswered;
    }
    let holds_back = result.get("truncated").and_then(Value::as_bool) == Some(true)
        || result.get("matches_total").and_then(Value::as_u64).is_some_and(|total| total > 0);
    if found.is_empty() && holds_back {
        return RemoteAnswer::Unanswered;
    }
    let one = |found: &Value| RemoteMatch {
        name: found.get("bank").and_then(Value::as_str).map(short).unwrap_or_default(),
        kind: found.get("bank_kind").and_then(Value::as_str).and_then(|kind| kind.parse::<BankKind>().ok()),
        is_exact: found.get("exact").and_then(Value::as_bool).unwrap_or(false),
        distance: found.get("distance").and_then(Value::as_str).map(short),
        entry: found.get("bank_content_id").and_then(Value::as_i64).map(|id| id.to_string()),
        standing: standing(found),
        ..RemoteMatch::default()
    };
    // What another's negative bank suppresses is told as a match here, with its kind: to suppress is ours to decide.
    RemoteAnswer::Matches(found.iter().map(one).collect())
}
