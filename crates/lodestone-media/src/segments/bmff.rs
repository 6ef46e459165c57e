//! ISO base media boxes: HEIF, AVIF, JPEG XL containers. *Source:* ISO/IEC 14496-12, 23008-12, 18181-2; C2PA 2.x for
//! its `uuid` box.

use std::borrow::Cow;

use super::bytes::{be16, be32, be64, take};
use super::{Collector, HeifStructure, Segment, SegmentKind, video};

const C2PA_UUID: &[u8] =
    &[0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];
pub(super) const XMP_UUID: &[u8] =
    &[0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
/// Boxes read at one level, and items and extents of a `meta` box. 4,096: a HEIC with tiles has some 100.
const MAX_BOXES: usize = 4_096;

/// `meta` boxes read. A file has one; each may cost the square of its items.
const MAX_METAS: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Bx<'a> {
    pub(super) name: [u8; 4],
    /// Offset in the file of the box.
    pub(super) at: usize,
    /// Offset in the file of `data`.
    pub(super) start: usize,
    pub(super) data: &'a [u8],
}

/// Boxes of `file[from..to]`.
pub(super) fn boxes<'a>(file: &'a [u8], from: usize, to: usize, out: &mut Collector<'a>) -> Vec<Bx<'a>> {
    let mut found = Vec::new();
    let to = to.min(file.len());
    let mut at = from;
    while at < to && found.len() < MAX_BOXES {
        let (Some(size), Some(name)) = (be32(file, at), file.get(at + 4..at + 8)) else {
            out.damage("bmff: box header cut");
            break;
        };
        let (header, size) = match size {
            0 => (8, to - at),
            1 => {
                let long = be64(file, at + 8).unwrap_or(0);
                (16, usize::try_from(long).unwrap_or(usize::MAX))
            }
            size => (8, usize::try_from(size).unwrap_or(usize::MAX)),
        };
        if size < header {
            out.damage("bmff: box smaller than its header");
            break;
        }
        let end = at.saturating_add(size);
        if end > to {
            out.damage("bmff: box cut");
        }
        let start = (at + header).min(to);
        found.push(Bx {
            name: [name[0], name[1], name[2], name[3]],
            at,
            start,
            data: file.get(start..end.min(to)).unwrap_or_default(),
        });
        at = end;
    }
    found
}

pub(super) fn walk<'a>(file: &'a [u8], out: &mut Collector<'a>) {
    let mut metas = 0;
    let mut movies = 0;
    for bx in boxes(file, 0, file.len(), out) {
        let (kind, skip, field) = match &bx.name {
            b"meta" => {
                metas += 1;
                if metas <= MAX_METAS {
                    meta(file, &bx, out);
                }
                continue;
            }
            b"moov" => {
                movies += 1;
                if movies <= MAX_METAS {
                    video::film(file, &bx, out);
                }
                continue;
            }
            b"uuid" if bx.data.starts_with(C2PA_UUID) => (SegmentKind::C2pa, c2pa_skip(bx.data), "bmff:uuid"),
            b"uuid" if bx.data.starts_with(XMP_UUID) => (SegmentKind::Xmp, 16, "bmff:uuid"),
            b"Exif" => (SegmentKind::Exif, exif_skip(bx.data), "jxl:Exif"),
            b"xml " => (SegmentKind::Xmp, 0, "jxl:xml"),
            b"jumb" => (SegmentKind::C2pa, 0, "jxl:jumb"),
            b"brob" => {
                out.damage("bmff: brotli-compressed metadata not read");
                continue;
            }
            _ => continue,
        };
        let data = bx.data.get(skip..).unwrap_or_default();
        push(kind, field, bx.at, bx.start.saturating_add(skip), Cow::Borrowed(data), out);
    }
}

