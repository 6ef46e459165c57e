//! Whether a list's codes are spread as evenly as the index assumes.

use lodestone_index::{SearchStats, SegmentFacts};

use crate::look_up::LookUps;
use crate::snapshot::Snapshot;

/// More than this many times the entries of evenly spread codes are worth a warning.
const NOTABLE: f64 = 4.0;

/// One table: the bits of its chunk, and its codes.
pub(crate) struct Table {
    width: u8,
    codes: u64,
}

/// Adds the tables of a segment.
pub(crate) fn tables(facts: &SegmentFacts, tables: &mut Vec<Table>) {
    for part in &facts.parts {
        tables.extend(part.widths.iter().map(|width| Table { width: *width, codes: part.codes }));
    }
}

/// Entries that a probe finds when codes are spread evenly. A table is probed about as often as its chunk has bits.
pub(crate) fn entries_a_probe(tables: &[Table]) -> Option<f64> {
    let (mut probes, mut entries) = (0.0, 0.0);
    for table in tables {
        let share = f64::from(table.width) + 1.0;
        probes += share;
        entries += share * table.codes as f64 / f64::from(table.width).exp2();
    }
    (probes > 0.0).then(|| entries / probes)
}

impl LookUps {
    /// How many times more entries these look-ups read than evenly spread codes would have made them read, where that
    /// is notable: a list holds many codes that are alike in part, and look-ups take longer than they should.
    pub fn skew(&self, snapshot: &Snapshot) -> Option<f64> {
        factor(&self.stats, snapshot.entries_a_probe()?)
    }
}

fn factor(stats: &SearchStats, entries_a_probe: f64) -> Option<f64> {
    let even = stats.probes as f64 * entries_a_probe;
    // What is found stands in nearly every table, and is no sign of skew.
    let found = 16.0 * stats.hits as f64;
    let factor = (stats.entries as f64 - found) / even;
    (even > 0.0 && factor > NOTABLE).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_neither_expected_nor_found_is_skew() {
        let tables: Vec<_> = (0..16).map(|_| Table { width: 16, codes: 1 << 20 }).collect();
        let each = entries_a_probe(&tables).unwrap();
        assert!((each - 16.0).abs() < 1e-9);
        let stats = |entries, hits| SearchStats { probes: 1000, entries, hits, ..SearchStats::default() };
        assert_eq!(factor(&stats(64_000, 0), each), None);
        assert_eq!(factor(&stats(80_000, 0), each), Some(5.0));
        assert_eq!(factor(&stats(80_000, 2_000), each), None);
        assert_eq!(entries_a_probe(&[]), None);
    }
}
