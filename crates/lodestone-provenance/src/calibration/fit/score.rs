//! Scores to log10 likelihood ratios: logistic or isotonic regression, within the range that the calibration files cover.

use std::collections::BTreeMap;

use lodestone_types::Proposition;

use super::super::case::{Case, sources};
use super::super::metrics::{Pairs, Seeded, isotonic, quantiles, sigmoid};
use super::super::table::{Curve, Map};
use super::joint::round3;
use super::left_out::Judgement;

/// Facts that say where a score means anything. They are matched, never weighed.
pub const CONDITIONS: [&str; 3] = ["format", "size_bucket", "quality_bucket"];
/// Files of each proposition that a condition's category needs to be covered.
pub const MIN_COVERED: usize = 5;
const ROUNDS: usize = 200;
const BAND_POINTS: usize = 17;

/// How a curve is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Two numbers; what small sets can bear.
    Logistic,
    /// Steps; needs some hundreds of files of each class.
    Isotonic,
}

/// One score of one file.
#[derive(Clone, Copy)]
struct Point<'a> {
    score: f64,
    first: bool,
    source: &'a str,
}

/// Cases of the pair that have the score and lie where both propositions are covered, and the conditions covered.
pub fn covered<'a>(
    score: &str,
    pair: [Proposition; 2],
    cases: &[&'a Case],
) -> (Vec<&'a Case>, BTreeMap<String, Vec<String>>) {
    let mut kept: Vec<&Case> = cases
        .iter()
        .copied()
        .filter(|c| pair.contains(&c.proposition) && c.scores.get(score).is_some_and(|v| v.is_finite()))
        .collect();
    let mut within = BTreeMap::new();
    for condition in CONDITIONS {
        let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for case in &kept {
            let category = case.facts.get(condition).map_or("unknown", String::as_str);
            counts.entry(category.to_owned()).or_default()[usize::from(case.proposition == pair[1])] += 1;
        }
        let both: Vec<String> = counts
            .into_iter()
            .filter(|(_, n)| n.iter().all(|n| *n >= MIN_COVERED))
            .map(|(category, _)| category)
            .collect();
        kept.retain(|c| both.iter().any(|b| b == c.facts.get(condition).map_or("unknown", String::as_str)));
        within.insert(condition.to_owned(), both);
    }
    (kept, within)
}

/// Fits a curve with its band. `None` where a proposition has no case, or the score does not rise with the first.
pub fn fit_score(
    score: &str,
    pair: [Proposition; 2],
    cases: &[&Case],
    within: BTreeMap<String, Vec<String>>,
    method: Method,
) -> Option<Map> {
    let points = points(score, pair, cases);
    let curve = curve(&points, method)?;
    let low = points.iter().map(|p| p.score).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.score).fold(f64::NEG_INFINITY, f64::max);
    let again = drawn_again(&points, method);
    let band = (0..BAND_POINTS)
        .map(|i| low + (high - low) * i as f64 / (BAND_POINTS - 1) as f64)
        .map(|at| {
            let [a, b] = quantiles(again.iter().map(|c| c.at(at)).collect()).unwrap_or([curve.at(at); 2]);
            [round6(at), round3(a), round3(b)]
        })
        .collect();
    Some(Map::Score { score: score.to_owned(), curve, seen: [low, high], band, within })
}

/// What curves fitted without a file's source say of it, capped.
pub(super) fn left_out(
    score: &str,
    pair: [Proposition; 2],
    cases: &[&Case],
    method: Method,
    cap: f64,
) -> Vec<Judgement> {
    let mut out = Vec::new();
    for source in sources(cases.iter().copied()) {
        let (here, rest): (Vec<&Case>, Vec<&Case>) = cases.iter().copied().partition(|c| c.source == source);
        let rest = points(score, pair, &rest);
        let curve = curve(&rest, method);
        let low = rest.iter().map(|p| p.score).fold(f64::INFINITY, f64::min);
        let high = rest.iter().map(|p| p.score).fold(f64::NEG_INFINITY, f64::max);
        for point in points(score, pair, &here) {
            let said = curve.as_ref().map(|c| c.at(point.score.max(low).min(high)).clamp(-cap, cap));
            out.push(Judgement { source: source.clone(), first: point.first, log10_lr: said });
        }
    }
    out
}

fn points<'a>(score: &str, pair: [Proposition; 2], cases: &[&'a Case]) -> Vec<Point<'a>> {
    cases
        .iter()
        .filter(|c| pair.contains(&c.proposition))
        .filter_map(|c| {
            Some(Point { score: *c.scores.get(score)?, first: c.proposition == pair[0], source: &c.source })
        })
        .filter(|p| p.score.is_finite())
        .collect()
}

