//! Tables in use, judged on files of which the truth is known.

use lodestone_types::{Assessment, Proposition};

use super::Calibrations;
use super::case::Case;
use super::fit::{Figures, Judgement};
use super::weigh::{PAIRS, weigh};

/// Figures for each pair of which there are files on both sides and a table that could answer; `protocol` says on what.
pub fn judge(tables: &Calibrations, cases: &[&Case], protocol: &str) -> Vec<Figures> {
    PAIRS.iter().filter_map(|pair| judge_pair(tables, *pair, cases, protocol)).collect()
}

fn judge_pair(
    tables: &Calibrations,
    (h1, h2): (Proposition, Proposition),
    cases: &[&Case],
    protocol: &str,
) -> Option<Figures> {
    let names: Vec<&str> = tables.of((h1, h2)).map(|l| l.name.as_str()).collect();
    let of_pair: Vec<&&Case> = cases.iter().filter(|c| [h1, h2].contains(&c.proposition)).collect();
    let both = [h1, h2].iter().all(|h| of_pair.iter().any(|c| c.proposition == *h));
    if names.is_empty() || !both {
        return None;
    }
    let judgements: Vec<Judgement> = of_pair
        .iter()
        .map(|case| Judgement {
            source: case.source.clone(),
            first: case.proposition == h1,
            log10_lr: said(tables, (h1, h2), case),
        })
        .collect();
    let months: Vec<String> = of_pair.iter().map(|c| c.month.clone().unwrap_or_default()).collect();
    Some(Figures::of(&names.join(" + "), protocol, (h1, h2), &judgements, &months))
}

fn said(tables: &Calibrations, (h1, h2): (Proposition, Proposition), case: &Case) -> Option<f64> {
    let mut reading =
        Assessment { facts: case.facts.clone(), scores: case.scores.clone(), ..Assessment::default() };
    weigh(tables, &mut [], &mut reading);
    reading.pairs.iter().find(|p| p.h1 == h1 && p.h2 == h2)?.log10_lr
}
