//! Photoshop image resource blocks. *Source:* Adobe Photoshop File Formats Specification, "Image Resource Blocks".

use std::borrow::Cow;

use super::bytes::{be16, be32, take};
use super::{Collector, Segment, SegmentKind};

/// Resource numbers that hold metadata.
const IPTC: u16 = 0x0404;
const EXIF: u16 = 0x0422;
const XMP: u16 = 0x0424;

/// Adds the packets inside `data`, whose first byte stands at `base` in the file.
pub(super) fn resources<'a>(data: &'a [u8], base: u64, out: &mut Collector<'a>) {
    let mut at = 0usize;
    while data.get(at..at.saturating_add(4)) == Some(b"8BIM") && !out.full() {
        let Some(id) = be16(data, at.saturating_add(4)) else {
            break;
        };
        let name = usize::from(data.get(at.saturating_add(6)).copied().unwrap_or(0));
        // The Pascal name is padded to an even length, its length byte included.
        let after_name = at.saturating_add(6).saturating_add((name + 2) & !1);
        let Some(size) = be32(data, after_name) else {
            out.damage("photoshop resources cut");
            break;
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let start = after_name.saturating_add(4);
        let (payload, whole) = take(data, start, size);
        let kind = match id {
            IPTC => Some(SegmentKind::IptcIim),
            EXIF => Some(SegmentKind::Exif),
            XMP => Some(SegmentKind::Xmp),
            _ => None,
        };
        if let Some(kind) = kind {
            out.push(Segment {
                kind,
                offset: base.saturating_add(at as u64),
                length: (start - at).saturating_add(payload.len()) as u64,
                payload_offset: base.saturating_add(start as u64),
                data: Cow::Borrowed(payload),
                field: "photoshop:8BIM",
                keyword: Some(format!("0x{id:04x}")),
            });
        }
        if !whole {
            out.damage("photoshop resources cut");
            break;
        }
        at = start.saturating_add(size).saturating_add(size & 1);
    }
}
