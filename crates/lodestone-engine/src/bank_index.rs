//! The index of a data folder's PDQ values, in `index/pdq/`: made from the banks, kept up with them, and made again from
//! them when it is lost or damaged.
//!
//! The store is the truth. The index carries the store's generation as its stamp, so that whoever opens it sees whether it
//! is of the same state. Who changes banks brings it up to date in the same command; who finds it behind does the same,
//! or, where that is not possible, reads the banks into memory and says so. An index that cannot be read is never ignored.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};

use lodestone_index::{
    BuildOptions, BulkWriter, Change, Code256, LiveError, LiveFacts, LiveIndex, LiveOptions, LiveStep,
};
use lodestone_store::{PdqChange, Store, StoreError};

use crate::banks::{BanksError, OpenBanks};

/// Changes up to which they are made one by one; above, as one new segment.
const ONE_BY_ONE: u64 = 16_384;

/// Single entries that may change in one new segment; above, everything is built again.
const SINGLE: usize = 100_000;

/// How often opening starts again when the banks change meanwhile.
const ATTEMPTS: usize = 5;

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
    if !folder.exists() {
        if searched_values(store)? == 0 {
            return Ok(Outcome::NotNeeded);
        }
        return make(store, &folder, generation, None, build, tell);
    }
    let live = match LiveIndex::open(&folder, options(build)) {
        Ok(live) => live,
        Err(error) if is_past_mending(&error) => {
            return make(store, &folder, generation, Some(error.to_string()), build, tell);
        }
        Err(error) => return Err(error.into()),
    };
    let stamp = live.snapshot().stamp();
    if stamp == generation && live.health().refused.is_none() {
        return Ok(Outcome::UpToDate);
    }
    let result = match store.pdq_changes_count(stamp)? {
        None => {
            let why = format!("it stands at generation {stamp}, and what changed since is not known");
            fill(store, &live, generation, Some(why), tell)
        }
        Some(changes) if changes <= ONE_BY_ONE => step_by_step(store, &live, stamp, generation),
        Some(_) => at_once(store, &live, stamp, generation, tell),
    };
    match result {
        Err(IndexError::Live(error)) if is_past_mending(&error) => {
            drop(live);
            return make(store, &folder, generation, Some(error.to_string()), build, tell);
        }
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    drop(live);
    store.trim_changes(generation)?;
    result
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
    let generation = store.generation()?;
    make(store, &index_folder(data), generation, None, build, tell)
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

/// What the index of a data folder is made of.
///
/// # Errors
/// [`IndexError`].
pub fn facts(data: &Path) -> Result<LiveFacts, IndexError> {
    Ok(open(data)?.snapshot().facts())
}

/// What checking an index found beside damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Values in it.
    pub values: u64,
    /// Generation of the banks that it was made from.
    pub stamp: u64,
    /// Generation of the banks. When it is another one, the contents were not compared: the next command that uses the
    /// index brings it up to date.
    pub generation: u64,
}

