//! The grid of an earlier compression, from the means of blocks.
//!
//! The mean of a block that was compressed is a multiple of a step. For each of the 64 places where a grid could begin,
//! and each step, a Fourier sum over the blocks' means tells how periodic they are; an earlier grid stands out from
//! the other 63.
//!
//! *Source:* Bianchi and Piva, "Detection of Nonaligned Double JPEG Compression Based on Integer Periodicity Maps"
//! (IEEE TIFS 2012).

use super::plane::Plane;

/// Steps of the first coefficient tried: quality 97 to 50 have 1 to 16.
const STEPS: std::ops::RangeInclusive<usize> = 3..=17;
/// Blocks below which nothing is said.
const MIN_BLOCKS: usize = 600;

/// The place that stands out most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Where the earlier grid begins, 0 to 7.
    pub(crate) offset: (usize, usize),
    /// Step of its first coefficient.
    pub(crate) step: usize,
    /// How far its periodicity, 0 to 1, stands above the next place's. Flat areas carry the file's own grid to places
    /// beside it, but always to several alike.
    pub(crate) score: f64,
}

/// Looks for a grid; `own`: whether the file's own grid, at (0, 0), is left out.
pub(crate) fn examine(plane: &Plane, own: bool) -> Option<Grid> {
    let (across, down) = ((plane.width.checked_sub(7)?) / 8, (plane.height.checked_sub(7)?) / 8);
    if across * down < MIN_BLOCKS {
        return None;
    }
    let sums = Sums::of(plane);
    // 64 histograms of the means, in quarters of the coefficient's unit.
    let mut best: Option<Grid> = None;
    let histograms: Vec<Vec<u32>> = (0..64).map(|i| sums.histogram(i % 8, i / 8)).collect();
    for step in STEPS {
        let map: Vec<f64> = histograms.iter().map(|h| periodicity(h, step)).collect();
        let mut places: Vec<(f64, usize)> = map.iter().copied().zip(0..).skip(usize::from(own)).collect();
        places.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let (Some(&(first, at)), Some(&(second, _))) = (places.first(), places.get(1)) else { continue };
        let score = first - second;
        if best.is_none_or(|b| score > b.score) {
            best = Some(Grid { offset: (at % 8, at / 8), step, score });
        }
    }
    best
}

/// |Σ h(k) e^(−2πik/step)| / Σ h, the bins being quarters.
fn periodicity(histogram: &[u32], step: usize) -> f64 {
    // One period has 4 × step bins: the sum over a period's bins needs only their cosine and sine.
    let period = 4 * step;
    let mut folded = vec![0f64; period];
    for (bin, &count) in histogram.iter().enumerate() {
        folded[bin % period] += f64::from(count);
    }
    let (mut real, mut imaginary, mut total) = (0.0, 0.0, 0.0);
    // The angle goes round by a rotation of its own; errors stay below 1e-13.
    let (cosine, sine) = unit_angle(period);
    let (mut c, mut s) = (1.0f64, 0.0f64);
    for count in folded {
        real += count * c;
        imaginary += count * s;
        total += count;
        (c, s) = (c * cosine - s * sine, s * cosine + c * sine);
    }
    if total > 0.0 { (real * real + imaginary * imaginary).sqrt() / total } else { 0.0 }
}

/// Cosine and sine of 2π / n by their series, for n from 12 on: the same on every machine.
fn unit_angle(n: usize) -> (f64, f64) {
    let x = std::f64::consts::TAU / n as f64;
    let (mut cosine, mut sine, mut term) = (0.0, 0.0, 1.0);
    for k in 0..24u32 {
        let sign = if k % 4 < 2 { 1.0 } else { -1.0 };
        if k % 2 == 0 {
            cosine += sign * term
        } else {
            sine += sign * term
        }
        term *= x / f64::from(k + 1);
    }
    (cosine, sine)
}

/// Sums of samples above and left of each place.
struct Sums {
    width: usize,
    across: usize,
    down: usize,
    sums: Vec<u32>,
}

impl Sums {
    fn of(plane: &Plane) -> Self {
        let width = plane.width + 1;
        let mut sums = vec![0u32; width];
        for row in plane.samples.chunks_exact(plane.width.max(1)) {
            let above = sums.len() - width;
            let mut sum = 0u32;
            sums.push(0);
            for (x, &sample) in row.iter().enumerate() {
                sum += u32::from(sample);
                // At most 1600 × 1600 × 255, below 2^32.
                sums.push(sums[above + x + 1] + sum);
            }
        }
        // All 64 grids have the same blocks: as many as the last one.
        Self { width, across: (plane.width - 7) / 8, down: (plane.height - 7) / 8, sums }
    }

    /// Histogram of the first coefficient of the blocks of a grid, in quarters of its unit, from 0 on.
    fn histogram(&self, left: usize, top: usize) -> Vec<u32> {
        let mut histogram = vec![0u32; 8_192];
        let at = |x: usize, y: usize| self.sums.get(y * self.width + x).copied().unwrap_or(0);
        for y in 0..self.down {
            for x in 0..self.across {
                let (x, y) = (x * 8 + left, y * 8 + top);
                let sum = at(x + 8, y + 8) + at(x, y) - at(x + 8, y) - at(x, y + 8);
                // The first coefficient is sum / 8 less a constant, which changes the Fourier sum's phase only: quarters
                // of a unit are sum / 2.
                let quarter = (sum / 2) as usize;
                // Black and white areas are clipped and say nothing.
                if (64..=8_096).contains(&quarter)
                    && let Some(count) = histogram.get_mut(quarter)
                {
                    *count += 1;
                }
            }
        }
        histogram
    }
}
