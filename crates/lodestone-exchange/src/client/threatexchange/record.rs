//! One record of `threat_updates` as a change of the list.

use std::collections::BTreeMap;

use lodestone_types::{ListEntry, SignalType};
use serde_json::{Map, Value, json};

use super::super::json::{self as lax, flag, id, short, unknown};
use super::super::page::{Draft, Listed};
use super::super::{MemberOpinion, Stance};

/// Descriptors and reactions that are read of one record.
const MAX_VOICES: usize = 2_000;
/// What marks an MD5 or SHA-256 as one of a video. *Source:* python-threatexchange, `VideoMD5Signal.INDICATOR_TYPE`.
const VIDEO_TAG: &str = "media_type_video";

/// Reads a record; gives the time of its change.
pub(super) fn read(draft: &mut Draft, record: &Value) -> Option<i64> {
    draft.row();
    let at_s = lax::seconds(record.get("last_updated"));
    let wire_type = record.get("type").and_then(Value::as_str).unwrap_or_default();
    let indicator = record.get("indicator").and_then(Value::as_str).unwrap_or_default();
    let by_value = || {
        let key = format!("{wire_type}:{indicator}");
        (!wire_type.is_empty() && !indicator.is_empty() && key.len() <= 1_000).then_some(key)
    };
    let Some(key) = id(record.get("id")).or_else(by_value) else {
        draft.reject("a record without an id");
        return at_s;
    };
    let descriptors = record.get("descriptors").and_then(|all| all.get("data")).and_then(Value::as_array);
    let Some(descriptors) = descriptors.filter(|_| !flag(record.get("should_delete"))) else {
        draft.remove(key, at_s);
        return at_s;
    };
    let voices = Voices::of(draft, descriptors);
    if voices.opinions.is_empty() {
        // Nobody whom we may see holds it.
        draft.skip("record without a descriptor that can be read");
        draft.remove(key, at_s);
        return at_s;
    }
    let is_video = voices.tags.binary_search_by(|tag| tag.as_str().cmp(VIDEO_TAG)).is_ok();
    let Some(kind) = kind(wire_type, is_video) else {
        unknown(draft, "indicator type", record.get("type"));
        return at_s;
    };
    let Some(signal) = lax::signal(draft, kind, indicator) else { return at_s };
    let mut extra = Map::new();
    extra.insert("type".to_owned(), json!(wire_type));
    extra.insert("descriptors".to_owned(), Value::Array(voices.descriptors));
    let entry = ListEntry {
        entry: key,
        signals: vec![signal],
        classification: voices.status,
        tags: voices.tags,
        extra: Some(Value::Object(extra)),
        ..ListEntry::default()
    };
    draft.upsert(Listed { entry, opinions: voices.opinions }, at_s);
    at_s
}

fn kind(wire_type: &str, is_video: bool) -> Option<SignalType> {
    Some(match wire_type {
        "HASH_PDQ" => SignalType::Pdq,
        "HASH_MD5" if !is_video => SignalType::Md5,
        "HASH_MD5" | "HASH_VIDEO_MD5" => SignalType::VideoMd5,
        "HASH_SHA1" => SignalType::Sha1,
        "HASH_SHA256" | "HASH_VIDEO_SHA256" => SignalType::Sha256,
        "TEXT_STRING" => SignalType::RawText,
        "URI" | "RAW_URI" => SignalType::Url,
        "TREND_QUERY" => SignalType::TrendQuery,
        "HASH_TEXT_TLSH" => SignalType::TextTlsh,
        _ => return None,
    })
}

/// What the owners of descriptors and those who reacted say.
struct Voices {
    opinions: Vec<MemberOpinion>,
    tags: Vec<String>,
    /// The strongest status of a descriptor.
    status: Option<String>,
    /// Ids and owners, which reactions are sent to.
    descriptors: Vec<Value>,
}

impl Voices {
    fn of(draft: &mut Draft, descriptors: &[Value]) -> Self {
        let mut explicit = BTreeMap::new();
        let mut implied = BTreeMap::new();
        let mut voices =
            Self { opinions: Vec::new(), tags: Vec::new(), status: None, descriptors: Vec::new() };
        for descriptor in descriptors.iter().take(MAX_VOICES) {
            let owner = descriptor.get("owner").and_then(|owner| id(owner.get("id")));
            let Some((owner, number)) = owner.zip(id(descriptor.get("id"))) else {
                draft.skip("descriptor without its owner");
                continue;
            };
            let status = descriptor.get("status").and_then(Value::as_str).unwrap_or_default();
            let stance = match status {
                "MALICIOUS" => Stance::Lists,
                "NON_MALICIOUS" => Stance::Disputes,
                "SUSPICIOUS" | "UNKNOWN" => Stance::Suspects,
                _ => {
                    unknown(draft, "status", descriptor.get("status"));
                    Stance::Suspects
                }
            };
            let mut opinion = MemberOpinion::new(owner.as_str(), stance);
            opinion.tags = lax::tags(descriptor.get("tags"));
            opinion.reason = Some(short(status)).filter(|status| !status.is_empty());
            voices.tags.extend(opinion.tags.iter().cloned());
            voices.descriptors.push(json!({ "id": number, "owner": owner, "status": opinion.reason }));
            if stance == Stance::Lists || voices.status.is_none() {
                voices.status.clone_from(&opinion.reason);
            }
            explicit.insert(owner, opinion);
            read_reactions(draft, descriptor.get("reactions"), &mut implied);
        }
        // Who has said it in a descriptor is not asked for a reaction.
        for (member, opinion) in implied {
            explicit.entry(member).or_insert(opinion);
        }
        voices.opinions = explicit.into_values().collect();
        voices.tags.sort();
        voices.tags.dedup();
        voices
    }
}

/// `[{"key": "HELPFUL", "value": "1,2"}]`, also below `data`.
fn read_reactions(
    draft: &mut Draft,
    reactions: Option<&Value>,
    implied: &mut BTreeMap<String, MemberOpinion>,
) {
    let Some(reactions) = reactions else { return };
    let list = reactions.as_array().or_else(|| reactions.get("data")?.as_array());
    for reaction in list.into_iter().flatten().take(MAX_VOICES) {
        let key = reaction.get("key").and_then(Value::as_str).unwrap_or_default();
        let stance = match key {
            "HELPFUL" => Stance::Confirms,
            "DISAGREE_WITH_TAGS" | "NON_MALICIOUS" => Stance::Disputes,
            // They say something of the data, or that it was seen or received; nothing of what it stands for.
            "SAW_THIS_TOO" | "NOT_HELPFUL" | "OUTDATED" | "WANT_MORE_INFO" | "INGESTED" | "IN_REVIEW" => {
                continue;
            }
            _ => {
                unknown(draft, "reaction", reaction.get("key"));
                continue;
            }
        };
        let members = id(reaction.get("value")).unwrap_or_default();
        for member in members.split(',').map(str::trim).filter(|member| !member.is_empty()).take(MAX_VOICES) {
            let mut opinion = MemberOpinion::new(member, stance);
            opinion.reason = Some(short(key));
            // One who finds it helpful and disagrees with a tag still finds it helpful.
            let held = implied.entry(member.to_owned()).or_insert_with(|| opinion.clone());
            if stance == Stance::Confirms {
                *held = opinion;
            }
        }
    }
}
