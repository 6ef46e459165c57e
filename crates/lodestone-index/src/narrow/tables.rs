//! Tables over 16-bit chunks: which narrow codes can lie within a small radius, without looking at all of them.
//!
//! With chunks of radius `t_1, t_2, …` and `Σ(t_i + 1) = radius + 1`, two codes within the radius agree with `t_i` bits or
//! fewer changed in at least one chunk (else they would differ in more than `radius` bits). So the codes of every bucket
//! that near are compared in full; a pair is reported by the first chunk that has it near, and so once.
//! *Source:* multi-index hashing, Norouzi, Punjani, Fleet, CVPR 2012, with thresholds by the general pigeonhole principle
//! (Qin et al., ICDE 2018).

use super::NarrowCode;
use super::scan::{Found, Probe};
use super::simd::fetch;

/// Bits of a chunk.
const CHUNK: usize = 16;

/// The greatest radius of one chunk: 697 buckets of 65,536. Beyond that a scan is cheaper.
const MOST: usize = 3;

/// Distinct codes from which tables are made; below, a scan is always cheaper.
pub(crate) const FROM: usize = 1 << 17;

/// Cost of a bucket and of a code in it, in codes of one word scanned (measured: 90 ns, 0.5 ns, 0.13 ns).
const BUCKET_COST: u64 = 700;
const CODE_COST: u64 = 4;

/// Buckets asked of memory ahead of their use.
const AHEAD: usize = 16;

/// The tables of an index, one for each 16 bits of its codes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables<const WORDS: usize> {
    tables: Vec<Table<WORDS>>,
    /// Every 16-bit word of up to `MOST` bits, those of fewer first.
    masks: Vec<u16>,
}

/// The codes of an index by the value of one chunk.
#[derive(Clone, Debug)]
pub(crate) struct Table<const WORDS: usize> {
    /// Bucket `b` is `starts[b]..starts[b + 1]`.
    starts: Vec<u32>,
    codes: Vec<[u64; WORDS]>,
    /// Places of these codes in the index.
    positions: Vec<u32>,
}

/// The buckets one query asks for.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    /// Table, first and one past the last code.
    ranges: Vec<(u32, u32, u32)>,
    /// Buckets asked for, empty ones too.
    pub(crate) probes: u64,
    /// Codes in them.
    pub(crate) codes: u64,
}

/// How far each chunk may differ; `None` where it is not looked at.
pub(crate) type Limits = Vec<Option<usize>>;

impl<const WORDS: usize> Tables<WORDS> {
    const COUNT: usize = WORDS * 64 / CHUNK;

    /// The tables of distinct codes.
    pub(crate) fn new(codes: &[NarrowCode<WORDS>]) -> Self {
        let mut masks: Vec<u16> = (0..=u16::MAX).filter(|mask| mask.count_ones() as usize <= MOST).collect();
        masks.sort_by_key(|mask| mask.count_ones());
        Self { tables: (0..Self::COUNT).map(|number| Table::new(codes, number)).collect(), masks }
    }

    /// How far each chunk may differ for a radius, if tables serve it at all.
    pub(crate) fn limits(&self, radius: u32) -> Option<Limits> {
        if self.tables.is_empty() {
            return None;
        }
        let total = usize::try_from(radius).ok()?.checked_add(1)?;
        let (each, extra) = (total / Self::COUNT, total % Self::COUNT);
        let limits = (0..Self::COUNT).map(|number| (each + usize::from(number < extra)).checked_sub(1));
        let limits: Limits = limits.collect();
        limits.iter().flatten().all(|limit| *limit <= MOST).then_some(limits)
    }

    /// The buckets that hold every code within the limits of a query; `None` when a scan of `scanned` codes is cheaper,
    /// as it is where a list is so skewed that a few buckets hold much of it.
    pub(crate) fn buckets(&self, probe: &Probe<WORDS>, limits: &Limits, scanned: usize) -> Option<Buckets> {
        let masks = |limit: &usize| self.masks.partition_point(|mask| mask.count_ones() as usize <= *limit);
        let probes: usize = limits.iter().flatten().map(masks).sum();
        let budget = (scanned as u64 * WORDS as u64).checked_sub(probes as u64 * BUCKET_COST)?;
        let mut buckets = Buckets { probes: probes as u64, ..Buckets::default() };
        for (number, limit) in limits.iter().enumerate() {
            let Some(limit) = limit else { continue };
            let starts = &self.tables[number].starts;
            let value = chunk(&probe.words, number);
            for mask in &self.masks[..masks(limit)] {
                let bucket = usize::from(value ^ mask);
                let (start, end) = (starts[bucket], starts[bucket + 1]);
                if start < end {
                    buckets.ranges.push((number as u32, start, end));
                    buckets.codes += u64::from(end - start);
                }
            }
        }
        (buckets.codes * CODE_COST <= budget).then_some(buckets)
    }

