//! Rectangles whose four sides are lines or sides of the picture.

use crate::region::{Proposal, ProposalKind, Region, lines::Line};

/// What a side of the picture is worth as a side of a rectangle: it is there, but says nothing.
const PICTURE_SIDE: f32 = 0.7;
/// Every side needs this much support, and all four together the second.
const LEAST_SUPPORT: f32 = 0.35;
const LEAST_SUM: f32 = 2.3;
/// Rectangles kept for ranking.
const KEPT: usize = 600;

/// The lines of one axis and the picture's two sides, from low to high.
struct Axis<'a> {
    at: Vec<f32>,
    lines: Vec<Option<&'a Line>>,
    /// Pairs far enough apart to be a picture's width.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Axis<'a> {
    fn new(lines: &'a [Line], side: f32, least: f32) -> Self {
        let mut at = vec![0.0];
        let mut all = vec![None];
        for line in lines {
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

/// The best supported rectangles of the lines `down` and `across`, in no order.
pub(crate) fn rectangles(width: f32, height: f32, down: &[Line], across: &[Line]) -> Vec<Proposal> {
    let least = (width.max(height) * 0.09).max(24.0);
    let (x, y) = (Axis::new(down, width, least), Axis::new(across, height, least));
    let (sides, ends) = (x.supports(&y), y.supports(&x));
    let mut found = Vec::new();
    for (i, &(left, right)) in x.pairs.iter().enumerate() {
        let w = x.at[right] - x.at[left];
        let left_supports = &sides[left * y.pairs.len()..(left + 1) * y.pairs.len()];
        let right_supports = &sides[right * y.pairs.len()..(right + 1) * y.pairs.len()];
        for (j, &(top, bottom)) in y.pairs.iter().enumerate() {
            let four = [
                left_supports[j],
                right_supports[j],
                ends[top * x.pairs.len() + i],
                ends[bottom * x.pairs.len() + i],
            ];
            let least = four[0].min(four[1]).min(four[2].min(four[3]));
            let sum = four[0] + four[1] + four[2] + four[3];
            let h = y.at[bottom] - y.at[top];
            let whole = w >= width && h >= height;
            if least < LEAST_SUPPORT || sum < LEAST_SUM || w > 5.0 * h || h > 5.0 * w || whole {
                continue;
            }
            let area = w * h / (width * height);
            let score = sum / 4.0 + 0.4 * least + 0.15 * area.sqrt();
            let region = Region { x: x.at[left], y: y.at[top], width: w, height: h };
            found.push(Proposal { region, kind: ProposalKind::Edges, score });
        }
    }
    if found.len() > KEPT {
        found.select_nth_unstable_by(KEPT, |a, b| b.score.total_cmp(&a.score));
        found.truncate(KEPT);
    }
    found
}
