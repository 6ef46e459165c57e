//! Resampling as the training code of most models does it: with antialias as in Pillow (8-bit fixed point, across, then
//! down, rounded between), without as in torch (`align_corners=False`).

use super::prepare::Rgb;
use super::sidecar::Filter;

/// Pillow's `PRECISION_BITS`. *Source:* Pillow `src/libImaging/Resample.c`.
const BITS: u32 = 32 - 8 - 2;

/// The picture at another size.
pub(super) fn resize(picture: &Rgb, height: usize, width: usize, filter: Filter, antialias: bool) -> Rgb {
    if picture.width == 0 || picture.height == 0 || (height, width) == (picture.height, picture.width) {
        return picture.clone();
    }
    let across = Weights::of(picture.width, width, filter, antialias);
    let down = Weights::of(picture.height, height, filter, antialias);
    let row = picture.width * 3;
    let mut middle = vec![0u8; width * picture.height * 3];
    for y in 0..picture.height {
        let line = &picture.rgb[y * row..(y + 1) * row];
        for (x, window) in across.windows.iter().enumerate() {
            for c in 0..3 {
                let value = window.sum(|i| line[i * 3 + c]);
                middle[(y * width + x) * 3 + c] = value;
            }
        }
    }
    let mut rgb = vec![0u8; width * height * 3];
    for (y, window) in down.windows.iter().enumerate() {
        for x in 0..width * 3 {
            rgb[y * width * 3 + x] = window.sum(|i| middle[i * width * 3 + x]);
        }
    }
    Rgb { width, height, rgb }
}

struct Weights {
    windows: Vec<Window>,
}

/// Source positions and their weights, fixed point.
struct Window {
    at: Vec<(usize, i64)>,
}

impl Window {
    fn sum(&self, pixel: impl Fn(usize) -> u8) -> u8 {
        let mut total = 1i64 << (BITS - 1);
        for &(i, weight) in &self.at {
            total += i64::from(pixel(i)) * weight;
        }
        (total >> BITS).clamp(0, 255) as u8
    }
}

impl Weights {
    fn of(from: usize, to: usize, filter: Filter, antialias: bool) -> Self {
        let scale = from as f64 / to as f64;
        let windows = (0..to).map(|i| window(i, from, scale, filter, antialias)).collect();
        Self { windows }
    }
}

fn window(i: usize, from: usize, scale: f64, filter: Filter, antialias: bool) -> Window {
    let center = (i as f64 + 0.5) * scale;
    let last = from - 1;
    let one = 1i64 << BITS;
    if filter == Filter::Nearest {
        return Window { at: vec![((center as usize).min(last), one)] };
    }
    let stretch = if antialias { scale.max(1.0) } else { 1.0 };
    let (radius, sharpness) = match filter {
        Filter::Nearest | Filter::Bilinear => (1.0, 0.0),
        // Pillow's and torch's cubic.
        Filter::Bicubic => (2.0, if antialias { -0.5 } else { -0.75 }),
        Filter::Lanczos => (3.0, 0.0),
    };
    let support = radius * stretch;
    let weigh = |x: f64| match filter {
        Filter::Nearest | Filter::Bilinear => (1.0 - x.abs()).max(0.0),
        Filter::Bicubic => cubic(x.abs(), sharpness),
        Filter::Lanczos => lanczos(x),
    };
    let mut at: Vec<(usize, f64)> = Vec::new();
    if antialias {
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        at.extend((first..end).map(|p| (p, weigh((p as f64 - center + 0.5) / stretch))));
    } else {
        // torch repeats the edge.
        let low = (center - 0.5 - radius).floor() as i64;
        let high = (center - 0.5 + radius).ceil() as i64;
        for p in low..=high {
            let inside = usize::try_from(p.max(0)).unwrap_or(0).min(last);
            at.push((inside, weigh(p as f64 + 0.5 - center)));
        }
    }
    let total: f64 = at.iter().map(|(_, w)| w).sum();
    let at = at.into_iter().map(|(p, w)| (p, (w / total * one as f64).round() as i64)).collect();
    Window { at }
}

fn cubic(x: f64, a: f64) -> f64 {
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| {
        let t = x * std::f64::consts::PI;
        if t == 0.0 { 1.0 } else { t.sin() / t }
    };
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn antialiased_resampling_is_that_of_pillow() {
        let mut rgb = Vec::new();
        for y in 0..17u32 {
            for x in 0..23u32 {
                rgb.extend((0..3).map(|c| ((x * 37 + y * 59 + c * 83 + (x * y) % 7 * 20) % 256) as u8));
            }
        }
        let picture = Rgb { width: 23, height: 17, rgb };
        let golden = include_str!("../../tests/data/pillow_resize.txt");
        for line in golden.lines().filter(|l| !l.starts_with('#')) {
            let [name, height, width, hex] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let filter = match name {
                "nearest" => Filter::Nearest,
                "bilinear" => Filter::Bilinear,
                "bicubic" => Filter::Bicubic,
                _ => Filter::Lanczos,
            };
            let [height, width] = [height, width].map(|n| n.parse().expect("a number"));
            let ours = resize(&picture, height, width, filter, filter != Filter::Nearest);
            for (i, value) in ours.rgb.iter().enumerate() {
                let theirs = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal");
                assert_eq!(*value, theirs, "{name} {height} x {width}, byte {i}");
            }
        }
    }

    #[test]
    fn without_antialias_a_ramp_stays_a_ramp() {
        let rgb = (0..64u8).flat_map(|x| [x * 4; 3]).collect();
        let picture = Rgb { width: 64, height: 1, rgb };
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            let half = resize(&picture, 1, 32, filter, false);
            // Between pixels 2x and 2x + 1.
            for x in 2..30 {
                assert!(half.rgb[x * 3].abs_diff((8 * x + 2) as u8) <= 1, "{filter:?} {x}");
            }
        }
    }
}
