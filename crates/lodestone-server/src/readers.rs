//! Reading the store beside the writer: connections that see the last committed state.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lodestone_store::Store;

use crate::error::ApiError;

/// Connections for reading. Clones share them.
#[derive(Clone)]
pub struct Readers(Arc<Inner>);

struct Inner {
    data: PathBuf,
    idle: Mutex<Vec<Store>>,
}

/// Connections that are kept open.
const KEPT: usize = 8;

impl Readers {
    /// Readers of a data folder.
    pub fn new(data: PathBuf) -> Self {
        Self(Arc::new(Inner { data, idle: Mutex::default() }))
    }

    /// Reads in a thread that may wait.
    ///
    /// # Errors
    /// What `work` says, and the store's.
    pub async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let readers = self.clone();
        let read = tokio::task::spawn_blocking(move || readers.read_now(work)).await;
        read.map_err(|_| ApiError::unavailable("reading failed"))?
    }

    /// As [`Readers::read`], in this thread.
    ///
    /// # Errors
    /// As there.
    pub fn read_now<R>(&self, work: impl FnOnce(&Store) -> Result<R, ApiError>) -> Result<R, ApiError> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let store = match idle {
            Some(store) => store,
            None => Store::open_read_only(&self.0.data)?,
        };
        let result = work(&store);
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(store);
        }
        result
    }

    /// Closes all connections: before the database is replaced.
    pub fn close(&self) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
