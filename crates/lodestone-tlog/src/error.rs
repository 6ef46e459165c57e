//! What can go wrong, split by what the caller can do.

/// One error for the crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlogError {
    /// Reading or writing failed. Nothing of the batch is in the log; the call may be made again.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The last step of an append failed: the batch is either wholly in the log or not at all, and this process cannot
    /// know. Open the log again and look at its size.
    #[error("{path}: {source}; whether the last batch is in the log is known once it is opened again")]
    Unsettled {
        /// The file or folder.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// Another process writes to this log.
    #[error("the log {path} is in use by another process; wait for it to end")]
    Locked {
        /// The folder.
        path: String,
    },
    /// There is no log in the folder, or its checkpoint is gone.
    #[error("{reason}")]
    Missing {
        /// What is missing.
        reason: String,
    },
    /// The files do not agree with each other, or with the signature.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// A key's text or its file cannot be used.
    #[error("{reason}")]
    Key {
        /// Why. Never holds any part of a private key.
        reason: String,
    },
    /// A note is malformed, or not signed by a key that is known.
    #[error("{reason}")]
    Note {
        /// Why.
        reason: String,
    },
    /// The request itself is wrong: an entry too long, an index beyond the end.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
}

impl TlogError {
    pub(crate) fn io(path: &str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &str, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn note(reason: impl Into<String>) -> Self {
        Self::Note { reason: reason.into() }
    }

    pub(crate) fn key(reason: impl Into<String>) -> Self {
        Self::Key { reason: reason.into() }
    }

    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}
