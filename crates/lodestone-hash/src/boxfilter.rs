//! The reference's blur and decimation, over strips of rows that stay in the cache.
//!
//! The reference blurs with a running box sum along every row, then every column, and both again, and keeps 64 × 64
//! samples. The order of additions within one row or column decides the last bits, so it is kept; rows are independent
//! of each other, and so are columns. A strip of [`LANES`] rows therefore runs through all four boxes at once:
//!
//! ```text
//! bytes ─luma─▶ rows ─transpose─▶ box along rows, one row a lane ─transpose─▶ box along columns, one column a lane
//!               64 sampled columns ◀─ box along rows, one row a lane ◀─transpose─┘
//!               64 sampled rows ◀─ box along columns (64 of them)
//! ```
//!
//! in tiles of [`TILE`] columns. Between tiles the sums along rows are kept, between strips the sums along columns and the
//! last `window` rows of the first box (`ring`). A box's output lags its input by `lag`: outputs are stored at
//! the position of the input that completed them, and the next stage subtracts the lag.
//!
//! *Source:* `box1DFloat`, `jaroszFilterFloat`, `decimateFloat` of ThreatExchange `pdq/cpp/downscaling/downscaling.cpp`.

use crate::{
    dct::Block64,
    luma::{PixelKind, Rounding, Rows, luma},
};

/// Rows of a strip, one a vector lane.
pub(crate) const LANES: usize = 32;
/// Columns of a tile.
pub(crate) const TILE: usize = 32;

/// One value a row of the strip.
pub(crate) type Column = [f32; LANES];
/// One value a column of the tile.
pub(crate) type Row = [f32; TILE];

/// `sum / count` correctly rounded, without a division.
///
/// `reciprocal` is `1 / count` rounded and `mask` clears as many low bits as `count` has, so
/// that `head * count` and the remainder are exact. The remainder's quotient is then off by less than what
/// separates any quotient by `count` from a rounding boundary (for counts below 2^10; nothing underflows, because sums of luma do
/// not get that small).
#[inline(always)]
pub(crate) fn divide(sum: f32, count: f32, reciprocal: f32, mask: u32) -> f32 {
    let head = f32::from_bits((sum * reciprocal).to_bits() & mask);
    head + (sum - head * count) * reciprocal
}

/// A box filter along a side of `n` pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Side {
    n: usize,
    window: usize,
    /// Steps by which the output lags the input.
    lag: usize,
    /// For [`divide`] by counts up to `window`.
    mask: u32,
}

impl Side {
    /// *Source:* `computeJaroszFilterWindowSize`.
    pub(crate) fn new(n: u32) -> Self {
        let window = n.div_ceil(128);
        let bits = u32::BITS - window.leading_zeros();
        Self { n: n as usize, window: window as usize, lag: window as usize / 2, mask: !((1 << bits) - 1) }
    }

    /// How many inputs the sum holds after input `step` (from 0); past the last input it only loses.
    #[inline(always)]
    fn count(&self, step: usize) -> usize {
        if step < self.n {
            self.window.min(step + 1)
        } else {
            (self.window + self.n).saturating_sub(step + 1).max(1)
        }
    }

    /// The inputs whose mean is output `output`.
    pub(crate) fn covered(&self, output: usize) -> std::ops::Range<usize> {
        let end = output + self.lag + 1;
        end.saturating_sub(self.window)..end.min(self.n)
    }

    /// Source index of decimated index `i`. *Source:* `decimateFloat`.
    pub(crate) fn sample(&self, i: usize) -> usize {
        (2 * i + 1) * self.n / 128
    }

    /// Whether the sum is full after all `TILE` inputs from `first`.
    #[inline(always)]
    fn is_full_in_tile(&self, first: usize) -> bool {
        first + 1 >= self.window && first + TILE <= self.n
    }
}

/// The operations that differ between instruction sets by more than their compilation.
pub(crate) trait Isa {
    /// Turns rows into columns.
    fn transpose(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]);

    /// Asks for the first of these bytes to be brought near.
    #[inline(always)]
    fn prefetch(_bytes: &[u8]) {}
}

/// The blur of one picture in progress.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    x: Side,
    y: Side,
    /// Steps down the picture made so far; the first box has `y.n + y.lag` of them.
    steps: usize,
    /// Of each tile, the sums along columns.
    sums: Vec<Row>,
    /// Of each tile, the last `y.window` rows that entered its column sums.
    ring: Vec<Row>,
    /// Recent columns of luma, by column modulo its length.
    luma: Vec<Column>,
    /// Recent columns of the picture blurred once.
    blurred: Vec<Column>,
    second: SecondColumns,
}

/// The second box along columns, of the 64 sampled columns only.
#[derive(Debug)]
struct SecondColumns {
    steps: usize,
    sum: [f32; 64],
    ring: Vec<[f32; 64]>,
    /// Sampled rows done.
    sampled: usize,
    picture: Box<Block64>,
}

