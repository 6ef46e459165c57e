//! One picture to rows, through the `png` crate.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use png::{ColorType, Transformations};

use super::chunks::{Chunks, File, SIGNATURE};
use crate::decode::emit::buffer;
use crate::{Error, Limits, PixelKind};

/// One picture inside the file: the default one, or a frame.
pub(super) struct Image<'a, 'f> {
    pub(super) file: &'f File<'a>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) start: usize,
    pub(super) kind: [u8; 4],
}

impl Image<'_, '_> {
    /// Decodes to 8-bit rows. `Ok(Some(why))` when it broke off after at least one row.
    pub(super) fn rows(
        &self,
        limits: &Limits,
        give: &mut dyn FnMut(&[u8], PixelKind),
    ) -> Result<Option<String>, Error> {
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
