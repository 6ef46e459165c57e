//! The snapshot: everything that look-ups read, immutable, with a generation number.
//!
//! Entries are named by keys. Those of lists given by file have their row's number, those of stored banks the store's
//! entry number, which is always larger: keys of both kinds stand side by side in one index and in one answer. Names of
//! stored entries are fetched for matches only, so that opening a data folder costs the same whatever it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use lodestone_features::tail::TailTable;
use lodestone_index::{
    BuildOptions, BuildStep, Code256, DigestIndex, Hit, SearchStats, Segment, SegmentBuilder, SegmentError,
};
use lodestone_provenance::Calibrations;
use lodestone_types::{Bank, ListEntry, ListVersion, Signal, SignalType, Standing};

use crate::banks::{OpenBanks, Stored};
use crate::derive::{Background, Known, KnownBuilder, Likeness, LikenessBuilder, TailError};
use crate::look_up::LookUpError;
use crate::photodna::{Photodna, PhotodnaBuilder};
use crate::rows::Rows;
use crate::support::plain;

/// Keys from here on are entry numbers of stored banks: `bank << 40 | n`, banks counting from 1.
pub(crate) const FIRST_STORED: u64 = 1 << 40;

/// Bytes an indexed PDQ value takes while its index is built, about.
const BYTES_A_CODE: u64 = 140;

/// What look-ups read: banks, their entries, indexes over their signals. Immutable; shared by threads.
///
/// Memory: of lists some 20 bytes an entry and the index sizes of `lodestone-index`; of a data folder only the digests
/// of its banks, about 24 to 44 bytes each.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    banks: Vec<Bank>,
    rows: Rows,
    /// Keys of digests, by the number under which [`DigestIndex`] has them.
    slots: Vec<u64>,
    md5: DigestIndex<16>,
    sha1: DigestIndex<20>,
    sha256: DigestIndex<32>,
    /// PDQ values of lists, and of banks where their index could not be used.
    given: Option<Given>,
    /// Of lists and banks, where asked for.
    pub(crate) photodna: Photodna,
    stored: Option<Stored>,
    /// PDQ values of lists by key, where parts of pictures are to be looked up; else empty.
    values: Vec<(u64, [u8; 32])>,
    /// Features of known pictures, where they were made.
    known: Known,
    /// Known pictures by a user's descriptor, where one was given.
    likeness: Option<Likeness>,
    tail: TailTable,
    weights: Weights,
}

/// Tables that turn findings into likelihood ratios; shared by all who appraise.
#[derive(Default)]
struct Weights(Calibrations);

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Weights").field(&self.0.describe()).finish()
    }
}

impl Default for Snapshot {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            generation: 0,
            banks: Vec::new(),
            rows: Rows::default(),
            slots: Vec::new(),
            md5: DigestIndex::default(),
            sha1: DigestIndex::default(),
            sha256: DigestIndex::default(),
            given: None,
            photodna: Photodna::default(),
            stored: None,
            values: Vec::new(),
            known: Known::default(),
            likeness: None,
            tail: TailTable::photographs(),
            weights: Weights::default(),
        }
    }
}

#[derive(Debug)]
struct Given {
    segment: Segment,
    radius_bits: u32,
    /// Where the segment lies when it is too big for memory; deleted with the snapshot.
    _folder: Option<tempfile::TempDir>,
}

/// What an answer says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) entry: String,
    pub(crate) classification: Option<String>,
}

impl Snapshot {
    /// Number of the state this is: changes with every change of any bank.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The banks, in the order in which they were added.
    pub fn banks(&self) -> &[Bank] {
        &self.banks
    }

    /// Tables that turn findings into likelihood ratios.
    pub fn calibrations(&self) -> &Calibrations {
        &self.weights.0
    }

    /// PDQ values that are searched.
    ///
    /// # Errors
    /// If the index of a data folder is damaged.
    pub fn pdq_signals(&self) -> Result<u64, LookUpError> {
        let given = self.given.as_ref().map_or(0, |given| given.segment.len());
        Ok(given + self.stored.as_ref().map_or(Ok(0), Stored::pdq_signals)?)
    }

