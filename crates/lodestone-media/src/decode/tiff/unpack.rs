//! A strip's or tile's bytes: decompressed, predictor undone.

use std::io::Read;

use super::page::{Colour, Page};
use crate::decode::emit::buffer;
use crate::{Error, FrameInfo, Limits, PixelKind, PixelSink};

const FAX_G4: u64 = 4;

/// One chunk's samples: `len` bytes of them, as far as they came.
pub(super) fn unpack(
    packed: &[u8],
    page: &Page,
    len: u64,
    limits: &Limits,
) -> Result<(Vec<u8>, usize), Error> {
    let mut out = buffer(len, limits)?;
    let had = match page.compression {
        1 => copy(packed, &mut out),
        FAX_G4 => fax(packed, page, &mut out),
        5 => lzw(packed, &mut out),
        8 | 32946 => fill(&mut flate2::read::ZlibDecoder::new(packed), &mut out),
        32773 => packbits(packed, &mut out),
        other => return Err(Error::Unsupported(format!("TIFF compression {}", name(other)))),
    };
    Ok((out, had))
}

fn name(compression: u64) -> String {
    let name = match compression {
        2 | 3 => "fax group 3",
        6 => "old JPEG",
        34661 => "JBIG",
        34712 => "JPEG 2000",
        34925 => "lzma",
        50000 => "zstd",
        50001 => "webp",
        _ => return compression.to_string(),
    };
    name.to_owned()
}

/// Black is 1, most significant bit first; how many bytes came.
fn fax(packed: &[u8], page: &Page, out: &mut [u8]) -> usize {
    let Ok(width) = u16::try_from(page.chunk_width) else { return 0 };
    let row_bytes = usize::from(width).div_ceil(8);
    let rows = u16::try_from(out.len() / row_bytes.max(1)).unwrap_or(u16::MAX);
    let mut had = 0;
    // A damaged end leaves the rows before it.
    let _ = fax::decoder::decode_g4(packed.iter().copied(), width, Some(rows), |line| {
        let Some(row) = out.get_mut(had..had + row_bytes) else { return };
        for (x, colour) in fax::decoder::pels(line, width).enumerate() {
            if colour == fax::Color::Black
                && let Some(byte) = row.get_mut(x / 8)
            {
                *byte |= 0x80 >> (x % 8);
            }
        }
        had += row_bytes;
    });
    had
}

fn copy(packed: &[u8], out: &mut [u8]) -> usize {
    let n = packed.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..n), packed.get(..n)) {
        to.copy_from_slice(from);
    }
    n
}

fn fill(reader: &mut dyn Read, out: &mut [u8]) -> usize {
    let mut had = 0;
    while let Some(room) = out.get_mut(had..).filter(|r| !r.is_empty()) {
        match reader.read(room) {
            Ok(n) if n > 0 => had += n,
            _ => break,
        }
    }
    had
}

fn lzw(packed: &[u8], out: &mut [u8]) -> usize {
    // LZW of before TIFF 6.0 has its bits the other way round; its first code is a clear code too.
    let old = matches!(packed, [0, second, ..] if second & 1 == 1);
    let mut decoder = if old {
        weezl::decode::Decoder::new(weezl::BitOrder::Lsb, 8)
    } else {
        weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
    };
    let (mut rest, mut had) = (packed, 0);
    while let Some(room) = out.get_mut(had..).filter(|r| !r.is_empty()) {
        let step = decoder.decode_bytes(rest, room);
        had += step.consumed_out;
        rest = rest.get(step.consumed_in..).unwrap_or_default();
        let stuck = step.consumed_in == 0 && step.consumed_out == 0;
        if stuck || !matches!(step.status, Ok(weezl::LzwStatus::Ok | weezl::LzwStatus::NoProgress)) {
            break;
        }
    }
    had
}

