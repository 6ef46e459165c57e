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

/// Luma of the [`TILE`] pixels from `first` of a row of bytes, 0 past its end.
#[inline(always)]
pub(crate) fn luma_tile(kind: PixelKind, rounding: Rounding, row: &[u8], first: usize, out: &mut Row) {
    let bytes = kind.bytes();
    let rest = row.get(first * bytes..).unwrap_or_default();
    match kind {
        PixelKind::Luma8 => tile::<{ TILE }>(kind, rounding, rest, out),
        PixelKind::Rgb8 => tile::<{ 3 * TILE }>(kind, rounding, rest, out),
        PixelKind::Rgba8 => tile::<{ 4 * TILE }>(kind, rounding, rest, out),
    }
}

#[inline(always)]
fn tile<const N: usize>(kind: PixelKind, rounding: Rounding, rest: &[u8], out: &mut Row) {
    if let Some(pixels) = rest.first_chunk::<N>() {
        luma(kind, rounding, pixels, out);
    } else {
        let mut pixels = [0; N];
        pixels[..rest.len()].copy_from_slice(rest);
        luma(kind, rounding, &pixels, out);
    }
}

/// Luma, 0 to 255, of the pixels of `row` into `out`.
#[inline(always)]
pub(crate) fn luma(kind: PixelKind, rounding: Rounding, row: &[u8], out: &mut [f32]) {
    match (kind, rounding) {
        (PixelKind::Luma8, _) => {
            for (luma, &grey) in out.iter_mut().zip(row) {
                *luma = f32::from(grey);
            }
        }
        (PixelKind::Rgb8, Rounding::Once) => each::<3>(row, out, rounded_once),
        (PixelKind::Rgb8, Rounding::EachStep) => each::<3>(row, out, rounded_each_step),
        (PixelKind::Rgba8, Rounding::Once) => each::<4>(row, out, rounded_once),
        (PixelKind::Rgba8, Rounding::EachStep) => each::<4>(row, out, rounded_each_step),
    }
}

#[inline(always)]
fn each<const N: usize>(row: &[u8], out: &mut [f32], luma_of: impl Fn(f32, f32, f32) -> f32) {
    for (luma, pixel) in out.iter_mut().zip(row.as_chunks::<N>().0) {
        *luma = luma_of(f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2]));
    }
}

#[inline(always)]
fn rounded_once(r: f32, g: f32, b: f32) -> f32 {
    // Whole numbers below 2^24: exact.
    thousandth(299.0 * r + 587.0 * g + 114.0 * b)
}

/// `thousandths / 1000` correctly rounded, for whole numbers up to 255,000, without a division.
#[inline(always)]
fn thousandth(thousandths: f32) -> f32 {
    crate::boxfilter::divide(thousandths, 1000.0, 0.001, !0x7f)
}

#[inline(always)]
fn rounded_each_step(r: f32, g: f32, b: f32) -> f32 {
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
                    let mut out = [0.0];
                    luma(PixelKind::Rgb8, Rounding::Once, &[r, g, b], &mut out);
                    let double = f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114;
                    assert_eq!(out[0].to_bits(), (double as f32).to_bits(), "{r} {g} {b}");
                }
            }
        }
    }

    #[test]
    fn grey_pixels_have_their_own_value_and_alpha_is_dropped() {
        for grey in 0..=255_u8 {
            let mut out = [0.0; 3];
            luma(PixelKind::Luma8, Rounding::Once, &[grey], &mut out[..1]);
            luma(PixelKind::Rgb8, Rounding::Once, &[grey; 3], &mut out[1..2]);
            luma(PixelKind::Rgba8, Rounding::Once, &[grey, grey, grey, 7], &mut out[2..]);
            assert_eq!(out, [f32::from(grey); 3]);
        }
    }
}
