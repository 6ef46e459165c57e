//! Features that stored banks hold, sealed: opened once, into the snapshot of a command that looks for them.
//!
//! Whoever holds keys opens and seals; nothing here knows one. What cannot be opened ends the loading: a known picture
//! that is passed over would read as "no match".

use std::error::Error;

use lodestone_features::{Features, RecordError};
use lodestone_store::{Batch, StoreError};

use crate::snapshot::SnapshotBuilder;

/// Why features could not be sealed or opened, in the words of whoever holds the keys.
pub type SealFailed = Box<dyn Error + Send + Sync>;

/// Seals features of known pictures and opens them again, each for its own entry: who holds the keys.
pub trait FeatureSeal {
    /// Seals the features of an entry; what is sealed for one opens for no other.
    ///
    /// # Errors
    /// No key, or not the one that seals in this folder.
    fn seal(&self, batch: &mut Batch<'_>, entry_no: i64, record: &[u8]) -> Result<Vec<u8>, SealFailed>;

    /// Opens the features of an entry.
    ///
    /// # Errors
    /// No key, another key, or damage.
    fn open(&self, entry_no: i64, sealed: &[u8]) -> Result<Vec<u8>, SealFailed>;
}

/// Why the features of stored banks could not be taken into a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They cannot be opened.
    #[error("the local features of entry {entry:?} of bank {bank} cannot be opened: {source}")]
    Sealed {
        /// The bank.
        bank: String,
        /// The list's id of the entry.
        entry: String,
        /// Why.
        source: SealFailed,
    },
    /// They were opened and are no features.
    #[error(
        "the local features of entry {entry:?} of bank {bank} cannot be read: {source}; bank the picture again"
    )]
    Record {
        /// The bank.
        bank: String,
        /// The list's id of the entry.
        entry: String,
        /// What is wrong.
        source: RecordError,
    },
    /// There are more than one index holds.
    #[error("more local features than one index holds, some five million pictures")]
    Full,
}

/// What features of stored banks were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadedFeatures {
    /// Entries whose features are looked for.
    pub pictures: u64,
    /// Entries whose features another version of the extractor made: they compare with nothing that this one makes.
    pub outdated: u64,
}

/// What ended the reading of a bank: the store, or an entry.
enum Ended {
    Store(StoreError),
    Sealed(u64, SealFailed),
    Record(u64, RecordError),
    Full,
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SnapshotBuilder {
    /// Takes the features that the banks of the data folder hold, which was added by [`SnapshotBuilder::stored`]. Banks
    /// that speak by exact digest only are passed over.
    ///
    /// Cost: about 20 µs and 9.4 KB a picture of 200 features, the building of the index not counted.
    ///
    /// # Errors
    /// [`FeaturesError`], of the first entry whose features cannot be opened; the builder is then of no use.
    pub fn stored_features(&mut self, seal: &dyn FeatureSeal) -> Result<LoadedFeatures, FeaturesError> {
        let mut loaded = LoadedFeatures::default();
        let (Some(stored), banks, known) = self.stored_and_known() else { return Ok(loaded) };
        for bank in stored.banks().filter_map(|place| banks.get(place)).filter(|bank| bank.kind.makes_known())
        {
            let read = stored.for_each_features(&bank.name, |key, sealed| {
                let no = i64::try_from(key).unwrap_or(i64::MAX);
                let record = seal.open(no, sealed).map_err(|error| Ended::Sealed(key, error))?;
                match Features::from_bytes(&record) {
                    Ok(features) if known.features(key, &features) => loaded.pictures += 1,
                    Ok(_) => return Err(Ended::Full),
                    Err(RecordError::Extractor { .. }) => loaded.outdated += 1,
                    Err(error) => return Err(Ended::Record(key, error)),
                }
                Ok(())
            });
            // The entry is named here, where the store is free to be asked.
            let (bank, entry) = (bank.name.clone(), |key| stored.entry_words(key));
            read.map_err(|ended| match ended {
                Ended::Store(error) => FeaturesError::Store(error),
                Ended::Sealed(key, source) => FeaturesError::Sealed { bank, entry: entry(key), source },
                Ended::Record(key, source) => FeaturesError::Record { bank, entry: entry(key), source },
                Ended::Full => FeaturesError::Full,
            })?;
        }
        Ok(loaded)
    }
}

/// Checks that bytes are features of this version of the extractor; returns how many.
///
/// # Errors
/// [`RecordError`].
pub fn check_features(record: &[u8]) -> Result<usize, RecordError> {
    Features::from_bytes(record).map(|features| features.len())
}
