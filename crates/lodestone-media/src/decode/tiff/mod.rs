//! TIFF: strips and tiles, 1 to 16 and 32 bits, grey, RGB, palette, CMYK, YCbCr; uncompressed, PackBits, LZW, deflate,
//! JPEG, fax group 4. Each page is a frame of its own size. A strip that cannot be read is black and said so.

mod directory;
mod page;
mod unpack;

use std::collections::BTreeSet;

use super::colour::{cmyk_to_rgb, scale_to_8};
use super::emit::{Emitter, buffer, check_memory, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits, PixelKind};
use directory::{Directory, Reader};
use page::{Alpha, Colour, Page};

/// Pages looked at.
const MAX_PAGES: usize = 1 << 12;
/// Strips or tiles of one page.
const MAX_CHUNKS: usize = 1 << 20;
const JPEG: u64 = 7;
const JPEG_TABLES: u16 = 347;

/// Decodes the pages: all, or as many as frames are allowed, evenly spread.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let cut = || Error::Truncated("TIFF directory".into());
    let file = Reader::new(bytes).ok_or_else(|| Error::Malformed("TIFF header".into()))?;
    let mut pages = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = file.first().ok_or_else(cut)?;
    while at != 0 && seen.insert(at) && pages.len() < MAX_PAGES {
        let Some((dir, next)) = file.directory(at) else { break };
        pages.push(dir);
        at = next;
    }
    let total = pages.len();
    if total == 0 {
        return Err(cut());
    }
    let most = total.min(limits.max_frames.max(1) as usize);
    let (mut partial, mut first_error, mut notes) = (None, None, Vec::new());
    let mut work = frames::Work::new(limits);
    for i in (0..most).map(|k| k * total / most) {
        let Some(dir) = pages.get(i) else { break };
        let result = Page::read(&file, dir).and_then(|page| {
            check_size(page.width.into(), page.height.into(), 1, limits)?;
            if let Err(why) = work.spend(page.width, page.height) {
                return Err(Error::Memory { what: why, limit: limits.max_memory });
            }
            let why = one(&file, dir, &page, i as u32, limits, out)?;
            Ok((why, page.notes()))
        });
        match result {
            Ok((why, said)) => {
                partial = partial.or(why.map(|w| if total > 1 { format!("page {i}: {w}") } else { w }));
                notes.extend(said);
            }
            Err(e) => {
                if total > 1 {
                    partial.get_or_insert_with(|| format!("page {i}: {e}"));
                }
                first_error.get_or_insert(e);
            }
        }
    }
    if let Some(e) = first_error.filter(|_| !out.started()) {
        return Err(e);
    }
    notes.dedup();
    let mut decoded = Decoded { partial, notes, ..out.decoded(Format::Tiff, total as u32) };
    if out.sent() < total as u32 {
        decoded.notes.push(format!("{} of {total} pages hashed", out.sent()));
    }
    Ok(decoded)
}

