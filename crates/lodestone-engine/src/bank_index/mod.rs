//! The index of a data folder's PDQ values, in `index/pdq/`: made from the banks, kept up with them, and made again from
//! them when it is lost or damaged.
//!
//! The store is the truth. The index carries the number of the store's state as its stamp, so that whoever opens it sees whether it
//! is of the same state. Who changes banks brings it up to date in the same command; who finds it behind does the same,
//! or, where that is not possible, reads the banks into memory and says so. An index that cannot be read is never ignored.

mod catch_up;
mod check;
mod opening;

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lodestone_index::{BuildOptions, Code256, LiveError, LiveFacts, LiveIndex, LiveOptions, LiveStep};
use lodestone_store::{Store, StoreError};

use catch_up::{ONE_BY_ONE, at_once, fill, step_by_step};
pub use check::{Verified, verify};
pub use opening::open_banks;

/// Why an index of banks could not be brought up to date, or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The banks cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index cannot be read or written.
    #[error("index {0}")]
    Live(#[from] LiveError),
    /// The folder of the index cannot be made or removed.
    #[error("index {}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is none: no bank holds a PDQ value, or none was built yet.
    #[error("the data folder has no index; `lodestone index rebuild` makes one")]
    Missing,
    /// It is whole, and holds something else than the banks.
    #[error("the index does not hold what the banks hold ({0}); `lodestone index rebuild` makes it again")]
    Differs(String),
}

/// What was done to an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// No bank holds a PDQ value, and there is no index.
    NotNeeded,
    /// It was up to date.
    UpToDate,
    /// It was brought up to date.
    CaughtUp {
        /// Values added.
        added: u64,
        /// Values removed one by one; those of whole banks are not counted.
        removed: u64,
    },
    /// It was built from the banks.
    Built {
        /// Why; `None` when there was none.
        why: Option<String>,
        /// Values in it.
        values: u64,
    },
}

/// What happens while banks are opened or their index is built.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum IndexNews {
    /// How far it has come.
    Step(LiveStep),
    /// The index was not up to date, or not there, when somebody wanted to read it; this was done.
    Mended(Outcome),
    /// Files of the index are damaged and were left aside; what they held is made again from the banks.
    Refused {
        /// What is wrong with them.
        why: String,
    },
    /// The index cannot be used and not be brought up to date: the banks are read into memory, which takes longer.
    InMemory {
        /// Why.
        why: String,
    },
}

/// Told what happens; breaks to stop it.
pub type Tell<'t> = dyn FnMut(IndexNews) -> ControlFlow<()> + 't;

/// Where the index of a data folder lies.
pub fn index_folder(data: &Path) -> PathBuf {
    data.join("index").join("pdq")
}

/// Brings the index of a data folder to the store's generation. `store` is the folder's, open for writing.
///
/// Cost: in proportion to what changed, microseconds each; above some ten thousand changes under a microsecond each and
/// core. An index that is missing, damaged or too far behind is built from the banks.
///
/// # Errors
/// [`IndexError`]; the index is then as it was, or gone.
pub fn bring_up_to_date(
    store: &mut Store,
    data: &Path,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let (folder, generation) = (index_folder(data), store.generation()?);
    let state = state_of(store)?;
    if !folder.exists() {
        if searched_values(store)? == 0 {
            return Ok(Outcome::NotNeeded);
        }
        return make(store, &folder, state, None, build, tell);
    }
    let live = match LiveIndex::open(&folder, options(build)) {
        Ok(live) => live,
        Err(error) if is_past_mending(&error) => {
            return make(store, &folder, state, Some(error.to_string()), build, tell);
        }
        Err(error) => return Err(error.into()),
    };
    let stamp = live.snapshot().stamp();
    let refused = live.health().refused;
    if stamp == state && refused.is_none() {
        return Ok(Outcome::UpToDate);
    }
    // Changes are known only from a state that these banks were in.
    let since = store.generation_of(stamp)?;
    let changes = match since {
        Some(since) => store.pdq_changes_count(since)?.map(|changes| (since, changes)),
        None => None,
    };
    let result = match changes {
        None => {
            let unknown = || "it was not made from a state of these banks that is remembered".to_owned();
            fill(store, &live, state, Some(refused.clone().unwrap_or_else(unknown)), tell)
        }
        Some((since, changes)) if changes <= ONE_BY_ONE => step_by_step(store, &live, since, state),
        Some((since, _)) => at_once(store, &live, since, state, tell),
    };
    match result {
        Err(IndexError::Live(error)) if is_past_mending(&error) => {
            drop(live);
            return make(store, &folder, state, Some(error.to_string()), build, tell);
        }
        Err(error) => return Err(error),
        Ok(Outcome::CaughtUp { .. }) => {
            if let Some(why) = refused {
                let _ = tell(IndexNews::Refused { why });
            }
        }
        Ok(_) => {}
    }
    drop(live);
    store.trim_changes(generation)?;
    result
}

