//! Where regions are looked up: the snapshot of a command, or the live state of a server.

use std::sync::LazyLock;

use lodestone_features::tail::TailTable;
use lodestone_index::{Code256, Hit, SearchStats};
use lodestone_types::SignalType;

use crate::live::LiveState;
use crate::look_up::LookUpError;
use crate::snapshot::Snapshot;

/// PDQ values with the entries they belong to.
pub(crate) trait Shelf {
    /// How many values there are that may match.
    fn values(&self) -> Result<u64, LookUpError>;

    /// How many values a search goes through.
    fn searched(&self) -> Result<u64, LookUpError> {
        self.values()
    }

    /// Every value within `radius_bits` of each query, by query, distance and key.
    fn within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError>;

    /// The value of an entry that is nearest to a query, where values are at hand.
    fn near_value(&self, key: u64, query: &Code256) -> Option<[u8; 32]>;

    /// How near unrelated regions and values come.
    fn tail(&self) -> &TailTable;

    /// The radius of an entry's bank.
    fn radius_of(&self, key: u64) -> Result<u32, LookUpError>;
}

impl Shelf for Snapshot {
    fn values(&self) -> Result<u64, LookUpError> {
        self.pdq_signals()
    }

    fn within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        self.search_within(queries, radius_bits, stats)
    }

    fn near_value(&self, key: u64, query: &Code256) -> Option<[u8; 32]> {
        Snapshot::near_value(self, key, query)
    }

    fn tail(&self) -> &TailTable {
        self.region_tail()
    }

    fn radius_of(&self, key: u64) -> Result<u32, LookUpError> {
        self.bank_of(key).map(|bank| bank.radius_bits)
    }
}

/// The banks of a server that take part in layer 2.
pub struct LiveShelf<'l> {
    /// The banks at this moment.
    pub state: &'l LiveState,
    /// PDQ values of the banks that take part: as many as accidents may happen among.
    pub values: u64,
    /// Whether an entry takes part.
    pub takes_part: &'l dyn Fn(u64) -> bool,
    /// The PDQ values of an entry, read from where they are kept: look-ups have none in memory. None where they cannot be
    /// read: the region then stays where it is, for a person to look at. Asked for a few entries of a picture.
    pub values_of: &'l dyn Fn(u64) -> Vec<[u8; 32]>,
}

impl Shelf for LiveShelf<'_> {
    fn values(&self) -> Result<u64, LookUpError> {
        Ok(self.values)
    }

    fn searched(&self) -> Result<u64, LookUpError> {
        Ok(self.state.counts().get(&SignalType::Pdq).copied().unwrap_or(0))
    }

    fn within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        let mut hits = self.state.hits_within(queries, radius_bits, stats)?;
        hits.retain(|hit| (self.takes_part)(hit.id));
        Ok(hits)
    }

    fn near_value(&self, key: u64, query: &Code256) -> Option<[u8; 32]> {
        let distance = |value: &[u8; 32]| query.distance_bits(Code256::from_bytes(value));
        (self.values_of)(key).into_iter().min_by_key(distance)
    }

    fn tail(&self) -> &TailTable {
        static PHOTOGRAPHS: LazyLock<TailTable> = LazyLock::new(TailTable::photographs);
        &PHOTOGRAPHS
    }

    fn radius_of(&self, key: u64) -> Result<u32, LookUpError> {
        let bank = self.state.bank_of(key);
        bank.map(|bank| bank.bank.radius_bits)
            .ok_or_else(|| LookUpError::Mismatch(format!("no entry has number {key}")))
    }
}
