//! The one place that writes: the log, the manifest, and which state is the present one.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use arc_swap::ArcSwap;

use super::change::{CHANGES_MAX, LiveOptions};
use super::dead::Dead;
use super::draft::Draft;
use super::error::LiveError;
use super::folder::{Folder, Kind, Lock, MANIFEST, MANIFEST_OLD};
use super::log::{self, Effect, LogHead, Record};
use super::manifest::{Manifest, SlotEntry};
use super::merge::Journal;
use super::pairs::PairSet;
use super::slot::Slot;
use super::snapshot::LiveSnapshot;
use crate::{Segment, SegmentBuilder};

/// A live index that is open for changes: what calls and the merging thread share.
pub(crate) struct Core {
    pub(crate) folder: Folder,
    pub(crate) options: LiveOptions,
    /// What look-ups see.
    pub(crate) current: ArcSwap<LiveSnapshot>,
    pub(crate) writer: Mutex<Writer>,
    /// Told, with `writer`, when a merge has ended.
    pub(crate) merge_ended: Condvar,
    /// A failure that no call has reported yet.
    pub(crate) failure: Mutex<Option<String>>,
    /// Set once, when the index is closed.
    pub(crate) closing: AtomicBool,
    /// Whether the merging thread has something to look at.
    pub(crate) work: Mutex<bool>,
    pub(crate) work_given: Condvar,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("current", &self.current.load()).finish_non_exhaustive()
    }
}

/// What only the holder of the lock may touch.
pub(crate) struct Writer {
    /// Held for as long as the index is open.
    pub(crate) _lock: Lock,
    pub(crate) log: LogFile,
    /// The bytes of the present manifest, the next one's predecessor; none where it must not become that.
    pub(crate) manifest: Option<Vec<u8>>,
    pub(crate) serial: u64,
    /// Generation and stamp where the present log begins.
    pub(crate) base: (u64, u64),
    pub(crate) next_number: u64,
    /// What the present manifest names, and the one before.
    pub(crate) named: Named,
    pub(crate) named_before: Named,
    /// The merge that is under way.
    pub(crate) merging: Option<Journal>,
    /// Why no more changes are taken.
    pub(crate) closed_by: Option<String>,
}

/// The numbers of files that a manifest needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) log: u64,
    pub(crate) segments: Vec<u64>,
}

/// The log in use.
pub(crate) struct LogFile {
    pub(crate) file: File,
    pub(crate) number: u64,
    /// Its length up to the last whole record.
    pub(crate) length: u64,
    /// Pairs of segments that its records bury, about: each may cost a look-up when the log is read.
    pub(crate) buried: u64,
}

impl Core {
    /// The writer, when it takes changes; first reports what failed behind an earlier call.
    pub(crate) fn lock_for_change(&self) -> Result<MutexGuard<'_, Writer>, LiveError> {
        let failure = self.failure.lock().ok().and_then(|mut failure| failure.take());
        if let Some(reason) = failure {
            return Err(LiveError::Background { reason });
        }
        self.lock()
    }

    /// The writer, when it takes changes.
    pub(crate) fn lock(&self) -> Result<MutexGuard<'_, Writer>, LiveError> {
        let Ok(writer) = self.writer.lock() else {
            return Err(LiveError::Reopen { reason: "a panic while it was written".to_owned() });
        };
        match &writer.closed_by {
            Some(reason) => Err(LiveError::Reopen { reason: reason.clone() }),
            None => Ok(writer),
        }
    }

    /// Keeps a failure for the next call to report.
    pub(crate) fn failed(&self, reason: String) {
        if let Ok(mut failure) = self.failure.lock() {
            *failure = Some(reason);
        }
    }

    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// A builder that keeps to the memory of the options.
    pub(crate) fn builder(&self) -> SegmentBuilder {
        SegmentBuilder::new(self.options.build.clone()).spill_in(self.folder.dir())
    }

    /// A written segment, opened and tried out.
    pub(crate) fn open_slot(&self, number: u64, dead: Dead) -> Result<Arc<Slot>, LiveError> {
        let segment = Segment::open(&self.folder.segment(number))?;
        Ok(Arc::new(Slot::new(number, Arc::new(segment), dead)))
    }
}

