//! A small TIFF/EXIF reader with the offset of every field: both byte orders, bounded, loop-safe.
//!
//! *Source:* TIFF 6.0; CIPA DC-008-2023 (EXIF 3.0).

use std::borrow::Cow;

use super::{Collector, Segment, SegmentKind};

/// Directories read of one blob. 32: a RAW file has about 10.
const MAX_IFDS: usize = 32;
/// Fields read of one directory. 1,024; real ones have below 100.
const MAX_FIELDS: u16 = 1_024;

/// Numbers of the fields that this project reads.
#[allow(missing_docs)]
pub mod tag {
    pub const IMAGE_WIDTH: u16 = 0x0100;
    pub const IMAGE_LENGTH: u16 = 0x0101;
    pub const IMAGE_DESCRIPTION: u16 = 0x010e;
    pub const MAKE: u16 = 0x010f;
    pub const MODEL: u16 = 0x0110;
    pub const ORIENTATION: u16 = 0x0112;
    pub const SOFTWARE: u16 = 0x0131;
    pub const DATE_TIME: u16 = 0x0132;
    pub const ARTIST: u16 = 0x013b;
    pub const HOST_COMPUTER: u16 = 0x013c;
    pub const SUB_IFDS: u16 = 0x014a;
    pub const THUMBNAIL_OFFSET: u16 = 0x0201;
    pub const THUMBNAIL_LENGTH: u16 = 0x0202;
    pub const XMP: u16 = 0x02bc;
    pub const COPYRIGHT: u16 = 0x8298;
    pub const EXPOSURE_TIME: u16 = 0x829a;
    pub const F_NUMBER: u16 = 0x829d;
    pub const IPTC: u16 = 0x83bb;
    pub const PHOTOSHOP: u16 = 0x8649;
    pub const EXIF_IFD: u16 = 0x8769;
    pub const ICC: u16 = 0x8773;
    pub const GPS_IFD: u16 = 0x8825;
    pub const ISO: u16 = 0x8827;
    pub const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub const DATE_TIME_DIGITIZED: u16 = 0x9004;
    pub const SHUTTER_SPEED: u16 = 0x9201;
    pub const APERTURE: u16 = 0x9202;
    pub const FOCAL_LENGTH: u16 = 0x920a;
    pub const MAKER_NOTE: u16 = 0x927c;
    pub const USER_COMMENT: u16 = 0x9286;
    pub const PIXEL_X: u16 = 0xa002;
    pub const PIXEL_Y: u16 = 0xa003;
    pub const INTEROP_IFD: u16 = 0xa005;
    pub const LENS_MODEL: u16 = 0xa434;
    pub const C2PA: u16 = 0xcd41;
    pub const GPS_DATE: u16 = 0x001d;
    pub const GPS_TIME: u16 = 0x0007;
}

/// Which directory a field stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ifd {
    /// IFD0, of the main picture.
    Primary,
    /// The Exif directory.
    Exif,
    /// The GPS directory.
    Gps,
    /// The interoperability directory.
    Interop,
    /// IFD1, of the thumbnail.
    Thumbnail,
    /// A further directory of the chain or a SubIFD.
    Other,
}

/// One field. `data` is its value's bytes in the blob's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Directory.
    pub ifd: Ifd,
    /// Number, see [`tag`].
    pub tag: u16,
    /// TIFF type: 1 byte, 2 ASCII, 3 short, 4 long, 5 rational, 7 undefined, 9 slong, 10 srational …
    pub kind: u16,
    /// Values as stated.
    pub count: u32,
    /// Where the value stands in the blob.
    pub offset: u32,
    /// The value's bytes, cut where the blob ends.
    pub data: &'a [u8],
    big_endian: bool,
}

impl<'a> Field<'a> {
    /// The `index`-th value of an unsigned integer field (byte, short, long).
    pub fn uint(&self, index: usize) -> Option<u32> {
        match self.kind {
            1 | 7 => self.data.get(index).map(|&b| u32::from(b)),
            3 => u16_at(self.data, index.checked_mul(2)?, self.big_endian).map(u32::from),
            4 | 13 => u32_at(self.data, index.checked_mul(4)?, self.big_endian),
            _ => None,
        }
    }