/// Checks the index of a data folder: every block, and that it holds what the banks hold. `store` is the folder's.
///
/// # Errors
/// What is wrong first.
pub fn verify(
    store: &Store,
    data: &Path,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Verified, IndexError> {
    let live = open(data)?;
    if let Some(refused) = live.health().refused {
        return Err(IndexError::Differs(format!("its newest files are refused: {refused}")));
    }
    live.verify(progress)?;
    let snapshot = live.snapshot();
    let mut held = Sum::default();
    let mut go_on = |code: Code256, id: u64| {
        held.add(code, id);
        ControlFlow::Continue(())
    };
    snapshot.for_each(&mut go_on).map_err(LiveError::from)?;
    let verified = Verified { values: held.count, stamp: snapshot.stamp(), generation: store.generation()? };
    if verified.stamp != verified.generation {
        return Ok(verified);
    }
    let mut expected = Sum::default();
    each_searched(store, |no, code| {
        expected.add(code, no);
        Ok::<(), IndexError>(())
    })?;
    if held.count != expected.count {
        return Err(IndexError::Differs(format!("{} values and {} in banks", held.count, expected.count)));
    }
    if held.sum != expected.sum {
        return Err(IndexError::Differs("as many values, not the same ones".to_owned()));
    }
    Ok(verified)
}

/// Opens the banks of a data folder to match against, with their index where it can be had.
///
/// `writer`: the folder's store, when this process has it open for writing.
///
/// # Errors
/// [`BanksError`].
pub fn open_banks(
    data: &Path,
    mut writer: Option<&mut Store>,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<OpenBanks, BanksError> {
    let folder = index_folder(data);
    let alone = writer.is_some();
    let mut mended = false;
    for _ in 0..ATTEMPTS {
        let mut banks = OpenBanks::in_memory(Store::open_read_only(data)?, alone)?;
        if !folder.exists() && banks.searched_values()? == 0 {
            return Ok(banks);
        }
        let behind = match LiveIndex::open_read_only(&folder) {
            Ok(live) if live.health().refused.is_none() => {
                let snapshot = live.snapshot();
                if snapshot.stamp() == banks.generation() {
                    banks.stored.index = Some(snapshot);
                    return Ok(banks);
                }
                if snapshot.stamp() > banks.generation() && !mended {
                    // Somebody changed the banks a moment ago: look again, once they were read.
                    mended = true;
                    continue;
                }
                format!("it stands at generation {}, the banks at {}", snapshot.stamp(), banks.generation())
            }
            Ok(live) => live.health().refused.unwrap_or_default(),
            Err(LiveError::NotALiveIndex { .. }) => "there is none".to_owned(),
            Err(error) => error.to_string(),
        };
        // Its state must not be held while it is written to.
        drop(banks);
        let outcome = match &mut writer {
            Some(store) => bring_up_to_date(store, data, build, tell),
            None => Store::open(data)
                .map_err(IndexError::from)
                .and_then(|mut store| bring_up_to_date(&mut store, data, build, tell)),
        };
        match outcome {
            Ok(outcome) => {
                if outcome != Outcome::UpToDate {
                    let _ = tell(IndexNews::Mended(outcome));
                }
            }
            Err(error) => {
                let why = format!("{behind}; {error}");
                let _ = tell(IndexNews::InMemory { why });
                return Ok(OpenBanks::in_memory(Store::open_read_only(data)?, alone)?);
            }
        }
    }
    let why = "the banks change all the time".to_owned();
    let _ = tell(IndexNews::InMemory { why });
    Ok(OpenBanks::in_memory(Store::open_read_only(data)?, alone)?)
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

/// Replaces all that it holds by what the banks hold, in one commit.
fn fill(
    store: &Store,
    live: &LiveIndex,
    generation: u64,
    why: Option<String>,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let total = searched_values(store)?;
    let all = [0..=u64::MAX];
    let applied = live.bulk::<IndexError>(
        &all,
        generation,
        |bulk| each_searched(store, |no, code| push(bulk, code, no)),
        &mut |step| tell(IndexNews::Step(of(step, total))),
    )?;
    Ok(Outcome::Built { why, values: applied.added })
}

fn push(bulk: &mut BulkWriter<'_>, code: Code256, no: u64) -> Result<(), IndexError> {
    Ok(bulk.push(code, no)?)
}

/// A step whose total is known here.
fn of(step: LiveStep, total: u64) -> LiveStep {
    match step {
        LiveStep::Read { done, .. } => LiveStep::Read { done, total },
        other => other,
    }
}

/// Makes few changes.
fn step_by_step(store: &Store, live: &LiveIndex, stamp: u64, generation: u64) -> Result<Outcome, IndexError> {
    let searched = searched_banks(store)?;
    let mut changes = Vec::new();
    store.pdq_changes_since::<IndexError>(stamp, |change| {
        match change {
            PdqChange::Dropped { first, last } => {
                changes.push(Change::RemoveIds(first.unsigned_abs()..=last.unsigned_abs()));
            }
            PdqChange::Removed { entry_no, pdq } => {
                changes.push(Change::Remove(Code256::from_bytes(&pdq), entry_no.unsigned_abs()));
            }
            PdqChange::Added { entry_no, pdq } if searched(entry_no) => {
                changes.push(Change::Add(Code256::from_bytes(&pdq), entry_no.unsigned_abs()));
            }
            _ => {}
        }
        Ok(())
    })?;
    let applied = live.apply(&changes, generation)?;
    Ok(Outcome::CaughtUp { added: applied.added, removed: applied.removed })
}

/// Makes many changes: what is new becomes a segment.
fn at_once(
    store: &Store,
    live: &LiveIndex,
    stamp: u64,
    generation: u64,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let searched = searched_banks(store)?;
    let total = store.pdq_changes_count(stamp)?.unwrap_or(0);
    let mut gone: Vec<RangeInclusive<u64>> = Vec::new();
    let mut removed = 0;
    let read = store.pdq_changes_since::<Gone>(stamp, |change| {
        match change {
            PdqChange::Dropped { first, last } => gone.push(first.unsigned_abs()..=last.unsigned_abs()),
            PdqChange::Removed { entry_no, .. } => {
                // The whole entry goes; what it has now comes again with what is new.
                gone.push(entry_no.unsigned_abs()..=entry_no.unsigned_abs());
                removed += 1;
            }
            // What goes comes first: the rest is read once, when it is added.
            _ => return Err(Gone::All),
        }
        Ok(())
    });
    if let Err(Gone::Error(error)) = read {
        return Err(error.into());
    }
    let gone = joined(gone);
    if gone.len() > SINGLE {
        let why = Some("most of it changed".to_owned());
        return fill(store, live, generation, why, tell);
    }
    let applied = live.bulk::<IndexError>(
        &gone,
        generation,
        |bulk| {
            store.pdq_changes_since::<IndexError>(stamp, |change| match change {
                PdqChange::Added { entry_no, pdq } if searched(entry_no) => {
                    push(bulk, Code256::from_bytes(&pdq), entry_no.unsigned_abs())
                }
                _ => Ok(()),
            })?;
            Ok(())
        },
        &mut |step| tell(IndexNews::Step(of(step, total))),
    )?;
    Ok(Outcome::CaughtUp { added: applied.added, removed })
}

/// Why reading what goes ended.
enum Gone {
    /// It is all read.
    All,
    Error(StoreError),
}

impl From<StoreError> for Gone {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// Ranges in order, those that touch made one.
fn joined(mut ranges: Vec<RangeInclusive<u64>>) -> Vec<RangeInclusive<u64>> {
    ranges.sort_unstable_by_key(|range| (*range.start(), *range.end()));
    let mut joined: Vec<RangeInclusive<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether an entry belongs to a bank that is searched.
fn searched_banks(store: &Store) -> Result<impl Fn(i64) -> bool, StoreError> {
    let banks = store.numbered_banks()?.into_iter().filter(|(_, bank)| bank.kind.makes_known());
    let numbers: Vec<i64> = banks.map(|(number, _)| number).collect();
    Ok(move |entry_no: i64| numbers.contains(&(entry_no >> 40)))
}

/// A sum that does not depend on the order.
#[derive(Default)]
struct Sum {
    count: u64,
    sum: u128,
}

impl Sum {
    fn add(&mut self, code: Code256, id: u64) {
        let mut hasher = DefaultHasher::new();
        (code, id).hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from(hasher.finish()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(joined(vec![5..=6, 1..=2, 3..=3, 9..=9, 1..=1]), [1..=3, 5..=6, 9..=9]);
        assert_eq!(joined(vec![0..=u64::MAX, 7..=8]), [0..=u64::MAX]);
        assert!(joined(Vec::new()).is_empty());
    }
}
