//! Long straight lines that run down a picture, where one picture may end and another begin.
//!
//! A boundary between two pictures is a step in the same column of row after row. Within one picture steps wander.
//! So each column is given evidence row by row (a step that is the largest near it speaks for the column, a larger step
//! beside it speaks against, no step at all says little), and its best run of rows is its worth. Lines across are
//! found in the picture turned over its diagonal.

use crate::Luma;

/// Least step, in half grey levels over the two pixels on each side.
const LEAST_STEP: i16 = 20;
/// Part of a run's rows whose step is on the other side of a thin border, from which on that side speaks too.
const DOUBLE: f32 = 0.22;
/// Worth of a row that has its step here; that has it elsewhere near; that has none.
const WORTH: [i16; 3] = [5, -6, -1];
/// What a row without any step counts against a row with its step elsewhere, in a line's support.
const BLANK: f32 = 0.2;

/// What a row says of a column.
const STEP: u8 = 1;
const NEAR: u8 = 2;

/// A line at `at` pixels from the left, and what each row says of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Between pixels: 3.0 is the boundary of the third pixel and the fourth.
    pub(crate) at: f32,
    /// First and last row of its best run.
    pub(crate) run: (f32, f32),
    /// What the rows of its best run say together; `n` good rows have about `5 n`.
    pub(crate) worth: i16,
    /// Rows above each that have their step here; that have it elsewhere.
    hits: Vec<u16>,
    misses: Vec<u16>,
}

impl Line {
    /// How well the rows from `from` to `to` speak for the line, 0 to 1.
    pub(crate) fn support(&self, from: f32, to: f32) -> f32 {
        let last = self.hits.len() - 1;
        let (from, to) = ((from.max(0.0) as usize).min(last), (to.max(0.0).round() as usize).min(last));
        if to <= from {
            return 0.0;
        }
        let hits = f32::from(self.hits[to] - self.hits[from]);
        let misses = f32::from(self.misses[to] - self.misses[from]);
        let blanks = (to - from) as f32 - hits - misses;
        hits / (hits + misses + BLANK * blanks).max(1.0)
    }
}

/// The `most` worthiest lines that run down the picture, worthiest first. The picture's own sides are not among them.
///
/// Cost: some 3 ns a pixel.
pub(crate) fn lines_down(luma: &Luma, most: usize) -> Vec<Line> {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    if width < 8 || height < 8 {
        return Vec::new();
    }
    let mut map = vec![0_u8; width * height];
    let mut scratch = Scratch::new(width);
    let mut run = vec![0_i16; width];
    let mut best = vec![0_i16; width];
    for y in 0..height {
        let said = &mut map[y * width..(y + 1) * width];
        scratch.row(luma.row(y as u32), said);
        for x in 0..width - 1 {
            let pair = said[x] | said[x + 1];
            run[x] = (run[x] + said_worth(pair)).max(0);
            best[x] = best[x].max(run[x]);
        }
    }
    let least = ((height as f32 * 0.06).max(16.0) * f32::from(WORTH[0]) * 0.6) as i16;
    let mut columns: Vec<usize> = (1..width - 2)
        .filter(|&x| {
            let beside = x.saturating_sub(2)..(x + 3).min(width);
            best[x] >= least
                && beside.clone().all(|other| best[other] < best[x] || best[other] == best[x] && other >= x)
        })
        .collect();
    columns.sort_by_key(|&x| (std::cmp::Reverse(best[x]), x));
    columns.truncate(most);
    columns.into_iter().map(|x| line(&map, width, x)).collect()
}

