//! What MP4 and QuickTime films say of themselves: texts of `udta` and `meta`, XMP, dates.
//!
//! *Source:* ISO/IEC 14496-12; QuickTime File Format Specification ("User data atoms", "Metadata"); for CR3, what
//! Canon writes into `moov/uuid`.

use std::borrow::Cow;

use super::bmff::{Bx, XMP_UUID, boxes, push};
use super::bytes::{be16, be32, be64};
use super::{Collector, Segment, SegmentKind};

/// How deep boxes are followed: `moov/trak/udta/meta/ilst/item/data` is seven.
const MAX_DEPTH: usize = 8;
/// Boxes looked at in all. 16,384: a film of many tracks has some hundred that matter.
const MAX_SEEN: usize = 16_384;
/// Bytes of one text. 64 KiB: comments; XMP and pictures are other kinds.
const MAX_TEXT: usize = 64 << 10;
/// Canon's own box in CR3 files.
const CANON_UUID: &[u8] =
    &[0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0, 0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48];
/// Seconds from 1904, from which films count, to 1970.
const EPOCH: u64 = 2_082_844_800;

/// Reads a `moov` box.
pub(super) fn film<'a>(file: &'a [u8], moov: &Bx<'a>, out: &mut Collector<'a>) {
    let mut walk = Walk { file, left: MAX_SEEN };
    walk.children(moov, 0, 0, out);
}

struct Walk<'a> {
    file: &'a [u8],
    left: usize,
}

impl<'a> Walk<'a> {
    /// Reads the boxes inside `parent`, after `skip` bytes of it.
    fn children(&mut self, parent: &Bx<'a>, skip: usize, depth: usize, out: &mut Collector<'a>) {
        if depth >= MAX_DEPTH {
            out.damage("bmff: boxes nested too deep");
            return;
        }
        let from = parent.start.saturating_add(skip);
        let to = parent.start.saturating_add(parent.data.len());
        // User data may end with four zero bytes instead of a box.
        let to = if parent.data.ends_with(&[0; 4]) && &parent.name == b"udta" { to - 4 } else { to };
        for bx in boxes(self.file, from, to, out) {
            if self.left == 0 {
                out.damage("bmff: too many boxes");
                return;
            }
            self.left -= 1;
            self.one(&bx, depth, out);
        }
    }

    fn one(&mut self, bx: &Bx<'a>, depth: usize, out: &mut Collector<'a>) {
        match &bx.name {
            b"trak" | b"udta" | b"mdia" => self.children(bx, 0, depth + 1, out),
            b"mvhd" => created(bx, out),
            b"meta" => self.meta(bx, depth + 1, out),
            b"XMP_" => push(SegmentKind::Xmp, "bmff:XMP_", bx.at, bx.start, Cow::Borrowed(bx.data), out),
            b"uuid" if bx.data.starts_with(XMP_UUID) => {
                let data = bx.data.get(16..).unwrap_or_default();
                push(SegmentKind::Xmp, "bmff:uuid", bx.at, bx.start + 16, Cow::Borrowed(data), out);
            }
            b"uuid" if bx.data.starts_with(CANON_UUID) => self.children(bx, 16, depth + 1, out),
            b"CMT1" => push(SegmentKind::Exif, "bmff:CMT1", bx.at, bx.start, Cow::Borrowed(bx.data), out),
            [0xa9, ..] => user_text(bx, out),
            b"auth" | b"titl" | b"dscp" | b"manu" | b"modl" | b"loci" | b"cprt" => plain_text(bx, out),
            _ => {}
        }
    }

    /// `meta` with `keys` (QuickTime) or with four-letter items (iTunes): in MP4 a full box, in QuickTime none.
    fn meta(&mut self, bx: &Bx<'a>, depth: usize, out: &mut Collector<'a>) {
        if depth >= MAX_DEPTH {
            return;
        }
        let skip =
            if matches!(bx.data.get(4..8), Some(b"hdlr" | b"keys" | b"ilst" | b"mhdr")) { 0 } else { 4 };
        let end = bx.start.saturating_add(bx.data.len());
        let children = boxes(self.file, bx.start.saturating_add(skip), end, out);
        let keys = children.iter().find(|c| &c.name == b"keys").map(|c| keys(c.data)).unwrap_or_default();
        for list in children.iter().filter(|c| &c.name == b"ilst").take(4) {
            let end = list.start.saturating_add(list.data.len());
            for item in boxes(self.file, list.start, end, out) {
                if self.left == 0 {
                    return;
                }
                self.left -= 1;
                let index = usize::try_from(u32::from_be_bytes(item.name)).ok();
                let name = match index.and_then(|i| keys.get(i.checked_sub(1)?)) {
                    Some(name) => name.clone(),
                    None => four_letters(item.name),
                };
                // `data`: its type, a language, the value; 1 is UTF-8.
                let size = be32(item.data, 0).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
                if item.data.get(4..8) == Some(b"data")
                    && be32(item.data, 8).is_some_and(|t| t & 0xff_ffff <= 2)
                {
                    let value = item.data.get(16..size.min(item.data.len())).unwrap_or_default();
                    text("bmff:ilst", &item, 16, value, name, out);
                }
            }
        }
    }
}