    /// The `index`-th unsigned rational: numerator and denominator.
    pub fn rational(&self, index: usize) -> Option<(u32, u32)> {
        if self.kind != 5 {
            return None;
        }
        let at = index.checked_mul(8)?;
        Some((
            u32_at(self.data, at, self.big_endian)?,
            u32_at(self.data, at.checked_add(4)?, self.big_endian)?,
        ))
    }

    /// The `index`-th signed rational: numerator and denominator.
    pub fn signed_rational(&self, index: usize) -> Option<(i32, i32)> {
        if self.kind != 10 {
            return None;
        }
        let at = index.checked_mul(8)?;
        let read = |at| u32_at(self.data, at, self.big_endian).map(u32::cast_signed);
        Some((read(at)?, read(at.checked_add(4)?)?))
    }

    /// The value as text up to the first NUL, trimmed; UTF-8 if valid, else Latin-1. Of ASCII, byte and undefined
    /// fields.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        if !matches!(self.kind, 1 | 2 | 7 | 129) {
            return None;
        }
        let end = self.data.iter().position(|&b| b == 0);
        let data = self.data.get(..end.unwrap_or(self.data.len()))?;
        Some(match super::text::decode(data, super::MAX_DECODED) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }
}

/// A parsed blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiff<'a> {
    big_endian: bool,
    fields: Vec<Field<'a>>,
    damage: Vec<&'static str>,
}

impl<'a> Tiff<'a> {
    /// Reads every directory that can be reached. Total: a broken blob gives the fields that could be read.
    pub fn parse(blob: &'a [u8]) -> Self {
        let big_endian = blob.starts_with(b"MM");
        let mut tiff = Self { big_endian, ..Self::default() };
        if !big_endian && !blob.starts_with(b"II") {
            tiff.note("no TIFF header");
            return tiff;
        }
        let Some(first) = u32_at(blob, 4, big_endian) else {
            tiff.note("TIFF header cut");
            return tiff;
        };
        // RW2, ORF and others use other magic numbers than 42; the layout is the same, so the number is not checked.
        let mut queue = vec![(Ifd::Primary, first)];
        let mut seen = Vec::new();
        while let Some((ifd, offset)) = queue.pop() {
            if offset == 0 {
                continue;
            }
            if seen.contains(&offset) {
                tiff.note("directories in a loop");
                continue;
            }
            if seen.len() >= MAX_IFDS {
                tiff.note("too many directories");
                break;
            }
            seen.push(offset);
            tiff.directory(blob, ifd, offset, &mut queue);
        }
        tiff.fields.sort_by_key(|f| f.ifd);
        tiff
    }

    fn note(&mut self, what: &'static str) {
        if !self.damage.contains(&what) {
            self.damage.push(what);
        }
    }

