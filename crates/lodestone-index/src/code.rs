//! 256-bit codes.

/// A 256-bit code, such as a PDQ hash: four words, the first eight bytes of the reading order in the first word.
///
/// Codes compare in the order of their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code256(pub [u64; 4]);

impl Code256 {
    /// Bits in a code.
    pub const BITS: u32 = 256;

    /// The code of 32 bytes in reading order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut words = [0; 4];
        let (chunks, _) = bytes.as_chunks::<8>();
        for (word, chunk) in words.iter_mut().zip(chunks) {
            *word = u64::from_be_bytes(*chunk);
        }
        Self(words)
    }

    /// The 32 bytes in reading order.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let (chunks, _) = bytes.as_chunks_mut::<8>();
        for (chunk, word) in chunks.iter_mut().zip(self.0) {
            *chunk = word.to_be_bytes();
        }
        bytes
    }

    /// Bits in which two codes differ, 0 to 256.
    pub fn distance_bits(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl From<[u8; 32]> for Code256 {
    fn from(bytes: [u8; 32]) -> Self {
        Self::from_bytes(&bytes)
    }
}

impl std::ops::Not for Code256 {
    type Output = Self;

    /// The complement: every bit turned over. Its distance to a code is 256 minus that of the original.
    fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_keep_their_order() {
        let mut low = [0; 32];
        let mut high = [0; 32];
        low[31] = 0xff;
        high[0] = 1;
        assert!(Code256::from_bytes(&low) < Code256::from_bytes(&high));
        assert_eq!(Code256::from_bytes(&low).to_bytes(), low);
        assert_eq!(Code256::from(high).to_bytes(), high);
    }

    #[test]
    fn a_complement_is_as_far_as_the_original_is_near() {
        let a = Code256([1, 2, 3, 4]);
        let b = Code256([9, 9, u64::MAX, 0]);
        assert_eq!(a.distance_bits(a), 0);
        assert_eq!(a.distance_bits(!a), 256);
        assert_eq!((!a).distance_bits(b), 256 - a.distance_bits(b));
    }
}
