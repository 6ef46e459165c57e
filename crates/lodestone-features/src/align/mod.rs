//! How a known picture was moved into a questioned one, and whether that can be chance.

mod exact;
mod find;
mod fit;
mod guards;
mod sheet;
mod transform;

use crate::orb::trig;
use crate::{Features, Form};

pub use find::{FindStats, Found, find_known};
pub(crate) use fit::{APART, Pair};
pub use guards::{
    Doubt, LEAST_INLIERS, MATCH_EVIDENCE_BITS, REVIEW_EVIDENCE_BITS, expected_false_hits, match_evidence_bits,
};
pub use sheet::Questioned;
pub(crate) use sheet::{Sheet, Tie};
pub use transform::{Transform, TransformKind};

use fit::Fitted;

/// A rectangle in pixels, which need not be whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

/// What the inliers are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// For a person to look at.
    Review,
    /// Not chance, by what was measured: see [`expected_false_hits`].
    Match,
}

/// A known picture found in a questioned one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// From known pixels to questioned pixels, mirroring included.
    pub transform: Transform,
    /// Mirrored, negative.
    pub form: Form,
    /// Pairs of features that agree with the transform and lie apart from one another in both pictures.
    pub inliers: u32,
    /// All pairs that agree.
    pub pairs: u32,
    /// By how many bits the inliers' descriptors are nearer than chance, and than their look-alikes in the questioned picture,
    /// would have them, added up: what a match is told by.
    pub evidence_bits: u32,
    /// Share of the known picture's area that the inliers span, 0 to 1.
    pub hull_share_of_known: f32,
    /// The same of the questioned picture.
    pub hull_share_of_questioned: f32,
    /// Questioned pixels to one known pixel, at the middle of the inliers.
    pub scale: f32,
    /// Turn in degrees, from the x axis towards the y axis, -180 to 180, before any mirroring.
    pub angle_degrees: f32,
    /// Bounds of the known picture in the questioned one, as far as inside.
    pub in_questioned: Bounds,
    /// The part of the known picture that is in the questioned one: its bounds in known pixels.
    pub visible_of_known: Bounds,
    /// Places of the inliers: known x and y, questioned x and y, in pixels.
    pub places: Vec<[f32; 4]>,
    /// What the inliers are worth.
    pub strength: Strength,
    /// Why it is not worth more, if anything speaks against it.
    pub doubt: Option<Doubt>,
}

/// Aligns a known picture to a questioned one by comparing all features, in each form; `None` if nothing speaks for it.
///
/// Cost: some milliseconds for 200 known and 1,000 questioned features.
pub fn align(questioned: &Questioned, known: &Features) -> Option<Alignment> {
    let known = Sheet::new(known, Form::default());
    let mut best: Option<Alignment> = None;
    for form in Form::ALL {
        let sheet = &questioned.sheets[form.number()];
        let pairs = exact::pairs(sheet, &known);
        if let Some(found) = align_pairs(sheet, form, &known, &pairs)
            && best.as_ref().is_none_or(|best| found.evidence_bits > best.evidence_bits)
        {
            best = Some(found);
        }
    }
    best
}

/// Aligns by these pairs.
pub(crate) fn align_pairs(sheet: &Sheet, form: Form, known: &Sheet, pairs: &[Pair]) -> Option<Alignment> {
    let fitted = fit::fit(sheet, known, pairs)?;
    if fitted.distinct.len() < LEAST_INLIERS || fit::evidence_bits(&fitted.distinct) < REVIEW_EVIDENCE_BITS {
        return None;
    }
    describe(sheet, form, known, &fitted)
}

