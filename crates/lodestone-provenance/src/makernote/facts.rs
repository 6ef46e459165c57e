//! What a MakerNote says of the picture it was written for.

use super::directory::Directory;
use crate::exif_date::{self, DateTime};

/// Facts of one note. Serial numbers and names are noted as there, never kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// Model as the note writes it.
    pub(crate) model: Option<String>,
    /// When it was written.
    pub(crate) date: Option<DateTime>,
    /// Sizes of the picture, in pixels.
    pub(crate) sizes: Vec<(u32, u32)>,
    /// Exposure time in seconds.
    pub(crate) exposure_time: Option<f64>,
    /// Bytes of the compressed picture.
    pub(crate) data_bytes: Option<u32>,
    /// A serial number is there.
    pub(crate) serial: bool,
    /// A count of shutter releases or of files is there.
    pub(crate) counter: bool,
    /// Firmware as the note writes it.
    pub(crate) firmware: Option<String>,
}

/// Bytes looked through for dates and names. 64 KiB: what one JPEG segment holds.
const MAX_SEARCH: usize = 64 << 10;

impl Facts {
    /// Looks for a date in ASCII and for the model's name, anywhere in the note.
    pub(super) fn search(&mut self, note: &[u8], model: &str) {
        let note = note.get(..note.len().min(MAX_SEARCH)).unwrap_or_default();
        self.date = note.windows(19).find_map(|w| {
            matches!(w.first(), Some(b'1' | b'2')).then(|| exif_date::parse_bytes(w)).flatten()
        });
        let model = model.trim().as_bytes();
        if model.len() >= 4
            && let Some(first) = model.first()
            && note.windows(model.len()).any(|w| w.first() == Some(first) && w == model)
        {
            self.model = Some(String::from_utf8_lossy(model).into_owned());
        }
    }

    fn size(&mut self, width: Option<u32>, height: Option<u32>) {
        if let (Some(width @ 16..), Some(height @ 16..)) = (width, height) {
            self.sizes.push((width, height));
        }
    }
}

/// Reads what a vendor's fields say.
pub(super) fn read(vendor: &str, d: &Directory<'_>, blob: &[u8], facts: &mut Facts) {
    match vendor {
        "Canon" => canon(d, facts),
        "Nikon" => {
            facts.serial = d.get(0x001d).is_some();
            facts.counter = d.get(0x00a7).is_some();
            facts.data_bytes = d.number(0x00a2, 0).filter(|&n| n > 0);
        }
        "Sony" | "Hasselblad" => {
            // Height first.
            facts.size(d.number(0xb02b, 1), d.number(0xb02b, 0));
            facts.serial = d.get(0x2031).is_some();
        }
        "Fujifilm" => {
            facts.serial = d.get(0x0010).is_some();
            facts.counter = d.get(0x1438).is_some();
            facts.firmware = d.text(0x0000);
        }
        "General Electric" => facts.size(d.number(0x0300, 0), d.number(0x0301, 0)),
        "Olympus" | "OM System" | "Epson" => olympus(d, blob, facts),
        "Panasonic" | "Leica" => {
            facts.size(d.number(0x004b, 0), d.number(0x004c, 0));
            facts.serial = d.get(0x0025).is_some();
            facts.firmware = d.get(0x0002).map(|_| "present".to_owned());
        }
        "Pentax" => pentax(d, facts),
        "Samsung" => {
            facts.firmware = d.text(0xa001);
            facts.serial = d.get(0xa002).is_some();
        }
        "Sigma" => {
            facts.serial = d.get(0x0002).is_some();
            facts.firmware = d.text(0x0017);
        }
        "Casio" => facts.firmware = d.text(0x2001),
        "Apple" => facts.counter = d.get(0x0011).is_some() || d.get(0x0015).is_some(),
        _ => {}
    }
}

fn canon(d: &Directory<'_>, facts: &mut Facts) {
    facts.model = d.text(0x0006).or_else(|| facts.model.take());
    facts.firmware = d.text(0x0007);
    facts.serial = d.get(0x000c).is_some();
    facts.counter = d.get(0x0008).is_some();
    // AFInfo2 and AFInfo: the picture's size among the focus points.
    facts.size(d.number(0x0026, 4), d.number(0x0026, 5));
    facts.size(d.number(0x0012, 2), d.number(0x0012, 3));
    // AspectInfo: the cropped size.
    facts.size(d.number(0x009a, 1), d.number(0x009a, 2));
    // ShotInfo: the exposure time aimed at, in APEX of 1/32.
    if let Some(tv) = d.number(0x0004, 5).and_then(|n| u16::try_from(n).ok())
        && tv != 0
    {
        let tv = f64::from(tv.cast_signed());
        facts.exposure_time = Some((-tv / 32.0).exp2());
    }
}

fn olympus(d: &Directory<'_>, blob: &[u8], facts: &mut Facts) {
    facts.size(d.number(0x020b, 0), d.number(0x020c, 0));
    facts.serial = d.get(0x0404).is_some();
    if let Some(processing) = d.inner(blob, 0x2040) {
        facts.size(processing.number(0x0614, 0), processing.number(0x0615, 0));
    }
    if let Some(equipment) = d.inner(blob, 0x2010) {
        facts.serial |= equipment.get(0x0101).is_some();
        facts.firmware = equipment.get(0x0104).map(|_| "present".to_owned());
    }
}

fn pentax(d: &Directory<'_>, facts: &mut Facts) {
    facts.serial = d.get(0x0229).is_some() || d.get(0x0215).is_some();
    facts.counter = d.get(0x005d).is_some();
    facts.exposure_time = d.number(0x0012, 0).filter(|&n| n > 0).map(|n| f64::from(n) / 100_000.0);
    let date = d.get(0x0006).map(|e| e.data);
    let time = d.get(0x0007).map(|e| e.data);
    if let (Some(&[y, z, month, day, ..]), Some(&[hour, minute, second, ..])) = (date, time) {
        let parts =
            [u16::from_be_bytes([y, z]), month.into(), day.into(), hour.into(), minute.into(), second.into()];
        facts.date = DateTime::new(parts).or(facts.date);
    }
}