/// Brings an index that is open for writing to the store's state. `false`: it cannot be, since the log of changes does not
/// reach back, or the index is past mending; it has to be opened anew.
///
/// # Errors
/// [`IndexError`]; the index is then as it was.
pub(crate) fn follow(store: &mut Store, live: &LiveIndex, tell: &mut Tell<'_>) -> Result<bool, IndexError> {
    let state = state_of(store)?;
    let stamp = live.snapshot().stamp();
    if stamp == state {
        return Ok(true);
    }
    let Some(since) = store.generation_of(stamp)? else { return Ok(false) };
    let Some(changes) = store.pdq_changes_count(since)? else { return Ok(false) };
    let result = if changes <= ONE_BY_ONE {
        step_by_step(store, live, since, state)
    } else {
        at_once(store, live, since, state, tell)
    };
    match result {
        Err(IndexError::Live(error)) if is_past_mending(&error) => return Ok(false),
        other => other?,
    };
    Ok(true)
}

/// The number of the store's state; the store is open for writing, so its schema has one.
fn state_of(store: &Store) -> Result<u64, IndexError> {
    let missing = || StoreError::Corrupt { reason: "its state has no number".to_owned() };
    Ok(store.state()?.ok_or_else(missing)?)
}

/// Builds the index of a data folder from its banks, whatever is there. `store` is the folder's, open for writing.
///
/// # Errors
/// [`IndexError`].
pub fn rebuild(
    store: &mut Store,
    data: &Path,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let state = state_of(store)?;
    make(store, &index_folder(data), state, None, build, tell)
}

/// Brings the index up to date and makes one segment of it. `store` is the folder's, open for writing.
///
/// # Errors
/// [`IndexError`].
pub fn compact(
    store: &mut Store,
    data: &Path,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<LiveFacts, IndexError> {
    if let Outcome::NotNeeded = bring_up_to_date(store, data, build, tell)? {
        return Err(IndexError::Missing);
    }
    let live = LiveIndex::open(&index_folder(data), options(build))?;
    live.compact(&mut |step| tell(IndexNews::Step(step)))?;
    Ok(live.snapshot().facts())
}

/// What the index of a data folder is made of, and how many values it holds.
///
/// # Errors
/// [`IndexError`].
pub fn facts(data: &Path) -> Result<(LiveFacts, u64), IndexError> {
    let snapshot = open(data)?.snapshot();
    let values = snapshot.len().map_err(LiveError::from)?;
    Ok((snapshot.facts(), values))
}

fn open(data: &Path) -> Result<LiveIndex, IndexError> {
    match LiveIndex::open_read_only(&index_folder(data)) {
        Ok(live) => Ok(live),
        Err(LiveError::NotALiveIndex { .. }) => Err(IndexError::Missing),
        Err(error) => Err(error.into()),
    }
}

/// For a program that makes one change and ends: merges that are due are made in the call.
fn options(build: &BuildOptions) -> LiveOptions {
    let mut options = LiveOptions::default();
    options.background = false;
    options.build = build.clone();
    options
}

/// Whether building it again is what helps: not when it is locked, stopped or the disk is full.
fn is_past_mending(error: &LiveError) -> bool {
    match error {
        LiveError::Damaged { .. } | LiveError::Segment(_) | LiveError::Version { .. } => true,
        LiveError::NotALiveIndex { .. } => true,
        LiveError::Io { source, .. } => {
            matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

/// PDQ values of the banks that are searched.
pub(crate) fn searched_values(store: &Store) -> Result<u64, StoreError> {
    let mut values = 0;
    for bank in store.banks()?.into_iter().filter(|bank| bank.kind.makes_known()) {
        values += store.signal_counts(&bank.name)?.get(&lodestone_types::SignalType::Pdq).unwrap_or(&0);
    }
    Ok(values)
}

/// Hands over every PDQ value that is searched.
fn each_searched<E: From<StoreError>>(
    store: &Store,
    mut each: impl FnMut(u64, Code256) -> Result<(), E>,
) -> Result<(), E> {
    // In the order of their numbers, which is the order in which they lie in the store.
    let mut banks = store.numbered_banks()?;
    banks.sort_by_key(|(number, _)| *number);
    for (_, bank) in banks.into_iter().filter(|(_, bank)| bank.kind.makes_known()) {
        store.for_each_pdq(&bank.name, |no, value| each(no.unsigned_abs(), Code256::from_bytes(&value)))?;
    }
    Ok(())
}

/// Builds it in an empty folder.
fn make(
    store: &mut Store,
    folder: &Path,
    generation: u64,
    why: Option<String>,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(IndexError::Io { path: folder.to_owned(), source });
        }
        _ => {}
    }
    let live = LiveIndex::open(folder, options(build))?;
    let outcome = fill(store, &live, generation, why, tell)?;
    drop(live);
    store.trim_changes(generation)?;
    Ok(outcome)
}
