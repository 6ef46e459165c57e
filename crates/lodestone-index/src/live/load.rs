//! From the files of a folder to a state: the manifest, its segments, then the log.
//!
//! Where the manifest or one of its segments cannot be read, the manifest before it is taken with all logs since. That
//! gives the same state after a flush or a merge; after a bulk change, which stands in no log, it gives the state before.

use std::sync::Arc;

use super::draft::Draft;
use super::error::LiveError;
use super::folder::{Folder, Kind, MANIFEST, MANIFEST_OLD};
use super::log::{self, BadLog, LogHead};
use super::manifest::{BadManifest, MANIFEST_MAX, Manifest};
use super::slot::Slot;
use super::snapshot::LiveSnapshot;
use crate::{Segment, SegmentError};

/// A state, and where in the files it ends.
pub(crate) struct Loaded {
    pub(crate) manifest_bytes: Vec<u8>,
    pub(crate) manifest: Manifest,
    pub(crate) snapshot: LiveSnapshot,
    /// Number of the last log that was read, and its length up to the last whole record.
    pub(crate) log: u64,
    pub(crate) log_length: u64,
    /// Pairs of segments that the log buries.
    pub(crate) buried: u64,
    /// Set where the present manifest was refused and the one before taken.
    pub(crate) refused: Option<Refused>,
}

/// What was refused.
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// The greatest generation that any file names.
    pub(crate) generation: u64,
}

struct Base {
    bytes: Vec<u8>,
    manifest: Manifest,
    slots: Vec<Arc<Slot>>,
}

/// The last committed state of a folder. Segments among `known` are not opened again.
pub(crate) fn load(folder: &Folder, known: &[Arc<Slot>]) -> Result<Loaded, LiveError> {
    /// A writer replaces the manifest seldom; this often in a row while we look means something else is wrong.
    const ATTEMPTS: usize = 100;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let seen = folder.read(&folder.file(MANIFEST), MANIFEST_MAX)?;
        let result = load_present(folder, seen.clone(), known);
        // A writer in another process may have replaced the manifest and removed files of the one before.
        let error = match result {
            Ok(loaded) => return Ok(loaded),
            Err(error) => error,
        };
        if attempt < ATTEMPTS && folder.read(&folder.file(MANIFEST), MANIFEST_MAX)? != seen {
            continue;
        }
        return match error {
            Failure::Base(error) if is_refusal(&error) => load_before(folder, seen.as_deref(), known, error),
            Failure::Base(error) | Failure::Log(error) => Err(error),
        };
    }
}

enum Failure {
    /// Of the manifest or a segment: the manifest before may help.
    Base(LiveError),
    /// Of the log, which both manifests need.
    Log(LiveError),
}

fn load_present(folder: &Folder, bytes: Option<Vec<u8>>, known: &[Arc<Slot>]) -> Result<Loaded, Failure> {
    let base = open_base(folder, MANIFEST, bytes, known).map_err(Failure::Base)?;
    replay(folder, base, None).map_err(Failure::Log)
}

/// The state by the manifest before; when that does not work either, the first error counts.
fn load_before(
    folder: &Folder,
    present: Option<&[u8]>,
    known: &[Arc<Slot>],
    error: LiveError,
) -> Result<Loaded, LiveError> {
    let Ok(Some(bytes)) = folder.read(&folder.file(MANIFEST_OLD), MANIFEST_MAX) else { return Err(error) };
    let Ok(base) = open_base(folder, MANIFEST_OLD, Some(bytes), known) else { return Err(error) };
    let generation = present.and_then(|bytes| Manifest::decode(bytes).ok()).map_or(0, |m| m.generation);
    replay(folder, base, Some(Refused { reason: error.to_string(), generation }))
}

/// Whether the file is at fault, and not the system or the version of this program.
fn is_refusal(error: &LiveError) -> bool {
    match error {
        LiveError::NotALiveIndex { .. } | LiveError::Damaged { .. } => true,
        LiveError::Segment(error) => {
            !matches!(error, SegmentError::Version { .. } | SegmentError::TooLarge { .. })
        }
        error => error.is_missing(),
    }
}

