//! What can be wrong with a segment.

use std::io;
use std::path::{Path, PathBuf};

/// Why a segment cannot be opened, searched or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or the folder of temporary files.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{}: not a segment file", path.display())]
    NotASegment {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer or an older program.
    #[error("{}: segment version {found}; this program reads version {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// The file has not the length that it was written with.
    #[error("{}: the file has {has} bytes and should have {should}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        has: u64,
        /// Bytes there should be; at least so many where the header is cut.
        should: u64,
    },
    /// A checksum does not fit, or a number points nowhere.
    #[error("{}: damaged at byte {offset}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged block of 4,096 bytes begins.
        offset: u64,
    },
    /// Checksums fit, but what the file says of itself does not.
    #[error("{}: not a sound segment: {what}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        what: &'static str,
    },
    /// A canary was not found, or something was found that is not there.
    #[error("{}: self-test failed: {what}", path.display())]
    SelfTest {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        what: String,
    },
    /// More codes, queries or bytes than a segment can hold or this machine can address.
    #[error("too large for one segment: {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// The id 2⁶⁴ − 1 is kept for canaries.
    #[error("the id {} is reserved", u64::MAX)]
    ReservedId,
    /// The widths asked for are no cut of 256 bits into 11 to 32 chunks of 1 to 24 bits.
    #[error("these widths are no layout of 256 bits: {widths:?}")]
    Layout {
        /// The widths.
        widths: Vec<u8>,
    },
    /// The caller stopped it.
    #[error("stopped")]
    Stopped,
}

impl SegmentError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
