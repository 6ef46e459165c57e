//! What can go wrong with a request, split by what the caller can do.

use std::io;
use std::time::Duration;

use crate::address::AddressKind;

/// One error for requests. No text holds the path, the query or the user part of a URL, nor an address that a name
/// resolved to: texts go to clients and logs, and those may belong to a stranger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The policy forbids it; nothing was sent to that place. Trying again is no use.
    #[error("refused: {why}")]
    Refused {
        /// The rule.
        why: Why,
    },
    /// The name was not found or the name service did not answer.
    #[error("{host}: the name cannot be resolved ({reason})")]
    Dns {
        /// The name.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// No connection, or it broke before the answer was complete. Trying again may help.
    #[error("{host}: {reason}")]
    Connect {
        /// Name or address asked.
        host: String,
        /// What happened.
        reason: String,
    },
    /// Not done in the time given, counted over all redirects and the whole body.
    #[error("{host}: no complete answer within {within:?}")]
    Timeout {
        /// Name or address asked last.
        host: String,
        /// The time that was up.
        within: Duration,
    },
    /// The body is longer than allowed, as it says itself or as counted.
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The caller has no room for more of the body now.
    #[error("there is no room for the answer now")]
    NoRoom,
    /// The server answered, and not with a success.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The other side did not prove who it is, or spoke no TLS.
    #[error("{host}: {reason}")]
    Tls {
        /// Name or address asked.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The answer is no valid HTTP, or not of the form that was asked for.
    #[error("{host}: the answer cannot be understood ({reason})")]
    Malformed {
        /// Name or address asked.
        host: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It cannot be read as a URL with a host, or is longer than 8 KiB.
    #[error("this is no URL with a host")]
    NotAUrl,
    /// Neither http nor https, or http where only https is allowed.
    #[error("the scheme is not allowed")]
    Scheme,
    /// A name or password before the host.
    #[error("a URL must not hold a user name or a password")]
    UserInfo,
    /// The host is not on the list of allowed ones.
    #[error("the host is not on the list of allowed hosts")]
    Host,
    /// The port is not on the list of allowed ones.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// The host is, or resolves to, an address that is not public. One such address among many is enough.
    #[error("the host leads to {}, which is not allowed", .0.words())]
    Address(AddressKind),
    /// More redirects than allowed.
    #[error("more than {0} redirects")]
    TooManyRedirects(u8),
    /// A redirect from https to http.
    #[error("a redirect leads from https to http")]
    Downgrade,
    /// A header that is not valid, or that callers may not set.
    #[error("the request header {0:?} is not allowed")]
    Header(String),
}

impl NetError {
    pub(crate) fn refused(why: Why) -> Self {
        Self::Refused { why }
    }

    /// True when the same request may succeed later: no name, no connection, out of time, and the statuses 408, 425, 429
    /// and 5xx.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dns { .. } | Self::Connect { .. } | Self::Timeout { .. } => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// The error behind a failed read of a [`Body`](crate::Body), for parsers that were given one and hand back what
    /// reading said. An error of another origin becomes [`NetError::Malformed`].
    #[must_use]
    pub fn of_read(error: io::Error) -> Self {
        let kind = error.kind();
        match error.into_inner().map(|inner| inner.downcast::<Self>()) {
            Some(Ok(own)) => *own,
            _ => Self::Malformed { host: "the server".to_owned(), reason: kind.to_string() },
        }
    }
}
