//! Replaced cells as patches and as shares.

use super::warp::Sheet;
use super::{Cell, Change, ReplacedRegion};
use crate::Bounds;

/// Cells of a patch at least; fewer are doubt about a cell, not a change.
const LEAST: usize = 3;

/// The cells, where a single one that differs from all its neighbours that can be told is taken for one of them.
pub(crate) fn without_specks(columns: usize, cells: &[Cell]) -> Vec<Cell> {
    let mut out = cells.to_vec();
    for (k, cell) in out.iter_mut().enumerate() {
        let other = match cell {
            Cell::Kept => Cell::Replaced,
            Cell::Replaced => Cell::Kept,
            Cell::Even | Cell::Outside => continue,
        };
        let count = |wanted: Cell| around(columns, cells.len(), k).filter(|n| cells[*n] == wanted).count();
        if count(*cell) <= 1 && count(other) >= 4 {
            *cell = other;
        }
    }
    out
}

/// Numbers of the up to eight cells around one.
fn around(columns: usize, len: usize, k: usize) -> impl Iterator<Item = usize> {
    let (x, y, rows) = (k % columns, k / columns, len / columns);
    let rows_near = y.saturating_sub(1)..=(y + 1).min(rows.saturating_sub(1));
    rows_near
        .flat_map(move |v| (x.saturating_sub(1)..=(x + 1).min(columns - 1)).map(move |u| v * columns + u))
        .filter(move |n| *n != k)
}

/// What became of the middle half of width and height, or of the rest.
pub(crate) fn change(columns: usize, cells: &[Cell], centre: bool) -> Change {
    let rows = cells.len() / columns;
    let middle = |k: usize, n: usize| (n..3 * n).contains(&(4 * k + 1));
    let (mut all, mut kept, mut replaced) = (0u32, 0u32, 0u32);
    for (k, cell) in cells.iter().enumerate() {
        if (middle(k % columns, columns) && middle(k / columns, rows)) == centre {
            all += 1;
            kept += u32::from(*cell == Cell::Kept);
            replaced += u32::from(*cell == Cell::Replaced);
        }
    }
    let told = kept + replaced;
    if told * 3 < all || told == 0 {
        return Change::CannotSay;
    }
    match f64::from(replaced) / f64::from(told) {
        share if share >= 0.5 => Change::Replaced,
        share if share > 0.15 => Change::Partly,
        _ => Change::Kept,
    }
}

/// Patches of replaced cells, largest first.
pub(crate) fn replaced(sheet: &Sheet, cells: &[Cell]) -> Vec<ReplacedRegion> {
    let columns = sheet.columns;
    let mut seen = vec![false; cells.len()];
    let mut out: Vec<(usize, ReplacedRegion)> = Vec::new();
    for start in 0..cells.len() {
        if seen[start] || cells[start] != Cell::Replaced {
            continue;
        }
        seen[start] = true;
        let mut patch = vec![start];
        let mut next = 0;
        while let Some(&k) = patch.get(next) {
            next += 1;
            for n in around(columns, cells.len(), k) {
                if cells[n] == Cell::Replaced && !std::mem::replace(&mut seen[n], true) {
                    patch.push(n);
                }
            }
        }
        if patch.len() < LEAST {
            continue;
        }
        let side = |k: usize, pixel: f32| (k * super::CELL_SIDE) as f32 * pixel;
        let span = |at: fn(usize, usize) -> usize| {
            let least = patch.iter().map(|k| at(*k, columns)).min().unwrap_or(0);
            (least, patch.iter().map(|k| at(*k, columns)).max().unwrap_or(0) + 1)
        };
        let (left, right) = span(|k, columns| k % columns);
        let (top, bottom) = span(|k, columns| k / columns);
        let (across, down) = sheet.pixel;
        let in_known = Bounds {
            left: side(left, across),
            top: side(top, down),
            right: side(right, across),
            bottom: side(bottom, down),
        };
        let share_of_known = patch.len() as f32 / cells.len() as f32;
        out.push((
            patch.len(),
            ReplacedRegion { in_known, in_questioned: sheet.in_questioned(in_known), share_of_known },
        ));
    }
    out.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    out.into_iter().map(|(_, region)| region).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specks_go_and_patches_stay() {
        let mut cells = vec![Cell::Kept; 48];
        cells[10] = Cell::Replaced;
        for k in [28, 29, 36, 37] {
            cells[k] = Cell::Replaced;
        }
        let clean = without_specks(8, &cells);
        assert_eq!(clean[10], Cell::Kept);
        assert!([28, 29, 36, 37].iter().all(|k| clean[*k] == Cell::Replaced));
    }

    #[test]
    fn what_cannot_be_told_is_not_said() {
        assert_eq!(change(4, &[Cell::Even; 16], true), Change::CannotSay);
        assert_eq!(change(4, &[Cell::Kept; 16], true), Change::Kept);
        assert_eq!(change(4, &[Cell::Replaced; 16], false), Change::Replaced);
    }
}
