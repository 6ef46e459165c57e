//! Where a score means anything: format, size and quality in buckets. They are matched, and never weighed: they separate
//! the classes of any collection and say nothing of origin.

use std::collections::BTreeMap;

use crate::item::Item;

/// Adds `format`, `size_bucket` (short side in pixels) and `quality_bucket` (of JPEG, by the example tables) to `facts`, where no
/// examiner has.
pub(crate) fn note(item: &Item<'_>, facts: &mut BTreeMap<String, String>) {
    let jpeg = item.segments.jpeg.as_ref();
    let format = item.segments.format.map_or("unknown", |f| f.as_str());
    let quality = match jpeg.map(|j| j.luma_table().and_then(|t| t.ijg)) {
        None => "not_jpeg",
        Some(None) => "own_tables",
        Some(Some(ijg)) => quality_bucket(ijg.quality.into()),
    };
    for (name, value) in [
        ("format", format),
        ("size_bucket", size_bucket(item.width.min(item.height))),
        ("quality_bucket", quality),
    ] {
        facts.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

fn size_bucket(short_side: u32) -> &'static str {
    match short_side {
        0 => "unknown",
        1..256 => "1-255",
        256..512 => "256-511",
        512..1024 => "512-1023",
        1024..2048 => "1024-2047",
        _ => "2048-",
    }
}

fn quality_bucket(quality: u32) -> &'static str {
    match quality {
        0..70 => "0-69",
        70..80 => "70-79",
        80..88 => "80-87",
        88..94 => "88-93",
        _ => "94-100",
    }
}
