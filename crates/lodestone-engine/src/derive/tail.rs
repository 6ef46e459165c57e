//! The tail of accidental nearness, learned from the operator's own traffic and kept in a file.

use std::path::{Path, PathBuf};

use lodestone_features::tail::TailTable;
use lodestone_hash::PdqHash;
use lodestone_types::{Record, State};
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

/// Values of the list that each picture's regions are compared with.
const SAMPLE: usize = 4_000;

/// Learns how near regions of pictures that match nothing come to a list's values.
pub struct TailLearner {
    sample: Vec<PdqHash>,
    table: TailTable,
    pictures: u64,
    matched: u64,
}

/// A learned tail as a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TailFile {
    kind: String,
    version: u32,
    /// Pictures that were learned from.
    pictures: u64,
    /// Pairs of a region and a listed value.
    pairs: u64,
    /// Pairs at each distance from 0 to 256 bits.
    counts: Vec<u64>,
}

const KIND: &str = "lodestone-region-tail";

/// Why a tail cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// The file cannot be read.
    #[error("tail {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not what `lodestone eval tail` writes.
    #[error("tail {}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl TailLearner {
    /// Learns against a snapshot's lists; of long ones every so manieth value. `None`: there is no value to compare with.
    pub fn new(snapshot: &Snapshot) -> Option<Self> {
        let values = snapshot.given_values();
        let step = values.len().div_ceil(SAMPLE).max(1);
        let sample: Vec<PdqHash> = values.iter().step_by(step).map(|(_, value)| PdqHash(*value)).collect();
        let table = TailTable::from_counts(&[0; 257], 0)?;
        (!sample.is_empty()).then_some(Self { sample, table, pictures: 0, matched: 0 })
    }

    /// Takes a picture in, unless it matches anything.
    pub fn take(&mut self, record: &Record) {
        let windows: Vec<PdqHash> = record
            .observation
            .regions
            .iter()
            .flat_map(|regions| &regions.prints)
            .filter_map(|print| print.pdq.first().copied().map(PdqHash))
            .collect();
        if windows.is_empty() {
            return;
        }
        if record.state != State::Examined || !record.matches.is_empty() {
            self.matched += 1;
            return;
        }
        self.pictures += 1;
        self.table.learn(&windows, &self.sample);
    }

    /// Pictures learned from, and pictures left out because they match.
    pub fn pictures(&self) -> (u64, u64) {
        (self.pictures, self.matched)
    }

    /// Pairs of a region and a listed value.
    pub fn pairs(&self) -> u64 {
        self.table.pairs()
    }

    /// Share of pairs within so many bits, an upper estimate.
    pub fn part_within(&self, bits: u32) -> f64 {
        self.table.part_within(bits)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let (counts, pairs) = self.table.to_counts();
        let file = TailFile { kind: KIND.to_owned(), version: 1, pictures: self.pictures, pairs, counts };
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }
}

/// Reads a tail that [`TailLearner`] wrote.
///
/// # Errors
/// [`TailError`].
pub(crate) fn load(path: &Path) -> Result<TailTable, TailError> {
    let malformed = |why: &str| TailError::Malformed { path: path.to_owned(), why: why.to_owned() };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| TailError::Io { path: path.to_owned(), source })?;
    let file: TailFile = serde_json::from_str(&text).map_err(|error| malformed(&error.to_string()))?;
    if file.kind != KIND || file.version != 1 {
        return Err(malformed("not a tail of regions, version 1"));
    }
    TailTable::from_counts(&file.counts, file.pairs)
        .filter(|_| file.pairs > 0)
        .ok_or_else(|| malformed("its counts cannot be"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_tail_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tail.json");
        let counts = vec![0u64; 257];
        let good =
            serde_json::json!({ "kind": KIND, "version": 1, "pictures": 1, "pairs": 5, "counts": counts });
        for (text, good) in [
            (good.to_string(), true),
            (good.to_string().replace("\"pairs\":5", "\"pairs\":0"), false),
            (good.to_string().replace("region", "other"), false),
            ("[]".to_owned(), false),
        ] {
            std::fs::write(&path, text).unwrap();
            let loaded = load(&path).map(|table| table.pairs());
            assert_eq!(loaded.is_ok(), good, "{loaded:?}");
        }
        assert!(load(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
