//! Windows and OS/2 bitmaps: 1 to 32 bits, palettes, bit fields, RLE, either row order.

use super::colour::scale_to_8;
use super::emit::{Emitter, buffer, check_size};
use crate::{Decoded, Error, Format, Limits, PixelKind};

/// Decodes a bitmap. Rows the file does not hold are black; bitmaps are stored bottom up, so a cut file lacks its top.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let head = Header::parse(bytes)?;
    let packed = if head.rle { 1 } else { 0 };
    check_size(head.width.into(), head.height.into(), packed, limits)?;
    let data = bytes.get(head.data..).unwrap_or_default();
    let mut missing = if head.rle { rle(&head, data, limits, out)? } else { stored(&head, data, out)? };
    out.end();
    let mut decoded = out.decoded(Format::Bmp, 1);
    if head.bits <= 8 {
        decoded.notes.push("palette".into());
    }
    if head.bits == 1 {
        decoded.notes.push("1-bit".into());
    }
    missing = missing.min(head.height);
    decoded.partial = (missing > 0).then(|| format!("{missing} of {} rows missing", head.height));
    Ok(decoded)
}

struct Header {
    width: u32,
    height: u32,
    top_down: bool,
    bits: u16,
    rle: bool,
    /// Red, green, blue, alpha; for 16 and 32 bits.
    masks: [u32; 4],
    palette: Vec<[u8; 3]>,
    data: usize,
}

impl Header {
    fn parse(b: &[u8]) -> Result<Self, Error> {
        let cut = || Error::Truncated("BMP header".into());
        let bad = |what: &str| Error::Malformed(format!("BMP: {what}"));
        let dib = le32(b, 14).ok_or_else(cut)? as usize;
        let core = dib == 12;
        if !core && dib < 16 {
            return Err(bad("header size"));
        }
        let (width, height, bits) = if core {
            let (w, h) = (le16(b, 18).ok_or_else(cut)?, le16(b, 20).ok_or_else(cut)?);
            (i64::from(w), i64::from(h), le16(b, 24).ok_or_else(cut)?)
        } else {
            let (w, h) = (le32(b, 18).ok_or_else(cut)?, le32(b, 22).ok_or_else(cut)?);
            (i64::from(w.cast_signed()), i64::from(h.cast_signed()), le16(b, 28).ok_or_else(cut)?)
        };
        let long = |at: usize| if dib >= at + 4 - 14 { le32(b, at).unwrap_or(0) } else { 0 };
        let compression = long(30);
        let rle = match (compression, bits) {
            (0, 1 | 2 | 4 | 8 | 16 | 24 | 32) => false,
            (1, 8) | (2, 4) => true,
            (3, 16 | 32) if dib != 64 => false,
            (6, 16 | 32) => false,
            (4, _) => return Err(Error::Unsupported("BMP holding a JPEG".into())),
            (5, _) => return Err(Error::Unsupported("BMP holding a PNG".into())),
            (3, 1) => return Err(Error::Unsupported("BMP with Huffman coding".into())),
            (4.., _) => return Err(Error::Unsupported(format!("BMP compression {compression}"))),
            _ => return Err(bad("bits per pixel")),
        };
        if width <= 0 || height == 0 {
            return Err(bad("size"));
        }
        let fields = compression == 3 || compression == 6;
        let mut masks = match bits {
            16 => [0x7c00, 0x03e0, 0x001f, 0],
            _ => [0x00ff_0000, 0x0000_ff00, 0x0000_00ff, 0],
        };
        let mut behind = 14usize.saturating_add(dib);
        if fields {
            for (i, mask) in masks.iter_mut().enumerate().take(3) {
                *mask = le32(b, 54 + i * 4).ok_or_else(cut)?;
            }
            if dib >= 56 || compression == 6 {
                masks[3] = le32(b, 66).ok_or_else(cut)?;
            }
            if dib == 40 {
                behind += if compression == 6 { 16 } else { 12 };
            }
        }
        let data = le32(b, 10).ok_or_else(cut)? as usize;
        let entry = if core { 3 } else { 4 };
        let mut palette = Vec::new();
        if bits <= 8 {
            let used = long(46);
            let most = 1usize << bits;
            let count = if used == 0 { most } else { (used as usize).min(most) };
            let table = b.get(behind..).unwrap_or_default();
            palette.extend(table.chunks_exact(entry).take(count).map(|e| [e[2], e[1], e[0]]));
        }
        Ok(Self {
            width: width as u32,
            height: height.unsigned_abs() as u32,
            top_down: height < 0,
            bits,
            rle,
            masks,
            palette,
            data,
        })
    }

    fn colour(&self, index: u8) -> [u8; 3] {
        self.palette.get(usize::from(index)).copied().unwrap_or_default()
    }
}

