//! What the demo draws: charts, landscapes, fractals and things.

use super::canvas::Canvas;

/// A scene, to be drawn with a seed at any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Columns of a chart.
    Columns,
    /// Curves of a chart.
    Curves,
    /// Hills under a sky.
    Hills,
    /// A part of the Mandelbrot set.
    Fractal,
    /// A checkerboard over a gradient.
    Checks,
    /// Shaded balls and a box on a table.
    StillLife,
    /// Height lines of a map.
    Contours,
    /// Rings that meet.
    Rings,
    /// Houses and windows.
    Town,
    /// Clouds.
    Clouds,
}

impl Scene {
    /// Draws it.
    pub(super) fn draw(self, seed: u64, width: u32, height: u32) -> Canvas {
        let (w, h) = (i64::from(width), i64::from(height));
        // Scenes are thought in 1024 × 768 units.
        let scaled = |colour: &dyn Fn(i64, i64) -> [u8; 3]| {
            Canvas::draw(width, height, |x, y| colour(x * 1024 / w, y * 768 / h))
        };
        let pick = |n: u64, of: i64| (mix(seed, n) % of.unsigned_abs()) as i64;
        match self {
            Self::Columns => scaled(&|x, y| {
                let column = (x - 80) / 90;
                let tall = 120 + pick(column.unsigned_abs(), 520);
                if !(80..980).contains(&x) || y > 700 {
                    [244, 243, 238]
                } else if (x - 80) % 90 < 62 && y > 700 - tall {
                    [shade(40 + 20 * column), shade(90 + 9 * column), shade(170 - 10 * column)]
                } else if y % 100 < 3 {
                    [205, 205, 200]
                } else {
                    [250, 249, 246]
                }
            }),
            Self::Curves => scaled(&|x, y| {
                let curve = |n: i64| {
                    140 + n * 170 + wave(x * (2 + pick(n as u64, 4)) + pick(7 + n as u64, 900)) / (5 + n)
                };
                for (n, colour) in [(0, [190, 60, 50]), (1, [50, 110, 160]), (2, [60, 140, 80])] {
                    if (y - curve(n)).abs() < 9 {
                        return colour;
                    }
                    if n == pick(40, 3) && y > curve(n) {
                        return [225, 228, 232];
                    }
                }
                if x % 128 < 2 || y % 96 < 2 { [214, 214, 210] } else { [252, 251, 247] }
            }),
            Self::Hills => scaled(&|x, y| {
                let ridge =
                    |n: i64| 300 + n * 120 + noise(seed + n as u64, x * (3 + n), n * 4096, 512) * 5 / 4 - 160;
                if y > ridge(2) {
                    [shade(38 + noise(seed + 9, x * 8, y * 8, 256) / 6), shade(82 + y / 40), 44]
                } else if y > ridge(1) {
                    [66, shade(104 + noise(seed + 8, x * 4, y * 4, 256) / 8), 82]
                } else if y > ridge(0) {
                    [104, 128, shade(138 + y / 20)]
                } else {
                    [shade(250 - y / 4), shade(214 - y / 9), shade(150 + y / 7)]
                }
            }),
            Self::Fractal => scaled(&|x, y| {
                // Centre and half width in thousandths: parts of the set that look unlike each other.
                const VIEWS: [(i64, i64, i64); 4] =
                    [(-600, 0, 1_600), (-760, 130, 330), (300, 480, 420), (-1_250, 60, 360)];
                let (cx, cy, half) = VIEWS.get(seed as usize % 4).copied().unwrap_or((-600, 0, 1_600));
                let unit = 1i64 << 22;
                let place = |at: i64, centre: i64| (centre * unit + at * half * unit / 512) / 1000;
                match mandelbrot(place(x - 512, cx), place(y - 384, cy)) {
                    60 => [26, 30, 52],
                    steps => [shade(24 + steps * 17), shade(58 + steps * 12), shade(150 + steps * 2)],
                }
            }),
            Self::Checks => scaled(&|x, y| {
                let side = 60 + pick(1, 90);
                let dark = (x / side + (y + x / 5) / side) % 2 == 0;
                if dark {
                    [shade(30 + x / 8), 40, shade(90 + y / 8)]
                } else {
                    [shade(250 - y / 6), shade(235 - x / 9), 190]
                }
            }),
            Self::StillLife => scaled(&|x, y| {
                for n in 0..4 {
                    let (bx, by) = (180 + n * 210 + pick(n as u64, 90), 470 + pick(20 + n as u64, 120));
                    let r = 70 + pick(40 + n as u64, 70);
                    let (dx, dy) = (x - bx, y - by);
                    if dx * dx + dy * dy < r * r {
                        let light = 255
                            - ((dx + r / 3) * (dx + r / 3) + (dy + r / 3) * (dy + r / 3)) * 190 / (2 * r * r);
                        return [
                            shade(light),
                            shade(light * (60 + n * 35) / 255),
                            shade(light * (200 - n * 45) / 255),
                        ];
                    }
                }
                if y > 500 {
                    [shade(150 - y / 10), shade(112 - y / 14), 70]
                } else {
                    [shade(120 + y / 5), shade(126 + x / 20), 140]
                }
            }),
            Self::Contours => scaled(&|x, y| {
                let high = noise(seed, x * 2, y * 2, 512) + noise(seed + 1, x * 5, y * 5, 512) / 3;
                if high % 26 < 4 {
                    [120, 86, 52]
                } else {
                    [shade(high * 5 / 4), shade(226 - high / 5), shade(150 - high / 4)]
                }
            }),
            Self::Rings => scaled(&|x, y| {
                let ring = |n: u64| {
                    let (dx, dy) = (x - pick(n, 1024), y - pick(n + 5, 768));
                    wave(isqrt(dx * dx + dy * dy) * (4 + pick(n + 9, 5)))
                };
                let level = 128 + (ring(1) + ring(2)) / 5;
                [shade(level), shade(level * 4 / 5 + 20), shade(230 - level / 2)]
            }),
            Self::Town => scaled(&|x, y| {
                let house = x / 128;
                let roof = 190 + pick(house.unsigned_abs(), 320);
                if y < roof {
                    [shade(150 + y / 6), shade(178 + y / 12), 214]
                } else if (x % 128) % 32 > 8
                    && (x % 128) % 32 < 24
                    && (y - roof) % 56 > 20
                    && (y - roof) % 56 < 46
                {
                    if mix(seed + 3, ((x / 32) * 97 + (y - roof) / 56).unsigned_abs()).is_multiple_of(3) {
                        [250, 226, 140]
                    } else {
                        [52, 60, 78]
                    }
                } else {
                    [shade(120 + 16 * (house % 4)), shade(96 + 12 * (house % 3)), shade(84 + 9 * house)]
                }
            }),
            Self::Clouds => scaled(&|x, y| {
                let thick = noise(seed, x * 2, y * 3, 512) / 2
                    + noise(seed + 1, x * 6, y * 8, 512) / 3
                    + noise(seed + 2, x * 16, y * 20, 512) / 6;
                [shade(60 + thick), shade(110 + thick * 3 / 5), shade(190 + thick / 4)]
            }),
        }
    }
}

