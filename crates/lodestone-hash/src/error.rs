//! What can be wrong with what a caller hands over.

/// One error for the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Rows came that are not whole: their bytes are no multiple of a row's.
    #[error("{bytes} bytes are no whole number of rows of {row_bytes} bytes")]
    PartialRow {
        /// Bytes handed over.
        bytes: usize,
        /// Bytes of one row.
        row_bytes: usize,
    },
    /// More rows came than the picture has.
    #[error("more than {height} rows")]
    TooManyRows {
        /// Rows of the picture.
        height: u32,
    },
    /// The picture was finished before all its rows came.
    #[error("{rows} of {height} rows came")]
    MissingRows {
        /// Rows that came.
        rows: u32,
        /// Rows of the picture.
        height: u32,
    },
    /// The buffers for a picture of this size cannot be allocated or addressed.
    #[error("no memory for a picture of {width} x {height} pixels")]
    Memory {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Text that is no PDQ hash: it takes exactly 64 hexadecimal digits.
    #[error("a PDQ hash is 64 hexadecimal digits")]
    NotAHash,
    /// A scale other than 1, 2, 4 or 8.
    #[error("{0} is no scale; 1, 2, 4 and 8 are")]
    NotAScale(u32),
}
