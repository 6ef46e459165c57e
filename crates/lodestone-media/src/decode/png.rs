//! PNG and APNG.
//!
//! The chunk walk is ours; the `png` crate sees only what makes pixels (IHDR, PLTE, tRNS and image data), so that no
//! damaged, huge or odd ancillary chunk can stand in the way. Check sums that fail are noted, not fatal.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use png::{ColorType, Transformations};

use super::canvas::{Blend, Canvas, Dispose, Rect};
use super::emit::{Emitter, buffer, check_size};
use super::frames;
use crate::{Decoded, Error, Format, Limits, PixelKind};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// Frames of one animation looked at; the rest is left out and noted.
const MAX_SCANNED_FRAMES: usize = 1 << 16;

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

/// One frame of an APNG: its `fcTL`, and where its data starts.
#[derive(Clone, Copy)]
struct Control {
    area: Rect,
    delay_ms: u64,
    dispose: Dispose,
    blend: Blend,
    start: usize,
    kind: [u8; 4],
}

/// What the chunk walk found.
struct File<'a> {
    bytes: &'a [u8],
    ihdr: &'a [u8],
    width: u32,
    height: u32,
    plte: Option<&'a [u8]>,
    trns: Option<&'a [u8]>,
    first_idat: usize,
    frames: Vec<Control>,
    default_is_frame: bool,
    bad_crc: bool,
    ended: bool,
    too_many_frames: bool,
}

