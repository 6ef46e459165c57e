//! Sorted runs in a temporary file, and their merge.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::SegmentError;
use super::sort::Pair;
use crate::Code256;

/// Bytes of a pair: four words of the code and the id, little-endian.
pub(super) const PAIR_BYTES: usize = 40;
/// Pairs read of a run at once, at least.
const LEAST_READ: usize = 128;

/// Runs one after the other in a file without a name, which is gone when this is, however the process ends.
pub(super) struct Runs {
    file: File,
    folder: PathBuf,
    /// Pairs of each run.
    lengths: Vec<u64>,
    /// What the merge may take for reading ahead, in bytes.
    memory: u64,
}

impl Runs {
    pub(super) fn new(folder: &Path, memory: u64) -> Result<Self, SegmentError> {
        let file = tempfile::tempfile_in(folder).map_err(SegmentError::io(folder))?;
        Ok(Self { file, folder: folder.to_owned(), lengths: Vec::new(), memory })
    }

    /// Adds a sorted run.
    pub(super) fn add(&mut self, pairs: &[Pair]) -> Result<(), SegmentError> {
        let mut write = || -> io::Result<()> {
            self.file.seek(SeekFrom::End(0))?;
            let mut bytes = Vec::new();
            for pairs in pairs.chunks(1 << 14) {
                bytes.clear();
                for (code, id) in pairs {
                    code.0.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
                    bytes.extend(id.to_le_bytes());
                }
                self.file.write_all(&bytes)?;
            }
            Ok(())
        };
        write().map_err(SegmentError::io(&self.folder))?;
        self.lengths.push(pairs.len() as u64);
        Ok(())
    }

    /// All pairs in order.
    pub(super) fn merge(&self) -> Result<Merge<'_>, SegmentError> {
        let at_once = self.memory / (PAIR_BYTES * self.lengths.len().max(1)) as u64 / 2;
        let at_once = usize::try_from(at_once).unwrap_or(usize::MAX).clamp(LEAST_READ, 1 << 15);
        let mut merge = Merge { runs: self, at_once, readers: Vec::new(), heap: BinaryHeap::new() };
        let mut at = 0;
        for length in &self.lengths {
            merge.readers.push(Reader { at, left: *length, pairs: Vec::new() });
            at += length * PAIR_BYTES as u64;
        }
        for run in 0..self.lengths.len() {
            if let Some(pair) = merge.read(run)? {
                merge.heap.push(Reverse((pair, run)));
            }
        }
        Ok(merge)
    }
}

/// The merge of runs.
pub(super) struct Merge<'a> {
    runs: &'a Runs,
    at_once: usize,
    readers: Vec<Reader>,
    heap: BinaryHeap<Reverse<(Pair, usize)>>,
}

struct Reader {
    at: u64,
    left: u64,
    /// Read ahead, the next one last.
    pairs: Vec<Pair>,
}

impl Merge<'_> {
    fn read(&mut self, run: usize) -> Result<Option<Pair>, SegmentError> {
        let reader = &mut self.readers[run];
        if let Some(pair) = reader.pairs.pop() {
            return Ok(Some(pair));
        }
        let count = reader.left.min(self.at_once as u64) as usize;
        let mut bytes = vec![0; count * PAIR_BYTES];
        let mut file = &self.runs.file;
        file.seek(SeekFrom::Start(reader.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(SegmentError::io(&self.runs.folder))?;
        reader.at += bytes.len() as u64;
        reader.left -= count as u64;
        let (words, _) = bytes.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<5>();
        reader.pairs.extend(pairs.iter().rev().map(|words| {
            let [a, b, c, d, id] = words.map(u64::from_le_bytes);
            (Code256([a, b, c, d]), id)
        }));
        Ok(reader.pairs.pop())
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Pair, SegmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((pair, run)) = self.heap.pop()?;
        match self.read(run) {
            Ok(Some(next)) => self.heap.push(Reverse((next, run))),
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(pair))
    }
}
