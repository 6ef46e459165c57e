//! A hash from a scaled decode: for screening, flagged wherever it appears.
//!
//! Blur and decimation are linear: the 64 × 64 picture is `R · Y · Cᵀ` with sparse `R` and `C`. Summed over blocks of
//! `scale` pixels, `R` and `C` apply to a luma plane decoded at 1/`scale`, and keep the window and phase of the full-size
//! picture; hashing the scaled picture itself would not.

use crate::{
    Error, Kernel, MIN_SIDE, PdqFeatures,
    boxfilter::{Side, refill},
    dct::Block64,
    features::Mode,
};

/// Longer sides are refused; no decoder makes them.
const MAX_SIDE: u32 = 1 << 20;

/// The scale (1, 2, 4 or 8) at which a picture of `width` × `height` pixels may be decoded for a folded hash: the
/// largest power of two at most 8 and at most half of the smaller blur window, so 1/8 when the smaller side has more than 1920 pixels. Tiny
/// pictures are never scaled. At these scales hashes of benign photographs were at most 4 bits from the exact ones: a
/// measurement on a small sample, not a bound.
pub fn folded_scale(width: u32, height: u32) -> u32 {
    let half_window = width.div_ceil(128).min(height.div_ceil(128)) / 2;
    (1 << half_window.max(1).ilog2()).min(8)
}

/// Hashes a picture from its luma decoded at 1/2, 1/4 or 1/8 (a JPEG's scaled DCT). Its features say
/// [`Mode::Folded`]: a screen, to be repeated exactly on a hit.
#[derive(Debug)]
pub struct FoldedPdq {
    width: u32,
    height: u32,
    row_bytes: usize,
    row_count: usize,
    columns: Vec<Taps>,
    rows: Vec<Taps>,
    taken: usize,
    /// Picture so far, in double precision: sums have no prescribed order here.
    picture: Box<[[f64; 64]; 64]>,
}

/// The weights of one sample: of `first`, and of those after it.
#[derive(Clone, Debug, Default)]
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

impl FoldedPdq {
    /// A picture of `width` × `height` pixels at full size that will come as luma at 1/`scale`.
    ///
    /// # Errors
    /// [`Error::NotAScale`]; [`Error::Memory`] for sides above 2^20.
    pub fn new(width: u32, height: u32, scale: u32) -> Result<Self, Error> {
        if ![1, 2, 4, 8].contains(&scale) {
            return Err(Error::NotAScale(scale));
        }
        if width.max(height) > MAX_SIDE {
            return Err(Error::Memory { width, height });
        }
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        if width.min(height) >= MIN_SIDE {
            let memory = Error::Memory { width, height };
            columns = taps(width, scale as usize).ok_or(memory)?;
            rows = taps(height, scale as usize).ok_or(memory)?;
        }
        let picture = Box::new([[0.0; 64]; 64]);
        let (row_bytes, row_count) = (width.div_ceil(scale) as usize, height.div_ceil(scale) as usize);
        Ok(Self { width, height, row_bytes, row_count, columns, rows, taken: 0, picture })
    }

    /// Takes the next rows of the scaled luma plane: any number of whole rows of `width / scale` (rounded up) bytes.
    ///
    /// # Errors
    /// [`Error::PartialRow`], [`Error::TooManyRows`].
    pub fn push_rows(&mut self, rows: &[u8]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let row_bytes = self.row_bytes;
        if row_bytes == 0 || !rows.len().is_multiple_of(row_bytes) {
            return Err(Error::PartialRow { bytes: rows.len(), row_bytes });
        }
        if rows.len() / row_bytes > self.row_count - self.taken {
            return Err(Error::TooManyRows { height: self.row_count as u32 });
        }
        for row in rows.chunks_exact(row_bytes) {
            self.take(row);
            self.taken += 1;
        }
        Ok(())
    }

    /// The features, after all `height / scale` (rounded up) rows.
    ///
    /// # Errors
    /// [`Error::MissingRows`].
    pub fn finish(self) -> Result<PdqFeatures, Error> {
        if self.taken != self.row_count && self.width > 0 {
            return Err(Error::MissingRows { rows: self.taken as u32, height: self.row_count as u32 });
        }
        if self.width.min(self.height) < MIN_SIDE {
            return Ok(PdqFeatures::too_small(Kernel::best(), Mode::Folded));
        }
        let picture: Box<Block64> = Box::new(self.picture.map(|row| row.map(|value| value as f32)));
        Ok(PdqFeatures::new(Kernel::best(), Mode::Folded, &picture))
    }

