//! Counts to a joint table: conditional frequencies, each drawn to what both propositions have together.
//!
//! At each level, among files that agree so far, a category's frequency under a proposition is
//! `(count + smoothing × pooled frequency) / (files + smoothing)`. The pooled frequency is the same for both, so a ratio
//! is drawn to 1 where counts are small. A source counts for at most `source_limit` files under each proposition: files of
//! one source are alike, and a thousand of them are not a thousand observations.

use std::collections::{BTreeMap, BTreeSet};

use super::super::case::Case;
use super::super::metrics::{Seeded, quantiles};
use super::super::spec::{Level, Spec, Standing};
use super::super::table::Cell;

/// What draws a fit to no effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shrinkage {
    /// How many files' worth the pooled frequencies weigh.
    pub smoothing: f64,
    /// For how many files one source counts at most.
    pub source_limit: f64,
}

/// A file: whether the first proposition holds, its weight, its source, and its category at each level.
struct Row<'a> {
    class: usize,
    weight: f64,
    source: &'a str,
    key: Vec<Option<String>>,
}

/// The cells of a joint table, and its cap.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Combinations that were counted, sorted.
    pub cells: Vec<Cell>,
    /// Largest |log10 LR| that a cell may have.
    pub cap_log10_lr: f64,
}

/// Fits one. `None` where a proposition has no file. `rounds` draws make the intervals; 0: none are made (both ends are
/// the ratio itself), for inner loops. Deterministic.
pub fn fit_joint(spec: &Spec, cases: &[&Case], shrinkage: Shrinkage, rounds: usize) -> Option<Fitted> {
    let rows = rows(spec, cases, shrinkage.source_limit);
    if (0..2).any(|class| !rows.iter().any(|r| r.class == class)) {
        return None;
    }
    let silent = |key: &[Option<String>]| {
        spec.levels
            .iter()
            .zip(key)
            .any(|(level, is)| is.as_ref().is_some_and(|c| level.silent.contains_key(c)))
    };
    let keys: BTreeSet<Vec<Option<String>>> =
        rows.iter().map(|r| r.key.clone()).filter(|k| k.iter().any(Option::is_some) && !silent(k)).collect();
    let mut cells = Vec::new();
    let mut table_cap = 0.0_f64;
    for key in keys {
        let factors = factors(&spec.levels, &rows, &key, shrinkage.smoothing);
        let Some(first) = factors.first() else { continue };
        let n = first.files.iter().fold(f64::INFINITY, |a, b| a.min(*b));
        let cap = floor3((n + 1.0).log10());
        table_cap = table_cap.max(cap);
        let ratio: f64 = factors.iter().map(Factor::log10_lr).sum();
        let log10_lr = round3(ratio.clamp(-cap, cap));
        let range = if rounds == 0 { [log10_lr; 2] } else { interval(&factors, rounds) };
        let here = |class| rows.iter().filter(move |r| r.class == class).filter(|r| r.key == key);
        let sources = |class| here(class).map(|r| r.source).collect::<BTreeSet<_>>().len();
        cells.push(Cell {
            is: key.clone(),
            files: [here(0).count(), here(1).count()],
            sources: [sources(0), sources(1)],
            log10_lr,
            range: [
                round3(range[0].min(log10_lr).clamp(-cap, cap)),
                round3(range[1].max(log10_lr).clamp(-cap, cap)),
            ],
        });
    }
    Some(Fitted { cells, cap_log10_lr: table_cap })
}

fn rows<'a>(spec: &Spec, cases: &[&'a Case], source_limit: f64) -> Vec<Row<'a>> {
    let class_of = |case: &Case| [spec.h1, spec.h2].iter().position(|h| *h == case.proposition);
    let mut per_source: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for case in cases {
        if let Some(class) = class_of(case) {
            *per_source.entry((class, case.source.as_str())).or_default() += 1;
        }
    }
    cases
        .iter()
        .filter_map(|case| {
            let class = class_of(case)?;
            let n = per_source.get(&(class, case.source.as_str())).copied().unwrap_or(1);
            let key = spec.levels.iter().map(|level| match level.standing(&case.facts) {
                Standing::Absent => None,
                // Counted, so that frequencies are right, but never answered.
                Standing::Silent(_) => Some(case.facts.get(&level.fact).cloned().unwrap_or_default()),
                Standing::Is(category) => Some(category),
            });
            let weight = (source_limit / n as f64).min(1.0);
            Some(Row { class, weight, source: &case.source, key: key.collect() })
        })
        .collect()
}

/// One level's share of a ratio: under each proposition a Beta distribution of the category's frequency.
struct Factor {
    /// Weight of files in the context.
    files: [f64; 2],
    /// Parameters for the category and for all others.
    beta: [[f64; 2]; 2],
}

impl Factor {
    fn log10_lr(&self) -> f64 {
        let p = |b: [f64; 2]| b[0] / (b[0] + b[1]);
        (p(self.beta[0]) / p(self.beta[1])).log10()
    }
}

fn factors(levels: &[Level], rows: &[Row<'_>], key: &[Option<String>], smoothing: f64) -> Vec<Factor> {
    let mut out = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        if key[at].is_none() {
            continue;
        }
        let context =
            rows.iter().filter(|r| r.key[..at] == key[..at] && (!level.among_present || r.key[at].is_some()));
        let (mut files, mut hits) = ([0.0; 2], [0.0; 2]);
        for row in context {
            files[row.class] += row.weight;
            if row.key[at] == key[at] {
                hits[row.class] += row.weight;
            }
        }
        // Half a file of each kind keeps the pooled frequency from 0 and 1; classes weigh the same.
        let share = |class: usize| (hits[class] + 0.5) / (files[class] + 1.0);
        let pooled = f64::midpoint(share(0), share(1));
        let beta = [0, 1].map(|class| {
            [hits[class] + smoothing * pooled, files[class] - hits[class] + smoothing * (1.0 - pooled)]
        });
        out.push(Factor { files, beta });
    }
    out
}

/// 95 % interval of the sum of the factors, their Beta distributions drawn independently.
fn interval(factors: &[Factor], rounds: usize) -> [f64; 2] {
    let mut seeded = Seeded::new(0x1035_7a61);
    let mut ln_share = |[a, b]: [f64; 2]| {
        let (x, y) = (seeded.ln_gamma_draw(a.max(1e-3)), seeded.ln_gamma_draw(b.max(1e-3)));
        // ln(X / (X + Y)) of logarithms.
        let top = x.max(y);
        x - top - ((x - top).exp() + (y - top).exp()).ln()
    };
    let draws = (0..rounds)
        .map(|_| factors.iter().map(|f| ln_share(f.beta[0]) - ln_share(f.beta[1])).sum::<f64>())
        .map(|ln| ln / std::f64::consts::LN_10)
        .collect();
    quantiles(draws).unwrap_or_default()
}

pub(crate) fn round3(x: f64) -> f64 {
    // Adding 0 turns -0 into 0.
    (x * 1000.0).round() / 1000.0 + 0.0
}

/// Caps are never rounded up.
fn floor3(x: f64) -> f64 {
    (x * 1000.0).floor() / 1000.0
}
