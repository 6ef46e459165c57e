//! Leaving one source out: what a table says of files from places that it has not seen.

use super::super::case::{Case, sources};
use super::super::metrics::{Pairs, bootstrap};
use super::super::spec::{Spec, Standing};
use super::super::table::{Cell, Judged};
use super::joint::{Shrinkage, fit_joint, round3};

/// Smoothings that are tried, from bold to shy.
const SMOOTHINGS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
/// A source's files count for at most so many.
const SOURCE_LIMIT: f64 = 20.0;
/// A shyer table may cost this many bits more and is still taken.
const TOLERANCE_BITS: f64 = 0.02;
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

/// The shyest shrinkage that, with one source left out in turn, costs hardly more than the best. With too few sources to
/// tell, the shyest of all.
pub fn choose(spec: &Spec, cases: &[&Case]) -> Shrinkage {
    let shrinkages = SMOOTHINGS.map(|smoothing| Shrinkage { smoothing, source_limit: SOURCE_LIMIT });
    let costs = shrinkages.map(|s| pairs(&left_out(spec, cases, |_| s)).cllr());
    let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let shyest = (0..shrinkages.len()).rev().find(|i| !costs[*i].is_finite() || costs[*i] <= best + TOLERANCE_BITS);
    shrinkages[shyest.unwrap_or(shrinkages.len() - 1)]
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
        let (here, rest): (Vec<&Case>, Vec<&Case>) = of_pair.iter().copied().partition(|c| c.source == source);
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
    let of = |first| judgements.iter().filter(move |j| j.first == first).map(|j| j.log10_lr.unwrap_or(0.0)).collect();
    Pairs { h1: of(true), h2: of(false) }
}

/// Figures of judged files; `None` where a class has fewer than two sources: nothing was left out then.
pub fn judged(judgements: &[Judgement], protocol: &str) -> Option<Judged> {
    let by_source = |first: bool| {
        let mut groups: std::collections::BTreeMap<&str, Vec<f64>> = std::collections::BTreeMap::new();
        for j in judgements.iter().filter(|j| j.first == first) {
            groups.entry(&j.source).or_default().push(j.log10_lr.unwrap_or(0.0));
        }
        groups.into_values().collect::<Vec<_>>()
    };
    let (h1, h2) = (by_source(true), by_source(false));
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
