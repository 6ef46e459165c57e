//! Pictures to rows of pixels.
//!
//! One file per format; all of them hand rows to an [`emit::Emitter`], which keeps the sink's contract. Sizes are
//! checked from the header before anything is allocated.
//!
//! | format | comes as | cut short |
//! |---|---|---|
//! | JPEG | see [`crate::jpeg`] | rows so far |
//! | PNG | rows; interlaced and APNG as whole frames | rows so far; interlaced: a coarse picture |
//! | GIF, BMP | whole frames; rows | rows so far |
//! | TIFF | strips, rows of tiles | strips so far |
//! | WebP, HEIF, AVIF | whole frames | an error; animations: frames so far |
//! | JPEG XL | whole frames | what the decoder can render |
//! | RAW | its largest embedded JPEG | as JPEG |
//!
//! Missing rows are black, and wholly transparent where there is alpha. 16-bit samples keep their high byte. Colour
//! profiles are not applied: the hashes that are exchanged are made from stored samples.

#[cfg(feature = "avif")]
mod avif;
mod bmp;
mod canvas;
mod colour;
mod emit;
mod frames;
mod gif;
#[cfg(feature = "heif")]
mod heif;
pub(crate) mod ifd;
mod jpeg_fallback;
mod jxl;
mod png;
mod raw;
mod tiff;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Decoded, Error, Format, Limits, PixelSink, identify};
use emit::Emitter;

/// Decodes a picture, handing rows to `sink`.
///
/// # Errors
/// [`Error`], when not a single row could be decoded. A picture that breaks off is `Ok` with [`Decoded::partial`]. Every
/// frame that was started gets all its rows and its end, whatever is returned.
pub fn decode(bytes: &[u8], limits: &Limits, sink: &mut dyn PixelSink) -> Result<Decoded, Error> {
    if bytes.len() as u64 > limits.max_bytes {
        return Err(Error::TooManyBytes { what: "picture".into(), limit: limits.max_bytes });
    }
    let Some(format) = identify(bytes) else {
        return Err(Error::Unsupported("no picture this build knows".into()));
    };
    let mut out = Emitter::new(sink);
    // Decoders of other projects may hold a panic for some input; here it is one more kind of damage.
    let result = catch_unwind(AssertUnwindSafe(|| dispatch(format, bytes, limits, &mut out)));
    out.end();
    match result {
        Ok(Ok(_)) if !out.started() => Err(Error::Malformed(format!("{} without pixels", format.as_str()))),
        Ok(Err(e)) if out.started() => {
            Ok(Decoded { partial: Some(e.to_string()), ..out.decoded(format, out.sent()) })
        }
        Ok(result) => result,
        Err(_) if out.started() => {
            let partial = Some("the decoder failed".to_owned());
            Ok(Decoded { partial, ..out.decoded(format, out.sent()) })
        }
        Err(_) => Err(Error::Malformed(format!("the {} decoder failed", format.as_str()))),
    }
}

fn dispatch(format: Format, bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    match format {
        Format::Jpeg => jpeg(bytes, limits, out),
        Format::Png => png::decode(bytes, limits, out),
        Format::Gif => gif::decode(bytes, limits, out),
        Format::WebP => webp::decode(bytes, limits, out),
        Format::Bmp => bmp::decode(bytes, limits, out),
        Format::Raw => raw::decode(bytes, limits, out),
        Format::Jxl => jxl::decode(bytes, limits, out),
        #[cfg(feature = "heif")]
        Format::Heif => heif::decode(bytes, limits, out),
        #[cfg(not(feature = "heif"))]
        Format::Heif => Err(Error::Unsupported("HEIF needs the feature `heif`".into())),
        Format::Tiff => tiff::decode(bytes, limits, out),
        #[cfg(feature = "avif")]
        Format::Avif => avif::decode(bytes, limits, out),
        #[cfg(not(feature = "avif"))]
        Format::Avif => Err(Error::Unsupported("AVIF needs the feature `avif`".into())),
        Format::Mp4 | Format::Mov => Err(Error::Unsupported("a video, not a picture".into())),
        Format::Zip | Format::Tar | Format::Gzip => {
            Err(Error::Unsupported("an archive, not a picture".into()))
        }
    }
}

/// JPEG: our own decoder first; what it does not read, and zune-jpeg does, through that.
fn jpeg(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    match crate::jpeg::decode(bytes, limits, out) {
        Err(Error::Unsupported(why)) if !out.started() => {
            jpeg_fallback::decode(bytes, limits, out).map_err(|_| Error::Unsupported(why))
        }
        result => result,
    }
}
