//! RIFF chunks of WebP. *Source:* WebP Container Specification.

use std::borrow::Cow;

use super::bytes::{le32, take};
use super::{Collector, Segment, SegmentKind, png};

pub(super) fn walk<'a>(file: &'a [u8], out: &mut Collector<'a>) {
    let stated = le32(file, 4).map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let end = stated.saturating_add(8).saturating_add(stated & 1);
    let mut at = 12usize;
    while at < file.len() && at < end && !out.full() {
        let (Some(name), Some(length)) = (file.get(at..at + 4), le32(file, at + 4)) else {
            out.damage("webp: chunk header cut");
            return;
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (data, whole) = take(file, at + 8, length);
        if !whole {
            out.damage("webp: chunk cut");
        }
        let (kind, field, data) = match name {
            // Some writers keep the JPEG prefix.
            b"EXIF" => (Some(SegmentKind::Exif), "webp:EXIF", data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            b"XMP " => (Some(SegmentKind::Xmp), "webp:XMP", data),
            b"ICCP" => (Some(SegmentKind::Icc), "webp:ICCP", data),
            b"C2PA" => (Some(SegmentKind::C2pa), "webp:C2PA", data),
            _ => (None, "", data),
        };
        if let Some(kind) = kind {
            let skipped = length.min(file.len().saturating_sub(at + 8)) - data.len();
            out.push(Segment {
                kind,
                offset: at as u64,
                length: (data.len() as u64).saturating_add(8 + skipped as u64),
                payload_offset: (at as u64).saturating_add(8 + skipped as u64),
                data: Cow::Borrowed(data),
                field,
                keyword: None,
            });
        }
        at = at.saturating_add(8).saturating_add(length).saturating_add(length & 1);
    }
    if at < file.len() && at >= end && !out.full() {
        png::trailing(file, at.max(12), out);
    }
}
