//! The example tables of T.81 annex K, and which scaling of them a table is.

use super::{IjgMatch, IjgRole};

/// Which scaled example table this is, if any.
pub(super) fn ijg_match(zigzag: &[u16; 64]) -> Option<IjgMatch> {
    for (role, base) in [(IjgRole::Luma, &LUMA), (IjgRole::Chroma, &CHROMA)] {
        for quality in (1..=100u8).rev() {
            if (0..64).all(|i| zigzag[i] == scaled(base[ZIGZAG[i]], quality)) {
                return Some(IjgMatch { role, quality });
            }
        }
    }
    None
}

fn scaled(step: u8, quality: u8) -> u16 {
    let quality = u32::from(quality);
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let value = (u32::from(step) * percent + 50) / 100;
    u16::try_from(value.clamp(1, 255)).unwrap_or(255)
}

/// Whether a Huffman table of that class and destination (`Tc << 4 | Th`) is annex K's.
pub(super) fn is_example(head: u8, counts: &[u8], values: &[u8]) -> bool {
    match head {
        0x00 => counts == DC_LUMA && is_run(values),
        0x01 => counts == DC_CHROMA && is_run(values),
        // Annex K's AC tables have 162 symbols, distinct by their counts; a few symbols tell their order from others
        // with the same counts.
        0x10 => counts == AC_LUMA && values.starts_with(&[1, 2, 3, 0, 4]),
        0x11 => counts == AC_CHROMA && values.starts_with(&[0, 1, 2, 3, 0x11]),
        _ => false,
    }
}

fn is_run(values: &[u8]) -> bool {
    values.iter().zip(0u8..).all(|(&v, i)| v == i)
}

#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
/// T.81 table K.1, row by row.
#[rustfmt::skip]
const LUMA: [u8; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];
/// T.81 table K.2, row by row.
#[rustfmt::skip]
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];
/// T.81 tables K.3 to K.6: codes of each length.
const DC_LUMA: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const AC_LUMA: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
