//! What look-ups see: immutable, of one generation of the banks.

use std::collections::BTreeMap;
use std::sync::Arc;

use lodestone_index::{Code256, Hit, LiveSnapshot, SearchStats};
use lodestone_types::{Bank, Signal, SignalType, Standing};

use super::digests::Digests;
use super::ids::ContentIds;
use super::layers::Layers;
use crate::look_up::LookUpError;
use crate::snapshot::FIRST_STORED;
use crate::support::{self, Judged};
use crate::text::{TextDistance, TextIndex};

/// A bank as look-ups see it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveBank {
    /// Its number in the store.
    pub number: u64,
    /// Name, kind, radius, version.
    pub bank: Bank,
    /// HMA's `matching_enabled_ratio`: the share of look-ups in which the bank takes part, 0 to 1.
    pub enabled_ratio: f64,
    /// Layers that look-ups of files look at for it without being asked: bit 0 for layer 1, as in the store.
    pub layers: u8,
    /// PDQ values that it has.
    pub pdq_values: u64,
}

/// Signals of each type in all banks.
pub type LiveCounts = BTreeMap<SignalType, u64>;

/// A value that lies near a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// Which query, from 0.
    pub query: usize,
    /// Number of the entry.
    pub entry_no: u64,
    /// Bits that differ.
    pub distance_bits: u32,
}

/// What people here and members of its exchange say of an entry: how many confirm it, how many dispute it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Confirm it.
    pub confirms: u32,
    /// Dispute it.
    pub disputes: u32,
}

/// The banks at one moment. Immutable, shared by all who look.
#[derive(Clone, Debug)]
pub struct LiveState {
    /// Shared by the states that follow from one reading of everything.
    pub(super) reading: Arc<()>,
    /// Entries that changed or went since then, with the generation in which they last did.
    pub(super) touched: Layers<u64, u64>,
    pub(super) token: Option<u64>,
    pub(super) generation: u64,
    pub(super) banks: BTreeMap<u64, Arc<LiveBank>>,
    pub(super) numbers: BTreeMap<String, u64>,
    pub(super) counts: LiveCounts,
    pub(super) ids: ContentIds,
    /// Entries whose `disable_until_ts` is not 1, with it.
    pub(super) suspended: Arc<BTreeMap<u64, i64>>,
    /// What people here say.
    pub(super) said: Arc<BTreeMap<u64, Said>>,
    /// What members of exchanges say, where one confirms or disputes.
    pub(super) judged: Layers<u64, Judged>,
    /// By bank that asks for support, entries with values that have too little of it: types as bits.
    pub(super) thin: BTreeMap<u64, Layers<u64, u16>>,
    /// When those two were read: [`lodestone_store::Store::said`].
    pub(super) said_at: u64,
    /// Entries that changed or went since the digests were read, with what they have now.
    pub(super) current: Layers<u64, Arc<[Signal]>>,
    pub(super) pdq: Arc<LiveSnapshot>,
    pub(super) md5: Digests<16>,
    pub(super) sha1: Digests<20>,
    pub(super) sha256: Digests<32>,
    pub(super) texts: TextIndex,
    /// Texts that cannot be searched: queries of an older program, with patterns that are refused now.
    pub(super) unsearched: u64,
    pub(super) radius_bits: u32,
}

impl LiveState {
    /// Number of the state: rises with every change of any bank's content. Answers may name it.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The random number of the state. *See* [`lodestone_store::Store::state`].
    pub(super) fn token(&self) -> Option<u64> {
        self.token
    }

    /// The banks, by number.
    pub fn banks(&self) -> impl Iterator<Item = &Arc<LiveBank>> {
        self.banks.values()
    }

    /// The bank of this name.
    pub fn bank(&self, name: &str) -> Option<&Arc<LiveBank>> {
        self.banks.get(self.numbers.get(name)?)
    }

    /// The bank of an entry.
    pub fn bank_of(&self, entry_no: u64) -> Option<&Arc<LiveBank>> {
        self.banks.get(&(entry_no / FIRST_STORED))
    }

    /// Signals of each type in all banks.
    pub fn counts(&self) -> &LiveCounts {
        &self.counts
    }

    /// The content id of an entry.
    pub fn content_id(&self, entry_no: u64) -> Option<u64> {
        self.ids.id_of(entry_no)
    }

    /// Whether an entry takes part in look-ups. *Source:* HMA's `BankContentConfig.enabled`: 1 always, 0 never, else
    /// from that second on.
    pub fn is_enabled(&self, entry_no: u64, now_s: i64) -> bool {
        match self.suspended.get(&entry_no) {
            None => true,
            Some(0) => false,
            Some(until) => *until <= now_s,
        }
    }

