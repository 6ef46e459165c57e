//! PDQ's quality: how much gradient the 64 × 64 picture holds.

use crate::dct::Block64;

/// Quality of the decimated picture, 0 to 100: the sum over neighbours of their difference in whole hundredths of
/// the range, over 90. *Source:* `pdqImageDomainQualityMetric`.
pub(crate) fn quality(picture: &Block64) -> u8 {
    let mut sum = 0_u32;
    for i in 0..63 {
        for j in 0..64 {
            sum += step(picture[i][j], picture[i + 1][j]);
        }
    }
    for row in picture {
        for j in 0..63 {
            sum += step(row[j], row[j + 1]);
        }
    }
    (sum / 90).min(100) as u8
}

/// The difference of two neighbours in hundredths of the range, truncated to a whole number.
#[inline(always)]
fn step(a: f32, b: f32) -> u32 {
    ((((a - b) * 100.0) / 255.0) as i32).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_count_for_nothing_and_big_ones_saturate() {
        let mut picture = [[0.0; 64]; 64];
        for (i, row) in picture.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = if (i + j) % 2 == 0 { 2.54 } else { 0.0 };
            }
        }
        assert_eq!(quality(&picture), 0);
        for value in picture.iter_mut().flatten() {
            *value *= 100.0;
        }
        assert_eq!(quality(&picture), 100);
    }
}
