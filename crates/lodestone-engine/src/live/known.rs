//! Known pictures of the banks by their local features: what layer 3 of a server's look-ups compares with.
//!
//! ```text
//! features, sealed in the store ──opened──▶ [ large part │ small part ]  immutable, swapped whole
//! change of banks ──▶ numbers and sizes read ──▶ new ones opened into the small part; what went is passed over at once
//! ```
//!
//! Building an index takes some microseconds a feature, so that what comes later goes into a small part of its own until
//! it is worth building everything anew. An entry that went or changed is not found from the moment on in which the
//! [`LiveState`] says so, whenever its features leave the memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lodestone_features::{Features, RecordError};
use lodestone_store::{Store, StoreError};

use super::state::LiveState;
use crate::derive::{FeatureSeal, Known, KnownBuilder, Pictures};
use crate::snapshot::FIRST_STORED;

/// What is kept of a bank's pictures, and what of it is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownBank {
    /// Entries with features in the store.
    pub kept: u64,
    /// Of those, entries that are looked for.
    pub looked_for: u64,
    /// Entries for which there is no room in memory.
    pub no_room: u64,
    /// Entries whose features cannot be opened or read: no key, another key, damage.
    pub unreadable: u64,
    /// Entries whose features another version of the extractor made: they compare with nothing that this one makes.
    pub outdated: u64,
}

impl KnownBank {
    /// Entries with features that are not looked for.
    pub fn not_looked_for(&self) -> u64 {
        self.kept.saturating_sub(self.looked_for)
    }
}

/// Known pictures at one moment. Immutable, shared by all who look.
#[derive(Clone, Debug, Default)]
pub struct LiveKnown {
    /// The reading of the banks that entry numbers were touched since.
    reading: Option<Arc<()>>,
    /// Generation of the banks from which on an entry may have changed since its features were read.
    generation: u64,
    /// A large one, and a small one where something came since.
    parts: Vec<Part>,
    refused: BTreeMap<u64, Refused>,
    banks: BTreeMap<u64, KnownBank>,
}

/// Pictures of one index.
#[derive(Clone, Debug)]
struct Part {
    known: Arc<Known>,
    /// Those that do not count any more.
    dead: Arc<BTreeSet<u64>>,
}

/// Why an entry's features are not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Unreadable,
    Outdated,
    Full,
}

/// Takes why the features of an entry cannot be looked for: its number, and the reason in words without secrets.
pub type TellRefused<'t> = dyn FnMut(u64, &str) + 't;

/// Bytes of memory to one byte of what is sealed: 50 a feature against 38 of its record. Among very few pictures, where most
/// buckets of an index are nearly empty, it is up to a fifth more.
const BYTES_A_SEALED_BYTE: (u64, u64) = (50, 38);
/// And for each picture beside them: its place, and where its features lie.
const BYTES_A_PICTURE: u64 = 64;
/// The small part may have this part of the large one's pictures before all are built anew, and so much may be dead.
const LOOSE: usize = 4;
/// Below so many pictures everything is built anew: some tens of milliseconds.
const FEW: usize = 64;

