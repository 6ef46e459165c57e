//! What can go wrong with an exchange, split by what the caller can do.

use std::time::Duration;

/// Why a fetch or a vote ended. No text holds a URL, a credential or a value of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The configuration is wrong or incomplete: a person has to change it. Nothing was sent.
    #[error("the exchange is not set up: {0}")]
    Settings(String),
    /// The checkpoint was made by another version: only a fetch from the beginning helps.
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(String),
    /// The service refuses the credentials, or what they may ask for.
    #[error("the service refuses the credentials (status {0})")]
    Credentials(u16),
    /// The service refuses this request; the same request will not do better.
    #[error("the service refuses the request (status {0})")]
    Refused(u16),
    /// It did not work now, after all attempts. The next fetch goes on from the last checkpoint.
    #[error("{reason}")]
    Later {
        /// What happened last.
        reason: String,
        /// How long the service asks to be left alone, where it says so.
        after: Option<Duration>,
    },
    /// The answer is not what the protocol says: cut, endless, too large, or of another service.
    #[error("the answer is not of this protocol: {0}")]
    Protocol(String),
    /// The caller said that the fetch is to end.
    #[error("the fetch was told to end")]
    Stopped,
}

impl ClientError {
    pub(super) fn settings(why: impl Into<String>) -> Self {
        Self::Settings(why.into())
    }

    pub(super) fn protocol(why: impl Into<String>) -> Self {
        Self::Protocol(why.into())
    }

    /// Whether the same may do better later: the service or the network did not work, or refused credentials that a person
    /// can mend.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Later { .. } | Self::Credentials(_) | Self::Protocol(_) | Self::Stopped)
    }

    /// How long the service asks to be left alone, where it says so.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Later { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether the service itself said no to what was asked: for a cursor, that it has expired.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
