//! Codes that every segment holds so that it can be tried out: one at each distance from 0 to 31 of two fixed codes.
//!
//! A lower number of queries than canaries keeps opening quick: a query touches hundreds of places of a file that may not
//! be in memory yet.

use crate::ring::{Bits, split_mix};

/// Distances with a canary, for each query: 0 to 31.
pub(super) const DISTANCES: u32 = 32;

/// Random codes looked for as well.
pub(super) const RANDOM: usize = 8;

/// "Canaries" in ASCII.
const SEED: u64 = 0x4361_6e61_7269_6573;

/// One code to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Canary {
    pub(super) code: Bits,
    /// The query that finds it, 0 or 1.
    pub(super) query: u32,
    pub(super) distance_bits: u32,
}

/// The queries of the self-test, and what the first two of them must find.
#[derive(Clone, Debug)]
pub(super) struct Canaries {
    /// One of even and one of odd weight, then the random ones.
    pub(super) queries: Vec<Bits>,
    /// Codes of even weight, ascending.
    pub(super) even: Vec<Canary>,
    /// Codes of odd weight, ascending.
    pub(super) odd: Vec<Canary>,
}

/// The canaries of the format.
pub(super) fn canaries() -> Canaries {
    let mut state = SEED;
    let mut queries: Vec<Bits> = (0..2).map(|_| random(&mut state)).collect();
    for (query, even) in queries.iter_mut().zip([true, false]) {
        if query.is_even() != even {
            query.0[3] ^= 1;
        }
    }
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for distance_bits in 0..DISTANCES {
        for query in 0..2 {
            let code = at_distance(queries[query as usize], distance_bits, &mut state);
            let side = if code.is_even() { &mut even } else { &mut odd };
            side.push(Canary { code, query, distance_bits });
        }
    }
    even.sort_unstable();
    odd.sort_unstable();
    queries.extend((0..RANDOM).map(|_| random(&mut state)));
    Canaries { queries, even, odd }
}

fn random(state: &mut u64) -> Bits {
    Bits(std::array::from_fn(|_| split_mix(state)))
}

/// Two bits turned over in each of the first sixteenths, so that with chunks of 16 bits and thresholds of 1 only the
/// table after them finds the code.
fn at_distance(mut code: Bits, distance_bits: u32, state: &mut u64) -> Bits {
    for piece in 0..distance_bits.div_ceil(2) {
        let x = split_mix(state);
        let first = x % 16;
        let mut flip = |bit: u64| code.0[piece as usize / 4] ^= 1 << (63 - (u64::from(piece % 4) * 16 + bit));
        flip(first);
        if 2 * piece + 1 < distance_bits {
            flip((first + 1 + x / 16 % 15) % 16);
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_of_either_weight_at_each_distance_and_none_of_a_weight_far_off() {
        let Canaries { queries, even, odd } = canaries();
        for (canaries, parity) in [(&even, 0), (&odd, 1)] {
            let mut distances: Vec<u32> = canaries.iter().map(|canary| canary.distance_bits).collect();
            distances.sort_unstable();
            assert!(distances.into_iter().eq(0..DISTANCES));
            for canary in canaries {
                let distance = canary.code.distance_bits(queries[canary.query as usize]);
                assert_eq!(distance, canary.distance_bits);
                assert_eq!(canary.code.weight() % 2, parity);
                assert!((80..=176).contains(&canary.code.weight()));
            }
        }
    }

    #[test]
    fn all_codes_of_the_self_test_differ_and_random_ones_are_far_from_canaries() {
        let Canaries { queries, even, odd } = canaries();
        let mut codes: Vec<Bits> = even.iter().chain(&odd).map(|canary| canary.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 64);
        for random in &queries[2..] {
            assert!(codes.iter().all(|code| code.distance_bits(*random) > 64));
        }
    }
}