/// One page; why it is incomplete, if it is.
fn one(
    file: &Reader<'_>,
    dir: &Directory,
    page: &Page,
    index: u32,
    limits: &Limits,
    out: &mut Emitter<'_>,
) -> Result<Option<String>, Error> {
    if let Some(at) = page.old_jpeg.and_then(|at| usize::try_from(at).ok()) {
        let mut sink = unpack::Pixels::default();
        let mut inner = Emitter::new(&mut sink);
        let decoded = super::jpeg(file.bytes.get(at..).unwrap_or_default(), limits, &mut inner)?;
        let kind = sink.kind.unwrap_or(PixelKind::Rgb8);
        out.whole(index, 0, (decoded.width, decoded.height), kind, &sink.data);
        return Ok(decoded.partial);
    }
    let tables = file.raw(dir, JPEG_TABLES);
    let kind = page.kind();
    let across = page.width.div_ceil(page.chunk_width);
    let down = page.height.div_ceil(page.chunk_height);
    let chunks = across as usize * down as usize;
    if chunks > MAX_CHUNKS {
        return Err(Error::Malformed(format!("TIFF in {chunks} strips or tiles")));
    }
    let row_bytes = u64::from(page.width) * kind.bytes() as u64;
    let band_bytes = row_bytes.saturating_mul(u64::from(page.chunk_height.min(page.height)));
    // The band, and one chunk of up to 4 bytes a sample as it is unpacked.
    check_memory(band_bytes.saturating_mul(2), limits)?;
    let mut waiting = 0u32;
    let mut started = false;
    let mut missing = 0u32;
    let mut first_error = None;
    for band_index in 0..down {
        let top = band_index * page.chunk_height;
        let rows = page.chunk_height.min(page.height - top);
        let mut band = buffer(row_bytes * u64::from(rows), limits)?;
        let mut any = false;
        for column in 0..across {
            let chunk = band_index as usize * across as usize + column as usize;
            let left = column * page.chunk_width;
            match Chunk::read(file, page, tables, chunk, chunks, rows, limits) {
                Ok(chunk) => {
                    any |= chunk.rows_there > 0;
                    missing += u32::from(chunk.rows_there < rows);
                    chunk.paint(page, &mut band, left, kind);
                }
                Err(e) => {
                    missing += 1;
                    first_error.get_or_insert(e);
                }
            }
        }
        if !any && !started {
            waiting += rows;
            continue;
        }
        if !started {
            started = true;
            out.frame(index, 0, page.width, page.height, kind);
            let black = vec![0; row_bytes as usize];
            (0..waiting).for_each(|_| out.rows(&black));
        }
        out.rows(&band);
    }
    if !started {
        return Err(first_error.unwrap_or_else(|| Error::Truncated("TIFF: not one row".into())));
    }
    out.end();
    let of = u64::from(across) * u64::from(down);
    Ok((missing > 0).then(|| format!("{missing} of {of} strips or tiles missing or cut")))
}

/// One strip or tile, unpacked: 8-bit samples would do, so wider ones stay as they are until painted.
struct Chunk {
    /// One plane, or all samples interleaved.
    planes: Vec<Vec<u8>>,
    row_bytes: usize,
    bits: u32,
    /// Samples of a pixel in each plane.
    step: usize,
    little: bool,
    /// A JPEG's pixels are grey or RGB already.
    finished: Option<PixelKind>,
    width: u32,
    rows_there: u32,
}

impl Chunk {
    fn read(
        file: &Reader<'_>,
        page: &Page,
        tables: &[u8],
        index: usize,
        per_plane: usize,
        rows: u32,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let width = page.chunk_width;
        let stored_rows = if page.tiled { page.chunk_height } else { rows };
        check_size(width.into(), stored_rows.into(), 1, limits)?;
        let step = if page.planar { 1 } else { page.samples };
        let mut chunk = Self {
            planes: Vec::new(),
            row_bytes: 0,
            bits: page.bits,
            step,
            little: file.little,
            finished: None,
            width,
            rows_there: rows,
        };
        for plane in 0..if page.planar { page.samples } else { 1 } {
            let packed = packed(file, page, plane * per_plane + index)?;
            if page.compression == JPEG {
                chunk.jpeg(packed, tables, page, limits)?;
                continue;
            }
            let turned;
            let packed = if page.lsb_first {
                turned = packed.iter().map(|b| b.reverse_bits()).collect::<Vec<u8>>();
                &turned
            } else {
                packed
            };
            let (h, v) = page.subsampling;
            if (h, v) != (1, 1) {
                if page.planar || page.bits != 8 || page.samples != 3 {
                    return Err(Error::Unsupported("TIFF: this kind of subsampled YCbCr".into()));
                }
                let units = u64::from(width.div_ceil(h)) * u64::from(stored_rows.div_ceil(v));
                let (data, had) = unpack::unpack(packed, page, units * u64::from(h * v + 2), limits)?;
                chunk.subsampled(&data, had, (h, v), stored_rows, limits)?;
                continue;
            }
            if page.compression == 4 && (page.bits, step) != (1, 1) {
                return Err(Error::Malformed("TIFF: fax is black and white".into()));
            }
            let row_bits = u64::from(width) * step as u64 * u64::from(page.bits);
            let row_bytes = row_bits.div_ceil(8);
            chunk.row_bytes = row_bytes as usize;
            let (mut data, had) = unpack::unpack(packed, page, row_bytes * u64::from(stored_rows), limits)?;
            match page.predictor {
                1 => {}
                2 if page.bits.is_multiple_of(8) => {
                    for row in data.chunks_exact_mut(chunk.row_bytes) {
                        unpack::undo_differences(row, step, page.bits, file.little);
                    }
                }
                other => return Err(Error::Unsupported(format!("TIFF predictor {other}"))),
            }
            chunk.rows_there = chunk.rows_there.min((had as u64 / row_bytes) as u32);
            chunk.planes.push(data);
        }
        Ok(chunk)
    }

