//! The picture at falling sizes.

use crate::Luma;

/// A plane of grey values, as [`Luma`] but of any size.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Plane {
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }
}

/// A rectangle of a picture, in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Source of one column or row: its first pixel and the weight of the next, of 256.
struct Tap {
    at: usize,
    next: u32,
}

/// Sources for `to` pixels out of `from`, centre to centre.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let last = (from - 1) as i64 * 256;
    (0..to as i64)
        .map(|k| {
            // (k + 1/2) * from / to - 1/2, in 256ths.
            let place = ((2 * k + 1) * from as i64 * 128) / to as i64 - 128;
            let place = place.clamp(0, last);
            Tap { at: (place / 256) as usize, next: (place % 256) as u32 }
        })
        .collect()
}

/// The plane at another size, by linear interpolation: for factors up to 1.5 down and any up.
pub(crate) fn interpolate(from: &Plane, width: usize, height: usize) -> Plane {
    let columns = taps(from.width, width);
    let mut pixels = vec![0; width * height];
    // The two source rows, stretched across; a row that serves again is kept.
    let mut rows = [vec![0u16; width], vec![0u16; width]];
    let mut held = [usize::MAX; 2];
    for (tap, out) in taps(from.height, height).iter().zip(pixels.chunks_exact_mut(width)) {
        let wanted = [tap.at, (tap.at + 1).min(from.height - 1)];
        if held[0] != wanted[0] && held[1] == wanted[0] {
            rows.swap(0, 1);
            held.swap(0, 1);
        }
        for k in 0..2 {
            if held[k] != wanted[k] {
                stretch(from.row(wanted[k]), &columns, &mut rows[k]);
                held[k] = wanted[k];
            }
        }
        let [above, below] = &rows;
        for ((out, &a), &b) in out.iter_mut().zip(above).zip(below) {
            *out = ((u32::from(a) * (256 - tap.next) + u32::from(b) * tap.next + (1 << 15)) >> 16) as u8;
        }
    }
    Plane { width, height, pixels }
}

fn stretch(row: &[u8], columns: &[Tap], out: &mut [u16]) {
    let last = row.len() - 1;
    for (out, tap) in out.iter_mut().zip(columns) {
        let (a, b) = (u32::from(row[tap.at]), u32::from(row[(tap.at + 1).min(last)]));
        *out = (a * (256 - tap.next) + b * tap.next) as u16;
    }
}

/// A part of a picture at a size no larger: the mean of the area of each pixel.
fn average(luma: &Luma, part: Part, width: usize, height: usize) -> Plane {
    let spans = |from: u32, to: usize| -> Vec<(usize, usize)> {
        (0..to as u64)
            .map(|k| {
                let start = k * u64::from(from) / to as u64;
                let end = ((k + 1) * u64::from(from)).div_ceil(to as u64);
                (start as usize, end as usize)
            })
            .collect()
    };
    let columns = spans(part.width, width);
    let mut pixels = vec![0; width * height];
    let mut sums = vec![0u32; part.width as usize];
    for ((start, end), out) in spans(part.height, height).into_iter().zip(pixels.chunks_exact_mut(width)) {
        sums.fill(0);
        for y in start..end {
            let row = &luma.row(part.top + y as u32)[part.left as usize..][..part.width as usize];
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += u32::from(value);
            }
        }
        for (out, &(left, right)) in out.iter_mut().zip(&columns) {
            let area = ((right - left) * (end - start)) as u32;
            let sum: u32 = sums[left..right].iter().sum();
            *out = ((sum + area / 2) / area) as u8;
        }
    }
    Plane { width, height, pixels }
}

/// A part of the picture at this size: averaged where smaller by much, interpolated otherwise.
///
/// `part` must lie within the picture and have sides of at least 1.
pub(crate) fn cut(luma: &Luma, part: Part, width: usize, height: usize) -> Plane {
    let copy = |width, height| average(luma, part, width, height);
    let (from_width, from_height) = (part.width as usize, part.height as usize);
    if width * 3 < from_width * 2 {
        // Halfway by averages of whole areas, which do not alias, then to size.
        let (w, h) = ((width * 4 / 3).min(from_width).max(1), (height * 4 / 3).min(from_height).max(1));
        return interpolate(&copy(w, h), width, height);
    }
    let whole = copy(from_width, from_height);
    if width == from_width && height == from_height { whole } else { interpolate(&whole, width, height) }
}

/// The levels of a pyramid: each 1.2 times smaller than the one before, until a side falls under `least` pixels.
pub(crate) fn levels(base: Plane, most: usize, least: usize) -> Vec<Plane> {
    let (width, height) = (base.width, base.height);
    let mut out = vec![base];
    // 1.2 = 6/5, in whole numbers.
    let (mut up, mut down) = (1u64, 1u64);
    while out.len() < most {
        (up, down) = (up * 5, down * 6);
        let side = |side: usize| ((side as u64 * up * 2 + down) / (down * 2)) as usize;
        let (w, h) = (side(width), side(height));
        if w.min(h) < least {
            break;
        }
        let next = interpolate(&out[out.len() - 1], w, h);
        out.push(next);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_stays_flat_and_a_slope_stays_a_slope() {
        let flat = Luma::new(100, 60, vec![77; 6000]).expect("6000 values");
        let part = Part { left: 3, top: 4, width: 90, height: 50 };
        for (w, h) in [(90, 50), (40, 22), (75, 42), (200, 111)] {
            let plane = cut(&flat, part, w, h);
            assert_eq!((plane.width, plane.height), (w, h));
            assert!(plane.pixels.iter().all(|p| *p == 77));
        }
        let slope =
            Luma::new(100, 60, (0..6000).map(|i| (i % 100 * 2) as u8).collect()).expect("6000 values");
        let plane = cut(&slope, Part { left: 0, top: 0, width: 100, height: 60 }, 50, 30);
        for (x, &value) in plane.row(7).iter().enumerate().skip(1).take(48) {
            assert!((i32::from(value) - (4 * x as i32 + 1)).abs() <= 2, "{x}: {value}");
        }
    }

    #[test]
    fn levels_fall_by_a_fifth_and_stop_in_time() {
        let base = Plane { width: 100, height: 50, pixels: vec![0; 5000] };
        let sizes: Vec<_> = levels(base, 12, 32).iter().map(|l| (l.width, l.height)).collect();
        assert_eq!(sizes, [(100, 50), (83, 42), (69, 35)]);
    }
}
