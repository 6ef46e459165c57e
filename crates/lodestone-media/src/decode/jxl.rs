//! JPEG XL, through jxl-oxide. Orientation is part of the format and applied.

use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool, PixelFormat, Render};

use super::colour::cmyk_to_rgb;
use super::emit::{Emitter, buffer, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits, PixelKind};

/// Key frames of one animation looked at.
const MAX_SCANNED_FRAMES: usize = 1 << 12;

/// Decodes a JPEG XL's chosen frames.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let tracker = AllocTracker::with_limit(usize::try_from(limits.max_memory).unwrap_or(usize::MAX));
    let builder = JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(tracker);
    let mut waiting = builder.build_uninit();
    waiting.feed_bytes(bytes).map_err(|e| fail(&*e))?;
    let mut image = match waiting.try_init().map_err(|e| fail(&*e))? {
        InitializeResult::NeedMoreData(_) => return Err(Error::Truncated("JPEG XL header".into())),
        InitializeResult::Initialized(image) => image,
    };
    let size = (image.width(), image.height());
    // Three float planes while it renders.
    check_size(size.0.into(), size.1.into(), 12, limits)?;
    let mut partial = None;
    if let Err(e) = image.finalize() {
        partial = Some(format!("damaged: {e}"));
    }
    if !image.is_loading_done() {
        partial = Some("the file is cut short".to_owned());
    }
    let count = image.num_loaded_keyframes().min(MAX_SCANNED_FRAMES);
    let format = image.pixel_format();
    let ticks = image.image_header().metadata.animation.as_ref();
    let ms =
        ticks.map_or(0.0, |a| 1_000.0 * f64::from(a.tps_denominator) / f64::from(a.tps_numerator.max(1)));
    let durations: Vec<u64> = (0..count)
        .map(|i| image.frame_header(i).map_or(0, |h| (f64::from(h.duration) * ms) as u64))
        .collect();
    let mut work = frames::Work::new(limits);
    for chosen in frames::choose(&durations, limits.max_frames) {
        if let Err(why) = work.spend(size.0, size.1) {
            partial = Some(why);
            break;
        }
        match image.render_frame(chosen.index as usize) {
            Ok(render) => emit(&render, format, chosen, limits, out)?,
            Err(e) if !out.started() && partial.is_none() => return Err(fail(&*e)),
            Err(e) => {
                partial = Some(format!("frame {}: {e}", chosen.index));
                break;
            }
        }
    }
    if !out.started() {
        // Cut inside the first frame: what can be rendered of it.
        let render = image.render_loading_frame().map_err(|_| Error::Truncated("JPEG XL".into()))?;
        emit(&render, format, frames::Chosen { index: 0, t_ms: 0 }, limits, out)?;
        partial.get_or_insert_with(|| "the file is cut short".to_owned());
    }
    let total = count.max(1) as u32;
    let mut decoded = Decoded { partial, ..out.decoded(Format::Jxl, total) };
    decoded.notes.extend(frames::note(out.sent(), total));
    if format.has_black() {
        decoded.notes.push("cmyk".into());
    }
    if image.image_header().metadata.bit_depth.bits_per_sample() > 8 {
        decoded.notes.push(format!("{}-bit", image.image_header().metadata.bit_depth.bits_per_sample()));
    }
    Ok(decoded)
}

fn emit(
    render: &Render,
    format: PixelFormat,
    chosen: frames::Chosen,
    limits: &Limits,
    out: &mut Emitter<'_>,
) -> Result<(), Error> {
    let mut stream = render.stream();
    let (width, height) = (stream.width(), stream.height());
    let channels = stream.channels() as usize;
    if channels != format.channels() {
        return Err(Error::Unsupported(format!("JPEG XL with {channels} channels")));
    }
    let kind = match format {
        PixelFormat::Gray => PixelKind::Luma8,
        PixelFormat::Rgb | PixelFormat::Cmyk => PixelKind::Rgb8,
        PixelFormat::Graya | PixelFormat::Rgba | PixelFormat::Cmyka => PixelKind::Rgba8,
    };
    let mut samples = buffer(u64::from(width) * channels as u64, limits)?;
    let mut line = Vec::new();
    out.frame(chosen.index, chosen.t_ms, width, height, kind);
    for _ in 0..height {
        stream.write_to_buffer(&mut samples);
        // In JPEG XL full ink is 0.
        let ink = |p: &[u8]| cmyk_to_rgb([255 - p[0], 255 - p[1], 255 - p[2], 255 - p[3]]);
        line.clear();
        let pixels = samples.chunks_exact(channels);
        match format {
            PixelFormat::Gray | PixelFormat::Rgb | PixelFormat::Rgba => line.extend_from_slice(&samples),
            PixelFormat::Graya => line.extend(pixels.flat_map(|p| [p[0], p[0], p[0], p[1]])),
            PixelFormat::Cmyk => line.extend(pixels.flat_map(ink)),
            PixelFormat::Cmyka => line.extend(pixels.flat_map(|p| {
                let [r, g, b] = ink(p);
                [r, g, b, p[4]]
            })),
        }
        out.rows(&line);
    }
    out.end();
    Ok(())
}

fn fail(e: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let text = e.to_string();
    if text.contains("unexpected end") || text.contains("end of file") {
        Error::Truncated(format!("JPEG XL: {text}"))
    } else {
        Error::Malformed(format!("JPEG XL: {text}"))
    }
}