impl LiveKnown {
    /// The pictures that are looked for now, after those of an earlier moment: `None` where nothing changed since.
    /// `max_bytes` bounds the memory of what is looked for, as near as it can be told before; banks whose own setting asks for layer 3 come first, then by
    /// number. What cannot be opened is told and counted, and does not stop the rest.
    ///
    /// Cost: 1 µs an entry with features, 20 µs for each that is new, and the building: some microseconds a feature, for a
    /// small part of them at most times. While an index is built the memory of it is there three times.
    ///
    /// # Errors
    /// The store's.
    pub fn next(
        &self,
        store: &Store,
        state: &LiveState,
        seal: &dyn FeatureSeal,
        max_bytes: u64,
        tell: &mut TellRefused<'_>,
    ) -> Result<Option<Self>, StoreError> {
        if self.is_of(state) && self.generation == state.generation {
            return Ok(None);
        }
        let none = Self::default();
        let before = if self.is_of(state) { self } else { &none };
        let mut banks = BTreeMap::new();
        let wanted = wanted(store, state, max_bytes, &mut banks)?;
        // What was read before still stands unless its entry was touched since.
        let stands = |no: &u64| wanted.contains(no) && state.stands_since(*no, before.generation);
        let mut parts: Vec<Part> = before.parts.iter().map(|part| part.without(&stands)).collect();
        let mut refused = before.refused.clone();
        refused.retain(|no, _| stands(no));
        let held: BTreeSet<u64> = parts.iter().flat_map(Part::alive).collect();
        let fresh: Vec<u64> =
            wanted.iter().copied().filter(|no| !held.contains(no) && !refused.contains_key(no)).collect();
        let small = parts.get(1).map_or(0, |part| part.alive().count()) + fresh.len();
        let anew = match parts.first() {
            None => true,
            Some(large) => {
                let alive = large.alive().count();
                alive < FEW || small * LOOSE > alive || large.dead.len() * LOOSE > alive
            }
        };
        let small_died = parts.get(1).is_some_and(|part| !part.dead.is_empty());
        let large_died = parts.first().is_some_and(|part| !part.dead.is_empty());
        if !fresh.is_empty() || small_died || (anew && large_died) {
            let from = if anew { 0 } else { 1 };
            let mut builder = KnownBuilder::default();
            for part in parts.get(from..).unwrap_or_default() {
                for no in part.alive() {
                    if let Some(features) = part.known.features(no) {
                        builder.features(no, &features);
                    }
                }
            }
            for no in fresh {
                match open(store, seal, no, tell)? {
                    Opened::Gone => {}
                    Opened::Features(features) if builder.features(no, &features) => {}
                    Opened::Features(_) => _ = refused.insert(no, Refused::Full),
                    Opened::Refused(why) => _ = refused.insert(no, why),
                }
            }
            parts.truncate(from);
            let known = builder.build();
            if known.len() > 0 {
                parts.push(Part { known: Arc::new(known), dead: Arc::default() });
            }
        }
        for no in parts.iter().flat_map(Part::alive) {
            banks.entry(no / FIRST_STORED).or_default().looked_for += 1;
        }
        for (no, why) in &refused {
            let bank = banks.entry(no / FIRST_STORED).or_default();
            match why {
                Refused::Unreadable => bank.unreadable += 1,
                Refused::Outdated => bank.outdated += 1,
                Refused::Full => bank.no_room += 1,
            }
        }
        let reading = Some(Arc::clone(&state.reading));
        Ok(Some(Self { reading, generation: state.generation, parts, refused, banks }))
    }

    /// Whether these can be looked for in a state of the banks: both come from one reading. Where not, they are about to be
    /// read anew, and nobody may take what they miss for "no match".
    pub fn is_of(&self, state: &LiveState) -> bool {
        self.reading.as_ref().is_some_and(|reading| Arc::ptr_eq(reading, &state.reading))
    }

    /// The generation of the banks up to which these are complete.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What is kept of each bank's pictures, by the bank's number; banks without any are left out.
    pub fn banks(&self) -> &BTreeMap<u64, KnownBank> {
        &self.banks
    }

    /// All banks together.
    pub fn total(&self) -> KnownBank {
        self.banks.values().fold(KnownBank::default(), |sum, one| KnownBank {
            kept: sum.kept + one.kept,
            looked_for: sum.looked_for + one.looked_for,
            no_room: sum.no_room + one.no_room,
            unreadable: sum.unreadable + one.unreadable,
            outdated: sum.outdated + one.outdated,
        })
    }

    /// Entries whose features cannot be opened or read, by rising number.
    pub fn unreadable(&self) -> impl Iterator<Item = u64> {
        self.refused.iter().filter(|(_, why)| **why == Refused::Unreadable).map(|(no, _)| *no)
    }

