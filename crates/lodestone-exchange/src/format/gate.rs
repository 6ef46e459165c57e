//! The gate before a list leaves the house: what may go out as known-real, or as known-generated.
//!
//! A list of real material that others match against is poisoned by one generated picture: people search for a child
//! that does not exist. A list of generated material is poisoned by one real picture: nobody searches for the child that
//! does. So:
//!
//! | | nobody has looked | looked at, nothing found | suspected of the other kind | a person decided so | otherwise |
//! |---|---|---|---|---|---|
//! | known-real, from a list | goes out | goes out | **held** | goes out | **held** |
//! | known-real, our own | **held** | **held** | **held** | goes out | **held** |
//! | known-generated, from a list | goes out | goes out | **held** | goes out | **held** |
//! | known-generated, our own | **held** | **held** | **held** | goes out | **held** |
//!
//! *From a list*: whoever gave us the list vouches for it as what it is; *our own*: it was added here. Our own material
//! goes out as known-real without a person when an examination speaks for a camera and nothing against it; never as
//! known-generated, where a machine's suspicion is all there could be. What people decided goes over everything, and
//! where they differ nothing goes out. Banks of other kinds are not gated.
//!
//! [`answer`] is pure. Whoever exports gathers the facts, and lists what is held back with its evidence
//! ([`HeldWriter`]), so that a person can decide.

mod facts;
mod held;
mod marks;

use lodestone_types::BankKind;

pub use facts::{Decided, Decision, Evidence, OriginFacts};
pub use held::{EntrySink, GateReport, GatedWriter, HeldFormat, HeldWriter};

/// Whether an entry goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    GoesOut,
    /// It does not: why, at least one reason.
    Held(Vec<Reason>),
}

/// Why an entry is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which reason.
    pub code: ReasonCode,
    /// What it rests on; empty when it rests on there being nothing.
    pub evidence: Vec<Evidence>,
}

/// Which reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReasonCode {
    /// Neither a list nor an examination nor a person says where it comes from.
    Unexamined,
    /// It was examined, and nothing was found that bears on where it comes from.
    Undetermined,
    /// Something says that it was generated or made otherwise than by a camera.
    SuspectedSynthetic,
    /// Something says that it is real, and it would go out as generated.
    SuspectedReal,
    /// It may well be generated, and no person has said so.
    Undecided,
    /// A person decided that it is something else.
    DecidedOtherwise,
    /// People decided differently.
    DecisionsDiffer,
}

impl ReasonCode {
    /// Name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unexamined => "unexamined",
            Self::Undetermined => "undetermined",
            Self::SuspectedSynthetic => "suspected_synthetic",
            Self::SuspectedReal => "suspected_real",
            Self::Undecided => "undecided",
            Self::DecidedOtherwise => "decided_otherwise",
            Self::DecisionsDiffer => "decisions_differ",
        }
    }
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether exports as this kind are gated.
pub fn is_gated(target: BankKind) -> bool {
    matches!(target, BankKind::KnownReal | BankKind::KnownGenerated)
}

/// Whether an entry of which these facts are known goes out in a list of this kind.
pub fn answer(target: BankKind, facts: &OriginFacts) -> Answer {
    let wanted = match target {
        BankKind::KnownReal => Decided::Real,
        BankKind::KnownGenerated => Decided::Generated,
        _ => return Answer::GoesOut,
    };
    let decisions = facts.standing_decisions();
    let (so, otherwise): (Vec<&Decision>, Vec<&Decision>) =
        decisions.into_iter().partition(|decision| decision.says == wanted);
    match (so.is_empty(), otherwise.is_empty()) {
        (false, true) => return Answer::GoesOut,
        (true, false) => return held(ReasonCode::DecidedOtherwise, evidence(&otherwise)),
        (false, false) => {
            return held(ReasonCode::DecisionsDiffer, evidence(&[so, otherwise].concat()));
        }
        (true, true) => {}
    }
    let mut synthetic = facts.synthetic.clone();
    let mut real = facts.real.clone();
    // The bank it stands in says what it was taken for.
    match facts.bank {
        BankKind::KnownGenerated | BankKind::KnownEdited => {
            let what = format!("it stands in a {} bank", facts.bank);
            synthetic.push(Evidence::new("bank", what));
        }
        BankKind::KnownReal if target == BankKind::KnownGenerated => {
            real.push(Evidence::new("bank", "it stands in a known-real bank"));
        }
        _ => {}
    }
    let reasons = match target {
        BankKind::KnownReal => against_real(facts, synthetic, &real),
        _ => against_generated(facts, synthetic, real),
    };
    if reasons.is_empty() { Answer::GoesOut } else { Answer::Held(reasons) }
}

fn against_real(facts: &OriginFacts, synthetic: Vec<Evidence>, real: &[Evidence]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !synthetic.is_empty() {
        reasons.push(Reason { code: ReasonCode::SuspectedSynthetic, evidence: synthetic });
    }
    if facts.listed_by.is_none() && real.is_empty() {
        reasons.extend(unknown(facts));
    }
    reasons
}

fn against_generated(facts: &OriginFacts, synthetic: Vec<Evidence>, real: Vec<Evidence>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !real.is_empty() {
        reasons.push(Reason { code: ReasonCode::SuspectedReal, evidence: real });
    }
    if facts.listed_by.is_none() {
        // That it stands in a bank of generated material is no evidence for it: it is what is asked.
        let found: Vec<Evidence> = synthetic.into_iter().filter(|found| found.from != "bank").collect();
        if found.is_empty() {
            reasons.extend(unknown(facts));
        } else {
            reasons.push(Reason { code: ReasonCode::Undecided, evidence: found });
        }
    }
    reasons
}

fn unknown(facts: &OriginFacts) -> Option<Reason> {
    let code = if facts.examined_by.is_empty() { ReasonCode::Unexamined } else { ReasonCode::Undetermined };
    let what =
        |by: &String| Evidence::new("examination", format!("{by} found nothing that bears on its origin"));
    Some(Reason { code, evidence: facts.examined_by.iter().map(what).collect() })
}

fn held(code: ReasonCode, evidence: Vec<Evidence>) -> Answer {
    Answer::Held(vec![Reason { code, evidence }])
}

fn evidence(decisions: &[&Decision]) -> Vec<Evidence> {
    decisions.iter().map(|decision| Evidence::new("decision", decision.to_string())).collect()
}
