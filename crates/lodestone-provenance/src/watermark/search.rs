//! The search for the grid of a picture that was cropped: its blocks are whole, but no longer start at the corner, their
//! rows have another length than they had, and the first one's number is unknown.
//!
//! Phases of the grid (8 x 8) are ordered by how far their soft bits lie from chance, which needs no message; the best
//! few are searched for every row length and start, modulo the message's length. Rows are folded first, so that a
//! hypothesis costs one addition a row.

use super::Heard;
use super::correlate::Fold;
use super::plane::Sums;
use super::rules::{MESSAGES, Message};
use super::soft::{SoftMap, View};
use crate::item::Pixels;

/// Side of the window that is searched, in the middle of the picture: it bounds the cost, and any part of a marked
/// picture is itself a crop of it.
const WINDOW: usize = 1024;

/// Phases that are searched, of 64: values modulo 36 show theirs, a lead hardly does.
fn phases_searched(view: View) -> usize {
    if view == View::Lead { 64 } else { 6 }
}

/// Blocks that a message's position must have on average.
const BLOCKS_PER_BIT: usize = 4;

/// The best hypothesis for every message in every scheme of its, in the rules' order; nothing where the picture has too
/// few blocks.
///
/// Cost: bounded by the window, about 150 ms for a megapixel or more.
pub fn search(pixels: &Pixels<'_>) -> Vec<Heard> {
    let size = [pixels.width as usize, pixels.height as usize].map(|side| side.min(WINDOW));
    let origin = [(pixels.width as usize - size[0]) / 2, (pixels.height as usize - size[1]) / 2];
    let Some(sums) = Sums::of(pixels, origin, size) else { return Vec::new() };
    let maps = View::ALL.map(|view| {
        let map = SoftMap::of(view, &sums);
        let phases = phases(view, &map);
        (view, map, phases)
    });
    let mut heard = Vec::new();
    for message in MESSAGES.iter() {
        for (view, map, phases) in &maps {
            if !message.schemes.contains(&view.scheme()) {
                continue;
            }
            let best = phases
                .iter()
                .filter_map(|&phase| in_phase(message, *view, map, phase, origin))
                .max_by(|a, b| a.rank().total_cmp(&b.rank()));
            heard.extend(best);
        }
    }
    heard
}

/// Rows of soft bits in one phase of the grid.
fn grid(map: &SoftMap, [x, y]: [usize; 2]) -> impl Iterator<Item = impl Iterator<Item = i16>> {
    (y..map.height).step_by(8).map(move |row| {
        let line = map.at.get(row * map.width + x..(row + 1) * map.width).unwrap_or_default();
        line.iter().step_by(8).copied()
    })
}

/// The phases whose soft bits are furthest from 0 on average, best first.
fn phases(view: View, map: &SoftMap) -> Vec<[usize; 2]> {
    let mut order: Vec<_> = (0..64)
        .filter_map(|i| {
            let phase = [i % 8, i / 8];
            let (mut energy, mut count) = (0u64, 0u64);
            for row in grid(map, phase) {
                for soft in row {
                    energy += u64::from(soft.unsigned_abs()).pow(2);
                    count += 1;
                }
            }
            (count > 0).then(|| (std::cmp::Reverse(energy / count), i, phase))
        })
        .collect();
    order.sort_unstable();
    order.into_iter().take(phases_searched(view)).map(|(.., phase)| phase).collect()
}

/// The best row length and start for one message in one phase.
fn in_phase(
    message: &Message,
    view: View,
    map: &SoftMap,
    phase: [usize; 2],
    origin: [usize; 2],
) -> Option<Heard> {
    let length = message.signs.len();
    let rows: Vec<Vec<i16>> = grid(map, phase).map(Iterator::collect).collect();
    let blocks: usize = rows.iter().map(Vec::len).sum();
    if blocks < BLOCKS_PER_BIT * length {
        return None;
    }
    let mean = rows.iter().flatten().map(|s| i64::from(*s)).sum::<i64>() / i64::try_from(blocks).ok()?;
    // Whole numbers below 2^24 in f32: exact, and the compiler's vectors have no i32 product everywhere.
    let mean = (mean / 16) as f32;
    let twice: Vec<f32> = message.signs.iter().chain(&message.signs).map(|s| *s as f32).collect();
    // fits[stride * length + start]: the sum over blocks of soft bit times message bit.
    let mut fits = vec![0f32; length * length];
    for (r, row) in rows.iter().enumerate() {
        let mut folded = vec![0f32; length];
        for run in row.chunks(length) {
            for (sum, soft) in folded.iter_mut().zip(run) {
                *sum += f32::from(soft / 16) - mean;
            }
        }
        // fit[start]: this row, if its first block carries bit `start`; twice over, so that a rotation is a slice.
        let mut fit = vec![0f32; 2 * length];
        for (k, sum) in folded.iter().enumerate() {
            for (fit, sign) in fit.iter_mut().zip(&twice[k..k + length]) {
                *fit += sum * sign;
            }
        }
        fit.copy_within(..length, length);
        for (stride, fits) in fits.chunks_exact_mut(length).enumerate() {
            let turn = stride * r % length;
            for (total, fit) in fits.iter_mut().zip(&fit[turn..turn + length]) {
                *total += fit;
            }
        }
    }
    // The first of equals, so that the answer does not depend on anything but the picture.
    let (at, peak) = fits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
    let squares: f64 = fits.iter().map(|f| f64::from(*f) * f64::from(*f)).sum();
    let spread = (squares / fits.len() as f64).sqrt();
    let peak = if spread > 0.0 { f64::from(*peak) / spread } else { 0.0 };
    let (stride, start) = (at / length, at % length);
    let mut halves = [Fold::new(length), Fold::new(length)];
    for (r, row) in rows.iter().enumerate() {
        halves[usize::from(r * 2 >= rows.len())].add_run(start + stride * r, row.iter().copied());
    }
    let place = [0, 1].map(|axis| u32::try_from((phase[axis] + origin[axis]) % 8).unwrap_or(0));
    Some(Heard::of(message, view, &halves, Some(place), peak))
}
