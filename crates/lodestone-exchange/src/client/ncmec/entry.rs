//! One entry, or the tombstone of one, as a change of the list.

use lodestone_types::{ListEntry, Signal, SignalType};
use serde_json::{Map, Value, json};

use super::super::json::short;
use super::super::page::{Draft, Listed, word};
use super::super::time::parse_iso;
use super::super::{MemberOpinion, Stance};
use super::xml::Node;

/// Votes that are kept of one entry.
const MAX_OPINIONS: usize = 2_000;

/// Reads a row of `images` or `videos`. `only` names the members that are wanted; empty: all.
pub(super) fn read(draft: &mut Draft, node: &Node, only: &[u64]) {
    draft.row();
    let (is_video, is_deleted) = match node.name.as_str() {
        "image" => (false, false),
        "video" => (true, false),
        "deletedImage" => (false, true),
        "deletedVideo" => (true, true),
        other => return draft.skip(format!("element {}", word(other))),
    };
    let Some(member) = node.child("member") else { return draft.reject("an entry without its member") };
    let Some(member_id) = member_id(member) else { return draft.reject("a member without a number") };
    let id = node.child("id").map(|id| id.text.as_str()).unwrap_or_default();
    if id.is_empty() || id.len() > 900 || id.contains(char::is_control) {
        return draft.reject("an entry without an id");
    }
    if !only.is_empty() && !only.contains(&member_id) {
        return draft.skip("member not asked for");
    }
    let key = format!("{member_id}-{id}");
    let at_s = node.child("timestamp").and_then(|time| parse_iso(&time.text));
    if is_deleted {
        return draft.remove(key, at_s);
    }
    let mut found = Found::default();
    for fingerprint in node.child("fingerprints").map(|all| all.children.as_slice()).unwrap_or_default() {
        found.take(draft, fingerprint, is_video);
    }
    if found.signals.is_empty() {
        if found.wrong {
            return draft.reject("none of its fingerprints can be read");
        }
        // What the entry may have had before is not listed any more.
        draft.skip("entry without a fingerprint that can be matched");
        return draft.remove(key, at_s);
    }
    found.signals.sort();
    found.signals.dedup();
    let mut owner = MemberOpinion::new(member_id.to_string(), Stance::Lists);
    owner.at_s = at_s;
    let classification =
        node.child("classification").map(|class| short(&class.text)).filter(|text| !text.is_empty());
    owner.tags.extend(classification.clone());
    let mut opinions = vec![owner];
    if let Some(feedback) = node.child("feedback") {
        read_feedback(draft, feedback, &mut opinions);
    }
    let mut extra = Map::new();
    extra.insert("member".to_owned(), json!({ "id": member_id, "name": short(&member.text) }));
    extra.insert("media".to_owned(), json!(if is_video { "video" } else { "image" }));
    if !found.others.is_empty() {
        extra.insert("fingerprints".to_owned(), Value::Object(found.others));
    }
    if opinions.len() > 1 {
        let votes: Vec<Value> = opinions[1..].iter().map(MemberOpinion::to_value).collect();
        extra.insert("feedback".to_owned(), Value::Array(votes));
    }
    let entry = ListEntry {
        entry: key,
        signals: found.signals,
        classification,
        extra: Some(Value::Object(extra)),
        ..ListEntry::default()
    };
    draft.upsert(Listed { entry, opinions }, at_s);
}

fn member_id(member: &Node) -> Option<u64> {
    member.attribute("id")?.parse().ok()
}

/// Fingerprints of one entry.
#[derive(Default)]
struct Found {
    signals: Vec<Signal>,
    /// Those that nothing here can be compared with, carried by their names.
    others: Map<String, Value>,
    wrong: bool,
}

impl Found {
    fn take(&mut self, draft: &mut Draft, node: &Node, is_video: bool) {
        // Blank elements stand for fingerprints that the member did not give.
        if node.text.is_empty() && node.attribute("href").is_none() {
            return;
        }
        let kind = match node.name.to_ascii_lowercase().as_str() {
            "md5" if is_video => Some(SignalType::VideoMd5),
            "md5" => Some(SignalType::Md5),
            "sha1" => Some(SignalType::Sha1),
            "sha256" => Some(SignalType::Sha256),
            "pdq" => Some(SignalType::Pdq),
            "pdna" => Some(SignalType::Photodna),
            _ => None,
        };
        let Some(kind) = kind.filter(|_| !node.text.is_empty()) else {
            draft.skip(format!("fingerprint {}", word(&node.name)));
            return self.carry(node);
        };
        match Signal::parse(kind, &node.text) {
            Ok(signal) if signal.says_nothing() => draft.skip("values that say nothing"),
            Ok(signal) => self.signals.push(signal),
            Err(_) => {
                self.wrong = true;
                draft.skip(format!("{kind} value that cannot be read"));
                self.carry(node);
            }
        }
    }

    fn carry(&mut self, node: &Node) {
        let value = match node.attribute("href") {
            Some(href) => json!({ "href": href }),
            None => json!(node.text),
        };
        self.others.insert(word(&node.name), value);
    }
}

/// Votes of members, for each fingerprint.
fn read_feedback(draft: &mut Draft, feedback: &Node, opinions: &mut Vec<MemberOpinion>) {
    for votes in &feedback.children {
        let stance = match votes.name.as_str() {
            "affirmativeFeedback" => Stance::Confirms,
            "negativeFeedback" => Stance::Disputes,
            other => {
                draft.skip(format!("feedback {}", word(other)));
                continue;
            }
        };
        let fingerprint = votes.attribute("type").unwrap_or_default();
        let mut reason = None;
        read_votes(draft, votes, &mut reason, &mut |members, reason| {
            let at_s = members.attribute("timestamp").and_then(parse_iso);
            for member in members.children.iter().filter(|child| child.name == "member") {
                let Some(id) = member_id(member).filter(|_| opinions.len() < MAX_OPINIONS) else { continue };
                let mut opinion = MemberOpinion::new(id.to_string(), stance);
                opinion.signal = signal_type(fingerprint);
                opinion.reason = reason.cloned();
                opinion.at_s = at_s;
                opinions.push(opinion);
            }
        });
    }
}

/// Groups of members below a vote; a reason holds for the members that follow it.
fn read_votes(
    draft: &mut Draft,
    node: &Node,
    reason: &mut Option<String>,
    group: &mut impl FnMut(&Node, Option<&String>),
) {
    for child in &node.children {
        match child.name.as_str() {
            "members" => group(child, reason.as_ref()),
            "reason" => *reason = child.attribute("name").or(child.attribute("guid")).map(short),
            "reasons" => read_votes(draft, child, reason, group),
            other => draft.skip(format!("feedback {}", word(other))),
        }
    }
}

/// The signal type of a fingerprint's name in votes (`Md5`, `SHA1`, `PDNA` …).
pub(super) fn signal_type(name: &str) -> Option<SignalType> {
    let names = [
        ("md5", SignalType::Md5),
        ("sha1", SignalType::Sha1),
        ("pdq", SignalType::Pdq),
        ("pdna", SignalType::Photodna),
    ];
    names.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| kind)
}
