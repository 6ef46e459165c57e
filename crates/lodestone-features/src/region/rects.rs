//! Rectangles whose four sides are lines or sides of the picture.

use crate::region::{Proposal, ProposalKind, Region, lines::Line};

/// What a side of the picture is worth as a side of a rectangle: it is there, but says nothing.
const PICTURE_SIDE: f32 = 0.7;
/// Every side needs this much support, and all four together the second.
const LEAST_SUPPORT: f32 = 0.35;
const LEAST_SUM: f32 = 2.3;
/// Rectangles kept for ranking.
const KEPT: usize = 1200;
/// A line within that has more support than this cuts a rectangle in two.
const CUTTING: f32 = 0.6;
/// What an end is worth where two equal sides end but no line joins them.
const OPEN_END: f32 = 0.4;

/// The lines of one axis and the picture's two sides, from low to high.
struct Axis<'a> {
    at: Vec<f32>,
    lines: Vec<Option<&'a Line>>,
    /// Pairs far enough apart to be a picture's width.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Axis<'a> {
    fn new(lines: &'a [Line], side: f32, least: f32) -> Self {
        let mut sorted: Vec<&Line> = lines.iter().collect();
        sorted.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut at = vec![0.0];
        let mut all = vec![None];
        for line in sorted {
            at.push(line.at);
            all.push(Some(line));
        }
        at.push(side);
        all.push(None);
        let mut pairs = Vec::new();
        for i in 0..at.len() {
            for j in i + 1..at.len() {
                if at[j] - at[i] >= least {
                    pairs.push((i, j));
                }
            }
        }
        Self { at, lines: all, pairs }
    }

    /// Support of each of these lines over each pair of the other axis, line after line.
    fn supports(&self, other: &Axis<'_>) -> Vec<f32> {
        let mut out = Vec::new();
        for line in &self.lines {
            for &(from, to) in &other.pairs {
                out.push(line.map_or(PICTURE_SIDE, |line| line.support(other.at[from], other.at[to])));
            }
        }
        out
    }
}

/// Finds rectangles in a picture of `width` × `height` pixels.
pub(crate) struct Rectangles {
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Rectangles {
    /// The best supported rectangles of the lines `down` and `across`, in no order: of the worthiest `long` lines every
    /// rectangle, of the others those with two equal sides.
    pub(crate) fn find(&self, down: &[Line], across: &[Line], long: usize) -> Vec<Proposal> {
        let mut found = Vec::new();
        self.of_long(&down[..long.min(down.len())], &across[..long.min(across.len())], &mut found);
        if found.len() > KEPT {
            found.select_nth_unstable_by(KEPT, Proposal::order);
            found.truncate(KEPT);
        }
        self.of_twins(down, across, false, &mut found);
        self.of_twins(across, down, true, &mut found);
        for proposal in &mut found {
            let region = &proposal.region;
            let cut = inner(down, (region.x, region.right()), (region.y, region.bottom())).max(inner(
                across,
                (region.y, region.bottom()),
                (region.x, region.right()),
            ));
            proposal.score -= 0.6 * (cut - CUTTING).max(0.0);
        }
        found
    }

    fn least(&self) -> f32 {
        (self.width.max(self.height) * 0.09).max(24.0)
    }

    fn of_long(&self, down: &[Line], across: &[Line], found: &mut Vec<Proposal>) {
        let least = self.least();
        let (x, y) = (Axis::new(down, self.width, least), Axis::new(across, self.height, least));
        let (sides, ends) = (x.supports(&y), y.supports(&x));
        for (i, &(left, right)) in x.pairs.iter().enumerate() {
            let left_supports = &sides[left * y.pairs.len()..(left + 1) * y.pairs.len()];
            let right_supports = &sides[right * y.pairs.len()..(right + 1) * y.pairs.len()];
            for (j, &(top, bottom)) in y.pairs.iter().enumerate() {
                let four = [
                    left_supports[j],
                    right_supports[j],
                    ends[top * x.pairs.len() + i],
                    ends[bottom * x.pairs.len() + i],
                ];
                let (w, h) = (x.at[right] - x.at[left], y.at[bottom] - y.at[top]);
                let region = Region { x: x.at[left], y: y.at[top], width: w, height: h };
                found.extend(self.scored(region, four));
            }
        }
    }

    fn scored(&self, region: Region, four: [f32; 4]) -> Option<Proposal> {
        let least = four[0].min(four[1]).min(four[2].min(four[3]));
        let sum = four[0] + four[1] + four[2] + four[3];
        let (w, h) = (region.width, region.height);
        let whole = w >= self.width && h >= self.height;
        if least < LEAST_SUPPORT || sum < LEAST_SUM || w > 5.0 * h || h > 5.0 * w || whole {
            return None;
        }
        let area = w * h / (self.width * self.height);
        let score = sum / 4.0 + 0.4 * least + 0.15 * area.sqrt();
        Some(Proposal { region, kind: ProposalKind::Edges, score })
    }

    /// Rectangles whose two `sides` begin and end alike. `turned`: the sides run across.
    fn of_twins(&self, sides: &[Line], ends: &[Line], turned: bool, found: &mut Vec<Proposal>) {
        let least = self.least();
        for (i, a) in sides.iter().enumerate() {
            for b in &sides[i + 1..] {
                let (a, b) = if a.at < b.at { (a, b) } else { (b, a) };
                let length = (a.run.1 - a.run.0).min(b.run.1 - b.run.0);
                let slack = 0.12 * length + 4.0;
                let alike = (a.run.0 - b.run.0).abs() <= slack && (a.run.1 - b.run.1).abs() <= slack;
                if !alike || length < least || b.at - a.at < least {
                    continue;
                }
                let end = |near: f32| {
                    let near_lines = ends.iter().filter(|line| (line.at - near).abs() <= slack + 2.0);
                    near_lines
                        .map(|line| (line.support(a.at, b.at), line.at))
                        .fold((OPEN_END, near), |best, this| if this.0 > best.0 { this } else { best })
                };
                let first = end((a.run.0 + b.run.0) / 2.0);
                let last = end((a.run.1 + b.run.1) / 2.0);
                let (from, to) = (first.1, last.1);
                if to - from < least {
                    continue;
                }
                let four = [a.support(from, to), b.support(from, to), first.0, last.0];
                let (w, h) = (b.at - a.at, to - from);
                let region = if turned {
                    Region { x: from, y: a.at, width: h, height: w }
                } else {
                    Region { x: a.at, y: from, width: w, height: h }
                };
                found.extend(self.scored(region, four));
            }
        }
    }
}

/// The best support of a line that cuts a rectangle in two: then it is several pictures rather than one.
fn inner(lines: &[Line], (from, to): (f32, f32), across: (f32, f32)) -> f32 {
    let margin = 0.15 * (to - from);
    // Below this a line has less than `CUTTING`, whatever its rows say.
    let worth = (across.1 - across.0) * 0.38;
    lines
        .iter()
        .filter(|line| line.at > from + margin && line.at < to - margin && f32::from(line.worth) >= worth)
        .map(|line| line.support(across.0, across.1))
        .fold(0.0, f32::max)
}
