//! Notes without a directory. *Source:* tables of ExifTool (Kodak, HP).

use super::Facts;
use super::directory::Order;
use crate::exif_date::DateTime;

pub(super) fn read(vendor: &str, note: &[u8], facts: &mut Facts) {
    if vendor == "Kodak" {
        kodak(note, facts);
    }
    if vendor == "Hewlett-Packard" {
        facts.serial = note.windows(14).any(|w| w == b"SERIAL NUMBER:");
        facts.exposure_time = Order::Little
            .u32(note, 16)
            .filter(|n| (1..=60_000_000).contains(n))
            .map(|micros| f64::from(micros) / 1e6);
    }
}

/// `KDK INFO` is big-endian, `KDK0100` little-endian; model, size and date stand at fixed places.
fn kodak(note: &[u8], facts: &mut Facts) {
    let order = if note.starts_with(b"KDK INFO") { Order::Big } else { Order::Little };
    if let (Some(width @ 16..), Some(height @ 16..)) = (order.u16(note, 20), order.u16(note, 22)) {
        facts.sizes.push((width.into(), height.into()));
    }
    if let (Some(year), Some(&[month, day, hour, minute, second])) = (order.u16(note, 24), note.get(26..31)) {
        let parts = [year, month.into(), day.into(), hour.into(), minute.into(), second.into()];
        facts.date = DateTime::new(parts).or(facts.date);
    }
}
