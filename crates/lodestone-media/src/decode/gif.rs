//! GIF. The block walk is ours, so that delays are known before a frame is decoded and a cut file gives the frames
//! and rows it holds; LZW is `weezl`'s.

use super::canvas::{Blend, Canvas, Dispose, Rect};
use super::emit::{Emitter, buffer, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits};

/// Frames of one animation looked at; the rest is left out and noted.
const MAX_SCANNED_FRAMES: usize = 1 << 16;
/// Browsers show frames of 0 or 10 ms for 100 ms.
const BROWSER_DELAY_MS: u64 = 100;

/// Decodes a GIF's chosen frames, each laid on the canvas as viewers do.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let file = File::scan(bytes)?;
    check_size(file.width.into(), file.height.into(), 9, limits)?;
    let durations: Vec<u64> = file.frames.iter().map(|f| f.delay_ms).collect();
    let chosen = frames::choose(&durations, limits.max_frames);
    let canvas_bytes = u64::from(file.width) * u64::from(file.height) * 4;
    let mut canvas = Canvas::new(file.width, file.height, buffer(canvas_bytes, limits)?);
    let mut work = frames::Work::new(limits);
    let mut partial = None;
    let mut next = chosen.iter().peekable();
    let mut strip = Vec::new();
    for (i, frame) in (0u32..).zip(&file.frames) {
        let Some(want) = next.peek() else { break };
        if let Err(why) = work.spend(frame.area.w, frame.area.h) {
            partial = Some(why);
            break;
        }
        let mut indexes = buffer(u64::from(frame.area.w) * u64::from(frame.area.h), limits)?;
        let had = frame.lzw(bytes, &mut indexes);
        let rows = (had / frame.area.w as usize) as u32;
        if had < indexes.len() {
            if i == 0 && rows == 0 {
                return Err(Error::Truncated("GIF: not one row of the first frame".into()));
            }
            partial = Some(format!("frame {i}: {rows} of {} rows", frame.area.h));
            if rows == 0 {
                break;
            }
        }
        canvas.before(frame.dispose);
        let palette = frame.palette.and_then(|(at, n)| bytes.get(at..at + n)).unwrap_or_default();
        for (n, line) in (0u32..).zip(indexes.chunks_exact(frame.area.w as usize)).take(rows as usize) {
            let y = if frame.interlaced { deinterlaced(n, frame.area.h) } else { n };
            strip.clear();
            strip.extend(line.iter().flat_map(|&ix| colour(palette, ix, frame.transparent)));
            let row = Rect { x: frame.area.x, y: frame.area.y.saturating_add(y), w: frame.area.w, h: 1 };
            canvas.draw(row, &strip, Blend::Mask);
        }
        if want.index == i {
            out.canvas(i, want.t_ms, canvas.size(), canvas.rgba());
            next.next();
        }
        if partial.is_some() {
            break;
        }
        canvas.after(frame.area, frame.dispose);
    }
    if !out.started() {
        // Cut between the first frame and the first chosen one: cannot be, the first is always chosen.
        return Err(Error::Truncated("GIF".into()));
    }
    let total = file.frames.len() as u32;
    let mut decoded = Decoded { partial, ..out.decoded(Format::Gif, total) };
    decoded.notes.push("palette".into());
    decoded.notes.extend(frames::note(out.sent(), total));
    if file.too_many_frames {
        decoded.notes.push(format!("frames beyond {MAX_SCANNED_FRAMES} left out"));
    }
    if !file.ended && decoded.partial.is_none() {
        decoded.notes.push("the file has no end mark".into());
    }
    Ok(decoded)
}

/// RGBA of an index; a transparent one keeps its hidden colour. Indexes beyond the palette are black.
fn colour(palette: &[u8], index: u8, transparent: Option<u8>) -> [u8; 4] {
    let at = usize::from(index) * 3;
    let [r, g, b] = palette.get(at..at + 3).and_then(|c| c.try_into().ok()).unwrap_or_default();
    [r, g, b, if transparent == Some(index) { 0 } else { 255 }]
}

/// The row at which the `n`th stored row of an interlaced frame of `h` rows stands.
fn deinterlaced(n: u32, h: u32) -> u32 {
    let mut n = n;
    for (first, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
        let count = h.saturating_sub(first).div_ceil(step);
        if n < count {
            return first + n * step;
        }
        n -= count;
    }
    h
}

struct Frame {
    area: Rect,
    delay_ms: u64,
    dispose: Dispose,
    transparent: Option<u8>,
    interlaced: bool,
    /// Offset and length in the file.
    palette: Option<(usize, usize)>,
    /// Offset of the LZW code size byte.
    data: usize,
}

