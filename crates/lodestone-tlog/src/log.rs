//! Writing a log.
//!
//! An append writes the entries' bundles and the tiles, makes them durable, and only then puts a new checkpoint in the
//! place of the old one, in one step. No file that a published checkpoint speaks of is ever written again: the names of
//! partial tiles hold their width. So whatever moment a process is killed at, the checkpoint speaks of what is there; what
//! lies beyond it is not read, and is overwritten by later appends.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use crate::edge::Edge;
use crate::reader::{CHECKPOINT, checkpoint_note};
use crate::tree::MAX_SIZE;
use crate::{Checkpoint, Files, MAX_ENTRY_BYTES, Note, Reader, SigningKey, TlogError, VerifierKey};

/// Where a new checkpoint is written before it takes its name.
const NEW_CHECKPOINT: &str = "checkpoint.new";
/// Folders remembered as durable; beyond that some are made durable again.
const MAX_DURABLE_FOLDERS: usize = 1024;

/// A log, open for writing.
#[derive(Debug)]
pub struct Log<F> {
    files: F,
    key: SigningKey,
    edge: Edge,
    checkpoint: Checkpoint,
    note: String,
    /// Folders whose own names are known to be durable.
    durable: HashSet<String>,
    unsettled: bool,
}

impl<F: Files> Log<F> {
    /// Begins a log in a folder that has none; its origin is the key's name. Signs a checkpoint of no entries.
    ///
    /// # Errors
    /// [`TlogError::Refused`] where a log, or what is left of one, is there; [`TlogError::Io`], [`TlogError::Unsettled`].
    pub fn create(files: F, key: SigningKey) -> Result<Self, TlogError> {
        let begun = !files.list("tile").map_err(|error| TlogError::io("tile", error))?.is_empty();
        if begun || checkpoint_note(&files)?.is_some() {
            return Err(TlogError::refused("there is a log in this folder already"));
        }
        let edge = Edge::default();
        let (checkpoint, note) = signed(&edge, &key)?;
        let mut log = Self { files, key, edge, checkpoint, note, durable: HashSet::new(), unsettled: false };
        let note = log.note.clone();
        log.publish(&note)?;
        Ok(log)
    }

