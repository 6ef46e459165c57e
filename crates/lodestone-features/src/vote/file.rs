//! The index as bytes.

/// Why bytes are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteFileError {
    /// Something else, or cut off.
    #[error("not a feature index")]
    NotOne,
}