    fn jpeg(&mut self, packed: &[u8], tables: &[u8], page: &Page, limits: &Limits) -> Result<(), Error> {
        let pixels = unpack::jpeg(packed, tables, page, limits)?;
        let kind = pixels.kind.unwrap_or(PixelKind::Rgb8);
        if page.planar && kind != PixelKind::Luma8 {
            return Err(Error::Malformed("TIFF: a plane of several colours".into()));
        }
        self.bits = 8;
        self.width = pixels.width;
        self.row_bytes = pixels.width as usize * kind.bytes();
        self.step = kind.bytes();
        self.finished = (!page.planar).then_some(kind);
        let rows = pixels.data.len().checked_div(self.row_bytes).unwrap_or(0);
        self.rows_there = self.rows_there.min(rows as u32);
        self.planes.push(pixels.data);
        Ok(())
    }

    /// Units of `h * v` luma samples with one pair of chroma, spread to whole pixels.
    fn subsampled(
        &mut self,
        data: &[u8],
        had: usize,
        (h, v): (u32, u32),
        stored_rows: u32,
        limits: &Limits,
    ) -> Result<(), Error> {
        let across = self.width.div_ceil(h) as usize;
        let unit = (h * v + 2) as usize;
        self.row_bytes = self.width as usize * 3;
        let mut whole = buffer(self.row_bytes as u64 * u64::from(stored_rows), limits)?;
        for (i, values) in data.chunks_exact(unit).enumerate() {
            let (unit_x, unit_y) = ((i % across) * h as usize, (i / across) * v as usize);
            let chroma = values.get(unit - 2..).unwrap_or_default();
            for (k, &luma) in values.iter().take(unit - 2).enumerate() {
                let (x, y) = (unit_x + k % h as usize, unit_y + k / h as usize);
                let at = y * self.row_bytes + x * 3;
                if x < self.width as usize
                    && let Some([a, b, c]) = whole.get_mut(at..at + 3)
                    && let [cb, cr] = chroma
                {
                    (*a, *b, *c) = (luma, *cb, *cr);
                }
            }
        }
        let rows = (had / unit / across.max(1)) as u32 * v;
        self.rows_there = self.rows_there.min(rows);
        self.planes.push(whole);
        Ok(())
    }

    /// Writes the chunk's pixels into the band of rows, from column `left` on.
    fn paint(&self, page: &Page, band: &mut [u8], left: u32, kind: PixelKind) {
        let pixel = kind.bytes();
        let stride = page.width as usize * pixel;
        let across = self.width.min(page.width.saturating_sub(left)) as usize;
        for (y, line) in band.chunks_exact_mut(stride).enumerate().take(self.rows_there as usize) {
            let start = left as usize * pixel;
            let Some(line) = line.get_mut(start..start + across * pixel) else { return };
            let row = |plane: usize| {
                let at = y.saturating_mul(self.row_bytes);
                self.planes.get(plane).and_then(|p| p.get(at..at + self.row_bytes)).unwrap_or_default()
            };
            for (x, to) in line.chunks_exact_mut(pixel).enumerate() {
                let value = |sample: usize| {
                    let (plane, at) = if page.planar { (sample, x) } else { (0, x * self.step + sample) };
                    self.sample(row(plane), at, page)
                };
                match self.finished {
                    Some(PixelKind::Luma8) => to.fill(match page.colour {
                        Colour::Grey { white_is_zero: true } => 255 - value(0),
                        _ => value(0),
                    }),
                    Some(_) if pixel >= 3 => {
                        to.copy_from_slice(&[value(0), value(1), value(2), 255][..pixel])
                    }
                    Some(_) => to.fill(value(0)),
                    None => self.colour(page, value, to),
                }
            }
        }
    }

