//! How a JPEG is built: what its last writer left in tables and layout, without decoding a pixel.
//!
//! *Source:* ITU-T T.81 annex K (example tables); the quality scaling of the Independent JPEG Group's library, which
//! most programs use: `q < 50: 5000 / q, else 200 - 2 q` per cent of the annex K table, clamped to 1..255.

mod tables;

use super::bytes::be16;
use super::tiff::Tiff;
use super::{SegmentKind, Segments};

/// Tables kept of one file: a JPEG can define four, and redefine them between scans.
const MAX_TABLES: usize = 16;
/// Scan headers kept. Encoders write about 10 scans.
const MAX_SCANS: usize = 64;
/// Application segments named. HP and Kodak cameras write some 60.
const MAX_APPS: usize = 128;
/// Characters of a name kept: `http://ns.adobe.com/xap/1.0/` has 28.
const MAX_APP_NAME: usize = 32;

/// A marker and where it stands. Restarts and stuffed bytes are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The second byte: 0xe1 is APP1.
    pub code: u8,
    /// Offset of its 0xff.
    pub offset: u64,
}

/// Which example table of annex K a table scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IjgRole {
    /// K.1, luminance.
    Luma,
    /// K.2, chrominance.
    Chroma,
}

/// A table that equals a scaled example table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IjgMatch {
    /// Which.
    pub role: IjgRole,
    /// Quality 1 to 100; the highest that gives this table.
    pub quality: u8,
}

/// A quantisation table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantTable {
    /// Destination 0 to 3.
    pub id: u8,
    /// Whether its steps are stored in 16 bits.
    pub wide: bool,
    /// Steps in zigzag order, as stored.
    pub zigzag: [u16; 64],
    /// The scaled example table it equals, if any.
    pub ijg: Option<IjgMatch>,
}

/// A colour component of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// Identifier.
    pub id: u8,
    /// Horizontal sampling factor.
    pub h: u8,
    /// Vertical sampling factor.
    pub v: u8,
    /// Quantisation table used.
    pub table: u8,
}

/// The frame header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// SOF marker: 0xc0 baseline, 0xc1 extended, 0xc2 progressive …
    pub code: u8,
    /// Bits a sample.
    pub precision: u8,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels; 0: stated after the first scan.
    pub height: u16,
    /// Components, at most 4.
    pub components: Vec<Component>,
}

impl Frame {
    /// Sampling of luma over chroma as written in the header: `2x1` is 4:2:2, `2x2` 4:2:0, `1x1` 4:4:4; `None` for grey.
    pub fn sampling(&self) -> Option<(u8, u8)> {
        (self.components.len() >= 3).then(|| (self.components[0].h, self.components[0].v))
    }

    /// Whether it is progressive.
    pub fn is_progressive(&self) -> bool {
        matches!(self.code, 0xc2 | 0xc6 | 0xca | 0xce)
    }
}

/// Which entropy-coding tables are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Huffman {
    /// None seen (arithmetic coding, or cut before).
    #[default]
    None,
    /// All are annex K's example tables.
    Standard,
    /// At least one is not: made for the picture, or the writer's own.
    Own,
}

/// A Huffman table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuffmanTable {
    /// Whether it is annex K's for its class and destination.
    pub standard: bool,
    /// As stored: class and destination, 16 counts, then the symbols.
    pub spec: Vec<u8>,
}

/// A scan header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanHeader {
    /// Identifiers of its components, at most 4.
    pub components: Vec<u8>,
    /// First and last coefficient.
    pub band: (u8, u8),
    /// Bit position before and in this scan.
    pub bits: (u8, u8),
}

/// An application segment and what it calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// 0xe0 to 0xef.
    pub code: u8,
    /// Its printable characters up to the first that is not: `Exif`, `JFIF`, `ICC_PROFILE`, `MPF`, `Ducky` …
    pub name: String,
}

/// A JFIF header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jfif {
    /// Major and minor version.
    pub version: (u8, u8),
    /// 0 an aspect ratio, 1 dots an inch, 2 dots a centimetre.
    pub units: u8,
    /// Across and down.
    pub density: (u16, u16),
}

