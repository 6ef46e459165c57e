//! Match events: what was found, by whom, with what; written down before it is answered.

use std::collections::BTreeMap;

use lodestone_engine::live::Said;
use lodestone_types::{BankKind, Relation, Standing, Transform};
use serde::{Deserialize, Serialize};

use crate::lookup::Found;

/// A look-up that found something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchEvent {
    /// Its id: also the idempotency key of what follows from it.
    pub id: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Id of the key that asked.
    pub key: String,
    /// Whose content it was, where the caller says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The caller's own name of the content, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_ref: Option<String>,
    /// Generation of the banks that answered.
    pub generation: u64,
    /// SHA-256 of the file, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The signals looked up, by type.
    pub signals: BTreeMap<String, String>,
    /// What matched.
    pub matches: Vec<EventMatch>,
    /// Matches that are not written down, farther than those that are: of each bank so many are kept.
    #[serde(default, skip_serializing_if = "is_none_left_out")]
    pub left_out: u64,
    /// What examination found, where it was asked for: findings and assessment as in `lodestone examine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<serde_json::Value>,
}

/// An entry that matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventMatch {
    /// Name of the bank.
    pub bank: String,
    /// Its kind.
    pub bank_kind: BankKind,
    /// HMA's `bank_content_id`.
    pub bank_content_id: u64,
    /// By which type of signal.
    pub signal_type: String,
    /// As HMA writes it.
    pub distance: String,
    /// Bits that differ, where that is what it counts; 0 for equal ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_bits: Option<u32>,
    /// Whether it stands. One that is for a person to look at starts no action but a review.
    #[serde(default, skip_serializing_if = "stands")]
    pub standing: Standing,
    /// More people and members of its exchange dispute the entry than confirm it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
    /// How many people, and members of its exchange, confirm the entry.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confirms: u32,
    /// The layer that found it, where a part of the picture matched: 2 or 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u8>,
    /// How the questioned picture comes from the known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// Where, and in which form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Transform>,
    /// Local features that agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inliers: Option<u32>,
    /// How much that says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_bits: Option<u32>,
    /// Regions that were looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<u32>,
    /// Accidental matches as near as this to be expected for one picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_false_hits: Option<f64>,
    /// The bank's own setting asks for that layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_by_bank: bool,
}

/// What matches by local features say in the place of a type of signal.
pub const FEATURES: &str = "features";

fn is_none_left_out(left_out: &u64) -> bool {
    *left_out == 0
}

fn stands(standing: &Standing) -> bool {
    *standing == Standing::Match
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl EventMatch {
    /// Whether rules may act upon it by themselves.
    pub fn stands(&self) -> bool {
        stands(&self.standing)
    }

    /// Of an entry that was found, with what is said of it.
    pub fn of(found: &Found, said: Said) -> Self {
        let plain = Self {
            bank: found.bank.bank.name.clone(),
            bank_kind: found.bank.bank.kind,
            bank_content_id: found.content_id,
            signal_type: found.signal_type.as_str().to_owned(),
            distance: found.distance.to_hma(),
            distance_bits: found.distance.bits(),
            standing: if found.is_for_review() { Standing::Review } else { Standing::Match },
            disputed: said.disputes > said.confirms,
            confirms: said.confirms,
            layer: None,
            relation: None,
            transform: None,
            inliers: None,
            evidence_bits: None,
            windows: None,
            expected_false_hits: None,
            asked_by_bank: false,
        };
        let Some(derived) = &found.derived else { return plain };
        let hit = &derived.hit;
        Self {
            signal_type: if hit.layer == 2 { plain.signal_type } else { FEATURES.to_owned() },
            layer: Some(hit.layer),
            relation: hit.relation,
            transform: Some(hit.transform),
            inliers: hit.inliers,
            evidence_bits: hit.evidence_bits,
            windows: hit.windows,
            expected_false_hits: Some(hit.expected_false_hits),
            asked_by_bank: derived.asked_by_bank,
            ..plain
        }
    }
}
