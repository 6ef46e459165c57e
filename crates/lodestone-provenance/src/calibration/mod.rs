//! Facts and scores to likelihood ratios, by tables that say on what they were fitted.
//!
//! ```text
//! Assessment.facts, .scores ─▶ Table::answer (one a subject) ─▶ weigh: capped sum ─▶ PairAssessment + ENFSI sentence
//! labelled files ─▶ Case ─▶ fit: joint_table, score_table, one source left out ─▶ Table (a JSON file) ─▶ metrics, report
//! ```
//!
//! A table is data (`calibrations/*.json`) and carries its corpus, counts, cap and cost in bits on files that it was not
//! fitted on. Findings that a table cannot hold, such as what a signature's claim states, are never turned into numbers:
//! see docs/calibration.md.

mod case;
pub(crate) mod conditions;
pub mod fit;
mod judge;
pub mod labelled;
pub mod metrics;
pub mod rates;
mod spec;
mod table;
mod weigh;
pub mod wording;

use std::path::PathBuf;

use lodestone_types::Proposition;

pub use case::{Case, proposition};
pub use judge::judge;
pub use spec::{Level, Spec, specs};
pub use table::{Cell, Corpus, Curve, Judged, Map, NotATable, SCHEMA, Table};
pub use weigh::{PAIRS, weigh};

use crate::kit::KitError;

/// Tables that this build ships.
const SHIPPED: [&str; 1] = [include_str!("../../calibrations/origin.json")];

/// Calibration tables in use.
#[derive(Clone, Debug, Default)]
pub struct Calibrations {
    /// The operator's first.
    tables: Vec<Loaded>,
}

/// A table and what it is called in answers.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) table: Table,
    /// Identifier, day and short digest of the file.
    pub(crate) name: String,
}

impl Calibrations {
    /// The tables that this build ships.
    pub fn built_in() -> Self {
        let mut out = Self::default();
        for text in SHIPPED {
            out.add(text).expect("a shipped table is part of the program; a test parses all");
        }
        out
    }

    /// The built-in tables, and the operator's own, which come first where both could answer.
    ///
    /// # Errors
    /// When a file cannot be read or is no calibration table.
    pub fn load(files: &[PathBuf]) -> Result<Self, KitError> {
        let mut out = Self::default();
        for path in files {
            let text = std::fs::read_to_string(path)
                .map_err(|source| KitError::Io { path: path.clone(), source })?;
            out.add(&text).map_err(|e| KitError::Invalid { path: path.clone(), what: e.to_string() })?;
        }
        out.tables.extend(Self::built_in().tables);
        Ok(out)
    }

    /// Adds the tables that the sidecars of models name, after those already there. Sidecars and tables are read, the models
    /// are not.
    ///
    /// # Errors
    /// When one cannot be read, is no calibration table, is not the pinned one, lies outside the sidecar's folder, or
    /// weighs anything but its own model's score.
    pub fn and_of_models(mut self, sidecars: &[PathBuf]) -> Result<Self, KitError> {
        for named in crate::models::tables(sidecars)? {
            let invalid = |what: String| {
                let what = format!("calibration {}: {what}", named.file);
                KitError::Invalid { path: named.sidecar.clone(), what }
            };
            let mut own = Self::default();
            own.add(&named.text).map_err(|e| invalid(e.to_string()))?;
            if let Some(other) = own.tables().map(Table::subject).find(|subject| *subject != named.score) {
                return Err(invalid(format!("it weighs {other}, not the score {}", named.score)));
            }
            // The same file may be given by --calibration, too.
            own.tables.retain(|one| self.tables.iter().all(|there| there.name != one.name));
            self.tables.append(&mut own.tables);
        }
        Ok(self)
    }

    /// Adds the table, or the JSON array of tables, in a file's text; it comes after those already there.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, text: &str) -> Result<(), NotATable> {
        for table in Table::parse_all(text)? {
            let name = format!("{} ({}, {})", table.id, table.date, table::short_digest(text));
            self.tables.push(Loaded { table, name });
        }
        Ok(())
    }

    /// Identifiers of the tables, one line each, with files, cost and cap.
    pub fn describe(&self) -> Vec<String> {
        self.tables.iter().map(Loaded::describe).collect()
    }

    /// The tables, those that come first where several could answer first.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|l| &l.table)
    }

    pub(crate) fn of(&self, pair: (Proposition, Proposition)) -> impl Iterator<Item = &Loaded> {
        self.tables.iter().filter(move |l| l.table.pair() == pair)
    }
}

impl Loaded {
    fn describe(&self) -> String {
        let table = &self.table;
        let [n1, n2] = table.corpus.files;
        let cost = match &table.judged {
            Some(Judged { cllr, cllr_range: Some([low, high]), protocol, .. }) => {
                format!("Cllr {cllr} ({low} to {high}), {protocol}")
            }
            Some(Judged { cllr, protocol, .. }) => format!("Cllr {cllr}, {protocol}"),
            None => "not judged on other files".to_owned(),
        };
        format!(
            "calibration {}: {n1} and {n2} files of {}; {cost}; |log10 LR| at most {}",
            self.name, table.corpus.name, table.cap_log10_lr
        )
    }
}