    fn directory(&mut self, blob: &'a [u8], ifd: Ifd, offset: u32, queue: &mut Vec<(Ifd, u32)>) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let Some(count) = u16_at(blob, start, self.big_endian) else {
            self.note("directory outside the blob");
            return;
        };
        if count > MAX_FIELDS {
            self.note("too many fields in a directory");
        }
        for index in 0..count.min(MAX_FIELDS) {
            let entry = start.saturating_add(2 + usize::from(index) * 12);
            let Some(field) = self.field(blob, ifd, entry) else {
                self.note("directory cut");
                return;
            };
            let next = match field.tag {
                tag::EXIF_IFD => Some(Ifd::Exif),
                tag::GPS_IFD => Some(Ifd::Gps),
                tag::INTEROP_IFD => Some(Ifd::Interop),
                tag::SUB_IFDS => Some(Ifd::Other),
                _ => None,
            };
            if let Some(next) = next {
                for value in 0..usize::try_from(field.count).unwrap_or(0).min(8) {
                    queue.extend(field.uint(value).map(|to| (next, to)));
                }
            }
            self.fields.push(field);
        }
        if matches!(ifd, Ifd::Primary | Ifd::Thumbnail | Ifd::Other) {
            let link = start.saturating_add(2 + usize::from(count) * 12);
            let next = match ifd {
                Ifd::Primary => Ifd::Thumbnail,
                _ => Ifd::Other,
            };
            queue.extend(u32_at(blob, link, self.big_endian).map(|to| (next, to)));
        }
    }

    fn field(&mut self, blob: &'a [u8], ifd: Ifd, entry: usize) -> Option<Field<'a>> {
        let big_endian = self.big_endian;
        let kind = u16_at(blob, entry.checked_add(2)?, big_endian)?;
        let count = u32_at(blob, entry.checked_add(4)?, big_endian)?;
        let inline = entry.checked_add(8)?;
        let size = u64::from(count).saturating_mul(match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 1,
        });
        let at = if size <= 4 { inline } else { usize::try_from(u32_at(blob, inline, big_endian)?).ok()? };
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        let (data, whole) = super::bytes::take(blob, at, wanted);
        if !whole {
            self.note("a value lies outside the blob");
        }
        Some(Field {
            ifd,
            tag: u16_at(blob, entry, big_endian)?,
            kind,
            count,
            offset: u32::try_from(at).unwrap_or(u32::MAX),
            data,
            big_endian,
        })
    }

    /// All fields, by directory, in the order they stand in.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The first field of that number in that directory.
    pub fn get(&self, ifd: Ifd, tag: u16) -> Option<&Field<'a>> {
        self.fields.iter().find(|f| f.ifd == ifd && f.tag == tag)
    }

    /// Whether the blob is big-endian (`MM`).
    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// What was broken.
    pub fn damage(&self) -> &[&'static str] {
        &self.damage
    }

    /// Offset in the blob and bytes of the JPEG thumbnail in IFD1; the bytes may be cut.
    pub fn thumbnail(&self, blob: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let offset = self.get(Ifd::Thumbnail, tag::THUMBNAIL_OFFSET)?.uint(0)?;
        let length = self.get(Ifd::Thumbnail, tag::THUMBNAIL_LENGTH)?.uint(0)?;
        let (data, _) =
            super::bytes::take(blob, usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
        data.starts_with(&[0xff, 0xd8]).then_some((offset, data))
    }
}

/// A TIFF file is itself an EXIF blob; packets inside it become segments of their own.
pub(super) fn walk_file<'a>(file: &'a [u8], out: &mut Collector<'a>) {
    let tiff = Tiff::parse(file);
    out.push(Segment {
        kind: SegmentKind::Exif,
        offset: 0,
        length: file.len() as u64,
        payload_offset: 0,
        data: Cow::Borrowed(file),
        field: "tiff",
        keyword: None,
    });
    for field in tiff.fields() {
        let (kind, name) = match field.tag {
            tag::XMP => (SegmentKind::Xmp, "tiff:XMP"),
            tag::IPTC => (SegmentKind::IptcIim, "tiff:IPTC"),
            tag::PHOTOSHOP => (SegmentKind::Photoshop, "tiff:Photoshop"),
            tag::ICC => (SegmentKind::Icc, "tiff:ICC"),
            tag::C2PA => (SegmentKind::C2pa, "tiff:C2PA"),
            _ => continue,
        };
        // A hostile file could name the same megabytes in every field; a real one has one or two packets of a kind.
        if out.items.iter().filter(|s| s.kind == kind).count() >= 4 {
            continue;
        }
        let segment = Segment {
            kind,
            offset: u64::from(field.offset),
            length: field.data.len() as u64,
            payload_offset: u64::from(field.offset),
            data: Cow::Borrowed(field.data),
            field: name,
            keyword: None,
        };
        if kind == SegmentKind::Photoshop {
            super::photoshop::resources(field.data, segment.payload_offset, out);
        }
        out.push(segment);
    }
    for what in tiff.damage() {
        out.damage(format!("tiff: {what}"));
    }
}

fn u16_at(b: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let value = super::bytes::be16(b, at)?;
    Some(if big_endian { value } else { value.swap_bytes() })
}

fn u32_at(b: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let value = super::bytes::be32(b, at)?;
    Some(if big_endian { value } else { value.swap_bytes() })
}
