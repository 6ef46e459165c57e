//! WebP, still and animated. Each frame of an animation is decoded as a still and laid on our canvas.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::canvas::{Blend, Canvas, Dispose, Rect};
use super::emit::{Emitter, buffer, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits, PixelKind};

/// Frames of one animation looked at; the rest is left out and noted.
const MAX_SCANNED_FRAMES: usize = 1 << 16;

/// Decodes a WebP. Whole frames only: a cut still gives nothing.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let (frames, canvas, cut) = scan(bytes);
    if let (Some(canvas), false) = (canvas, frames.is_empty()) {
        return animation(&frames, canvas, cut, limits, out);
    }
    let still = still(bytes, limits)?;
    out.whole(0, 0, (still.width, still.height), still.kind, &still.pixels);
    Ok(out.decoded(Format::WebP, 1))
}

struct Still {
    width: u32,
    height: u32,
    kind: PixelKind,
    pixels: Vec<u8>,
}

fn still(bytes: &[u8], limits: &Limits) -> Result<Still, Error> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|e| fail(&e, limits))?;
    let (width, height) = decoder.dimensions();
    // Pixels out, planes or ARGB inside.
    check_size(width.into(), height.into(), 8, limits)?;
    decoder.set_memory_limit(usize::try_from(limits.max_memory).unwrap_or(usize::MAX));
    let kind = if decoder.has_alpha() { PixelKind::Rgba8 } else { PixelKind::Rgb8 };
    let mut pixels = buffer(u64::from(width) * u64::from(height) * kind.bytes() as u64, limits)?;
    decoder.read_image(&mut pixels).map_err(|e| fail(&e, limits))?;
    Ok(Still { width, height, kind, pixels })
}

fn animation(
    list: &[Frame<'_>],
    size: (u32, u32),
    cut: bool,
    limits: &Limits,
    out: &mut Emitter<'_>,
) -> Result<Decoded, Error> {
    check_size(size.0.into(), size.1.into(), 12, limits)?;
    let durations: Vec<u64> = list.iter().map(|f| f.duration_ms).collect();
    let chosen = frames::choose(&durations, limits.max_frames);
    let mut canvas = Canvas::new(size.0, size.1, buffer(u64::from(size.0) * u64::from(size.1) * 4, limits)?);
    let mut work = frames::Work::new(limits);
    let mut partial = cut.then(|| "the file is cut short".to_owned());
    let mut next = chosen.iter().peekable();
    for (i, frame) in (0u32..).zip(list) {
        let Some(want) = next.peek() else { break };
        if let Err(why) = work.spend(frame.area.w, frame.area.h) {
            partial = Some(why);
            break;
        }
        let picture = match still(&frame.file(), limits) {
            Ok(p) if (p.width, p.height) == (frame.area.w, frame.area.h) => p,
            Ok(_) if i == 0 => return Err(Error::Malformed("WebP: frame size".into())),
            Err(e) if i == 0 => return Err(e),
            Ok(_) => {
                partial = Some(format!("frame {i}: size"));
                break;
            }
            Err(e) => {
                partial = Some(format!("frame {i}: {e}"));
                break;
            }
        };
        if picture.kind == PixelKind::Rgba8 {
            canvas.draw(frame.area, &picture.pixels, frame.blend);
        } else {
            let rgba: Vec<u8> =
                picture.pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
            canvas.draw(frame.area, &rgba, Blend::Source);
        }
        if want.index == i {
            out.canvas(i, want.t_ms, canvas.size(), canvas.rgba());
            next.next();
        }
        canvas.after(frame.area, frame.dispose);
    }
    let total = list.len() as u32;
    let mut decoded = Decoded { partial, ..out.decoded(Format::WebP, total) };
    decoded.notes.extend(frames::note(out.sent(), total));
    if list.len() >= MAX_SCANNED_FRAMES {
        decoded.notes.push(format!("frames beyond {MAX_SCANNED_FRAMES} left out"));
    }
    Ok(decoded)
}

struct Frame<'a> {
    area: Rect,
    duration_ms: u64,
    dispose: Dispose,
    blend: Blend,
    /// The frame's own chunks: `ALPH`, `VP8 ` or `VP8L`.
    chunks: &'a [u8],
}

impl Frame<'_> {
    /// A WebP file of this frame alone.
    fn file(&self) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        if self.chunks.starts_with(b"ALPH") {
            body.extend(b"VP8X\x0a\0\0\0\x10\0\0\0");
            body.extend_from_slice(&self.area.w.saturating_sub(1).to_le_bytes()[..3]);
            body.extend_from_slice(&self.area.h.saturating_sub(1).to_le_bytes()[..3]);
        }
        body.extend(self.chunks);
        let mut file = b"RIFF".to_vec();
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(body);
        file
    }
}

/// The frames of an animation and its canvas; `true` when the file ends inside a chunk. Stills have no frames.
fn scan(bytes: &[u8]) -> (Vec<Frame<'_>>, Option<(u32, u32)>, bool) {
    let mut frames = Vec::new();
    let mut canvas = None;
    let mut pos = 12;
    while let Some(head) = bytes.get(pos..pos + 8) {
        let len = head.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
        let Some(data) = bytes.get(pos + 8..(pos + 8).saturating_add(len)) else {
            return (frames, canvas, true);
        };
        match head.get(..4) {
            Some(b"VP8X") if data.len() >= 10 && data.first().is_some_and(|f| f & 2 != 0) => {
                canvas = Some((le24(data, 4) + 1, le24(data, 7) + 1));
            }
            Some(b"ANMF") if data.len() >= 24 && frames.len() < MAX_SCANNED_FRAMES => {
                let flags = data.get(15).copied().unwrap_or(0);
                frames.push(Frame {
                    area: Rect {
                        x: le24(data, 0) * 2,
                        y: le24(data, 3) * 2,
                        w: le24(data, 6) + 1,
                        h: le24(data, 9) + 1,
                    },
                    duration_ms: u64::from(le24(data, 12)),
                    dispose: if flags & 1 != 0 { Dispose::Clear } else { Dispose::Keep },
                    blend: if flags & 2 != 0 { Blend::Source } else { Blend::Over },
                    chunks: data.get(16..).unwrap_or_default(),
                });
            }
            _ => {}
        }
        pos = pos + 8 + len + (len & 1);
    }
    (frames, canvas, false)
}

fn le24(d: &[u8], at: usize) -> u32 {
    d.get(at..at + 3).map_or(0, |b| b.iter().rev().fold(0, |n, &x| n << 8 | u32::from(x)))
}

fn fail(e: &DecodingError, limits: &Limits) -> Error {
    match e {
        DecodingError::IoError(_) => Error::Truncated(format!("WebP: {e}")),
        DecodingError::MemoryLimitExceeded => Error::Memory { what: "WebP".into(), limit: limits.max_memory },
        DecodingError::UnsupportedFeature(_) => Error::Unsupported(format!("WebP: {e}")),
        _ => Error::Malformed(format!("WebP: {e}")),
    }
}
