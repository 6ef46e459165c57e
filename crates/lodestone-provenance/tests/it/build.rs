//! Fabricated containers: metadata around no pixels worth the name.

use std::sync::LazyLock;

use lodestone_provenance::{Item, Kit, Wish};
use lodestone_types::{Assessment, Finding};

/// A PNG chunk. The checksum is left 0: readers of metadata do not ask for it.
pub(crate) fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    [&length.to_be_bytes(), name.as_slice(), data, &[0; 4]].concat()
}

/// A PNG with these chunks between IHDR and IEND.
pub(crate) fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = [0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunks.concat(), chunk(b"IEND", b"")].concat()
}

/// A PNG with `tEXt` chunks.
pub(crate) fn png_text(texts: &[(&str, &str)]) -> Vec<u8> {
    let chunks: Vec<_> = texts
        .iter()
        .map(|(key, value)| chunk(b"tEXt", &[key.as_bytes(), b"\0", value.as_bytes()].concat()))
        .collect();
    png(&chunks)
}

/// A JPEG marker segment.
pub(crate) fn segment(code: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).expect("small");
    [&[0xff, code], length.to_be_bytes().as_slice(), data].concat()
}

/// A JPEG: these segments, then tables, frame and an empty scan. `own` tables are no scaled example table.
pub(crate) fn jpeg(segments: &[Vec<u8>], own: bool) -> Vec<u8> {
    let mut table = vec![0u8];
    // The example luma table at quality 100 is all ones.
    table.extend((0..64).map(|i| if own { 3 + i % 7 } else { 1 }));
    let frame = [8, 0, 8, 0, 8, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
    [
        vec![0xff, 0xd8],
        segments.concat(),
        segment(0xdb, &table),
        segment(0xc0, &frame),
        segment(0xda, &[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]),
        vec![0, 0xff, 0xd9],
    ]
    .concat()
}

pub(crate) fn jfif() -> Vec<u8> {
    segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
}

pub(crate) fn app1_exif(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", tiff].concat())
}

pub(crate) fn app1_xmp(xml: &str) -> Vec<u8> {
    segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xml.as_bytes()].concat())
}

/// A WebP with these chunks.
pub(crate) fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(*name);
        body.extend_from_slice(&u32::try_from(data.len()).expect("small").to_le_bytes());
        body.extend_from_slice(data);
        body.extend(vec![0; data.len() % 2]);
    }
    let length = u32::try_from(body.len()).expect("small");
    [b"RIFF".as_slice(), &length.to_le_bytes(), &body].concat()
}

/// One EXIF value.
pub(crate) enum Value<'a> {
    Ascii(&'a str),
    Bytes(&'a [u8]),
    Long(u32),
    Rational(u32, u32),
}

/// A little-endian TIFF blob: fields of IFD0 and of the Exif directory.
pub(crate) fn tiff(primary: &[(u16, Value<'_>)], exif: &[(u16, Value<'_>)]) -> Vec<u8> {
    let count = primary.len() + usize::from(!exif.is_empty());
    let second = 8 + 2 + 12 * count + 4;
    let mut heap_at = second + 2 + 12 * exif.len() + 4;
    let mut heap = Vec::new();
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    let mut directory = |fields: &[(u16, Value<'_>)], link: Option<usize>| {
        let entries = fields.len() + usize::from(link.is_some());
        let mut bytes = u16::try_from(entries).expect("few").to_le_bytes().to_vec();
        for (tag, value) in fields {
            let (kind, count, data) = match value {
                Value::Ascii(text) => (2u16, text.len() + 1, [text.as_bytes(), b"\0"].concat()),
                Value::Bytes(data) => (7, data.len(), data.to_vec()),
                Value::Long(n) => (4, 1, n.to_le_bytes().to_vec()),
                Value::Rational(n, d) => (5, 1, [n.to_le_bytes(), d.to_le_bytes()].concat()),
            };
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(u32::try_from(count).expect("small").to_le_bytes());
            if data.len() <= 4 {
                let mut inline = data;
                inline.resize(4, 0);
                bytes.extend(inline);
            } else {
                bytes.extend(u32::try_from(heap_at).expect("small").to_le_bytes());
                heap_at += data.len();
                heap.extend(data);
            }
        }
        if let Some(link) = link {
            bytes.extend(0x8769u16.to_le_bytes());
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(u32::try_from(link).expect("small").to_le_bytes());
        }
        bytes.extend([0; 4]);
        bytes
    };
    out.extend(directory(primary, (!exif.is_empty()).then_some(second)));
    out.extend(directory(exif, None));
    out.extend(heap);
    out
}

/// EXIF UserComment in UTF-16, big- or little-endian.
pub(crate) fn user_comment(text: &str, big_endian: bool) -> Vec<u8> {
    let units = text.encode_utf16();
    let body: Vec<u8> = if big_endian {
        units.flat_map(u16::to_be_bytes).collect()
    } else {
        units.flat_map(u16::to_le_bytes).collect()
    };
    [b"UNICODE\0".as_slice(), &body].concat()
}

/// An XMP packet whose one description carries these attributes and content.
pub(crate) fn xmp(attributes: &str, content: &str) -> String {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" {attributes}>{content}</rdf:Description></rdf:RDF></x:xmpmeta>"#
    )
}

/// Loaded once: a kit is only read.
static KIT: LazyLock<Kit> = LazyLock::new(Kit::built_in);

/// The reading without pixels.
pub(crate) fn examine(file: &[u8], size: (u32, u32)) -> (Vec<Finding>, Assessment) {
    let segments = lodestone_media::segments::scan(file);
    let item =
        Item { bytes: file, segments: &segments, width: size.0, height: size.1, pixels: None, sidecar: None };
    let examined = lodestone_provenance::examine(&item, &KIT, &Wish::WITHOUT_PIXELS);
    (examined.findings, examined.assessment)
}

/// A box of an ISO base media file.
pub(crate) fn bx(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len() + 8).expect("small");
    [&size.to_be_bytes(), name.as_slice(), data].concat()
}

/// A film whose `moov` holds these boxes.
pub(crate) fn film(inside: &[Vec<u8>]) -> Vec<u8> {
    [bx(b"ftyp", b"qt  \0\0\0\0qt  "), bx(b"moov", &inside.concat())].concat()
}

/// A `meta` with `keys`, as phones write it.
pub(crate) fn keyed_meta(values: &[(&str, &str)]) -> Vec<u8> {
    let count = u32::try_from(values.len()).expect("few");
    let mut keys = [0u32.to_be_bytes(), count.to_be_bytes()].concat();
    let mut items = Vec::new();
    for (index, (key, value)) in (1u32..).zip(values) {
        keys.extend(bx(b"mdta", key.as_bytes()));
        let data = bx(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], value.as_bytes()].concat());
        items.extend(bx(&index.to_be_bytes(), &data));
    }
    bx(b"meta", &[bx(b"keys", &keys), bx(b"ilst", &items)].concat())
}