impl<'a> File<'a> {
    fn scan(bytes: &'a [u8]) -> Result<Self, Error> {
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

    fn finish(&self, mut decoded: Decoded) -> Decoded {
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
struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    start: usize,
    crc: Option<u32>,
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
struct Chunks<'a> {
    bytes: &'a [u8],
    pos: usize,
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

/// One picture inside the file: the default one, or a frame.
struct Image<'a, 'f> {
    file: &'f File<'a>,
    width: u32,
    height: u32,
    start: usize,
    kind: [u8; 4],
}

impl Image<'_, '_> {
    /// Decodes to 8-bit rows. `Ok(Some(why))` when it broke off after at least one row.
    fn rows(&self, limits: &Limits, give: &mut dyn FnMut(&[u8], PixelKind)) -> Result<Option<String>, Error> {
        let mut given = 0;
        let error = match self.attempt(self.stream(None), limits, &mut given, u64::MAX, give) {
            Ok(()) => return Ok(None),
            Err(e @ (Error::Memory { .. } | Error::Unsupported(_))) => return Err(e),
            Err(e) => e,
        };
        // The `png` crate keeps up to a window of decompressed data to itself when the data breaks off. What there is
        // of it is unpacked here and read once more.
        let (raw, had) = self.salvage(limits)?;
        let again = self.attempt(self.stream(Some(raw)), limits, &mut given, had, give);
        if given == 0 {
            return Err(again.err().unwrap_or(error));
        }
        let why =
            if matches!(error, Error::Truncated(_)) { "the data ends early" } else { "the data is damaged" };
        Ok(Some(if self.interlaced() {
            format!("interlaced, coarse: {why}")
        } else {
            format!("{given} of {} rows: {why}", self.height)
        }))
    }

    fn interlaced(&self) -> bool {
        self.file.ihdr.get(12) == Some(&1)
    }

    /// Hands over the rows behind the `given` ones that need no more than `raw_bytes` of filtered data.
    fn attempt(
        &self,
        stream: Stream<'_>,
        limits: &Limits,
        given: &mut u32,
        mut raw_bytes: u64,
        give: &mut dyn FnMut(&[u8], PixelKind),
    ) -> Result<(), Error> {
        let mut options = png::DecodeOptions::default();
        options.set_ignore_checksums(true);
        let mut decoder = png::Decoder::new_with_options(stream, options);
        decoder.set_limits(png::Limits { bytes: usize::try_from(limits.max_memory).unwrap_or(usize::MAX) });
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(|e| fail(&e, limits))?;
        let (color, _) = reader.output_color_type();
        let kind = match color {
            ColorType::Grayscale => PixelKind::Luma8,
            ColorType::Rgb => PixelKind::Rgb8,
            ColorType::GrayscaleAlpha | ColorType::Rgba => PixelKind::Rgba8,
            ColorType::Indexed => return Err(Error::Malformed("palette PNG without palette".into())),
        };
        let grey_alpha = color == ColorType::GrayscaleAlpha;
        let mut spread = Vec::new();
        if !self.interlaced() {
            let row_bytes = self.raw_row_bytes(self.width);
            let mut n = 0;
            while n < self.height && raw_bytes >= row_bytes {
                let Some(row) = reader.next_row().map_err(|e| fail(&e, limits))? else { break };
                if n == *given {
                    let data = row.data();
                    give(if grey_alpha { grey_alpha_to_rgba(data, &mut spread) } else { data }, kind);
                    *given += 1;
                }
                n += 1;
                raw_bytes -= row_bytes;
            }
            return Ok(());
        }
        let pixel = if grey_alpha { 2 } else { kind.bytes() };
        let stride = self.width as usize * pixel;
        let mut whole = buffer(stride as u64 * u64::from(self.height), limits)?;
        let mut any = false;
        while let Some(row) = reader.next_interlaced_row().map_err(|e| fail(&e, limits))? {
            let png::InterlaceInfo::Adam7(info) = *row.interlace() else { break };
            let row_bytes = self.raw_row_bytes((row.data().len() / pixel) as u32);
            if raw_bytes < row_bytes {
                break;
            }
            raw_bytes -= row_bytes;
            // Early passes fill the blocks they stand for, so that a cut file gives a coarse picture.
            png::splat_interlaced_row(&mut whole, stride, row.data(), &info, (pixel * 8) as u8);
            any = true;
        }
        for line in whole.chunks_exact(stride).take(if any { self.height as usize } else { 0 }) {
            give(if grey_alpha { grey_alpha_to_rgba(line, &mut spread) } else { line }, kind);
            *given += 1;
        }
        Ok(())
    }

    /// Bytes of a filtered row of so many pixels, with its filter byte.
    fn raw_row_bytes(&self, pixels: u32) -> u64 {
        let bits = u64::from(self.file.ihdr.get(8).copied().unwrap_or(8));
        let samples = match self.file.ihdr.get(9) {
            Some(2) => 3,
            Some(4) => 2,
            Some(6) => 4,
            _ => 1,
        };
        (u64::from(pixels) * bits * samples).div_ceil(8) + 1
    }

    /// What can be unpacked of damaged data, filled up with zeros to the whole size and packed again without
    /// compression; and how many bytes of it are real.
    fn salvage(&self, limits: &Limits) -> Result<(Vec<u8>, u64), Error> {
        // Interlaced pictures have at most twice the rows, each with a filter byte.
        let whole = self.raw_row_bytes(self.width).saturating_mul(u64::from(self.height));
        let extra = if self.interlaced() { u64::from(self.height).saturating_mul(16) } else { 0 };
        let mut raw = buffer(whole.saturating_add(extra), limits)?;
        let mut had = 0;
        let mut inflater = flate2::read::ZlibDecoder::new(Data { stream: self.stream(None) });
        while let Some(room) = raw.get_mut(had..).filter(|r| !r.is_empty()) {
            match inflater.read(room) {
                Ok(n) if n > 0 => had += n,
                _ => break,
            }
        }
        let mut packed = vec![0x78, 0x01];
        let mut blocks = raw.chunks(0xffff).peekable();
        while let Some(block) = blocks.next() {
            let len = block.len() as u16;
            packed.push(u8::from(blocks.peek().is_none()));
            packed.extend(len.to_le_bytes());
            packed.extend((!len).to_le_bytes());
            packed.extend(block);
        }
        packed.extend([0; 4]);
        Ok((packed, had as u64))
    }

    /// A plain PNG of this picture alone, with its own data or with `other`.
    fn stream(&self, other: Option<Vec<u8>>) -> Stream<'_> {
        let mut head = SIGNATURE.to_vec();
        let size = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        let ihdr = [&size, self.file.ihdr.get(8..).unwrap_or_default()].concat();
        put(&mut head, b"IHDR", &ihdr);
        if let Some(plte) = self.file.plte {
            put(&mut head, b"PLTE", plte);
        }
        if let Some(trns) = self.file.trns {
            put(&mut head, b"tRNS", trns);
        }
        let chunks = Chunks { bytes: self.file.bytes, pos: self.start };
        let done = other.is_some();
        if let Some(other) = other {
            for part in other.chunks(1 << 30) {
                put(&mut head, b"IDAT", part);
            }
            put(&mut head, b"IEND", &[]);
        }
        Stream { chunks, kind: self.kind, own: head, own_pos: 0, data: &[], done }
    }
}

fn put(to: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    to.extend((data.len() as u32).to_be_bytes());
    to.extend(kind);
    to.extend(data);
    to.extend([0; 4]);
}

fn grey_alpha_to_rgba<'s>(row: &[u8], spread: &'s mut Vec<u8>) -> &'s [u8] {
    spread.clear();
    spread.extend(row.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]));
    spread
}

