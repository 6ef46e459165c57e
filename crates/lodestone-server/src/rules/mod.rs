//! Rules: what follows from a match. A rule is data, parsed once and strictly; applying one is pure.
//!
//! ```json
//! {"name": "exact, confirmed", "when": {"bank_kinds": ["known-real"], "exact": true, "min_confirms": 1},
//!  "then": [{"webhook": {"url": "https://hooks.example/"}}, {"review": {"queue": "urgent"}}, {"label": "seen"}]}
//! ```
//!
//! All conditions of a rule have to hold of one and the same match; a condition that is not given always holds, but for
//! `layers`: without it a rule is about whole pictures and exact bytes only. What is for a person to look at (`standing`
//! `review`) gets a review where the rule asks for one, and nothing else of it. A server begins without rules: nothing is
//! sent anywhere unless somebody says so.

mod book;
mod parse;

use lodestone_types::{BankKind, PairAssessment, Proposition, SignalType, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::events::{EventMatch, MatchEvent};

pub(crate) use book::rename_bank;
pub use book::{Book, Entry};
pub use parse::parse;

/// When something applies, and what is done then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, for people.
    pub name: String,
    /// When it applies.
    #[serde(default)]
    pub when: When,
    /// What is done.
    pub then: Vec<Action>,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// Conditions on a match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Names of banks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banks: Option<Vec<String>>,
    /// Kinds of banks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_kinds: Option<Vec<BankKind>>,
    /// Types of signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_types: Option<Vec<SignalType>>,
    /// Bits that differ at most; no match of texts has that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_distance_bits: Option<u32>,
    /// Whether the signals are equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    /// `match`: only what stands; `review`: only what is for a person to look at, because fewer members hold or confirm it
    /// than its bank asks for; not given or null: either. Of the latter a rule asks for a review and does nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Whether more people and members dispute the entry than confirm it; not given or null: either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disputed: Option<bool>,
    /// People and members who confirm the entry at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_confirms: Option<u32>,
    /// Layers that found the match: 1 for whole pictures and exact bytes, 2 for regions, 3 for local features. Not given: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<u8>>,
    /// What examination says of the file; without an examination it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Weight>,
}

/// Bounds of a likelihood ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The first proposition.
    pub h1: Proposition,
    /// The second.
    pub h2: Proposition,
    /// log10 of the likelihood ratio at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_log10_lr: Option<f64>,
    /// And at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_log10_lr: Option<f64>,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A signed message is sent.
    Webhook(Webhook),
    /// A person is asked to decide.
    Review(Review),
    /// A word is put on the event.
    Label(String),
}

/// Where a message goes. `Debug` shows neither the secrets nor the URL's path and query, which often hold keys.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The receiver's URL.
    pub url: String,
    /// Name of the secrets it is signed with; given out when the rule is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<String>,
    /// The secrets, newest first: taken when a rule is made or changed, kept sealed, and never given out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether the message holds the hashes that were looked up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_signals: bool,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let origin = url::Url::parse(&self.url).map(|url| url.origin().ascii_serialization());
        f.debug_struct("Webhook")
            .field("origin", &origin.as_deref().unwrap_or("?"))
            .field("secret_ref", &self.secret_ref)
            .field("secrets", &self.secrets.len())
            .field("include_signals", &self.include_signals)
            .finish()
    }
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Name of the queue.
    pub queue: String,
}

/// The matches of an event to which a rule applies; none when it is not in force.
pub fn matches<'e>(rule: &Rule, event: &'e MatchEvent) -> Vec<&'e EventMatch> {
    let weighed = rule.when.assessment.is_none_or(|weight| weight.holds(event.assessment.as_ref()));
    if !rule.enabled || !weighed {
        return Vec::new();
    }
    event.matches.iter().filter(|one| rule.when.holds(one)).collect()
}

