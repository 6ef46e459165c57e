//! The snapshot: everything that look-ups read, immutable, with a generation number.

use lodestone_index::{Code256, DigestIndex, HammingIndex, RadiusSearch};
use lodestone_types::{Bank, BankKind, ListEntry, ListVersion, SignalType};

/// One entry as a match shows it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) bank: u32,
    pub(crate) entry: Box<str>,
    pub(crate) classification: Option<Box<str>>,
}

/// What look-ups read: banks, their entries, indexes over their signals. Immutable; shared by threads.
///
/// Memory: about 60 bytes an entry and the index sizes of `lodestone-index`.
#[derive(Debug, Default)]
pub struct Snapshot {
    generation: u64,
    banks: Vec<Bank>,
    pub(crate) rows: Vec<Row>,
    pub(crate) md5: DigestIndex<16>,
    pub(crate) sha1: DigestIndex<20>,
    pub(crate) sha256: DigestIndex<32>,
    pub(crate) pdq: HammingIndex,
    pub(crate) max_radius_bits: u32,
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

    /// Entries of all banks.
    pub fn entries(&self) -> usize {
        self.rows.len()
    }

    /// PDQ signals that are searched.
    pub fn pdq_signals(&self) -> usize {
        self.pdq.len()
    }

    pub(crate) fn bank(&self, row: &Row) -> &Bank {
        &self.banks[row.bank as usize]
    }
}

/// Gathers banks and entries, then builds the indexes once.
#[derive(Debug, Default)]
pub struct SnapshotBuilder {
    banks: Vec<Bank>,
    rows: Vec<Row>,
    md5: Vec<([u8; 16], u32)>,
    sha1: Vec<([u8; 20], u32)>,
    sha256: Vec<([u8; 32], u32)>,
    pdq: Vec<(Code256, u32)>,
}

/// Too many entries for one snapshot.
#[derive(Debug, thiserror::Error)]
#[error("more than {} entries in one snapshot", u32::MAX - 1)]
pub struct TooManyEntries;

impl SnapshotBuilder {
    /// Adds a bank; the entries that follow are its own. Its version's `entries` is counted here.
    pub fn bank(&mut self, mut bank: Bank) {
        bank.version.entries = 0;
        self.banks.push(bank);
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
    /// PDQ values of known-good and negative banks are left out: those kinds speak by exact digest only.
    ///
    /// # Errors
    /// [`TooManyEntries`].
    pub fn entry(&mut self, entry: &ListEntry) -> Result<(), TooManyEntries> {
        let bank =
            u32::try_from(self.banks.len()).ok().and_then(|n| n.checked_sub(1)).ok_or(TooManyEntries)?;
        let row =
            u32::try_from(self.rows.len()).ok().filter(|row| *row < u32::MAX - 1).ok_or(TooManyEntries)?;
        let Some(own) = self.banks.last_mut() else { return Err(TooManyEntries) };
        own.version.entries += 1;
        let exact_only = matches!(own.kind, BankKind::KnownGood | BankKind::Negative);
        for signal in &entry.signals {
            match signal.kind() {
                SignalType::Pdq if exact_only => {}
                SignalType::Pdq => {
                    self.pdq.extend(signal.array().map(|value| (Code256::from_bytes(&value), row)));
                }
                SignalType::Md5 | SignalType::VideoMd5 => self.md5.extend(signal.array().map(|v| (v, row))),
                SignalType::Sha1 => self.sha1.extend(signal.array().map(|v| (v, row))),
                SignalType::Sha256 => self.sha256.extend(signal.array().map(|v| (v, row))),
                // Kept in banks and passed on; not matched yet.
                _ => {}
            }
        }
        self.rows.push(Row {
            bank,
            entry: entry.entry.as_str().into(),
            classification: entry.classification.as_deref().map(Into::into),
        });
        Ok(())
    }

    /// Builds the indexes. Cost: a sort of each kind of signal.
    pub fn build(self, generation: u64) -> Snapshot {
        let max_radius_bits = self
            .banks
            .iter()
            .filter(|bank| bank.kind.makes_known())
            .map(|bank| bank.radius_bits)
            .max()
            .unwrap_or(0);
        Snapshot {
            generation,
            banks: self.banks,
            rows: self.rows,
            md5: DigestIndex::from_entries(self.md5),
            sha1: DigestIndex::from_entries(self.sha1),
            sha256: DigestIndex::from_entries(self.sha256),
            pdq: HammingIndex::from_entries(self.pdq),
            max_radius_bits,
        }
    }
}
