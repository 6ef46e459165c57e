//! Whether a cell shows the same pattern in both pictures.

use super::warp::Sheet;
use super::{CELL_SIDE, Cell};

/// Pixels by which a window reaches beyond its cell on each side.
const REACH: i32 = 4;
/// Pixels by which a cell may lie elsewhere.
const SLIP: i32 = 2;
/// Grey values' standard deviation below which a window is even.
const EVEN: f32 = 4.0;
/// Correlation from which on two patterns are the same. Unrelated windows seldom reach it by slipping; kept ones that
/// were recompressed or blurred are mostly above 0.8.
const SAME: f32 = 0.6;
/// Grey values by which the mean of an even cell may be off from what the rest of the picture tells.
const OFF: f32 = 28.0;

/// Means, spreads and correlation of two windows.
#[derive(Clone, Copy)]
struct Likeness {
    known_mean: f32,
    shown_mean: f32,
    known_spread: f32,
    shown_spread: f32,
    correlation: f32,
}

pub(crate) fn cells(sheet: &Sheet) -> Vec<Cell> {
    let found: Vec<Option<Likeness>> = (0..sheet.columns * sheet.rows)
        .map(|k| likeness(sheet, k % sheet.columns, k / sheet.columns))
        .collect();
    let tone = Tone::of(&found);
    found
        .iter()
        .map(|found| {
            let Some(l) = found else { return Cell::Outside };
            match (l.known_spread < EVEN, l.shown_spread < EVEN * tone.gain.clamp(0.5, 1.5)) {
                (true, true) if (tone.gain * l.known_mean + tone.offset - l.shown_mean).abs() > OFF => {
                    Cell::Replaced
                }
                (true, true) => Cell::Even,
                // Blurring and compression even out what is nearly even.
                (false, true) if l.known_spread < 2.5 * EVEN => Cell::Even,
                (true, false) if l.shown_spread < 2.5 * EVEN => Cell::Even,
                _ if l.correlation >= SAME => Cell::Kept,
                _ => Cell::Replaced,
            }
        })
        .collect()
}

/// The best likeness of a cell over all slips; `None` if less than three quarters of it are in the questioned picture.
fn likeness(sheet: &Sheet, column: usize, row: usize) -> Option<Likeness> {
    let (left, top) = ((column * CELL_SIDE) as i32, (row * CELL_SIDE) as i32);
    let side = CELL_SIDE as i32;
    let mut inside = 0;
    for y in top..top + side {
        for x in left..left + side {
            inside += i32::from(sheet.inside[y as usize * sheet.known.width + x as usize]);
        }
    }
    if inside * 4 < side * side * 3 {
        return None;
    }
    let mut best: Option<Likeness> = None;
    for down in -SLIP..=SLIP {
        for across in -SLIP..=SLIP {
            let Some(found) = window(sheet, left, top, across, down) else { continue };
            if best.is_none_or(|best| found.correlation > best.correlation) {
                best = Some(found);
            }
        }
    }
    best
}

fn window(sheet: &Sheet, left: i32, top: i32, across: i32, down: i32) -> Option<Likeness> {
    let (width, height) = (sheet.known.width as i32, sheet.known.height as i32);
    let side = CELL_SIDE as i32;
    let (mut n, mut k, mut s, mut kk, mut ss, mut ks) = (0i32, 0i32, 0i32, 0i64, 0i64, 0i64);
    for y in top - REACH..top + side + REACH {
        for x in left - REACH..left + side + REACH {
            let (u, v) = (x + across, y + down);
            let within = |x: i32, y: i32| (0..width).contains(&x) && (0..height).contains(&y);
            if !within(x, y) || !within(u, v) || !sheet.inside[(v * width + u) as usize] {
                continue;
            }
            let a = i32::from(sheet.known.pixels[(y * width + x) as usize]);
            let b = i32::from(sheet.shown.pixels[(v * width + u) as usize]);
            n += 1;
            k += a;
            s += b;
            kk += i64::from(a * a);
            ss += i64::from(b * b);
            ks += i64::from(a * b);
        }
    }
    if n < 32 {
        return None;
    }
    let n = f64::from(n);
    let (km, sm) = (f64::from(k) / n, f64::from(s) / n);
    let spread = |square: i64, mean: f64| (square as f64 / n - mean * mean).max(0.0).sqrt();
    let (known_spread, shown_spread) = (spread(kk, km), spread(ss, sm));
    let joint = ks as f64 / n - km * sm;
    let correlation = joint / (known_spread * shown_spread).max(1.0);
    Some(Likeness {
        known_mean: km as f32,
        shown_mean: sm as f32,
        known_spread: known_spread as f32,
        shown_spread: shown_spread as f32,
        correlation: correlation as f32,
    })
}

/// How grey values of the known picture come out in the questioned one, by the cells that are surely kept.
struct Tone {
    gain: f32,
    offset: f32,
}

impl Tone {
    fn of(found: &[Option<Likeness>]) -> Self {
        let sure = || found.iter().flatten().filter(|l| l.correlation > 0.8 && l.known_spread > EVEN);
        let n = sure().count() as f32;
        if n < 8.0 {
            return Self { gain: 1.0, offset: 0.0 };
        }
        let (k, s) = sure().fold((0.0, 0.0), |(k, s), l| (k + l.known_mean / n, s + l.shown_mean / n));
        let (mut kk, mut ks) = (0.0, 0.0);
        for l in sure() {
            kk += (l.known_mean - k) * (l.known_mean - k) / n;
            ks += (l.known_mean - k) * (l.shown_mean - s) / n;
        }
        let gain = if kk > 25.0 { (ks / kk).clamp(0.2, 3.0) } else { 1.0 };
        Self { gain, offset: s - gain * k }
    }
}