    /// Bytes of memory that they take.
    pub fn memory_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.known.feature_bytes()).sum()
    }

    /// Whether a picture of the part at `place` is looked for in this state of the banks.
    pub(crate) fn stands(&self, state: &LiveState, place: usize, no: u64) -> bool {
        self.parts.get(place).is_some_and(|part| part.known.has(no) && !part.dead.contains(&no))
            && state.bank_of(no).is_some()
            && state.stands_since(no, self.generation)
    }

    /// All parts, for a search.
    pub(crate) fn pictures<'k>(&'k self, takes_part: &'k dyn Fn(usize, u64) -> bool) -> Pictures<'k> {
        let parts: Vec<&Known> = self.parts.iter().map(|part| &*part.known).collect();
        let total = parts.iter().map(|known| known.len() as u64).sum();
        Pictures { parts, total, takes_part }
    }
}

impl Part {
    /// Pictures that count.
    fn alive(&self) -> impl Iterator<Item = u64> {
        self.known.keys().filter(|no| !self.dead.contains(no))
    }

    /// The same where only those count that stand.
    fn without(&self, stands: &dyn Fn(&u64) -> bool) -> Self {
        let dead: BTreeSet<u64> =
            self.known.keys().filter(|no| self.dead.contains(no) || !stands(no)).collect();
        let dead = if dead.len() == self.dead.len() { Arc::clone(&self.dead) } else { Arc::new(dead) };
        Self { known: Arc::clone(&self.known), dead }
    }
}

/// Entries that are to be looked for, as many as there is room for; counts what each bank keeps, and what has no room.
fn wanted(
    store: &Store,
    state: &LiveState,
    max_bytes: u64,
    banks: &mut BTreeMap<u64, KnownBank>,
) -> Result<BTreeSet<u64>, StoreError> {
    let mut order: Vec<_> = state.banks().filter(|bank| bank.bank.kind.makes_known()).collect();
    order.sort_by_key(|bank| (bank.layers & 0b100 == 0, bank.number));
    let (mut wanted, mut left) = (BTreeSet::new(), max_bytes);
    for bank in order {
        let sizes = match store.feature_sizes(&bank.bank.name) {
            Ok(sizes) => sizes,
            // Deleted, or renamed, since: the next step knows.
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        if sizes.is_empty() {
            continue;
        }
        let mut counts = KnownBank { kept: sizes.len() as u64, ..KnownBank::default() };
        for (no, sealed_bytes) in sizes {
            let (bytes, of) = BYTES_A_SEALED_BYTE;
            match left.checked_sub(sealed_bytes.saturating_mul(bytes) / of + BYTES_A_PICTURE) {
                Some(rest) => {
                    left = rest;
                    wanted.insert(no.unsigned_abs());
                }
                None => {
                    // No smaller one behind it takes the room: which are left out is the same every time.
                    left = 0;
                    counts.no_room += 1;
                }
            }
        }
        banks.insert(bank.number, counts);
    }
    Ok(wanted)
}

enum Opened {
    Features(Features),
    Refused(Refused),
    Gone,
}

fn open(
    store: &Store,
    seal: &dyn FeatureSeal,
    no: u64,
    tell: &mut TellRefused<'_>,
) -> Result<Opened, StoreError> {
    let number = i64::try_from(no).unwrap_or(i64::MAX);
    let Some(sealed) = store.features(number)? else { return Ok(Opened::Gone) };
    let record = match seal.open(number, &sealed) {
        Ok(record) => record,
        Err(error) => {
            tell(no, &error.to_string());
            return Ok(Opened::Refused(Refused::Unreadable));
        }
    };
    Ok(match Features::from_bytes(&record) {
        Ok(features) => Opened::Features(features),
        Err(RecordError::Extractor { .. }) => Opened::Refused(Refused::Outdated),
        Err(error) => {
            tell(no, &error.to_string());
            Opened::Refused(Refused::Unreadable)
        }
    })
}
