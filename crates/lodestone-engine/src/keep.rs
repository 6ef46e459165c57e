//! Observations kept between runs, so that a second run reads only what changed and an interrupted one goes on.

use std::io;
use std::path::{Path, PathBuf};

use lodestone_store::{ObservationKey, Store, StoreError};
use lodestone_types::Observation;
use serde_json::Value;

use crate::observer::{Member, Observed};
use crate::sheaf::Sheaf;

/// A data folder opened for writing: the one writer of a run.
pub struct Keep {
    store: Store,
    folder: PathBuf,
    now_us: fn() -> i64,
    batch: Vec<(ObservationKey, Vec<(String, Observation)>)>,
}

/// Files whose observations go into one transaction: a kill loses at most these, and they are read again.
const BATCH: usize = 64;

/// Under which an observation is kept.
#[derive(Clone, Debug)]
pub(crate) struct Key(ObservationKey);

impl Key {
    pub(crate) fn new(path: &Path, size_bytes: u64, mtime_ns: i64, options: &str) -> Self {
        // Another working folder must not find another file under the same words.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let path = path.as_os_str().as_encoded_bytes().to_vec();
        Self(ObservationKey { path, size_bytes, mtime_ns, options: options.to_owned() })
    }
}

impl Keep {
    /// Opens a data folder for writing; makes it if there is none. `now_us`: microseconds since 1970, UTC.
    ///
    /// # Errors
    /// [`StoreError`]: locked by another writer, from a newer version, no space, no permission.
    pub fn open(folder: &Path, now_us: fn() -> i64) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(folder)?, folder: folder.to_owned(), now_us, batch: Vec::new() })
    }

    /// The store behind it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store behind it, to be written to.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Notes that a run starts; returns its number.
    ///
    /// # Errors
    /// The store's.
    pub fn start_run(&mut self, roots: &[String], options: &Value) -> Result<i64, StoreError> {
        self.store.start_run(roots, options, (self.now_us)())
    }

    /// Notes that a run ended.
    ///
    /// # Errors
    /// The store's.
    pub fn finish_run(&mut self, run: i64, summary: &Value, interrupted: bool) -> Result<(), StoreError> {
        self.store.finish_run(run, summary, interrupted, (self.now_us)())
    }

    pub(crate) fn reader(&self) -> Option<Reader> {
        Store::open_read_only(&self.folder).ok().map(Reader)
    }

    pub(crate) fn put(&mut self, key: Key, observed: &mut Sheaf) -> Result<(), StoreError> {
        if !observed.is_small() {
            let (count, now_us) = (observed.count(), (self.now_us)());
            return self.store.put_observed(&key.0, count, now_us, &mut |take| {
                let put = |one: &Observed| Ok(take(&member_text(one), &one.observation)?);
                observed.look::<PutError>(put).map_err(|PutError(error)| error)
            });
        }
        let mut members = Vec::new();
        observed.look(|one| {
            members.push((member_text(one), one.observation.clone()));
            Ok::<_, PutError>(())
        })?;
        self.batch.push((key.0, members));
        if self.batch.len() >= BATCH { self.commit() } else { Ok(()) }
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.store.put_observations(&batch, (self.now_us)())
    }
}

/// A store's error, or that of the temporary file that what is to be kept waits in.
struct PutError(StoreError);

impl From<StoreError> for PutError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<io::Error> for PutError {
    fn from(error: io::Error) -> Self {
        Self(StoreError::Io { path: "temporary file".to_owned(), reason: error.to_string() })
    }
}

impl From<PutError> for StoreError {
    fn from(error: PutError) -> Self {
        error.0
    }
}

/// Looks up what was kept, beside the writer.
pub(crate) struct Reader(Store);

impl Reader {
    /// What was observed of a file in exactly this state; `None` to read it again.
    pub(crate) fn look_up(&mut self, key: &Key) -> Option<Sheaf> {
        let (mut sheaf, mut sound) = (Sheaf::default(), true);
        let found = self.0.for_each_observed(&key.0, &mut |member, observation| {
            let member: Option<Member> = match member.as_str() {
                "" => None,
                text => serde_json::from_str(text).map_err(|_| sound = false).ok(),
            };
            sheaf.push(Observed { member, observation });
        });
        (found.ok()? && sound && !sheaf.is_passing()).then_some(sheaf)
    }
}

fn member_text(one: &Observed) -> String {
    one.member.as_ref().map_or_else(String::new, |member| serde_json::to_string(member).unwrap_or_default())
}
