//! Distance of TLSH digests.
//!
//! ```text
//! T1 cc ll qq b…b      checksum, length, two quartile ratios of 4 bits, 128 buckets of 2 bits
//! ```
//!
//! Digests are compared, never made. *Source:* J. Oliver, C. Cheng, Y. Chen, "TLSH: a locality sensitive hash", 2013.

/// Greatest distance of a match. *Source:* python-threatexchange `extensions/text_tlsh`.
pub(super) const RADIUS: u32 = 30;

/// A digest without its length, which is not compared: checksum, ratios, buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlsh {
    checksum: u8,
    ratios: u8,
    buckets: [u64; 4],
}

impl Tlsh {
    /// From its canonical text; `None` for another.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let [checksum, _, ratios, body @ ..] = lodestone_types::hex::decode::<35>(text.strip_prefix("T1")?)?;
        let mut buckets = [0; 4];
        for (word, eight) in buckets.iter_mut().zip(body.chunks(8)) {
            *word = eight.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        Some(Self { checksum, ratios, buckets })
    }

    /// `diffxlen`: 1 for another checksum; for each ratio its circular difference, beyond 1 twelvefold less one step; for
    /// each bucket 0, 1, 2 or 6.
    pub(super) fn distance(&self, other: &Self) -> u32 {
        let checksum = u32::from(self.checksum != other.checksum);
        let ratios = ratio(self.ratios >> 4, other.ratios >> 4) + ratio(self.ratios & 15, other.ratios & 15);
        let buckets: u32 = self.buckets.iter().zip(&other.buckets).map(|(a, b)| buckets(*a, *b)).sum();
        checksum + ratios + buckets
    }
}

fn ratio(a: u8, b: u8) -> u32 {
    let difference = u32::from(a.abs_diff(b));
    let around = difference.min(16 - difference);
    if around <= 1 { around } else { (around - 1) * 12 }
}

/// The difference of 32 buckets: 1 and 2 as they are, 3 counts 6.
fn buckets(a: u64, b: u64) -> u32 {
    const LOW: u64 = 0x5555_5555_5555_5555;
    let (high_a, high_b, low_a, low_b) = (a >> 1 & LOW, b >> 1 & LOW, a & LOW, b & LOW);
    let (high, low) = (high_a ^ high_b, low_a ^ low_b);
    // High bits equal: the low bit decides, 0 or 1. Both differ: 3 (00 and 11) or 1 (01 and 10). High only: 2.
    let three = high & low & !(high_a ^ low_a);
    let one = low & !three;
    let two = high & !low;
    one.count_ones() + 2 * two.count_ones() + 6 * three.count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/fixtures/tlsh.json");

    #[test]
    fn distances_are_those_of_the_reference_program() {
        let golden: Vec<(String, String, u32)> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() > 400);
        for (a, b, distance) in golden {
            let (left, right) = (Tlsh::parse(&a).unwrap(), Tlsh::parse(&b).unwrap());
            assert_eq!(left.distance(&right), distance, "{a} {b}");
            assert_eq!(right.distance(&left), distance, "{a} {b}");
        }
    }
}
