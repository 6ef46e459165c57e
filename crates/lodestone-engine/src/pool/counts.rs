//! What a pool counts, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use lodestone_types::Unreadable;

/// What a pool has done since it was started, and how it stands. Every job taken is in exactly one of `hashed`, `examined`,
/// `quarantined`, `not_started` and `stopped` once it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Worker processes there should be.
    pub workers: u64,
    /// Of which run.
    pub alive: u64,
    /// Of which are at work.
    pub busy: u64,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs of [`Kind::Hash`](super::Kind) and [`Kind::Print`](super::Kind) that a worker was given, whatever became of it.
    pub hashed: u64,
    /// Jobs of [`Kind::Examine`](super::Kind) that a worker was given.
    pub examined: u64,
    /// Of those, workers that crashed.
    pub crashes: u64,
    /// Of those, workers that ran out of memory.
    pub out_of_memory: u64,
    /// Of those, workers that were ended at the deadline.
    pub timeouts: u64,
    /// Jobs answered without a worker: their bytes had ended two before.
    pub quarantined: u64,
    /// Jobs answered without a worker: none could be started.
    pub not_started: u64,
    /// Jobs answered without an end: the pool was stopped.
    pub stopped: u64,
    /// Jobs not taken: the queue was full.
    pub refused: u64,
    /// Worker processes started, or tried to, beyond the first of each worker: after deaths, failures, and each one's share.
    pub restarts: u64,
    /// Inputs that are not given to workers any more.
    pub remembered: u64,
    /// Time that jobs spent in workers, microseconds.
    pub work_us: u64,
    /// Time that they waited for one, microseconds.
    pub wait_us: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hashed: AtomicU64,
    examined: AtomicU64,
    crashes: AtomicU64,
    out_of_memory: AtomicU64,
    timeouts: AtomicU64,
    quarantined: AtomicU64,
    not_started: AtomicU64,
    stopped: AtomicU64,
    refused: AtomicU64,
    starts: AtomicU64,
    work_us: AtomicU64,
    wait_us: AtomicU64,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Tally {
    pub(super) fn waited(&self, time: Duration) {
        self.wait_us.fetch_add(micros(time), Relaxed);
    }

    pub(super) fn worked(&self, is_examined: bool, took: Duration, death: Option<&Unreadable>) {
        if is_examined { &self.examined } else { &self.hashed }.fetch_add(1, Relaxed);
        self.work_us.fetch_add(micros(took), Relaxed);
        match death.map(|why| why.reason.as_str()) {
            None => {}
            Some("memory") => _ = self.out_of_memory.fetch_add(1, Relaxed),
            Some("timeout") => _ = self.timeouts.fetch_add(1, Relaxed),
            Some(_) => _ = self.crashes.fetch_add(1, Relaxed),
        }
    }

    pub(super) fn quarantined(&self) {
        self.quarantined.fetch_add(1, Relaxed);
    }

    pub(super) fn not_started(&self) {
        self.not_started.fetch_add(1, Relaxed);
    }

    pub(super) fn stopped(&self) {
        self.stopped.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn started(&self, processes: u64) {
        self.starts.fetch_add(processes, Relaxed);
    }

    /// All but how things stand now.
    pub(super) fn counts(&self, workers: u64) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            workers,
            hashed: of(&self.hashed),
            examined: of(&self.examined),
            crashes: of(&self.crashes),
            out_of_memory: of(&self.out_of_memory),
            timeouts: of(&self.timeouts),
            quarantined: of(&self.quarantined),
            not_started: of(&self.not_started),
            stopped: of(&self.stopped),
            refused: of(&self.refused),
            restarts: of(&self.starts).saturating_sub(workers),
            work_us: of(&self.work_us),
            wait_us: of(&self.wait_us),
            ..Counts::default()
        }
    }
}
