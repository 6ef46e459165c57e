//! Metadata and structure of a picture file, with byte offsets: what the provenance examiners read.
//!
//! [`scan`] is total: any bytes in, never a panic, never an error. Damage is noted and the walk goes on where it can,
//! because a cut or patched file is exactly the kind whose remaining metadata matters. Nothing is judged here.
//!
//! Borrowed payloads cost nothing; decoded ones (inflated text, reassembled XMP) are bounded by [`MAX_DECODED`] each
//! and [`MAX_DECODED_TOTAL`] together, and at most [`MAX_ITEMS`] segments are kept.

mod bmff;
mod bytes;
mod gif;
mod jpeg;
mod photoshop;
mod png;
mod riff;
mod structure;
mod text;
pub mod tiff;
mod video;

use std::borrow::Cow;

pub use structure::{
    Adobe, App, Component, Frame, Huffman, HuffmanTable, IjgMatch, IjgRole, Jfif, JpegStructure, Marker,
    QuantTable, ScanHeader, Thumbnail,
};

use crate::Format;
use tiff::{Ifd, Tiff, tag};

/// Bytes one decoded payload may have. 4 MiB: ComfyUI workflows reach some 100 kB, extended XMP with depth maps a few
/// MB; deflate could make 1,000 times its input.
pub const MAX_DECODED: usize = 4 << 20;
/// Bytes all decoded payloads of one file may have together. 16 MiB.
pub const MAX_DECODED_TOTAL: usize = 16 << 20;
/// Segments kept of one file. 4,096: real files have below 100; a file of empty chunks could have millions.
pub const MAX_ITEMS: usize = 4_096;
/// Notes of damage kept.
const MAX_DAMAGE: usize = 32;

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SegmentKind {
    /// A TIFF blob with EXIF fields, from its byte-order mark on. *Source:* CIPA DC-008.
    Exif,
    /// An XMP packet (RDF/XML). *Source:* ISO 16684-1.
    Xmp,
    /// The reassembled second part of an XMP packet that did not fit one JPEG segment.
    XmpExtended,
    /// IPTC Information Interchange Model records.
    IptcIim,
    /// Photoshop image resources (`8BIM` blocks).
    Photoshop,
    /// ICC profile (of a JPEG, the first part).
    Icc,
    /// JFIF header of a JPEG.
    Jfif,
    /// Adobe APP14 of a JPEG.
    Adobe,
    /// JPEG COM, GIF comment, or a text of a movie, whose key is in [`Segment::keyword`].
    Comment,
    /// PNG `tEXt`, `zTXt` or `iTXt`; the keyword is in [`Segment::keyword`].
    PngText,
    /// JUMBF with a C2PA manifest store, not validated. *Source:* C2PA 2.x, section "Embedding manifests".
    C2pa,
    /// Multi-Picture Format index. *Source:* CIPA DC-007.
    Mpf,
    /// Bytes after the end of the picture.
    Trailing,
    /// A text of a video's or HEIF's boxes; [`Segment::keyword`] names it: `com.apple.quicktime.make`, `mak` (of `©mak`) …
    BoxText,
    /// Another JPEG application segment; its identifier is in [`Segment::keyword`].
    OtherApp,
}

/// One piece of metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// What it holds.
    pub kind: SegmentKind,
    /// Where it begins in the file, marker or chunk header included.
    pub offset: u64,
    /// Its bytes in the file, header included.
    pub length: u64,
    /// Where its payload begins in the file. Of compressed or reassembled payloads, where the stored form begins.
    pub payload_offset: u64,
    /// The payload; borrowed from the file unless it had to be decoded.
    pub data: Cow<'a, [u8]>,
    /// Where it stands, in words: `jpeg:APP1`, `png:tEXt`, `webp:EXIF`, `bmff:mime`.
    pub field: &'static str,
    /// PNG keyword or identifier of an application segment.
    pub keyword: Option<String>,
}

impl Segment<'_> {
    /// The payload as text: UTF-8 if it is valid, else Latin-1, trailing NULs dropped, cut to [`MAX_DECODED`] bytes. PNG `tEXt` should be Latin-1;
    /// most writers put UTF-8 there.
    pub fn text(&self) -> Cow<'_, str> {
        text::decode(&self.data, MAX_DECODED)
    }

    /// Whether offsets in [`Segment::data`] are offsets in the file after adding [`Segment::payload_offset`].
    pub fn is_verbatim(&self) -> bool {
        matches!(self.data, Cow::Borrowed(_))
    }
}

