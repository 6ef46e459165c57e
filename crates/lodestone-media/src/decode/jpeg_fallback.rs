//! JPEG through zune-jpeg, for the variants the crate's own decoder does not read.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::emit::{Emitter, buffer, check_size};
use crate::{Decoded, Error, Format, Limits, PixelKind};

/// Decodes a JPEG to full-frame pixels. CMYK and YCCK are Adobe's inverted kind, as everywhere in the wild.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| fail(&e))?;
    let info = decoder.info().ok_or_else(|| Error::Malformed("no frame header".into()))?;
    let size = (u32::from(info.width), u32::from(info.height));
    check_size(size.0.into(), size.1.into(), 12, limits)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let (wanted, kind) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, PixelKind::Luma8),
        ColorSpace::CMYK | ColorSpace::YCCK => (ColorSpace::CMYK, PixelKind::Rgb8),
        _ => (ColorSpace::RGB, PixelKind::Rgb8),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let channels = wanted.num_components() as u64;
    let mut pixels = buffer(u64::from(size.0) * u64::from(size.1) * channels, limits)?;
    decoder.decode_into(&mut pixels).map_err(|e| fail(&e))?;
    let mut notes = Vec::new();
    if wanted == ColorSpace::CMYK {
        notes.push("cmyk".to_owned());
        let rgb: Vec<u8> =
            pixels.chunks_exact(4).flat_map(|p| cmyk_inverted(p[0], p[1], p[2], p[3])).collect();
        out.whole(0, 0, size, kind, &rgb);
    } else {
        out.whole(0, 0, size, kind, &pixels);
    }
    Ok(Decoded { notes, ..out.decoded(Format::Jpeg, 1) })
}

fn cmyk_inverted(c: u8, m: u8, y: u8, k: u8) -> [u8; 3] {
    super::colour::cmyk_to_rgb([255 - c, 255 - m, 255 - y, 255 - k])
}

fn fail(e: &zune_jpeg::errors::DecodeErrors) -> Error {
    use zune_jpeg::errors::DecodeErrors as E;
    match e {
        E::Unsupported(_) => Error::Unsupported(format!("JPEG: {e:?}")),
        E::ExhaustedData => Error::Truncated("JPEG".into()),
        _ => Error::Malformed(format!("JPEG: {e:?}")),
    }
}
