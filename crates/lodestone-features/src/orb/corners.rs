//! Corners of one level: found by FAST-9, ranked by Harris, spread over the plane.

use super::pyramid::Plane;
use super::simd::Kernel;

/// Least strength of a corner. Low: what is taken is decided by rank, so that pale pictures have corners too.
const LEAST: u8 = 6;
/// Corners of a cell that are ranked by Harris at most.
const PER_CELL: usize = 8;
/// Each further corner of a cell counts as if its response, which goes by the fourth power of contrast, were this many
/// times halved.
const CROWDING: usize = 2;

/// A corner of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Corner {
    /// Harris' response, less for each stronger corner in the same cell. First, so that corners sort by it.
    pub(crate) rank: i64,
    pub(crate) y: u32,
    pub(crate) x: u32,
}

/// Up to `wanted` corners, at least `margin` (4 or more) pixels from the edge, best first.
pub(crate) fn corners(kernel: Kernel, plane: &Plane, wanted: usize, margin: usize) -> Vec<Corner> {
    let (width, height) = (plane.width, plane.height);
    if width <= 2 * margin || height <= 2 * margin || width < 40 || wanted == 0 {
        return Vec::new();
    }
    let cell = cell_side(width - 2 * margin, height - 2 * margin, wanted);
    let across = (width - 2 * margin).div_ceil(cell);
    let down = (height - 2 * margin).div_ceil(cell);
    let mut cells: Vec<Cell> = (0..across * down).map(|_| Cell::default()).collect();
    let mut rows: [Vec<u8>; 3] = std::array::from_fn(|_| vec![0; width]);
    for y in margin - 1..=height - margin {
        // rows[2] becomes the strengths of row y; rows[1], of the row before, is then judged.
        rows.rotate_left(1);
        let views: [&[u8]; 7] = std::array::from_fn(|k| plane.row(y + k - 3));
        kernel.corner_row(&views, &mut rows[2]);
        if y > margin {
            let at = (y - 1 - margin) / cell * across;
            judge(&rows, y - 1, margin, cell, &mut cells[at..at + across]);
        }
    }
    rank(plane, &mut cells, wanted)
}

/// Side of cells of which there are about two for three corners.
fn cell_side(width: usize, height: usize, wanted: usize) -> usize {
    let area = width * height * 3 / (2 * wanted);
    let mut side = 12;
    while (side + 1) * (side + 1) <= area {
        side += 1;
    }
    side
}

/// The strongest corners of a cell so far, strongest first.
#[derive(Default)]
struct Cell {
    found: [(u8, u32, u32); PER_CELL],
    len: usize,
}

impl Cell {
    fn offer(&mut self, strength: u8, y: u32, x: u32) {
        let mut at = self.len;
        while at > 0 && self.found[at - 1].0 < strength {
            at -= 1;
        }
        if at == PER_CELL {
            return;
        }
        self.len = (self.len + 1).min(PER_CELL);
        self.found[at..self.len].rotate_right(1);
        self.found[at] = (strength, y, x);
    }
}

/// Offers the peaks of the middle row to their cells.
fn judge(rows: &[Vec<u8>; 3], y: usize, margin: usize, cell: usize, cells: &mut [Cell]) {
    let [above, row, below] = rows;
    for x in margin..row.len() - margin {
        let s = row[x];
        if s < LEAST {
            continue;
        }
        let before = above[x - 1].max(above[x]).max(above[x + 1]).max(row[x - 1]);
        let after = below[x - 1].max(below[x]).max(below[x + 1]).max(row[x + 1]);
        if s > before && s >= after {
            cells[(x - margin) / cell].offer(s, y as u32, x as u32);
        }
    }
}

fn rank(plane: &Plane, cells: &mut [Cell], wanted: usize) -> Vec<Corner> {
    let mut out = Vec::new();
    for cell in cells {
        let mut ranked: Vec<Corner> = cell.found[..cell.len]
            .iter()
            .map(|&(_, y, x)| Corner { rank: harris(plane, x as usize, y as usize), y, x })
            .filter(|corner| corner.rank > 0)
            .collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        for (place, corner) in ranked.iter_mut().enumerate() {
            corner.rank >>= CROWDING * place;
        }
        out.append(&mut ranked);
    }
    out.sort_unstable_by(|a, b| b.cmp(a));
    out.truncate(wanted);
    out
}

/// Harris' response over 7 x 7 pixels, k = 1/25; the corner is at least four pixels from the edge.
///
/// *Source:* Harris and Stephens, "A combined corner and edge detector", 1988.
fn harris(plane: &Plane, x: usize, y: usize) -> i64 {
    let mut window = [[0i32; 9]; 9];
    for (k, line) in window.iter_mut().enumerate() {
        for (out, &value) in line.iter_mut().zip(&plane.row(y + k - 4)[x - 4..x + 5]) {
            *out = i32::from(value);
        }
    }
    let (mut xx, mut yy, mut xy) = (0i32, 0i32, 0i32);
    for r in 1..8 {
        for c in 1..8 {
            let (a, b, d) = (&window[r - 1], &window[r], &window[r + 1]);
            let right = a[c + 1] + 2 * b[c + 1] + d[c + 1] - a[c - 1] - 2 * b[c - 1] - d[c - 1];
            let downward = d[c - 1] + 2 * d[c] + d[c + 1] - a[c - 1] - 2 * a[c] - a[c + 1];
            xx += right * right;
            yy += downward * downward;
            xy += right * downward;
        }
    }
    let (xx, yy, xy) = (i64::from(xx), i64::from(yy), i64::from(xy));
    25 * (xx * yy - xy * xy) - (xx + yy) * (xx + yy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares() -> Plane {
        let mut pixels = vec![40; 120 * 100];
        for (left, top) in [(20, 20), (70, 50)] {
            for y in top..top + 20 {
                for x in left..left + 20 {
                    pixels[y * 120 + x] = 200;
                }
            }
        }
        Plane { width: 120, height: 100, pixels }
    }

    #[test]
    fn the_corners_of_squares_are_found_and_nothing_else() {
        let found = corners(Kernel::detect(), &squares(), 100, 8);
        assert_eq!(found.len(), 8, "{found:?}");
        for corner in &found {
            let near = |side: u32, start: u32| corner_near(side, start) || corner_near(side, start + 19);
            assert!(near(corner.x, 20) && near(corner.y, 20) || near(corner.x, 70) && near(corner.y, 50));
        }
        assert_eq!(found, corners(Kernel::PORTABLE, &squares(), 100, 8));
    }

    fn corner_near(a: u32, b: u32) -> bool {
        a.abs_diff(b) <= 3
    }

    #[test]
    fn no_more_are_given_than_wanted_and_none_near_the_edge() {
        let found = corners(Kernel::detect(), &squares(), 3, 30);
        assert!(found.len() <= 3);
        assert!(found.iter().all(|c| (30..90).contains(&c.x) && (30..70).contains(&c.y)));
    }
}
