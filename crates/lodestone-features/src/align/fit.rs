//! The transform between a known picture and a questioned one, from pairs of features.
//!
//! Two pairs whose scales and angles agree make a hypothesis; the best by agreeing pairs are followed up: every known
//! feature looks where it should lie now (*guided matching*), which finds the partners that a search of the whole picture
//! cannot tell from chance, and the transform is fitted again, first as a similarity, then as an affine and a perspective
//! one where there are enough. No random numbers: hypotheses are tried in order of the pairs' distance.

use super::sheet::{Sheet, Similarity, Tie};
use super::transform::{Places, Transform, TransformKind};

/// A known feature with a questioned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) distance_bits: u32,
    pub(crate) known: u32,
    pub(crate) questioned: u32,
}

/// Pairs that hypotheses are made from at most.
const PAIRS: usize = 64;
/// Hypotheses followed up.
const FOLLOWED: usize = 3;
/// Known pixels between two pairs of a hypothesis at least, in 640ths of the longer side.
pub(crate) const APART: f32 = 14.0;

/// A transform with the pairs that it explains, each feature in one at most.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) transform: Transform,
    pub(crate) pairs: Vec<Pair>,
    /// Of these, so many lie apart from one another in both pictures.
    pub(crate) distinct: Vec<Pair>,
}

/// Bits at which a pair begins to speak for an alignment. Partners that guided matching finds in unrelated pictures differ
/// in 60 to 80; those of copies mostly in 10 to 50.
pub(super) const CHANCE_BITS: u32 = 64;

/// By how much pairs are nearer than chance would have them, added up.
pub(crate) fn evidence_bits(pairs: &[Pair]) -> u32 {
    pairs.iter().map(|pair| CHANCE_BITS.saturating_sub(pair.distance_bits)).sum()
}

/// The best transform by evidence, if there is any hypothesis.
pub(crate) fn fit(questioned: &Sheet, known: &Sheet, pairs: &[Pair]) -> Option<Fitted> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs.truncate(PAIRS);
    let hypotheses = hypotheses(questioned, known, &pairs);
    let mut best: Option<Fitted> = None;
    for hypothesis in hypotheses {
        if let Some(fitted) = follow(questioned, known, hypothesis)
            && best
                .as_ref()
                .is_none_or(|best| evidence_bits(&fitted.distinct) > evidence_bits(&best.distinct))
        {
            best = Some(fitted);
        }
    }
    best
}