    fn take(&mut self, row: &[u8]) {
        let mut blurred = None;
        for (out, taps) in self.picture.iter_mut().zip(&self.rows) {
            let Some(weight) = self.taken.checked_sub(taps.first).and_then(|i| taps.weights.get(i)) else {
                continue;
            };
            let blurred = blurred.get_or_insert_with(|| blur(row, &self.columns));
            for (out, value) in out.iter_mut().zip(blurred) {
                *out += weight * *value;
            }
        }
    }
}

/// The 64 samples of a row.
fn blur(row: &[u8], columns: &[Taps]) -> [f64; 64] {
    let mut out = [0.0; 64];
    for (out, taps) in out.iter_mut().zip(columns) {
        let pixels = row.get(taps.first..).unwrap_or_default();
        *out = taps.weights.iter().zip(pixels).map(|(weight, &pixel)| weight * f64::from(pixel)).sum();
    }
    out
}

/// The weights of the 64 samples along a side of `n` pixels in blocks of `scale`; `None` without memory.
fn taps(n: u32, scale: usize) -> Option<Vec<Taps>> {
    let side = Side::new(n);
    let mut all = Vec::new();
    let mut steps = Vec::new();
    for sample in 0..64 {
        let second = side.covered(side.sample(sample));
        let first_pixel = side.covered(second.start).start;
        let last_pixel = side.covered(second.end - 1).end;
        // Where the weight of single pixels rises and falls, then its running sum, added up in blocks.
        if !refill(&mut steps, last_pixel - first_pixel + 1, 0.0_f64) {
            return None;
        }
        for mean in second.clone() {
            let pixels = side.covered(mean);
            let weight = 1.0 / (second.len() as f64 * pixels.len() as f64);
            steps[pixels.start - first_pixel] += weight;
            steps[pixels.end - first_pixel] -= weight;
        }
        let first = first_pixel / scale;
        let mut weights = Vec::new();
        if !refill(&mut weights, (last_pixel - 1) / scale - first + 1, 0.0) {
            return None;
        }
        let mut weight = 0.0;
        for (pixel, step) in (first_pixel..last_pixel).zip(&steps) {
            weight += step;
            weights[pixel / scale - first] += weight;
        }
        all.push(Taps { first, weights });
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_follows_the_smaller_blur_window() {
        let scales = [
            (1, 1),
            (100, 100),
            (511, 511),
            (640, 480),
            (1152, 864),
            (2304, 1728),
            (4032, 3024),
            (4032, 500),
        ];
        assert_eq!(scales.map(|(w, h)| folded_scale(w, h)), [1, 1, 2, 2, 2, 4, 8, 2]);
    }

    #[test]
    fn weights_of_every_sample_sum_to_one() {
        for n in [5, 64, 127, 129, 640, 1001, 4032] {
            for scale in [1, 2, 4, 8] {
                for taps in taps(n, scale).unwrap() {
                    let sum: f64 = taps.weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-12, "{n} {scale} {sum}");
                    assert!(taps.first + taps.weights.len() <= (n as usize).div_ceil(scale), "{n} {scale}");
                }
            }
        }
    }

    #[test]
    fn hostile_sizes_and_scales_are_refused() {
        assert_eq!(FoldedPdq::new(100, 100, 3).err(), Some(Error::NotAScale(3)));
        assert!(matches!(FoldedPdq::new(u32::MAX, u32::MAX, 8), Err(Error::Memory { .. })));
        let mut folded = FoldedPdq::new(100, 9, 2).unwrap();
        assert_eq!(folded.push_rows(&[0; 49]), Err(Error::PartialRow { bytes: 49, row_bytes: 50 }));
        assert_eq!(folded.push_rows(&[0; 300]), Err(Error::TooManyRows { height: 5 }));
        assert_eq!(folded.finish().err(), Some(Error::MissingRows { rows: 0, height: 5 }));
        assert_eq!(FoldedPdq::new(0, 0, 8).unwrap().finish().unwrap().quality(), 0);
    }
}