fn curve(points: &[Point<'_>], method: Method) -> Option<Curve> {
    let n1 = points.iter().filter(|p| p.first).count() as f64;
    let n2 = points.len() as f64 - n1;
    if n1 < 1.0 || n2 < 1.0 {
        return None;
    }
    match method {
        Method::Logistic => logistic(points, n1, n2),
        Method::Isotonic => Some(steps(points, n1, n2)),
    }
}

/// Newton's method; classes weigh the same, and targets are drawn in by Platt's half case so that separated classes have
/// a finite answer. *Source:* Platt 1999; Lin, Lin and Weng 2007.
fn logistic(points: &[Point<'_>], n1: f64, n2: f64) -> Option<Curve> {
    let mean = points.iter().map(|p| p.score).sum::<f64>() / points.len() as f64;
    let spread = (points.iter().map(|p| (p.score - mean) * (p.score - mean)).sum::<f64>()
        / points.len() as f64)
        .sqrt();
    if !(spread > 0.0 && spread.is_finite()) {
        return Some(Curve::Logistic { slope: 0.0, intercept: 0.0 });
    }
    let (mut a, mut b) = (0.0_f64, 0.0_f64);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for point in points {
            let x = (point.score - mean) / spread;
            let p = sigmoid(a * x + b);
            let (target, weight) =
                if point.first { ((n1 + 1.0) / (n1 + 2.0), 0.5 / n1) } else { (1.0 / (n2 + 2.0), 0.5 / n2) };
            ga += weight * (p - target) * x;
            gb += weight * (p - target);
            let h = weight * p * (1.0 - p);
            haa += h * x * x;
            hab += h * x;
            hbb += h;
        }
        let det = haa * hbb - hab * hab;
        let (da, db) = ((hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det);
        // Short steps keep the iteration inside where the curvature is not lost.
        let step = (2.0 / da.abs().max(db.abs()).max(1e-300)).min(1.0);
        (a, b) = (a - step * da, b - step * db);
        if !(a.is_finite() && b.is_finite()) {
            return None;
        }
        if da.abs().max(db.abs()) < 1e-10 {
            break;
        }
    }
    let per_bit = std::f64::consts::LN_10;
    Some(Curve::Logistic {
        slope: round6(a / spread / per_bit),
        intercept: round6((b - a * mean / spread) / per_bit),
    })
}

/// Isotonic steps, rising or falling as the scores do, with half a case of the other class in each, so that none is infinite.
fn steps(points: &[Point<'_>], n1: f64, n2: f64) -> Curve {
    let of = |first: bool| points.iter().filter(|p| p.first == first).map(|p| p.score).collect();
    let sign = if (Pairs { h1: of(true), h2: of(false) }).auc() < 0.5 { -1.0 } else { 1.0 };
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| (a.score * sign).total_cmp(&(b.score * sign)));
    let scores: Vec<f64> = sorted.iter().map(|p| p.score * sign).collect();
    let truths: Vec<f64> = sorted.iter().map(|p| f64::from(u8::from(p.first))).collect();
    let weights: Vec<f64> = sorted.iter().map(|p| if p.first { 0.5 / n1 } else { 0.5 / n2 }).collect();
    let fitted = isotonic(&scores, &truths, &weights);
    let mut out: Vec<[f64; 2]> = Vec::new();
    let (mut at, mut highest) = (0, f64::NEG_INFINITY);
    while at < fitted.len() {
        let until = at + fitted[at..].iter().take_while(|p| **p <= fitted[at]).count().max(1);
        let first = sorted[at..until].iter().filter(|p| p.first).count() as f64;
        let second = (until - at) as f64 - first;
        let lr = ((first + 0.5) / (n1 + 1.0)) / ((second + 0.5) / (n2 + 1.0));
        // The half cases can undo the order of small blocks.
        highest = highest.max(round3(lr.log10()));
        // A step begins at its lowest score, whichever way it was sorted.
        let begins = if sign > 0.0 { sorted[at].score } else { sorted[until - 1].score };
        out.push([begins, highest]);
        at = until;
    }
    if sign < 0.0 {
        out.reverse();
    }
    Curve::Isotonic(out)
}

/// Curves of files drawn again, source by source.
fn drawn_again(points: &[Point<'_>], method: Method) -> Vec<Curve> {
    let mut names: Vec<&str> = points.iter().map(|p| p.source).collect();
    names.sort_unstable();
    names.dedup();
    let groups: Vec<Vec<Point<'_>>> =
        names.iter().map(|n| points.iter().copied().filter(|p| p.source == *n).collect()).collect();
    let mut seeded = Seeded::new(0x0005_c04e);
    (0..ROUNDS)
        .filter_map(|_| {
            let drawn: Vec<Point<'_>> = (0..groups.len())
                .flat_map(|_| {
                    let group = &groups[seeded.below(groups.len())];
                    (0..group.len()).map(|_| group[seeded.below(group.len())]).collect::<Vec<_>>()
                })
                .collect();
            curve(&drawn, method)
        })
        .collect()
}

/// How well the size of the pictures alone tells the propositions apart, 0.5 to 1: the best order of size buckets. Where it
/// is far from 0.5 no score on these files means anything.
pub fn size_only_auc(pair: [Proposition; 2], cases: &[&Case]) -> f64 {
    condition_only_auc(pair, cases, &["size_bucket"])
}

/// The same for several conditions taken together. Combinations that fewer than five files have count as one: a rare size
/// would give its own file away.
pub fn condition_only_auc(pair: [Proposition; 2], cases: &[&Case], conditions: &[&str]) -> f64 {
    let key = |c: &Case| -> Vec<String> {
        conditions.iter().map(|f| c.facts.get(*f).cloned().unwrap_or_default()).collect()
    };
    let of_pair: Vec<(usize, Vec<String>)> =
        cases.iter().filter_map(|c| Some((pair.iter().position(|h| *h == c.proposition)?, key(c)))).collect();
    let mut counts: BTreeMap<&[String], [f64; 2]> = BTreeMap::new();
    for (class, key) in &of_pair {
        counts.entry(key).or_default()[*class] += 1.0;
    }
    let rare = |n: &[f64; 2]| n[0] + n[1] < MIN_COVERED as f64;
    let mut pooled = [0.0; 2];
    for n in counts.values().filter(|n| rare(n)) {
        pooled = [pooled[0] + n[0], pooled[1] + n[1]];
    }
    let mut pairs = Pairs::default();
    for (class, key) in &of_pair {
        let n = counts.get(key.as_slice()).filter(|n| !rare(n)).copied().unwrap_or(pooled);
        // Files of one combination share a value, so that where there is but one the answer is one half.
        let value = n[0] / (n[0] + n[1]);
        if *class == 0 { pairs.h1.push(value) } else { pairs.h2.push(value) }
    }
    pairs.auc()
}

fn round6(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(score: f64, first: bool) -> Point<'static> {
        Point { score, first, source: "s" }
    }

    #[test]
    fn a_logistic_curve_gives_back_the_ratio_of_two_scores() {
        // Score 1: 30 of h1, 10 of h2; score 0: 10 and 30. LR at 1 is 3; Platt's targets draw it in a little.
        let mut points = vec![point(1.0, true); 30];
        points.extend(vec![point(1.0, false); 10]);
        points.extend(vec![point(0.0, true); 10]);
        points.extend(vec![point(0.0, false); 30]);
        let fitted = curve(&points, Method::Logistic).expect("both classes");
        let at = fitted.at(1.0);
        assert!((at - 3f64.log10()).abs() < 0.05 && at < 3f64.log10(), "{at}");
        assert!((fitted.at(0.5)).abs() < 1e-6);
    }

    #[test]
    fn the_control_is_one_half_where_conditions_are_equal_and_near_one_where_they_differ() {
        let case = |h, size: &str| Case {
            proposition: h,
            source: "s".to_owned(),
            month: None,
            facts: [("size".to_owned(), size.to_owned())].into(),
            scores: BTreeMap::new(),
        };
        let pair = [Proposition::AiGenerated, Proposition::CameraOriginal];
        let auc = |cases: &[Case]| condition_only_auc(pair, &cases.iter().collect::<Vec<_>>(), &["size"]);
        let same: Vec<Case> = (0..30).map(|i| case(pair[usize::from(i % 3 == 0)], "320")).collect();
        assert!((auc(&same) - 0.5).abs() < 1e-12);
        let apart: Vec<Case> = (0..30).map(|i| case(pair[i % 2], ["1024", "640"][i % 2])).collect();
        assert!((auc(&apart) - 1.0).abs() < 1e-12);
        // Every file its own size: nothing is known of any.
        let unique: Vec<Case> = (0..30).map(|i| case(pair[i % 2], &i.to_string())).collect();
        assert!((auc(&unique) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn separated_classes_and_equal_scores_have_finite_curves() {
        let apart = [point(0.0, false), point(1.0, true), point(0.1, false), point(0.9, true)];
        for method in [Method::Logistic, Method::Isotonic] {
            let fitted = curve(&apart, method).expect("both classes");
            assert!(fitted.at(1.0).is_finite() && fitted.at(1.0) > 0.0 && fitted.at(0.0) < 0.0, "{fitted:?}");
        }
        let same = [point(3.0, true), point(3.0, false)];
        assert!(curve(&same, Method::Logistic).expect("both").at(3.0).abs() < 1e-9);
        assert!(curve(&[point(1.0, true)], Method::Logistic).is_none());
    }
}