fn line(map: &[u8], width: usize, x: usize) -> Line {
    let single = line_of(map, width, x, None);
    // A thin border has a step on each side. The larger hides the other, so that each side alone looks broken.
    let (from, to) = (single.run.0 as usize, single.run.1 as usize);
    let enough = ((to - from) as f32 * DOUBLE) as usize;
    let beside = [-4, -3, 3, 4].into_iter().filter_map(|offset| {
        let other = x.checked_add_signed(offset).filter(|&other| other > 0 && other < width - 1)?;
        let rows = map[from * width..to * width].chunks_exact(width);
        let count =
            rows.filter(|row| (row[x] | row[x + 1]) & STEP == 0 && (row[other] | row[other + 1]) & STEP != 0);
        Some((count.count(), other))
    });
    match beside.max() {
        Some((count, other)) if count > enough => {
            Line { at: single.at, ..line_of(map, width, x, Some(other)) }
        }
        _ => single,
    }
}

/// The line at `x`, for which steps at `other` speak too.
fn line_of(map: &[u8], width: usize, x: usize, other: Option<usize>) -> Line {
    let (mut hits, mut misses) = (vec![0_u16], vec![0_u16]);
    let (mut hit, mut miss, mut left, mut right) = (0, 0, 0_u32, 0_u32);
    let (mut run, mut worth, mut start, mut best) = (0_i16, 0_i16, 0, (0, 0));
    for (y, row) in map.chunks_exact(width).enumerate() {
        let said = row[x] | row[x + 1] | other.map_or(0, |other| row[other] | row[other + 1]);
        hit += u16::from(said & STEP != 0);
        miss += u16::from(said & STEP == 0 && said & NEAR != 0);
        left += u32::from(row[x] & STEP);
        right += u32::from(row[x + 1] & STEP);
        hits.push(hit);
        misses.push(miss);
        if run == 0 {
            start = y;
        }
        run = (run + said_worth(said)).max(0);
        if run > worth {
            (worth, best) = (run, (start, y + 1));
        }
    }
    let at = x as f32 + right as f32 / (left + right).max(1) as f32;
    Line { at, run: (best.0 as f32, best.1 as f32), worth, hits, misses }
}

#[inline(always)]
fn said_worth(said: u8) -> i16 {
    if said & STEP != 0 {
        WORTH[0]
    } else if said & NEAR != 0 {
        WORTH[1]
    } else {
        WORTH[2]
    }
}

/// Room for one row.
struct Scratch {
    /// The row with its ends repeated twice on each side.
    padded: Vec<i16>,
    /// Steps, with three zeros on each side.
    steps: Vec<i16>,
    two: Vec<i16>,
    four: Vec<i16>,
}

impl Scratch {
    fn new(width: usize) -> Self {
        Self {
            padded: vec![0; width + 4],
            steps: vec![0; width + 6],
            two: vec![0; width + 6],
            four: vec![0; width + 6],
        }
    }

    /// What the row says of each column boundary: [`STEP`] where its step is the largest within three pixels, [`NEAR`]
    /// where there is one as near.
    fn row(&mut self, row: &[u8], said: &mut [u8]) {
        let width = row.len();
        for (out, &value) in self.padded[2..].iter_mut().zip(row) {
            *out = i16::from(value);
        }
        let (first, last) = (self.padded[2], self.padded[width + 1]);
        self.padded[..2].fill(first);
        self.padded[width + 2..].fill(last);
        let p = &self.padded;
        let (a, b, c, d) = (&p[..width], &p[1..width + 1], &p[2..width + 2], &p[3..width + 3]);
        let steps = &mut self.steps[3..width + 3];
        for x in 0..width {
            steps[x] = (c[x] + d[x] - a[x] - b[x]).abs();
        }
        steps[0] = 0;
        let n = width + 6;
        for x in 0..n - 1 {
            self.two[x] = self.steps[x].max(self.steps[x + 1]);
        }
        for x in 0..n - 3 {
            self.four[x] = self.two[x].max(self.two[x + 2]);
        }
        let (here, left, right) = (&self.steps[3..width + 3], &self.four[..width], &self.four[3..width + 3]);
        for x in 0..width {
            let largest = left[x].max(right[x]);
            let near = (largest >= LEAST_STEP) as u8;
            let step = (here[x] == largest) as u8 & near;
            said[x] = (step * STEP) | (near * NEAR);
        }
    }
}
