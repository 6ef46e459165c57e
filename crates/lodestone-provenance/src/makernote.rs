//! MakerNote: whose it is by its header, and whether that agrees with Make. Its content is not parsed here.
//!
//! *Source:* headers as listed by Exiv2 and ExifTool documentation; Canon and a few others write a bare directory.

/// Header, vendor, words of which Make must hold one (lower case). Longer headers first where one begins another.
const HEADERS: [(&[u8], &str, &[&str]); 33] = [
    (b"Nikon\0", "Nikon", &["nikon"]),
    (b"OLYMPUS\0", "Olympus", &["olympus"]),
    (b"OM SYSTEM\0", "OM System", &["om digital", "olympus"]),
    (b"OLYMP\0", "Olympus", &["olympus", "epson", "seiko"]),
    (b"CAMEDIA", "Olympus", &["olympus"]),
    (b"EPSON\0", "Epson", &["epson"]),
    (b"FUJIFILM", "Fujifilm", &["fuji", "leica", "sharp", "ricoh", "minolta"]),
    (b"GENERALE", "General Electric", &["general", "ge"]),
    (b"Panasonic\0", "Panasonic", &["panasonic", "leica"]),
    (b"MKED", "Panasonic", &["panasonic"]),
    (b"LEICA", "Leica", &["leica"]),
    (b"SONY DSC \0", "Sony", &["sony", "hasselblad"]),
    (b"SONY CAM \0", "Sony", &["sony"]),
    (b"SONY MOBILE", "Sony", &["sony"]),
    (b"SONY PIC\0", "Sony", &["sony"]),
    (b"VHAB     \0", "Hasselblad", &["hasselblad", "sony"]),
    (b"Apple iOS\0", "Apple", &["apple"]),
    (b"AOC\0", "Pentax", &["pentax", "asahi", "samsung", "ricoh"]),
    (b"PENTAX \0", "Pentax", &["pentax", "ricoh"]),
    (b"RICOH\0", "Ricoh", &["ricoh", "pentax"]),
    (b"Ricoh", "Ricoh", &["ricoh"]),
    (b"QVC\0", "Casio", &["casio"]),
    (b"SANYO\0", "Sanyo", &["sanyo"]),
    (b"SIGMA\0", "Sigma", &["sigma"]),
    (b"FOVEON\0", "Sigma", &["sigma", "foveon", "polaroid"]),
    (b"KDK", "Kodak", &["kodak"]),
    (b"KYOCERA", "Kyocera", &["kyocera", "contax", "yashica"]),
    (b"MINOL", "Minolta", &["minolta"]),
    (b"STMN", "Samsung", &["samsung"]),
    (b"HUAWEI\0", "Huawei", &["huawei", "honor", "leica"]),
    (b"Motorola", "Motorola", &["motorola", "lenovo"]),
    (b"[ae_dbg", "DJI", &["dji", "hasselblad"]),
    (b"PREMI\0", "Premier", &["premier", "samsung"]),
];

/// A MakerNote as far as its header tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MakerNote {
    /// The vendor of the header; `None`: a header of no vendor known here, or a bare directory.
    pub(crate) vendor: Option<&'static str>,
    /// Whether the vendor is one that writes this Make; `None` where no vendor is told.
    pub(crate) agrees: Option<bool>,
}

/// Reads the header. `make` as the file states it.
pub(crate) fn read(data: &[u8], make: &str) -> MakerNote {
    let make = make.to_lowercase();
    let known = HEADERS.iter().find(|(header, ..)| data.starts_with(header));
    if known.is_none() && make.contains("canon") && is_canon_directory(data) {
        return MakerNote { vendor: Some("Canon"), agrees: Some(true) };
    }
    MakerNote {
        vendor: known.map(|(_, vendor, _)| *vendor),
        agrees: known.map(|(.., words)| words.iter().any(|w| make.contains(w))),
    }
}

/// Canon writes a bare directory whose first field is 0x0001, an array of shorts, in the blob's byte order.
fn is_canon_directory(data: &[u8]) -> bool {
    matches!(data, [_, 0, 1, 0, 3, 0, ..] | [0, _, 0, 1, 0, 3, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_its_vendor_and_must_agree_with_make() {
        let nikon = read(b"Nikon\0\x02\x10\0\0II", "NIKON CORPORATION");
        assert_eq!((nikon.vendor, nikon.agrees), (Some("Nikon"), Some(true)));
        assert_eq!(read(b"Nikon\0\x02\x10\0\0II", "Canon").agrees, Some(false));
        let canon = read(b"\x1a\0\x01\0\x03\0", "Canon");
        assert_eq!((canon.vendor, canon.agrees), (Some("Canon"), Some(true)));
        let bare = read(b"\x1a\0\x01\0\x03\0", "Acme");
        assert_eq!((bare.vendor, bare.agrees), (None, None));
    }
}