/// An Adobe segment (APP14). *Source:* Adobe Technical Note 5116.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adobe {
    /// 100 of all known writers.
    pub version: u16,
    /// `flags0` and `flags1`.
    pub flags: (u16, u16),
    /// 0 none, 1 YCbCr, 2 YCCK.
    pub transform: u8,
}

/// The thumbnail inside the EXIF blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Offset in the file, where the blob is verbatim.
    pub offset: Option<u64>,
    /// Bytes.
    pub length: u64,
    /// Width and height of its frame.
    pub size: Option<(u16, u16)>,
    /// Its quantisation tables.
    pub tables: Vec<QuantTable>,
    /// The rest of its structure; it has no thumbnail of its own.
    pub structure: Box<JpegStructure>,
}

/// The structure of a JPEG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JpegStructure {
    /// Markers in file order, up to the first EOI.
    pub markers: Vec<Marker>,
    /// Quantisation tables in file order.
    pub tables: Vec<QuantTable>,
    /// The first frame header.
    pub frame: Option<Frame>,
    /// Huffman tables, all together.
    pub huffman: Huffman,
    /// Huffman tables in file order.
    pub huffman_tables: Vec<HuffmanTable>,
    /// MCUs between restarts, if stated and not 0.
    pub restart_interval: Option<u16>,
    /// Scans.
    pub scans: u32,
    /// Scan headers in file order.
    pub script: Vec<ScanHeader>,
    /// Application segments in file order.
    pub apps: Vec<App>,
    /// The first JFIF header.
    pub jfif: Option<Jfif>,
    /// The first Adobe segment.
    pub adobe: Option<Adobe>,
    /// A JFIF header is there.
    pub has_jfif: bool,
    /// The JFIF header stands before any EXIF blob (EXIF forbids both first places; libraries write JFIF first).
    pub jfif_before_exif: bool,
    /// An EXIF blob is there.
    pub has_exif: bool,
    /// An Adobe APP14 is there.
    pub has_adobe: bool,
    /// The EXIF thumbnail.
    pub thumbnail: Option<Thumbnail>,
}

impl JpegStructure {
    /// The table that luma uses.
    pub fn luma_table(&self) -> Option<&QuantTable> {
        let id = self.frame.as_ref()?.components.first()?.table;
        self.tables.iter().find(|t| t.id == id)
    }

    /// Whether every table is a scaled example table, and there is one.
    pub fn all_ijg(&self) -> bool {
        !self.tables.is_empty() && self.tables.iter().all(|t| t.ijg.is_some())
    }
}

/// Takes in one marker segment.
pub(super) fn read(jpeg: &mut JpegStructure, code: u8, data: &[u8]) {
    match code {
        0xdb => quant_tables(data, &mut jpeg.tables),
        0xc4 => huffman(data, jpeg),
        0xe0..=0xef => application(jpeg, code, data),
        0xdd => jpeg.restart_interval = be16(data, 0).filter(|&n| n != 0),
        0xda => {
            jpeg.scans = jpeg.scans.saturating_add(1);
            if jpeg.script.len() < MAX_SCANS {
                jpeg.script.extend(scan_header(data));
            }
        }
        0xc0..=0xcf if code != 0xc8 && code != 0xcc && jpeg.frame.is_none() => {
            jpeg.frame = frame(code, data);
        }
        _ => {}
    }
}

fn frame(code: u8, data: &[u8]) -> Option<Frame> {
    let count = usize::from(*data.get(5)?).min(4);
    let components = data.get(6..)?.chunks_exact(3).take(count);
    Some(Frame {
        code,
        precision: *data.first()?,
        height: be16(data, 1)?,
        width: be16(data, 3)?,
        components: components
            .map(|c| Component { id: c[0], h: c[1] >> 4, v: c[1] & 15, table: c[2] })
            .collect(),
    })
}

fn quant_tables(mut data: &[u8], found: &mut Vec<QuantTable>) {
    while let Some(&head) = data.first()
        && found.len() < MAX_TABLES
    {
        let wide = head >> 4 != 0;
        let size = if wide { 128 } else { 64 };
        let Some(steps) = data.get(1..=size) else {
            return;
        };
        let mut zigzag = [0u16; 64];
        for (i, step) in zigzag.iter_mut().enumerate() {
            *step =
                if wide { u16::from_be_bytes([steps[2 * i], steps[2 * i + 1]]) } else { u16::from(steps[i]) };
        }
        found.push(QuantTable { id: head & 15, wide, zigzag, ijg: tables::ijg_match(&zigzag) });
        data = data.get(size + 1..).unwrap_or_default();
    }
}

