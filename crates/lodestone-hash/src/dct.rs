//! The 64 × 64 picture's low frequencies: rows and columns 1 to 16 of its DCT-II, without the constant.

use crate::dct_table::DCT_BITS;

/// The decimated picture, luma 0 to 255.
pub(crate) type Block64 = [[f32; 64]; 64];
/// Frequencies (1 to 16) × (1 to 16).
pub(crate) type Block16 = [[f32; 16]; 16];

/// The matrix of [`DCT_BITS`], and its transpose.
const fn matrices() -> ([[f32; 64]; 16], [[f32; 16]; 64]) {
    let mut rows = [[0.0; 64]; 16];
    let mut columns = [[0.0; 16]; 64];
    let mut i = 0;
    while i < 16 {
        let mut k = 0;
        while k < 64 {
            rows[i][k] = f32::from_bits(DCT_BITS[i][k]);
            columns[k][i] = rows[i][k];
            k += 1;
        }
        i += 1;
    }
    (rows, columns)
}

static MATRICES: ([[f32; 64]; 16], [[f32; 16]; 64]) = matrices();

/// `D · picture · Dᵀ`. Each output is summed over k = 0 to 63 in that order, in single precision, as the reference
/// does; the vectors run across outputs. *Source:* `dct64To16`.
#[inline(always)]
pub(crate) fn dct64_to_16(picture: &Block64, out: &mut Block16) {
    let (rows, columns) = &MATRICES;
    for i in 0..16 {
        let mut t = [0.0_f32; 64];
        for k in 0..64 {
            for j in 0..64 {
                t[j] += rows[i][k] * picture[k][j];
            }
        }
        let mut b = [0.0_f32; 16];
        for k in 0..64 {
            for j in 0..16 {
                b[j] += t[k] * columns[k][j];
            }
        }
        out[i] = b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cos(n π / 128) by reduction in integers to an eighth of a turn and a Taylor series there: error below 1e-15.
    fn cos_of_128ths(n: u64) -> f64 {
        let n = n % 256;
        let n = if n > 128 { 256 - n } else { n };
        let (n, sign) = if n > 64 { (128 - n, -1.0) } else { (n, 1.0) };
        let series = |x: f64, from: u32| {
            let mut term = if from == 0 { 1.0 } else { x };
            let mut sum = term;
            for k in 1..12 {
                let m = f64::from(2 * k + from);
                term *= -x * x / (m * (m - 1.0));
                sum += term;
            }
            sum
        };
        let angle = |n: u64| n as f64 * (std::f64::consts::PI / 128.0);
        sign * if n <= 32 { series(angle(n), 0) } else { series(angle(64 - n), 1) }
    }

    #[test]
    fn the_table_is_the_references_formula_rounded_once() {
        let scale = f64::from((2.0_f64 / 64.0).sqrt() as f32);
        for (i, row) in DCT_BITS.iter().enumerate() {
            for (k, &bits) in row.iter().enumerate() {
                let exact = scale * cos_of_128ths((i as u64 + 1) * (2 * k as u64 + 1));
                assert_eq!((exact as f32).to_bits(), bits, "row {i} column {k}");
                // Far enough from a rounding boundary that the last bits of any good cosine do not matter.
                assert_eq!(((exact * (1.0 + 1e-13)) as f32).to_bits(), bits);
                assert_eq!(((exact * (1.0 - 1e-13)) as f32).to_bits(), bits);
            }
        }
    }
}