fn shade(value: i64) -> u8 {
    value.clamp(0, 255) as u8
}

/// A well-mixed number of two. *Source:* SplitMix64 (Steele, Lea, Flood 2014).
pub(super) fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Smooth value noise, 0 to 255; one cell is `cell` units.
fn noise(seed: u64, x: i64, y: i64, cell: i64) -> i64 {
    let (cx, cy) = (x.div_euclid(cell), y.div_euclid(cell));
    let smooth = |t: i64| {
        let t = t * 256 / cell;
        t * t * (768 - 2 * t) / 65_536
    };
    let (tx, ty) = (smooth(x.rem_euclid(cell)), smooth(y.rem_euclid(cell)));
    let corner = |dx: i64, dy: i64| {
        (mix(seed, ((cx + dx) as u64) << 32 ^ (cy + dy) as u64 & 0xffff_ffff) % 256) as i64
    };
    let top = corner(0, 0) * (256 - tx) + corner(1, 0) * tx;
    let bottom = corner(0, 1) * (256 - tx) + corner(1, 1) * tx;
    (top * (256 - ty) + bottom * ty) / 65_536
}

/// A wave of period 1024 between -256 and 256, made of parabolas.
fn wave(x: i64) -> i64 {
    let t = x.rem_euclid(1024);
    let half = t % 512;
    let hill = half * (512 - half) / 256;
    if t < 512 { hill } else { -hill }
}

fn isqrt(value: i64) -> i64 {
    value.max(0).isqrt()
}

/// Steps until the orbit of a point leaves, at most 60; 2^22 is one.
fn mandelbrot(cx: i64, cy: i64) -> i64 {
    const ONE: u32 = 22;
    let (mut x, mut y) = (0i64, 0i64);
    for step in 0..60 {
        let (xx, yy) = ((x * x) >> ONE, (y * y) >> ONE);
        if xx + yy > 4 << ONE {
            return step;
        }
        (x, y) = (xx - yy + cx, ((2 * x * y) >> ONE) + cy);
    }
    60
}