/// Header chunks of our own, then the image data of the file with chunk headers of our own, then an end.
struct Stream<'a> {
    chunks: Chunks<'a>,
    kind: [u8; 4],
    own: Vec<u8>,
    own_pos: usize,
    data: &'a [u8],
    done: bool,
}

impl<'a> Stream<'a> {
    /// The next chunk of this picture's data, without a frame's sequence number.
    fn next_data(&mut self) -> Option<&'a [u8]> {
        for chunk in self.chunks.by_ref() {
            if chunk.kind == self.kind {
                let skip = if self.kind == *b"fdAT" { 4 } else { 0 };
                match chunk.data.get(skip..) {
                    Some([]) | None => {}
                    data => return data,
                }
            } else if matches!(&chunk.kind, b"IEND" | b"fcTL") {
                return None;
            }
        }
        None
    }
}

/// The image data alone.
struct Data<'a> {
    stream: Stream<'a>,
}

impl Read for Data<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.stream.data.is_empty() {
            self.stream.data = self.stream.next_data().unwrap_or_default();
        }
        self.stream.data.read(to)
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.own_pos >= self.own.len() && self.data.is_empty() && !self.done {
            self.own_pos = 0;
            self.own.clear();
            // Check sums are ignored: what stands in the four bytes between chunks does not matter.
            if let Some(data) = self.next_data() {
                self.own.extend((data.len() as u32).to_be_bytes());
                self.own.extend(b"IDAT");
                self.data = data;
            } else {
                put(&mut self.own, b"IEND", &[]);
                self.done = true;
            }
        }
        match self.own.get(self.own_pos..) {
            Some(own) if !own.is_empty() => Ok(own),
            _ => Ok(self.data),
        }
    }

    fn consume(&mut self, n: usize) {
        if self.own_pos < self.own.len() {
            self.own_pos += n;
        } else {
            self.data = self.data.get(n..).unwrap_or_default();
            if self.data.is_empty() && !self.done {
                self.own = vec![0; 4];
                self.own_pos = 0;
            }
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(to)?;
        self.consume(n);
        Ok(n)
    }
}

impl Seek for Stream<'_> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

fn word(e: &png::DecodingError) -> &'static str {
    match e {
        png::DecodingError::IoError(_) => "the data ends early",
        png::DecodingError::Format(f)
            if ["nexpected", "InsufficientInput"].iter().any(|w| f.to_string().contains(w)) =>
        {
            "the data ends early"
        }
        _ => "the data is damaged",
    }
}

fn fail(e: &png::DecodingError, limits: &Limits) -> Error {
    match e {
        png::DecodingError::LimitsExceeded => Error::Memory { what: "PNG".into(), limit: limits.max_memory },
        _ if word(e) == "the data ends early" => Error::Truncated(format!("PNG: {e}")),
        _ => Error::Malformed(format!("PNG: {e}")),
    }
}
