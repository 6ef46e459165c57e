//! All ways to propose a region, ranked together.

use std::borrow::Cow;

use crate::{
    Luma,
    region::{Region, frame::frames, grid, lines::lines_down, panels::panels, rects::Rectangles},
};

/// Longest side at which regions are looked for.
pub(crate) const WORKING_SIDE: u32 = 640;
/// Most regions of a picture.
pub(crate) const MOST: usize = 60;
/// Lines down, and as many across, from which all rectangles are made, and rectangles with two equal sides.
const LONG_LINES: usize = 24;
const LINES: usize = 90;
/// Best regions among which the final ones are chosen.
const RANKED: usize = 500;
/// Regions that differ by less than this part of their width and height are one.
const SAME: f32 = 0.012;

/// What a region was proposed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProposalKind {
    /// The picture without borders of one tone.
    Frame,
    /// The picture without borders that hold no detail, as blurred ones.
    Blur,
    /// Between gutters of one tone.
    Panel,
    /// Between long straight edges.
    Edges,
    /// A cell of a regular grid.
    Grid,
}

/// A region and how much speaks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Where, in pixels of the picture given.
    pub region: Region,
    /// By what.
    pub kind: ProposalKind,
    /// Rank only: higher is better, and means nothing between pictures.
    pub score: f32,
}

impl Proposal {
    /// Best first; equal scores by place, so that the order is one.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let places = |p: &Self| [p.region.x, p.region.y, p.region.width, p.region.height];
        let by_score = other.score.total_cmp(&self.score);
        places(self)
            .iter()
            .zip(&places(other))
            .fold(by_score, |order, (a, b)| order.then(a.total_cmp(b)))
            .then(self.kind.cmp(&other.kind))
    }
}

/// At most 60 regions in which another picture may stand, best first, in pixels of `luma`. The whole picture is not among
/// them.
///
/// Pictures with a side above 640 pixels are shrunk to that first.
pub fn propose(luma: &Luma) -> Vec<Proposal> {
    let small = luma.shrunk(WORKING_SIDE);
    let mut found = propose_small(&small);
    if let Cow::Owned(small) = &small {
        let (width, height) = (luma.width() as f32, luma.height() as f32);
        let (x, y) = (width / small.width() as f32, height / small.height() as f32);
        for proposal in &mut found {
            if let Some(region) = proposal.region.scaled(x, y).within(width, height) {
                proposal.region = region;
            }
        }
    }
    found
}

/// As [`propose`], of a picture no larger than [`WORKING_SIDE`].
pub(crate) fn propose_small(luma: &Luma) -> Vec<Proposal> {
    let (width, height) = (luma.width() as f32, luma.height() as f32);
    let turned = luma.transposed();
    let down = lines_down(luma, LINES);
    let across = lines_down(&turned, LINES);
    let mut found = frames(luma, &turned);
    let mut grounds = vec![Region { x: 0.0, y: 0.0, width, height }];
    grounds.extend(found.first().map(|proposal| proposal.region));
    found.extend(panels(luma, &turned));
    found.extend(Rectangles { width, height }.find(&down, &across, LONG_LINES));
    for ground in &grounds {
        grid::cells(ground, &down, &across, &mut found);
    }
    rank(found, width, height)
}

/// Best first, near-equal ones once, at most [`MOST`]. A region counts less for each better one that it largely
/// repeats, so that one busy corner does not take all places.
fn rank(mut found: Vec<Proposal>, width: f32, height: f32) -> Vec<Proposal> {
    let whole = Region { x: 0.0, y: 0.0, width, height };
    found.retain(|p| !p.region.is_near(&whole, SAME) && p.region.within(width, height).is_some());
    found.sort_unstable_by(Proposal::order);
    found.truncate(RANKED);
    let mut taken: Vec<Proposal> = Vec::new();
    while taken.len() < MOST {
        let best = found.iter().enumerate().fold(None, |best: Option<(usize, f32)>, (i, p)| match best {
            Some((_, score)) if score >= p.score => best,
            _ => Some((i, p.score)),
        });
        let Some((best, _)) = best else { break };
        let next = found.swap_remove(best);
        found.retain_mut(|p| {
            if p.region.is_near(&next.region, SAME) {
                return false;
            }
            if p.region.overlap(&next.region) > 0.75 {
                p.score *= 0.96;
            }
            true
        });
        taken.push(next);
    }
    taken
}
