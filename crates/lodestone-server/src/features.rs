//! Local features of known pictures at rest: sealed as other secrets are, each for its own entry.
//!
//! A record of features can be turned back into a rough picture, and is guarded like one. What is sealed for one entry
//! opens for no other: entry numbers hold their bank's, and are never given twice in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, Write};

use lodestone_engine::derive::{DescriptorSeal, FeatureSeal, SealFailed, check_features};
use lodestone_net::Secret;
use lodestone_store::{Batch, Store, StoreError};
use lodestone_types::Signal;

use crate::bundle::{BundleEntry, BundleError, BundleReader, BundleWriter};
use crate::secrets::{Secrets, SecretsError};

/// What the features of an entry are sealed for.
pub fn purpose(entry_no: i64) -> String {
    format!("features:{}:{entry_no}", bank_of(entry_no))
}

/// What purposes of descriptors begin with.
pub(crate) const DESCRIPTOR: &str = "descriptor";

/// What the vector of an entry by a user's descriptor is sealed for.
pub fn descriptor_purpose(entry_no: i64, model: &str) -> String {
    format!("{DESCRIPTOR}:{}:{entry_no}:{model}", bank_of(entry_no))
}

fn bank_of(entry_no: i64) -> i64 {
    entry_no >> 40
}

/// An entry and its bank, for an error's words.
pub(crate) fn entry_words(batch: &Batch<'_>, entry_no: i64) -> String {
    let banks = batch.banks().unwrap_or_default();
    let bank = banks.into_iter().find(|bank| bank.number == bank_of(entry_no)).map(|bank| bank.bank.name);
    let entry = batch.entry_name(entry_no).ok().flatten().map(|name| name.entry);
    match (entry, bank) {
        (Some(entry), Some(bank)) => format!("entry {entry:?} of bank {bank}"),
        _ => format!("entry number {entry_no}"),
    }
}

impl FeatureSeal for Secrets {
    fn seal(&self, batch: &mut Batch<'_>, entry_no: i64, record: &[u8]) -> Result<Vec<u8>, SealFailed> {
        Ok(self.seal_bytes(batch, &purpose(entry_no), &Secret::new(record))?)
    }

    fn open(&self, entry_no: i64, sealed: &[u8]) -> Result<Vec<u8>, SealFailed> {
        Ok(self.unseal_bytes(&purpose(entry_no), sealed)?.expose().to_vec())
    }
}

/// Seals the features of a picture that was just added, in the commit that adds it.
///
/// # Errors
/// [`SecretsError`]: then the picture should not be added either.
pub(crate) fn keep(
    batch: &mut Batch<'_>,
    secrets: &Secrets,
    entry_no: i64,
    record: &[u8],
) -> Result<(), SecretsError> {
    let sealed = secrets.seal_bytes(batch, &purpose(entry_no), &Secret::new(record))?;
    Ok(batch.put_features(entry_no, &sealed)?)
}

impl DescriptorSeal for Secrets {
    fn seal_descriptor(
        &self,
        batch: &mut Batch<'_>,
        entry_no: i64,
        model: &str,
        vector: &[u8],
    ) -> Result<Vec<u8>, SealFailed> {
        Ok(self.seal_bytes(batch, &descriptor_purpose(entry_no, model), &Secret::new(vector))?)
    }

    fn open_descriptor(&self, entry_no: i64, model: &str, sealed: &[u8]) -> Result<Vec<u8>, SealFailed> {
        Ok(self.unseal_bytes(&descriptor_purpose(entry_no, model), sealed)?.expose().to_vec())
    }
}

/// Why features did not go into a bundle, or did not come out of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Features cannot be opened, or not be sealed.
    #[error("the local features of entry {entry:?} cannot be used: {source}")]
    Sealed {
        /// The list's id of the entry.
        entry: String,
        /// Why.
        source: SecretsError,
    },
}

/// What went into a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Entries with features.
    pub entries: u64,
    /// Entries whose features another version of the extractor made: they are left out.
    pub outdated: u64,
}

/// Writes the features of a bank into a bundle, and ends it. Memory: one entry.
///
/// # Errors
/// [`ExchangeError`]; what was written is then no bundle.
pub fn write_bundle<W: Write>(
    store: &Store,
    bank: &str,
    secrets: &Secrets,
    mut writer: BundleWriter<W>,
) -> Result<(W, Given), ExchangeError> {
    let mut given = Given::default();
    store.for_each_features::<ExchangeError>(bank, |no, sealed| {
        let Some(entry) = store.entry_by_no(no)? else { return Ok(()) };
        let record = secrets
            .unseal_bytes(&purpose(no), sealed)
            .map_err(|source| ExchangeError::Sealed { entry: entry.row.entry.clone(), source })?;
        if check_features(record.expose()).is_err() {
            given.outdated += 1;
            return Ok(());
        }
        let digests = entry.row.signals.into_iter().filter(|one| one.kind().is_digest()).collect();
        given.entries += 1;
        Ok(writer.entry(&BundleEntry {
            entry: entry.row.entry,
            digests,
            record: record.expose().to_vec(),
        })?)
    })?;
    let (out, _) = writer.finish()?;
    Ok((out, given))
}

