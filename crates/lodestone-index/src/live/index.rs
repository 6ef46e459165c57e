//! The live index as callers see it.

use std::ops::{ControlFlow, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;

use super::bulk::BulkWriter;
use super::change::{Applied, CHANGES_MAX, Change, LiveOptions};
use super::draft::Draft;
use super::error::LiveError;
use super::folder::Folder;
use super::merge::LiveStep;
use super::reader::Reader;
use super::snapshot::LiveSnapshot;
use super::writer::Core;

/// A set of pairs of a 256-bit code and an id that lives in a folder: searched by Hamming radius while it changes.
///
/// One process writes, any number read. Look-ups never wait: they take a [`LiveSnapshot`]. Changes wait for each other.
/// A change is safe on the disk, and seen by the next snapshot, when its call returns; a process killed at any moment
/// leaves a whole number of commits, all those among them that were acknowledged.
#[derive(Debug)]
pub struct LiveIndex {
    role: Role,
}

#[derive(Debug)]
enum Role {
    Writer { core: Arc<Core>, merger: Option<JoinHandle<()>>, refused: Option<String> },
    Reader { current: ArcSwap<LiveSnapshot>, reader: Mutex<Reader> },
}

/// How a live index is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveHealth {
    /// Why the newest files were refused at opening and the state before them was taken, if they were. The stamp tells
    /// whether something is missing.
    pub refused: Option<String>,
    /// The failure of a flush or merge that the next change will report.
    pub failure: Option<String>,
}

impl LiveIndex {
    /// Opens a folder for changes, and makes it when it is not there. Files that a killed process left half written are
    /// removed.
    ///
    /// Cost: opening the segments (milliseconds each) and reading the log (at most about as many pairs as
    /// [`LiveOptions::memtable_pairs`]).
    ///
    /// # Errors
    /// [`LiveError::Locked`] when it is open for changes already, [`LiveError::Version`], [`LiveError::Damaged`] and
    /// [`LiveError::Segment`] when neither the last state nor the one before can be read, and the system's.
    pub fn open(dir: &Path, options: LiveOptions) -> Result<Self, LiveError> {
        let background = options.background;
        let (core, refused) = Core::open(dir, options)?;
        let core = Arc::new(core);
        let merger = match background {
            true => Some(start_merging(&core)?),
            false => None,
        };
        let index = Self { role: Role::Writer { core, merger, refused } };
        if let Ok(core) = index.core() {
            core.after_growth(true);
        }
        Ok(index)
    }

    /// Opens a folder for look-ups, at its last committed state. Takes no lock and changes nothing, also while another
    /// process writes. [`LiveIndex::refresh`] moves on to later states.
    ///
    /// # Errors
    /// [`LiveError::NotALiveIndex`], else as [`LiveIndex::open`].
    pub fn open_read_only(dir: &Path) -> Result<Self, LiveError> {
        let (reader, snapshot) = Reader::open(Folder::new(dir))?;
        let current = ArcSwap::from_pointee(snapshot);
        Ok(Self { role: Role::Reader { current, reader: Mutex::new(reader) } })
    }

    /// The state after the last commit. Costs nanoseconds and never waits.
    pub fn snapshot(&self) -> Arc<LiveSnapshot> {
        match &self.role {
            Role::Writer { core, .. } => core.current.load_full(),
            Role::Reader { current, .. } => current.load_full(),
        }
    }

    /// In an index opened for reading: moves on to the last committed state; `true` when that is another. An index open
    /// for changes is always there.
    ///
    /// # Errors
    /// As [`LiveIndex::open_read_only`]; the snapshot stays as it was.
    pub fn refresh(&self) -> Result<bool, LiveError> {
        let Role::Reader { current, reader } = &self.role else { return Ok(false) };
        let mut reader = lock(reader);
        let before = current.load_full();
        let Some(next) = reader.refresh(&before)? else { return Ok(false) };
        let moved = next.generation() != before.generation();
        current.store(Arc::new(next));
        Ok(moved)
    }

    /// Makes all changes as one commit: safe on the disk, and visible to the next snapshot, when this returns. `stamp`
    /// is kept with it: the state of the source that the caller has brought the index to.
    ///
    /// Cost: one look-up at radius 0 a pair and segment, microseconds of work a change, and one flush of the disk.
    /// Now and then a small segment is written (some 15 ms, and several flushes).
    ///
    /// # Errors
    /// [`LiveError::ReadOnly`], [`LiveError::ReservedId`], [`LiveError::TooLarge`] above a million changes,
    /// [`LiveError::Background`] for an earlier failure, [`LiveError::Reopen`] and the system's. Nothing is changed then;
    /// after a failure of the disk itself, what it holds is known only when the folder is opened again.
    pub fn apply(&self, changes: &[Change], stamp: u64) -> Result<Applied, LiveError> {
        let core = self.core()?;
        if changes.len() > CHANGES_MAX {
            return Err(LiveError::TooLarge { changes: changes.len(), limit: CHANGES_MAX });
        }
        let mut writer = core.lock_for_change()?;
        let mut draft = Draft::new(&core.current.load());
        draft.change(changes)?;
        let (added, removed) = (draft.added, draft.removed);
        let generation = writer.commit(core, draft, stamp)?;
        let mut grown =
            changes.iter().any(|change| matches!(change, Change::RemoveIds(_))) && core.options.background;
        if writer.is_flush_due(core) {
            grown = true;
            if let Err(error) = writer.flush(core) {
                core.failed(error.to_string());
            }
        }
        drop(writer);
        if grown {
            core.after_growth(false);
        }
        Ok(Applied { generation, added, removed })
    }

