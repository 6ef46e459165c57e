//! The file of one calibration table, and what it answers.

use std::collections::BTreeMap;

use lodestone_types::Proposition;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::spec::{Level, Standing};

/// The version of the file's shape.
pub const SCHEMA: u32 = 1;

/// One calibration table, as it stands in its JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Its identifier, with a version.
    pub id: String,
    /// Day it was fitted, `YYYY-MM-DD`.
    pub date: String,
    /// Rules of the examiners whose facts it was fitted to.
    pub basis: String,
    /// The first proposition.
    pub h1: Proposition,
    /// The second.
    pub h2: Proposition,
    /// What it was fitted on.
    pub corpus: Corpus,
    /// Largest |log10 LR| it gives: log10(n + 1), n files of the smaller class, a source's files counted up to a limit.
    pub cap_log10_lr: f64,
    /// What turns findings into a likelihood ratio.
    pub map: Map,
    /// How good it is on files that it was not fitted on; `None`: too few sources to tell.
    pub judged: Option<Judged>,
    /// What it must not be used for.
    pub not_for: Vec<String>,
}

/// What a table was fitted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// Its name.
    pub name: String,
    /// SHA-256 over its files' paths, labels and SHA-256, sorted; hexadecimal.
    pub digest: String,
    /// Files of the first and of the second proposition.
    pub files: [usize; 2],
    /// Sources of them.
    pub sources: [usize; 2],
}

/// How good a table is on files that it was not fitted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// How: `leave one source out`.
    pub protocol: String,
    /// Cllr over all files; those on which the table is silent count as LR 1.
    pub cllr: f64,
    /// 95 % interval of it, sources drawn again.
    pub cllr_range: Option<[f64; 2]>,
    /// Cllr over the files of which it says something; `None` where one class has none.
    pub cllr_answered: Option<f64>,
    /// Files of each proposition of which it says something.
    pub answered: [usize; 2],
    /// What the order of its values is worth, all files.
    pub min_cllr: f64,
    /// Expected calibration error at even prior odds, all files.
    pub ece: f64,
}

/// What turns findings into a likelihood ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Map {
    /// A joint table of facts.
    Joint {
        /// Facts, in order.
        levels: Vec<Level>,
        /// How many files' worth the pooled frequencies weigh: what draws a ratio to 1 where counts are small.
        smoothing: f64,
        /// For how many files one source counts at most.
        source_limit: f64,
        /// Combinations that were counted.
        cells: Vec<Cell>,
    },
    /// A score.
    Score {
        /// Its name in [`lodestone_types::Assessment::scores`].
        score: String,
        /// From score to log10 LR.
        curve: Curve,
        /// Scores seen at the fit; beyond them the nearest counts.
        seen: [f64; 2],
        /// Score, lower and upper end of the 95 % interval of log10 LR there; between them straight lines.
        band: Vec<[f64; 3]>,
        /// Facts that must be among these for the score to mean anything: `format`, `size_bucket`, `quality_bucket`.
        within: BTreeMap<String, Vec<String>>,
    },
}

/// From score to log10 LR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Curve {
    /// `slope × score + intercept`, by logistic regression with classes weighing the same.
    Logistic {
        /// In log10 LR.
        slope: f64,
        /// In log10 LR.
        intercept: f64,
    },
    /// Steps by isotonic regression: from this score on, this log10 LR.
    Isotonic(Vec<[f64; 2]>),
}

/// One combination of facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// A category for each level; `None` where the fact is absent.
    pub is: Vec<Option<String>>,
    /// Files of each proposition that were so.
    pub files: [usize; 2],
    /// Sources of them.
    pub sources: [usize; 2],
    /// log10 likelihood ratio, drawn to 0 and capped.
    pub log10_lr: f64,
    /// 95 % interval of it.
    pub range: [f64; 2],
}

/// What a table says of one file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Says {
        log10_lr: f64,
        range: [f64; 2],
        rests_on: Vec<String>,
    },
    /// Nothing, and why.
    Silent(String),
}

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotATable(String);

impl Table {
    /// Reads a file's text and checks it.
    ///
    /// # Errors
    /// When it is no such JSON, or holds numbers or names that no fit writes.
    pub fn parse(text: &str) -> Result<Self, NotATable> {
        let table: Self =
            serde_json::from_str(text).map_err(|e| NotATable(format!("no calibration table: {e}")))?;
        table.check().map_err(|what| NotATable(what.to_owned()))?;
        Ok(table)
    }

    /// Reads a file that holds one table or a JSON array of them.
    ///
    /// # Errors
    /// As [`Table::parse`].
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NotATable> {
        if !text.trim_start().starts_with('[') {
            return Self::parse(text).map(|t| vec![t]);
        }
        let tables: Vec<Self> =
            serde_json::from_str(text).map_err(|e| NotATable(format!("no calibration table: {e}")))?;
        for table in &tables {
            table.check().map_err(|what| NotATable(what.to_owned()))?;
        }
        Ok(tables)
    }

