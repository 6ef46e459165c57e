//! What makes agreeing features say less than their number.

use super::fit::{CHANCE_BITS, Fitted, Pair, evidence_bits};
use super::sheet::Sheet;
use super::{Alignment, Strength};

/// Inliers below which nothing is reported.
pub const LEAST_INLIERS: usize = 4;
/// Evidence from which on an alignment without doubts is a match, however few pictures are known; see
/// [`match_evidence_bits`].
pub const MATCH_EVIDENCE_BITS: u32 = 220;
/// Evidence from which on a person may look at it; less is not reported.
pub const REVIEW_EVIDENCE_BITS: u32 = 130;

/// Why an alignment is not what its inliers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Doubt {
    /// All inliers near one line: a frame, a line of text.
    Line,
    /// All inliers in a small spot of the known picture and of the questioned one: a logo, a watermark, a button.
    Spot,
    /// Moved otherwise, the known picture fits about as well: a lattice, a wall of bricks.
    Lattice,
}

/// Shares of the known and of the questioned picture below which inliers lie in one spot of both, whatever their number:
/// a logo that two pictures share gives many.
const SPOT: (f32, f32) = (0.025, 0.12);
/// Shares of what the known picture's features span and of the questioned picture below which they may, unless there is
/// more evidence than chance and a small mark give.
const SMALL: (f32, f32) = (0.05, 0.25);
/// Evidence with which a small patch is enough.
const SMALL_EVIDENCE_BITS: u32 = 300;

pub(crate) fn doubt(sheet: &Sheet, known: &Sheet, fitted: &Fitted, alignment: &Alignment) -> Option<Doubt> {
    let places = &alignment.places;
    if is_line(places.iter().map(|p| (p[0], p[1])), known.unit())
        || is_line(places.iter().map(|p| (p[2], p[3])), sheet.unit())
    {
        return Some(Doubt::Line);
    }
    let of_known = alignment.hull_share_of_known;
    let within =
        |of_known: f32, limit: (f32, f32)| of_known < limit.0 && alignment.hull_share_of_questioned < limit.1;
    // A picture of one thing before an even ground has all its features in one place: that is no spot.
    let all = hull_area(known.points.iter().map(|p| (p.x, p.y))) / (known.width * known.height);
    let of_features = of_known / all.clamp(0.15, 1.0);
    let little = alignment.evidence_bits < SMALL_EVIDENCE_BITS;
    if within(of_known, SPOT) || little && within(of_features, SMALL) {
        return Some(Doubt::Spot);
    }
    (is_lattice(sheet, known, fitted) || repeats(known, fitted)).then_some(Doubt::Lattice)
}

/// Bits up to which two features of one picture are doubles: coarse levels see a flawless lattice in other phases. Other
/// pictures' features differ by more from all others of theirs.
const DOUBLE_BITS: u32 = 24;
/// Evidence of inliers without a double with which repetition is no doubt: a house with rows of windows is one house.
const SINGLE_EVIDENCE_BITS: u32 = 2 * MATCH_EVIDENCE_BITS;

/// Whether at least half of the inliers' known features have a double elsewhere in the known picture, and the others prove
/// little. A picture that stands twice in a collage is unique by itself, and no such thing.
fn repeats(known: &Sheet, fitted: &Fitted) -> bool {
    let apart = 24.0 * known.unit();
    let is_single = |pair: &&Pair| {
        let at = pair.known as usize;
        let (here, descriptor) = (known.points[at], known.descriptors[at]);
        !known.points.iter().zip(&known.descriptors).any(|(there, other)| {
            let turned = i32::from(there.angle.wrapping_sub(here.angle) as i8).abs();
            let away = (there.x - here.x).abs().max((there.y - here.y).abs());
            away >= apart && turned <= 20 && other.distance_bits(descriptor) <= DOUBLE_BITS
        })
    };
    let single: Vec<Pair> = fitted.distinct.iter().filter(is_single).copied().collect();
    2 * single.len() <= fitted.distinct.len() && evidence_bits(&single) < SINGLE_EVIDENCE_BITS
}

