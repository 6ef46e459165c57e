//! Hasher-Matcher-Actioner as a matcher: `GET /m/lookup`, one fingerprint a request.

use lodestone_types::{Signal, SignalType};
use serde_json::Value;

use super::super::address::{Base, encode};
use super::super::json::{object, short};
use super::super::lodestone_peer::{authorized, bearer};
use super::super::retry::ask;
use super::super::{ClientError, Request, Settings, Transport};
use super::{RemoteAnswer, RemoteMatch, RemoteMatcher, in_batches, standing};

/// Matches that are told of one fingerprint.
const MAX_MATCHES: usize = 1_000;

struct Hma {
    base: Base,
    authorization: Option<String>,
    settings: Settings,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn RemoteMatcher>, ClientError> {
    Ok(Box::new(Hma::new(settings)?))
}

impl Hma {
    fn new(settings: &Settings) -> Result<Self, ClientError> {
        let (base, authorization) = (settings.base(&[])?, bearer(settings)?);
        Ok(Self { base, authorization, settings: settings.clone() })
    }
}

impl RemoteMatcher for Hma {
    fn takes(&self) -> &'static [SignalType] {
        &[SignalType::Pdq, SignalType::VideoMd5]
    }

    fn batch(&self) -> usize {
        1
    }

    fn look_up(&self, net: &mut dyn Transport, signals: &[Signal]) -> Result<Vec<RemoteAnswer>, ClientError> {
        in_batches(self.takes(), signals, 1, |some| {
            let mut answers = Vec::new();
            for signal in some {
                let (kind, value) = (signal.kind().as_str(), encode(&signal.to_text()));
                let url = self.base.join(&format!(
                    // All banks, whatever share of look-ups they take part in; and what a Lodestone holds for review.
                    "/m/lookup?signal_type={kind}&signal={value}&bypass_coinflip=true&review=true"
                ));
                let request = authorized(Request::get(url), self.authorization.as_ref());
                let is_exact = signal.kind().is_digest();
                answers.push(ask(net, &self.settings.rules, &request, |_, body| read(body, is_exact))?);
            }
            Ok(answers)
        })
    }
}

/// `{"BANK": [{"bank_content_id": 1, "distance": "0"}]}`.
fn read(body: &[u8], is_exact: bool) -> Result<RemoteAnswer, String> {
    let answer = object(body)?;
    let mut matches = Vec::new();
    for (bank, found) in answer.as_object().into_iter().flatten() {
        let found = found.as_array().ok_or_else(|| "a bank without a list of matches".to_owned())?;
        for one in found.iter().take(MAX_MATCHES.saturating_sub(matches.len())) {
            matches.push(RemoteMatch {
                name: short(bank),
                is_exact,
                distance: one.get("distance").and_then(Value::as_str).map(short),
                entry: one.get("bank_content_id").and_then(Value::as_i64).map(|id| id.to_string()),
                standing: standing(one),
                ..RemoteMatch::default()
            });
        }
    }
    Ok(RemoteAnswer::Matches(matches))
}