/// All metadata and structure of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments<'a> {
    /// The format by content.
    pub format: Option<Format>,
    /// Segments, in file order as far as the container has one.
    pub items: Vec<Segment<'a>>,
    /// How a JPEG is built.
    pub jpeg: Option<JpegStructure>,
    /// How the items of a HEIF or AVIF file are laid out.
    pub heif: Option<HeifStructure>,
    /// What was broken, in words.
    pub damage: Vec<String>,
}

/// How a HEIF file's picture is put together. *Source:* ISO/IEC 23008-12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeifStructure {
    /// The picture is a grid of tiles.
    pub grid: bool,
    /// Coded items: tiles, thumbnails and single pictures.
    pub coded: u32,
    /// An item is marked as the thumbnail of another.
    pub thumbnail: bool,
}

impl<'a> Segments<'a> {
    /// Segments of one kind, in file order.
    pub fn of(&self, kind: SegmentKind) -> impl Iterator<Item = &Segment<'a>> {
        self.items.iter().filter(move |s| s.kind == kind)
    }

    /// The first EXIF blob, parsed, with its segment.
    pub fn exif(&self) -> Option<(&Segment<'a>, Tiff<'_>)> {
        self.of(SegmentKind::Exif).map(|s| (s, Tiff::parse(&s.data))).find(|(_, t)| !t.fields().is_empty())
    }
}

/// EXIF orientation, 1 to 8, if the file states a valid one.
pub fn orientation(segments: &Segments<'_>) -> Option<u8> {
    let (_, tiff) = segments.exif()?;
    let value = tiff.get(Ifd::Primary, tag::ORIENTATION)?.uint(0)?;
    u8::try_from(value).ok().filter(|v| (1..=8).contains(v))
}

/// Finds metadata and structure. Cost: one pass over the file's markers; pixel data is skipped, except that JPEG scans
/// are searched for the next marker.
pub fn scan(bytes: &[u8]) -> Segments<'_> {
    let mut out = Collector::default();
    let mut jpeg = None;
    if bytes.starts_with(&[0xff, 0xd8]) {
        jpeg = Some(jpeg::walk(bytes, &mut out));
    } else if bytes.starts_with(png::SIGNATURE) {
        png::walk(bytes, &mut out);
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        riff::walk(bytes, &mut out);
    } else if bytes.starts_with(b"GIF8") {
        gif::walk(bytes, &mut out);
    } else if bytes.starts_with(b"II") || bytes.starts_with(b"MM") {
        tiff::walk_file(bytes, &mut out);
    } else if matches!(
        bytes.get(4..8),
        Some(b"ftyp" | b"JXL " | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot")
    ) {
        bmff::walk(bytes, &mut out);
    }
    let mut segments = Segments {
        format: crate::identify(bytes),
        items: out.items,
        jpeg: None,
        heif: out.heif,
        damage: out.damage,
    };
    if let Some(mut jpeg) = jpeg {
        jpeg.thumbnail = structure::thumbnail(&segments);
        segments.jpeg = Some(jpeg);
    }
    segments
}

/// Takes what the walkers find, within the limits.
#[derive(Default)]
struct Collector<'a> {
    items: Vec<Segment<'a>>,
    damage: Vec<String>,
    decoded: usize,
    heif: Option<HeifStructure>,
}

impl<'a> Collector<'a> {
    /// Whether another segment may be kept.
    fn full(&self) -> bool {
        self.items.len() >= MAX_ITEMS
    }

    fn push(&mut self, segment: Segment<'a>) {
        if self.full() {
            self.damage(format!("more than {MAX_ITEMS} segments"));
        } else {
            self.items.push(segment);
        }
    }

    fn damage(&mut self, what: impl Into<String>) {
        let what = what.into();
        if self.damage.len() < MAX_DAMAGE && !self.damage.contains(&what) {
            self.damage.push(what);
        }
    }

    /// How many bytes the next decoded payload may have.
    fn budget(&self) -> usize {
        MAX_DECODED_TOTAL.saturating_sub(self.decoded).min(MAX_DECODED)
    }

    /// Inflates a zlib stream within the budget; what came before a fault is kept.
    fn inflate(&mut self, packed: &[u8], what: &str) -> Vec<u8> {
        let (data, fault) = text::inflate(packed, self.budget());
        if let Some(fault) = fault {
            self.damage(format!("{what}: {fault}"));
        }
        self.decoded = self.decoded.saturating_add(data.len());
        data
    }
}
