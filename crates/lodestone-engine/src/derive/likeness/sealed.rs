//! Vectors that stored banks hold, sealed: opened once, into the snapshot of a command that looks for them.

use lodestone_index::{ByteVector, CosineError};
use lodestone_store::{Batch, StoreError};

use crate::derive::SealFailed;
use crate::snapshot::SnapshotBuilder;

/// Seals vectors of known pictures and opens them again, each for its own entry and model: who holds the keys.
pub trait DescriptorSeal {
    /// Seals the vector of an entry.
    ///
    /// # Errors
    /// No key, or not the one that seals in this folder.
    fn seal_descriptor(
        &self,
        batch: &mut Batch<'_>,
        entry_no: i64,
        model: &str,
        vector: &[u8],
    ) -> Result<Vec<u8>, SealFailed>;

    /// Opens the vector of an entry.
    ///
    /// # Errors
    /// No key, another key, or damage.
    fn open_descriptor(&self, entry_no: i64, model: &str, sealed: &[u8]) -> Result<Vec<u8>, SealFailed>;
}

/// Why the descriptors of stored banks could not be taken into a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorsError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One cannot be opened.
    #[error("the descriptor of entry {entry:?} of bank {bank} cannot be opened: {source}")]
    Sealed {
        /// The bank.
        bank: String,
        /// The list's id of the entry.
        entry: String,
        /// Why.
        source: SealFailed,
    },
    /// One was opened and is none of this model.
    #[error(
        "the descriptor of entry {entry:?} of bank {bank} cannot be read: {source}; bank the picture again"
    )]
    Vector {
        /// The bank.
        bank: String,
        /// The list's id of the entry.
        entry: String,
        /// What is wrong.
        source: CosineError,
    },
}

/// What descriptors of stored banks were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedDescriptors {
    /// Entries that are looked for.
    pub pictures: u64,
    /// Descriptors of other models, which compare with nothing of the one in use, and how many entries have one.
    pub others: Vec<(String, u64)>,
}

/// What ended the reading of a bank: the store, or an entry.
enum Ended {
    Store(StoreError),
    Sealed(u64, SealFailed),
    Vector(u64, CosineError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SnapshotBuilder {
    /// Takes the descriptors of the model in use that the banks of the data folder hold, which was added by
    /// [`SnapshotBuilder::stored`]. Banks that speak by exact digest only are passed over. Without a model nothing is taken.
    ///
    /// # Errors
    /// [`DescriptorsError`], of the first entry whose vector cannot be opened; the builder is then of no use.
    pub fn stored_descriptors(
        &mut self,
        seal: &dyn DescriptorSeal,
    ) -> Result<LoadedDescriptors, DescriptorsError> {
        let mut loaded = LoadedDescriptors::default();
        let (Some(stored), banks, Some(likeness)) = self.stored_and_likeness() else { return Ok(loaded) };
        let model = likeness.model().to_owned();
        for (other, entries) in stored.descriptor_models()? {
            if other != model {
                loaded.others.push((other, entries));
            }
        }
        for bank in stored.banks().filter_map(|place| banks.get(place)).filter(|bank| bank.kind.makes_known())
        {
            let read = stored.for_each_descriptor(&bank.name, &model, |key, sealed| {
                let no = i64::try_from(key).unwrap_or(i64::MAX);
                let bytes =
                    seal.open_descriptor(no, &model, sealed).map_err(|error| Ended::Sealed(key, error))?;
                let vector = ByteVector::from_bytes(&bytes).map_err(|error| Ended::Vector(key, error))?;
                if !likeness.push(key, &vector) {
                    return Err(Ended::Vector(key, CosineError::Dimension(vector.dimension())));
                }
                loaded.pictures += 1;
                Ok(())
            });
            // The entry is named here, where the store is free to be asked.
            let (bank, entry) = (bank.name.clone(), |key| stored.entry_words(key));
            read.map_err(|ended| match ended {
                Ended::Store(error) => DescriptorsError::Store(error),
                Ended::Sealed(key, source) => DescriptorsError::Sealed { bank, entry: entry(key), source },
                Ended::Vector(key, source) => DescriptorsError::Vector { bank, entry: entry(key), source },
            })?;
        }
        Ok(loaded)
    }
}