    /// Whether what was read of an entry when the banks stood at a generation of this reading still stands.
    pub(super) fn stands_since(&self, entry_no: u64, generation: u64) -> bool {
        self.touched.newest(&entry_no).is_none_or(|touched| *touched <= generation)
    }

    /// What people here and members of its exchange say of an entry, each once.
    pub fn said_of(&self, entry_no: u64) -> Said {
        let here = self.said.get(&entry_no).copied().unwrap_or_default();
        self.judged.newest(&entry_no).map_or(here, |judged| judged.with(here))
    }

    /// How far a match by an entry's values of this type may be acted upon: [`Standing::Review`] where fewer members hold or
    /// confirm such a value than its bank asks for.
    pub fn standing_of(&self, entry_no: u64, kind: SignalType) -> Standing {
        let thin = self.thin.get(&(entry_no / FIRST_STORED)).and_then(|thin| thin.newest(&entry_no));
        match thin.is_some_and(|mask| mask & support::bit(kind) != 0) {
            true => Standing::Review,
            false => Standing::Match,
        }
    }

    /// Every PDQ value within `radius_bits`, else within its own bank's radius, of each query; by query, distance and
    /// number. Some ten microseconds a query among a million.
    ///
    /// # Errors
    /// [`LookUpError`] when the index is damaged: never to be taken for "no match".
    pub fn near(&self, queries: &[[u8; 32]], radius_bits: Option<u32>) -> Result<Vec<Near>, LookUpError> {
        Ok(self.near_at_most(queries, radius_bits, usize::MAX)?.unwrap_or_default())
    }

    /// As [`LiveState::near`], where no more than `most` values are found; `None` where there are more. So a caller can
    /// bound what is held: it asks again for fewer queries at a time.
    ///
    /// # Errors
    /// As there.
    pub fn near_at_most(
        &self,
        queries: &[[u8; 32]],
        radius_bits: Option<u32>,
        most: usize,
    ) -> Result<Option<Vec<Near>>, LookUpError> {
        let codes: Vec<Code256> = queries.iter().map(Code256::from_bytes).collect();
        let mut hits: Vec<Hit> = Vec::new();
        let widest = radius_bits.unwrap_or(self.radius_bits);
        if !self.pdq.search_at_most(&codes, widest, most, &mut hits, &mut SearchStats::default())? {
            return Ok(None);
        }
        let within = |hit: &Hit| {
            let bank = self.bank_of(hit.id)?;
            (hit.distance_bits <= radius_bits.unwrap_or(bank.bank.radius_bits)).then_some(Near {
                query: hit.query as usize,
                entry_no: hit.id,
                distance_bits: hit.distance_bits,
            })
        };
        Ok(Some(hits.iter().filter_map(within).collect()))
    }

    /// Every PDQ value within `radius_bits` of each query, whatever the radius of its bank; of banks that there are.
    pub(crate) fn hits_within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        let mut hits = Vec::new();
        self.pdq.search_into(queries, radius_bits, &mut hits, stats)?;
        hits.retain(|hit| self.bank_of(hit.id).is_some());
        hits.sort_unstable();
        Ok(hits)
    }

    /// Every entry that has exactly this digest, by number. MD5 of a video and MD5 are one: equal bytes are equal.
    pub fn equal(&self, signal: &Signal) -> Vec<u64> {
        let mut keys = match signal.kind() {
            SignalType::Md5 | SignalType::VideoMd5 => self.md5.keys(signal.bytes()),
            SignalType::Sha1 => self.sha1.keys(signal.bytes()),
            SignalType::Sha256 => self.sha256.keys(signal.bytes()),
            _ => Vec::new(),
        };
        keys.retain(|key| self.has(*key, signal));
        keys
    }

    /// Every entry whose text matches, with how near it is, by number. A scan: for threads that may wait.
    pub fn texts(&self, signal: &Signal) -> Vec<(u64, TextDistance)> {
        // The only error is a signal that is no text: nothing is like it.
        let mut found = self.texts.search(signal).unwrap_or_default();
        found.retain(|(key, _)| self.bank_of(*key).is_some());
        found
    }

    /// Texts in the banks that look-ups cannot search, so that somebody is told.
    pub fn unsearched(&self) -> u64 {
        self.unsearched
    }

    /// Whether an entry that the digests know still has this value.
    fn has(&self, key: u64, signal: &Signal) -> bool {
        let bank = self.bank_of(key).is_some();
        let same = |one: &Signal| one.bytes() == signal.bytes() && is_one(one.kind(), signal.kind());
        bank && self.current.newest(&key).is_none_or(|now| now.iter().any(same))
    }
}

/// Whether two types compare with each other.
fn is_one(a: SignalType, b: SignalType) -> bool {
    let plain = |kind| if kind == SignalType::VideoMd5 { SignalType::Md5 } else { kind };
    plain(a) == plain(b)
}
