//! The chunk walk.

use crate::decode::canvas::{Blend, Dispose, Rect};
use crate::{Decoded, Error};

pub(super) const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// Frames of one animation looked at; the rest is left out and noted.
const MAX_SCANNED_FRAMES: usize = 1 << 16;

/// One frame of an APNG: its `fcTL`, and where its data starts.
#[derive(Clone, Copy)]
pub(super) struct Control {
    pub(super) area: Rect,
    pub(super) delay_ms: u64,
    pub(super) dispose: Dispose,
    pub(super) blend: Blend,
    pub(super) start: usize,
    pub(super) kind: [u8; 4],
}

/// What the chunk walk found.
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ihdr: &'a [u8],
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) plte: Option<&'a [u8]>,
    pub(super) trns: Option<&'a [u8]>,
    pub(super) first_idat: usize,
    pub(super) frames: Vec<Control>,
    pub(super) default_is_frame: bool,
    pub(super) bad_crc: bool,
    pub(super) ended: bool,
    pub(super) too_many_frames: bool,
}

impl<'a> File<'a> {
    pub(super) fn scan(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut chunks = Chunks { bytes, pos: SIGNATURE.len() };
        let first = chunks.next().filter(|c| c.kind == *b"IHDR" && c.data.len() >= 13);
        let Some(first) = first else {
            let short = bytes.len() < 33;
            let text = "PNG without header".to_owned();
            return Err(if short { Error::Truncated(text) } else { Error::Malformed(text) });
        };
        let ihdr = first.data.get(..13).unwrap_or_default();
        let mut file = File {
            bytes,
            ihdr,
            width: be32(ihdr, 0),
            height: be32(ihdr, 4),
            plte: None,
            trns: None,
            first_idat: 0,
            frames: Vec::new(),
            default_is_frame: false,
            bad_crc: first.bad_crc(),
            ended: false,
            too_many_frames: false,
        };
        let mut animated = false;
        let mut control: Option<Control> = None;
        for chunk in chunks {
            let critical = chunk.kind[0] & 0x20 == 0;
            let ours = critical || matches!(&chunk.kind, b"tRNS" | b"acTL" | b"fcTL" | b"fdAT");
            file.bad_crc |= ours && chunk.bad_crc();
            match &chunk.kind {
                b"PLTE" if file.first_idat == 0 => file.plte = Some(chunk.data),
                b"tRNS" if file.first_idat == 0 => file.trns = Some(chunk.data),
                b"acTL" if file.first_idat == 0 => animated = true,
                b"fcTL" if animated && chunk.data.len() >= 26 => control = Control::parse(chunk.data),
                b"IDAT" if file.first_idat == 0 => {
                    file.first_idat = chunk.start;
                    if let Some(c) = control.take() {
                        file.default_is_frame = true;
                        let area = Rect { x: 0, y: 0, w: file.width, h: file.height };
                        file.frames.push(Control { area, start: chunk.start, kind: *b"IDAT", ..c });
                    }
                }
                b"fdAT" if chunk.data.len() >= 4 => {
                    if let Some(c) = control.take() {
                        if file.frames.len() >= MAX_SCANNED_FRAMES {
                            file.too_many_frames = true;
                        } else if c.inside(file.width, file.height) {
                            file.frames.push(Control { start: chunk.start, kind: *b"fdAT", ..c });
                        }
                    }
                }
                b"IEND" => {
                    file.ended = true;
                    break;
                }
                _ => {}
            }
        }
        if file.first_idat == 0 {
            let text = "PNG without image data".to_owned();
            return Err(if file.ended { Error::Malformed(text) } else { Error::Truncated(text) });
        }
        Ok(file)
    }

    pub(super) fn finish(&self, mut decoded: Decoded) -> Decoded {
        let depth = self.ihdr.get(8).copied().unwrap_or(8);
        if self.ihdr.get(9) == Some(&3) {
            decoded.notes.push("palette".into());
        }
        if depth == 16 || depth == 1 {
            decoded.notes.push(format!("{depth}-bit"));
        }
        if self.bad_crc {
            decoded.notes.push("check sum of a chunk is wrong".into());
        }
        if self.too_many_frames {
            decoded.notes.push(format!("frames beyond {MAX_SCANNED_FRAMES} left out"));
        }
        if !self.ended && decoded.partial.is_none() {
            decoded.notes.push("the file has no end mark".into());
        }
        decoded
    }
}

impl Control {
    fn parse(d: &[u8]) -> Option<Self> {
        let num = u64::from(be16(d, 20));
        let den = u64::from(be16(d, 22));
        let area = Rect { x: be32(d, 12), y: be32(d, 16), w: be32(d, 4), h: be32(d, 8) };
        let dispose = match d.get(24)? {
            1 => Dispose::Clear,
            2 => Dispose::Previous,
            _ => Dispose::Keep,
        };
        let blend = if *d.get(25)? == 1 { Blend::Over } else { Blend::Source };
        let delay_ms = num * 1_000 / if den == 0 { 100 } else { den };
        Some(Self { area, delay_ms, dispose, blend, start: 0, kind: *b"fdAT" })
    }

    fn inside(&self, width: u32, height: u32) -> bool {
        let a = self.area;
        a.w > 0
            && a.h > 0
            && a.x.checked_add(a.w).is_some_and(|r| r <= width)
            && a.y.checked_add(a.h).is_some_and(|b| b <= height)
    }
}

fn be32(d: &[u8], at: usize) -> u32 {
    d.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn be16(d: &[u8], at: usize) -> u16 {
    d.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes)
}

/// One chunk; at the end of a cut file, what is there of it.
pub(super) struct Chunk<'a> {
    pub(super) kind: [u8; 4],
    pub(super) data: &'a [u8],
    pub(super) start: usize,
    pub(super) crc: Option<u32>,
}

impl Chunk<'_> {
    fn bad_crc(&self) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.kind);
        hasher.update(self.data);
        self.crc.is_some_and(|crc| crc != hasher.finalize())
    }
}

#[derive(Clone)]
pub(super) struct Chunks<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) pos: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let rest = self.bytes.get(self.pos..)?;
        let kind = rest.get(4..8)?.try_into().ok()?;
        let len = be32(rest, 0) as usize;
        let end = len.saturating_add(8);
        let data = rest.get(8..end).or_else(|| rest.get(8..))?;
        let crc = rest.get(end..end.saturating_add(4)).map(|c| be32(c, 0));
        let start = self.pos;
        self.pos = self.pos.saturating_add(end).saturating_add(4);
        Some(Chunk { kind, data, start, crc })
    }
}