/// What came of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Entries of the bundle.
    pub entries: u64,
    /// Entries of the bank that have its features now.
    pub taken: u64,
    /// Entries of the bank that had features already, which they keep.
    pub unchanged: u64,
    /// Ids of the entries of the bundle that the bank knows neither by digest nor by id: they are not taken.
    pub unknown: Vec<String>,
}

/// Gives the features of a bundle to the entries of a bank that have the same digest; else, where no digest says
/// otherwise, to the one of the same id. All or nothing: the bundle is read to its end before anything is written.
///
/// Memory: about 300 bytes an entry of the bundle.
///
/// # Errors
/// [`ExchangeError`]; nothing is changed then.
pub fn read_bundle<R: Read + Seek>(
    store: &mut Store,
    bank: &str,
    secrets: &Secrets,
    reader: &mut BundleReader<R>,
    now_us: i64,
) -> Result<Taken, ExchangeError> {
    let receivers = receivers(store, bank, reader)?;
    let mut taken = Taken { entries: receivers.len() as u64, ..Taken::default() };
    store.batch(now_us, |batch| {
        reader.rewind()?;
        let mut next = receivers.iter();
        while let Some(entry) = reader.entry()? {
            let changed =
                || BundleError::Damaged { part: 0, reason: "it changed while it was read".to_owned() };
            let numbers = next.next().ok_or_else(changed)?;
            if numbers.is_empty() {
                taken.unknown.push(entry.entry.clone());
            }
            for no in numbers {
                let sealed = |source| ExchangeError::Sealed { entry: entry.entry.clone(), source };
                match take(batch, secrets, *no, &entry.record).map_err(sealed)? {
                    true => taken.taken += 1,
                    false => taken.unchanged += 1,
                }
            }
        }
        Ok::<_, ExchangeError>(())
    })?;
    Ok(taken)
}

/// Numbers of the entries of a bank that each entry of a bundle speaks of; the bundle is read to its end.
fn receivers<R: Read + Seek>(
    store: &Store,
    bank: &str,
    reader: &mut BundleReader<R>,
) -> Result<Vec<BTreeSet<i64>>, ExchangeError> {
    let mut said: Vec<(String, Vec<Signal>)> = Vec::new();
    let mut by_digest: BTreeMap<Signal, Vec<usize>> = BTreeMap::new();
    while let Some(entry) = reader.entry()? {
        for digest in &entry.digests {
            by_digest.entry(digest.clone()).or_default().push(said.len());
        }
        said.push((entry.entry, entry.digests));
    }
    let mut receivers = vec![BTreeSet::new(); said.len()];
    store.for_each_digest::<StoreError>(bank, |no, digest| {
        for at in by_digest.get(&digest).into_iter().flatten() {
            receivers[*at].insert(no);
        }
        Ok(())
    })?;
    for ((id, digests), numbers) in said.iter().zip(&mut receivers) {
        let mut agreed = BTreeSet::new();
        for no in std::mem::take(numbers) {
            let signals = store.entry_by_no(no)?.map(|entry| entry.row.signals).unwrap_or_default();
            if same_file(digests, &signals) == Some(true) {
                agreed.insert(no);
            }
        }
        if agreed.is_empty()
            && let Some(entry) = store.entry(bank, id)?
            && same_file(digests, &entry.row.signals) != Some(false)
        {
            agreed.insert(entry.entry_no);
        }
        *numbers = agreed;
    }
    Ok(receivers)
}

/// Whether two lots of digests are of one file: `None` where they share no type.
fn same_file(one: &[Signal], other: &[Signal]) -> Option<bool> {
    let mut same = None;
    for digest in one {
        let mut of_type = other.iter().filter(|signal| signal.kind() == digest.kind()).peekable();
        if of_type.peek().is_some() {
            if !of_type.any(|signal| signal == digest) {
                return Some(false);
            }
            same = Some(true);
        }
    }
    same
}

/// Seals features for an entry; `false` when it has some already that can be used.
fn take(batch: &mut Batch<'_>, secrets: &Secrets, no: i64, record: &[u8]) -> Result<bool, SecretsError> {
    if let Some(sealed) = batch.features(no)? {
        let held = secrets.unseal_bytes(&purpose(no), &sealed)?;
        if check_features(held.expose()).is_ok() {
            return Ok(false);
        }
    }
    let sealed = secrets.seal_bytes(batch, &purpose(no), &Secret::new(record))?;
    batch.put_features(no, &sealed)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use lodestone_types::SignalType;

    use super::*;

    fn digest(kind: SignalType, byte: u8) -> Signal {
        Signal::from_bytes(kind, &vec![byte; kind.size_bytes().unwrap()]).unwrap()
    }

    #[test]
    fn one_digest_that_differs_says_it_is_another_file() {
        let (md5, sha256) = (digest(SignalType::Md5, 1), digest(SignalType::Sha256, 2));
        let both = [md5.clone(), sha256.clone()];
        assert_eq!(same_file(&both, std::slice::from_ref(&sha256)), Some(true));
        assert_eq!(same_file(&both, &[md5.clone(), digest(SignalType::Sha256, 3)]), Some(false));
        assert_eq!(same_file(std::slice::from_ref(&md5), std::slice::from_ref(&sha256)), None);
        assert_eq!(same_file(&both, &[digest(SignalType::Pdq, 1)]), None);
    }
}
