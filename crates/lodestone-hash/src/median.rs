//! The lower median of the 256 frequencies.

use crate::dct::Block16;

/// The 128th smallest value: what the reference's Torben search returns.
///
/// Finds the value's bits from the top by counting, which takes the same time for all data and vectorises.
#[inline(always)]
pub(crate) fn lower_median(block: &Block16) -> f32 {
    let mut keys = [[0; 16]; 16];
    for i in 0..16 {
        for j in 0..16 {
            keys[i][j] = order_key(block[i][j]);
        }
    }
    let mut found = 0_u32;
    for bit in (0..32).rev() {
        let candidate = found | 1 << bit;
        let mut below = [0_u32; 16];
        for i in 0..16 {
            for j in 0..16 {
                below[j] += (keys[i][j] < candidate) as u32;
            }
        }
        let mut total = 0;
        for j in 0..16 {
            total += below[j];
        }
        if total < 128 {
            found = candidate;
        }
    }
    from_order_key(found)
}

/// A number ordered as the float is (-0 just below +0).
#[inline(always)]
fn order_key(value: f32) -> u32 {
    let bits = value.to_bits();
    bits ^ (((bits as i32) >> 31) as u32 | 1 << 31)
}

#[inline(always)]
fn from_order_key(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key ^ 1 << 31 } else { !key })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_lower_median_is_the_128th_smallest(
            values in proptest::collection::vec(prop_oneof![-4.0_f32..4.0, Just(0.0), Just(-0.0), Just(1.5)], 256),
        ) {
            let mut block = [[0.0; 16]; 16];
            block.as_flattened_mut().copy_from_slice(&values);
            let mut sorted = values;
            sorted.sort_by(f32::total_cmp);
            prop_assert_eq!(lower_median(&block).to_bits(), sorted[127].to_bits());
        }
    }
}
