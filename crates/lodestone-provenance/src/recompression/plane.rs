//! Brightness, and its DCT at any place.

use lodestone_media::{Format, Limits, identify, jpeg};

use crate::item::Item;

/// Samples looked at along one side at most; bigger pictures are looked at in their middle.
const MAX_SIDE: usize = 1_600;

/// A part of a picture's brightness that begins on the 8-pixel grid.
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// height × width, row-major, 0-255.
    pub(crate) samples: Vec<u8>,
    /// Where it begins in the picture, in blocks.
    pub(crate) blocks: (usize, usize),
}

/// What one reading may cost: 60 million pixels, 512 MiB.
pub(crate) fn limits() -> Limits {
    Limits { max_pixels: 60_000_000, max_memory: 512 << 20, ..Limits::default() }
}

/// The brightness of an item, its middle: of a JPEG as its file holds it, else from its pixels.
pub(crate) fn brightness(item: &Item<'_>) -> Option<Plane> {
    let whole = whole(item)?;
    Some(middle(&whole.samples, whole.width, whole.height, MAX_SIDE))
}

/// The brightness of all of an item.
pub(crate) fn whole(item: &Item<'_>) -> Option<Plane> {
    let plane = |width: u32, height: u32, samples: Vec<u8>| {
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        let whole = samples.len() >= width.checked_mul(height)? && width > 0;
        whole.then_some(Plane { width, height, samples, blocks: (0, 0) })
    };
    if identify(item.bytes) == Some(Format::Jpeg)
        && let Ok((width, height, samples)) = jpeg::decode_luma_scaled(item.bytes, &limits(), 1)
    {
        return plane(width, height, samples);
    }
    let pixels = item.pixels?;
    plane(pixels.width, pixels.height, pixels.rgb.chunks_exact(3).map(luma).collect())
}

/// Y of JFIF, in 16-bit fixed point.
fn luma(rgb: &[u8]) -> u8 {
    let weighted = rgb.iter().zip([19_595u32, 38_470, 7_471]).map(|(&c, w)| u32::from(c) * w).sum::<u32>();
    u8::try_from((weighted + 32_768) >> 16).unwrap_or(255)
}

/// The middle of a plane, at most `side` samples long, beginning on the grid.
pub(crate) fn middle(samples: &[u8], width: usize, height: usize, side: usize) -> Plane {
    let start = |whole: usize| whole.saturating_sub(side) / 2 / 8 * 8;
    let (left, top) = (start(width), start(height));
    let (across, down) = ((width - left).min(side), (height - top).min(side));
    let rows = samples.chunks_exact(width.max(1)).skip(top).take(down);
    let samples: Vec<u8> = rows.flat_map(|row| row.iter().skip(left).take(across).copied()).collect();
    Plane { width: across, height: down, samples, blocks: (left / 8, top / 8) }
}

impl Plane {
    /// The DCT of the 8 × 8 samples from there on, row by row, scaled as JPEG's; `None` where it leaves the plane.
    pub(crate) fn dct(&self, left: usize, top: usize) -> Option<[f32; 64]> {
        let mut block = [0f32; 64];
        for (y, row) in block.chunks_exact_mut(8).enumerate() {
            let at = (top + y).checked_mul(self.width)?.checked_add(left)?;
            if left + 8 > self.width {
                return None;
            }
            let samples = self.samples.get(at..at + 8)?;
            for (to, &from) in row.iter_mut().zip(samples) {
                *to = f32::from(from) - 128.0;
            }
        }
        Some(forward(&block))
    }
}

/// Rows of the orthonormal DCT-II of 8 samples. *Source:* T.81 A.3.3.
#[rustfmt::skip]
const BASIS: [[f32; 8]; 8] = [
    [0.353_553_4,  0.353_553_4,  0.353_553_4,  0.353_553_4,  0.353_553_4,  0.353_553_4,  0.353_553_4,  0.353_553_4],
    [0.490_392_65, 0.415_734_8,  0.277_785_1,  0.097_545_16, -0.097_545_16, -0.277_785_1, -0.415_734_8, -0.490_392_65],
    [0.461_939_8,  0.191_341_7, -0.191_341_7, -0.461_939_8, -0.461_939_8, -0.191_341_7,  0.191_341_7,  0.461_939_8],
    [0.415_734_8, -0.097_545_16, -0.490_392_65, -0.277_785_1, 0.277_785_1, 0.490_392_65, 0.097_545_16, -0.415_734_8],
    [0.353_553_4, -0.353_553_4, -0.353_553_4,  0.353_553_4,  0.353_553_4, -0.353_553_4, -0.353_553_4,  0.353_553_4],
    [0.277_785_1, -0.490_392_65, 0.097_545_16,  0.415_734_8, -0.415_734_8, -0.097_545_16, 0.490_392_65, -0.277_785_1],
    [0.191_341_7, -0.461_939_8,  0.461_939_8, -0.191_341_7, -0.191_341_7,  0.461_939_8, -0.461_939_8,  0.191_341_7],
    [0.097_545_16, -0.277_785_1, 0.415_734_8, -0.490_392_65, 0.490_392_65, -0.415_734_8, 0.277_785_1, -0.097_545_16],
];

fn forward(block: &[f32; 64]) -> [f32; 64] {
    let mut rows = [0f32; 64];
    for y in 0..8 {
        for (u, basis) in BASIS.iter().enumerate() {
            let mut sum = 0.0;
            for x in 0..8 {
                sum += block[y * 8 + x] * basis[x];
            }
            rows[y * 8 + u] = sum;
        }
    }
    let mut out = [0f32; 64];
    for (v, basis) in BASIS.iter().enumerate() {
        for u in 0..8 {
            let mut sum = 0.0;
            for y in 0..8 {
                sum += rows[y * 8 + u] * basis[y];
            }
            out[v * 8 + u] = sum;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dct_keeps_energy_and_puts_a_flat_block_into_its_first_coefficient() {
        let flat = Plane { width: 8, height: 8, samples: vec![138; 64], blocks: (0, 0) };
        let dct = flat.dct(0, 0).expect("inside");
        assert!((dct[0] - 80.0).abs() < 1e-3 && dct[1..].iter().all(|c| c.abs() < 1e-3));
        let samples: Vec<u8> = (0..64u32).map(|i| u8::try_from(i * 97 % 251).expect("small")).collect();
        let plane = Plane { width: 8, height: 8, samples: samples.clone(), blocks: (0, 0) };
        let energy: f32 = samples.iter().map(|&s| (f32::from(s) - 128.0).powi(2)).sum();
        let kept: f32 = plane.dct(0, 0).expect("inside").iter().map(|c| c * c).sum();
        assert!((energy - kept).abs() / energy < 1e-4, "{energy} {kept}");
        assert!(plane.dct(1, 0).is_none() && plane.dct(0, 1).is_none());
    }

    #[test]
    fn the_middle_begins_on_the_grid() {
        let part = middle(&[7; 100 * 50], 100, 50, 30);
        assert_eq!((part.width, part.height, part.samples.len()), (30, 30, 900));
        assert_eq!(part.blocks, (4, 1));
    }
}
