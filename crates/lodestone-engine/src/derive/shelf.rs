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
    /// How many values there are.
    fn values(&self) -> Result<u64, LookUpError>;

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

impl Shelf for LiveState {
    fn values(&self) -> Result<u64, LookUpError> {
        Ok(self.counts().get(&SignalType::Pdq).copied().unwrap_or(0))
    }

    fn within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        self.hits_within(queries, radius_bits, stats)
    }

    /// A server's look-ups never touch the database, where the values are.
    fn near_value(&self, _key: u64, _query: &Code256) -> Option<[u8; 32]> {
        None
    }

    fn tail(&self) -> &TailTable {
        static PHOTOGRAPHS: LazyLock<TailTable> = LazyLock::new(TailTable::photographs);
        &PHOTOGRAPHS
    }

    fn radius_of(&self, key: u64) -> Result<u32, LookUpError> {
        let bank = self.bank_of(key);
        bank.map(|bank| bank.bank.radius_bits)
            .ok_or_else(|| LookUpError::Mismatch(format!("no entry has number {key}")))
    }
}
