//! What a webhook is sent: ids and evidence. Never media, and hashes only where the rule says so.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::events::{EventMatch, MatchEvent};
use crate::rules::{Entry, Webhook, pairs};

/// Where a delivery goes, as the outbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The receiver's URL.
    pub(crate) url: String,
    /// Name of the secrets it is signed with.
    pub(crate) secret_ref: String,
}

/// The body of a message, in the form that Standard Webhooks recommends.
pub(super) fn body(
    event: &MatchEvent,
    entry: &Entry,
    webhook: &Webhook,
    matched: &[&EventMatch],
    released: bool,
) -> String {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| {
        data.insert(name.to_owned(), value);
    };
    put("event_id", json!(event.id));
    put("at_us", json!(event.at_us));
    put("rule", json!({ "id": entry.id, "name": entry.rule.name }));
    put("key", json!(event.key));
    if let Some(sender) = &event.sender {
        put("sender", json!(sender));
    }
    if let Some(content_ref) = &event.content_ref {
        put("content_ref", json!(content_ref));
    }
    put("generation", json!(event.generation));
    put("matches", json!(matched));
    let pairs: Vec<Value> = pairs(event.assessment.as_ref())
        .iter()
        .map(|pair| {
            json!({ "h1": pair.h1, "h2": pair.h2, "log10_lr": pair.log10_lr, "range": pair.range,
                    "calibration": pair.calibration, "abstained": pair.abstained, "wording": pair.wording })
        })
        .collect();
    if !pairs.is_empty() {
        put("assessment", json!({ "pairs": pairs }));
    }
    if released {
        put("released", json!(true));
    }
    if webhook.include_signals {
        put("signals", json!(event.signals));
        if let Some(sha256) = &event.sha256 {
            put("sha256", json!(sha256));
        }
    }
    json!({ "type": "match.found", "timestamp": timestamp(event.at_us), "data": data }).to_string()
}

/// A time as RFC 3339 has it, to the second, UTC. *Source:* Howard Hinnant, `civil_from_days`.
pub(crate) fn timestamp(at_us: i64) -> String {
    let seconds = at_us.div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Action, parse};

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        for (at_us, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (1_798_761_599_000_000, "2026-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(at_us), text);
        }
    }

    #[test]
    fn a_message_holds_ids_and_evidence_and_hashes_only_when_the_rule_says_so() {
        let hash = "f".repeat(64);
        let event = json!({
            "id": "e1", "at_us": 0, "key": "k", "sender": "s", "generation": 3, "sha256": hash,
            "signals": { "pdq": hash },
            "matches": [{ "bank": "A", "bank_kind": "own", "bank_content_id": 5, "signal_type": "pdq",
                          "distance": "4", "distance_bits": 4 }],
            "assessment": { "findings": [{ "what": hash }], "assessment": { "pairs": [
                { "h1": "ai_generated", "h2": "camera_original", "log10_lr": 1.5, "wording": "w" }] } },
        });
        let event: MatchEvent = serde_json::from_value(event).unwrap();
        for (include, expected) in [(false, false), (true, true)] {
            let rule = json!({ "name": "r", "then": [{ "webhook": { "url": "https://a.example/",
                               "include_signals": include } }] });
            let rule = parse(rule.to_string().as_bytes()).unwrap();
            let Action::Webhook(webhook) = &rule.then[0] else { panic!("no webhook") };
            let entry = Entry { id: 9, rule: rule.clone() };
            let text = body(&event, &entry, webhook, &[&event.matches[0]], false);
            assert_eq!(text.contains(&hash), expected, "{text}");
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read["type"], "match.found");
            assert_eq!(read["timestamp"], "1970-01-01T00:00:00Z");
            assert_eq!(read["data"]["matches"][0]["bank_content_id"], 5);
            assert_eq!(read["data"]["assessment"]["pairs"][0]["log10_lr"], 1.5);
        }
    }
}