impl Default for SecondColumns {
    fn default() -> Self {
        Self { steps: 0, sum: [0.0; 64], ring: Vec::new(), sampled: 0, picture: Box::new([[0.0; 64]; 64]) }
    }
}

impl Filter {
    /// Starts a picture, keeping the buffers. `false`: no memory for them.
    #[must_use]
    pub(crate) fn reset(&mut self, width: u32, height: u32) -> bool {
        (self.x, self.y, self.steps) = (Side::new(width), Side::new(height), 0);
        let tiles = (self.x.n + 2 * self.x.lag).div_ceil(TILE);
        let history = (self.x.window + TILE).next_power_of_two();
        let Some(ring) = tiles.checked_mul(self.y.window) else { return false };
        (self.second.steps, self.second.sum, self.second.sampled) = (0, [0.0; 64], 0);
        refill(&mut self.sums, tiles, [0.0; TILE])
            && refill(&mut self.ring, ring, [0.0; TILE])
            && refill(&mut self.luma, history, [0.0; LANES])
            && refill(&mut self.blurred, history, [0.0; LANES])
            && refill(&mut self.second.ring, self.y.window, [0.0; 64])
    }

    /// Steps down the picture that are left, past its last row.
    pub(crate) fn steps_left(&self) -> usize {
        (self.y.n + self.y.lag).saturating_sub(self.steps)
    }

    /// The picture of 64 × 64 samples, after the last step.
    pub(crate) fn picture(&mut self) -> &Block64 {
        while self.second.steps < self.y.n + self.y.lag {
            self.second.step(self.y, None);
        }
        &self.second.picture
    }
}

/// Makes `buffer` hold `len` copies of `value`; `false` if there is no memory for them.
pub(crate) fn refill<T: Copy>(buffer: &mut Vec<T>, len: usize, value: T) -> bool {
    buffer.clear();
    let fits = buffer.try_reserve(len).is_ok();
    if fits {
        buffer.resize(len, value);
    }
    fits
}

/// Runs a strip of `steps` steps down the picture, at most [`LANES`], through all boxes. It takes `rows`, at most as many
/// whole rows; fewer only past the last row.
#[inline(always)]
pub(crate) fn run<I: Isa>(
    filter: &mut Filter,
    pixels: PixelKind,
    rounding: Rounding,
    rows: &[u8],
    steps: usize,
) {
    let (x, y) = (filter.x, filter.y);
    let rows = Rows { bytes: rows, row_bytes: x.n * pixels.bytes() };
    let row_count = rows.count().min(LANES);
    let means = Means::new(y, filter.steps);
    let first_slot = filter.steps % y.window;
    let history = filter.luma.len();
    // What would stand left of the first column.
    filter.luma[history - x.window..].fill([0.0; LANES]);
    filter.blurred[history - x.window..].fill([0.0; LANES]);
    let mut sum1 = [0.0; LANES];
    let mut sum2 = [0.0; LANES];
    let mut sampled = [[[0.0; LANES]; 32]; 2];
    let mut next_sample = 0;
    let mut by_row = [[0.0; TILE]; LANES];
    let mut by_column = [[0.0; LANES]; TILE];
    for tile in 0..filter.sums.len() {
        let first = tile * TILE;
        let at = first & (history - 1);
        if row_count > 0 {
            for i in 0..row_count {
                // Rows lie far apart, so the hardware does not see the pattern.
                let ahead = rows.rest(i, (first + 2 * TILE) * pixels.bytes());
                I::prefetch(ahead);
                I::prefetch(ahead.get(64..).unwrap_or_default());
            }
            luma(pixels, rounding, rows, first, &mut by_row);
            let Some(columns) = filter.luma[at..].first_chunk_mut::<TILE>() else { return };
            I::transpose(&by_row, columns);
            box_along_rows(&mut sum1, &filter.luma, first, x, &mut by_column);
            I::transpose(&by_column, &mut by_row);
        }
        let ring = &mut filter.ring[tile * y.window..(tile + 1) * y.window];
        box_along_columns(&mut filter.sums[tile], ring, first_slot, steps, row_count, &means, &mut by_row);
        let Some(columns) = filter.blurred[at..].first_chunk_mut::<TILE>() else { return };
        I::transpose(&by_row, columns);
        if first < x.lag || first + TILE > x.n + x.lag {
            for i in 0..TILE {
                if first + i < x.lag || first + i >= x.n + x.lag {
                    columns[i] = [0.0; LANES];
                }
            }
        }
        sample_along_rows(&mut sum2, &filter.blurred, first, x, &mut next_sample, &mut sampled);
    }

    let mut halves = [[[0.0; 32]; LANES]; 2];
    I::transpose(&sampled[0], &mut halves[0]);
    I::transpose(&sampled[1], &mut halves[1]);
    for lane in 0..steps {
        if filter.steps + lane >= y.lag {
            let mut row = [0.0; 64];
            row[..32].copy_from_slice(&halves[0][lane]);
            row[32..].copy_from_slice(&halves[1][lane]);
            filter.second.step(y, Some(&row));
        }
    }
    filter.steps += steps;
}

