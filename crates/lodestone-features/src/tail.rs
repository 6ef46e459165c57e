//! How often unrelated pictures come near each other, and what radius a list of a given size allows.
//!
//! One picture with many windows and forms asks a large list many thousand millions of questions. Whether a distance is
//! still evidence depends on how often pairs that have nothing to do with each other are that near, in the traffic at
//! hand: memes, documents and screenshots crowd together more than photographs do. So the tail is counted, from windows
//! of pictures that matched nothing against entries of the list (a sample will do), and the radius follows from it:
//!
//! ```text
//! windows × forms × entries × P(distance ≤ t) ≤ false hits wanted for each picture
//! ```
//!
//! Distances that matter are too rare to be counted. Below the least distance at which [`ENOUGH`] pairs were seen the
//! tail is continued as a straight line, four times fewer for every four bits. That slope was counted between 72 and 100
//! bits over 3.2 × 10^8 pairs of photographs (four to six times), and whether it holds farther down is an assumption.

use lodestone_hash::PdqHash;

/// No radius is larger, whatever the tail says: PDQ's recommended one.
pub const MOST_BITS: u32 = 31;
/// Pairs that must have been seen within a distance for their number to be believed.
const ENOUGH: u64 = 10;
/// Distances, 0 to 256.
const DISTANCES: usize = 257;

/// Counts of pairs of unrelated hashes by distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailTable {
    /// Pairs at each distance from 0 to 256.
    counts: Box<[u64; DISTANCES]>,
    /// All pairs, those at uncounted distances too.
    pairs: u64,
}

impl Default for TailTable {
    /// Nothing learned.
    fn default() -> Self {
        Self { counts: Box::new([0; DISTANCES]), pairs: 0 }
    }
}

impl TailTable {
    /// What to go by before anything was learned: windows of benign photographs against hashes of others.
    ///
    /// *Source:* 200,000 windows of photographs against 1,603 hashes of quality 50 and more, 3.2 × 10^8 pairs: none
    /// within 68 bits, then 2 within 72, and 3 × 10^-8, 9 × 10^-8, 4 × 10^-7, 2.3 × 10^-6, 1.4 × 10^-5, 9 × 10^-5 and
    /// 5 × 10^-4 of all pairs within 76, 80, 84, 88, 92, 96 and 100. Taken at their upper bounds; yet traffic of
    /// documents and memes may be worse, so learn before relying on it for lists above a million.
    pub fn photographs() -> Self {
        let mut table = Self { pairs: 320_600_000, ..Self::default() };
        let within =
            [(72, 2), (76, 10), (80, 29), (84, 128), (88, 737), (92, 4_488), (96, 28_854), (100, 160_300)];
        let mut before = 0;
        for (bits, count) in within {
            table.counts[bits] = count - before;
            before = count;
        }
        table
    }

    /// Counts every pair of one picture's windows with the entries given. Give only pictures that matched nothing, or
    /// true matches are counted as chance.
    ///
    /// Cost: some 5 ns a pair.
    pub fn learn(&mut self, windows: &[PdqHash], entries: &[PdqHash]) {
        for window in windows {
            for entry in entries {
                let bits = window.distance_bits(entry) as usize;
                self.counts[bits] = self.counts[bits].saturating_add(1);
            }
        }
        let pairs = (windows.len() as u64).saturating_mul(entries.len() as u64);
        self.pairs = self.pairs.saturating_add(pairs);
    }