fn open_base(
    folder: &Folder,
    name: &str,
    bytes: Option<Vec<u8>>,
    known: &[Arc<Slot>],
) -> Result<Base, LiveError> {
    let path = folder.file(name);
    let Some(bytes) = bytes else { return Err(LiveError::NotALiveIndex { path: folder.dir().to_owned() }) };
    let damaged = |reason: &str| LiveError::Damaged { path: path.clone(), reason: reason.to_owned() };
    let manifest = Manifest::decode(&bytes).map_err(|bad| match bad {
        BadManifest::Foreign => damaged("not the manifest of a live index"),
        BadManifest::Version(found) => LiveError::Version { path: path.clone(), found, known: 1 },
        BadManifest::Damaged => damaged("the manifest is damaged"),
    })?;
    let mut slots = Vec::new();
    for entry in &manifest.slots {
        let same = known.iter().find(|slot| slot.number == entry.number && slot.checksum == entry.checksum);
        let segment = match same {
            Some(slot) => Arc::clone(&slot.segment),
            None => Arc::new(Segment::open(&folder.segment(entry.number))?),
        };
        let slot = Slot::new(entry.number, segment, entry.dead.clone());
        if (slot.checksum, slot.segment.len()) != (entry.checksum, entry.pairs) {
            let reason = "not the segment that the manifest names".to_owned();
            return Err(LiveError::Damaged { path: folder.segment(entry.number), reason });
        }
        slots.push(Arc::new(slot));
    }
    Ok(Base { bytes, manifest, slots })
}

fn replay(folder: &Folder, base: Base, mut refused: Option<Refused>) -> Result<Loaded, LiveError> {
    let Base { bytes, manifest, slots } = base;
    let mut snapshot = LiveSnapshot {
        generation: manifest.generation,
        stamp: manifest.stamp,
        slots,
        ..LiveSnapshot::empty()
    };
    let tail = read_log(folder, manifest.log)?;
    if tail.head.base_generation != manifest.generation {
        let reason = "the log does not follow the manifest".to_owned();
        return Err(LiveError::Damaged { path: folder.log(manifest.log), reason });
    }
    let (mut log, mut log_length) = (manifest.log, log::HEAD as u64);
    let mut buried = 0;
    log_length += continue_log(folder, &mut snapshot, log, &tail.records, &mut buried)?;
    if let Some(refused) = &mut refused {
        refused.generation = refused.generation.max(snapshot.generation);
        for (number, kind) in folder.list()? {
            if kind != Kind::Log || number <= manifest.log {
                continue;
            }
            let tail = read_log(folder, number)?;
            refused.generation = refused.generation.max(tail.head.base_generation);
            if tail.head.base_generation == snapshot.generation {
                (log, log_length) = (number, log::HEAD as u64);
                log_length += continue_log(folder, &mut snapshot, number, &tail.records, &mut buried)?;
            } else {
                // Commits that came after one that is lost. Their numbers must not be given again.
                let last = &mut refused.generation;
                let each = &mut |record: log::Record| *last = record.generation.max(*last);
                let _ = log::read_on(&tail.records, number, 0, tail.head.base_generation, each);
            }
            refused.generation = refused.generation.max(snapshot.generation);
        }
    }
    Ok(Loaded { manifest_bytes: bytes, manifest, snapshot, log, log_length, buried, refused })
}

struct Tail {
    head: LogHead,
    records: Vec<u8>,
}

fn read_log(folder: &Folder, number: u64) -> Result<Tail, LiveError> {
    let path = folder.log(number);
    let Some(mut bytes) = folder.read(&path, log::LOG_MAX)? else {
        return Err(LiveError::Damaged {
            path,
            reason: "the log that the manifest names is missing".to_owned(),
        });
    };
    let head = LogHead::decode(&bytes).map_err(|bad| bad_log(folder, number, bad))?;
    if head.number != number {
        return Err(LiveError::Damaged { path, reason: "the log of another number".to_owned() });
    }
    let records = bytes.split_off(log::HEAD);
    Ok(Tail { head, records })
}

/// Takes the whole records among these bytes into the snapshot; gives their length.
pub(crate) fn continue_log(
    folder: &Folder,
    snapshot: &mut LiveSnapshot,
    number: u64,
    bytes: &[u8],
    buried: &mut u64,
) -> Result<u64, LiveError> {
    let mut draft = Draft::new(snapshot);
    let (mut generation, mut stamp) = (snapshot.generation, snapshot.stamp);
    let mut failed = None;
    let end = log::read_on(bytes, number, 0, generation, &mut |record| {
        (generation, stamp) = (record.generation, record.stamp);
        if failed.is_none() {
            failed = draft.replay(&record.effects).err();
        }
    })
    .map_err(|bad| bad_log(folder, number, bad))?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    *buried += draft.buried;
    (snapshot.memtable, snapshot.slots) = draft.into_parts();
    (snapshot.generation, snapshot.stamp) = (generation, stamp);
    Ok(end as u64)
}

fn bad_log(folder: &Folder, number: u64, bad: BadLog) -> LiveError {
    LiveError::Damaged {
        path: folder.log(number),
        reason: format!("{} (near byte {})", bad.what, bad.offset),
    }
}
