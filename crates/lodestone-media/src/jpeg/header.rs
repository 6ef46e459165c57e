//! The segments of a JPEG: what stands between scans.

use super::huffman::Spec;
use super::kernel::{Block, POSITION};
use crate::Error;

/// One colour component of the frame.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(super) h: usize,
    /// Vertical sampling factor, 1 to 4.
    pub(super) v: usize,
    /// Which quantisation table.
    pub(super) table: usize,
    /// Blocks across and down that hold picture.
    pub(super) blocks: (usize, usize),
    /// Blocks across and down, padded to whole MCUs.
    pub(super) padded: (usize, usize),
    /// Samples across and down that hold picture.
    pub(super) size: (usize, usize),
    /// The table as it stood when the component's first scan began.
    pub(super) quant: Option<Block>,
}

/// The frame header.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    pub(super) max_h: usize,
    pub(super) max_v: usize,
    /// MCUs across and down.
    pub(super) mcus: (usize, usize),
}

/// One component's part in a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanComponent {
    pub(super) index: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// A scan header.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<ScanComponent>,
    /// First and last coefficient, zigzag order.
    pub(super) band: (usize, usize),
    /// Bit position before and in this scan (successive approximation).
    pub(super) bits: (u32, u32),
}

/// How samples become pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Grey,
    Rgb,
    Ycc,
    Cmyk,
    Ycck,
}

/// What comes next in the file.
#[derive(Debug)]
pub(super) enum Event {
    /// A scan; its entropy-coded data starts at the reader's position.
    Scan(Scan),
    /// The end of the picture.
    End,
    /// The end of the bytes without one.
    EndOfFile,
}

/// Walks the segments and keeps the tables.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) pos: usize,
    frame: Option<Frame>,
    quant: [Option<Block>; 4],
    pub(super) dc: [Option<Spec>; 4],
    pub(super) ac: [Option<Spec>; 4],
    pub(super) restart_interval: u32,
    pub(super) jfif: bool,
    pub(super) adobe: Option<u8>,
}

fn malformed(what: &str) -> Error {
    Error::Malformed(what.to_owned())
}

