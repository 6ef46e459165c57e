//! The journal of match events: written with one `write` before a look-up is answered, read by the ingest thread.
//!
//! ```text
//! look-up ─append─▶ DATA/journal/000000000007-5f3c01d2.log ─ingest─▶ store (event, what follows, position: one commit)
//! ```
//!
//! Look-ups never touch the database: it may be busy, locked or full, and a match is still written down. A process that
//! is killed loses nothing that was acknowledged, since the system has it; a power cut can lose the events of the last
//! fraction of a second, which the store had not yet. A segment is removed once everything in it is in the store, and
//! holds hashes until then: it is readable by its owner only. Every start begins a new segment, so that nothing is ever
//! written behind a torn record.

mod record;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use record::{MAX_JSON_BYTES, Next, next};

/// Size from which a new segment is begun.
const SEGMENT_BYTES: u64 = 4 << 20;
/// Bytes that wait at most; beyond it look-ups that match are refused until the store has caught up.
const MAX_WAITING_BYTES: u64 = 64 << 20;

/// File that is written to see whether there is room. Its name is none of a segment.
const PROBE: &str = "probe";
/// Its size: a long event's.
const PROBE_BYTES: usize = 64 << 10;

/// Why an event is not written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system does not take it: the disk is full, or gone. Nothing was written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The store is too far behind.
    #[error("{waiting_bytes} bytes of match events wait for the store")]
    Behind {
        /// Bytes that wait.
        waiting_bytes: u64,
    },
    /// It cannot be a record.
    #[error("a match event is too long to be written down")]
    TooLong,
}

/// The first segment that is not wholly in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// Name of its file.
    pub name: Arc<str>,
    /// Bytes written and acknowledged.
    pub length: u64,
    /// Nothing more is written to it.
    pub closed: bool,
}

/// Match events on their way to the store. One process has one.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    inner: Mutex<Inner>,
    waiting_bytes: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    segments: VecDeque<Front>,
    /// The last segment's file, while it is written to.
    file: Option<File>,
    next_no: u64,
    token: u32,
}

impl Journal {
    /// Opens a folder, made with mode 0700 where it is missing. `token` goes into the names of its new segments: those of
    /// another life of the folder are told apart by it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn open(folder: &Path, token: u32) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: folder.to_owned(), source };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(io)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(no) = number(&name) {
                let length = entry.metadata().map_err(io)?.len();
                found.push((no, Front { name: name.into(), length, closed: true }));
            }
        }
        found.sort_by(|(no, a), (other, b)| (no, &a.name).cmp(&(other, &b.name)));
        let next_no = found.last().map_or(0, |(no, _)| *no) + 1;
        let waiting = found.iter().map(|(_, front)| front.length).sum();
        let segments = found.into_iter().map(|(_, front)| front).collect();
        Ok(Self {
            folder: folder.to_owned(),
            inner: Mutex::new(Inner { segments, file: None, next_no, token }),
            waiting_bytes: AtomicU64::new(waiting),
        })
    }

    /// Writes an event down, given as one line of JSON. When it returns, the system has it.
    ///
    /// # Errors
    /// [`JournalError`]; nothing of the event is kept then.
    pub fn append(&self, json: &str) -> Result<(), JournalError> {
        let record = record::encode(json).ok_or(JournalError::TooLong)?;
        let length = record.len() as u64;
        let waiting_bytes = self.waiting_bytes();
        if waiting_bytes.saturating_add(length) > MAX_WAITING_BYTES && waiting_bytes > 0 {
            return Err(JournalError::Behind { waiting_bytes });
        }
        let mut inner = self.lock();
        let inner = &mut *inner;
        if inner.segments.back().is_some_and(|last| last.length >= SEGMENT_BYTES) {
            inner.close();
        }
        let file = match &mut inner.file {
            Some(file) => file,
            none => {
                let name = format!("{:012}-{:08x}.log", inner.next_no, inner.token);
                let path = self.folder.join(&name);
                let file = new_private(&path).map_err(|source| JournalError::Io { path, source })?;
                inner.next_no += 1;
                inner.segments.push_back(Front { name: name.into(), length: 0, closed: false });
                none.insert(file)
            }
        };
        let Some(last) = inner.segments.back_mut() else { return Err(JournalError::TooLong) };
        if let Err(source) = write_once(file, &record) {
            let path = self.folder.join(&*last.name);
            // What was written in part goes; where even that fails, nothing is written behind it.
            if file.set_len(last.length).is_err() {
                inner.close();
            }
            return Err(JournalError::Io { path, source });
        }
        last.length += length;
        self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    /// Whether an event could be written down now: tries with a file beside the segments.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn probe(&self) -> Result<(), JournalError> {
        let waiting_bytes = self.waiting_bytes();
        if waiting_bytes >= MAX_WAITING_BYTES {
            return Err(JournalError::Behind { waiting_bytes });
        }
        let path = self.folder.join(PROBE);
        let _ = fs::remove_file(&path);
        let tried = new_private(&path).and_then(|mut file| write_once(&mut file, &[0; PROBE_BYTES]));
        let _ = fs::remove_file(&path);
        tried.map_err(|source| JournalError::Io { path, source })
    }

    /// The segment to read next; `None` when there is none.
    pub fn front(&self) -> Option<Front> {
        self.lock().segments.front().cloned()
    }

    /// The bytes of a segment from `from` on, up to its acknowledged length.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn read(&self, front: &Front, from: u64) -> Result<Vec<u8>, JournalError> {
        let path = self.folder.join(&*front.name);
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(front.length.saturating_sub(from)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| JournalError::Io { path: path.clone(), source })
    }

    /// Notes that so many bytes are in the store now.
    pub fn done(&self, bytes: u64) {
        let _ = self.waiting_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            Some(waiting.saturating_sub(bytes))
        });
    }

    /// Removes the front segment, all of which is in the store; one that is still written to is closed first, unless it
    /// has grown meanwhile.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the file stays; it is not read again in this life of the process.
    pub fn remove(&self, front: &Front) -> Result<(), JournalError> {
        let mut inner = self.lock();
        match inner.segments.front() {
            Some(now) if now.name == front.name && now.length == front.length => {}
            _ => return Ok(()),
        }
        if inner.segments.len() == 1 {
            inner.close();
        }
        inner.segments.pop_front();
        drop(inner);
        let path = self.folder.join(&*front.name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(JournalError::Io { path, source }),
            _ => Ok(()),
        }
    }

    /// Bytes that are not in the store yet.
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self) {
        self.file = None;
        if let Some(last) = self.segments.back_mut() {
            last.closed = true;
        }
    }
}

