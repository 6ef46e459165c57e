//! PhotoDNA values: those of lists and banks, compared with one that is given.
//!
//! Lodestone computes no such value. A list brings 144 bytes that somebody licensed has made, a caller asks with 144 bytes
//! of the same origin, and the two are compared by the sum of their squared differences, each bank at its own limit. A bank
//! without a limit matches equal values only: no threshold is agreed upon, and none is invented here.

use std::collections::BTreeMap;

use lodestone_index::{SearchStats, Vector144, VectorIndex, VectorQuery};

use crate::look_up::LookUpError;
use crate::snapshot::{BuildError, Snapshot};

/// PhotoDNA values of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Photodna {
    index: VectorIndex,
    /// Largest limit of the banks whose values are in the index.
    max_distance: u32,
}

impl Photodna {
    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

/// Gathers them.
#[derive(Default)]
pub(crate) struct PhotodnaBuilder {
    /// `None`: nobody will ask.
    values: Option<Vec<(Vector144, u64)>>,
    max_distance: u32,
}

impl PhotodnaBuilder {
    pub(crate) fn wanted() -> Self {
        Self { values: Some(Vec::new()), max_distance: 0 }
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.values.is_some()
    }

    /// Adds a value; one that is not 144 bytes long is none, and left out.
    pub(crate) fn push(
        &mut self,
        value: &[u8],
        key: u64,
        max_distance: Option<u32>,
    ) -> Result<(), BuildError> {
        let (Some(values), Ok(value)) = (&mut self.values, value.try_into()) else { return Ok(()) };
        if values.len() >= u32::MAX as usize - 1 {
            return Err(BuildError::TooManyEntries);
        }
        self.max_distance = self.max_distance.max(max_distance.unwrap_or(0));
        values.push((Vector144(value), key));
        Ok(())
    }

    pub(crate) fn build(self) -> Photodna {
        let index = VectorIndex::from_entries(self.values.unwrap_or_default());
        Photodna { index, max_distance: self.max_distance }
    }
}

impl Snapshot {
    /// Entries near values that belong to somebody each: by owner and key, the least squared distance within the limit
    /// of the entry's own bank.
    pub(crate) fn search_photodna(
        &self,
        owned: &[(usize, Vector144)],
        stats: &mut SearchStats,
    ) -> Result<BTreeMap<(usize, u64), u32>, LookUpError> {
        let max_distance_squared = self.photodna.max_distance;
        let queries: Vec<VectorQuery> =
            owned.iter().map(|(_, vector)| VectorQuery { vector: *vector, max_distance_squared }).collect();
        let mut hits = Vec::new();
        self.photodna.index.search_into(&queries, &mut hits, stats);
        let mut best = BTreeMap::new();
        for hit in hits {
            let limit = self.bank_of(hit.id)?.photodna_max_distance.unwrap_or(0);
            if let Some((owner, _)) = owned.get(hit.query as usize)
                && hit.distance_squared <= limit
            {
                let held = best.entry((*owner, hit.id)).or_insert(hit.distance_squared);
                *held = hit.distance_squared.min(*held);
            }
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bank, BankKind, ListEntry, ListVersion, Match, Signal, SignalType};

    use super::*;
    use crate::look_up::LookUps;
    use crate::{SnapshotBuilder, appraise_signal};

    fn bank(name: &str, kind: BankKind, photodna_max_distance: Option<u32>) -> Bank {
        let version = ListVersion::default();
        Bank { name: name.into(), kind, radius_bits: 31, photodna_max_distance, source: name.into(), version }
    }

    /// A synthetic value: `of` with its first byte moved by `by`.
    fn value(of: u8, by: u8) -> Signal {
        let mut bytes: [u8; 144] = std::array::from_fn(|i| (i as u8).wrapping_mul(of).wrapping_add(of) / 2);
        bytes[0] += by;
        Signal::from_bytes(SignalType::Photodna, &bytes).unwrap()
    }

    fn entry(name: &str, signals: &[Signal]) -> ListEntry {
        ListEntry { entry: name.into(), signals: signals.to_vec(), ..ListEntry::default() }
    }

    fn found(matches: &[Match]) -> Vec<(&str, &str, u32, u32)> {
        let row = |one: &Match| (one.distance_squared.unwrap(), one.max_distance_squared.unwrap());
        matches.iter().map(|one| (one.bank.as_str(), one.entry.as_str(), row(one).0, row(one).1)).collect()
    }

    fn banks(builder: SnapshotBuilder) -> Snapshot {
        let mut builder = builder;
        for (name, kind, limit) in [
            ("exact", BankKind::KnownReal, None),
            ("near", BankKind::KnownGenerated, Some(100)),
            ("wide", BankKind::KnownReal, Some(400)),
            ("negative", BankKind::Negative, Some(400)),
        ] {
            builder.bank(bank(name, kind, limit));
            builder.entry(&entry("same", &[value(3, 0)])).unwrap();
            builder.entry(&entry("off by 10", &[value(3, 10), value(3, 12)])).unwrap();
            builder.entry(&entry("off by 20", &[value(3, 20)])).unwrap();
            builder.entry(&entry("other", &[value(7, 0)])).unwrap();
        }
        builder.build(1).unwrap()
    }

    #[test]
    fn each_bank_matches_within_its_own_limit_and_equal_values_only_without_one() {
        let snapshot = banks(SnapshotBuilder::default().with_photodna());
        let mut look_ups = LookUps::default();
        let matches = appraise_signal(&snapshot, &value(3, 0), &mut look_ups).unwrap();
        let expected = [
            ("exact", "same", 0, 0),
            ("near", "same", 0, 100),
            ("wide", "same", 0, 400),
            ("near", "off by 10", 100, 100),
            ("wide", "off by 10", 100, 400),
            ("wide", "off by 20", 400, 400),
        ];
        assert_eq!(found(&matches), expected);
        assert!(matches.iter().all(|one| one.signal_type == SignalType::Photodna && one.distance_bits == 0));
        assert_eq!((look_ups.stats.queries, look_ups.failed), (1, 0));
        let far = appraise_signal(&snapshot, &value(5, 0), &mut look_ups).unwrap();
        assert_eq!(far, []);
    }

    #[test]
    fn a_snapshot_that_was_not_asked_to_holds_no_such_values() {
        let snapshot = banks(SnapshotBuilder::default());
        assert!(snapshot.photodna.index.is_empty());
        assert_eq!(appraise_signal(&snapshot, &value(3, 0), &mut LookUps::default()).unwrap(), []);
    }
}