fn truncated() -> Error {
    Error::Truncated("the file ends in its header".to_owned())
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        if !bytes.starts_with(&[0xff, 0xd8]) {
            return Err(malformed("does not start with an SOI marker"));
        }
        Ok(Self {
            bytes,
            pos: 2,
            frame: None,
            quant: [None; 4],
            dc: Default::default(),
            ac: Default::default(),
            restart_interval: 0,
            jfif: false,
            adobe: None,
        })
    }

    pub(super) fn frame(&self) -> Result<&Frame, Error> {
        self.frame.as_ref().ok_or_else(|| malformed("no frame header before the first scan"))
    }

    pub(super) fn first_scan(&mut self) -> Result<Scan, Error> {
        match self.next_event()? {
            Event::Scan(scan) => Ok(scan),
            Event::End => Err(malformed("no scan before the end of the picture")),
            Event::EndOfFile => Err(truncated()),
        }
    }

    /// The colour space, guessed as libjpeg does (`default_decompress_parms`).
    pub(super) fn colour(&self) -> Result<Colour, Error> {
        let frame = self.frame()?;
        Ok(match (frame.components.as_slice(), self.adobe) {
            ([_], _) => Colour::Grey,
            ([_, _, _], _) if self.jfif => Colour::Ycc,
            ([_, _, _], Some(0)) => Colour::Rgb,
            ([_, _, _], Some(_)) => Colour::Ycc,
            ([a, b, c], None) if [a.id, b.id, c.id] == *b"RGB" => Colour::Rgb,
            ([_, _, _], None) => Colour::Ycc,
            (_, Some(0) | None) => Colour::Cmyk,
            (_, Some(_)) => Colour::Ycck,
        })
    }

    /// Reads segments up to the next scan or the end.
    pub(super) fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            let Some(marker) = self.next_marker() else { return Ok(Event::EndOfFile) };
            match marker {
                0xd9 => return Ok(Event::End),
                0xd8 => return Err(malformed("a second SOI marker")),
                0x01 | 0xd0..=0xd7 => {}
                0xda => {
                    let body = self.segment()?;
                    return self.scan_header(body).map(Event::Scan);
                }
                0xc0..=0xc2 => {
                    let body = self.segment()?;
                    self.frame_header(marker, body)?;
                }
                0xc4 => {
                    let body = self.segment()?;
                    self.huffman_tables(body)?;
                }
                0xc3 => return Err(Error::Unsupported("lossless JPEG".to_owned())),
                0xc9..=0xcb => return Err(Error::Unsupported("arithmetic-coded JPEG".to_owned())),
                0xc5..=0xc7 | 0xcd..=0xcf | 0xde => {
                    return Err(Error::Unsupported("hierarchical JPEG".to_owned()));
                }
                0xdb => {
                    let body = self.segment()?;
                    self.quantisation_tables(body)?;
                }
                0xdd => {
                    let &[high, low] = self.segment()? else {
                        return Err(malformed("restart interval of a wrong length"));
                    };
                    self.restart_interval = u32::from(u16::from_be_bytes([high, low]));
                }
                0xe0 => {
                    self.jfif |=
                        matches!(self.segment()?, [b'J', b'F', b'I', b'F', 0, rest @ ..] if rest.len() >= 9)
                }
                0xee => {
                    if let [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..] = self.segment()? {
                        self.adobe = Some(*transform);
                    }
                }
                _ => {
                    self.segment()?;
                }
            }
        }
    }

    /// The next marker, skipping anything before it.
    fn next_marker(&mut self) -> Option<u8> {
        let mut rest = self.bytes.get(self.pos..)?;
        loop {
            let at = memchr::memchr(0xff, rest)?;
            let after = &rest[at..];
            let fill = after.iter().position(|&b| b != 0xff)?;
            rest = &after[fill + 1..];
            if after[fill] != 0 {
                self.pos = self.bytes.len() - rest.len();
                return Some(after[fill]);
            }
        }
    }

    /// The body of the segment at the position.
    fn segment(&mut self) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.pos..).ok_or_else(truncated)?;
        let &[high, low, ..] = rest else { return Err(truncated()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err(malformed("a segment shorter than its length field"));
        }
        let body = rest.get(2..length).ok_or_else(truncated)?;
        self.pos += length;
        Ok(body)
    }

    fn quantisation_tables(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let [kind, rest @ ..] = body {
            let (wide, index) = (kind >> 4 != 0, usize::from(kind & 15));
            let size = if wide { 128 } else { 64 };
            let (Some(values), true) = (rest.get(..size), index < 4) else {
                return Err(malformed("a broken quantisation table"));
            };
            let mut table = Block::ZERO;
            for (k, &position) in POSITION.iter().take(64).enumerate() {
                let value = if wide {
                    i16::from_be_bytes([values[2 * k], values[2 * k + 1]])
                } else {
                    i16::from(values[k])
                };
                table.0[usize::from(position)] = value;
            }
            self.quant[index] = Some(table);
            body = &rest[size..];
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let [kind, rest @ ..] = body {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else {
                return Err(malformed("a broken Huffman table"));
            };
            let total: usize = counts.iter().map(|&c| usize::from(c)).sum();
            let index = usize::from(kind & 0x0f);
            if total > 256 || total > rest.len() || index > 3 || kind & 0xe0 != 0 {
                return Err(malformed("a broken Huffman table"));
            }
            let spec = Some(Spec::new(counts, &rest[..total]));
            if kind & 0x10 == 0 {
                self.dc[index] = spec;
            } else {
                self.ac[index] = spec;
            }
            body = &rest[total..];
        }
        Ok(())
    }

    fn frame_header(&mut self, marker: u8, body: &[u8]) -> Result<(), Error> {
        if self.frame.is_some() {
            return Err(malformed("a second frame header"));
        }
        let &[precision, h1, h0, w1, w0, count, ref specs @ ..] = body else {
            return Err(malformed("a short frame header"));
        };
        if precision != 8 {
            return Err(Error::Unsupported(format!("{precision}-bit JPEG")));
        }
        if usize::from(count) * 3 != specs.len() || count == 0 {
            return Err(malformed("a frame header of a wrong length"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::Unsupported(format!("JPEG with {count} components")));
        }
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        let mut height = usize::from(u16::from_be_bytes([h1, h0]));
        if height == 0 {
            height = self.number_of_lines().unwrap_or(0);
        }
        if width == 0 || height == 0 {
            return Err(malformed("an empty picture"));
        }
        let mut sampling: Vec<_> = specs
            .chunks_exact(3)
            .map(|c| (c[0], usize::from(c[1] >> 4), usize::from(c[1] & 15), c[2]))
            .collect();
        if sampling.iter().any(|&(_, h, v, _)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return Err(malformed("sampling factors outside 1 to 4"));
        }
        if let [only] = sampling.as_mut_slice() {
            (only.1, only.2) = (1, 1);
        }
        let max_h = sampling.iter().map(|s| s.1).max().unwrap_or(1);
        let max_v = sampling.iter().map(|s| s.2).max().unwrap_or(1);
        if sampling.iter().any(|s| max_h % s.1 != 0 || max_v % s.2 != 0) {
            return Err(Error::Unsupported("fractional chroma sampling".to_owned()));
        }
        let mcus = (width.div_ceil(8 * max_h), height.div_ceil(8 * max_v));
        let components = sampling
            .into_iter()
            .map(|(id, h, v, table)| Component {
                id,
                h,
                v,
                table: usize::from(table),
                blocks: ((width * h).div_ceil(8 * max_h), (height * v).div_ceil(8 * max_v)),
                padded: (mcus.0 * h, mcus.1 * v),
                size: ((width * h).div_ceil(max_h), (height * v).div_ceil(max_v)),
                quant: None,
            })
            .collect();
        let progressive = marker == 0xc2;
        let (width, height) = (width as u32, height as u32);
        self.frame = Some(Frame { width, height, progressive, components, max_h, max_v, mcus });
        Ok(())
    }

    /// The height of a frame that leaves it to a DNL segment after its first scan.
    fn number_of_lines(&self) -> Option<usize> {
        let rest = self.bytes.get(self.pos..)?;
        let at = memchr::memmem::find(rest, &[0xff, 0xdc, 0, 4])?;
        let &[high, low] = rest.get(at + 4..at + 6)? else { return None };
        Some(usize::from(u16::from_be_bytes([high, low])))
    }

    fn scan_header(&mut self, body: &[u8]) -> Result<Scan, Error> {
        let quant = self.quant;
        let Some(frame) = self.frame.as_mut() else {
            return Err(malformed("a scan before the frame header"));
        };
        let [count, rest @ ..] = body else { return Err(malformed("a short scan header")) };
        let count = usize::from(*count);
        if !(1..=4).contains(&count) || rest.len() != 2 * count + 3 {
            return Err(malformed("a scan header of a wrong length"));
        }
        let (chosen, band) = rest.split_at(2 * count);
        let mut components: Vec<ScanComponent> = Vec::new();
        for pair in chosen.chunks_exact(2) {
            let index = (0..frame.components.len())
                .find(|&i| frame.components[i].id == pair[0] && components.iter().all(|c| c.index != i))
                .ok_or_else(|| malformed("a scan of an unknown component"))?;
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(malformed("a scan with a table number above 3"));
            }
            components.push(ScanComponent { index, dc, ac });
            let component = &mut frame.components[index];
            if component.quant.is_none() {
                let table = quant.get(component.table).copied().flatten();
                component.quant = Some(table.ok_or_else(|| malformed("a quantisation table is missing"))?);
            }
        }
        let blocks: usize =
            components.iter().map(|c| frame.components[c.index].h * frame.components[c.index].v).sum();
        if components.len() > 1 && blocks > 10 {
            return Err(malformed("more than 10 blocks in an MCU"));
        }
        let scan = Scan {
            components,
            band: (usize::from(band[0]), usize::from(band[1])),
            bits: (u32::from(band[2] >> 4), u32::from(band[2] & 15)),
        };
        if frame.progressive {
            check_progression(&scan)?;
        }
        Ok(scan)
    }
}

/// The rules a progressive scan must keep to be decoded at all.
fn check_progression(scan: &Scan) -> Result<(), Error> {
    let ((first, last), (high, low)) = (scan.band, scan.bits);
    let band_ok =
        if first == 0 { last == 0 } else { first <= last && last < 64 && scan.components.len() == 1 };
    if band_ok && (high == 0 || low + 1 == high) && low <= 13 {
        Ok(())
    } else {
        Err(malformed("a progressive scan that breaks the rules"))
    }
}