    /// Appends every code of the buckets within `radius` of the probe, each once.
    #[inline(always)]
    pub(crate) fn look_up(
        &self,
        buckets: &Buckets,
        probe: &Probe<WORDS>,
        limits: &Limits,
        radius: u32,
        found: &mut Vec<Found>,
    ) {
        for (at, &(number, start, end)) in buckets.ranges.iter().enumerate() {
            if let Some(&(number, start, end)) = buckets.ranges.get(at + AHEAD) {
                fetch(&self.tables[number as usize].codes[start as usize..end as usize]);
            }
            let (number, start, end) = (number as usize, start as usize, end as usize);
            let table = &self.tables[number];
            for (code, position) in table.codes[start..end].iter().zip(&table.positions[start..end]) {
                let mut distance_bits = 0;
                for (a, b) in code.iter().zip(&probe.words) {
                    distance_bits += (a ^ b).count_ones();
                }
                if distance_bits <= radius && is_first(number, code, &probe.words, limits) {
                    found.push(Found { query: probe.query, position: *position as usize, distance_bits });
                }
            }
        }
    }
}

impl<const WORDS: usize> Table<WORDS> {
    fn new(codes: &[NarrowCode<WORDS>], number: usize) -> Self {
        let mut starts = vec![0u32; (1 << CHUNK) + 1];
        for code in codes {
            starts[usize::from(chunk(&code.0, number)) + 1] += 1;
        }
        for bucket in 0..1 << CHUNK {
            starts[bucket + 1] += starts[bucket];
        }
        let mut next = starts.clone();
        let mut sorted = vec![[0; WORDS]; codes.len()];
        let mut positions = vec![0; codes.len()];
        for (position, code) in (0u32..).zip(codes) {
            let to = &mut next[usize::from(chunk(&code.0, number))];
            sorted[*to as usize] = code.0;
            positions[*to as usize] = position;
            *to += 1;
        }
        Self { starts, codes: sorted, positions }
    }
}

/// Whether no earlier chunk has the two codes within its limit.
fn is_first<const WORDS: usize>(number: usize, a: &[u64; WORDS], b: &[u64; WORDS], limits: &Limits) -> bool {
    limits.iter().take(number).enumerate().all(|(earlier, limit)| {
        let differ = (chunk(a, earlier) ^ chunk(b, earlier)).count_ones() as usize;
        limit.is_none_or(|limit| differ > limit)
    })
}

/// Sixteen bits of a code, numbered from the first.
fn chunk<const WORDS: usize>(words: &[u64; WORDS], number: usize) -> u16 {
    (words[number / 4] >> (48 - number % 4 * CHUNK)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes a few bits from one another.
    fn codes<const WORDS: usize>(count: u64) -> Vec<NarrowCode<WORDS>> {
        let mut codes = Vec::new();
        for number in 0..count {
            let noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            codes.push(NarrowCode(std::array::from_fn(|w| (noise & noise >> 7 & noise << 9) << w)));
        }
        codes.sort();
        codes.dedup();
        codes
    }

    fn check<const WORDS: usize>(radii: &[u32]) {
        let codes = codes::<WORDS>(400);
        let tables = Tables::new(&codes);
        for &radius in radii {
            let limits = tables.limits(radius).expect("a radius that tables serve");
            for (query, code) in (0u32..).zip(codes.iter().step_by(7)) {
                let probe = Probe { words: code.0.map(|word| word ^ 0x8000_0100_0000_0001), query };
                let buckets = tables.buckets(&probe, &limits, usize::MAX >> 8).expect("not too dear");
                let mut found = Vec::new();
                tables.look_up(&buckets, &probe, &limits, radius, &mut found);
                let mut found: Vec<_> =
                    found.iter().map(|found| (found.position, found.distance_bits)).collect();
                found.sort();
                let near = codes.iter().map(|code| code.distance_bits(NarrowCode(probe.words))).enumerate();
                let expected: Vec<_> = near.filter(|(_, distance)| *distance <= radius).collect();
                assert_eq!(found, expected, "radius {radius}");
            }
        }
    }

    #[test]
    fn tables_find_each_code_within_the_radius_once() {
        check::<1>(&[0, 1, 2, 3, 4, 7, 8, 10, 11, 14, 15]);
        check::<2>(&[0, 1, 6, 7, 8, 16, 24, 30, 31]);
    }

    #[test]
    fn radii_beyond_the_tables_and_buckets_of_a_skewed_list_are_left_to_the_scan() {
        let tables = Tables::new(&codes::<1>(400));
        assert_eq!(
            [15, 16, 64, u32::MAX].map(|radius| tables.limits(radius).is_some()),
            [true, false, false, false]
        );
        let limits = tables.limits(10).unwrap();
        assert_eq!(limits, [Some(2), Some(2), Some(2), Some(1)]);
        let probe = Probe { words: [0], query: 0 };
        assert_eq!(tables.buckets(&probe, &limits, 1 << 20).unwrap().probes, 3 * 137 + 17);
        assert!(tables.buckets(&probe, &limits, 400).is_none());
        // All codes alike in their first three chunks: every query near them would compare them all, three times.
        let skewed: Vec<_> = (0..50_000).map(|low| NarrowCode([low])).collect();
        let tables = Tables::new(&skewed);
        assert!(tables.buckets(&probe, &limits, 1 << 19).is_none());
        assert!(tables.buckets(&Probe { words: [u64::MAX], query: 0 }, &limits, 1 << 19).is_some());
    }
}
