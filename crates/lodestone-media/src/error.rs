//! Why a picture or an archive could not be read, split by what the caller can say about it.

/// One error for the crate. The words of [`Error::reason`] are stable and reach the output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a format this build reads, or a variant of one that it does not.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// The bytes break the format's rules and nothing could be decoded.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The file ends before anything could be decoded.
    #[error("truncated: {0}")]
    Truncated(String),
    /// More pixels than allowed; from the header, before anything is allocated.
    #[error("{width} x {height} pixels exceed the limit of {limit}")]
    TooManyPixels {
        /// Width in the header.
        width: u64,
        /// Height in the header.
        height: u64,
        /// Pixels allowed.
        limit: u64,
    },
    /// More bytes than allowed, in or out.
    #[error("more than {limit} bytes: {what}")]
    TooManyBytes {
        /// What grew too big.
        what: String,
        /// Bytes allowed.
        limit: u64,
    },
    /// Archives nested deeper than allowed.
    #[error("nested deeper than {limit}")]
    TooDeep {
        /// Depth allowed.
        limit: u32,
    },
    /// More archive members than allowed.
    #[error("more than {limit} members")]
    TooManyMembers {
        /// Members allowed.
        limit: u64,
    },
    /// Encrypted: its content cannot be seen.
    #[error("encrypted")]
    Encrypted,
    /// The decoder needs more memory than allowed.
    #[error("needs more than {limit} bytes of memory: {what}")]
    Memory {
        /// What needs it.
        what: String,
        /// Bytes allowed.
        limit: u64,
    },
    /// Reading the bytes failed.
    #[error("reading failed: {0}")]
    Io(String),
}

impl Error {
    /// A stable word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported",
            Self::Malformed(_) => "malformed",
            Self::Truncated(_) => "truncated",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::TooDeep { .. } => "too_deep",
            Self::TooManyMembers { .. } => "too_many_members",
            Self::Encrypted => "encrypted",
            Self::Memory { .. } => "memory",
            Self::Io(_) => "io",
        }
    }
}
