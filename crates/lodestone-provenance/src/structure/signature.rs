//! What a JPEG's writer left in its structure, as text that a person can compare and a digest that a program can.

use std::fmt::{self, Write};

use lodestone_media::segments::tiff::{Ifd, tag};
use lodestone_media::segments::{App, Huffman, JpegStructure, QuantTable, SegmentKind, Segments};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Version of the texts: digests of different versions cannot be compared.
pub const SIGNATURE_VERSION: u8 = 1;

/// Names of application segments that a signature repeats. Others are `?`: they may hold what belongs to one camera only.
const NAMES: [&str; 18] = [
    "Exif",
    "JFIF",
    "JFXX",
    "ICC_PROFILE",
    "MPF",
    "FPXR",
    "Adobe",
    "Ducky",
    "Photoshop 3.0",
    "Meta",
    "META",
    "SCRNAIL",
    "AROT",
    "HPQ-Comment",
    "FLIR",
    "QVCI",
    "HDR_RI",
    "GoPro",
];

/// How closely two structures are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything: layout, tables, Huffman tables, JFIF values, the thumbnail's structure, EXIF's byte order and field
    /// order.
    Exact,
    /// The picture's quantisation tables alone: what survives a change of metadata.
    Tables,
    /// Coding, sampling, segment order, kind of Huffman tables: what survives another quality. Metadata that other
    /// programs add (XMP, Photoshop resources, comments, C2PA) is left out.
    Layout,
}

/// 128 bits of a signature's SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    fn of(level: &str, text: &str) -> Self {
        let full = Sha256::digest(format!("lodestone-jpeg-{SIGNATURE_VERSION}\n{level}\n{text}"));
        let mut digest = [0; 16];
        digest.copy_from_slice(&full[..16]);
        Self(digest)
    }

    /// The digest of quantisation tables in file order, each in zigzag order.
    pub fn of_tables<'t>(tables: impl IntoIterator<Item = &'t [u16; 64]>) -> Self {
        Self::of("tables", &steps(tables))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let mut digest = [0; 16];
        if text.len() != 32 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A JPEG's structure at all levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Layout as text: `coding c0/8; components 1:22:0 2:11:1 3:11:1; order APP1:Exif DQT SOF DHT SOS; …`.
    pub layout: String,
    /// What [`Level::Exact`] adds to layout and tables.
    pub details: String,
    /// Its digest at [`Level::Exact`].
    pub exact: Digest,
    /// Its digest at [`Level::Tables`].
    pub tables: Digest,
    /// Its digest at [`Level::Layout`].
    pub family: Digest,
}

impl Signature {
    /// The signature of a JPEG with a frame and tables; `None` of anything else.
    ///
    /// Cost: about 20 µs; nothing is decoded.
    pub fn of(segments: &Segments<'_>) -> Option<Self> {
        let jpeg = segments.jpeg.as_ref()?;
        if jpeg.tables.is_empty() || jpeg.frame.is_none() {
            return None;
        }
        let layout = layout(jpeg);
        let details = details(segments, jpeg);
        let tables = steps(jpeg.tables.iter().map(|t| &t.zigzag));
        Some(Self {
            exact: Digest::of("exact", &format!("{layout}\n{tables}\n{details}")),
            tables: Digest::of("tables", &tables),
            family: Digest::of("layout", &layout),
            layout,
            details,
        })
    }

    /// The digest at a level.
    pub fn digest(&self, level: Level) -> Digest {
        match level {
            Level::Exact => self.exact,
            Level::Tables => self.tables,
            Level::Layout => self.family,
        }
    }
}

/// Writing to a string cannot fail.
fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn steps<'t>(tables: impl IntoIterator<Item = &'t [u16; 64]>) -> String {
    let mut out = String::new();
    for table in tables {
        for step in table {
            put(&mut out, format_args!("{step} "));
        }
        out.push('|');
    }
    out
}

fn layout(jpeg: &JpegStructure) -> String {
    let mut out = String::new();
    if let Some(frame) = &jpeg.frame {
        put(&mut out, format_args!("coding {:x}/{}; components", frame.code, frame.precision));
        for c in &frame.components {
            put(&mut out, format_args!(" {}:{}{}:{}", c.id, c.h, c.v, c.table));
        }
    }
    put(&mut out, format_args!("; order{}; tables", order(jpeg)));
    for table in &jpeg.tables {
        put(&mut out, format_args!(" {}{}", table.id, if table.wide { "w" } else { "" }));
    }
    put(&mut out, format_args!("; huffman {}", kind(jpeg.huffman)));
    for table in &jpeg.huffman_tables {
        put(&mut out, format_args!(" {:02x}", table.spec.first().copied().unwrap_or(0)));
    }
    put(&mut out, format_args!("; restarts {}", restarts(jpeg)));
    if jpeg.scans > 1 {
        out.push_str("; scans");
        for scan in &jpeg.script {
            let ((first, last), (high, low)) = (scan.band, scan.bits);
            put(&mut out, format_args!(" {:?}:{first}-{last}/{high}{low}", scan.components));
        }
    }
    out
}

