//! The hash itself: 256 bits and their text.

use crate::Error;

/// A PDQ hash: 32 bytes in the reading order of its hexadecimal text, most significant bit (bit 255) first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PdqHash(pub [u8; 32]);

impl PdqHash {
    /// Bits that differ, 0 to 256.
    pub fn distance_bits(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Every bit inverted: close to the hash of the picture's negative.
    pub fn complement(&self) -> Self {
        Self(self.0.map(|byte| !byte))
    }

    /// The hash whose row `i` of the 16 × 16 bit matrix is `rows[i]`, column `j` its bit `j`.
    pub(crate) fn from_rows(rows: &[u16; 16]) -> Self {
        let mut bytes = [0; 32];
        for (pair, row) in bytes.chunks_exact_mut(2).zip(rows.iter().rev()) {
            pair.copy_from_slice(&row.to_be_bytes());
        }
        Self(bytes)
    }
}

impl std::fmt::Display for PdqHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for PdqHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PdqHash({self})")
    }
}

impl std::str::FromStr for PdqHash {
    type Err = Error;

    /// Reads exactly 64 hexadecimal digits, upper or lower case.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digit = |c: u8| (c as char).to_digit(16).map(|value| value as u8);
        if text.len() != 64 {
            return Err(Error::NotAHash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Err(Error::NotAHash);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_zero_of_row_zero_is_the_last_bit_of_the_text() {
        let mut rows = [0; 16];
        rows[0] = 1;
        rows[15] = 0x8000;
        let text = PdqHash::from_rows(&rows).to_string();
        assert_eq!(text, format!("8{}1", "0".repeat(62)));
    }

    #[test]
    fn text_is_refused_unless_it_is_64_hexadecimal_digits() {
        for bad in [
            "",
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
            &"é".repeat(32),
            &format!("+{}", "0".repeat(63)),
        ] {
            assert_eq!(bad.parse::<PdqHash>(), Err(Error::NotAHash), "{bad}");
        }
        let upper = "F8F8F0CEE0F4A84F06370A22038F63F0B36E2ED596621E1D33E6B39C4E9C9B22";
        assert_eq!(upper.parse::<PdqHash>().unwrap().to_string(), upper.to_lowercase());
    }

    #[test]
    fn a_hash_is_256_bits_from_its_complement() {
        let hash = PdqHash([0x5a; 32]);
        assert_eq!(hash.distance_bits(&hash.complement()), 256);
        assert_eq!(hash.distance_bits(&hash), 0);
        assert_eq!(hash.complement().complement(), hash);
    }
}