/// Uncompressed rows; how many are missing.
fn stored(head: &Header, data: &[u8], out: &mut Emitter<'_>) -> Result<u32, Error> {
    let stride = (u64::from(head.width) * u64::from(head.bits)).div_ceil(32) * 4;
    let kind = if head.masks[3] != 0 && head.bits >= 16 { PixelKind::Rgba8 } else { PixelKind::Rgb8 };
    let row_of = |y: u32| {
        let stored = if head.top_down { y } else { head.height - 1 - y };
        let start = usize::try_from(u64::from(stored) * stride).ok()?;
        // The last row's padding may be missing.
        let need = usize::try_from((u64::from(head.width) * u64::from(head.bits)).div_ceil(8)).ok()?;
        data.get(start..start.checked_add(need)?)
    };
    let mut missing = (0..head.height).filter(|&y| row_of(y).is_none()).count() as u32;
    if missing == head.height {
        return Err(Error::Truncated("BMP: not one row".into()));
    }
    out.frame(0, 0, head.width, head.height, kind);
    let width = head.width as usize;
    let black = vec![0; width * kind.bytes()];
    let mut line = Vec::new();
    for y in 0..head.height {
        let Some(row) = row_of(y) else {
            out.rows(&black);
            continue;
        };
        line.clear();
        match head.bits {
            24 => line.extend(row.chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]])),
            32 => line.extend(row.chunks_exact(4).flat_map(|p| {
                let v = u32::from_le_bytes([p[0], p[1], p[2], p[3]]);
                head.masks.map(|m| sample(v, m)).into_iter().take(kind.bytes())
            })),
            16 => line.extend(row.chunks_exact(2).flat_map(|p| {
                let v = u32::from(u16::from_le_bytes([p[0], p[1]]));
                head.masks.map(|m| sample(v, m)).into_iter().take(kind.bytes())
            })),
            bits => {
                let per_byte = 8 / usize::from(bits);
                let low = ((1u16 << bits) - 1) as u8;
                line.extend((0..width).flat_map(|x| {
                    let byte = row.get(x / per_byte).copied().unwrap_or(0);
                    let shift = 8 - usize::from(bits) * (x % per_byte + 1);
                    head.colour((byte >> shift) & low)
                }));
            }
        }
        if line.len() < black.len() {
            missing += 1;
            line.resize(black.len(), 0);
        }
        out.rows(&line);
    }
    Ok(missing)
}

/// One channel of a bit-field pixel, full scale.
fn sample(pixel: u32, mask: u32) -> u8 {
    match mask {
        0 => 0,
        m => {
            let shift = m.trailing_zeros();
            scale_to_8((pixel & m) >> shift, m >> shift)
        }
    }
}

/// Run-length coded rows; how many are missing. Pixels skipped over take colour 0.
fn rle(head: &Header, data: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<u32, Error> {
    let width = head.width as usize;
    let mut indexes = buffer(u64::from(head.width) * u64::from(head.height), limits)?;
    let (mut x, mut y) = (0usize, 0usize);
    let mut pos = 0;
    let mut ended = false;
    let nibbles = head.bits == 4;
    let mut put = |x: usize, y: usize, v: u8| {
        if x < width
            && let Some(p) = y.checked_mul(width).and_then(|at| indexes.get_mut(at + x))
        {
            *p = v;
        }
    };
    while let (Some(&count), Some(&value)) = (data.get(pos), data.get(pos + 1)) {
        pos += 2;
        match (count, value) {
            (0, 0) => (x, y) = (0, y + 1),
            (0, 1) => {
                ended = true;
                break;
            }
            (0, 2) => {
                let (Some(&dx), Some(&dy)) = (data.get(pos), data.get(pos + 1)) else { break };
                pos += 2;
                (x, y) = (x + usize::from(dx), y + usize::from(dy));
            }
            (0, n) => {
                let n = usize::from(n);
                let len = if nibbles { n.div_ceil(2) } else { n };
                let Some(run) = data.get(pos..pos + len) else { break };
                for i in 0..n {
                    let byte = run.get(if nibbles { i / 2 } else { i }).copied().unwrap_or(0);
                    let v = match (nibbles, i % 2) {
                        (true, 0) => byte >> 4,
                        (true, _) => byte & 15,
                        _ => byte,
                    };
                    put(x + i, y, v);
                }
                x += n;
                pos += len + (len & 1);
            }
            (n, v) => {
                for i in 0..usize::from(n) {
                    let v = match (nibbles, i % 2) {
                        (true, 0) => v >> 4,
                        (true, _) => v & 15,
                        _ => v,
                    };
                    put(x + i, y, v);
                }
                x += usize::from(n);
            }
        }
        if y >= head.height as usize {
            ended = true;
            break;
        }
    }
    // Runs longer than a row do not wrap; a last row without its mark counts as there.
    let had = if ended { head.height } else { (y as u32).saturating_add(u32::from(x >= width)) };
    if had == 0 {
        return Err(Error::Truncated("BMP: not one row".into()));
    }
    out.frame(0, 0, head.width, head.height, PixelKind::Rgb8);
    let mut line = Vec::new();
    for y in 0..head.height {
        let stored = if head.top_down { y } else { head.height - 1 - y };
        let start = stored as usize * width;
        line.clear();
        if stored < had {
            line.extend(
                indexes.get(start..start + width).unwrap_or_default().iter().flat_map(|&i| head.colour(i)),
            );
        }
        line.resize(width * 3, 0);
        out.rows(&line);
    }
    Ok(head.height - had.min(head.height))
}

fn le32(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
}

fn le16(b: &[u8], at: usize) -> Option<u16> {
    b.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes)
}