fn describe(sheet: &Sheet, form: Form, known: &Sheet, fitted: &Fitted) -> Option<Alignment> {
    let width = f64::from(sheet.width);
    let mirrored = |x: f32| if form.mirror { sheet.width - x } else { x };
    let places: Vec<[f32; 4]> = fitted
        .distinct
        .iter()
        .map(|p| {
            let (k, q) = (known.points[p.known as usize], sheet.points[p.questioned as usize]);
            [k.x, k.y, mirrored(q.x), q.y]
        })
        .collect();
    let inliers = places.len() as u32;
    let transform = if form.mirror { fitted.transform.unmirrored(width) } else { fitted.transform };
    let n = inliers.max(1) as f32;
    let (x, y) = (places.iter().map(|p| p[0]).sum::<f32>() / n, places.iter().map(|p| p[1]).sum::<f32>() / n);
    let [[a, b], [c, d]] = fitted.transform.slope(x.into(), y.into());
    let hull =
        |at: usize, w: f32, h: f32| guards::hull_area(places.iter().map(|p| (p[at], p[at + 1]))) / (w * h);
    let back = transform.inverse()?;
    let mut alignment = Alignment {
        transform,
        form,
        inliers,
        pairs: fitted.pairs.len() as u32,
        evidence_bits: fit::evidence_bits(&fitted.distinct),
        hull_share_of_known: hull(0, known.width, known.height),
        hull_share_of_questioned: hull(2, sheet.width, sheet.height),
        scale: (a * d - b * c).sqrt() as f32,
        angle_degrees: degrees(a + d, c - b),
        in_questioned: bounds(&transform, (known.width, known.height), (sheet.width, sheet.height)),
        visible_of_known: bounds(&back, (sheet.width, sheet.height), (known.width, known.height)),
        places,
        strength: Strength::Review,
        doubt: None,
    };
    alignment.doubt = guards::doubt(sheet, known, fitted, &alignment);
    let own = guards::own_evidence_bits(sheet, known, fitted);
    alignment.evidence_bits = guards::worth(own, alignment.evidence_bits);
    if alignment.evidence_bits < REVIEW_EVIDENCE_BITS {
        return None;
    }
    if alignment.evidence_bits >= MATCH_EVIDENCE_BITS && alignment.doubt.is_none() {
        alignment.strength = Strength::Match;
    }
    Some(alignment)
}

/// Bounds of a picture of size `from` where the transform puts it, as far as within a picture of size `to`.
///
/// A line of points on the edge is followed: only those before the horizon count.
fn bounds(transform: &Transform, from: (f32, f32), to: (f32, f32)) -> Bounds {
    let (mut left, mut top, mut right, mut bottom) = (to.0, to.1, 0.0f32, 0.0f32);
    for k in 0..=16u8 {
        let t = f64::from(k) / 16.0;
        let (w, h) = (f64::from(from.0), f64::from(from.1));
        for (x, y) in [(t * w, 0.0), (t * w, h), (0.0, t * h), (w, t * h)] {
            let m = &transform.matrix[2];
            if m[0] * x + m[1] * y + m[2] <= 1e-6 {
                continue;
            }
            let (u, v) = transform.apply(x, y);
            let (u, v) = ((u as f32).clamp(0.0, to.0), (v as f32).clamp(0.0, to.1));
            (left, top) = (left.min(u), top.min(v));
            (right, bottom) = (right.max(u), bottom.max(v));
        }
    }
    Bounds { left: left.min(right), top: top.min(bottom), right, bottom }
}

/// Direction of `(x, y)` in degrees: the nearest of 256 steps and the rest by the tangent, exact to a thousandth.
fn degrees(x: f64, y: f64) -> f32 {
    let size = (x * x + y * y).sqrt();
    if size <= 0.0 {
        return 0.0;
    }
    let step = trig::direction((x / size * 1e6) as i64, (y / size * 1e6) as i64);
    let (c, s) = trig::unit(step);
    let (c, s) = (f64::from(c), f64::from(s));
    let rest = (y * c - x * s) / (x * c + y * s);
    let degrees = f64::from(step) * 360.0 / 256.0 + rest * 180.0 / std::f64::consts::PI;
    (if degrees > 180.0 { degrees - 360.0 } else { degrees }) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_those_of_the_direction() {
        for (x, y, expected) in
            [(1.0, 0.0, 0.0), (0.0, 2.0, 90.0), (-1.0, -1.0, -135.0), (0.866_025_4, 0.5, 30.0)]
        {
            assert!((degrees(x, y) - expected).abs() < 2e-3, "{x} {y}: {}", degrees(x, y));
        }
    }

    #[test]
    fn bounds_are_cut_to_the_picture() {
        let transform = Transform::similarity(2.0, 0.0, -50.0, 10.0);
        let found = bounds(&transform, (100.0, 100.0), (120.0, 400.0));
        assert_eq!(found, Bounds { left: 0.0, top: 10.0, right: 120.0, bottom: 210.0 });
    }
}
