//! PNG and APNG chunks, read to the end of the file: text may stand after the pixels. *Source:* PNG 3rd edition.

use std::borrow::Cow;

use super::bytes::{be32, find, take};
use super::{Collector, Segment, SegmentKind, text};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes of a keyword. The standard allows 79.
const MAX_KEYWORD: usize = 128;

struct Chunk<'a> {
    at: usize,
    data: &'a [u8],
}

pub(super) fn walk<'a>(file: &'a [u8], out: &mut Collector<'a>) {
    let mut at = SIGNATURE.len();
    let mut ended = false;
    while at < file.len() && !ended && !out.full() {
        let (Some(length), Some(name)) = (be32(file, at), file.get(at + 4..at + 8)) else {
            out.damage("png: chunk header cut");
            return;
        };
        if !name.iter().all(u8::is_ascii_alphabetic) {
            out.damage("png: bytes that are no chunk");
            // Text chunks are worth finding behind a patched one: go on at the next name known to carry metadata.
            let Some(next) = resync(file, at + 1) else {
                return;
            };
            at = next;
            continue;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (data, whole) = take(file, at + 8, length);
        if !whole {
            out.damage("png: chunk cut");
        }
        chunk(name, &Chunk { at, data }, out);
        ended = name == b"IEND";
        at = at.saturating_add(12).saturating_add(length);
    }
    if ended && at < file.len() {
        trailing(file, at, out);
    } else if !ended && !out.full() {
        out.damage("png: no IEND");
    }
}

/// Bytes after the end, as one segment.
pub(super) fn trailing<'a>(file: &'a [u8], at: usize, out: &mut Collector<'a>) {
    let data = file.get(at..).unwrap_or_default();
    out.push(Segment {
        kind: SegmentKind::Trailing,
        offset: at as u64,
        length: data.len() as u64,
        payload_offset: at as u64,
        data: Cow::Borrowed(data),
        field: "file:trailing",
        keyword: None,
    });
}

fn resync(file: &[u8], from: usize) -> Option<usize> {
    [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX", b"IEND"]
        .iter()
        .filter_map(|name| find(file, *name, from.checked_add(4)?))
        .min()
        .map(|name| name - 4)
}

fn chunk<'a>(name: &[u8], chunk: &Chunk<'a>, out: &mut Collector<'a>) {
    let whole = Cow::Borrowed(chunk.data);
    match name {
        b"tEXt" => {
            let (keyword, value) = split_nul(chunk.data);
            keep_text("png:tEXt", keyword, chunk, Cow::Borrowed(value), out);
        }
        b"zTXt" => {
            let (keyword, rest) = split_nul(chunk.data);
            let packed = rest.get(1..).unwrap_or_default();
            let value = out.inflate(packed, "png: zTXt");
            keep_text("png:zTXt", keyword, chunk, Cow::Owned(value), out);
        }
        b"iTXt" => international(chunk, out),
        b"eXIf" => push(
            SegmentKind::Exif,
            "png:eXIf",
            chunk,
            Cow::Borrowed(chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data)),
            None,
            out,
        ),
        b"iCCP" => push(SegmentKind::Icc, "png:iCCP", chunk, whole, None, out),
        b"caBX" => push(SegmentKind::C2pa, "png:caBX", chunk, whole, None, out),
        _ => {}
    }
}

fn international<'a>(chunk: &Chunk<'a>, out: &mut Collector<'a>) {
    let (keyword, rest) = split_nul(chunk.data);
    let compressed = rest.first() == Some(&1);
    let (_language, rest) = split_nul(rest.get(2..).unwrap_or_default());
    let (_translated, value) = split_nul(rest);
    let value = if compressed { Cow::Owned(out.inflate(value, "png: iTXt")) } else { Cow::Borrowed(value) };
    keep_text("png:iTXt", keyword, chunk, value, out);
}

/// A text chunk; the keywords under which other metadata travels become that metadata.
fn keep_text<'a>(
    field: &'static str,
    keyword: &[u8],
    chunk: &Chunk<'a>,
    value: Cow<'a, [u8]>,
    out: &mut Collector<'a>,
) {
    let keyword = text::decode(keyword, MAX_KEYWORD).into_owned();
    let profile = keyword.strip_prefix("Raw profile type ");
    let (kind, value) = if keyword == "XML:com.adobe.xmp" {
        (SegmentKind::Xmp, value)
    } else if let Some(profile) = profile {
        // Two digits a byte.
        let fits = value.len() / 2 <= out.budget();
        let Some(bytes) = fits.then(|| text::raw_profile(&value)).flatten() else {
            out.damage("png: raw profile broken or too big");
            return;
        };
        out.decoded = out.decoded.saturating_add(bytes.len());
        match (profile.to_ascii_lowercase().as_str(), bytes) {
            ("exif" | "app1", bytes) if bytes.starts_with(b"Exif\0\0") => {
                (SegmentKind::Exif, Cow::Owned(bytes[6..].to_vec()))
            }
            ("exif", bytes) => (SegmentKind::Exif, Cow::Owned(bytes)),
            ("xmp" | "app1", bytes) => (SegmentKind::Xmp, Cow::Owned(bytes)),
            ("iptc" | "8bim", bytes) => (SegmentKind::Photoshop, Cow::Owned(bytes)),
            ("icc" | "icm", bytes) => (SegmentKind::Icc, Cow::Owned(bytes)),
            (_, bytes) => (SegmentKind::PngText, Cow::Owned(bytes)),
        }
    } else {
        (SegmentKind::PngText, value)
    };
    push(kind, field, chunk, value, Some(keyword), out);
}

fn push<'a>(
    kind: SegmentKind,
    field: &'static str,
    chunk: &Chunk<'a>,
    data: Cow<'a, [u8]>,
    keyword: Option<String>,
    out: &mut Collector<'a>,
) {
    // A borrowed payload is the chunk's tail: its offset follows from the lengths.
    let skipped = match &data {
        Cow::Borrowed(data) => chunk.data.len().saturating_sub(data.len()),
        Cow::Owned(_) => 0,
    };
    out.push(Segment {
        kind,
        offset: chunk.at as u64,
        length: (chunk.data.len() as u64).saturating_add(12),
        payload_offset: (chunk.at as u64).saturating_add(8 + skipped as u64),
        data,
        field,
        keyword,
    });
}

fn split_nul(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|&b| b == 0) {
        Some(i) => (data.get(..i).unwrap_or_default(), data.get(i + 1..).unwrap_or_default()),
        None => (data, &[]),
    }
}
