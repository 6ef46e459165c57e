//! What can go wrong with a live index.

use std::io;
use std::path::{Path, PathBuf};

use crate::SegmentError;

/// Why a live index cannot be opened, changed or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// Another process, or another place in this one, has the folder open for changes.
    #[error("{}: open for changes elsewhere", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds no live index.
    #[error("{}: no live index", path.display())]
    NotALiveIndex {
        /// The folder.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{}: version {found}; this program reads version {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// A file is not as it was written, and the state before it cannot be had either. Build the index again from its
    /// source.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A segment could not be written, opened or read.
    #[error(transparent)]
    Segment(SegmentError),
    /// The index was opened for reading.
    #[error("the index is open for reading only")]
    ReadOnly,
    /// The id 2⁶⁴ − 1 is kept for canaries.
    #[error("the id {} is reserved", u64::MAX)]
    ReservedId,
    /// More changes at once than one commit can hold; use a bulk change.
    #[error("{changes} changes at once; one commit holds {limit}")]
    TooLarge {
        /// Changes given.
        changes: usize,
        /// Changes allowed.
        limit: usize,
    },
    /// Work behind an earlier call failed: a flush or a merge. Nothing was lost, and this call did nothing; the next
    /// one tries again.
    #[error("an earlier merge of the index failed: {reason}")]
    Background {
        /// What failed.
        reason: String,
    },
    /// Writing failed in a way that leaves open what the disk holds. Look-ups go on; to make changes, open the folder
    /// again.
    #[error("the index takes no more changes until it is opened again: {reason}")]
    Reopen {
        /// What failed.
        reason: String,
    },
    /// The caller stopped it. Nothing changed.
    #[error("stopped")]
    Stopped,
}

impl From<SegmentError> for LiveError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Stopped => Self::Stopped,
            SegmentError::ReservedId => Self::ReservedId,
            SegmentError::Io { path, source } => Self::Io { path, source },
            other => Self::Segment(other),
        }
    }
}

impl LiveError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// Whether a file was not there: where another process replaces files, a reason to look again.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