fn packbits(mut packed: &[u8], out: &mut [u8]) -> usize {
    let mut had = 0;
    while let Some((&head, rest)) = packed.split_first() {
        let Some(room) = out.get_mut(had..).filter(|r| !r.is_empty()) else { break };
        match head.cast_signed() {
            n @ 0.. => {
                let n = n as usize + 1;
                let run = rest.get(..n).unwrap_or(rest);
                had += copy(run, room);
                packed = rest.get(n..).unwrap_or_default();
            }
            -128 => packed = rest,
            n => {
                let Some((&value, rest)) = rest.split_first() else { break };
                let n = (1 + usize::from(n.unsigned_abs())).min(room.len());
                room.iter_mut().take(n).for_each(|b| *b = value);
                had += n;
                packed = rest;
            }
        }
    }
    had
}

/// Undoes horizontal differencing in one row.
pub(super) fn undo_differences(row: &mut [u8], samples: usize, bits: u32, little: bool) {
    let bytes = (bits / 8) as usize;
    let step = samples * bytes;
    for at in (step..row.len()).step_by(bytes.max(1)) {
        let value = |row: &[u8], at: usize| {
            let fold = |v: u64, b: &u8| (v << 8) | u64::from(*b);
            let b = row.get(at..at + bytes).unwrap_or_default();
            if little { b.iter().rev().fold(0, fold) } else { b.iter().fold(0, fold) }
        };
        let sum = value(row, at).wrapping_add(value(row, at - step));
        let Some(to) = row.get_mut(at..at + bytes) else { return };
        for (i, b) in to.iter_mut().enumerate() {
            let shift = if little { i } else { bytes - 1 - i };
            *b = (sum >> (8 * shift)) as u8;
        }
    }
}

/// A JPEG inside a TIFF, with the tables that stand before all of them: its pixels, 1 or 3 bytes each.
pub(super) fn jpeg(packed: &[u8], tables: &[u8], page: &Page, limits: &Limits) -> Result<Pixels, Error> {
    let mut whole = vec![0xff, 0xd8];
    let transform = match page.colour {
        Colour::Rgb => Some(0),
        Colour::YCbCr => Some(1),
        _ => None,
    };
    if let Some(transform) = transform {
        // Adobe's marker says what the directory says: whether the three components are RGB or YCbCr.
        whole.extend(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0");
        whole.push(transform);
    }
    if let Some(inner) = tables.get(2..).map(|t| t.strip_suffix(b"\xff\xd9").unwrap_or(t)) {
        whole.extend(inner);
    }
    whole.extend(packed.get(2..).unwrap_or_default());
    let mut sink = Pixels::default();
    let mut out = crate::decode::emit::Emitter::new(&mut sink);
    let decoded = crate::decode::jpeg(&whole, limits, &mut out)?;
    sink.partial = decoded.partial;
    Ok(sink)
}

/// Keeps one frame.
#[derive(Default)]
pub(super) struct Pixels {
    pub(super) data: Vec<u8>,
    pub(super) width: u32,
    pub(super) kind: Option<PixelKind>,
    pub(super) partial: Option<String>,
}

impl PixelSink for Pixels {
    fn frame(&mut self, info: &FrameInfo) {
        self.data.clear();
        self.width = info.width;
        self.kind = Some(info.pixels);
    }

    fn rows(&mut self, rows: &[u8]) {
        self.data.extend_from_slice(rows);
    }

    fn end_frame(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packbits_of_the_specification() {
        let packed =
            [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let mut out = [0; 24];
        assert_eq!(packbits(&packed, &mut out), 24);
        assert_eq!(&out[..7], [0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa]);
        assert_eq!(&out[14..], [0xaa; 10]);
    }

    #[test]
    fn differences_add_up_in_each_width() {
        let mut row = [10, 20, 1, 2, 255, 255];
        undo_differences(&mut row, 2, 8, true);
        assert_eq!(row, [10, 20, 11, 22, 10, 21]);
        let mut row = [0x01, 0xff, 0x00, 0x02];
        undo_differences(&mut row, 1, 16, false);
        assert_eq!(row, [0x01, 0xff, 0x02, 0x01]);
    }
}
