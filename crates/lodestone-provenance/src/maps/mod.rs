//! Aids to look at: error level, noise level, grid, ghosts. Never scored.
//!
//! All four are read from the brightness of the picture's 8 × 8 blocks, one grey value a block, enlarged to be seen. They
//! help an expert to see where a picture may have another history, and mislead everybody else: texture, sharp edges,
//! and flat areas look "different" too. No finding and no score comes of them.
//!
//! *Source:* Farid, "Exposing Digital Forgeries from JPEG Ghosts" (IEEE TIFS 2009); Krawetz, "A Picture's Worth"
//! (2007) for the error level.

mod draw;

use crate::item::{Item, Map};
use crate::recompression::{Plane, luma_steps, whole};
use draw::Blocks;

/// Quality of the error level: what most published examples use.
const ERROR_QUALITY: u8 = 90;
/// Qualities of the ghosts.
const GHOSTS: [u8; 10] = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95];

/// Draws the maps; none where the pixels could not be had. The same item gives the same bytes.
///
/// Cost: three DCT passes over the picture, some 20 ms a megapixel.
pub(crate) fn draw(item: &Item<'_>) -> Vec<Map> {
    let Some(plane) = whole(item) else { return Vec::new() };
    if plane.width < 16 || plane.height < 16 {
        return Vec::new();
    }
    let error_steps = luma_steps(ERROR_QUALITY);
    let ghost_steps = GHOSTS.map(luma_steps);
    let error = Blocks::of(&plane, |dct| {
        let (error, expected) = requantised(dct, &error_steps);
        (error / expected).sqrt() * 128.0
    });
    let noise = Blocks::of(&plane, |dct| noise(dct) * 40.0);
    let grid = grid(&plane);
    let ghost = Blocks::of(&plane, |dct| {
        let mut best = (f32::MAX, 0u8);
        for (steps, level) in ghost_steps.iter().zip(0u8..) {
            let (error, expected) = requantised(dct, steps);
            if error / expected < best.0 {
                best = (error / expected, level);
            }
        }
        f32::from(best.1) * 25.0
    });
    let maps = [
        (
            "error-level",
            error,
            "How much each block changes when it is compressed once more at quality 90. Brighter is more. Texture and \
             edges are bright in every picture; an even map shows no absence of changes. An aid, never scored.",
        ),
        (
            "noise",
            noise,
            "Noise in each block's finest detail. Areas from elsewhere may differ, and so do sky, texture and what is out \
             of focus. An aid, never scored.",
        ),
        (
            "grid",
            grid,
            "Steps of brightness at the borders of 8 × 8 blocks against those inside. Missing steps in one area can come \
             from an insertion, and from smooth or saturated areas. An aid, never scored.",
        ),
        (
            "ghost",
            ghost,
            "The quality, from 50 (black) to 95 (bright), at which each block changes least when compressed once more. \
             Flat blocks fit every quality and mean nothing. An aid, never scored.",
        ),
    ];
    maps.into_iter().filter_map(|(name, blocks, caption)| blocks.map(name, caption)).collect()
}

/// Energy that rounding to these steps takes away or adds, and what rounding does to values that know nothing of the
/// steps.
fn requantised(dct: &[f32; 64], steps: &[u16; 64]) -> (f32, f32) {
    let (mut error, mut expected) = (0.0, 0.0);
    for (&place, &step) in ZIGZAG.iter().zip(steps).skip(1) {
        let step = f32::from(step);
        let value = dct[place];
        // Half a step from 0 is as near as can be told for a coefficient that is 0 anyway.
        if value.abs() < 0.5 * step {
            continue;
        }
        let off = value - (value / step).round() * step;
        error += off * off;
        expected += step * step / 12.0;
    }
    (error, expected.max(1.0))
}

/// Median size of the 21 finest coefficients, as a standard deviation.
fn noise(dct: &[f32; 64]) -> f32 {
    let mut fine: Vec<f32> = ZIGZAG.iter().skip(43).map(|&at| dct[at].abs()).collect();
    fine.sort_by(f32::total_cmp);
    fine.get(fine.len() / 2).map_or(0.0, |m| m * 1.4826)
}

/// Steps across each block's left and upper border, against the steps one sample further on.
fn grid(plane: &Plane) -> Blocks {
    Blocks::at(plane, |left, top| {
        let at = |x: usize, y: usize| plane.samples.get(y * plane.width + x).copied().map_or(0.0, f32::from);
        let (mut border, mut inside) = (0.0, 0.0);
        if left > 0 && top > 0 {
            for i in 0..8 {
                border += (at(left, top + i) - at(left - 1, top + i)).abs();
                border += (at(left + i, top) - at(left + i, top - 1)).abs();
                inside += (at(left + 4, top + i) - at(left + 3, top + i)).abs();
                inside += (at(left + i, top + 4) - at(left + i, top + 3)).abs();
            }
        }
        128.0 + (border - inside) * 4.0
    })
}

/// Where the k-th coefficient of the zigzag stands, row by row. *Source:* T.81 figure A.6.
#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
