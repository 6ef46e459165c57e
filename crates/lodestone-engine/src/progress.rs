//! Counters of a run, shared by its threads, read by whoever shows progress.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How far a run has come. All counts only grow.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicU64,
    found_bytes: AtomicU64,
    counted: AtomicBool,
    done: AtomicU64,
    read_bytes: AtomicU64,
    grouping: AtomicBool,
}

impl Progress {
    /// Files found so far; all of them once [`Progress::is_counted`].
    pub fn files_found(&self) -> u64 {
        self.found.load(Relaxed)
    }

    /// Bytes of the files found so far.
    pub fn bytes_found(&self) -> u64 {
        self.found_bytes.load(Relaxed)
    }

    /// Whether everything there is has been counted.
    pub fn is_counted(&self) -> bool {
        self.counted.load(Relaxed)
    }

    /// Files done.
    pub fn files_done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// Bytes read.
    pub fn bytes_read(&self) -> u64 {
        self.read_bytes.load(Relaxed)
    }

    /// Whether reading is over and grouping goes on.
    pub fn is_grouping(&self) -> bool {
        self.grouping.load(Relaxed)
    }

    pub(crate) fn found(&self, size_bytes: u64) {
        self.found.fetch_add(1, Relaxed);
        self.found_bytes.fetch_add(size_bytes, Relaxed);
    }

    pub(crate) fn finish_counting(&self) {
        self.counted.store(true, Relaxed);
    }

    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, size_bytes: u64) {
        self.read_bytes.fetch_add(size_bytes, Relaxed);
    }

    pub(crate) fn start_grouping(&self) {
        self.grouping.store(true, Relaxed);
    }
}
