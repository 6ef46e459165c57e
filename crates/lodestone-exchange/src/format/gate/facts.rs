//! What is known of where an entry's content comes from.

use lodestone_types::{Assessment, BankKind, ListEntry, Proposition};
use serde_json::Value;

use super::marks;

/// Something that bears on where a content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it was found: `flag`, `tag`, `source_type`, `assessment`, `likelihood`, `watermark`, `generator`, `bank`,
    /// `decision`, `examination`, or the caller's own word.
    pub from: String,
    /// A sentence for people.
    pub what: String,
}

impl Evidence {
    /// Evidence of a place and a sentence.
    pub fn new(from: impl Into<String>, what: impl Into<String>) -> Self {
        Self { from: from.into(), what: what.into() }
    }
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Decided {
    /// It shows what happened.
    Real,
    /// It was generated, or changed by a generative model.
    Generated,
    /// It is not what the bank takes it for.
    Disputed,
}

impl Decided {
    /// Name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Generated => "generated",
            Self::Disputed => "disputed",
        }
    }

    /// What an opinion on a content of such a bank decides: to confirm it in a known-real bank says that it is real.
    /// `None` in banks whose kind says nothing of origin.
    pub fn of_opinion(bank: BankKind, confirms: bool) -> Option<Self> {
        match (bank, confirms) {
            (BankKind::KnownReal, true) => Some(Self::Real),
            (BankKind::KnownGenerated, true) => Some(Self::Generated),
            (BankKind::KnownReal | BankKind::KnownGenerated, false) => Some(Self::Disputed),
            _ => None,
        }
    }
}

/// A decision of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whose it is.
    pub who: String,
    /// What they decided.
    pub says: Decided,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Why, in their words.
    pub note: Option<String>,
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} says {}", self.who, self.says.as_str())?;
        self.note.as_ref().map_or(Ok(()), |note| write!(f, ": {note}"))
    }
}

/// What is known of where an entry's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginFacts {
    /// Kind of the bank it stands in.
    pub bank: BankKind,
    /// Name of the list that brought it, which vouches for it; `None` when it was added here.
    pub listed_by: Option<String>,
    /// What examined its bytes: the rules' names with their version (`examiners/2`).
    pub examined_by: Vec<String>,
    /// What says that it was generated, or made otherwise than by a camera.
    pub synthetic: Vec<Evidence>,
    /// What says that it is real.
    pub real: Vec<Evidence>,
    /// What people decided, in any order. The last word of each counts.
    pub decisions: Vec<Decision>,
}

impl OriginFacts {
    /// What an entry says of itself, in a bank of this kind: flags (`generativeAi`, as `true` or as text), tags, IPTC
    /// source types and INTERPOL's `Baseline`, in its tags and in all that it carries. Nobody vouches for it yet.
    pub fn of_entry(bank: BankKind, entry: &ListEntry) -> Self {
        let mut facts = Self {
            bank,
            listed_by: None,
            examined_by: Vec::new(),
            synthetic: Vec::new(),
            real: Vec::new(),
            decisions: Vec::new(),
        };
        for tag in &entry.tags {
            facts.synthetic.extend(marks::tag(tag));
        }
        if let Some(extra) = &entry.extra {
            facts.read(extra);
        }
        facts
    }

    /// Reads further fields that are kept for the entry, as [`OriginFacts::of_entry`] reads those it carries.
    pub fn read(&mut self, fields: &Value) {
        marks::read(fields, &mut self.synthetic, &mut self.real);
    }

    /// Adds what an examination of its bytes gave. One that abstains counts as an examination without a result.
    pub fn assessed(&mut self, assessment: &Assessment) {
        self.examined_by.push(assessment.basis.clone());
        for proposition in &assessment.supported {
            let side = if is_synthetic(*proposition) { &mut self.synthetic } else { &mut self.real };
            let supported = marks::name(proposition);
            side.push(Evidence::new("assessment", format!("{} supports {supported}", assessment.basis)));
        }
        if let Some(generator) = &assessment.generator {
            self.synthetic.push(Evidence::new("generator", format!("the file names {generator}")));
        }
        for mark in &assessment.watermarks {
            self.synthetic.push(Evidence::new("watermark", format!("{} in its pixels", mark.message)));
        }
        if let Some(kind) = &assessment.digital_source_type {
            self.synthetic.extend(marks::source_type(kind));
        }
        for pair in &assessment.pairs {
            let Some(log10_lr) = pair.log10_lr else { continue };
            // Above 0 speaks for h1.
            let (for_h, against) = if log10_lr > 0.0 { (pair.h1, pair.h2) } else { (pair.h2, pair.h1) };
            if log10_lr == 0.0 || is_synthetic(for_h) == is_synthetic(against) {
                continue;
            }
            let side = if is_synthetic(for_h) { &mut self.synthetic } else { &mut self.real };
            side.push(Evidence::new("likelihood", pair.wording.clone()));
        }
    }

    /// The last decision of each person, by name.
    pub(super) fn standing_decisions(&self) -> Vec<&Decision> {
        let mut last: Vec<&Decision> = Vec::new();
        let mut all: Vec<&Decision> = self.decisions.iter().collect();
        all.sort_by(|a, b| (&a.who, a.at_us).cmp(&(&b.who, b.at_us)));
        for decision in all {
            match last.last_mut() {
                Some(before) if before.who == decision.who => *before = decision,
                _ => last.push(decision),
            }
        }
        last
    }
}

fn is_synthetic(proposition: Proposition) -> bool {
    !matches!(proposition, Proposition::CameraOriginal | Proposition::EditedCapture)
}
