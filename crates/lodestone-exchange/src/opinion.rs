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
    /// Every stance.
    pub const ALL: [Self; 4] = [Self::Lists, Self::Confirms, Self::Disputes, Self::Suspects];

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
    /// The member is we ourselves: what we sent, come back.
    pub is_own: bool,
}

impl MemberOpinion {
    /// What a member says, and no more.
    pub fn new(member: impl Into<String>, stance: Stance) -> Self {
        Self {
            member: member.into(),
            stance,
            signal: None,
            reason: None,
            tags: Vec::new(),
            at_s: None,
            is_own: false,
        }
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
        if self.is_own {
            fields.insert("own".to_owned(), json!(true));
        }
        Value::Object(fields)
    }

    /// What was kept of it; `None` for what is no opinion.
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let stance = text("stance")?;
        let stance = Stance::ALL.into_iter().find(|known| known.as_str() == stance)?;
        let tags = value.get("tags").and_then(Value::as_array);
        Some(Self {
            signal: text("signal").and_then(SignalType::from_wire),
            reason: text("reason").map(str::to_owned),
            tags: tags.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            at_s: value.get("at_s").and_then(Value::as_i64),
            is_own: value.get("own").and_then(Value::as_bool).unwrap_or(false),
            ..Self::new(text("member")?, stance)
        })
    }

    /// All that are kept with an entry, in its further fields. What is no opinion is passed over.
    pub fn kept(extra: &Value) -> Vec<Self> {
        let all = extra.get(FIELD).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Self::from_value).collect()
    }
}

/// Field of an entry's `extra` with what each member says.
pub const FIELD: &str = "opinions";

/// What a bank asks of the members before a value counts in full: so many members, *or* so many confirmations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpinionPolicy {
    /// Members that list or confirm it. 0 asks for nothing.
    pub members: usize,
    /// Members that confirm it. 0 asks for nothing.
    pub confirmations: usize,
}

impl OpinionPolicy {
    /// Two members, or one confirmed.
    pub const TWO_OR_CONFIRMED: Self = Self { members: 2, confirmations: 1 };

    /// Whether it asks for anything.
    pub fn asks(&self) -> bool {
        self.members > 0 || self.confirmations > 0
    }

    /// Whether the opinions suffice. Give those of all entries that hold the same value: NCMEC has an entry for each
    /// member.
    pub fn is_met<'o>(&self, opinions: impl IntoIterator<Item = &'o MemberOpinion>) -> bool {
        self.is_met_by(opinions.into_iter().map(|opinion| (opinion.member.as_str(), opinion.stance)))
    }

    /// As [`OpinionPolicy::is_met`], of who says what. Each counts once; whoever disputes it counts for neither. Of the two
    /// numbers, one that asks for nothing is no way to meet the other.
    pub fn is_met_by<M: Ord + Copy>(&self, said: impl IntoIterator<Item = (M, Stance)>) -> bool {
        if !self.asks() {
            return true;
        }
        let (mut held, mut confirmed, mut against) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (member, stance) in said {
            match stance {
                Stance::Lists => held.insert(member),
                Stance::Confirms => held.insert(member) | confirmed.insert(member),
                Stance::Disputes => against.insert(member),
                Stance::Suspects => false,
            };
        }
        let suffice = |voices: &BTreeSet<M>, needed: usize| voices.difference(&against).count() >= needed;
        self.members > 0 && suffice(&held, self.members)
            || self.confirmations > 0 && suffice(&confirmed, self.confirmations)
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

    #[test]
    fn a_number_that_asks_for_nothing_is_no_way_to_meet_the_other() {
        let says = |member: &str, stance| MemberOpinion::new(member, stance);
        let (lists, confirms) = (says("1", Stance::Lists), says("2", Stance::Confirms));
        let of = |members, confirmations| OpinionPolicy { members, confirmations };
        assert!(!of(0, 0).asks() && of(0, 0).is_met([]));
        assert!(
            !of(1, 0).is_met([]) && !of(1, 0).is_met([&says("1", Stance::Suspects)]),
            "a lead is no member"
        );
        assert!(of(1, 0).is_met([&lists]) && of(1, 1).is_met([&lists]));
        assert!(!of(2, 0).is_met([&lists]) && !of(2, 0).is_met([&confirms]));
        assert!(of(2, 0).is_met([&lists, &confirms]));
        assert!(!of(0, 1).is_met([&lists]) && of(0, 1).is_met([&confirms]));
    }

    #[test]
    fn what_is_kept_is_read_back_and_what_is_none_is_passed_over() {
        let opinion = MemberOpinion {
            signal: Some(SignalType::Pdq),
            reason: Some("r".into()),
            tags: vec!["t".into()],
            at_s: Some(7),
            is_own: true,
            ..MemberOpinion::new("42", Stance::Disputes)
        };
        let plain = MemberOpinion::new("43", Stance::Lists);
        let odd = [json!(7), json!({ "member": "1" }), json!({ "member": "1", "stance": "dreams" })];
        let mut all = vec![opinion.to_value(), plain.to_value()];
        all.extend(odd);
        assert_eq!(MemberOpinion::kept(&json!({ "opinions": all })), [opinion, plain]);
        assert!(MemberOpinion::kept(&json!({ "opinions": 7 })).is_empty());
    }
}
