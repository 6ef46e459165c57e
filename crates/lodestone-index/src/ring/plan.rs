//! Which buckets a query looks into.

use std::sync::OnceLock;

/// Widest radius that tables answer; beyond, a scan of everything is no slower.
pub(crate) const MAX_RADIUS: u32 = 64;

/// What a bucket costs to look into, in the time one entry takes to compare. *Source:* `bench/RESULTS.md`.
const PROBE_COST: f64 = 40.0;

/// One bucket to look into: the query's chunk with these bits turned over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flip {
    pub(crate) mask: u32,
    /// Bits by which the next chunk may differ.
    pub(crate) limit: u8,
    /// Bits by which the next two chunks may differ together, less `limit`.
    pub(crate) more: u8,
}

/// What all tables are asked for one radius.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Bits by which the chunk may differ, per table; −1: the table is not asked.
    pub(crate) thresholds: Vec<i32>,
    /// The buckets of each table, fewest flipped bits first.
    pub(crate) flips: Vec<Vec<Flip>>,
}

impl Plan {
    /// The cheapest thresholds whose `t + 1` sum to `radius + 1`, over tables of these widths with `codes` entries each.
    pub(super) fn new(widths: &[u8], codes: usize, radius: u32) -> Self {
        let mut thresholds = vec![-1i32; widths.len()];
        for _ in 0..=radius {
            // Every step widens the table where one more bit costs least; costs rise with each bit, so no later step
            // regrets an earlier one.
            let mut best = (f64::INFINITY, 0);
            for (table, &width) in widths.iter().enumerate() {
                let more = thresholds[table] + 1;
                if more > i32::from(width) {
                    continue;
                }
                let entries = codes as f64 / f64::from(1u32 << width);
                let cost = binomial(u32::from(width), more as u32) * (PROBE_COST + entries);
                if cost < best.0 {
                    best = (cost, table);
                }
            }
            thresholds[best.1] += 1;
        }
        let flips: Vec<_> =
            (0..widths.len()).map(|table| flips(table, u32::from(widths[table]), &thresholds)).collect();
        Self { thresholds, flips }
    }

    /// What a look-up costs, in the time one entry takes to compare, if codes are uniform.
    pub(super) fn cost(&self, widths: &[u8], codes: usize) -> f64 {
        let of_table = |(flips, width): (&Vec<Flip>, &u8)| {
            flips.len() as f64 * (PROBE_COST + codes as f64 / f64::from(1u32 << width))
        };
        self.flips.iter().zip(widths).map(of_table).sum()
    }

    /// Bits by which the chunk of `table` and the one after it may differ together, and how many more with the third.
    #[inline(always)]
    pub(crate) fn limits(&self, table: usize) -> (i32, i32) {
        limits(&self.thresholds, table)
    }
}

#[inline(always)]
fn limits(thresholds: &[i32], table: usize) -> (i32, i32) {
    let after = |table: usize| if table + 1 == thresholds.len() { 0 } else { table + 1 };
    let second = after(table);
    (thresholds[table] + thresholds[second] + 1, thresholds[after(second)] + 1)
}

fn flips(table: usize, width: u32, thresholds: &[i32]) -> Vec<Flip> {
    let mut flips = Vec::new();
    for weight in 0..=thresholds[table] {
        let (pair, more) = limits(thresholds, table);
        let limit = pair - weight;
        if limit >= 0 {
            let (limit, more) = (limit as u8, more as u8);
            masks(width, weight as u32, &mut |mask| flips.push(Flip { mask, limit, more }));
        }
    }
    flips
}

/// Every number of `width` bits with `weight` of them set, ascending.
fn masks(width: u32, weight: u32, each: &mut dyn FnMut(u32)) {
    if weight == 0 {
        return each(0);
    }
    let mut mask = (1u64 << weight) - 1;
    while mask < 1 << width {
        each(mask as u32);
        // The next number with as many bits. *Source:* Gosper, HAKMEM item 175.
        let lowest = mask & mask.wrapping_neg();
        let ripple = mask + lowest;
        mask = ripple | (((mask ^ ripple) >> 2) / lowest);
    }
}

fn binomial(n: u32, k: u32) -> f64 {
    (0..k).fold(1.0, |product, i| product * f64::from(n - i) / f64::from(i + 1))
}

/// The plans of one set of tables, made when first asked for.
#[derive(Debug)]
pub(crate) struct Plans {
    widths: Vec<u8>,
    codes: usize,
    by_radius: Vec<OnceLock<Plan>>,
}

impl Plans {
    pub(crate) fn new(widths: &[u8], codes: usize) -> Self {
        let by_radius = (0..=MAX_RADIUS).map(|_| OnceLock::new()).collect();
        Self { widths: widths.to_vec(), codes, by_radius }
    }

    /// The plan for a radius, of at most [`MAX_RADIUS`].
    pub(crate) fn of(&self, radius: u32) -> &Plan {
        self.by_radius[radius as usize].get_or_init(|| Plan::new(&self.widths, self.codes, radius))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_chunks_at_radius_31_look_into_the_bucket_and_its_sixteen_neighbours() {
        let plan = Plan::new(&[16; 16], 1_000_000, 31);
        assert_eq!(plan.thresholds, [1; 16]);
        assert_eq!(plan.flips.iter().map(Vec::len).sum::<usize>(), 272);
        assert_eq!(plan.flips[3][0], Flip { mask: 0, limit: 3, more: 2 });
        assert_eq!(plan.flips[3][1..].len(), 16);
        assert!(plan.flips[3][1..].iter().all(|f| f.mask.count_ones() == 1 && f.limit == 2));
    }

    #[test]
    fn thresholds_always_sum_to_the_radius_and_one() {
        for widths in [vec![16; 16], vec![8; 32], vec![24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 16]] {
            for radius in 0..=MAX_RADIUS {
                let plan = Plan::new(&widths, 50_000_000, radius);
                assert_eq!(plan.thresholds.iter().map(|t| t + 1).sum::<i32>(), radius as i32 + 1);
            }
        }
        assert_eq!(Plan::new(&[16; 16], 1000, 0).flips.iter().map(Vec::len).sum::<usize>(), 1);
    }
}
