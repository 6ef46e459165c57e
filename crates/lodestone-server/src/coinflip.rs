//! The coin that decides whether a bank with a ratio below 1 takes part in a look-up.
//!
//! HMA flips CPython's `random.Random(seed).random()`. Clients give the identifier of a content as seed, so that one
//! content always falls on the same side: the same seed must give the same number here.
//! *Source:* CPython `Lib/random.py` (`seed`, version 2) and `Modules/_randommodule.c` (MT19937, `init_by_array`,
//! 53-bit `random`).

use sha2::{Digest, Sha512};

/// The number that CPython gives for a text seed, at least 0 and below 1. Cost: some 10 µs.
pub fn coinflip(seed: &str) -> f64 {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.extend_from_slice(&Sha512::digest(seed.as_bytes()));
    Twister::by_array(&words(&bytes)).random()
}

/// 32-bit words of a big-endian number, the lowest first, without zeros at its high end; one zero for zero.
fn words(big_endian: &[u8]) -> Vec<u32> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let number = &big_endian[zeros..];
    if number.is_empty() {
        return vec![0];
    }
    number.rchunks(4).map(|four| four.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect()
}

const N: usize = 624;
const M: usize = 397;

/// MT19937. *Source:* Matsumoto and Nishimura, `mt19937ar.c`.
struct Twister {
    state: [u32; N],
    at: usize,
}

impl Twister {
    fn by_number(seed: u32) -> Self {
        let mut state = [seed; N];
        let mut last = seed;
        for (i, word) in (0u32..).zip(&mut state).skip(1) {
            last = (last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(i);
            *word = last;
        }
        Self { state, at: N }
    }

    fn by_array(key: &[u32]) -> Self {
        let mut twister = Self::by_number(19_650_218);
        let state = &mut twister.state;
        let mut i = 1;
        let keyed = (0u32..).zip(key).cycle().take(key.len().max(N));
        for (j, word) in keyed {
            let before = state[i - 1];
            let mixed = state[i] ^ (before ^ before >> 30).wrapping_mul(1_664_525);
            state[i] = mixed.wrapping_add(*word).wrapping_add(j);
            i = next(state, i);
        }
        for _ in 1..N {
            let before = state[i - 1];
            let mixed = state[i] ^ (before ^ before >> 30).wrapping_mul(1_566_083_941);
            state[i] = mixed.wrapping_sub(u32::try_from(i).unwrap_or(0));
            i = next(state, i);
        }
        state[0] = 0x8000_0000;
        twister
    }

    fn word(&mut self) -> u32 {
        if self.at == N {
            self.twist();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    fn twist(&mut self) {
        for i in 0..N {
            let both = self.state[i] & 0x8000_0000 | self.state[(i + 1) % N] & 0x7fff_ffff;
            let odd = if both & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ both >> 1 ^ odd;
        }
        self.at = 0;
    }

    /// 53 random bits as a fraction.
    fn random(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }
}

/// The place after `i`; at the end, the last word goes to the front and the next place is 1.
fn next(state: &mut [u32; N], i: usize) -> usize {
    if i + 1 < N {
        return i + 1;
    }
    state[0] = state[N - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds and numbers of CPython 3.11.7: `[[seed, repr(random.Random(seed).random())], …]`.
    const GOLDEN: &str = include_str!("../tests/fixtures/coinflip.json");

    #[test]
    fn numbers_are_those_of_cpython() {
        let golden: Vec<(String, String)> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() >= 50);
        for (seed, number) in golden {
            // Not as a number of JSON: its reader may be a bit off.
            let number: f64 = number.parse().unwrap();
            assert_eq!(coinflip(&seed).to_bits(), number.to_bits(), "{seed:?}");
        }
    }

    #[test]
    fn words_of_a_number_start_at_its_low_end_and_leave_zeros_out() {
        assert_eq!(words(&[0, 0, 1, 2, 3, 4, 5]), [0x0203_0405, 1]);
        assert_eq!(words(&[0, 0]), [0]);
    }
}
