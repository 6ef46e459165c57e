//! JPEG markers from SOI to EOI and beyond. *Source:* ITU-T T.81; CIPA DC-008 (APP1), XMP Part 3, ICC.1 annex B,
//! ISO 19566-5 (APP11).

use std::borrow::Cow;

use super::bytes::{be16, be32, take};
use super::structure::{self, JpegStructure, Marker};
use super::{Collector, Segment, SegmentKind, photoshop, png};

/// Markers noted in the structure; more say nothing new.
const MAX_MARKERS: usize = 1_024;

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// A marker segment: `data` is what follows the two length bytes.
struct Part<'a> {
    code: u8,
    at: usize,
    data: &'a [u8],
}

/// A piece of extended XMP: which packet, its full length, where the piece goes, the piece.
struct Piece<'a> {
    guid: &'a [u8],
    full: usize,
    place: usize,
    at: usize,
    data: &'a [u8],
}

pub(super) fn walk<'a>(file: &'a [u8], out: &mut Collector<'a>) -> JpegStructure {
    let mut jpeg = JpegStructure::default();
    let mut pieces = Vec::new();
    let mut ended = None;
    let mut at = 2usize;
    while let Some(&byte) = file.get(at) {
        if byte != 0xff {
            out.damage("jpeg: bytes between segments");
            match next_marker(file, at) {
                Some(next) => at = next,
                None => break,
            }
            continue;
        }
        let Some(&code) = file.get(at + 1) else { break };
        match code {
            // Fill bytes before a marker.
            0xff => at += 1,
            // A stuffed zero or a restart here: scan data that was not announced.
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => {
                mark(&mut jpeg, code, at);
                ended = Some(at + 2);
                break;
            }
            _ => {
                mark(&mut jpeg, code, at);
                let length = be16(file, at + 2).map_or(0, usize::from);
                let (data, whole) = take(file, at + 4, length.saturating_sub(2));
                if length < 2 || !whole {
                    out.damage("jpeg: segment cut");
                }
                let part = Part { code, at, data };
                structure::read(&mut jpeg, code, data);
                application(&part, &mut jpeg, &mut pieces, out);
                at = at.saturating_add(2).saturating_add(length.max(2));
                if code == 0xda {
                    at = next_marker(file, at).unwrap_or(file.len());
                }
            }
        }
    }
    extended_xmp(&pieces, out);
    match ended {
        Some(end) if end < file.len() => png::trailing(file, end, out),
        Some(_) => {}
        None => out.damage("jpeg: no EOI"),
    }
    jpeg
}

fn mark(jpeg: &mut JpegStructure, code: u8, at: usize) {
    if jpeg.markers.len() < MAX_MARKERS {
        jpeg.markers.push(Marker { code, offset: at as u64 });
    }
}

