//! Opening for changes: a new folder, the last state, or the one before it; and what the merging thread waits for.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex};

use arc_swap::ArcSwap;

use super::change::LiveOptions;
use super::error::LiveError;
use super::folder::{Folder, Kind, MANIFEST, MANIFEST_OLD};
use super::load::{Loaded, load};
use super::log::{self, LogHead};
use super::manifest::{MANIFEST_MAX, Manifest};
use super::writer::{Core, LogFile, Named, Writer};

impl Core {
    /// Opens or makes a folder; gives what was refused, too.
    pub(crate) fn open(dir: &Path, options: LiveOptions) -> Result<(Self, Option<String>), LiveError> {
        let (folder, lock) = Folder::create_and_lock(dir)?;
        folder.remove_temporary()?;
        let loaded = match load(&folder, &[]) {
            Err(LiveError::NotALiveIndex { .. }) => {
                begin(&folder)?;
                load(&folder, &[])?
            }
            other => other?,
        };
        let before = folder.read(&folder.file(MANIFEST_OLD), MANIFEST_MAX)?;
        let before = before.and_then(|bytes| Manifest::decode(&bytes).ok());
        let last = folder.list()?.last().map_or(0, |(number, _)| *number);
        let next_number = loaded
            .manifest
            .next_number
            .max(before.as_ref().map_or(0, |manifest| manifest.next_number))
            .max(last.saturating_add(1));

        let Loaded { manifest_bytes, manifest, mut snapshot, log, log_length, buried, refused } = loaded;
        let log = open_log(&folder, log, log_length, buried)?;
        let named = named(&manifest);
        let named_before = before.as_ref().map_or_else(|| named.clone(), self::named);
        let mut writer = Writer {
            _lock: lock,
            log,
            manifest: refused.is_none().then_some(manifest_bytes),
            serial: manifest.serial,
            base: (manifest.generation, manifest.stamp),
            next_number,
            named,
            named_before,
            merging: None,
            closed_by: None,
        };
        if let Some(refused) = &refused
            && refused.generation > snapshot.generation
        {
            // Commits are lost, and their numbers with them: answers that named them were of another state.
            snapshot.generation = refused.generation.saturating_add(1);
        }
        let core = |writer| Self {
            folder,
            options,
            current: ArcSwap::from_pointee(snapshot),
            writer: Mutex::new(writer),
            merge_ended: Condvar::new(),
            failure: Mutex::new(None),
            closing: AtomicBool::new(false),
            work: Mutex::new(false),
            work_given: Condvar::new(),
        };
        let Some(refused) = refused else {
            let core = core(writer);
            core.lock()?.remove_unnamed(&core);
            return Ok((core, None));
        };
        // The refused manifest gives way to one that says what was taken in its place.
        writer.serial = writer.serial.saturating_add(1);
        let core = core(writer);
        core.lock()?.checkpoint(&core)?;
        Ok((core, Some(refused.reason)))
    }

    /// After a flush, a bulk change or a removal of ranges: merges are made here, left to the thread, or not due.
    pub(crate) fn after_growth(&self, opening: bool) {
        if self.options.background {
            self.call_merger();
        }
        let here = !self.options.background && !opening && self.is_merge_due() || self.is_merge_overdue();
        if here && let Err(error) = self.merge_due() {
            self.failed(error.to_string());
        }
    }

    /// Wakes the merging thread.
    pub(crate) fn call_merger(&self) {
        if let Ok(mut work) = self.work.lock() {
            *work = true;
        }
        self.work_given.notify_all();
    }

    /// Waits until there may be work; `false` when the index closes.
    pub(crate) fn wait_for_work(&self) -> bool {
        let Ok(mut work) = self.work.lock() else { return false };
        while !*work {
            let Ok(next) = self.work_given.wait(work) else { return false };
            work = next;
        }
        *work = false;
        !self.closing()
    }
}

/// Makes the first files. A folder with our files and no manifest is damaged, and not new.
fn begin(folder: &Folder) -> Result<(), LiveError> {
    for (number, kind) in folder.list()? {
        let ours = match kind {
            Kind::Segment => true,
            Kind::Log => folder.read(&folder.log(number), log::LOG_MAX)?.is_some_and(|b| b.len() > log::HEAD),
        };
        if ours {
            let reason = "segments or logs are here, and no manifest".to_owned();
            return Err(LiveError::Damaged { path: folder.dir().to_owned(), reason });
        }
    }
    folder.create(&folder.log(1), &LogHead { number: 1, base_generation: 0 }.encode())?;
    let manifest = Manifest { serial: 1, log: 1, next_number: 2, ..Manifest::default() };
    folder.write_manifest(&manifest.encode())?;
    folder.swap_manifest(MANIFEST)
}

/// The log to go on with, its torn tail cut off.
fn open_log(folder: &Folder, number: u64, length: u64, buried: u64) -> Result<LogFile, LiveError> {
    let path = folder.log(number);
    let file: File = folder.append_to(&path)?;
    let has = file.metadata().map_err(LiveError::io(&path))?.len();
    if has > length {
        file.set_len(length).and_then(|()| file.sync_all()).map_err(LiveError::io(&path))?;
    }
    Ok(LogFile { file, number, length, buried })
}

fn named(manifest: &Manifest) -> Named {
    Named { log: manifest.log, segments: manifest.slots.iter().map(|slot| slot.number).collect() }
}