    fn check(&self) -> Result<(), &'static str> {
        let n = self.corpus.files.iter().copied().min().unwrap_or(0);
        let sane = |x: f64| x.is_finite() && x.abs() <= self.cap_log10_lr + 1e-9;
        if self.schema != SCHEMA {
            return Err("a calibration table of another schema");
        }
        if self.id.is_empty() || self.id.len() > 200 || self.h1 == self.h2 {
            return Err("a calibration table without identifier or with one proposition twice");
        }
        if !(0.0..=((n + 1) as f64).log10() + 1e-3).contains(&self.cap_log10_lr) {
            return Err("cap_log10_lr is more than log10(n + 1) of the smaller class");
        }
        match &self.map {
            Map::Joint { levels, cells, .. } => {
                let right = |c: &Cell| {
                    c.is.len() == levels.len() && sane(c.log10_lr) && c.range.iter().all(|x| sane(*x))
                };
                if levels.is_empty() || !cells.iter().all(right) {
                    return Err("a cell that does not fit the levels or is beyond the cap");
                }
            }
            Map::Score { curve, seen, band, .. } => {
                let curve_finite = match curve {
                    Curve::Logistic { slope, intercept } => slope.is_finite() && intercept.is_finite(),
                    Curve::Isotonic(steps) => {
                        !steps.is_empty() && steps.iter().flatten().all(|x| x.is_finite())
                    }
                };
                let ordered = seen[0].is_finite() && seen[1].is_finite() && seen[0] <= seen[1];
                if !curve_finite
                    || !ordered
                    || band.is_empty()
                    || !band.iter().flatten().all(|x| x.is_finite())
                {
                    return Err("a score's curve or range that is no number");
                }
            }
        }
        Ok(())
    }

    /// Its JSON file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a table is plain data");
        text.push('\n');
        text
    }

    pub(crate) fn pair(&self) -> (Proposition, Proposition) {
        (self.h1, self.h2)
    }

    /// What it weighs: tables that weigh the same stand in for each other.
    pub(crate) fn subject(&self) -> &str {
        match &self.map {
            Map::Joint { .. } => "facts",
            Map::Score { score, .. } => score,
        }
    }

    pub(crate) fn answer(&self, facts: &BTreeMap<String, String>, scores: &BTreeMap<String, f64>) -> Answer {
        match &self.map {
            Map::Joint { levels, cells, .. } => joint(levels, cells, facts),
            Map::Score { score, curve, seen, band, within } => {
                let Some(value) = scores.get(score).filter(|v| v.is_finite()) else {
                    return Answer::Silent(format!("no score {score}"));
                };
                for (fact, allowed) in within {
                    let here = facts.get(fact).map_or("unknown", String::as_str);
                    if !allowed.iter().any(|a| a == here) {
                        return Answer::Silent(format!(
                            "{score}: {fact} {here} is outside what the calibration was made on ({})",
                            allowed.join(", ")
                        ));
                    }
                }
                let value = value.clamp(seen[0], seen[1]);
                let cap = self.cap_log10_lr;
                let log10_lr = curve.at(value).clamp(-cap, cap);
                let [low, high] = between(band, value);
                let range = [low.min(log10_lr).clamp(-cap, cap), high.max(log10_lr).clamp(-cap, cap)];
                Answer::Says { log10_lr, range, rests_on: vec![format!("{score}={value:.3}")] }
            }
        }
    }
}

impl Curve {
    pub(crate) fn at(&self, score: f64) -> f64 {
        match self {
            Self::Logistic { slope, intercept } => slope * score + intercept,
            Self::Isotonic(steps) => {
                let after = steps.partition_point(|s| s[0] <= score);
                steps.get(after.saturating_sub(1)).map_or(0.0, |s| s[1])
            }
        }
    }
}

/// Straight lines between the band's points; its ends beyond them.
fn between(band: &[[f64; 3]], score: f64) -> [f64; 2] {
    let after = band.partition_point(|p| p[0] <= score);
    let below = band.get(after.saturating_sub(1)).copied().unwrap_or_default();
    let above = band.get(after).copied().unwrap_or(below);
    let width = above[0] - below[0];
    let part = if width > 0.0 { ((score - below[0]) / width).clamp(0.0, 1.0) } else { 0.0 };
    [below[1] + part * (above[1] - below[1]), below[2] + part * (above[2] - below[2])]
}

fn joint(levels: &[Level], cells: &[Cell], facts: &BTreeMap<String, String>) -> Answer {
    let mut key = Vec::new();
    let mut rests_on = Vec::new();
    for level in levels {
        key.push(match level.standing(facts) {
            Standing::Silent(why) => return Answer::Silent(why),
            Standing::Absent => None,
            Standing::Is(category) => {
                let as_found = facts.get(&level.fact).map_or("", String::as_str);
                rests_on.push(format!("{}={as_found}", level.fact));
                Some(category)
            }
        });
    }
    if rests_on.is_empty() {
        return Answer::Silent("nothing was found that a table weighs; absence is no evidence".to_owned());
    }
    match cells.iter().find(|c| c.is == key) {
        Some(cell) => Answer::Says { log10_lr: cell.log10_lr, range: cell.range, rests_on },
        None => Answer::Silent(format!("{} was not seen in the calibration", rests_on.join(", "))),
    }
}

/// First eight hexadecimal digits of a file's SHA-256.
pub(crate) fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(4).map(|b| format!("{b:02x}")).collect()
}
