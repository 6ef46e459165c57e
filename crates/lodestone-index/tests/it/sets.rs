//! Synthetic code sets of every shape that hurts a search, and the slow search they are checked against.

use lodestone_index::{Code256, Hit};
use proptest::prelude::*;

/// Codes: random, clustered, repeated, all equal, of low weight; up to 300.
pub(crate) fn codes() -> impl Strategy<Value = Vec<Code256>> {
    let code = any::<[u64; 4]>().prop_map(Code256);
    let mask = prop::collection::vec(0usize..256, 0..40).prop_map(|bits| {
        let mut words = [0u64; 4];
        for bit in bits {
            words[bit / 64] ^= 1 << (bit % 64);
        }
        words
    });
    let low_weight = mask.clone().prop_map(Code256);
    let clustered = (
        prop::collection::vec(code.clone(), 1..4),
        prop::collection::vec((any::<prop::sample::Index>(), mask), 1..300),
    )
        .prop_map(|(centres, members)| {
            members
                .into_iter()
                .map(|(which, mask)| {
                    let mut words = which.get(&centres).0;
                    words.iter_mut().zip(mask).for_each(|(word, mask)| *word ^= mask);
                    Code256(words)
                })
                .collect()
        });
    prop_oneof![
        prop::collection::vec(code.clone(), 0..300),
        prop::collection::vec(low_weight, 0..300),
        (code, 0usize..200).prop_map(|(code, n)| vec![code; n]),
        clustered,
    ]
}

/// Radii of use, and those at which the kernels change their ways.
pub(crate) fn radius() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(31), Just(40), Just(41), Just(72), Just(73), Just(128), Just(256), 0u32..=256]
}

/// Every pair looked at, bit by bit.
pub(crate) fn slow_search(entries: &[(Code256, u32)], queries: &[Code256], radius_bits: u32) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (query, code) in (0..).zip(queries) {
        for (entry, id) in entries {
            let distance_bits = slow_distance(*code, *entry);
            if distance_bits <= radius_bits {
                hits.push(Hit { query, distance_bits, id: u64::from(*id) });
            }
        }
    }
    hits.sort();
    hits
}

/// Bits that differ, one at a time.
pub(crate) fn slow_distance(a: Code256, b: Code256) -> u32 {
    (0..256).filter(|bit| (a.0[bit / 64] ^ b.0[bit / 64]) >> (bit % 64) & 1 == 1).count() as u32
}
