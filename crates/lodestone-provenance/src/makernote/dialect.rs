//! Who writes which header, where the directory begins, and what its offsets count from.

use super::directory::Order;

/// What offsets of values count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The start of the EXIF blob: moving the note breaks them.
    Blob,
    /// The start of the note.
    Note,
    /// A TIFF header of its own, at `directory`.
    Header,
    /// The start of the note; the directory's place is written at `directory`, little-endian.
    Linked,
    /// There is no directory.
    Binary,
}

/// Which byte order a directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordering {
    /// The blob's, or rarely the other.
    Blob,
    Little,
    Big,
    /// Written as `II` or `MM` at this place of the note.
    At(usize),
}

impl Ordering {
    pub(super) fn resolve(self, note: &[u8], blob: Order) -> Order {
        match self {
            Self::Blob => blob,
            Self::Little => Order::Little,
            Self::Big => Order::Big,
            Self::At(at) => Order::written(note, at).unwrap_or(blob),
        }
    }
}

/// A vendor's way to write.
#[derive(Debug)]
pub(super) struct Dialect {
    /// What the note begins with; empty: a bare directory, known by Make.
    pub(super) header: &'static [u8],
    pub(super) vendor: &'static str,
    /// Words of which Make must hold one, lower case.
    pub(super) makes: &'static [&'static str],
    /// Where the directory begins.
    pub(super) directory: usize,
    pub(super) base: Base,
    pub(super) order: Ordering,
}

const fn dialect(
    header: &'static [u8],
    vendor: &'static str,
    makes: &'static [&'static str],
    directory: usize,
    base: Base,
    order: Ordering,
) -> Dialect {
    Dialect { header, vendor, makes, directory, base, order }
}

/// The dialect of a note, by header, else by Make.
pub(super) fn of(note: &[u8], make: &str) -> Option<&'static Dialect> {
    HEADED.iter().find(|d| note.starts_with(d.header)).or_else(|| {
        let bare = BARE.iter().find(|d| d.makes.iter().any(|word| make.contains(word)))?;
        bare_directory(note).then_some(bare)
    })
}

/// A count of fields and a first field of a type that is one, in either order.
fn bare_directory(note: &[u8]) -> bool {
    match note {
        [count, 0, _, _, 1..=13, 0, ..] | [0, count, _, _, 0, 1..=13, ..] => *count > 0,
        _ => false,
    }
}

use Base::{Binary, Blob, Header, Linked, Note};
use Ordering as O;