    /// Whether values of this type stand in the snapshot; also where that cannot be told, because the index of a data
    /// folder is damaged.
    pub fn holds(&self, kind: SignalType) -> bool {
        match kind {
            SignalType::Pdq => self.pdq_signals().map_or(true, |values| values > 0),
            SignalType::Photodna => !self.photodna.is_empty(),
            SignalType::Md5 | SignalType::VideoMd5 => !self.md5.is_empty(),
            SignalType::Sha1 => !self.sha1.is_empty(),
            SignalType::Sha256 => !self.sha256.is_empty(),
            _ => false,
        }
    }

    /// How many entries a query would look at if codes were spread evenly, for each probe it makes; `None` where
    /// nothing is probed.
    pub(crate) fn entries_a_probe(&self) -> Option<f64> {
        let mut tables = Vec::new();
        if let Some(given) = &self.given {
            crate::skew::tables(&given.segment.facts(), &mut tables);
        }
        if let Some(stored) = &self.stored {
            stored.tables(&mut tables);
        }
        crate::skew::entries_a_probe(&tables)
    }

    /// The bank of an entry.
    pub(crate) fn bank_of(&self, key: u64) -> Result<&Bank, LookUpError> {
        let place = match key.checked_sub(FIRST_STORED) {
            None => usize::try_from(key).ok().and_then(|row| self.rows.bank(row)),
            Some(_) => self.stored.as_ref().and_then(|stored| stored.bank_of(key)),
        };
        place.and_then(|place| self.banks.get(place)).ok_or_else(|| unknown(key))
    }

    /// Keys of all entries with exactly this digest.
    pub(crate) fn digest(&self, kind: SignalType, value: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let slots = match kind {
            SignalType::Md5 | SignalType::VideoMd5 => value.try_into().ok().map(|v| self.md5.ids(v)),
            SignalType::Sha1 => value.try_into().ok().map(|v| self.sha1.ids(v)),
            SignalType::Sha256 => value.try_into().ok().map(|v| self.sha256.ids(v)),
            _ => None,
        };
        slots.unwrap_or_default().iter().filter_map(|slot| self.slots.get(*slot as usize).copied())
    }

    /// Every entry within its own bank's radius of each query, by query, distance and key.
    pub(crate) fn search(
        &self,
        queries: &[Code256],
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        let mut hits = self.hits(queries, None, stats)?;
        let mut failed = None;
        hits.retain(|hit| match self.bank_of(hit.id) {
            Ok(bank) => hit.distance_bits <= bank.radius_bits,
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        });
        hits.sort_unstable();
        failed.map_or(Ok(hits), Err)
    }

    /// Every entry within `radius_bits` of each query, whatever the radius of its bank.
    pub(crate) fn search_within(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        let mut hits = self.hits(queries, Some(radius_bits), stats)?;
        hits.sort_unstable();
        Ok(hits)
    }

    fn hits(
        &self,
        queries: &[Code256],
        radius_bits: Option<u32>,
        stats: &mut SearchStats,
    ) -> Result<Vec<Hit>, LookUpError> {
        let mut hits = Vec::new();
        if let Some(given) = self.given.as_ref().filter(|_| !queries.is_empty()) {
            given.segment.search_into(queries, radius_bits.unwrap_or(given.radius_bits), &mut hits, stats)?;
        }
        if let Some(stored) = self.stored.as_ref().filter(|_| !queries.is_empty()) {
            // The queries are the same ones: they count once.
            let mut own = SearchStats::default();
            stored.search(queries, radius_bits, &mut hits, &mut own)?;
            if self.given.is_some() {
                own.queries = 0;
            }
            *stats += own;
        }
        Ok(hits)
    }

    /// PDQ values of lists by key, where parts of pictures are looked up.
    pub(crate) fn given_values(&self) -> &[(u64, [u8; 32])] {
        &self.values
    }

