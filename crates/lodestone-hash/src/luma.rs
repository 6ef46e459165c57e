//! Brightness of pixels, as the reference computes it.

use crate::boxfilter::{Row, TILE};

/// How pixels lie in a row. 8 bits a sample, tightly packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelKind {
    /// Grey, 1 byte.
    Luma8,
    /// R, G, B.
    Rgb8,
    /// R, G, B and an alpha that is dropped, as python-threatexchange does.
    Rgba8,
}

impl PixelKind {
    /// Bytes of one pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Luma8 => 1,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
        }
    }
}

/// Two roundings of `0.299 R + 0.587 G + 0.114 B` are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// In double precision, then once to single: PyPI `pdqhash`, so python-threatexchange and HMA. The sum's exact
    /// value is a whole number of thousandths below 2^18 and never nearer to a rounding boundary than the double's
    /// error, so the result is that exact value correctly rounded; of grey pixels it is the grey value itself.
    Once,
    /// After every operation in single precision: the C++ tool.
    EachStep,
}

/// Luma, 0 to 255, of the [`TILE`] pixels from `first` of each of `rows`; 0 past their end.
#[inline(always)]
pub(crate) fn luma(kind: PixelKind, rounding: Rounding, rows: Rows<'_>, first: usize, out: &mut [Row]) {
    match (kind, rounding) {
        (PixelKind::Luma8, _) => tiles::<1, Grey>(rows, first, out),
        (PixelKind::Rgb8, Rounding::Once) => tiles::<3, Once>(rows, first, out),
        (PixelKind::Rgb8, Rounding::EachStep) => tiles::<3, EachStep>(rows, first, out),
        (PixelKind::Rgba8, Rounding::Once) => tiles::<4, Once>(rows, first, out),
        (PixelKind::Rgba8, Rounding::EachStep) => tiles::<4, EachStep>(rows, first, out),
    }
}

/// Luma of one pixel of `N` samples.
trait Luma<const N: usize> {
    fn of(pixel: &[u8; N]) -> f32;
}

struct Grey;
struct Once;
struct EachStep;

impl Luma<1> for Grey {
    #[inline(always)]
    fn of(pixel: &[u8; 1]) -> f32 {
        f32::from(pixel[0])
    }
}

impl<const N: usize> Luma<N> for Once {
    #[inline(always)]
    fn of(pixel: &[u8; N]) -> f32 {
        rounded_once(pixel)
    }
}

impl<const N: usize> Luma<N> for EachStep {
    #[inline(always)]
    fn of(pixel: &[u8; N]) -> f32 {
        rounded_each_step(pixel)
    }
}

/// Whole rows of pixels.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) row_bytes: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.bytes.len() / self.row_bytes.max(1)
    }

    /// Row `i` from byte `from`.
    #[inline(always)]
    pub(crate) fn rest(&self, i: usize, from: usize) -> &'a [u8] {
        let row = &self.bytes[i * self.row_bytes..(i + 1) * self.row_bytes];
        &row[from.min(row.len())..]
    }
}

#[inline(always)]
fn tiles<const N: usize, L: Luma<N>>(rows: Rows<'_>, first: usize, out: &mut [Row]) {
    for i in 0..rows.count().min(out.len()) {
        tile::<N, L>(rows.rest(i, first * N), &mut out[i]);
    }
}

/// At most `TILE` pixels of `N` samples. The length is left open so that the compiler makes a vector loop of it; told
/// the length, it unrolls into single bytes.
#[inline(always)]
fn tile<const N: usize, L: Luma<N>>(rest: &[u8], out: &mut Row) {
    let pixels = &rest[..rest.len().min(N * TILE)];
    let (pixels, _) = pixels.as_chunks::<N>();
    for i in 0..pixels.len().min(TILE) {
        out[i] = L::of(&pixels[i]);
    }
    if pixels.len() < TILE {
        out[pixels.len()..].fill(0.0);
    }
}

#[inline(always)]
fn rounded_once<const N: usize>(pixel: &[u8; N]) -> f32 {
    let [r, g, b] = [f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2])];
    // Whole numbers below 2^24: exact.
    thousandth(299.0 * r + 587.0 * g + 114.0 * b)
}

/// `thousandths / 1000` correctly rounded, for whole numbers up to 255,000, without a division.
#[inline(always)]
fn thousandth(thousandths: f32) -> f32 {
    crate::boxfilter::divide(thousandths, 1000.0, 0.001, !0x7f)
}

#[inline(always)]
fn rounded_each_step<const N: usize>(pixel: &[u8; N]) -> f32 {
    let [r, g, b] = [f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2])];
    0.299 * r + 0.587 * g + 0.114 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sum_of_thousandths_is_rounded_as_division_does() {
        for n in 0..=255_000_u32 {
            let n = n as f32;
            assert_eq!(thousandth(n).to_bits(), (n / 1000.0).to_bits(), "{n}");
            assert_eq!((n / 1000.0).to_bits(), ((f64::from(n) / 1000.0) as f32).to_bits(), "{n}");
        }
    }

    #[test]
    fn luma_is_the_double_precision_sum_rounded_once_for_every_colour_of_a_coarse_cube() {
        // Steps of 3 along each axis reach 0 and 255 and every residue that matters.
        for r in (0..=255_u8).step_by(3) {
            for g in (0..=255_u8).step_by(3) {
                for b in (0..=255_u8).step_by(3) {
                    let double = f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114;
                    assert_eq!(rounded_once(&[r, g, b]).to_bits(), (double as f32).to_bits(), "{r} {g} {b}");
                }
            }
        }
    }

    #[test]
    fn grey_pixels_have_their_own_value_and_alpha_is_dropped() {
        for grey in 0..=255_u8 {
            assert_eq!(rounded_once(&[grey; 3]), f32::from(grey));
            assert_eq!(rounded_once(&[grey, grey, grey, 7]), f32::from(grey));
        }
    }

    #[test]
    fn a_tile_past_the_rows_end_is_zero() {
        let row: Vec<u8> = (1..=120).collect();
        let mut out = [[-1.0; TILE]];
        let rows = Rows { bytes: &row, row_bytes: 120 };
        luma(PixelKind::Rgba8, Rounding::EachStep, rows, 0, &mut out);
        assert_eq!((out[0][29] > 110.0, out[0][30], out[0][31]), (true, 0.0, 0.0));
        luma(PixelKind::Rgba8, Rounding::EachStep, rows, TILE, &mut out);
        assert_eq!(out, [[0.0; TILE]]);
    }
}