fn huffman(mut data: &[u8], jpeg: &mut JpegStructure) {
    while let Some(&head) = data.first() {
        let Some(counts) = data.get(1..17) else {
            return;
        };
        let symbols: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let (Some(values), Some(spec)) = (data.get(17..17 + symbols), data.get(..17 + symbols)) else {
            return;
        };
        let standard = tables::is_example(head, counts, values);
        jpeg.huffman = match (jpeg.huffman, standard) {
            (Huffman::None | Huffman::Standard, true) => Huffman::Standard,
            _ => Huffman::Own,
        };
        if jpeg.huffman_tables.len() < MAX_TABLES {
            jpeg.huffman_tables.push(HuffmanTable { standard, spec: spec.to_vec() });
        }
        data = data.get(17 + symbols..).unwrap_or_default();
    }
}

fn scan_header(data: &[u8]) -> Option<ScanHeader> {
    let count = usize::from(*data.first()?).min(4);
    let chosen = data.get(1..1 + 2 * count)?;
    let &[first, last, bits] = data.get(1 + 2 * count..4 + 2 * count)? else { return None };
    let components = chosen.chunks_exact(2).map(|pair| pair[0]).collect();
    Some(ScanHeader { components, band: (first, last), bits: (bits >> 4, bits & 15) })
}

/// What an application segment calls itself, and what JFIF and Adobe segments say.
fn application(jpeg: &mut JpegStructure, code: u8, data: &[u8]) {
    if code == 0xe0
        && data.starts_with(b"JFIF\0")
        && jpeg.jfif.is_none()
        && let Some(&[major, minor, units, x1, x0, y1, y0]) = data.get(5..12)
    {
        let density = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
        jpeg.jfif = Some(Jfif { version: (major, minor), units, density });
    }
    if code == 0xee
        && data.starts_with(b"Adobe")
        && jpeg.adobe.is_none()
        && let Some(&[v1, v0, a1, a0, b1, b0, transform]) = data.get(5..12)
    {
        jpeg.adobe = Some(Adobe {
            version: u16::from_be_bytes([v1, v0]),
            flags: (u16::from_be_bytes([a1, a0]), u16::from_be_bytes([b1, b0])),
            transform,
        });
    }
    if jpeg.apps.len() < MAX_APPS {
        let name: String = data
            .iter()
            .take(MAX_APP_NAME)
            .take_while(|b| b.is_ascii_graphic() || **b == b' ')
            .map(|&b| char::from(b))
            .collect();
        jpeg.apps.push(App { code, name });
    }
}

/// The thumbnail of the EXIF blob, looked into like a JPEG of its own.
pub(super) fn thumbnail(segments: &Segments<'_>) -> Option<Thumbnail> {
    let segment = segments.of(SegmentKind::Exif).next()?;
    let tiff = Tiff::parse(&segment.data);
    let (offset, data) = tiff.thumbnail(&segment.data)?;
    let mut inner = JpegStructure::default();
    let mut at = 2usize;
    while let (Some(0xff), Some(&code)) = (data.get(at), data.get(at + 1)) {
        let length = be16(data, at + 2).map_or(0, usize::from);
        if code == 0xd9 || length < 2 || inner.markers.len() >= MAX_APPS {
            break;
        }
        let end = (at + 2 + length).min(data.len());
        inner.markers.push(Marker { code, offset: at as u64 });
        inner.has_jfif |= code == 0xe0 && data.get(at + 4..at + 9) == Some(b"JFIF\0");
        read(&mut inner, code, data.get(at + 4..end).unwrap_or_default());
        if code == 0xda {
            break;
        }
        at += 2 + length;
    }
    Some(Thumbnail {
        offset: segment.is_verbatim().then(|| segment.payload_offset.saturating_add(u64::from(offset))),
        length: data.len() as u64,
        size: inner.frame.as_ref().map(|f| (f.width, f.height)),
        tables: inner.tables.clone(),
        structure: Box::new(inner),
    })
}