/// The box's UUID, version and flags, purpose up to its NUL, and the offset of the first auxiliary box; then JUMBF.
/// *Source:* C2PA 2.x, "Embedding manifests into BMFF-based assets".
fn c2pa_skip(data: &[u8]) -> usize {
    let purpose = data.get(20..).and_then(|d| d.iter().take(64).position(|&b| b == 0));
    let skip = purpose.map_or(16, |length| 20 + length + 1 + 8);
    if data.get(skip + 4..skip + 8) == Some(b"jumb") { skip } else { 16 }
}

/// An Exif item begins with the offset of its TIFF header.
fn exif_skip(data: &[u8]) -> usize {
    let stated = be32(data, 0).map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let skip = stated.saturating_add(4);
    if skip < data.len() { skip } else { 4 }
}

struct Item {
    kind: SegmentKind,
    field: &'static str,
    id: u32,
}

fn meta<'a>(file: &'a [u8], bx: &Bx<'a>, out: &mut Collector<'a>) {
    let end = bx.start.saturating_add(bx.data.len());
    // A full box: version and flags come first.
    let children = boxes(file, bx.start.saturating_add(4), end, out);
    let mut items = Vec::new();
    let mut heif = HeifStructure::default();
    for child in &children {
        if &child.name == b"iref" {
            let from = child.start.saturating_add(4);
            let refs = boxes(file, from, child.start + child.data.len(), out);
            heif.thumbnail |= refs.iter().any(|r| &r.name == b"thmb");
        }
        if &child.name == b"iinf" {
            let count = if child.data.first() == Some(&0) { 6 } else { 8 };
            let from = child.start.saturating_add(count);
            for info in boxes(file, from, child.start + child.data.len(), out) {
                match item_type(info.data) {
                    Some(b"grid") => heif.grid = true,
                    Some(b"hvc1" | b"av01" | b"jpeg" | b"avc1") => heif.coded = heif.coded.saturating_add(1),
                    _ => {}
                }
                items.extend(item_info(info.data));
            }
        }
    }
    items.truncate(MAX_BOXES);
    if heif.coded > 0 && out.heif.is_none() {
        out.heif = Some(heif);
    }
    let idat = children.iter().find(|c| &c.name == b"idat");
    if let Some(child) = children.iter().find(|c| &c.name == b"iloc") {
        let mut places = Vec::new();
        if locations(child.data, &mut places).is_none() {
            out.damage("bmff: iloc cut");
        }
        for item in &items {
            for place in places.iter().filter(|p| p.id == item.id) {
                item_data(file, idat, item, place, out);
            }
        }
    }
}

/// The four letters of an item's type.
fn item_type(data: &[u8]) -> Option<&[u8; 4]> {
    let at = match data.first()? {
        2 => 8,
        3 => 10,
        _ => return None,
    };
    data.get(at..at + 4)?.try_into().ok()
}