/// Similarities from two pairs each, best first, no two alike.
fn hypotheses(questioned: &Sheet, known: &Sheet, pairs: &[Pair]) -> Vec<Similarity> {
    let ties: Vec<Tie> = pairs
        .iter()
        .map(|p| Tie::new(known.points[p.known as usize], questioned.points[p.questioned as usize]))
        .collect();
    let (unit, least) = (questioned.unit(), APART * known.unit());
    let mut found: Vec<(u32, Similarity)> = Vec::new();
    for (i, tie) in ties.iter().enumerate() {
        for other in &ties[..i] {
            let Some(similarity) = tie.with(other, least) else { continue };
            let score = ties.iter().zip(pairs).map(|(t, p)| agreement(t, p, &similarity, unit)).sum();
            found.push((score, similarity));
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let mut out: Vec<Similarity> = Vec::new();
    for (_, similarity) in found {
        let alike = |other: &Similarity| {
            let (a, b) = (other.a - similarity.a, other.b - similarity.b);
            let at = |s: &Similarity| {
                let (x, y) = (known.width / 2.0, known.height / 2.0);
                (s.a * x - s.b * y + s.x, s.b * x + s.a * y + s.y)
            };
            let (p, q) = (at(other), at(&similarity));
            let size = similarity.a * similarity.a + similarity.b * similarity.b;
            a * a + b * b < 0.02 * size && (p.0 - q.0).abs() + (p.1 - q.1).abs() < 24.0 * unit
        };
        if !out.iter().any(alike) {
            out.push(similarity);
            if out.len() == FOLLOWED {
                break;
            }
        }
    }
    out
}

/// What a pair adds to a hypothesis: nothing if it lies elsewhere, more the nearer its descriptors are.
fn agreement(tie: &Tie, pair: &Pair, s: &Similarity, unit: f32) -> u32 {
    let (k, q) = (tie.known, tie.questioned);
    let (x, y) = (s.a * k.x - s.b * k.y + s.x - q.x, s.b * k.x + s.a * k.y + s.y - q.y);
    let reach = 2.0 * tolerance(unit, q.scale);
    if x * x + y * y <= reach * reach { 128u32.saturating_sub(pair.distance_bits) } else { 0 }
}

/// How far from its place a partner may lie: corners are found to about a pixel of their own level, in both pictures.
fn tolerance(unit: f32, scale: f32) -> f32 {
    2.5 * unit + 1.5 * scale
}

/// Refines a hypothesis by guided matching.
fn follow(questioned: &Sheet, known: &Sheet, s: Similarity) -> Option<Fitted> {
    let hypothesis = Transform::similarity(s.a.into(), s.b.into(), s.x.into(), s.y.into());
    let mut best = guided(questioned, known, &hypothesis, 2.0, 72)?;
    // Kind, pairs that it needs, tolerance, bits, and how many fewer distinct pairs are still no worse.
    let steps = [
        (TransformKind::Similarity, 3, 1.5, 76, 2),
        (TransformKind::Similarity, 4, 1.2, 80, 1),
        (TransformKind::Affine, 7, 1.2, 80, 0),
        (TransformKind::Affine, 9, 1.0, 80, 1),
        (TransformKind::Perspective, 14, 1.0, 80, 0),
    ];
    for (kind, needed, reach, bits, slack) in steps {
        if best.distinct.len() < needed {
            continue;
        }
        let places: Vec<Places> = best.pairs.iter().map(|pair| places(questioned, known, pair)).collect();
        let Some(transform) = Transform::fit(kind, &places).filter(|t| is_sane(t, known)) else { continue };
        let Some(next) = guided(questioned, known, &transform, reach, bits) else { continue };
        if next.distinct.len() + slack >= best.distinct.len() {
            best = next;
        }
    }
    Some(best)
}

fn places(questioned: &Sheet, known: &Sheet, pair: &Pair) -> Places {
    let (k, q) = (known.points[pair.known as usize], questioned.points[pair.questioned as usize]);
    [k.x.into(), k.y.into(), q.x.into(), q.y.into()]
}

/// Whether the known picture stays a picture: not turned inside out, stretched or shrunk beyond what is done to pictures.
fn is_sane(transform: &Transform, known: &Sheet) -> bool {
    let (w, h) = (f64::from(known.width), f64::from(known.height));
    [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h), (w / 2.0, h / 2.0)].into_iter().all(|(x, y)| {
        let depth = transform.matrix[2][0] * x + transform.matrix[2][1] * y + 1.0;
        let [[a, b], [c, d]] = transform.slope(x, y);
        let (area, spread) = (a * d - b * c, a * a + b * b + c * c + d * d);
        // For an affine map spread / area is s + 1/s with s the ratio of its two scales.
        depth > 0.2 && area > 0.004 && area < 250.0 && spread < 3.5 * area
    })
}

/// Every known feature with the nearest by descriptor of those where it should lie.
fn guided(questioned: &Sheet, known: &Sheet, transform: &Transform, reach: f32, bits: u32) -> Option<Fitted> {
    if !is_sane(transform, known) {
        return None;
    }
    let unit = questioned.unit();
    let mut found: Vec<Pair> = Vec::new();
    for (number, (point, descriptor)) in (0u32..).zip(known.points.iter().zip(&known.descriptors)) {
        let (x, y) = transform.apply(point.x.into(), point.y.into());
        let (x, y) = (x as f32, y as f32);
        let [[a, b], [c, d]] = transform.slope(point.x.into(), point.y.into());
        let scale = point.scale * ((a * d - b * c) as f32).sqrt();
        // The turn nearest to the slope.
        let turn = crate::orb::trig::direction(((a + d) * 65536.0) as i64, ((c - b) * 65536.0) as i64);
        let angle = point.angle.wrapping_add(turn);
        let mut best: Option<Pair> = None;
        let widest = reach * tolerance(unit, scale * 1.5);
        questioned.around(x, y, widest, |k| {
            let q = questioned.points[k as usize];
            let away = (q.x - x) * (q.x - x) + (q.y - y) * (q.y - y);
            let allowed = reach * tolerance(unit, q.scale);
            let turned = i32::from(q.angle.wrapping_sub(angle) as i8).abs();
            if away > allowed * allowed || turned > 26 || q.scale > 1.5 * scale || q.scale * 1.5 < scale {
                return;
            }
            let distance_bits = questioned.descriptors[k as usize].distance_bits(*descriptor);
            let pair = Pair { distance_bits, known: number, questioned: k };
            if distance_bits <= bits && best.is_none_or(|best| pair < best) {
                best = Some(pair);
            }
        });
        found.extend(best);
    }
    found.sort_unstable();
    let mut taken = vec![false; questioned.points.len()];
    found.retain(|pair| !std::mem::replace(&mut taken[pair.questioned as usize], true));
    let distinct = distinct(questioned, known, &found);
    Some(Fitted { transform: *transform, pairs: found, distinct })
}

/// Pairs that lie apart from one another in both pictures, nearest descriptors first: the same corner found on several
/// levels is one piece of evidence.
fn distinct(questioned: &Sheet, known: &Sheet, pairs: &[Pair]) -> Vec<Pair> {
    let (known_unit, unit) = (known.unit(), questioned.unit());
    let mut out: Vec<Pair> = Vec::new();
    for pair in pairs {
        let [kx, ky, qx, qy] = places(questioned, known, pair);
        let near = |other: &Pair| {
            let [x, y, u, v] = places(questioned, known, other);
            let (k, q) = ((x - kx).abs().max((y - ky).abs()), (u - qx).abs().max((v - qy).abs()));
            k < 6.0 * f64::from(known_unit) || q < 2.5 * f64::from(unit)
        };
        if !out.iter().any(near) {
            out.push(*pair);
        }
    }
    out
}