/// What the sums along columns are divided by at each step of a strip.
struct Means {
    count: [f32; LANES],
    reciprocal: [f32; LANES],
    mask: u32,
}

impl Means {
    #[inline(always)]
    fn new(y: Side, first_step: usize) -> Self {
        let mut means = Self { count: [0.0; LANES], reciprocal: [0.0; LANES], mask: y.mask };
        for i in 0..LANES {
            means.count[i] = y.count(first_step + i) as f32;
            means.reciprocal[i] = 1.0 / means.count[i];
        }
        means
    }
}

/// First box along rows: the means completed by the `TILE` columns from `first`.
#[inline(always)]
fn box_along_rows(sum: &mut Column, luma: &[Column], first: usize, x: Side, out: &mut [Column; TILE]) {
    let mask = luma.len() - 1;
    let mut s = *sum;
    let mut step = |i: usize, count: f32, reciprocal: f32, out: &mut Column| {
        let new = &luma[(first + i) & mask];
        let old = &luma[(first + i).wrapping_sub(x.window) & mask];
        for lane in 0..LANES {
            s[lane] += new[lane];
            s[lane] -= old[lane];
            out[lane] = divide(s[lane], count, reciprocal, x.mask);
        }
    };
    if x.is_full_in_tile(first) {
        let count = x.window as f32;
        let reciprocal = 1.0 / count;
        for (i, out) in out.iter_mut().enumerate() {
            step(i, count, reciprocal, out);
        }
    } else {
        for (i, out) in out.iter_mut().enumerate() {
            let count = x.count(first + i) as f32;
            step(i, count, 1.0 / count, out);
        }
    }
    *sum = s;
}

/// First box along columns, in place: rows of means in, rows of means of means out.
#[inline(always)]
fn box_along_columns(
    sum: &mut Row,
    ring: &mut [Row],
    first_slot: usize,
    steps: usize,
    rows: usize,
    means: &Means,
    by_row: &mut [Row; LANES],
) {
    let mut s = *sum;
    let mut slot = first_slot;
    for i in 0..steps.min(LANES) {
        let row = &mut by_row[i];
        let old = &mut ring[slot];
        if i < rows {
            for j in 0..TILE {
                s[j] += row[j];
                s[j] -= old[j];
                old[j] = row[j];
            }
        } else {
            for j in 0..TILE {
                s[j] -= old[j];
            }
        }
        for j in 0..TILE {
            row[j] = divide(s[j], means.count[i], means.reciprocal[i], means.mask);
        }
        slot = if slot + 1 == ring.len() { 0 } else { slot + 1 };
    }
    *sum = s;
}

/// Second box along rows: only the means of sampled columns are taken.
#[inline(always)]
fn sample_along_rows(
    sum: &mut Column,
    blurred: &[Column],
    first: usize,
    x: Side,
    next_sample: &mut usize,
    sampled: &mut [[Column; 32]; 2],
) {
    let mask = blurred.len() - 1;
    let mut s = *sum;
    let mut at = first;
    let end = first + TILE;
    while at < end {
        // The input that completes the next sample: its column, both lags later.
        let stop = if *next_sample < 64 { x.sample(*next_sample) + 2 * x.lag } else { usize::MAX };
        let until = end.min(stop.saturating_add(1));
        for position in at..until {
            let new = &blurred[position & mask];
            let old = &blurred[position.wrapping_sub(x.window) & mask];
            for lane in 0..LANES {
                s[lane] += new[lane];
                s[lane] -= old[lane];
            }
        }
        at = until;
        while *next_sample < 64 && x.sample(*next_sample) + 2 * x.lag + 1 == at {
            let count = x.count(at - 1 - x.lag) as f32;
            let means = &mut sampled[*next_sample / 32][*next_sample % 32];
            for lane in 0..LANES {
                means[lane] = s[lane] / count;
            }
            *next_sample += 1;
        }
    }
    *sum = s;
}

impl SecondColumns {
    #[inline(always)]
    fn step(&mut self, y: Side, row: Option<&[f32; 64]>) {
        let step = self.steps;
        self.steps += 1;
        let Some(old) = self.ring.get_mut(step % y.window) else { return };
        for j in 0..64 {
            if let Some(row) = row {
                self.sum[j] += row[j];
                self.sum[j] -= old[j];
                old[j] = row[j];
            } else {
                self.sum[j] -= old[j];
            }
        }
        while self.sampled < 64 && y.sample(self.sampled) + y.lag == step {
            let count = y.count(step) as f32;
            for j in 0..64 {
                self.picture[self.sampled][j] = self.sum[j] / count;
            }
            self.sampled += 1;
        }
    }
}
