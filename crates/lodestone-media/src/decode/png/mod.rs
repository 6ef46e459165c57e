//! PNG and APNG.
//!
//! The chunk walk is ours; the `png` crate sees only what makes pixels (IHDR, PLTE, tRNS and image data), so that no
//! damaged, huge or odd ancillary chunk can stand in the way. Check sums that fail are noted, not fatal.

mod chunks;
mod image;

use super::canvas::{Blend, Canvas, Dispose, Rect};
use super::emit::{Emitter, buffer, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits, PixelKind};
use chunks::{Control, File};
use image::Image;

/// Decodes a PNG row by row, an APNG frame by frame.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let file = File::scan(bytes)?;
    check_size(file.width.into(), file.height.into(), 1, limits)?;
    let decoded = if file.frames.len() > 1 || (file.frames.len() == 1 && !file.default_is_frame) {
        animation(&file, limits, out)?
    } else {
        still(&file, limits, out)?
    };
    Ok(file.finish(decoded))
}

fn still(file: &File<'_>, limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let image =
        Image { file, width: file.width, height: file.height, start: file.first_idat, kind: *b"IDAT" };
    let partial = image.rows(limits, &mut |row, kind| {
        if !out.started() {
            out.frame(0, 0, file.width, file.height, kind);
        }
        out.rows(row);
    })?;
    out.end();
    Ok(Decoded { partial, ..out.decoded(Format::Png, 1) })
}

fn animation(file: &File<'_>, limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    check_size(file.width.into(), file.height.into(), 12, limits)?;
    let canvas_bytes = u64::from(file.width) * u64::from(file.height) * 4;
    let mut list = Vec::new();
    if !file.default_is_frame {
        // A default picture outside the animation: shown by viewers that know no APNG, so it is hashed first.
        let area = Rect { x: 0, y: 0, w: file.width, h: file.height };
        let (dispose, blend) = (Dispose::Clear, Blend::Source);
        list.push(Control { area, delay_ms: 0, dispose, blend, start: file.first_idat, kind: *b"IDAT" });
    }
    list.extend(file.frames.iter().copied());
    let durations: Vec<u64> = list.iter().map(|f| f.delay_ms).collect();
    let chosen = frames::choose(&durations, limits.max_frames);
    let mut canvas = Canvas::new(file.width, file.height, buffer(canvas_bytes, limits)?);
    let mut work = frames::Work::new(limits);
    let mut partial = None;
    let mut next = chosen.iter().peekable();
    for (i, frame) in (0u32..).zip(&list) {
        let Some(want) = next.peek() else { break };
        if let Err(why) = work.spend(frame.area.w, frame.area.h) {
            partial = Some(why);
            break;
        }
        let image =
            Image { file, width: frame.area.w, height: frame.area.h, start: frame.start, kind: frame.kind };
        let mut rgba = buffer(u64::from(frame.area.w) * u64::from(frame.area.h) * 4, limits)?;
        let mut lines = rgba.chunks_exact_mut(frame.area.w as usize * 4);
        let result = image.rows(limits, &mut |rows, kind| {
            for row in rows.chunks_exact(frame.area.w as usize * kind.bytes()) {
                if let Some(line) = lines.next() {
                    to_rgba(row, kind, line);
                }
            }
        });
        match result {
            Ok(None) => {}
            Ok(Some(why)) => partial = Some(format!("frame {i}: {why}")),
            Err(e) if i == 0 => return Err(e),
            Err(e) => {
                partial = Some(format!("frame {i}: {e}"));
                break;
            }
        }
        // On the first frame "previous" means "clear".
        let dispose =
            if i == 0 && frame.dispose == Dispose::Previous { Dispose::Clear } else { frame.dispose };
        canvas.before(dispose);
        canvas.draw(frame.area, &rgba, frame.blend);
        if want.index == i {
            out.canvas(i, want.t_ms, canvas.size(), canvas.rgba());
            next.next();
        }
        if partial.is_some() {
            break;
        }
        canvas.after(frame.area, dispose);
    }
    let total = list.len() as u32;
    let mut decoded = Decoded { partial, ..out.decoded(Format::Png, total) };
    decoded.notes.extend(frames::note(out.sent(), total));
    Ok(decoded)
}

fn to_rgba(row: &[u8], kind: PixelKind, line: &mut [u8]) {
    match kind {
        PixelKind::Luma8 => {
            for (d, s) in line.chunks_exact_mut(4).zip(row) {
                d.copy_from_slice(&[*s, *s, *s, 255]);
            }
        }
        PixelKind::Rgb8 => {
            for (d, s) in line.chunks_exact_mut(4).zip(row.chunks_exact(3)) {
                d.copy_from_slice(&[s[0], s[1], s[2], 255]);
            }
        }
        PixelKind::Rgba8 => line.copy_from_slice(row),
    }
}