impl Writer {
    /// A number that no file has had.
    pub(crate) fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = self.next_number.saturating_add(1);
        number
    }

    /// Makes a draft the present state: first the log, then what look-ups see.
    pub(crate) fn commit(&mut self, core: &Core, draft: Draft, stamp: u64) -> Result<u64, LiveError> {
        let before = core.current.load();
        let generation = before.generation.saturating_add(1);
        let buried = draft.buried;
        let mut draft = draft;
        let record = Record { generation, stamp, effects: std::mem::take(&mut draft.effects) };
        let Some(bytes) = log::encode(self.log.number, &record) else {
            return Err(LiveError::TooLarge { changes: record.effects.len(), limit: CHANGES_MAX });
        };
        self.append(core, &bytes)?;
        self.log.buried += buried;
        self.note_for_merge(&record.effects);
        let (memtable, slots) = draft.into_parts();
        let kernel = before.kernel;
        core.current.store(Arc::new(LiveSnapshot { generation, stamp, memtable, slots, kernel }));
        Ok(generation)
    }

    fn append(&mut self, core: &Core, bytes: &[u8]) -> Result<(), LiveError> {
        let path = core.folder.log(self.log.number);
        let start = self.log.length;
        let file = &mut self.log.file;
        let written = file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(bytes));
        if let Err(source) = written {
            // What was written of it must not stand before the next record.
            if let Err(error) = file.set_len(start) {
                self.closed_by = Some(format!("{}: {error}", path.display()));
            }
            return Err(LiveError::Io { path, source });
        }
        if let Err(source) = file.sync_data() {
            // The disk may hold it or not, and a second attempt can succeed without having written anything.
            let _ = file.set_len(start);
            self.closed_by = Some(format!("{}: {source}", path.display()));
            return Err(LiveError::Io { path, source });
        }
        self.log.length += bytes.len() as u64;
        Ok(())
    }

    /// What a merge under way has to know of a commit: which of its pairs died meanwhile.
    pub(crate) fn note_for_merge(&mut self, effects: &[Effect]) {
        let Some(journal) = &mut self.merging else { return };
        for effect in effects {
            match effect {
                Effect::Remove(code, id, place) if journal.inputs.contains(place) => {
                    journal.dead.bury((*id, *code));
                }
                Effect::RemoveIds(first, last) => journal.dead.bury_ids(*first, *last),
                Effect::Add(..) | Effect::Remove(..) => {}
            }
        }
    }

    /// Whether the memtable, or what must be read at opening, has grown enough.
    pub(crate) fn is_flush_due(&self, core: &Core) -> bool {
        let pairs = core.options.memtable_pairs.max(1) as u64;
        let present = core.current.load();
        // A manifest repeats all tombstones, so it waits for a part of them to be new.
        let dead: usize = present.slots.iter().map(|slot| slot.dead.pairs().len()).sum();
        present.memtable.len() as u64 >= pairs
            || self.log.length > pairs.saturating_mul(256)
            || self.log.buried > (pairs / 4).max(1024).max(dead as u64 / 16)
    }

    /// Turns the memtable into a segment and begins a new log, unless nothing happened since the last time.
    pub(crate) fn flush(&mut self, core: &Core) -> Result<(), LiveError> {
        if self.log.length <= log::HEAD as u64 { Ok(()) } else { self.checkpoint(core) }
    }

    /// Writes the present state down in a manifest, with an empty log.
    pub(crate) fn checkpoint(&mut self, core: &Core) -> Result<(), LiveError> {
        let present = core.current.load_full();
        let mut slots = present.slots.clone();
        if !present.memtable.is_empty() {
            let number = self.take_number();
            let mut builder = core.builder();
            for (id, code) in present.memtable.iter() {
                builder.push(*code, *id)?;
            }
            builder.write(&core.folder.segment(number), &mut |_| ControlFlow::Continue(()))?;
            slots.push(core.open_slot(number, Dead::default())?);
        }
        self.begin_log(core, slots, present.generation, present.stamp)
    }

    /// Makes these segments, with an empty memtable and a new log, the present state.
    pub(crate) fn begin_log(
        &mut self,
        core: &Core,
        mut slots: Vec<Arc<Slot>>,
        generation: u64,
        stamp: u64,
    ) -> Result<(), LiveError> {
        slots.retain(|slot| !slot.is_dead());
        let number = self.take_number();
        let head = LogHead { number, base_generation: generation }.encode();
        let file = core.folder.create(&core.folder.log(number), &head)?;
        let base = std::mem::replace(&mut self.base, (generation, stamp));
        if let Err(error) = self.write_manifest(core, &slots, number) {
            self.base = base;
            return Err(error);
        }
        self.log = LogFile { file, number, length: head.len() as u64, buried: 0 };
        self.swap_manifest(core, slots, PairSet::default(), generation, stamp)
    }

    /// Makes other segments with the same pairs the present state; the log goes on.
    pub(crate) fn replace_slots(&mut self, core: &Core, mut slots: Vec<Arc<Slot>>) -> Result<(), LiveError> {
        slots.retain(|slot| !slot.is_dead());
        let present = core.current.load_full();
        self.write_manifest(core, &slots, self.log.number)?;
        self.swap_manifest(core, slots, present.memtable.clone(), present.generation, present.stamp)
    }

    /// Puts the present manifest by, and the next one beside it. Until the swap, nothing has changed.
    fn write_manifest(&mut self, core: &Core, slots: &[Arc<Slot>], log: u64) -> Result<(), LiveError> {
        let entry = |slot: &Arc<Slot>| SlotEntry {
            number: slot.number,
            pairs: slot.segment.len(),
            checksum: slot.checksum,
            dead: slot.dead.clone(),
        };
        let manifest = Manifest {
            serial: self.serial.saturating_add(1),
            generation: self.base.0,
            stamp: self.base.1,
            log,
            next_number: self.next_number,
            slots: slots.iter().map(entry).collect(),
        };
        let bytes = manifest.encode();
        if let Some(present) = &self.manifest {
            core.folder.write_manifest(present)?;
            core.folder.swap_manifest(MANIFEST_OLD)?;
            self.named_before = self.named.clone();
        }
        core.folder.write_manifest(&bytes)?;
        self.serial = manifest.serial;
        self.manifest = Some(bytes);
        self.named = Named { log, segments: slots.iter().map(|slot| slot.number).collect() };
        Ok(())
    }

    /// The step after which the next state is the present one.
    fn swap_manifest(
        &mut self,
        core: &Core,
        slots: Vec<Arc<Slot>>,
        memtable: PairSet,
        generation: u64,
        stamp: u64,
    ) -> Result<(), LiveError> {
        if let Err(error) = core.folder.swap_manifest(MANIFEST) {
            self.closed_by = Some(error.to_string());
            return Err(error);
        }
        let kernel = core.current.load().kernel;
        core.current.store(Arc::new(LiveSnapshot { generation, stamp, memtable, slots, kernel }));
        self.remove_unnamed(core);
        Ok(())
    }

    /// Removes files that neither manifest names, and that no merge is writing.
    pub(crate) fn remove_unnamed(&self, core: &Core) {
        let merging = self.merging.as_ref().map(|journal| journal.number);
        let oldest_log = self.named_before.log.min(self.named.log);
        let keep = |number: u64, kind: Kind| match kind {
            Kind::Segment => {
                self.named.segments.contains(&number)
                    || self.named_before.segments.contains(&number)
                    || merging == Some(number)
            }
            Kind::Log => number >= oldest_log,
        };
        // What is left lying takes room and does nothing else; the next time removes it.
        let _ = core.folder.remove_others(&keep);
    }
}
