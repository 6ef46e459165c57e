//! Leaving one source out: what a table says of files from places that it has not seen.

use std::collections::BTreeMap;

use super::super::case::{Case, sources};
use super::super::metrics::{Pairs, bootstrap};
use super::super::spec::{Spec, Standing};
use super::super::table::{Cell, Judged};
use super::joint::{Shrinkage, fit_joint, round3};

/// Smoothings that are tried, from bold to shy.
const SMOOTHINGS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// A source's files count for at most so many.
const SOURCE_LIMIT: f64 = 20.0;
/// What a fit takes that has too few sources to choose by.
const UNCHOSEN: f64 = 32.0;
/// Share of the gain that a shyer table may give away and is still taken.
const TOLERANCE: f64 = 0.1;
/// Rounds of the interval by which a shrinkage is chosen.
const CHOICE_ROUNDS: usize = 200;
/// Rounds of the interval of Cllr.
const ROUNDS: usize = 2000;

/// One judged file: its source, whether the first proposition holds, and log10 LR; `None`: the table was silent.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Its source.
    pub source: String,
    /// Whether the first proposition holds.
    pub first: bool,
    /// `None`: the table was silent.
    pub log10_lr: Option<f64>,
}

/// The shrinkage that costs least with one source left out in turn, half way between Cllr and the upper end of its interval:
/// what is good also for sources unlike most of ours. Among nearly equal ones the shyest. With fewer than three sources of a
/// proposition there is nothing to choose by, and a shy one is taken.
pub fn choose(spec: &Spec, cases: &[&Case]) -> Shrinkage {
    let shrinkage = |smoothing| Shrinkage { smoothing, source_limit: SOURCE_LIMIT };
    let few = |h| sources(cases.iter().copied().filter(|c| c.proposition == h)).len() < 3;
    if few(spec.h1) || few(spec.h2) {
        return shrinkage(UNCHOSEN);
    }
    let costs = SMOOTHINGS.map(|smoothing| cautious_cost(&left_out(spec, cases, |_| shrinkage(smoothing))));
    let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let enough = best + TOLERANCE * (1.0 - best).max(0.0);
    let shyest = SMOOTHINGS.iter().zip(costs).rev().find(|(_, cost)| *cost <= enough);
    shrinkage(shyest.map_or(UNCHOSEN, |(smoothing, _)| *smoothing))
}

fn cautious_cost(judgements: &[Judgement]) -> f64 {
    let [h1, h2] = [true, false].map(|first| by_source(judgements, first));
    let upper = bootstrap(&h1, &h2, CHOICE_ROUNDS, Pairs::cllr).map_or(f64::NAN, |range| range[1]);
    f64::midpoint(pairs(judgements).cllr(), upper)
}

/// What tables fitted without a file's source say of it. The shrinkage is chosen without that source, too.
pub fn nested(spec: &Spec, cases: &[&Case]) -> Vec<Judgement> {
    left_out(spec, cases, |rest| choose(spec, rest))
}

fn left_out(spec: &Spec, cases: &[&Case], shrinkage: impl Fn(&[&Case]) -> Shrinkage) -> Vec<Judgement> {
    let of_pair: Vec<&Case> =
        cases.iter().copied().filter(|c| [spec.h1, spec.h2].contains(&c.proposition)).collect();
    let mut out = Vec::new();
    for source in sources(of_pair.iter().copied()) {
        let (here, rest): (Vec<&Case>, Vec<&Case>) =
            of_pair.iter().copied().partition(|c| c.source == source);
        let fitted = fit_joint(spec, &rest, shrinkage(&rest), 0);
        for case in here {
            let log10_lr = fitted.as_ref().and_then(|f| look_up(spec, &f.cells, case));
            out.push(Judgement { source: source.clone(), first: case.proposition == spec.h1, log10_lr });
        }
    }
    out
}

fn look_up(spec: &Spec, cells: &[Cell], case: &Case) -> Option<f64> {
    let mut key = Vec::new();
    for level in &spec.levels {
        key.push(match level.standing(&case.facts) {
            Standing::Silent(_) => return None,
            Standing::Absent => None,
            Standing::Is(category) => Some(category),
        });
    }
    cells.iter().find(|c| c.is == key).map(|c| c.log10_lr)
}

/// Values of judged files; silence counts as LR 1.
pub fn pairs(judgements: &[Judgement]) -> Pairs {
    let of = |first| {
        judgements.iter().filter(move |j| j.first == first).map(|j| j.log10_lr.unwrap_or(0.0)).collect()
    };
    Pairs { h1: of(true), h2: of(false) }
}

/// Values of one proposition's files, silence as LR 1, a group for each source.
pub(super) fn by_source(judgements: &[Judgement], first: bool) -> Vec<Vec<f64>> {
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for j in judgements.iter().filter(|j| j.first == first) {
        groups.entry(&j.source).or_default().push(j.log10_lr.unwrap_or(0.0));
    }
    groups.into_values().collect()
}

/// Figures of judged files; `None` where a class has fewer than two sources: nothing was left out then.
pub fn judged(judgements: &[Judgement], protocol: &str) -> Option<Judged> {
    let [h1, h2] = [true, false].map(|first| by_source(judgements, first));
    let all = pairs(judgements);
    if !all.is_two_sided() {
        return None;
    }
    let answered: Vec<Judgement> = judgements.iter().filter(|j| j.log10_lr.is_some()).cloned().collect();
    let said = pairs(&answered);
    Some(Judged {
        protocol: protocol.to_owned(),
        cllr: round3(all.cllr()),
        cllr_range: bootstrap(&h1, &h2, ROUNDS, Pairs::cllr).map(|r| r.map(round3)),
        cllr_answered: said.is_two_sided().then(|| round3(said.cllr())),
        answered: [said.h1.len(), said.h2.len()],
        min_cllr: round3(all.min_cllr()),
        ece: round3(all.ece(10)),
    })
}
