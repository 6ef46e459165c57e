//! What checking a log found.

use std::fmt;

use crate::Checkpoint;

/// The result of [`crate::verify()`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What the log says of itself; `None` where its checkpoint cannot be read or is not signed as it should be.
    pub checkpoint: Option<Checkpoint>,
    /// Names of the given keys that signed it.
    pub signed_by: Vec<String>,
    /// Entries read.
    pub entries: u64,
    /// Tiles and bundles read.
    pub files: u64,
    /// Whether the entries make up the root that was signed; `None` where some are missing or were not read.
    pub entries_match: Option<bool>,
    /// Whether the hashes in the tiles of level 0 make up the root that was signed; `None` where some are missing.
    pub tiles_match: Option<bool>,
    /// What became of the older checkpoint; `None` where none was given, or it could not be read.
    pub older: Option<Older>,
    /// What is wrong, in the order it was found. Empty: the log is whole, and extends the older checkpoint.
    pub problems: Vec<Problem>,
    /// Whether there are more problems than are kept here; checking then ended, at the latest, with the next bundle.
    pub stopped: bool,
}

/// A log against a checkpoint of its past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Entries it had.
    pub size: u64,
    /// Whether the first entries are those of the older checkpoint; `None` where some are missing.
    pub entries_intact: Option<bool>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty() && !self.stopped
    }
}

/// Something wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The checkpoint is missing, malformed, or not signed by the log. Nothing else was looked at.
    Checkpoint {
        /// What is the matter.
        reason: String,
    },
    /// The older checkpoint is malformed, not signed by the log, or of another log.
    OlderCheckpoint {
        /// What is the matter.
        reason: String,
    },
    /// The log has fewer entries than it had.
    Shrunk {
        /// Entries in the older checkpoint.
        old: u64,
        /// Entries now.
        new: u64,
    },
    /// The log does not go on from the older checkpoint: what it says of its first entries has changed.
    NotExtended {
        /// Entries in the older checkpoint.
        old: u64,
    },
    /// A file is missing, cannot be read, or has not the form or length it must have.
    File {
        /// The file.
        path: String,
        /// What is the matter.
        reason: String,
        /// First entry that the file speaks of, or that is missing in it.
        first_entry: u64,
    },
    /// An entry is not the one whose hash is in the tile. [`Report::entries_match`] and [`Report::tiles_match`] say which
    /// of the two was signed.
    Entry {
        /// The entry.
        index: u64,
        /// Where it lies.
        bundle: String,
        /// Where its hash lies.
        tile: String,
    },
    /// A hash in a tile is not the root of the tile below.
    Tile {
        /// The tile.
        path: String,
        /// Which of its hashes, from 0 on.
        position: u64,
        /// The tile below.
        below: String,
        /// First entry under it.
        first_entry: u64,
        /// First entry after it.
        end_entry: u64,
    },
    /// Neither the entries nor the tiles make up the root that was signed.
    Root,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { reason } => write!(f, "checkpoint: {reason}"),
            Self::OlderCheckpoint { reason } => write!(f, "older checkpoint: {reason}"),
            Self::Shrunk { old, new } => {
                write!(f, "the log had {old} entries and has {new}: the last were taken away")
            }
            Self::NotExtended { old } => {
                write!(
                    f,
                    "the log does not go on from the older checkpoint: its first {old} entries were others"
                )
            }
            Self::File { path, reason, first_entry } => {
                write!(f, "{path}: {reason} (from entry {first_entry} on)")
            }
            Self::Entry { index, bundle, tile } => {
                write!(f, "entry {index}: what {bundle} holds has not the hash that {tile} holds")
            }
            Self::Tile { path, position, below, first_entry, end_entry } => write!(
                f,
                "{path}: hash {position} is not that of {below} (entries {first_entry} to {})",
                end_entry.saturating_sub(1)
            ),
            Self::Root => f.write_str("neither the entries nor the tiles make up the root that was signed"),
        }
    }
}

/// The report for people, several lines without a last newline.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(checkpoint) = &self.checkpoint {
            writeln!(
                f,
                "{}: {} entries, signed by {}; read {} entries in {} files",
                checkpoint.origin,
                checkpoint.size,
                self.signed_by.join(", "),
                self.entries,
                self.files
            )?;
        }
        for problem in &self.problems {
            writeln!(f, "- {problem}")?;
        }
        if self.stopped {
            writeln!(f, "and more than these {} problems", self.problems.len())?;
        }
        match (self.entries_match, self.tiles_match) {
            _ if self.checkpoint.is_none() => f.write_str("nothing was checked"),
            _ if self.is_whole() => match &self.older {
                Some(older) => {
                    write!(f, "whole, and goes on from the older checkpoint of {} entries", older.size)
                }
                None => f.write_str("whole"),
            },
            (Some(true), _) => f.write_str("all entries are those that were signed; other files are damaged"),
            (_, Some(true)) => f.write_str(
                "the tiles are those that were signed; the entries named differ from them or are missing",
            ),
            _ => f.write_str("the log is not what was signed"),
        }?;
        match &self.older {
            Some(Older { size, entries_intact: Some(true) }) if !self.is_whole() => {
                write!(f, "; the first {size} entries are those of the older checkpoint")
            }
            _ => Ok(()),
        }
    }
}
