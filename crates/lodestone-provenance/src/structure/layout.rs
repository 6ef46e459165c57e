//! What a JPEG's habits tell without a database: whether a camera's own encoder, a phone's, or a library wrote it.
//!
//! Cameras encode in hardware with tables of their maker's, put EXIF first because the standard asks for it, leave out
//! JFIF because it asks for that too, and use the example Huffman tables because those need no second pass. The common
//! library (libjpeg and its kin) scales the example quantisation tables, writes a JFIF header first, and one segment
//! for each table.
//!
//! *Source:* CIPA DC-008 (EXIF), 4.5.4: APP1 directly behind SOI; JFIF 1.02: APP0 directly behind SOI; libjpeg
//! `jcmarker.c` (order of segments); Kornblum 2008 and Farid TR2008-638 (tables). Phones: published metadata of an iPhone
//! 6, HTC One M8 and OnePlus 8 (drewnoakes/metadata-extractor-images) has no JFIF header, 2×2 sampling, a thumbnail.

use lodestone_media::segments::{Frame, Huffman, IjgRole, JpegStructure};

use super::Class;

/// How quantisation, frame and Huffman segments follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One DQT for each table, SOF, one DHT for each table, restarts, SOS: libjpeg's.
    Libjpeg,
    /// SOF, DHT, DQT, restarts, SOS: Apple's image framework.
    Apple,
    /// One DQT with all tables, and one DHT: firmware, Adobe's, small encoders.
    Joined,
    /// Another: firmware, mostly.
    Other,
}

/// What the layout tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Order of its segments.
    pub order: Order,
    /// Who writes like this.
    pub class: Class,
    /// Traits that speak for it, in words.
    pub traits: Vec<&'static str>,
}

/// Makers whose phones are known to encode with the common library's tables and segment order, but without JFIF. Lower
/// case, as a prefix of EXIF's Make.
const PHONE_MAKERS: [&str; 34] = [
    "apple",
    "samsung",
    "google",
    "huawei",
    "honor",
    "xiaomi",
    "redmi",
    "poco",
    "oppo",
    "vivo",
    "oneplus",
    "realme",
    "motorola",
    "lge",
    "lg electronics",
    "htc",
    "nokia",
    "hmd",
    "sony",
    "zte",
    "nubia",
    "asus",
    "lenovo",
    "meizu",
    "tcl",
    "blackberry",
    "research in motion",
    "microsoft",
    "jolla",
    "fairphone",
    "nothing",
    "wiko",
    "infinix",
    "tecno",
];

/// Whether a maker builds phones.
pub(crate) fn is_phone_maker(make: &str) -> bool {
    let make = make.trim().to_lowercase();
    PHONE_MAKERS.iter().any(|m| make.starts_with(m))
}

/// Reads the habits of a JPEG's writer. `make` is the maker that the file itself names, if it names one.
pub fn read_layout(jpeg: &JpegStructure, make: Option<&str>) -> Layout {
    let order = order(jpeg);
    let (class, traits) = class(jpeg, order, make);
    Layout { order, class, traits }
}

fn order(jpeg: &JpegStructure) -> Order {
    let before_scan = jpeg.markers.iter().map(|m| m.code).take_while(|&code| code != 0xda);
    let words: Vec<u8> = before_scan.filter(|code| matches!(code, 0xc0..=0xcf | 0xdb | 0xdd)).collect();
    let count = |code: u8| words.iter().filter(|&&c| c == code).count();
    let is_frame = |c: u8| matches!(c, 0xc0..=0xcf) && !matches!(c, 0xc4 | 0xc8 | 0xcc);
    let mut runs = words.iter().map(|&c| if is_frame(c) { 0xc0 } else { c }).collect::<Vec<_>>();
    runs.dedup();
    let (dqt, dht) = (count(0xdb), count(0xc4));
    // A progressive scan needs fewer Huffman tables before it than the picture has.
    let apart = dqt == jpeg.tables.len() && (dht == jpeg.huffman_tables.len() || jpeg.scans > 1);
    match runs.as_slice() {
        [0xdb, 0xc0, 0xc4] | [0xdb, 0xc0, 0xc4, 0xdd] if apart && (dqt > 1 || dht > 1) => Order::Libjpeg,
        [0xc0, 0xc4, 0xdb] | [0xc0, 0xc4, 0xdb, 0xdd] if apart => Order::Apple,
        _ if dqt == 1 && dht == 1 => Order::Joined,
        _ => Order::Other,
    }
}