/// The number in a segment's name.
fn number(name: &str) -> Option<u64> {
    let (no, token) = name.strip_suffix(".log")?.split_once('-')?;
    let digits = no.len() == 12 && token.len() == 8 && token.bytes().all(|c| c.is_ascii_hexdigit());
    digits.then(|| no.parse().ok())?
}

fn new_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create_new(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// All of it in one call, or an error.
fn write_once(file: &mut File, record: &[u8]) -> std::io::Result<()> {
    loop {
        match file.write(record) {
            Ok(written) if written == record.len() => return Ok(()),
            Ok(_) => return Err(ErrorKind::StorageFull.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(journal: &Journal) -> Vec<String> {
        let Some(front) = journal.front() else { return Vec::new() };
        let bytes = journal.read(&front, 0).unwrap();
        let (mut at, mut lines) = (0, Vec::new());
        loop {
            match next(&bytes, at) {
                Next::Record { json, end } => {
                    lines.push(json.to_owned());
                    at = end;
                }
                Next::Torn { end } => at = end,
                Next::End => return lines,
            }
        }
    }

    #[test]
    fn what_was_appended_is_there_for_the_next_process_and_gone_once_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("journal");
        let journal = Journal::open(&folder, 7).unwrap();
        assert!(journal.front().is_none());
        for at in 0..3 {
            journal.append(&format!("{{\"at\":{at}}}")).unwrap();
        }
        let again = Journal::open(&folder, 8).unwrap();
        assert_eq!(lines(&again), ["{\"at\":0}", "{\"at\":1}", "{\"at\":2}"]);
        assert_eq!(again.waiting_bytes(), journal.waiting_bytes());
        again.append("{}").unwrap();
        let front = again.front().unwrap();
        assert!(front.closed);
        again.remove(&front).unwrap();
        assert_eq!(lines(&again), ["{}"]);
        again.done(u64::MAX);
        assert_eq!(again.waiting_bytes(), 0);
        #[cfg(unix)]
        for entry in fs::read_dir(&folder).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_segment_that_has_grown_is_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), 7).unwrap();
        journal.append("{}").unwrap();
        let front = journal.front().unwrap();
        journal.append("[]").unwrap();
        journal.remove(&front).unwrap();
        assert_eq!(lines(&journal), ["{}", "[]"]);
        journal.remove(&journal.front().unwrap()).unwrap();
        assert!(journal.front().is_none());
        journal.append("{}").unwrap();
        assert_eq!(lines(&journal), ["{}"]);
    }

    #[test]
    fn segments_are_parted_and_read_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), 7).unwrap();
        let big = format!("\"{}\"", "x".repeat(3 << 20));
        for _ in 0..3 {
            journal.append(&big).unwrap();
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        let first = journal.front().unwrap();
        assert!(first.closed && first.length > SEGMENT_BYTES);
    }

    #[test]
    fn a_probe_says_whether_events_can_be_written_down_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("journal");
        let journal = Journal::open(&folder, 7).unwrap();
        journal.probe().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
        assert!(matches!(journal.probe(), Err(JournalError::Io { .. })));
        fs::create_dir(&folder).unwrap();
        journal.waiting_bytes.store(MAX_WAITING_BYTES, Ordering::Relaxed);
        assert!(matches!(journal.probe(), Err(JournalError::Behind { .. })));
    }

    #[test]
    fn too_much_that_waits_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), 7).unwrap();
        let big = format!("\"{}\"", "x".repeat(MAX_JSON_BYTES - 2));
        let refused = (0..5).filter_map(|_| journal.append(&big).err()).next().unwrap();
        assert!(matches!(refused, JournalError::Behind { .. }));
        journal.done(u64::MAX);
        journal.append("{}").unwrap();
        assert!(matches!(journal.append(&"x".repeat(MAX_JSON_BYTES + 1)), Err(JournalError::TooLong)));
    }
}
