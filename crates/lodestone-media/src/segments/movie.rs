//! Texts of a movie: what its writer noted in `moov` → `udta` → `meta` → `ilst`. Generators put their settings there.
//! *Source:* QuickTime File Format, "Metadata"; ISO/IEC 14496-12 `udta`.

use std::borrow::Cow;

use super::bmff::{Bx, boxes};
use super::bytes::be32;
use super::{Collector, Segment, SegmentKind};

/// Texts kept of one movie.
const MAX_TEXTS: usize = 64;
/// Bytes of a key.
const MAX_KEY: usize = 80;

/// Adds the texts below a `moov` box.
pub(super) fn texts<'a>(file: &'a [u8], moov: &Bx<'a>, out: &mut Collector<'a>) {
    let end = |bx: &Bx<'_>| bx.start.saturating_add(bx.data.len());
    let children = boxes(file, moov.start, end(moov), out);
    let mut metas: Vec<Bx<'a>> = children.iter().filter(|b| &b.name == b"meta").copied().collect();
    for udta in children.iter().filter(|b| &b.name == b"udta").take(2) {
        metas.extend(boxes(file, udta.start, end(udta), out).into_iter().filter(|b| &b.name == b"meta"));
    }
    for meta in metas.iter().take(4) {
        // A full box in ISO files, a plain one in QuickTime's: then a box's name stands 4 bytes in.
        let plain = meta.data.get(4..8).is_some_and(|name| name.iter().all(u8::is_ascii_lowercase));
        let from = meta.start.saturating_add(if plain { 0 } else { 4 });
        let inside = boxes(file, from, end(meta), out);
        let keys = inside.iter().find(|b| &b.name == b"keys").map(|b| keys(b.data)).unwrap_or_default();
        for list in inside.iter().filter(|b| &b.name == b"ilst").take(1) {
            for item in boxes(file, list.start, end(list), out).iter().take(MAX_TEXTS) {
                let index =
                    usize::try_from(u32::from_be_bytes(item.name)).ok().and_then(|i| i.checked_sub(1));
                let key = index.and_then(|i| keys.get(i).cloned()).unwrap_or_else(|| name(item.name));
                for data in
                    boxes(file, item.start, end(item), out).iter().filter(|b| &b.name == b"data").take(1)
                {
                    // Type 1 is UTF-8; a locale follows.
                    if be32(data.data, 0) == Some(1) {
                        let payload = data.start.saturating_add(8);
                        let text = data.data.get(8..).unwrap_or_default();
                        out.push(Segment {
                            kind: SegmentKind::Comment,
                            offset: item.at as u64,
                            length: end(item).saturating_sub(item.at) as u64,
                            payload_offset: payload as u64,
                            data: Cow::Borrowed(text),
                            field: "bmff:ilst",
                            keyword: Some(key.clone()),
                        });
                    }
                }
            }
        }
    }
}

/// `©cmt` as `cmt`, `desc` as it is.
fn name(name: [u8; 4]) -> String {
    name.iter().filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect()
}

/// Names that items refer to by their place.
fn keys(data: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 8usize;
    while found.len() < MAX_TEXTS {
        let Some(size) = be32(data, at).and_then(|n| usize::try_from(n).ok()).filter(|n| *n >= 8) else {
            break;
        };
        let Some(key) = data.get(at.saturating_add(8)..at.saturating_add(size)) else {
            break;
        };
        let key = key.get(..key.len().min(MAX_KEY)).unwrap_or_default();
        found.push(String::from_utf8_lossy(key).into_owned());
        at = at.saturating_add(size);
    }
    found
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
