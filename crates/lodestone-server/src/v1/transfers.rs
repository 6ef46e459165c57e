//! Imports, exports and copies that run: how many at one time, and how far each import is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Imports at one time: each holds a file on disk, and they are written one after the other anyway.
const IMPORTS: usize = 4;
/// Exports at one time: each holds a state of the database while its client reads.
const EXPORTS: usize = 8;

/// What runs. One for a server.
pub(crate) struct Transfers {
    imports: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    snapshots: Arc<Semaphore>,
    running: Arc<Mutex<BTreeMap<String, Arc<Running>>>>,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            imports: Arc::new(Semaphore::new(IMPORTS)),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            snapshots: Arc::new(Semaphore::new(1)),
            running: Arc::default(),
        }
    }
}

/// Where an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its bytes arrive.
    Receiving,
    /// It waits for the writer.
    Waiting,
    /// Its rows are written.
    Writing,
}

/// An import that runs.
#[derive(Debug)]
pub(super) struct Running {
    bank: String,
    by: String,
    since_us: i64,
    phase: AtomicU8,
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Running {
    pub(super) fn is(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(super) fn received(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
    }

    pub(super) fn read(&self, rows: u64) {
        self.rows.store(rows, Relaxed);
    }

    fn told(&self, id: &str) -> Value {
        let phase = match self.phase.load(Relaxed) {
            0 => "receiving",
            1 => "waiting",
            _ => "writing",
        };
        json!({
            "id": id,
            "bank": self.bank,
            "by": self.by,
            "since_us": self.since_us,
            "phase": phase,
            "received_bytes": self.bytes.load(Relaxed),
            "rows": self.rows.load(Relaxed),
        })
    }
}

/// An import's place. It is given back, and the import no longer told, when this is dropped.
pub(super) struct Import {
    pub(super) id: String,
    pub(super) running: Arc<Running>,
    all: Arc<Mutex<BTreeMap<String, Arc<Running>>>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Import {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Transfers {
    /// A place for an import.
    ///
    /// # Errors
    /// 429 when there is none.
    pub(super) fn import(&self, id: String, bank: &str, by: &str, since_us: i64) -> Result<Import, ApiError> {
        let place = place(&self.imports)?;
        let running = Arc::new(Running {
            bank: bank.to_owned(),
            by: by.to_owned(),
            since_us,
            phase: AtomicU8::new(Phase::Receiving as u8),
            bytes: AtomicU64::default(),
            rows: AtomicU64::default(),
        });
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.clone(), Arc::clone(&running));
        Ok(Import { id, running, all: Arc::clone(&self.running), _place: place })
    }

    /// A place for an export.
    ///
    /// # Errors
    /// 429 when there is none.
    pub(super) fn export(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        place(&self.exports)
    }

    /// The place for making a copy.
    ///
    /// # Errors
    /// 429 when one is being made.
    pub(super) fn snapshot(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        place(&self.snapshots)
    }

    /// The imports that run.
    pub(super) fn told(&self) -> Vec<Value> {
        let all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(id, running)| running.told(id)).collect()
    }
}

fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| ApiError::busy(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_and_what_runs_is_told_while_it_does() {
        let transfers = Transfers::default();
        let id = |n: usize| n.to_string();
        let mut places: Vec<_> =
            (0..IMPORTS).map(|n| transfers.import(id(n), "A", "key", 7).unwrap()).collect();
        assert_eq!(transfers.import(id(9), "A", "key", 7).err().unwrap().status().as_u16(), 429);
        places[0].running.is(Phase::Writing);
        places[0].running.read(20_000);
        let told = transfers.told();
        assert_eq!((&told[0]["phase"], &told[0]["rows"]), (&json!("writing"), &json!(20_000)));
        assert_eq!(told[1]["phase"], json!("receiving"));
        places.clear();
        assert!(transfers.told().is_empty() && transfers.import(id(9), "A", "key", 7).is_ok());
    }
}
