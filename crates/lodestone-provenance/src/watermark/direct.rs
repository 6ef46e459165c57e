//! The decoder on the picture's own grid: block `n`, counted from the top left, carries bit `n mod L`.

use super::Heard;
use super::correlate::Fold;
use super::plane::u_row;
use super::rules::MESSAGES;
use super::soft::View;
use crate::item::Pixels;

/// Rows of blocks that are read at most: with `MAX_BLOCKS` this bounds the cost. Reading from the top keeps the count.
const MAX_BLOCKS: usize = 500_000;

/// How well every message fits, in every view of its schemes, the picture read from its own corner, in the rules' order.
///
/// Cost: a few milliseconds a megapixel, at most for the top 32 megapixels; memory for eight rows.
pub fn direct(pixels: &Pixels<'_>) -> Vec<Heard> {
    let (columns, rows) = (pixels.width as usize / 8, pixels.height as usize / 8);
    if columns == 0 || rows == 0 {
        return Vec::new();
    }
    let rows = rows.min(MAX_BLOCKS.div_ceil(columns));
    // For each view and message: the top half's fold and the bottom half's.
    let new =
        || MESSAGES.iter().map(|m| [Fold::new(m.signs.len()), Fold::new(m.signs.len())]).collect::<Vec<_>>();
    let mut folds = View::ALL.map(|_| new());
    let mut band: [Vec<u8>; 8] = Default::default();
    let mut soft = View::ALL.map(|_| Vec::<i16>::new());
    for row in 0..rows {
        for (y, line) in band.iter_mut().enumerate() {
            if u_row(pixels, 0, row * 8 + y, columns * 8, line).is_none() {
                return Vec::new();
            }
        }
        soft.iter_mut().for_each(Vec::clear);
        for column in 0..columns {
            let ll = block(&band, column * 8);
            for (view, soft) in View::ALL.into_iter().zip(&mut soft) {
                soft.push(view.of_block(&ll));
            }
        }
        let half = usize::from(row * 2 >= rows);
        for (folds, soft) in folds.iter_mut().zip(&soft) {
            for halves in folds.iter_mut() {
                halves[half].add_run(row * columns, soft.iter().copied());
            }
        }
    }
    let mut heard = Vec::new();
    for (i, message) in MESSAGES.iter().enumerate() {
        for (view, folds) in View::ALL.into_iter().zip(&folds) {
            let Some(halves) = folds.get(i).filter(|_| message.schemes.contains(&view.scheme())) else {
                continue;
            };
            heard.push(Heard::of(message, view, halves, None, 0.0));
        }
    }
    heard
}

/// Twice LL of the block at column `x` of a band of eight rows.
fn block(band: &[Vec<u8>; 8], x: usize) -> [u16; 16] {
    let mut ll = [0u16; 16];
    for (i, pair) in band.chunks_exact(2).enumerate() {
        let [above, below] = [&pair[0], &pair[1]].map(|line| line.get(x..x + 8).unwrap_or(&[0; 8]));
        for j in 0..4 {
            let at = 2 * j;
            ll[4 * i + j] = u16::from(above[at])
                + u16::from(above[at + 1])
                + u16::from(below[at])
                + u16::from(below[at + 1]);
        }
    }
    ll
}