    /// How near unrelated regions and values come.
    pub(crate) fn region_tail(&self) -> &TailTable {
        &self.tail
    }

    /// Entries that layer 3 can find.
    pub fn pictures_with_features(&self) -> usize {
        self.known.len()
    }

    /// Known pictures with local features, and the bytes of memory that these take, grey copies not counted.
    pub fn features_in_memory(&self) -> (u64, u64) {
        (self.known.len() as u64, self.known.feature_bytes())
    }

    /// Known pictures by their features.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// Known pictures by the user's descriptor.
    pub(crate) fn likeness(&self) -> Option<&Likeness> {
        self.likeness.as_ref()
    }

    /// Known pictures that layer 4 can find, and what it goes by, in words; `None` without a descriptor.
    pub fn described(&self) -> Option<(usize, String)> {
        self.likeness.as_ref().map(|likeness| (likeness.len(), likeness.told()))
    }

    /// The PDQ value of an entry that is nearest to a query; `None` where values are not at hand.
    pub(crate) fn near_value(&self, key: u64, query: &Code256) -> Option<[u8; 32]> {
        let distance = |value: &[u8; 32]| query.distance_bits(Code256::from_bytes(value));
        if key >= FIRST_STORED {
            return self.stored.as_ref()?.pdq_of(key).into_iter().min_by_key(distance);
        }
        let first = self.values.partition_point(|(other, _)| *other < key);
        let own = self.values[first..].iter().take_while(|(other, _)| *other == key);
        own.map(|(_, value)| *value).min_by_key(distance)
    }

    /// How far a match by an entry's values of a type (`None`: by the entry as a whole) may be acted upon. Some 50 µs for
    /// each value of a bank that asks for the support of members, the first time.
    pub(crate) fn standing_of(&self, key: u64, kind: Option<SignalType>) -> Result<Standing, LookUpError> {
        let Some(stored) = &self.stored else { return Ok(Standing::Match) };
        let Some(policy) = stored.policy_of(key) else { return Ok(Standing::Match) };
        for signal in stored.signals_of(key)? {
            if kind.is_some_and(|kind| plain(kind) != plain(signal.kind())) {
                continue;
            }
            let bank = key / FIRST_STORED;
            if !stored.is_supported(policy, bank, &signal, || self.holders(key, &signal))? {
                return Ok(Standing::Review);
            }
        }
        Ok(Standing::Match)
    }

    /// Entries of the bank of `key` that have exactly this value, by number. Of types that are not indexed here, that one.
    fn holders(&self, key: u64, signal: &Signal) -> Result<Vec<u64>, LookUpError> {
        let mut holders: Vec<u64> = match signal.kind() {
            SignalType::Pdq => {
                let Some(value) = signal.array() else { return Ok(vec![key]) };
                let stats = &mut SearchStats::default();
                self.hits(&[Code256::from_bytes(&value)], Some(0), stats)?.iter().map(|hit| hit.id).collect()
            }
            kind if kind.is_digest() => self.digest(kind, signal.bytes()).collect(),
            _ => Vec::new(),
        };
        holders.retain(|other| other / FIRST_STORED == key / FIRST_STORED);
        holders.push(key);
        holders.sort_unstable();
        holders.dedup();
        Ok(holders)
    }

    /// What an answer says of these entries.
    pub(crate) fn names(&self, keys: &BTreeSet<u64>) -> Result<BTreeMap<u64, Name>, LookUpError> {
        let mut names = BTreeMap::new();
        for key in keys.range(..FIRST_STORED) {
            let row = usize::try_from(*key).ok().and_then(|row| self.rows.row(row));
            let row = row.ok_or_else(|| unknown(*key))?;
            let classification = row.classification.map(str::to_owned);
            names.insert(*key, Name { entry: row.entry.to_owned(), classification });
        }
        let mut stored = keys.range(FIRST_STORED..).peekable();
        if stored.peek().is_some() {
            let Some(source) = &self.stored else { return Err(unknown(0)) };
            source.names(stored.copied(), &mut names)?;
        }
        Ok(names)
    }
}

