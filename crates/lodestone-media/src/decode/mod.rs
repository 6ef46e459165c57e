//! Pictures to rows of pixels.

use crate::{Decoded, Error, Limits, PixelSink};

/// Decodes a picture, handing rows to `sink`.
///
/// # Errors
/// [`Error`], when not a single row could be decoded. A picture that breaks off is `Ok` with [`Decoded::partial`].
pub fn decode(bytes: &[u8], limits: &Limits, sink: &mut dyn PixelSink) -> Result<Decoded, Error> {
    let _ = (bytes, limits, sink);
    Err(Error::Unsupported("no decoder".into()))
}