    /// Makes a change of any size as one commit: removes all pairs with ids in `remove`, then adds what `fill` pushes.
    /// To replace everything, remove `0..=u64::MAX`.
    ///
    /// The pairs become a segment, built out of core within the memory of [`LiveOptions::build`]. Those whose ids are not
    /// removed first are looked up, so that no pair stands twice. Other changes wait meanwhile, so `fill` and
    /// `progress` must make none; look-ups do not wait.
    ///
    /// # Errors
    /// What `fill` gives, else as [`LiveIndex::apply`]; [`LiveError::Stopped`] if `progress` broke. Nothing is changed
    /// then.
    pub fn bulk<E: From<LiveError>>(
        &self,
        remove: &[RangeInclusive<u64>],
        stamp: u64,
        fill: impl FnOnce(&mut BulkWriter<'_>) -> Result<(), E>,
        progress: &mut dyn FnMut(LiveStep) -> ControlFlow<()>,
    ) -> Result<Applied, E> {
        let core = self.core()?;
        let applied = core.bulk(remove, stamp, fill, progress)?;
        core.after_growth(false);
        Ok(applied)
    }

    /// Writes the pairs that are in memory and in the log only to a segment. Seldom needed: it happens by itself.
    ///
    /// # Errors
    /// As [`LiveIndex::apply`].
    pub fn flush(&self) -> Result<(), LiveError> {
        let core = self.core()?;
        core.lock_for_change()?.flush(core)?;
        core.after_growth(false);
        Ok(())
    }

    /// Makes the merges that are due now, in this thread. Look-ups and changes go on.
    ///
    /// # Errors
    /// As [`LiveIndex::apply`].
    pub fn merge_now(&self) -> Result<(), LiveError> {
        let core = self.core()?;
        drop(core.lock_for_change()?);
        core.merge_due()
    }

    /// Makes one segment of everything and leaves the dead behind. Look-ups and changes go on. The files merged stay on
    /// the disk beside it until the next manifest is written.
    ///
    /// # Errors
    /// As [`LiveIndex::apply`]; [`LiveError::Stopped`] if `progress` broke.
    pub fn compact(&self, progress: &mut dyn FnMut(LiveStep) -> ControlFlow<()>) -> Result<(), LiveError> {
        let core = self.core()?;
        core.lock_for_change()?.flush(core)?;
        core.merge_all(progress)
    }

    /// Checks every block of every segment, and the manifest and log as they lie on the disk. `progress` is told the
    /// bytes done, of how many.
    ///
    /// # Errors
    /// What is wrong first; [`LiveError::Stopped`] if `progress` broke.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<(), LiveError> {
        let snapshot = self.snapshot();
        let bytes = |slot: &Arc<super::slot::Slot>| slot.segment.facts().file_bytes;
        let total: u64 = snapshot.slots.iter().map(bytes).sum();
        let mut before = 0;
        for slot in &snapshot.slots {
            let own = bytes(slot);
            slot.segment.verify(&mut |done, of| {
                let part = u128::from(own) * u128::from(done) / u128::from(of.max(1));
                progress(before + u64::try_from(part).unwrap_or(own).min(own), total)
            })?;
            before += own;
        }
        let folder = match &self.role {
            Role::Writer { core, .. } => core.folder.clone(),
            Role::Reader { reader, .. } => lock(reader).folder.clone(),
        };
        // No commit may move the log while it is read here.
        let _writer = match &self.role {
            Role::Writer { core, .. } => Some(core.lock()?),
            Role::Reader { .. } => None,
        };
        let loaded = super::load::load(&folder, &snapshot.slots)?;
        match loaded.refused {
            Some(refused) => {
                Err(LiveError::Damaged { path: folder.dir().to_owned(), reason: refused.reason })
            }
            None => Ok(()),
        }
    }

    /// How it is doing.
    pub fn health(&self) -> LiveHealth {
        match &self.role {
            Role::Writer { core, refused, .. } => LiveHealth {
                refused: refused.clone(),
                failure: core.failure.lock().ok().and_then(|failure| failure.clone()),
            },
            Role::Reader { reader, .. } => {
                LiveHealth { refused: lock(reader).refused.clone(), failure: None }
            }
        }
    }

    fn core(&self) -> Result<&Core, LiveError> {
        match &self.role {
            Role::Writer { core, .. } => Ok(core),
            Role::Reader { .. } => Err(LiveError::ReadOnly),
        }
    }
}

impl Drop for LiveIndex {
    /// Ends the merging thread; a merge under way is given up and made another time.
    fn drop(&mut self) {
        if let Role::Writer { core, merger, .. } = &mut self.role {
            core.closing.store(true, Ordering::Relaxed);
            core.call_merger();
            if let Some(merger) = merger.take() {
                let _ = merger.join();
            }
        }
    }
}

/// A reader changes its place only after all else went well, so that a panic leaves it whole.
fn lock(reader: &Mutex<Reader>) -> MutexGuard<'_, Reader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_merging(core: &Arc<Core>) -> Result<JoinHandle<()>, LiveError> {
    let shared = Arc::clone(core);
    let work = move || {
        while shared.wait_for_work() {
            let failed = match catch_unwind(AssertUnwindSafe(|| shared.merge_due())) {
                Ok(Ok(()) | Err(LiveError::Stopped)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "a panic in a merge".to_owned(),
            };
            shared.failed(failed);
        }
    };
    thread::Builder::new().name("live-merge".to_owned()).spawn(work).map_err(LiveError::io(core.folder.dir()))
}