/// Names of a `keys` box, in order.
fn keys(data: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 8usize;
    while names.len() < 256
        && let Some(size) = be32(data, at).and_then(|s| usize::try_from(s).ok())
        && size >= 8
    {
        let name = data.get(at + 8..at.saturating_add(size).min(data.len())).unwrap_or_default();
        names.push(String::from_utf8_lossy(name.get(..128).unwrap_or(name)).into_owned());
        at = at.saturating_add(size);
    }
    names
}

/// `©mak` and its kin: a length, a language, the text; iTunes and some cameras write the text alone.
fn user_text<'a>(bx: &Bx<'a>, out: &mut Collector<'a>) {
    let stated = be16(bx.data, 0).map_or(0, usize::from);
    let (skip, value) = match bx.data.get(4..4 + stated) {
        Some(value) if stated > 0 => (4, value),
        _ => (0, bx.data),
    };
    text("bmff:udta", bx, skip, value, four_letters(bx.name), out);
}

/// 3GPP's texts: version and flags, a language, the text.
fn plain_text<'a>(bx: &Bx<'a>, out: &mut Collector<'a>) {
    let value = bx.data.get(6..).unwrap_or_default();
    text("bmff:udta", bx, 6, value, four_letters(bx.name), out);
}

fn text<'a>(
    field: &'static str,
    bx: &Bx<'a>,
    skip: usize,
    value: &'a [u8],
    name: String,
    out: &mut Collector<'a>,
) {
    let value = value.get(..MAX_TEXT).unwrap_or(value);
    if value.is_empty() {
        return;
    }
    out.push(Segment {
        kind: SegmentKind::BoxText,
        offset: bx.at as u64,
        length: (bx.start - bx.at).saturating_add(bx.data.len()) as u64,
        payload_offset: bx.start.saturating_add(skip) as u64,
        data: Cow::Borrowed(value),
        field,
        keyword: Some(name),
    });
}

/// `©mak` as `mak`, `desc` as it is.
fn four_letters(name: [u8; 4]) -> String {
    name.iter().filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect()
}

/// When the film was made, as `YYYY-MM-DDTHH:MM:SSZ`; 0 is written by many and says nothing.
fn created<'a>(bx: &Bx<'a>, out: &mut Collector<'a>) {
    let seconds = match bx.data.first() {
        Some(1) => be64(bx.data, 4),
        _ => be32(bx.data, 4).map(u64::from),
    };
    let Some(seconds) = seconds.and_then(|s| s.checked_sub(EPOCH)) else { return };
    let days = i64::try_from(seconds / 86_400).unwrap_or(0).min(100_000);
    let rest = seconds % 86_400;
    // Civil from days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let date =
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60);
    out.push(Segment {
        kind: SegmentKind::BoxText,
        offset: bx.at as u64,
        length: (bx.start - bx.at).saturating_add(bx.data.len()) as u64,
        payload_offset: bx.start as u64,
        data: Cow::Owned(date.into_bytes()),
        field: "bmff:mvhd",
        keyword: Some("creation".to_owned()),
    });
}

#[cfg(test)]
mod tests {
    use super::super::scan;

    fn bx(name: &[u8], data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(data.len() + 8).expect("small");
        [&size.to_be_bytes(), name, data].concat()
    }

    fn movie(key: &[u8; 4], keys: &[u8]) -> Vec<u8> {
        let data = bx(b"data", b"\0\0\0\x01\0\0\0\0a text");
        let meta =
            [vec![0; 4], bx(b"hdlr", &[0; 24]), bx(b"keys", keys), bx(b"ilst", &bx(key, &data))].concat();
        let moov = bx(b"moov", &bx(b"udta", &bx(b"meta", &meta)));
        [bx(b"ftyp", b"isom\0\0\0\0isom"), moov].concat()
    }

    #[test]
    fn texts_of_a_movie_are_found_by_name_and_by_key() {
        for (key, keys, name) in [
            (b"\xa9cmt", vec![0; 8], "cmt"),
            (&[0, 0, 0, 1], [&[0; 8], bx(b"mdta", b"prompt").as_slice()].concat(), "prompt"),
        ] {
            let file = movie(key, &keys);
            let segments = scan(&file);
            let text = segments.items.first().expect("a text");
            assert_eq!((text.keyword.as_deref(), &*text.data), (Some(name), b"a text".as_slice()));
            let at = usize::try_from(text.payload_offset).expect("small");
            assert_eq!(file.get(at..at + 6), Some(b"a text".as_slice()));
            for end in 0..file.len() {
                scan(&file[..end]);
            }
        }
    }
}
