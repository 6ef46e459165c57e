//! One record as a change of the list.

use lodestone_types::{ListEntry, SignalType};
use serde_json::{Map, Value, json};

use super::super::json::{self as lax, short, unknown};
use super::super::page::{Draft, Listed};
use super::super::{MemberOpinion, Stance};

/// Feedbacks that are kept of one record.
const MAX_FEEDBACKS: usize = 1_000;

pub(super) fn read(draft: &mut Draft, record: &Value) {
    draft.row();
    let Some(fields) = record.as_object() else { return draft.reject("a record that is no object") };
    let kind = match fields.get("signalType").and_then(Value::as_str) {
        Some("ImagePDQ") => SignalType::Pdq,
        Some("VideoMD5") => SignalType::VideoMd5,
        Some("Text") => SignalType::RawText,
        Some("URL") => SignalType::Url,
        _ => return unknown(draft, "signal type", fields.get("signalType")),
    };
    let is_withdrawn = match fields.get("hashStatus").and_then(Value::as_str) {
        Some("Withdrawn" | "Deleted") => true,
        Some("Received" | "Active" | "Unknown") => false,
        _ => return unknown(draft, "hash status", fields.get("hashStatus")),
    };
    let Some(text) = fields.get("hashValue").and_then(Value::as_str) else {
        return draft.reject("a record without its hash");
    };
    let Some(signal) = lax::signal(draft, kind, text) else { return };
    let key = format!("{}:{}", kind.as_str(), signal.to_text());
    let at_s = lax::seconds(fields.get("lastModtimestamp"));
    if is_withdrawn {
        return draft.remove(key, at_s);
    }
    let mut extra = Map::new();
    match fields.get("caseNumbers") {
        None | Some(Value::Null) => {}
        // An empty object comes as an empty list.
        Some(Value::Array(list)) if list.is_empty() => {}
        Some(Value::Object(cases)) => {
            extra.insert("cases".to_owned(), json!(cases.len()));
        }
        Some(_) => return draft.reject("case numbers that are no object"),
    }
    extra.insert("hashStatus".to_owned(), fields.get("hashStatus").cloned().unwrap_or_default());
    let regions = lax::tags(fields.get("hashRegions"));
    if !regions.is_empty() {
        extra.insert("hashRegions".to_owned(), json!(regions));
    }
    let mut opinions = vec![MemberOpinion::new("stopncii.org", Stance::Suspects)];
    let mut kept = Vec::new();
    for feedback in
        fields.get("CSPFeedbacks").and_then(Value::as_array).into_iter().flatten().take(MAX_FEEDBACKS)
    {
        kept.extend(read_feedback(draft, feedback, &mut opinions));
    }
    if !kept.is_empty() {
        extra.insert("feedback".to_owned(), Value::Array(kept));
    }
    let mut tags: Vec<String> = opinions.iter().flat_map(|opinion| opinion.tags.iter().cloned()).collect();
    tags.sort();
    tags.dedup();
    let entry = ListEntry {
        entry: key,
        signals: vec![signal],
        tags,
        extra: Some(Value::Object(extra)),
        ..ListEntry::default()
    };
    draft.upsert(Listed { entry, opinions }, at_s);
}

/// What one platform says, as it is kept.
fn read_feedback(draft: &mut Draft, feedback: &Value, opinions: &mut Vec<MemberOpinion>) -> Option<Value> {
    let value = feedback.get("feedbackValue");
    let stance = match value.and_then(Value::as_str) {
        Some("Blocked") => Some(Stance::Confirms),
        Some("NotBlocked") => Some(Stance::Disputes),
        Some("PendingReview") => Some(Stance::Suspects),
        Some("None" | "QualityUnknown" | "Withdrawn" | "Deleted" | "Unknown") => None,
        _ => {
            unknown(draft, "feedback", value);
            return None;
        }
    };
    let source = feedback.get("source").and_then(Value::as_str).map(short).unwrap_or_default();
    let tags = lax::tags(feedback.get("tags"));
    if let Some(stance) = stance.filter(|_| !source.is_empty()) {
        let mut opinion = MemberOpinion::new(source.as_str(), stance);
        opinion.reason = value.and_then(Value::as_str).map(short);
        opinion.tags.clone_from(&tags);
        opinions.push(opinion);
    }
    Some(json!({ "source": source, "feedbackValue": value, "tags": tags }))
}
