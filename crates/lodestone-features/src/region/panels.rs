//! Panels between gutters: where rows or columns of one tone cut a picture apart.

use crate::{
    Luma,
    region::{
        Proposal, ProposalKind, Region,
        bounds::Bounds,
        frame::{row_is_uniform, without_uniform},
    },
};

/// Cuts within cuts: rows of a table of columns of panels.
const DEPTH: usize = 3;
/// More parts than this along one axis are lines of text, not panels.
const MOST_PARTS: usize = 24;

/// Panels of the picture, and runs of neighbouring ones that hold together. `turned` is the picture turned over its
/// diagonal.
pub(crate) fn panels(luma: &Luma, turned: &Luma) -> Vec<Proposal> {
    let mut found = Vec::new();
    let whole = Bounds::of(luma);
    let least = (whole.width().max(whole.height()) / 11).max(24);
    cut(luma, turned, without_uniform(luma, turned, whole), DEPTH, least, &mut found);
    found
        .iter()
        .map(|bounds| {
            let parts = found.iter().filter(|other| bounds.holds(other)).count();
            let area = (bounds.width() * bounds.height()) as f32 / (whole.width() * whole.height()) as f32;
            // What falls into parts is less likely to be one picture.
            let score = if parts < 2 { 1.35 } else { 1.0 } + 0.3 * area.sqrt();
            Proposal { region: Region::from(*bounds), kind: ProposalKind::Panel, score }
        })
        .collect()
}

fn cut(luma: &Luma, turned: &Luma, within: Bounds, depth: usize, least: usize, found: &mut Vec<Bounds>) {
    if depth == 0 || within.width() < least || within.height() < least {
        return;
    }
    let rows = parts(luma, within);
    let columns: Vec<Bounds> = parts(turned, within.turned()).into_iter().map(Bounds::turned).collect();
    for parts in [rows, columns] {
        if parts.len() < 2 || parts.len() > MOST_PARTS {
            continue;
        }
        for part in parts {
            let part = without_uniform(luma, turned, part);
            if part.width() >= least && part.height() >= least && !found.contains(&part) {
                found.push(part);
                cut(luma, turned, part, depth - 1, least, found);
            }
        }
    }
}

/// The runs of rows that are not of one tone.
fn parts(luma: &Luma, within: Bounds) -> Vec<Bounds> {
    let mut parts = Vec::new();
    let mut start = None;
    for y in within.top..=within.bottom {
        let filled = y < within.bottom && !row_is_uniform(luma, within, y);
        match (start, filled) {
            (None, true) => start = Some(y),
            (Some(top), false) => {
                parts.push(Bounds { top, bottom: y, ..within });
                start = None;
            }
            _ => {}
        }
    }
    parts
}
