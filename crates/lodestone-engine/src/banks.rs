//! The banks of a data folder, opened for look-ups: their table, their index, and the store for the names of what matches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lodestone_exchange::opinion::OpinionPolicy;
use lodestone_index::{Code256, Hit, LiveSnapshot, SearchStats, SegmentError};
use lodestone_store::{Store, StoreError, StoredBank};
use lodestone_types::{Bank, Signal, SignalType};

use crate::look_up::LookUpError;
use crate::skew::Table;
use crate::snapshot::{BuildError, FIRST_STORED, Name};
use crate::support;

/// Why the banks of a data folder could not be taken into a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BanksError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They could not be indexed.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Banks of one generation, opened to be taken into a snapshot.
#[derive(Debug)]
pub struct OpenBanks {
    /// With their numbers in the store, by name.
    pub(crate) banks: Vec<(i64, Bank)>,
    pub(crate) stored: Stored,
}

impl OpenBanks {
    /// Opens the banks without their index: PDQ values are read from the store and indexed in memory, about 1 µs each.
    ///
    /// `alone`: this process holds the folder's lock. Otherwise the state is held in the database for as long as the
    /// snapshot lives, so that answers stay of one generation whatever others change.
    ///
    /// # Errors
    /// The store's.
    pub fn in_memory(store: Store, alone: bool) -> Result<Self, StoreError> {
        let generation = if alone { store.generation()? } else { store.hold()? };
        let stored_banks = store.stored_banks()?;
        let asking = |one: &StoredBank| Some((one.number.unsigned_abs(), support::policy(one)?));
        let policies = stored_banks.iter().filter_map(asking).collect();
        let banks = stored_banks.into_iter().map(|one| (one.number, one.bank)).collect();
        let stored = Stored {
            generation,
            held: !alone,
            store: Mutex::new(store),
            places: BTreeMap::new(),
            radius_bits: 0,
            policies,
            judged: Mutex::default(),
            index: None,
        };
        Ok(Self { banks, stored })
    }

    /// The number of their state, which the index is stamped with. *See* [`Store::state`].
    pub(crate) fn state(&self) -> Result<Option<u64>, StoreError> {
        self.stored.store.lock().unwrap_or_else(PoisonError::into_inner).state()
    }

    /// The state of the banks.
    pub fn generation(&self) -> u64 {
        self.stored.generation
    }

    /// PDQ values of the banks that are searched.
    pub(crate) fn searched_values(&self) -> Result<u64, StoreError> {
        crate::bank_index::searched_values(&self.stored.store())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.banks.iter().map(|(_, bank)| bank.name.as_str())
    }
}

/// What a snapshot keeps of a data folder.
#[derive(Debug)]
pub(crate) struct Stored {
    generation: u64,
    /// Whether the database holds the state; else nobody else may change it.
    held: bool,
    store: Mutex<Store>,
    /// Where in the snapshot each bank stands, by its number in the store.
    places: BTreeMap<u64, usize>,
    /// Largest radius of the banks that are searched.
    radius_bits: u32,
    /// What banks ask of the members of their exchange, by number; those that ask for nothing are left out.
    policies: BTreeMap<u64, OpinionPolicy>,
    /// Values whose support has been looked at, and whether it suffices.
    judged: Mutex<BTreeMap<(u64, Signal), bool>>,
    /// PDQ values of the banks, by entry number; `None`: they stand in the snapshot's own index.
    pub(crate) index: Option<Arc<LiveSnapshot>>,
}

impl Stored {
    /// Notes where in the snapshot a bank stands.
    pub(crate) fn add_bank(&mut self, number: i64, place: usize, bank: &Bank) {
        self.places.insert(number.unsigned_abs(), place);
        if bank.kind.makes_known() {
            self.radius_bits = self.radius_bits.max(bank.radius_bits);
        }
    }

    /// Place of the bank that an entry belongs to.
    pub(crate) fn bank_of(&self, key: u64) -> Option<usize> {
        self.places.get(&(key / FIRST_STORED)).copied()
    }

    /// What the bank of an entry asks for; `None`: nothing.
    pub(crate) fn policy_of(&self, key: u64) -> Option<OpinionPolicy> {
        self.policies.get(&(key / FIRST_STORED)).copied()
    }

    /// Values of an entry.
    pub(crate) fn signals_of(&self, key: u64) -> Result<Vec<Signal>, LookUpError> {
        let no = i64::try_from(key).unwrap_or(i64::MAX);
        Ok(self.store().entry_by_no(no)?.map(|entry| entry.row.signals).unwrap_or_default())
    }