impl Frame {
    /// Decodes palette indexes into `to`; how many came.
    fn lzw(&self, bytes: &[u8], to: &mut [u8]) -> usize {
        let Some(&size) = bytes.get(self.data) else { return 0 };
        if !(1..=11).contains(&size) {
            return 0;
        }
        let mut decoder = weezl::decode::Decoder::new(weezl::BitOrder::Lsb, size);
        let mut had = 0;
        for block in (SubBlocks { bytes, pos: self.data + 1 }) {
            let mut rest = block;
            loop {
                let Some(room) = to.get_mut(had..).filter(|r| !r.is_empty()) else { return had };
                let step = decoder.decode_bytes(rest, room);
                had += step.consumed_out;
                rest = rest.get(step.consumed_in..).unwrap_or_default();
                match step.status {
                    Ok(weezl::LzwStatus::Done) | Err(_) => return had,
                    Ok(_) if step.consumed_in == 0 && step.consumed_out == 0 => break,
                    Ok(_) => {}
                }
            }
        }
        had
    }
}

struct File {
    width: u32,
    height: u32,
    frames: Vec<Frame>,
    ended: bool,
    too_many_frames: bool,
}

impl File {
    fn scan(bytes: &[u8]) -> Result<Self, Error> {
        let cut = || Error::Truncated("GIF without a frame".into());
        let flags = *bytes.get(10).ok_or_else(cut)?;
        let (mut width, mut height) = (le16(bytes, 6), le16(bytes, 8));
        let mut pos = 13;
        let global = palette(flags, pos);
        pos += global.map_or(0, |g| g.1);
        let mut file = File { width, height, frames: Vec::new(), ended: false, too_many_frames: false };
        let mut control = [0u8; 4];
        while let Some(&block) = bytes.get(pos) {
            match block {
                0x21 => {
                    let mut blocks = SubBlocks { bytes, pos: pos + 2 };
                    if bytes.get(pos + 1) == Some(&0xf9)
                        && let Some(first) = blocks.next().and_then(|b| b.get(..4))
                    {
                        control.copy_from_slice(first);
                    }
                    pos = blocks.end();
                }
                0x2c => {
                    let Some(d) = bytes.get(pos + 1..pos + 10) else { break };
                    let area = Rect { x: le16(d, 0), y: le16(d, 2), w: le16(d, 4), h: le16(d, 6) };
                    let flags = d.get(8).copied().unwrap_or(0);
                    pos += 10;
                    let local = palette(flags, pos);
                    pos += local.map_or(0, |l| l.1);
                    if file.frames.is_empty() {
                        // A first frame bigger than the screen makes the screen bigger, as in browsers and Pillow.
                        width = width.max(area.x.saturating_add(area.w));
                        height = height.max(area.y.saturating_add(area.h));
                    }
                    if file.frames.len() >= MAX_SCANNED_FRAMES {
                        file.too_many_frames = true;
                        break;
                    }
                    let [flags2, d0, d1, transparent] = control;
                    if area.w > 0 && area.h > 0 && pos < bytes.len() {
                        let delay = u64::from(u16::from_le_bytes([d0, d1])) * 10;
                        file.frames.push(Frame {
                            area,
                            delay_ms: if delay <= 10 { BROWSER_DELAY_MS } else { delay },
                            dispose: match (flags2 >> 2) & 7 {
                                2 => Dispose::Clear,
                                3 => Dispose::Previous,
                                _ => Dispose::Keep,
                            },
                            transparent: (flags2 & 1 == 1).then_some(transparent),
                            interlaced: flags & 0x40 != 0,
                            palette: local.or(global),
                            data: pos,
                        });
                    }
                    control = [0; 4];
                    let mut blocks = SubBlocks { bytes, pos: pos + 1 };
                    pos = blocks.end();
                }
                0x3b => {
                    file.ended = true;
                    break;
                }
                // Padding, or damage: look for the next block.
                _ => pos += 1,
            }
        }
        (file.width, file.height) = (width, height);
        if file.frames.is_empty() {
            return Err(if file.ended { Error::Malformed("GIF without a frame".into()) } else { cut() });
        }
        Ok(file)
    }
}

/// Offset and length of a colour table announced by `flags`.
fn palette(flags: u8, pos: usize) -> Option<(usize, usize)> {
    (flags & 0x80 != 0).then(|| (pos, 3usize << ((flags & 7) + 1)))
}

fn le16(d: &[u8], at: usize) -> u32 {
    d.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, |b| u32::from(u16::from_le_bytes(b)))
}

/// Data sub-blocks up to the empty one that ends them.
struct SubBlocks<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl SubBlocks<'_> {
    /// Skips to behind the end.
    fn end(&mut self) -> usize {
        while self.next().is_some() {}
        self.pos
    }
}

impl<'a> Iterator for SubBlocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(*self.bytes.get(self.pos)?);
        let rest = self.bytes.get(self.pos + 1..)?;
        self.pos += 1 + len;
        if len == 0 {
            return None;
        }
        Some(rest.get(..len).unwrap_or(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interlaced_rows_come_once_each() {
        for h in 1..40 {
            let mut rows: Vec<u32> = (0..h).map(|n| deinterlaced(n, h)).collect();
            rows.sort_unstable();
            assert_eq!(rows, (0..h).collect::<Vec<_>>());
        }
        assert_eq!((0..4).map(|n| deinterlaced(n, 10)).collect::<Vec<_>>(), [0, 8, 4, 2]);
    }
}