fn class(jpeg: &JpegStructure, order: Order, make: Option<&str>) -> (Class, Vec<&'static str>) {
    if jpeg.adobe.is_some() || jpeg.apps.iter().any(|a| a.name == "Ducky") {
        return (Class::Editor, vec!["an Adobe segment"]);
    }
    let progressive = jpeg.frame.as_ref().is_some_and(Frame::is_progressive);
    let ijg = jpeg.all_ijg();
    if jpeg.has_jfif && (!jpeg.has_exif || jpeg.jfif_before_exif) {
        let mut traits = vec!["a JFIF header first"];
        if ijg {
            traits.push("scaled example quantisation tables");
        }
        if order == Order::Apple {
            traits.push("the segment order of Apple's image framework");
        }
        if progressive {
            traits.push("progressive");
        }
        let library = ijg || order == Order::Apple || progressive;
        return (if library { Class::Library } else { Class::Unknown }, traits);
    }
    if progressive {
        return (Class::Library, vec!["progressive"]);
    }
    // A file without any metadata has nothing that a camera would leave.
    if !jpeg.has_exif || jpeg.has_jfif || jpeg.huffman == Huffman::Own {
        return (Class::Unknown, Vec::new());
    }
    let traits = firmware(jpeg, order);
    if !traits.is_empty() {
        let phone = make.is_some_and(is_phone_maker);
        return (if phone { Class::Phone } else { Class::Camera }, traits);
    }
    if make.is_some_and(is_phone_maker) {
        return (Class::Phone, vec!["EXIF first and no JFIF header, as phones write"]);
    }
    (Class::Unknown, Vec::new())
}

/// Traits of cameras' and phones' own encoders, of a sequential file with EXIF and without JFIF and with the example
/// Huffman tables.
fn firmware(jpeg: &JpegStructure, order: Order) -> Vec<&'static str> {
    let mut traits = Vec::new();
    if !jpeg.all_ijg() {
        traits.push("quantisation tables of the maker's own");
    }
    let sampling = jpeg.frame.as_ref().and_then(Frame::sampling);
    if matches!(sampling, Some((2, 1) | (1, 2))) && jpeg.thumbnail.is_some() {
        traits.push("4:2:2 sampling and a thumbnail");
    }
    if jpeg.tables.len() >= 3 && jpeg.scans <= 1 {
        traits.push("a quantisation table for each component");
    }
    let chroma_first =
        jpeg.tables.first().and_then(|t| t.ijg).is_some_and(|m| m.role == IjgRole::Chroma && m.quality < 100);
    if chroma_first && jpeg.tables.len() > 1 {
        traits.push("the chroma table first");
    }
    match order {
        Order::Joined if jpeg.huffman == Huffman::Standard => traits.push("all tables in one segment"),
        Order::Other if jpeg.huffman == Huffman::Standard => traits.push("a segment order of firmware"),
        _ => {}
    }
    if jpeg.restart_interval.is_some() && order != Order::Apple {
        traits.push("restart markers");
    }
    traits
}

/// The main picture is built as the common library builds it, but the thumbnail is not: the two were not written by the
/// same encoder.
pub(crate) fn thumbnail_of_another_encoder(jpeg: &JpegStructure) -> bool {
    let Some(thumbnail) = &jpeg.thumbnail else { return false };
    let inner = &thumbnail.structure;
    order(jpeg) == Order::Libjpeg
        && jpeg.all_ijg()
        && !inner.tables.is_empty()
        && !inner.all_ijg()
        && inner.huffman == Huffman::Standard
}
