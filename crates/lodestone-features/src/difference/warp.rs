//! The questioned picture laid onto the known one.

use super::{CELL_SIDE, CELLS};
use crate::orb::{Plane, cut};
use crate::{Alignment, Bounds, Luma, Part, Transform};

/// Both pictures on the grid of the known one.
pub(crate) struct Sheet {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) known: Plane,
    /// What the questioned picture shows there; light and dark exchanged back where it is a negative.
    pub(crate) shown: Plane,
    /// Whether a pixel is in the questioned picture.
    pub(crate) inside: Vec<bool>,
    /// Known pixels to one pixel of the grid, across and down.
    pub(crate) pixel: (f32, f32),
    pub(crate) transform: Transform,
    pub(crate) questioned_size: (f32, f32),
}

fn whole(luma: &Luma) -> Part {
    Part { left: 0, top: 0, width: luma.width(), height: luma.height() }
}

impl Sheet {
    pub(crate) fn new(
        known: &Luma,
        known_size: (u16, u16),
        questioned: &Luma,
        questioned_size: (u16, u16),
        alignment: &Alignment,
    ) -> Option<Self> {
        let (kw, kh) = (f32::from(known_size.0), f32::from(known_size.1));
        let (qw, qh) = (f32::from(questioned_size.0), f32::from(questioned_size.1));
        if kw.min(kh).min(qw).min(qh) < 1.0 {
            return None;
        }
        let side = |side: f32| ((CELLS as f32 * side / kw.max(kh) + 0.5) as usize).max(1);
        let (columns, rows) = (side(kw), side(kh));
        let (width, height) = (columns * CELL_SIDE, rows * CELL_SIDE);
        let pixel = (kw / width as f32, kh / height as f32);
        let known = soft(&cut(known, whole(known), width, height));
        // The questioned picture at the size at which one of its pixels is one of the grid, or as it is.
        let shrink = (alignment.scale * pixel.0).max(1.0);
        if !shrink.is_finite() {
            return None;
        }
        let small = |side: u32, size: f32| ((size / shrink + 0.5) as u32).clamp(1, side) as usize;
        let (w, h) = (small(questioned.width(), qw), small(questioned.height(), qh));
        let source = soft(&cut(questioned, whole(questioned), w, h));
        let (across, down) = (w as f32 / qw, h as f32 / qh);
        let mut shown = vec![0; width * height];
        let mut inside = vec![false; width * height];
        for y in 0..height {
            for x in 0..width {
                let (kx, ky) = ((x as f32 + 0.5) * pixel.0, (y as f32 + 0.5) * pixel.1);
                let (u, v) = alignment.transform.apply(kx.into(), ky.into());
                let (u, v) = (u as f32, v as f32);
                if (0.0..=qw).contains(&u) && (0.0..=qh).contains(&v) {
                    let value = between(&source, u * across - 0.5, v * down - 0.5);
                    shown[y * width + x] = if alignment.form.negative { 255 - value } else { value };
                    inside[y * width + x] = true;
                }
            }
        }
        let shown = Plane { width, height, pixels: shown };
        let transform = alignment.transform;
        Some(Self { columns, rows, known, shown, inside, pixel, transform, questioned_size: (qw, qh) })
    }

    /// Bounds in questioned pixels of a rectangle in known pixels.
    pub(crate) fn in_questioned(&self, bounds: Bounds) -> Bounds {
        let (mut left, mut top) = self.questioned_size;
        let (mut right, mut bottom) = (0.0f32, 0.0f32);
        for (x, y) in [
            (bounds.left, bounds.top),
            (bounds.right, bounds.top),
            (bounds.left, bounds.bottom),
            (bounds.right, bounds.bottom),
        ] {
            let (u, v) = self.transform.apply(x.into(), y.into());
            let (u, v) = (
                (u as f32).clamp(0.0, self.questioned_size.0),
                (v as f32).clamp(0.0, self.questioned_size.1),
            );
            (left, top) = (left.min(u), top.min(v));
            (right, bottom) = (right.max(u), bottom.max(v));
        }
        Bounds { left: left.min(right), top: top.min(bottom), right, bottom }
    }
}

/// The mean of three by three pixels: what recompression adds is smaller than that.
fn soft(plane: &Plane) -> Plane {
    let (w, h) = (plane.width, plane.height);
    let mut pixels = vec![0; w * h];
    for y in 0..h {
        let rows = [plane.row(y.saturating_sub(1)), plane.row(y), plane.row((y + 1).min(h - 1))];
        for x in 0..w {
            let columns = [x.saturating_sub(1), x, (x + 1).min(w - 1)];
            let sum: u32 = rows.iter().flat_map(|row| columns.map(|c| u32::from(row[c]))).sum();
            pixels[y * w + x] = ((sum + 4) / 9) as u8;
        }
    }
    Plane { width: w, height: h, pixels }
}

/// The grey value between pixels, by linear interpolation.
fn between(plane: &Plane, x: f32, y: f32) -> u8 {
    let x = x.clamp(0.0, (plane.width - 1) as f32);
    let y = y.clamp(0.0, (plane.height - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(plane.width - 1), (top + 1).min(plane.height - 1));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let row = |y: usize| {
        let row = plane.row(y);
        f32::from(row[left]) * (1.0 - fx) + f32::from(row[right]) * fx
    };
    (row(top) * (1.0 - fy) + row(bottom) * fy + 0.5) as u8
}

/// Share of the questioned picture that the known one does not cover, by a grid of 64 by 64 points.
pub(crate) fn outside_share(known: (u16, u16), questioned: (u16, u16), alignment: &Alignment) -> f32 {
    const POINTS: u16 = 64;
    let Some(back) = alignment.transform.inverse() else { return 0.0 };
    let mut outside = 0u32;
    for row in 0..POINTS {
        for column in 0..POINTS {
            let at = |k: u16, side: u16| (f64::from(k) + 0.5) * f64::from(side) / f64::from(POINTS);
            let (x, y) = back.apply(at(column, questioned.0), at(row, questioned.1));
            let inside = (0.0..=f64::from(known.0)).contains(&x) && (0.0..=f64::from(known.1)).contains(&y);
            outside += u32::from(!inside);
        }
    }
    outside as f32 / f32::from(POINTS * POINTS)
}