impl When {
    /// Whether the conditions on a match hold.
    fn holds(&self, one: &EventMatch) -> bool {
        let is_exact = one.layer.is_none() && (one.distance_bits == Some(0) || one.distance == "-");
        let layer = one.layer.unwrap_or(1);
        self.banks.as_ref().is_none_or(|names| names.contains(&one.bank))
            && self.bank_kinds.as_ref().is_none_or(|kinds| kinds.contains(&one.bank_kind))
            && self
                .signal_types
                .as_ref()
                .is_none_or(|types| types.iter().any(|t| t.as_str() == one.signal_type))
            && self.max_distance_bits.is_none_or(|max| one.distance_bits.is_some_and(|bits| bits <= max))
            && self.exact.is_none_or(|exact| exact == is_exact)
            && self.standing.is_none_or(|standing| standing == one.standing)
            && self.disputed.is_none_or(|disputed| disputed == one.disputed)
            && self.min_confirms.is_none_or(|min| one.confirms >= min)
            && self.layers.as_deref().unwrap_or(&[1]).contains(&layer)
    }
}

impl Weight {
    /// Whether an examination gives a likelihood ratio for the two propositions within the bounds; one that abstained gives
    /// none. The pair may stand there the other way round.
    fn holds(&self, said: Option<&Value>) -> bool {
        pairs(said).iter().any(|pair| {
            let log10_lr = match (pair.h1, pair.h2) {
                (h1, h2) if (h1, h2) == (self.h1, self.h2) => pair.log10_lr,
                (h1, h2) if (h1, h2) == (self.h2, self.h1) => pair.log10_lr.map(|lr| -lr),
                _ => None,
            };
            log10_lr.is_some_and(|lr| {
                self.min_log10_lr.is_none_or(|min| lr >= min) && self.max_log10_lr.is_none_or(|max| lr <= max)
            })
        })
    }
}