    fn colour(&self, page: &Page, value: impl Fn(usize) -> u8, to: &mut [u8]) {
        let (rgb, base) = match page.colour {
            Colour::Grey { white_is_zero } => {
                let v = if white_is_zero { 255 - value(0) } else { value(0) };
                ([v; 3], 1)
            }
            Colour::Rgb => ([value(0), value(1), value(2)], 3),
            Colour::Palette => (page.palette.get(usize::from(value(0))).copied().unwrap_or_default(), 1),
            Colour::Cmyk => (cmyk_to_rgb([value(0), value(1), value(2), value(3)]), 4),
            Colour::YCbCr => (ycbcr(value(0), value(1), value(2)), 3),
        };
        let alpha = if page.alpha == Alpha::None { 255 } else { value(base) };
        let rgb = match (page.alpha, alpha) {
            (Alpha::Premultiplied, 1..=254) => {
                rgb.map(|c| (u32::from(c) * 255 / u32::from(alpha)).min(255) as u8)
            }
            _ => rgb,
        };
        let all = [rgb[0], rgb[1], rgb[2], alpha];
        to.copy_from_slice(all.get(..to.len()).unwrap_or(&all));
    }

    /// The `at`th sample of a row, to 8 bits; palette indexes as they are.
    fn sample(&self, row: &[u8], at: usize, page: &Page) -> u8 {
        let byte = |i: usize| row.get(i).copied().unwrap_or(0);
        match self.bits {
            8 => byte(at),
            16 => byte(at * 2 + usize::from(self.little)),
            32 if page.float => {
                let b = [byte(at * 4), byte(at * 4 + 1), byte(at * 4 + 2), byte(at * 4 + 3)];
                let v = if self.little { f32::from_le_bytes(b) } else { f32::from_be_bytes(b) };
                // Not a number becomes 0.
                (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
            }
            32 => byte(at * 4 + if self.little { 3 } else { 0 }),
            bits => {
                let first = at * bits as usize;
                let v = (first..first + bits as usize)
                    .fold(0u32, |v, i| (v << 1) | u32::from((byte(i / 8) >> (7 - i % 8)) & 1));
                match page.colour {
                    Colour::Palette => v.min(255) as u8,
                    _ if bits < 8 => scale_to_8(v, (1 << bits) - 1),
                    _ => (v >> (bits - 8)) as u8,
                }
            }
        }
    }
}

/// Where a chunk's packed bytes stand; cut at the end of the file.
fn packed<'a>(file: &Reader<'a>, page: &Page, index: usize) -> Result<&'a [u8], Error> {
    let missing = || Error::Truncated("TIFF strip".into());
    let at = page.offsets.get(index).and_then(|&at| usize::try_from(at).ok()).ok_or_else(missing)?;
    let rest = file.bytes.get(at..).filter(|r| !r.is_empty()).ok_or_else(missing)?;
    // Old writers leave the lengths out.
    let length = page.lengths.get(index).and_then(|&n| usize::try_from(n).ok()).filter(|&n| n > 0);
    Ok(length.and_then(|n| rest.get(..n)).unwrap_or(rest))
}

/// BT.601, full range, in integers of 16 fractional bits.
fn ycbcr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = i32::from(y) << 16;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let clamp = |v: i32| ((v + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [clamp(y + 91_881 * cr), clamp(y - 22_554 * cb - 46_802 * cr), clamp(y + 116_130 * cb)]
}