fn kind(huffman: Huffman) -> &'static str {
    match huffman {
        Huffman::None => "none",
        Huffman::Standard => "standard",
        Huffman::Own => "own",
    }
}

/// Segments before the first scan, with what application segments call themselves. What other programs add is left
/// out, and of a run of the same only the first stands.
fn order(jpeg: &JpegStructure) -> String {
    let mut out = String::new();
    let mut apps = jpeg.apps.iter();
    let mut last = String::new();
    for marker in &jpeg.markers {
        let word = match marker.code {
            0xdb => "DQT".to_owned(),
            0xc4 => "DHT".to_owned(),
            0xdd => "DRI".to_owned(),
            0xda => "SOS".to_owned(),
            code @ 0xc0..=0xcf => format!("SOF{}", code & 15),
            0xe0..=0xef => match apps.next().and_then(app_word) {
                Some(word) if word != last => word,
                _ => continue,
            },
            _ => continue,
        };
        put(&mut out, format_args!(" {word}"));
        if word == "SOS" {
            break;
        }
        last = word;
    }
    out
}

/// `APP1:Exif`; `None` where it is something that other programs add.
fn app_word(app: &App) -> Option<String> {
    let number = app.code & 15;
    if number == 11 || number == 13 || app.name.starts_with("http") {
        return None;
    }
    let name = NAMES.iter().find(|n| app.name == **n).unwrap_or(&"?");
    Some(format!("APP{number}:{name}"))
}

/// MCUs between restarts: encoders count rows of them, or have a number of their own.
fn restarts(jpeg: &JpegStructure) -> String {
    let (Some(interval), Some(frame)) = (jpeg.restart_interval, &jpeg.frame) else {
        return "none".to_owned();
    };
    let across = match frame.components.as_slice() {
        [_] => 8,
        components => 8 * u32::from(components.iter().map(|c| c.h).max().unwrap_or(1)).max(1),
    };
    let row = u32::from(frame.width).div_ceil(across);
    if row != 0 && u32::from(interval) % row == 0 { "rows".to_owned() } else { interval.to_string() }
}

fn details(segments: &Segments<'_>, jpeg: &JpegStructure) -> String {
    let mut out = String::new();
    if let Some(jfif) = jpeg.jfif {
        put(&mut out, format_args!("jfif {:?} {} {:?}\n", jfif.version, jfif.units, jfif.density));
    }
    if let Some(adobe) = jpeg.adobe {
        put(&mut out, format_args!("adobe {} {:?} {}\n", adobe.version, adobe.flags, adobe.transform));
    }
    for table in jpeg.huffman_tables.iter().filter(|t| !t.standard) {
        put(&mut out, format_args!("dht {:?}\n", table.spec));
    }
    if let Some(icc) = segments.of(SegmentKind::Icc).next() {
        // Size, preferred module, version and creator of the profile: constant for one writer.
        let part = |from: usize, to: usize| icc.data.get(from..to).unwrap_or_default().to_vec();
        put(&mut out, format_args!("icc {:?} {:?} {:?}\n", part(0, 8), part(8, 12), part(80, 84)));
    }
    if let Some(thumbnail) = &jpeg.thumbnail {
        let tables: Vec<&QuantTable> = thumbnail.tables.iter().collect();
        let inner = layout(&thumbnail.structure);
        put(&mut out, format_args!("thumbnail {:?} {inner}\n", thumbnail.size));
        put(&mut out, format_args!("{}\n", steps(tables.iter().map(|t| &t.zigzag))));
    }
    if let Some((_, tiff)) = segments.exif() {
        put(&mut out, format_args!("exif {}", if tiff.is_big_endian() { "MM" } else { "II" }));
        // What a person may have added is left out: place, description, names.
        let added = [tag::GPS_IFD, tag::IMAGE_DESCRIPTION, tag::ARTIST, tag::COPYRIGHT];
        for field in tiff.fields() {
            let group = match field.ifd {
                Ifd::Primary => '0',
                Ifd::Thumbnail => '1',
                _ => continue,
            };
            if !added.contains(&field.tag) {
                put(&mut out, format_args!(" {group}{:04x}", field.tag));
            }
        }
    }
    out
}