/// The likelihood ratios of an examination, as events hold it: `{"findings": …, "assessment": {"pairs": […]}}`.
pub fn pairs(said: Option<&Value>) -> Vec<PairAssessment> {
    let pairs = said.and_then(|said| said.pointer("/assessment/pairs").or_else(|| said.get("pairs")));
    pairs
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|pair| PairAssessment::deserialize(pair).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn event(assessment: Option<Value>) -> MatchEvent {
        let of = |bank: &str, kind: &str, id: u64, signal: &str, distance: &str, bits: Option<u32>| {
            json!({ "bank": bank, "bank_kind": kind, "bank_content_id": id, "signal_type": signal,
                    "distance": distance, "distance_bits": bits })
        };
        let mut event = json!({
            "id": "e1", "at_us": 1, "key": "k", "generation": 3, "signals": { "pdq": "00" },
            "matches": [
                of("A", "known-real", 1, "pdq", "4", Some(4)),
                of("A", "known-real", 2, "md5", "-", Some(0)),
                of("B", "own", 3, "pdq", "0", Some(0)),
                of("T", "own", 4, "raw_text", "97%", None),
            ],
        });
        event["matches"][0]["disputed"] = json!(true);
        event["matches"][1]["confirms"] = json!(2);
        event["matches"][2]["standing"] = json!("review");
        let mut event: MatchEvent = serde_json::from_value(event).unwrap();
        event.assessment = assessment;
        event
    }

    fn ids(when: &Value, event: &MatchEvent) -> Vec<u64> {
        let rule = json!({ "name": "r", "when": when, "then": [{ "label": "x" }] });
        let rule = parse(rule.to_string().as_bytes()).unwrap();
        matches(&rule, event).iter().map(|one| one.bank_content_id).collect()
    }

    #[test]
    fn each_condition_picks_its_matches() {
        let event = event(None);
        for (when, expected) in [
            (json!({}), vec![1, 2, 3, 4]),
            (json!({ "banks": ["B", "T"] }), vec![3, 4]),
            (json!({ "banks": [] }), vec![]),
            (json!({ "bank_kinds": ["known-real"] }), vec![1, 2]),
            (json!({ "signal_types": ["pdq"] }), vec![1, 3]),
            (json!({ "max_distance_bits": 3 }), vec![2, 3]),
            (json!({ "exact": true }), vec![2, 3]),
            (json!({ "exact": false }), vec![1, 4]),
            (json!({ "disputed": true }), vec![1]),
            (json!({ "disputed": false }), vec![2, 3, 4]),
            (json!({ "disputed": null }), vec![1, 2, 3, 4]),
            (json!({ "standing": "review" }), vec![3]),
            (json!({ "standing": "match" }), vec![1, 2, 4]),
            (json!({ "min_confirms": 2 }), vec![2]),
            (json!({ "min_confirms": 3 }), vec![]),
            (json!({ "exact": true, "banks": ["A"] }), vec![2]),
        ] {
            assert_eq!(ids(&when, &event), expected, "{when}");
        }
    }

    #[test]
    fn parts_of_pictures_follow_rules_that_name_their_layer_only_and_are_never_exact() {
        let mut event = event(None);
        for (id, layer, bits) in [(5, 2, Some(0)), (6, 3, None)] {
            let mut one = event.matches[0].clone();
            (one.bank_content_id, one.layer, one.distance_bits) = (id, Some(layer), bits);
            event.matches.push(one);
        }
        for (when, expected) in [
            (json!({}), vec![1, 2, 3, 4]),
            (json!({ "banks": ["A"], "layers": [2, 3] }), vec![5, 6]),
            (json!({ "layers": [1, 3] }), vec![1, 2, 3, 4, 6]),
            (json!({ "layers": [2], "exact": false }), vec![5]),
            (json!({ "layers": [2], "exact": true }), vec![]),
            (json!({ "layers": [3], "max_distance_bits": 256 }), vec![]),
            (json!({ "layers": [] }), vec![]),
        ] {
            assert_eq!(ids(&when, &event), expected, "{when}");
        }
    }

    #[test]
    fn a_likelihood_ratio_is_read_either_way_round_and_an_abstention_is_none() {
        let said = |lr: Option<f64>| {
            let mut pair = json!({ "h1": "ai_generated", "h2": "camera_original", "wording": "" });
            if let Some(lr) = lr {
                pair["log10_lr"] = json!(lr);
            }
            Some(json!({ "findings": [], "assessment": { "pairs": [pair] } }))
        };
        let when = |h1: &str, h2: &str, min: f64| json!({ "assessment": { "h1": h1, "h2": h2, "min_log10_lr": min } });
        let (generated, camera) = ("ai_generated", "camera_original");
        assert_eq!(ids(&when(generated, camera, 2.0), &event(said(Some(2.5)))).len(), 4);
        assert_eq!(ids(&when(generated, camera, 3.0), &event(said(Some(2.5)))).len(), 0);
        assert_eq!(ids(&when(camera, generated, 2.0), &event(said(Some(-2.5)))).len(), 4);
        assert_eq!(ids(&when(camera, generated, 2.0), &event(said(Some(2.5)))).len(), 0);
        for none in [event(None), event(said(None)), event(Some(json!([1])))] {
            assert_eq!(ids(&when(generated, camera, -9.0), &none).len(), 0);
        }
        let most = json!({ "assessment": { "h1": generated, "h2": camera, "max_log10_lr": 0.0 } });
        assert_eq!(ids(&most, &event(said(Some(-1.0)))).len(), 4);
        assert_eq!(ids(&most, &event(said(Some(1.0)))).len(), 0);
    }

    #[test]
    fn secrets_and_keys_in_urls_are_in_no_debug_output() {
        let rule = json!({ "name": "n", "then": [
            { "webhook": { "url": "https://a.example/key/77?token=88", "secrets": ["whsec_99"] } },
        ]});
        let told = format!("{:?}", parse(rule.to_string().as_bytes()).unwrap());
        assert!(told.contains("https://a.example"), "{told}");
        assert!(!told.contains("77") && !told.contains("88") && !told.contains("99"), "{told}");
    }

    #[test]
    fn a_rule_that_is_not_in_force_applies_to_nothing() {
        let rule = json!({ "name": "r", "then": [{ "label": "x" }], "enabled": false });
        assert!(matches(&parse(rule.to_string().as_bytes()).unwrap(), &event(None)).is_empty());
    }
}