/// Longer headers stand before those they begin with.
#[rustfmt::skip]
static HEADED: [Dialect; 53] = [
    dialect(b"Nikon\0\x01\0", "Nikon", &["nikon"], 8, Blob, O::Blob),
    dialect(b"Nikon\0\x02", "Nikon", &["nikon"], 10, Header, O::Blob),
    dialect(b"Nikon\0", "Nikon", &["nikon"], 10, Header, O::Blob),
    dialect(b"OLYMPUS\0", "Olympus", &["olympus", "om digital"], 12, Note, O::At(8)),
    dialect(b"OM SYSTEM\0", "OM System", &["om digital", "olympus"], 16, Note, O::At(12)),
    dialect(b"OLYMP\0", "Olympus", &["olympus", "epson", "seiko"], 8, Blob, O::Blob),
    dialect(b"CAMEDIA", "Olympus", &["olympus"], 8, Blob, O::Blob),
    dialect(b"EPSON\0", "Epson", &["epson"], 8, Blob, O::Blob),
    dialect(b"AGFA \0", "Agfa", &["agfa"], 8, Blob, O::Blob),
    dialect(b"FUJIFILM", "Fujifilm", &["fuji", "leica", "sharp", "ricoh", "minolta"], 8, Linked, O::Little),
    dialect(b"GENERALE", "General Electric", &["general", "ge"], 8, Linked, O::Little),
    dialect(b"GE\x0c\0\0\0\x16\0\0\0", "General Electric", &["general", "ge", "hp", "hewlett", "jvc"], 18, Note, O::Blob),
    dialect(b"GE\0\0", "General Electric", &["general", "ge"], 18, Note, O::Blob),
    dialect(b"JVC ", "JVC", &["jvc", "victor"], 4, Blob, O::Blob),
    dialect(b"Panasonic\0", "Panasonic", &["panasonic", "leica"], 12, Blob, O::Blob),
    dialect(b"MKED", "Panasonic", &["panasonic"], 0, Binary, O::Blob),
    dialect(b"LEICA CAMERA AG\0", "Leica", &["leica"], 18, Note, O::Blob),
    dialect(b"LEICA\0\x02\xff", "Leica", &["leica"], 8, Blob, O::Blob),
    dialect(b"LEICA\0\0\0", "Leica", &["leica", "panasonic"], 8, Blob, O::Blob),
    dialect(b"LEICA\0", "Leica", &["leica"], 8, Note, O::Blob),
    dialect(b"SONY DSC \0", "Sony", &["sony", "hasselblad"], 12, Blob, O::Blob),
    dialect(b"SONY CAM \0", "Sony", &["sony"], 12, Blob, O::Blob),
    dialect(b"SONY MOBILE", "Sony", &["sony"], 12, Blob, O::Blob),
    dialect(b"SONY PI\0", "Sony", &["sony"], 12, Blob, O::Blob),
    dialect(b"SONY PIC\0", "Sony", &["sony"], 12, Blob, O::Blob),
    dialect(b"VHAB     \0", "Hasselblad", &["hasselblad", "sony"], 12, Blob, O::Blob),
    dialect(b"Apple iOS\0", "Apple", &["apple"], 14, Note, O::At(12)),
    dialect(b"AOC\0", "Pentax", &["pentax", "asahi", "samsung", "ricoh"], 6, Blob, O::At(4)),
    dialect(b"PENTAX \0", "Pentax", &["pentax", "ricoh"], 10, Note, O::At(8)),
    dialect(b"SAMSUNG\0", "Samsung", &["samsung"], 10, Note, O::At(8)),
    dialect(b"RICOH\0II", "Ricoh", &["ricoh", "pentax"], 8, Note, O::At(6)),
    dialect(b"RICOH\0MM", "Ricoh", &["ricoh", "pentax"], 8, Note, O::At(6)),
    dialect(b"RICOH\0", "Ricoh", &["ricoh", "pentax"], 8, Blob, O::Blob),
    dialect(b"Ricoh", "Ricoh", &["ricoh"], 8, Blob, O::Big),
    dialect(b"Rv", "Ricoh", &["ricoh"], 0, Binary, O::Blob),
    dialect(b"QVC\0", "Casio", &["casio"], 6, Blob, O::Big),
    dialect(b"DCI\0", "Casio", &["casio", "concord", "hp", "hewlett"], 6, Blob, O::Big),
    dialect(b"SANYO\0", "Sanyo", &["sanyo"], 8, Blob, O::Blob),
    dialect(b"SIGMA\0", "Sigma", &["sigma"], 10, Blob, O::Blob),
    dialect(b"FOVEON\0", "Sigma", &["sigma", "foveon", "polaroid"], 10, Blob, O::Blob),
    dialect(b"KDK", "Kodak", &["kodak"], 0, Binary, O::Blob),
    dialect(b"KYOCERA", "Kyocera", &["kyocera", "contax", "yashica"], 22, Note, O::Blob),
    dialect(b"MINOL", "Minolta", &["minolta"], 8, Blob, O::Blob),
    dialect(b"STMN", "Samsung", &["samsung"], 0, Binary, O::Blob),
    dialect(b"HUAWEI\0", "Huawei", &["huawei", "honor", "leica"], 8, Header, O::Blob),
    dialect(b"MOT\0", "Motorola", &["motorola", "lenovo"], 8, Note, O::Blob),
    dialect(b"Motorola", "Motorola", &["motorola", "lenovo"], 8, Note, O::Blob),
    dialect(b"[ae_dbg", "DJI", &["dji", "hasselblad"], 0, Binary, O::Blob),
    dialect(b"HDRP", "Google HDR+", &["google"], 0, Binary, O::Blob),
    dialect(b"PREMI\0", "Premier", &["premier", "samsung", "polaroid"], 8, Blob, O::Blob),
    dialect(b"IIII", "Hewlett-Packard", &["hewlett", "hp"], 0, Binary, O::Blob),
    dialect(b"ISLMAKERNOTE000\0", "ISL", &["samsung", "general", "ge"], 16, Header, O::Blob),
    dialect(b"RECONYX", "Reconyx", &["reconyx"], 0, Binary, O::Blob),
];

/// Vendors that write a bare directory.
#[rustfmt::skip]
static BARE: [Dialect; 12] = [
    dialect(b"", "Canon", &["canon"], 0, Blob, O::Blob),
    dialect(b"", "Nikon", &["nikon"], 0, Blob, O::Blob),
    dialect(b"", "Casio", &["casio"], 0, Blob, O::Blob),
    dialect(b"", "Sony", &["sony"], 0, Blob, O::Blob),
    dialect(b"", "Samsung", &["samsung"], 0, Note, O::Blob),
    dialect(b"", "Minolta", &["minolta"], 0, Blob, O::Blob),
    dialect(b"", "Pentax", &["pentax", "asahi"], 0, Blob, O::Blob),
    dialect(b"", "Kodak", &["kodak"], 0, Blob, O::Blob),
    dialect(b"", "DJI", &["dji"], 0, Blob, O::Blob),
    dialect(b"", "FLIR", &["flir"], 0, Blob, O::Blob),
    dialect(b"", "Hasselblad", &["hasselblad"], 0, Blob, O::Blob),
    dialect(b"", "Xiaomi", &["xiaomi"], 0, Note, O::Blob),
];
