//! One block to one soft bit: +1024 where the encoder would have left a 1, -1024 for a 0, less the further away.
//!
//! The encoder sets a value `v` of each 4 x 4 block of LL to `(floor(v / 36) + 0.25 + 0.5 bit) * 36`, so a 0 leaves
//! `v mod 36 = 9` and a 1 leaves 27: the soft bit is `-sin(2π v / 36)`. Whatever the content, a 1 also leaves the block's
//! greatest value 18 above where a 0 leaves it. Lossy compression shrinks that step and so turns the first reading over,
//! while the greatest value still stands further out of the block where it carries a 1: the second reading.

use super::rules::Scheme;

/// `-1024 sin(2π i / 72)`: twice the value, modulo 72, to the soft bit.
const SOFT: [i16; 72] = [
    0, -89, -178, -265, -350, -433, -512, -587, -658, -724, -784, -839, -887, -928, -962, -989, -1008, -1020,
    -1024, -1020, -1008, -989, -962, -928, -887, -839, -784, -724, -658, -587, -512, -433, -350, -265, -178,
    -89, 0, 89, 178, 265, 350, 433, 512, 587, 658, 724, 784, 839, 887, 928, 962, 989, 1008, 1020, 1024, 1020,
    1008, 989, 962, 928, 887, 839, 784, 724, 658, 587, 512, 433, 350, 265, 178, 89,
];

/// The soft bit of twice a value.
fn soft(doubled: u32) -> i16 {
    SOFT[(doubled % 72) as usize]
}

/// What is read from a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// dwtDct: its greatest value, modulo 36.
    Cell,
    /// dwtDct: how far its greatest value stands out.
    Lead,
    /// dwtDctSvd: its greatest singular value, modulo 36.
    Singular,
}

impl View {
    /// All, in the order they are tried.
    pub(super) const ALL: [Self; 3] = [Self::Cell, Self::Lead, Self::Singular];

    /// The scheme it reads.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Cell | Self::Lead => Scheme::DwtDct,
            Self::Singular => Scheme::DwtDctSvd,
        }
    }

    /// The soft bit of one block: `ll` is twice its 16 values, row by row.
    pub(super) fn of_block(self, ll: &[u16; 16]) -> i16 {
        match self {
            Self::Cell => soft(u32::from(greatest_three(ll)[0])),
            Self::Lead => {
                let [first, _, third] = greatest_three(ll);
                // Beyond 24, the step and what the content adds, there is only content.
                (first - third).min(48) as i16 * 16
            }
            Self::Singular => soft(largest_singular_value(ll)),
        }
    }
}

/// The three greatest of a block's values, without the first, which the encoder leaves out.
fn greatest_three(ll: &[u16; 16]) -> [u16; 3] {
    let mut top = [0u16; 3];
    for &value in &ll[1..] {
        let second = top[0].min(value);
        top[0] = top[0].max(value);
        let third = top[1].min(second);
        top[1] = top[1].max(second);
        top[2] = top[2].max(third);
    }
    top
}

/// Largest singular value, rounded. The encoder's DCT is orthonormal and changes none. All values are at least 0, so
/// power iteration from ones finds it; near grey, where a block is almost constant, two rounds are exact to a thousandth.
fn largest_singular_value(block: &[u16; 16]) -> u32 {
    let a: [[f32; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| f32::from(block[4 * i + j])));
    let mut v = [1.0f32; 4];
    let mut found = 0.0f32;
    for _ in 0..8 {
        let w: [f32; 4] =
            std::array::from_fn(|i| a[i][0] * v[0] + a[i][1] * v[1] + a[i][2] * v[2] + a[i][3] * v[3]);
        let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3]).sqrt();
        let value =
            (w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + w[3] * w[3]).sqrt() / length.max(f32::MIN_POSITIVE);
        if value - found < 0.05 {
            found = found.max(value);
            break;
        }
        found = value;
        // Kept near 1, so that squares stay in range.
        let scale = 1.0 / (found * found);
        v = std::array::from_fn(|j| {
            (a[0][j] * w[0] + a[1][j] * w[1] + a[2][j] * w[2] + a[3][j] * w[3]) * scale
        });
    }
    (found + 0.5) as u32
}

/// Soft bits of the blocks at every pixel origin of a window.
pub(super) struct SoftMap {
    pub(super) width: usize,
    pub(super) height: usize,
    /// height × width, row-major.
    pub(super) at: Vec<i16>,
}

impl SoftMap {
    /// Of every origin that has a whole block of 8 x 8 pixels.
    pub(super) fn of(view: View, sums: &super::plane::Sums) -> Self {
        let width = sums.width.saturating_sub(6);
        let height = sums.height.saturating_sub(6);
        let mut at = Vec::new();
        if width == 0 || height == 0 {
            return Self { width: 0, height: 0, at };
        }
        let row = |y: usize| sums.at.get(y * sums.width..(y + 1) * sums.width).unwrap_or_default();
        for y in 0..height {
            let rows = [row(y), row(y + 2), row(y + 4), row(y + 6)];
            at.extend((0..width).map(|x| {
                let ll: [u16; 16] =
                    std::array::from_fn(|i| rows[i / 4].get(x + 2 * (i % 4)).copied().unwrap_or(0));
                view.of_block(&ll)
            }));
        }
        Self { width, height, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_bits_peak_where_the_encoder_leaves_a_value() {
        for cell in 0..28 {
            assert_eq!(soft(72 * cell + 18), -1024);
            assert_eq!(soft(72 * cell + 54), 1024);
            assert_eq!(soft(72 * cell), 0);
        }
        for (i, value) in SOFT.iter().enumerate() {
            let expected = -1024.0 * (i as f64 / 36.0 * std::f64::consts::PI).sin();
            assert!((f64::from(*value) - expected).abs() <= 0.5001, "{i}");
        }
    }

    #[test]
    fn the_first_value_of_a_block_is_not_read() {
        let mut ll = [400u16; 16];
        ll[7] = 450;
        let read = |ll: &[u16; 16]| [View::Cell, View::Lead].map(|view| view.of_block(ll));
        let before = read(&ll);
        ll[0] = 1000;
        assert_eq!(read(&ll), before);
        assert_eq!(before, [soft(450), 48 * 16]);
        (ll[9], ll[12]) = (440, 430);
        assert_eq!(greatest_three(&ll), [450, 440, 430]);
        assert_eq!(View::Lead.of_block(&ll), 20 * 16);
    }

    #[test]
    fn the_largest_singular_value_is_found() {
        assert_eq!(largest_singular_value(&[0; 16]), 0);
        assert_eq!(largest_singular_value(&[512; 16]), 2048);
        // A diagonal matrix: its largest entry.
        let mut diagonal = [0u16; 16];
        (diagonal[0], diagonal[5], diagonal[10], diagonal[15]) = (40, 1000, 300, 700);
        assert!(largest_singular_value(&diagonal).abs_diff(1000) <= 2);
        // One row: its length.
        let mut row = [0u16; 16];
        row[4..8].copy_from_slice(&[30, 40, 120, 0]);
        assert_eq!(largest_singular_value(&row), 130);
    }
}
