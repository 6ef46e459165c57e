//! How a JPEG is built: what its last writer left in tables and layout, without decoding a pixel.
//!
//! *Source:* ITU-T T.81 annex K (example tables); the quality scaling of the Independent JPEG Group's library, which
//! most programs use: `q < 50: 5000 / q, else 200 - 2 q` per cent of the annex K table, clamped to 1..255.

use super::bytes::be16;
use super::tiff::Tiff;
use super::{SegmentKind, Segments};

/// Tables kept of one file: a JPEG can define four, and redefine them between scans.
const MAX_TABLES: usize = 16;

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
    /// Huffman tables.
    pub huffman: Huffman,
    /// MCUs between restarts, if stated and not 0.
    pub restart_interval: Option<u16>,
    /// Scans.
    pub scans: u32,
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
        0xc4 => huffman(data, &mut jpeg.huffman),
        0xdd => jpeg.restart_interval = be16(data, 0).filter(|&n| n != 0),
        0xda => jpeg.scans = jpeg.scans.saturating_add(1),
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

fn quant_tables(mut data: &[u8], tables: &mut Vec<QuantTable>) {
    while let Some(&head) = data.first()
        && tables.len() < MAX_TABLES
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
        tables.push(QuantTable { id: head & 15, zigzag, ijg: ijg_match(&zigzag) });
        data = data.get(size + 1..).unwrap_or_default();
    }
}

/// Which scaled example table this is, if any.
fn ijg_match(zigzag: &[u16; 64]) -> Option<IjgMatch> {
    for (role, base) in [(IjgRole::Luma, &LUMA), (IjgRole::Chroma, &CHROMA)] {
        for quality in (1..=100u8).rev() {
            if (0..64).all(|i| zigzag[i] == scaled(base[ZIGZAG[i]], quality)) {
                return Some(IjgMatch { role, quality });
            }
        }
    }
    None
}

fn scaled(step: u8, quality: u8) -> u16 {
    let quality = u32::from(quality);
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let value = (u32::from(step) * percent + 50) / 100;
    u16::try_from(value.clamp(1, 255)).unwrap_or(255)
}

fn huffman(mut data: &[u8], kind: &mut Huffman) {
    while let Some(&head) = data.first() {
        let Some(counts) = data.get(1..17) else {
            return;
        };
        let symbols: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let Some(values) = data.get(17..17 + symbols) else {
            return;
        };
        let standard = match head {
            0x00 => counts == DC_LUMA && is_run(values),
            0x01 => counts == DC_CHROMA && is_run(values),
            // Annex K's AC tables have 162 symbols, distinct by their counts; two symbols tell the luma order from
            // others with the same counts.
            0x10 => counts == AC_LUMA && values.starts_with(&[1, 2, 3, 0, 4]),
            0x11 => counts == AC_CHROMA && values.starts_with(&[0, 1, 2, 3, 0x11]),
            _ => false,
        };
        *kind = match (*kind, standard) {
            (Huffman::None | Huffman::Standard, true) => Huffman::Standard,
            _ => Huffman::Own,
        };
        data = data.get(17 + symbols..).unwrap_or_default();
    }
}

fn is_run(values: &[u8]) -> bool {
    values.iter().zip(0u8..).all(|(&v, i)| v == i)
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
        if code == 0xda || code == 0xd9 || length < 2 {
            break;
        }
        let end = (at + 2 + length).min(data.len());
        read(&mut inner, code, data.get(at + 4..end).unwrap_or_default());
        at += 2 + length;
    }
    Some(Thumbnail {
        offset: segment.is_verbatim().then(|| segment.payload_offset.saturating_add(u64::from(offset))),
        length: data.len() as u64,
        size: inner.frame.map(|f| (f.width, f.height)),
        tables: inner.tables,
    })
}

#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
/// T.81 table K.1, row by row.
#[rustfmt::skip]
const LUMA: [u8; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];
/// T.81 table K.2, row by row.
#[rustfmt::skip]
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];
/// T.81 tables K.3 to K.6: codes of each length.
const DC_LUMA: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const AC_LUMA: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
