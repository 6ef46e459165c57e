//! A hash from a scaled decode: for screening, flagged wherever it appears.

use crate::{Error, PdqFeatures};

/// The scale (1, 2, 4 or 8) at which a picture of `width` × `height` pixels may be decoded for a folded hash: the
/// largest power of two at most 8 and at most half of the smaller blur window. Tiny pictures are never scaled.
pub fn folded_scale(width: u32, height: u32) -> u32 {
    let half_window = width.div_ceil(128).min(height.div_ceil(128)) / 2;
    (1 << half_window.max(1).ilog2()).min(8)
}

/// Hashes a picture from its luma decoded at 1/2, 1/4 or 1/8 (a JPEG's scaled DCT).
#[derive(Debug)]
pub struct FoldedPdq {
    scale: u32,
}

impl FoldedPdq {
    /// A picture of `width` × `height` pixels at full size that will come at 1/`scale`.
    ///
    /// # Errors
    /// [`Error::NotAScale`].
    pub fn new(_width: u32, _height: u32, scale: u32) -> Result<Self, Error> {
        Ok(Self { scale })
    }

    /// Takes the next rows of the scaled luma plane: any number of whole rows of `width / scale` (rounded up) bytes.
    ///
    /// # Errors
    /// As [`crate::PdqStream::push_rows`].
    pub fn push_rows(&mut self, _rows: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    /// The features, after all `height / scale` (rounded up) rows.
    ///
    /// # Errors
    /// [`Error::MissingRows`].
    pub fn finish(&mut self) -> Result<PdqFeatures, Error> {
        Err(Error::NotAScale(self.scale))
    }
}