/// By how many bits inliers are nearer than the next best of the questioned picture's features where the known picture lies,
/// added up. Ends and bends of lines look like one another: in drawings, charts and print a few always fit somewhere.
///
/// Only what lies where the known picture is supposed to lie is compared: a known picture that stands twice in a collage
/// is no look-alike of itself.
pub(crate) fn own_evidence_bits(sheet: &Sheet, known: &Sheet, fitted: &Fitted) -> u32 {
    let Some(back) = fitted.transform.inverse() else { return 0 };
    let (width, height) = (f64::from(known.width), f64::from(known.height));
    let is_inside = |x: f32, y: f32| {
        let (x, y) = back.apply(x.into(), y.into());
        (0.0..=width).contains(&x) && (0.0..=height).contains(&y)
    };
    let inside: Vec<usize> =
        (0..sheet.points.len()).filter(|k| is_inside(sheet.points[*k].x, sheet.points[*k].y)).collect();
    let mut sum = 0;
    for pair in &fitted.distinct {
        let (here, descriptor) =
            (sheet.points[pair.questioned as usize], known.descriptors[pair.known as usize]);
        let mut next = CHANCE_BITS;
        for &k in &inside {
            let there = sheet.points[k];
            // The same corner on another level is the corner itself.
            if (there.x - here.x).abs().max((there.y - here.y).abs()) > 3.0 * (there.scale + here.scale) {
                next = next.min(sheet.descriptors[k].distance_bits(descriptor));
            }
        }
        sum += next.saturating_sub(pair.distance_bits);
    }
    sum
}

/// What an alignment is worth by its own evidence and by all: drawings have little of their own, and a copy of one still has
/// three times as much in all as is ever found by chance.
pub(crate) fn worth(own_bits: u32, all_bits: u32) -> u32 {
    if own_bits < LEAST_OWN_BITS { own_bits } else { own_bits.max(all_bits / 3) }
}

/// Own evidence without which nothing else counts.
const LEAST_OWN_BITS: u32 = 60;

/// Whether places lie within some 6 units of a line, by their second moments.
fn is_line(places: impl Iterator<Item = (f32, f32)> + Clone, unit: f32) -> bool {
    let n = places.clone().count().max(1) as f32;
    let (x, y) = places.clone().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (mut xx, mut xy, mut yy) = (0.0f32, 0.0f32, 0.0f32);
    for (u, v) in places {
        let (u, v) = ((u - x) / unit, (v - y) / unit);
        (xx, xy, yy) = (xx + u * u / n, xy + u * v / n, yy + v * v / n);
    }
    // The smaller eigenvalue: the mean square distance from the best line.
    let half = (xx + yy) / 2.0;
    let least = half - (half * half - (xx * yy - xy * xy)).max(0.0).sqrt();
    least < 16.0
}

/// Whether most inliers' known features have a look-alike that tells of one and the same other place.
///
/// Each inlier looks for other questioned features that resemble its known one; where several shifts from the transform
/// gather a third as many of them as there are inliers, the picture repeats: not every corner of a lattice is among the
/// features, and in other pictures next to none has such a double.
fn is_lattice(sheet: &Sheet, known: &Sheet, fitted: &Fitted) -> bool {
    let inliers = &fitted.distinct;
    let unit = sheet.unit();
    let (cell, reach) = (12.0 * unit, 200.0 * unit);
    let mut shifts: Vec<(i32, i32, u32)> = Vec::new();
    for (number, pair) in (0u32..).zip(inliers) {
        let (at, descriptor) =
            (sheet.points[pair.questioned as usize], known.descriptors[pair.known as usize]);
        sheet.around(at.x, at.y, reach, |k| {
            let q = sheet.points[k as usize];
            let (x, y) = (q.x - at.x, q.y - at.y);
            let turned = i32::from(q.angle.wrapping_sub(at.angle) as i8).abs();
            let same = x.abs().max(y.abs()) < 2.0 * cell;
            if same || turned > 20 || q.scale > 1.3 * at.scale || q.scale * 1.3 < at.scale {
                return;
            }
            if sheet.descriptors[k as usize].distance_bits(descriptor) <= pair.distance_bits + 12 {
                shifts.push(((x / cell).floor() as i32, (y / cell).floor() as i32, number));
            }
        });
    }
    shifts.sort_unstable();
    shifts.dedup();
    // Inliers that share a shift, of one cell and its neighbours to the right and below.
    let needed = (inliers.len() * 7).div_ceil(20).max(4);
    shifts.iter().any(|&(x, y, _)| {
        let mut numbers: Vec<u32> = shifts
            .iter()
            .filter(|s| (x..=x + 1).contains(&s.0) && (y..=y + 1).contains(&s.1))
            .map(|s| s.2)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() >= needed
    })
}

