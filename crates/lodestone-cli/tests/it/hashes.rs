//! Made-up hashes, and what lies near what, found by comparing everything.

/// Hashes that follow from a seed.
pub(crate) fn hashes(seed: u64, count: usize) -> Vec<[u8; 32]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    };
    (0..count).map(|_| std::array::from_fn::<_, 4, _>(|_| next()).concat().try_into().unwrap()).collect()
}

/// The hash with its first so many bits turned.
pub(crate) fn near(hash: &[u8; 32], bits: usize) -> [u8; 32] {
    let mut near = *hash;
    for bit in 0..bits {
        // Spread out: one bit in each byte before a second in any.
        near[bit % 32] ^= 1 << (bit / 32);
    }
    near
}

pub(crate) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash a line.
pub(crate) fn list(hashes: &[[u8; 32]]) -> String {
    hashes.iter().map(|hash| hex(hash) + "\n").collect()
}

pub(crate) fn distance(a: &[u8; 32], b: &[u8; 32]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// `(line of a, line of b, distance)` of every pair within the radius, in order.
pub(crate) fn pairs(a: &[[u8; 32]], b: &[[u8; 32]], radius: u32) -> Vec<(usize, usize, u32)> {
    let mut pairs = Vec::new();
    for (i, one) in a.iter().enumerate() {
        let near = b.iter().enumerate().map(|(j, other)| (i + 1, j + 1, distance(one, other)));
        pairs.extend(near.filter(|(.., distance)| *distance <= radius));
    }
    pairs
}
