//! Regular grids: collages whose cells are of one size, with gutters or without.
//!
//! A cell's edge is sought near where the grid has it; where no line is found the grid's own place stands.

use crate::region::{Proposal, ProposalKind, Region, lines::Line};

/// Columns and rows of the grids tried, the commoner first.
const GRIDS: [(usize, usize); 9] = [(2, 2), (3, 3), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (4, 4)];
/// How far from its place an edge may lie, in cells.
const REACH: f32 = 0.1;

/// Edges of one axis: of each cell its start and end, and how well lines speak for the inner ones.
struct Cuts {
    cells: Vec<(f32, f32)>,
    /// Of the inner edges: the sum, and the least.
    support: f32,
    least: f32,
}

/// Cuts `from..to` into `count` cells; `across` is the extent over which lines must run.
fn cuts(lines: &[Line], count: usize, (from, to): (f32, f32), across: (f32, f32)) -> Cuts {
    let cell = (to - from) / count as f32;
    let mut edges = vec![from];
    let (mut support, mut least) = (0.0, 1.0_f32);
    for i in 1..count {
        let place = from + cell * i as f32;
        let near: Vec<(f32, f32)> = lines
            .iter()
            .filter(|line| (line.at - place).abs() <= REACH * cell)
            .map(|line| (line.support(across.0, across.1), line.at))
            .filter(|&(support, _)| support >= 0.4)
            .collect();
        let best = near.iter().map(|&(support, _)| support).fold(0.0, f32::max);
        support += best;
        least = least.min(best);
        // A gutter has two edges: the cell before ends at the first, the cell after starts at the last.
        let first = near.iter().map(|&(_, at)| at).fold(f32::INFINITY, f32::min);
        let last = near.iter().map(|&(_, at)| at).fold(f32::NEG_INFINITY, f32::max);
        let (first, last) = if near.is_empty() { (place, place) } else { (first, last) };
        edges.push(first);
        edges.push(last);
    }
    edges.push(to);
    let cells = edges.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    Cuts { cells, support, least }
}

/// The cells of every grid over `frame`.
pub(crate) fn cells(frame: &Region, down: &[Line], across: &[Line], found: &mut Vec<Proposal>) {
    for (rank, (columns, rows)) in GRIDS.into_iter().enumerate() {
        let x = cuts(down, columns, (frame.x, frame.right()), (frame.y, frame.bottom()));
        let y = cuts(across, rows, (frame.y, frame.bottom()), (frame.x, frame.right()));
        let inner = (columns - 1) as f32 + (rows - 1) as f32;
        let support = (x.support + y.support) / inner;
        let score = if x.least.min(y.least) >= 0.6 { 1.2 + 0.3 * support } else { 0.5 + 0.5 * support };
        let score = score - 0.01 * rank as f32;
        for &(top, bottom) in &y.cells {
            for &(left, right) in &x.cells {
                let region = Region { x: left, y: top, width: right - left, height: bottom - top };
                found.push(Proposal { region, kind: ProposalKind::Grid, score });
            }
        }
    }
}