/// Area of the convex hull. *Source:* Andrew, "Another efficient algorithm for convex hulls in two dimensions", 1979.
pub(crate) fn hull_area(places: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut places: Vec<(f32, f32)> = places.collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let turn =
        |a: (f32, f32), b: (f32, f32), c: (f32, f32)| (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    let chain = |places: &mut dyn Iterator<Item = (f32, f32)>| {
        let mut out: Vec<(f32, f32)> = Vec::new();
        for place in places {
            while out.len() >= 2 && turn(out[out.len() - 2], out[out.len() - 1], place) <= 0.0 {
                out.pop();
            }
            out.push(place);
        }
        out.pop();
        out
    };
    let mut hull = chain(&mut places.iter().copied());
    hull.extend(chain(&mut places.iter().rev().copied()));
    let shifted = hull.iter().skip(1).chain(hull.first());
    hull.iter().zip(shifted).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>().abs() / 2.0
}

/// How many known pictures of so many are expected to reach this evidence by chance with one questioned picture.
///
/// An estimate: the share of unrelated pictures that reached so much was measured, and falls by e every
/// 24 bits; beyond what was measured the line is drawn on.
pub fn expected_false_hits(evidence_bits: u32, known_pictures: u64) -> f64 {
    (0..evidence_bits.min(8192)).fold(AT_NOTHING * known_pictures as f64, |rate, _| rate * PER_BIT)
}

/// Evidence from which on an alignment is a match among so many known pictures: chance gives one in 1,000 questioned
/// pictures such a match at most, by [`expected_false_hits`], and never less than [`MATCH_EVIDENCE_BITS`].
pub fn match_evidence_bits(known_pictures: u64) -> u32 {
    let rare = |bits: &u32| expected_false_hits(*bits, known_pictures) <= 1e-3;
    (MATCH_EVIDENCE_BITS..2000).find(rare).unwrap_or(2000)
}

/// How much rarer each further bit is: e times in 24 bits.
const PER_BIT: f64 = 0.959_189_457;
/// Where the line meets no evidence.
const AT_NOTHING: f64 = 6e-3;

impl Alignment {
    /// Whether it is a match and not for review only.
    pub fn is_match(&self) -> bool {
        self.strength == Strength::Match
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hull_of_a_square_has_its_area() {
        let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (2.0, 2.0), (0.0, 2.0)];
        assert_eq!(hull_area(square.into_iter()), 16.0);
        assert_eq!(hull_area([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)].into_iter()), 0.0);
        assert_eq!(hull_area(std::iter::empty()), 0.0);
    }

    #[test]
    fn places_on_a_line_are_a_line_and_those_of_a_square_are_none() {
        let line = (0..9u8).map(|k| (f32::from(k) * 40.0, f32::from(k) * 20.0 + f32::from(k % 2)));
        assert!(is_line(line, 1.0));
        let square = (0..9u8).map(|k| (f32::from(k % 3) * 40.0, f32::from(k / 3) * 40.0));
        assert!(!is_line(square, 1.0));
    }

    #[test]
    fn more_evidence_is_expected_by_chance_less_often() {
        for bits in 0..600 {
            assert!(expected_false_hits(bits + 1, 1000) < expected_false_hits(bits, 1000), "{bits}");
        }
        assert_eq!(match_evidence_bits(200), MATCH_EVIDENCE_BITS);
        assert!(match_evidence_bits(100_000) > match_evidence_bits(10_000));
    }
}
