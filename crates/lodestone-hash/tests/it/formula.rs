//! Pictures drawn by integer formulas, the same here and where `fixtures/vectors.txt` was made.

use lodestone_hash::PixelKind;

/// A drawn picture.
pub(crate) struct Drawn {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: PixelKind,
    pub(crate) bytes: Vec<u8>,
}

impl Drawn {
    /// Bytes of `rows` rows.
    pub(crate) fn rows(&self, rows: usize) -> usize {
        rows * self.width as usize * self.pixels.bytes()
    }
}

/// Draws `formula`; grey pictures are its channel 1.
pub(crate) fn draw(formula: &str, pixels: PixelKind, width: u32, height: u32) -> Drawn {
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let channels = if pixels == PixelKind::Luma8 { 1..2 } else { 0..pixels.bytes() as u32 };
            bytes.extend(channels.map(|c| sample(formula, x, y, c, width, height)));
        }
    }
    Drawn { width, height, pixels, bytes }
}

fn sample(formula: &str, x: u32, y: u32, c: u32, w: u32, h: u32) -> u8 {
    let of_channel = |values: [u32; 3]| values.get(c as usize).copied().unwrap_or(128);
    let value = match formula {
        "noise" => noise(x, y, c),
        "gradient" => of_channel([x * 255 / (w - 1).max(1), y * 255 / (h - 1).max(1), (x * 3 + y * 5) % 256]),
        "chart" => (x * 9 / w + y * 7 / h + c) % 3 * 110 + (noise(x, y, c) >> 3),
        "waves" => of_channel([
            triangle(x * 1700 / w + y * 900 / h),
            triangle(x * 600 / w + y * 2300 / h),
            triangle(x * y / (w + h)),
        ]),
        "flat" => of_channel([13, 200, 77]),
        "dot" => u32::from(x == w / 2 && y == h / 2) * (1 + c),
        _ => panic!("no formula {formula}"),
    };
    u8::try_from(value).unwrap()
}

fn noise(x: u32, y: u32, c: u32) -> u32 {
    let mut h = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ c.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ h >> 15).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ h >> 12).wrapping_mul(0x297a_2d39);
    (h ^ h >> 15) >> 24
}

fn triangle(v: u32) -> u32 {
    (v % 510).abs_diff(255)
}
