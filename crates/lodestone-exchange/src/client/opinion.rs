//! Who says what about an entry, kept for each member, so that a bank's policy can ask for more than one voice.

use std::collections::BTreeSet;

use lodestone_types::SignalType;
use serde_json::{Map, Value, json};

/// What a member says. *Source:* python-threatexchange, `SignalOpinionCategory`; "lists" is told apart from "confirms".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stance {
    /// It put the entry on the list.
    Lists,
    /// It looked, and agrees: NCMEC's affirmative feedback, StopNCII's `Blocked`, ThreatExchange's `HELPFUL`.
    Confirms,
    /// It looked, and disagrees: negative feedback, `NotBlocked`, `NON_MALICIOUS`, `DISAGREE_WITH_TAGS`.
    Disputes,
    /// A lead, not a judgement: `SUSPICIOUS`, `UNKNOWN`, a case that a person reported.
    Suspects,
}

impl Stance {
    /// Its word in what is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lists => "lists",
            Self::Confirms => "confirms",
            Self::Disputes => "disputes",
            Self::Suspects => "suspects",
        }
    }
}

/// One member's opinion on one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberOpinion {
    /// The member, by the exchange's own id or name.
    pub member: String,
    /// What it says.
    pub stance: Stance,
    /// The fingerprint it speaks of, where the exchange has votes for each.
    pub signal: Option<SignalType>,
    /// Why, or in which words: the exchange's own.
    pub reason: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When, seconds since 1970.
    pub at_s: Option<i64>,
}

impl MemberOpinion {
    pub(super) fn new(member: impl Into<String>, stance: Stance) -> Self {
        Self { member: member.into(), stance, signal: None, reason: None, tags: Vec::new(), at_s: None }
    }

    /// As it is kept: an object of what there is.
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("member".to_owned(), json!(self.member));
        fields.insert("stance".to_owned(), json!(self.stance.as_str()));
        if let Some(signal) = self.signal {
            fields.insert("signal".to_owned(), json!(signal.as_str()));
        }
        if let Some(reason) = &self.reason {
            fields.insert("reason".to_owned(), json!(reason));
        }
        if !self.tags.is_empty() {
            fields.insert("tags".to_owned(), json!(self.tags));
        }
        if let Some(at_s) = self.at_s {
            fields.insert("at_s".to_owned(), json!(at_s));
        }
        Value::Object(fields)
    }
}

/// What a bank asks of the members before an entry counts: so many members, *or* so many confirmations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpinionPolicy {
    /// Members that list or confirm it. 0 and 1 ask for nothing.
    pub members: usize,
    /// Members that confirm it, the one that lists it among them. 0 asks for nothing.
    pub confirmations: usize,
}

impl OpinionPolicy {
    /// Two members, or one confirmed.
    pub const TWO_OR_CONFIRMED: Self = Self { members: 2, confirmations: 1 };

    /// Whether the opinions suffice. Give those of all entries that hold the same value: NCMEC has an entry for each
    /// member. Whoever disputes it counts for neither.
    pub fn is_met<'o>(&self, opinions: impl IntoIterator<Item = &'o MemberOpinion>) -> bool {
        let (mut held, mut confirmed, mut against) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for opinion in opinions {
            let member = opinion.member.as_str();
            match opinion.stance {
                Stance::Lists => held.insert(member),
                Stance::Confirms => held.insert(member) | confirmed.insert(member),
                Stance::Disputes => against.insert(member),
                Stance::Suspects => false,
            };
        }
        held.difference(&against).count() >= self.members
            || confirmed.difference(&against).count() >= self.confirmations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_members_or_one_confirmation_suffice() {
        let policy = OpinionPolicy::TWO_OR_CONFIRMED;
        let says = |member: &str, stance| MemberOpinion::new(member, stance);
        let (one, same) = (says("1", Stance::Lists), says("1", Stance::Lists));
        assert!(!policy.is_met([&one, &same]), "one member twice is one member");
        assert!(policy.is_met([&one, &says("2", Stance::Lists)]));
        assert!(policy.is_met([&one, &says("2", Stance::Confirms)]));
        assert!(policy.is_met([&says("2", Stance::Confirms)]));
        assert!(!policy.is_met([&one, &says("2", Stance::Suspects)]));
        assert!(!policy.is_met([&one, &says("2", Stance::Disputes)]));
        assert!(!policy.is_met([&one, &says("2", Stance::Confirms), &says("2", Stance::Disputes)]));
        assert!(!policy.is_met([]));
    }
}