    /// Opens a log and checks its checkpoint and its end: one tile a level, the last entries and the root.
    ///
    /// Its checkpoint is signed by `key`, or, where the key was changed since, by one of the `former` keys, which have the
    /// same name; the next append signs with `key`.
    ///
    /// # Errors
    /// [`TlogError::Missing`] where there is no log, or it has lost its checkpoint or a tile of its end;
    /// [`TlogError::Note`] where another key signed; [`TlogError::Damaged`], [`TlogError::Io`].
    pub fn open(files: F, key: SigningKey, former: &[VerifierKey]) -> Result<Self, TlogError> {
        let Some(bytes) = checkpoint_note(&files)? else {
            let begun = !files.list("tile").map_err(|error| TlogError::io("tile", error))?.is_empty();
            let reason = if begun {
                "the log has entries but its checkpoint is gone; restore it from a copy, do not begin anew"
            } else {
                "there is no log in this folder"
            };
            return Err(TlogError::Missing { reason: reason.to_owned() });
        };
        let mut known = vec![key.verifier().clone()];
        known.extend_from_slice(former);
        let (checkpoint, _) = Checkpoint::open(&bytes, &known)?;
        if checkpoint.origin != key.verifier().name() {
            return Err(TlogError::note(format!(
                "the log is {:?}, the key is of {:?}",
                checkpoint.origin,
                key.verifier().name()
            )));
        }
        let edge = Edge::load(&files, checkpoint.size)?;
        if edge.root() != checkpoint.root {
            return Err(TlogError::damaged("tile", "the last tiles do not make up the root that was signed"));
        }
        let note = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { files, key, edge, checkpoint, note, durable: HashSet::new(), unsettled: false })
    }

    /// Appends entries, and returns their indexes once they are durable under a signed checkpoint. All or none are in
    /// the log. No entries: nothing is written.
    ///
    /// Cost: writes the entries, 32 bytes for each, and again the partial bundle and tiles at the end (at most 255
    /// entries); 8 to 20 syncs and two for every 256 entries. Never reads. Bring entries together in batches.
    ///
    /// # Errors
    /// [`TlogError::Refused`] for an entry of more than 65,535 bytes, and after [`TlogError::Unsettled`];
    /// [`TlogError::Io`] where nothing was appended, and it may be tried again; [`TlogError::Unsettled`] where this cannot
    /// be known before the log is opened again.
    pub fn append<B: AsRef<[u8]>>(&mut self, entries: &[B]) -> Result<Range<u64>, TlogError> {
        if self.unsettled {
            return Err(TlogError::refused("the log must be opened again after a failed write"));
        }
        let before = self.edge.size();
        if let Some(at) = entries.iter().position(|entry| entry.as_ref().len() > MAX_ENTRY_BYTES) {
            return Err(TlogError::refused(format!("entry {at} of the batch is longer than 65,535 bytes")));
        }
        if entries.is_empty() {
            return Ok(before..before);
        }
        if MAX_SIZE - before < entries.len() as u64 {
            return Err(TlogError::refused("the log is full"));
        }
        let mut edge = self.edge.clone();
        let mut written = Vec::new();
        let mut write = |path: String, content: &[u8]| {
            self.files.write(&path, content).map_err(|error| TlogError::io(&path, error))?;
            written.push(path);
            Ok(())
        };
        for entry in entries {
            edge.push(entry.as_ref(), &mut write)?;
        }
        edge.write_partial(before, &mut write)?;
        self.make_durable(&written)?;
        let (checkpoint, note) = signed(&edge, &self.key)?;
        self.publish(&note)?;

        let after = edge.size();
        // Partial tiles stay as long as the specification asks for: until the full ones are there. What fails to be
        // removed is in nobody's way.
        for folder in edge.superseded(before) {
            let _ = self.files.remove_folder(&folder);
            self.durable.remove(&folder);
        }
        (self.edge, self.checkpoint, self.note) = (edge, checkpoint, note);
        Ok(before..after)
    }

    /// Ends writing and gives back what the log was opened with: after [`TlogError::Unsettled`], to open it again under
    /// the same lock.
    #[must_use]
    pub fn close(self) -> (F, SigningKey) {
        (self.files, self.key)
    }

    /// Entries in the log.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The current checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The current checkpoint with its signatures, as it stands in the file: what to hand out and to keep elsewhere.
    #[must_use]
    pub fn signed_checkpoint(&self) -> &str {
        &self.note
    }

    /// For entries and proofs.
    #[must_use]
    pub fn reader(&self) -> Reader<'_, F> {
        Reader::at(&self.files, self.checkpoint.clone())
    }

    /// Syncs files, the folders they are in, and the folders above that may be new.
    fn make_durable(&mut self, written: &[String]) -> Result<(), TlogError> {
        let mut folders = BTreeSet::new();
        for path in written {
            self.sync(path)?;
            let mut folder = parent(path);
            folders.insert(folder.to_owned());
            while !folder.is_empty() && !self.durable.contains(folder) {
                folder = parent(folder);
                folders.insert(folder.to_owned());
            }
        }
        for folder in &folders {
            self.sync(folder)?;
        }
        if self.durable.len() > MAX_DURABLE_FOLDERS {
            self.durable.clear();
        }
        self.durable.extend(folders);
        Ok(())
    }

    /// Puts a checkpoint in the place of the old one.
    fn publish(&mut self, note: &str) -> Result<(), TlogError> {
        let new = |error| TlogError::io(NEW_CHECKPOINT, error);
        self.files.write(NEW_CHECKPOINT, note.as_bytes()).map_err(new)?;
        self.files.sync(NEW_CHECKPOINT).map_err(new)?;
        // From here on the new checkpoint may be what the next process finds.
        let renamed = self.files.rename(NEW_CHECKPOINT, CHECKPOINT).and_then(|()| self.files.sync(""));
        renamed.map_err(|source| {
            self.unsettled = true;
            TlogError::Unsettled { path: CHECKPOINT.to_owned(), source }
        })
    }

    fn sync(&self, path: &str) -> Result<(), TlogError> {
        self.files.sync(path).map_err(|error| TlogError::io(path, error))
    }
}

fn signed(edge: &Edge, key: &SigningKey) -> Result<(Checkpoint, String), TlogError> {
    let origin = key.verifier().name().to_owned();
    let checkpoint = Checkpoint { origin, size: edge.size(), root: edge.root(), extensions: Vec::new() };
    let note = Note::sign(&checkpoint.to_string(), &[key])?.to_string();
    Ok((checkpoint, note))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