fn unknown(key: u64) -> LookUpError {
    LookUpError::Mismatch(format!("no entry has number {key}"))
}

/// Gathers banks and entries, then builds the indexes once.
pub struct SnapshotBuilder {
    banks: Vec<Bank>,
    rows: Rows,
    slots: Vec<u64>,
    md5: Vec<([u8; 16], u32)>,
    sha1: Vec<([u8; 20], u32)>,
    sha256: Vec<([u8; 32], u32)>,
    options: BuildOptions,
    pdq: SegmentBuilder,
    pdq_count: u64,
    /// Largest radius of the banks whose values are in `pdq`.
    radius_bits: u32,
    photodna: PhotodnaBuilder,
    stored: Option<Stored>,
    /// Whether parts of pictures are to be looked up.
    parts: bool,
    values: Vec<(u64, [u8; 32])>,
    known: KnownBuilder,
    likeness: Option<LikenessBuilder>,
    tail: TailTable,
    weights: Weights,
}

impl Default for SnapshotBuilder {
    /// One thread, 2 GiB.
    fn default() -> Self {
        Self::new(BuildOptions::default())
    }
}

/// Why entries cannot be taken into a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Too many entries.
    #[error("more than {} entries in one snapshot", u32::MAX - 1)]
    TooManyEntries,
    /// The index cannot be built.
    #[error(transparent)]
    Index(#[from] SegmentError),
    /// There is no room for an index that is too big for memory.
    #[error("temporary folder {}: {source}", path.display())]
    Folder {
        /// Where it was to be.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl SnapshotBuilder {
    /// Builds with so many threads, and so much memory; what does not fit is built, and mapped, in a temporary file.
    pub fn new(options: BuildOptions) -> Self {
        Self {
            banks: Vec::new(),
            rows: Rows::default(),
            slots: Vec::new(),
            md5: Vec::new(),
            sha1: Vec::new(),
            sha256: Vec::new(),
            pdq: SegmentBuilder::new(options.clone()).spill_in(&std::env::temp_dir()),
            options,
            pdq_count: 0,
            radius_bits: 0,
            photodna: PhotodnaBuilder::default(),
            stored: None,
            parts: false,
            values: Vec::new(),
            known: KnownBuilder::default(),
            likeness: None,
            tail: TailTable::photographs(),
            weights: Weights(Calibrations::built_in()),
        }
    }

    /// Goes by a tail of accidental nearness that was learned on the operator's own traffic.
    ///
    /// # Errors
    /// [`TailError`].
    pub fn with_tail(mut self, path: &std::path::Path) -> Result<Self, TailError> {
        self.tail = crate::derive::load_tail(path)?;
        Ok(self)
    }

    /// What is kept of known pictures beside their hashes.
    pub(crate) fn known_mut(&mut self) -> &mut KnownBuilder {
        &mut self.known
    }

    /// The banks of the data folder that was added, and what features of known pictures go into.
    pub(crate) fn stored_and_known(&mut self) -> (Option<&Stored>, &[Bank], &mut KnownBuilder) {
        (self.stored.as_ref(), &self.banks, &mut self.known)
    }

    /// Takes vectors of a user's model, too, by its name and dimension. Say so before anything is added. `background`:
    /// unrelated pictures, which scores are normalised by.
    pub fn with_descriptor(mut self, model: &str, dimension: usize, background: Option<Background>) -> Self {
        self.likeness = Some(LikenessBuilder::new(model, dimension, background));
        self
    }

    /// Vectors of known pictures, where they are looked for.
    pub(crate) fn likeness_mut(&mut self) -> Option<&mut LikenessBuilder> {
        self.likeness.as_mut()
    }

    /// The banks of the data folder that was added, and what vectors of known pictures go into.
    pub(crate) fn stored_and_likeness(&mut self) -> (Option<&Stored>, &[Bank], Option<&mut LikenessBuilder>) {
        (self.stored.as_ref(), &self.banks, self.likeness.as_mut())
    }

    /// Weighs findings by these tables instead of those built in.
    pub fn weighing_by(mut self, tables: Calibrations) -> Self {
        self.weights = Weights(tables);
        self
    }

    /// Keeps what looking up parts of pictures needs, 40 bytes a PDQ value of a list. Say so before anything is added.
    pub fn with_parts(mut self) -> Self {
        self.parts = true;
        self
    }

    /// Takes PhotoDNA values in too, in memory, about 160 bytes each. Say so before anything is added. Without it they
    /// are passed over: files have none, only values given as such can be matched with them.
    pub fn with_photodna(mut self) -> Self {
        self.photodna = PhotodnaBuilder::wanted();
        self
    }

    /// Adds a bank; the entries that follow are its own. Its version's `entries` is counted here.
    pub fn bank(&mut self, mut bank: Bank) {
        bank.version.entries = 0;
        self.banks.push(bank);
        self.rows.next_bank();
    }

    /// The banks added so far.
    pub fn banks(&self) -> &[Bank] {
        &self.banks
    }

    /// Says which version the bank added last is.
    pub fn version(&mut self, version: ListVersion) {
        if let Some(bank) = self.banks.last_mut() {
            bank.version = version;
        }
    }

    /// Adds an entry of the bank added last.
    ///
    /// PDQ and PhotoDNA values of known-good and negative banks are left out: those kinds speak by exact digest only.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn entry(&mut self, entry: &ListEntry) -> Result<(), BuildError> {
        self.keyed(entry).map(drop)
    }

    /// As [`SnapshotBuilder::entry`]; returns the entry's key.
    pub(crate) fn keyed(&mut self, entry: &ListEntry) -> Result<u64, BuildError> {
        let row = u32::try_from(self.rows.len()).ok().filter(|row| *row < u32::MAX - 1);
        let key = u64::from(row.ok_or(BuildError::TooManyEntries)?);
        let Some(own) = self.banks.last_mut() else { return Err(BuildError::TooManyEntries) };
        own.version.entries += 1;
        let (makes_known, radius_bits) = (own.kind.makes_known(), own.radius_bits);
        let photodna_max_distance = own.photodna_max_distance;
        let mut slot = None;
        for signal in &entry.signals {
            if signal.kind() == SignalType::Pdq {
                if let Some(value) = signal.array().filter(|_| makes_known) {
                    self.pdq(value, key, radius_bits)?;
                }
            } else if signal.kind() == SignalType::Photodna {
                if makes_known {
                    self.photodna.push(signal.bytes(), key, photodna_max_distance)?;
                }
            } else {
                self.digest(signal.kind(), signal.bytes(), key, &mut slot)?;
            }
        }
        self.rows.push(&entry.entry, entry.classification.as_deref());
        Ok(key)
    }

    /// Adds the banks of a data folder.
    ///
    /// # Errors
    /// [`BuildError`], and the store's.
    pub fn stored(&mut self, open: OpenBanks) -> Result<(), crate::banks::BanksError> {
        let (banks, mut stored) = (open.banks, open.stored);
        for (number, bank) in banks {
            let place = self.banks.len();
            stored.add_bank(number, place, &bank);
            let (name, kind, radius_bits) = (bank.name.clone(), bank.kind, bank.radius_bits);
            let photodna_max_distance = bank.photodna_max_distance;
            self.rows.next_bank();
            self.banks.push(bank);
            stored.for_each_digest::<crate::banks::BanksError>(&name, |no, signal| {
                // One slot a digest: signals come by entry, but an entry may have several.
                Ok(self.digest(signal.kind(), signal.bytes(), no, &mut None)?)
            })?;
            if !stored.is_indexed() && kind.makes_known() {
                stored.for_each_pdq::<crate::banks::BanksError>(&name, |no, value| {
                    Ok(self.pdq(value, no, radius_bits)?)
                })?;
            }
            if self.photodna.is_wanted() && kind.makes_known() {
                stored.for_each_photodna::<crate::banks::BanksError>(&name, |no, value| {
                    Ok(self.photodna.push(value, no, photodna_max_distance)?)
                })?;
            }
        }
        self.stored = Some(stored);
        Ok(())
    }

    fn pdq(&mut self, value: [u8; 32], key: u64, radius_bits: u32) -> Result<(), BuildError> {
        self.radius_bits = self.radius_bits.max(radius_bits);
        self.pdq_count += 1;
        if self.parts && key < FIRST_STORED {
            self.values.push((key, value));
        }
        Ok(self.pdq.push(Code256::from_bytes(&value), key)?)
    }

    /// `slot`: the number under which the entry stands already.
    fn digest(
        &mut self,
        kind: SignalType,
        value: &[u8],
        key: u64,
        slot: &mut Option<u32>,
    ) -> Result<(), BuildError> {
        if !kind.is_digest() {
            // Kept in banks and passed on; not matched here.
            return Ok(());
        }
        let slot = match *slot {
            Some(slot) => slot,
            None => {
                let next = u32::try_from(self.slots.len()).ok().filter(|next| *next < u32::MAX - 1);
                let next = next.ok_or(BuildError::TooManyEntries)?;
                self.slots.push(key);
                *slot = Some(next);
                next
            }
        };
        match kind {
            SignalType::Md5 | SignalType::VideoMd5 => self.md5.extend(value.try_into().map(|v| (v, slot))),
            SignalType::Sha1 => self.sha1.extend(value.try_into().map(|v| (v, slot))),
            SignalType::Sha256 => self.sha256.extend(value.try_into().map(|v| (v, slot))),
            _ => {}
        }
        Ok(())
    }

    /// Builds the indexes. Cost: a sort of each kind of digest; under a microsecond a PDQ value and core.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self, generation: u64) -> Result<Snapshot, BuildError> {
        self.build_telling(generation, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`SnapshotBuilder::build`]; `progress` is told each step, and stops it by breaking.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build_telling(
        self,
        generation: u64,
        progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
    ) -> Result<Snapshot, BuildError> {
        let given = match self.pdq_count {
            0 => None,
            count => {
                let (segment, folder) = segment(self.pdq, count, &self.options, progress)?;
                Some(Given { segment, radius_bits: self.radius_bits, _folder: folder })
            }
        };
        Ok(Snapshot {
            generation,
            banks: self.banks,
            rows: self.rows,
            slots: self.slots,
            md5: DigestIndex::from_entries(self.md5),
            sha1: DigestIndex::from_entries(self.sha1),
            sha256: DigestIndex::from_entries(self.sha256),
            given,
            photodna: self.photodna.build(),
            stored: self.stored,
            values: self.values,
            known: self.known.build(),
            likeness: self.likeness.map(LikenessBuilder::build),
            tail: self.tail,
            weights: self.weights,
        })
    }
}

/// A segment in memory, or mapped from a temporary file when it would not fit.
fn segment(
    builder: SegmentBuilder,
    count: u64,
    options: &BuildOptions,
    progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
) -> Result<(Segment, Option<tempfile::TempDir>), BuildError> {
    if count.saturating_mul(BYTES_A_CODE) <= options.memory_bytes {
        return Ok((builder.build(progress)?, None));
    }
    let folder = tempfile::Builder::new().prefix("lodestone-index-").tempdir();
    let folder = folder.map_err(|source| BuildError::Folder { path: std::env::temp_dir(), source })?;
    let path = folder.path().join("lists.lseg");
    builder.write(&path, progress)?;
    let segment = Segment::open(&path)?;
    // Written a moment ago by this process: checked once as a whole, then read without checks.
    segment.verify(&mut |_, _| ControlFlow::Continue(()))?;
    Ok((segment, Some(folder)))
}