    /// Adds what another table has learned.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine = mine.saturating_add(*theirs);
        }
        self.pairs = self.pairs.saturating_add(other.pairs);
    }

    /// Pairs at each distance from 0 to 256, and all pairs: for keeping.
    pub fn to_counts(&self) -> (Vec<u64>, u64) {
        (self.counts.to_vec(), self.pairs)
    }

    /// The table of kept counts; `None` unless there are 257 that sum to no more than `pairs`.
    pub fn from_counts(counts: &[u64], pairs: u64) -> Option<Self> {
        let sum = counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count))?;
        let counts = Box::new(<[u64; DISTANCES]>::try_from(counts).ok()?);
        (sum <= pairs).then_some(Self { counts, pairs })
    }

    /// Pairs counted.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Upper estimate of the part of unrelated pairs within `bits`: counted, with three standard deviations and three pairs
    /// added, or continued from the least distance that is. 1 when nothing was learned.
    pub fn part_within(&self, bits: u32) -> f64 {
        if self.pairs == 0 {
            return 1.0;
        }
        let pairs = self.pairs as f64;
        let upper = |count: u64| (count as f64 + 3.0 * (count as f64).sqrt() + 3.0) / pairs;
        let mut seen = 0;
        for (at, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= ENOUGH {
                let below = (at as u32).saturating_sub(bits);
                if below > 0 {
                    return (upper(seen) * fall(below)).min(1.0);
                }
                let within: u64 = self.counts.iter().take(bits as usize + 1).sum();
                return upper(within).min(1.0);
            }
        }
        1.0
    }

    /// False hits to expect of one picture that is not listed, looked up within `bits`.
    ///
    /// `windows` × `forms` is the number of look-ups, `entries` the size of the list.
    pub fn expected_false_hits(&self, bits: u32, windows: u32, forms: u32, entries: u64) -> f64 {
        f64::from(windows) * f64::from(forms) * entries as f64 * self.part_within(bits)
    }

    /// The largest radius, at most 31, at which one unlisted picture is expected to have no more than `target` false
    /// hits (0.00001 is a good one); `None` if even distance 0 has more.
    pub fn threshold(&self, windows: u32, forms: u32, entries: u64, target: f64) -> Option<u32> {
        (0..=MOST_BITS).rev().find(|&bits| self.expected_false_hits(bits, windows, forms, entries) <= target)
    }
}

/// Four times fewer for every four bits.
fn fall(bits: u32) -> f64 {
    let mut part = 1.0;
    for _ in 0..bits / 2 {
        part /= 2.0;
    }
    if bits % 2 == 1 { part * std::f64::consts::FRAC_1_SQRT_2 } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_entries_allow_the_full_radius_and_larger_lists_less() {
        let table = TailTable::photographs();
        let thresholds = [1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
            .map(|entries| table.threshold(60, 5, entries, 1e-5).expect("a radius"));
        assert_eq!(thresholds[0], MOST_BITS);
        assert!(thresholds.is_sorted_by(|a, b| a >= b), "{thresholds:?}");
        assert!(thresholds[2] >= 20 && thresholds[3] < thresholds[1], "{thresholds:?}");
    }

    #[test]
    fn the_tail_never_falls_with_distance_and_falls_fourfold_in_four_bits_where_it_is_continued() {
        let table = TailTable::photographs();
        let parts: Vec<f64> = (0..=256).map(|bits| table.part_within(bits)).collect();
        assert!(parts.is_sorted(), "{parts:?}");
        assert!((parts[31] / parts[27] - 4.0).abs() < 1e-9);
        // Counted: 128 pairs within 84.
        assert!(parts[84] > 128.0 / 320_600_000.0 && parts[84] < 200.0 / 320_600_000.0);
    }

    #[test]
    fn an_empty_table_allows_nothing() {
        let table = TailTable::default();
        assert_eq!(table.threshold(1, 1, 1, 1e-5), None);
        assert_eq!(table.part_within(0), 1.0);
    }

    #[test]
    fn near_pairs_in_own_traffic_lower_the_radius() {
        let mut table = TailTable::photographs();
        let before = table.threshold(60, 5, 1_000_000, 1e-5);
        let entry = PdqHash([0; 32]);
        let mut near = entry;
        near.0[0] = 0xff;
        table.learn(&[near; 20], &[entry]);
        assert_eq!(table.pairs(), 320_600_020);
        let after = table.threshold(60, 5, 1_000_000, 1e-5);
        assert!(after < before && after.is_none_or(|bits| bits < 8), "{after:?}");
    }

    #[test]
    fn counts_come_back_as_they_were_kept_and_damaged_ones_are_refused() {
        let mut table = TailTable::photographs();
        table.learn(&[PdqHash([1; 32])], &[PdqHash([3; 32]), PdqHash([255; 32])]);
        let (counts, pairs) = table.to_counts();
        assert_eq!(TailTable::from_counts(&counts, pairs), Some(table.clone()));
        assert_eq!(TailTable::from_counts(&counts[1..], pairs), None);
        assert_eq!(TailTable::from_counts(&counts, 3), None);
        let mut twice = table.clone();
        twice.merge(&table);
        assert_eq!(twice.pairs(), 2 * pairs);
        assert_eq!(twice.to_counts().0[32], 2 * counts[32]);
    }
}
