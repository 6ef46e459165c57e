//! The example luma table, scaled as libjpeg scales it.

/// T.81 table K.1 in zigzag order.
#[rustfmt::skip]
const LUMA: [u32; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

/// Steps at a quality of 1 to 100, zigzag order.
pub(crate) fn luma_steps(quality: u8) -> [u16; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    LUMA.map(|step| u16::try_from(((step * percent + 50) / 100).clamp(1, 255)).unwrap_or(255))
}