    /// Whether a value of a bank has the support that its policy asks for. `holders`: the entries that have it, which are
    /// asked for once a value.
    pub(crate) fn is_supported(
        &self,
        policy: OpinionPolicy,
        bank: u64,
        signal: &Signal,
        holders: impl FnOnce() -> Result<Vec<u64>, LookUpError>,
    ) -> Result<bool, LookUpError> {
        let judged = || self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (bank, signal.clone());
        if let Some(known) = judged().get(&of) {
            return Ok(*known);
        }
        let holders = holders()?;
        let is_met = support::is_met(&self.store(), policy, signal.kind(), holders.into_iter())?;
        judged().insert(of, is_met);
        Ok(is_met)
    }

    /// Whether PDQ values are searched here; else they have to be taken into the snapshot's own index.
    pub(crate) fn is_indexed(&self) -> bool {
        self.index.is_some()
    }

    /// PDQ values searched here.
    pub(crate) fn pdq_signals(&self) -> Result<u64, SegmentError> {
        self.index.as_ref().map_or(Ok(0), |index| index.len())
    }

    /// The tables that look-ups probe.
    pub(crate) fn tables(&self, tables: &mut Vec<Table>) {
        for segment in self.index.iter().flat_map(|index| index.facts().segments) {
            crate::skew::tables(&segment.segment, tables);
        }
    }

    /// Every PDQ value within `radius_bits`, else within the largest radius of any bank.
    pub(crate) fn search(
        &self,
        queries: &[Code256],
        radius_bits: Option<u32>,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<(), LookUpError> {
        if let Some(index) = &self.index {
            index.search_into(queries, radius_bits.unwrap_or(self.radius_bits), hits, stats)?;
        }
        Ok(())
    }

    pub(crate) fn for_each_digest<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(u64, &Signal) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store().for_each_digest(bank, |no, signal| each(no.unsigned_abs(), &signal))
    }

    pub(crate) fn for_each_pdq<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(u64, [u8; 32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let store = self.store();
        if !store.signal_counts(bank)?.contains_key(&SignalType::Pdq) {
            return Ok(());
        }
        store.for_each_pdq(bank, |no, value| each(no.unsigned_abs(), value))
    }

    /// PDQ values of an entry; none where it cannot be read, for nothing rests on it but precision.
    pub(crate) fn pdq_of(&self, key: u64) -> Vec<[u8; 32]> {
        let entry = i64::try_from(key).ok().and_then(|no| self.store().entry_by_no(no).ok().flatten());
        let signals = entry.map(|entry| entry.row.signals).unwrap_or_default();
        signals.iter().filter(|one| one.kind() == SignalType::Pdq).filter_map(|one| one.array()).collect()
    }

    pub(crate) fn for_each_photodna<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store().for_each_photodna(bank, |no, value| each(no.unsigned_abs(), value))
    }

    /// The places of the banks in the snapshot, by their numbers.
    pub(crate) fn banks(&self) -> impl Iterator<Item = usize> + '_ {
        self.places.values().copied()
    }

    pub(crate) fn for_each_features<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store().for_each_features(bank, |no, sealed| each(no.unsigned_abs(), sealed))
    }

    pub(crate) fn for_each_descriptor<E: From<StoreError>>(
        &self,
        bank: &str,
        model: &str,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store().for_each_descriptor(bank, model, |no, sealed| each(no.unsigned_abs(), sealed))
    }

    pub(crate) fn descriptor_models(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.store().descriptor_models()
    }

    /// The list's id of an entry, for an error's words.
    pub(crate) fn entry_words(&self, key: u64) -> String {
        let name = i64::try_from(key).ok().and_then(|no| self.store().entry_name(no).ok().flatten());
        name.map_or_else(|| format!("number {key}"), |name| name.entry)
    }

    /// Adds what answers say of these entries.
    pub(crate) fn names(
        &self,
        keys: impl Iterator<Item = u64>,
        names: &mut BTreeMap<u64, Name>,
    ) -> Result<(), LookUpError> {
        let store = self.store();
        for key in keys {
            let found = i64::try_from(key).ok().map(|no| store.entry_name(no)).transpose()?.flatten();
            let Some(found) = found else {
                return Err(LookUpError::Mismatch(format!("no entry has number {key}")));
            };
            names.insert(key, Name { entry: found.entry, classification: found.classification });
        }
        if !self.held && store.generation()? != self.generation {
            return Err(LookUpError::Mismatch("the banks changed meanwhile".to_owned()));
        }
        Ok(())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
