//! JPEG, decoded to the same pixels as libjpeg-turbo.
//!
//! Most pictures that matter here are JPEGs, and a perceptual hash is only comparable if the pixels are: so this decoder
//! follows libjpeg-turbo's default arithmetic to the bit (accurate integer IDCT, "fancy" chroma upsampling, 16-bit fixed
//! point colour conversion), its colour space guess, and its way with damaged data. Frames are handed on in strips as
//! they are decoded: a sequential file never needs a full frame in memory.
//!
//! Read `header` (segments), `entropy` and `huffman` (bits to symbols), `sequential` and `progressive` (symbols to
//! coefficients), `kernel` with `x86` (coefficients to samples), `rows` and `upsample` (samples to pixels), in this order.
//!
//! *Source:* ITU-T T.81; libjpeg-turbo 3 (behaviour: `jdhuff.c`, `jdphuff.c`, `jidctint.c`, `jdsample.c`, `jdcolor.c`,
//! `jdapimin.c`); Pillow for the conversion of CMYK.

mod buffered;
mod coefficients;
mod entropy;
mod header;
mod huffman;
mod kernel;
mod luma;
mod progressive;
mod rows;
mod sequential;
#[cfg(test)]
mod tests;
mod upsample;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::{Decoded, Error, Format, Limits, PixelSink};
use header::{Frame, Reader, Scan};

pub use coefficients::{Coefficients, Plane, coefficients};
pub use luma::decode_luma_scaled;

/// What a JPEG says of itself before its first scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Colour components: 1, 3 or 4.
    pub components: u8,
    /// Whether the picture comes in several passes over all of it.
    pub progressive: bool,
    /// Bits per sample.
    pub precision: u8,
    /// Whether a JFIF segment is there.
    pub jfif: bool,
    /// The transform byte of the Adobe segment, if there is one: 0 none, 1 YCbCr, 2 YCCK.
    pub adobe_transform: Option<u8>,
}

/// Reads the segments before the first scan.
///
/// # Errors
/// `Malformed` or `Truncated` when there is no complete header, `Unsupported` for processes that are not decoded
/// (arithmetic coding, lossless, hierarchical, 12 bits).
pub fn header(bytes: &[u8]) -> Result<Header, Error> {
    let mut reader = Reader::new(bytes)?;
    reader.first_scan()?;
    let frame = reader.frame()?;
    Ok(Header {
        width: frame.width,
        height: frame.height,
        components: frame.components.len() as u8,
        progressive: frame.progressive,
        precision: 8,
        jfif: reader.jfif,
        adobe_transform: reader.adobe,
    })
}

/// Decodes to grey or RGB rows, pixel for pixel as libjpeg-turbo (CMYK as Pillow's `convert("RGB")` makes RGB of it).
///
/// Truncated or damaged data gives the rows there are, the rest grey, and `partial` says so.
///
/// # Errors
/// As [`header()`]; limits; `Truncated` when not one row could be decoded. After the sink's `frame` was called there is
/// no error any more.
///
/// # Cost
/// About 2 ms a megapixel on one core; memory for two strips of blocks, or 2 bytes a coefficient for progressive files
/// and those with one scan per component.
pub fn decode(bytes: &[u8], limits: &Limits, sink: &mut dyn PixelSink) -> Result<Decoded, Error> {
    let mut reader = Reader::new(bytes)?;
    let scan = reader.first_scan()?;
    check_pixels(reader.frame()?, limits)?;
    let partial = if streams(reader.frame()?, &scan) {
        sequential::decode(&reader, &scan, limits, sink)?
    } else {
        let (picture, partial) = buffered::read(&mut reader, scan, limits)?;
        buffered::emit(&picture, reader.colour()?, limits, sink)?;
        return Ok(decoded(reader.frame()?, partial));
    };
    Ok(decoded(&partial.0, partial.1))
}

/// Whether one scan holds everything, so that rows can go out as they come.
fn streams(frame: &Frame, scan: &Scan) -> bool {
    !frame.progressive && scan.components.len() == frame.components.len()
}

fn decoded(frame: &Frame, partial: Option<String>) -> Decoded {
    let notes = if frame.components.len() == 4 { vec!["cmyk".to_owned()] } else { Vec::new() };
    Decoded { format: Format::Jpeg, width: frame.width, height: frame.height, frames: 1, partial, notes }
}

/// Refuses more pixels than allowed, before anything is allocated.
fn check_pixels(frame: &Frame, limits: &Limits) -> Result<(), Error> {
    let (width, height) = (u64::from(frame.width), u64::from(frame.height));
    if width * height > limits.max_pixels {
        return Err(Error::TooManyPixels { width, height, limit: limits.max_pixels });
    }
    Ok(())
}

/// Zeroed memory, after the check against the limit.
fn zeroed<T: Copy + Default>(count: u64, limits: &Limits, what: &str) -> Result<Vec<T>, Error> {
    let refused = || Error::Memory { what: what.to_owned(), limit: limits.max_memory };
    let bytes = count.checked_mul(size_of::<T>() as u64).ok_or_else(refused)?;
    if bytes > limits.max_memory {
        return Err(refused());
    }
    let count = usize::try_from(count).map_err(|_| refused())?;
    Ok(vec![T::default(); count])
}