/// The next marker that is neither a stuffed byte nor a restart.
fn next_marker(file: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let found = file.get(at..)?.iter().position(|&b| b == 0xff)?;
        at = at.checked_add(found)?;
        match file.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

fn application<'a>(
    part: &Part<'a>,
    jpeg: &mut JpegStructure,
    pieces: &mut Vec<Piece<'a>>,
    out: &mut Collector<'a>,
) {
    let data = part.data;
    match part.code {
        0xe0 if data.starts_with(b"JFIF\0") => {
            jpeg.has_jfif = true;
            jpeg.jfif_before_exif |= !jpeg.has_exif;
            push(SegmentKind::Jfif, "jpeg:APP0", part, 0, out);
        }
        0xe1 if data.starts_with(b"Exif\0") => {
            jpeg.has_exif = true;
            push(SegmentKind::Exif, "jpeg:APP1", part, 6, out);
        }
        0xe1 if data.starts_with(XMP) => push(SegmentKind::Xmp, "jpeg:APP1", part, XMP.len(), out),
        0xe1 if data.starts_with(XMP_EXTENSION) => {
            let head = XMP_EXTENSION.len();
            if let (Some(guid), Some(full), Some(place), Some(rest)) = (
                data.get(head..head + 32),
                be32(data, head + 32),
                be32(data, head + 36),
                data.get(head + 40..),
            ) && pieces.len() < MAX_MARKERS
            {
                pieces.push(Piece {
                    guid,
                    full: usize::try_from(full).unwrap_or(usize::MAX),
                    place: usize::try_from(place).unwrap_or(usize::MAX),
                    at: part.at,
                    data: rest,
                });
            } else {
                out.damage("jpeg: extended XMP cut");
            }
        }
        // Only the first part of a profile; the rest is its continuation.
        0xe2 if data.starts_with(b"ICC_PROFILE\0") && data.get(12).is_none_or(|&number| number <= 1) => {
            push(SegmentKind::Icc, "jpeg:APP2", part, 14, out);
        }
        0xe2 if data.starts_with(b"ICC_PROFILE\0") => {}
        0xe2 if data.starts_with(b"MPF\0") => push(SegmentKind::Mpf, "jpeg:APP2", part, 4, out),
        0xeb if data.starts_with(b"JP") => {
            // Common identifier, box instance, packet number; then the box, whose header every packet repeats.
            let first = be32(data, 4).is_none_or(|packet| packet <= 1);
            if first && data.get(12..16) == Some(b"jumb") {
                push(SegmentKind::C2pa, "jpeg:APP11", part, 8, out);
            }
        }
        0xed if data.starts_with(PHOTOSHOP) => {
            push(SegmentKind::Photoshop, "jpeg:APP13", part, PHOTOSHOP.len(), out);
            let inner = data.get(PHOTOSHOP.len()..).unwrap_or_default();
            photoshop::resources(inner, (part.at + 4 + PHOTOSHOP.len()) as u64, out);
        }
        0xee if data.starts_with(b"Adobe") => {
            jpeg.has_adobe = true;
            push(SegmentKind::Adobe, "jpeg:APP14", part, 5, out);
        }
        0xfe => push(SegmentKind::Comment, "jpeg:COM", part, 0, out),
        0xe0..=0xef => push(SegmentKind::OtherApp, APPS[usize::from(part.code & 15)], part, 0, out),
        _ => {}
    }
}

const APPS: [&str; 16] = [
    "jpeg:APP0",
    "jpeg:APP1",
    "jpeg:APP2",
    "jpeg:APP3",
    "jpeg:APP4",
    "jpeg:APP5",
    "jpeg:APP6",
    "jpeg:APP7",
    "jpeg:APP8",
    "jpeg:APP9",
    "jpeg:APP10",
    "jpeg:APP11",
    "jpeg:APP12",
    "jpeg:APP13",
    "jpeg:APP14",
    "jpeg:APP15",
];

fn push<'a>(kind: SegmentKind, field: &'static str, part: &Part<'a>, skip: usize, out: &mut Collector<'a>) {
    let skip = skip.min(part.data.len());
    let keyword = (kind == SegmentKind::OtherApp).then(|| {
        // The identifier: printable characters up to the first that is not.
        part.data
            .iter()
            .take(32)
            .take_while(|b| b.is_ascii_graphic() || **b == b' ')
            .map(|&b| char::from(b))
            .collect()
    });
    out.push(Segment {
        kind,
        offset: part.at as u64,
        length: (part.data.len() as u64).saturating_add(4),
        payload_offset: (part.at as u64).saturating_add(4 + skip as u64),
        data: Cow::Borrowed(part.data.get(skip..).unwrap_or_default()),
        field,
        keyword,
    });
}

/// Puts the pieces of the first extended packet together; gaps stay spaces, which XML ignores between elements.
fn extended_xmp<'a>(pieces: &[Piece<'a>], out: &mut Collector<'a>) {
    let Some(first) = pieces.first() else { return };
    let stored: usize = pieces.iter().map(|p| p.data.len()).sum();
    let full = first.full.min(out.budget());
    if first.full > stored || first.full > full {
        out.damage("jpeg: extended XMP incomplete");
    }
    let full = full.min(stored);
    let mut packet = vec![b' '; full];
    for piece in pieces.iter().filter(|p| p.guid == first.guid) {
        let room = full.saturating_sub(piece.place).min(piece.data.len());
        if let (Some(to), Some(from)) =
            (packet.get_mut(piece.place..piece.place.saturating_add(room)), piece.data.get(..room))
        {
            to.copy_from_slice(from);
        }
    }
    out.decoded = out.decoded.saturating_add(packet.len());
    out.push(Segment {
        kind: SegmentKind::XmpExtended,
        offset: first.at as u64,
        length: stored as u64,
        payload_offset: first.at as u64,
        data: Cow::Owned(packet),
        field: "jpeg:APP1",
        keyword: None,
    });
}
