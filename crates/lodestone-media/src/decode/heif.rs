//! HEIC and HEIF: the primary picture, upright as the file says (`irot`, `imir` and `clap` are part of the format; EXIF
//! orientation is not applied).

use heifer::heifer_isobmff::{Error as ContainerError, HeifFile};

use super::emit::{Emitter, check_size};
use crate::{Decoded, Error, Format, Limits};

/// RGBA out, planes of the frame, and a copy when it is turned.
const BYTES_PER_PIXEL: u64 = 9;

/// Decodes the primary picture.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let file = HeifFile::parse(bytes).map_err(|e| container(&e))?;
    let size = file.image_size(file.primary_id).map_err(|e| container(&e))?;
    let mut max_pixels = limits.max_pixels.min(limits.max_memory / BYTES_PER_PIXEL);
    if let Some((width, height)) = size {
        check_size(width.into(), height.into(), BYTES_PER_PIXEL, limits)?;
    }
    max_pixels = max_pixels.max(1);
    let options = heifer::Options { max_threads: 1, max_pixels };
    let image = heifer::decode_rgba8(bytes, &options).map_err(|e| fail(&e))?;
    // Straight from the decoder: opaque pictures become RGB in the emitter.
    out.canvas(0, 0, (image.width, image.height), &image.data);
    let mut decoded = out.decoded(Format::Heif, 1);
    let others = file.top_level_image_ids().len();
    if others > 1 {
        decoded.notes.push(format!("primary of {others} pictures"));
    }
    Ok(decoded)
}

fn container(e: &ContainerError) -> Error {
    Error::Malformed(format!("HEIF: {e}"))
}

fn fail(e: &heifer::Error) -> Error {
    match e {
        heifer::Error::Unsupported(what) => Error::Unsupported(format!("HEIF: {what}")),
        _ => Error::Malformed(format!("HEIF: {e}")),
    }
}