fn item_info(data: &[u8]) -> Option<Item> {
    let version = *data.first()?;
    let (id, after) = match version {
        2 => (u32::from(be16(data, 4)?), 6),
        3 => (be32(data, 4)?, 8),
        _ => return None,
    };
    let kind = data.get(after + 2..after + 6)?;
    let rest = data.get(after + 6..)?;
    let (kind, field) = match kind {
        b"Exif" => (SegmentKind::Exif, "bmff:Exif"),
        b"mime" => {
            // Item name, then content type, both NUL-terminated.
            let mut words = rest.split(|&b| b == 0);
            let _name = words.next();
            match words.next() {
                Some(b"application/rdf+xml") => (SegmentKind::Xmp, "bmff:mime"),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Item { kind, field, id })
}

struct Place {
    id: u32,
    in_idat: bool,
    extents: Vec<(u64, u64)>,
}

/// Reads `iloc`; `None` where it broke off.
fn locations(data: &[u8], places: &mut Vec<Place>) -> Option<()> {
    let version = *data.first()?;
    let sizes = be16(data, 4)?;
    let nibble = |shift: u16| usize::from(sizes >> shift & 15);
    let (offset_size, length_size, base_size) = (nibble(12), nibble(8), nibble(4));
    let index_size = if version == 0 { 0 } else { nibble(0) };
    let mut at = 6usize;
    let count = number(data, &mut at, if version < 2 { 2 } else { 4 })?;
    let mut extents_left = MAX_BOXES;
    for _ in 0..count.min(MAX_BOXES as u64) {
        let id = number(data, &mut at, if version < 2 { 2 } else { 4 })?;
        let method = if version == 0 { 0 } else { number(data, &mut at, 2)? & 15 };
        let _reference = number(data, &mut at, 2)?;
        let base = number(data, &mut at, base_size)?;
        let mut extents = Vec::new();
        for _ in 0..number(data, &mut at, 2)? {
            extents_left = extents_left.checked_sub(1)?;
            let _index = number(data, &mut at, index_size)?;
            let offset = number(data, &mut at, offset_size)?;
            let length = number(data, &mut at, length_size)?;
            extents.push((base.saturating_add(offset), length));
        }
        places.push(Place { id: u32::try_from(id).ok()?, in_idat: method == 1, extents });
    }
    Some(())
}

/// A big-endian number of `size` bytes (0, 2, 4 or 8).
fn number(data: &[u8], at: &mut usize, size: usize) -> Option<u64> {
    let end = at.checked_add(size)?;
    let bytes = data.get(*at..end)?;
    *at = end;
    if size > 8 {
        return None;
    }
    Some(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
}

fn item_data<'a>(file: &'a [u8], idat: Option<&Bx<'a>>, item: &Item, place: &Place, out: &mut Collector<'a>) {
    let base = match (place.in_idat, idat) {
        (false, _) => 0,
        (true, Some(idat)) => idat.start as u64,
        (true, None) => return,
    };
    let slice = |&(offset, length): &(u64, u64)| {
        let at = usize::try_from(base.saturating_add(offset)).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        (at, take(file, at, length).0)
    };
    let Some((at, first)) = place.extents.first().map(slice) else {
        return;
    };
    let data: Cow<'a, [u8]> = if place.extents.len() == 1 {
        Cow::Borrowed(first)
    } else {
        let budget = out.budget();
        let mut joined = Vec::new();
        for (_, part) in place.extents.iter().map(slice) {
            let room = budget.saturating_sub(joined.len()).min(part.len());
            joined.extend_from_slice(part.get(..room).unwrap_or_default());
        }
        out.decoded = out.decoded.saturating_add(joined.len());
        Cow::Owned(joined)
    };
    if item.kind != SegmentKind::Exif {
        return push(item.kind, item.field, at, at, data, out);
    }
    let skip = exif_skip(&data);
    let data = match data {
        Cow::Borrowed(data) => Cow::Borrowed(data.get(skip..).unwrap_or_default()),
        Cow::Owned(data) => Cow::Owned(data.get(skip..).unwrap_or_default().to_vec()),
    };
    push(item.kind, item.field, at, at.saturating_add(skip), data, out);
}

pub(super) fn push<'a>(
    kind: SegmentKind,
    field: &'static str,
    at: usize,
    payload: usize,
    data: Cow<'a, [u8]>,
    out: &mut Collector<'a>,
) {
    // Some writers keep the JPEG prefix inside the item.
    let (data, payload) = match data {
        Cow::Borrowed(d) => match d.strip_prefix(b"Exif\0\0") {
            Some(rest) => (Cow::Borrowed(rest), payload.saturating_add(6)),
            None => (Cow::Borrowed(d), payload),
        },
        owned => (owned, payload),
    };
    out.push(Segment {
        kind,
        offset: at as u64,
        length: (payload.saturating_sub(at)).saturating_add(data.len()) as u64,
        payload_offset: payload as u64,
        data,
        field,
        keyword: None,
    });
}
