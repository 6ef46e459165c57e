//! The reference's blur, two box filters along rows and two along columns, and its decimation to 64 × 64.

use crate::{
    dct::Block64,
    luma::{self, PixelKind, Rounding},
};

/// `sum / count` correctly rounded, without a division.
///
/// `reciprocal` is `1 / count` rounded and `mask` clears as many low bits as `count` has after its trailing zeros, so
/// that `head * count` and the remainder are exact; the remainder's quotient is then off by less than the distance
/// that separates any such quotient from a rounding boundary (for counts below 2^10; no underflow at our magnitudes).
#[inline(always)]
pub(crate) fn divide(sum: f32, count: f32, reciprocal: f32, mask: u32) -> f32 {
    let head = f32::from_bits((sum * reciprocal).to_bits() & mask);
    head + (sum - head * count) * reciprocal
}

/// Window of a box filter along a side of `n` pixels. *Source:* `computeJaroszFilterWindowSize`.
pub(crate) fn window(n: u32) -> u32 {
    n.div_ceil(128)
}

/// Source index of decimated index `i` along a side of `n` pixels. *Source:* `decimateFloat`.
pub(crate) fn sample(i: u32, n: u32) -> u32 {
    ((u64::from(2 * i + 1) * u64::from(n)) / 128) as u32
}

/// One running box sum: what to do at step `t` of `n + half - 1` steps.
#[derive(Clone, Copy, Debug)]
struct Box1 {
    n: usize,
    w: usize,
    lag: usize,
}
impl Box1 {
    fn new(n: u32) -> Self {
        let w = window(n) as usize;
        Self { n: n as usize, w, lag: (w + 2) / 2 - 1 }
    }
    fn steps(&self) -> usize {
        self.n + self.lag
    }
    fn count(&self, t: usize) -> usize {
        if t < self.w {
            t + 1
        } else if t < self.n {
            self.w
        } else {
            self.w - (t - self.n) - 1
        }
    }
}

#[derive(Debug)]
pub(crate) struct Filter {
    x: Box1,
    y: Box1,
    width: u32,
    height: u32,
    ring1: Vec<Vec<f32>>,
    ring2: Vec<[f32; 64]>,
    sum1: Vec<f32>,
    sum2: [f32; 64],
    in1: usize,
    in2: usize,
    out: Box<Block64>,
    plain: Box<Block64>,
}

impl Filter {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (x, y) = (Box1::new(width), Box1::new(height));
        Self {
            x,
            y,
            width,
            height,
            ring1: vec![vec![0.0; x.n]; y.w],
            ring2: vec![[0.0; 64]; y.w],
            sum1: vec![0.0; x.n],
            sum2: [0.0; 64],
            in1: 0,
            in2: 0,
            out: Box::new([[0.0; 64]; 64]),
            plain: Box::new([[0.0; 64]; 64]),
        }
    }
    pub(crate) fn rows(&mut self, kind: PixelKind, rounding: Rounding, rows: &[u8]) {
        let mut luma = vec![0.0; self.x.n];
        for row in rows.chunks_exact(self.x.n * kind.bytes()) {
            luma::luma(kind, rounding, row, &mut luma);
            if self.width == 64 && self.height == 64 {
                self.plain[self.in1].copy_from_slice(&luma);
            }
            let out = box_row(&luma, self.x);
            self.step1(Some(&out));
        }
    }
    fn step1(&mut self, row: Option<&[f32]>) {
        let t = self.in1;
        self.in1 += 1;
        let slot = t % self.y.w;
        for j in 0..self.x.n {
            if let Some(row) = row {
                self.sum1[j] += row[j];
            }
            if t >= self.y.w {
                self.sum1[j] -= self.ring1[slot][j];
            }
        }
        if let Some(row) = row {
            self.ring1[slot].copy_from_slice(row);
        }
        if t >= self.y.lag {
            let c = self.y.count(t) as f32;
            let out: Vec<f32> = self.sum1.iter().map(|s| s / c).collect();
            let out = box_row(&out, self.x);
            let row = std::array::from_fn(|j| out[sample(j as u32, self.width) as usize]);
            self.step2(Some(&row));
        }
    }
    fn step2(&mut self, row: Option<&[f32; 64]>) {
        let t = self.in2;
        self.in2 += 1;
        let slot = t % self.y.w;
        for j in 0..64 {
            if let Some(row) = row {
                self.sum2[j] += row[j];
            }
            if t >= self.y.w {
                self.sum2[j] -= self.ring2[slot][j];
            }
        }
        if let Some(row) = row {
            self.ring2[slot] = *row;
        }
        if t >= self.y.lag {
            let c = self.y.count(t) as f32;
            for i in 0..64 {
                if sample(i, self.height) as usize == t - self.y.lag {
                    self.out[i as usize] = self.sum2.map(|s| s / c);
                }
            }
        }
    }
    pub(crate) fn finish(&mut self) -> (&Block64, &Block64) {
        for _ in 0..self.y.lag {
            self.step1(None);
        }
        for _ in 0..self.y.lag {
            self.step2(None);
        }
        (&self.plain, &self.out)
    }
}

fn box_row(row: &[f32], x: Box1) -> Vec<f32> {
    let mut out = Vec::new();
    let mut sum = 0.0;
    for t in 0..x.steps() {
        if t < x.n {
            sum += row[t];
        }
        if t >= x.w {
            sum -= row[t - x.w];
        }
        if t >= x.lag {
            out.push(sum / x.count(t) as f32);
        }
    }
    out
}
