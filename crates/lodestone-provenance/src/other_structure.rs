//! What the structure of files other than JPEG says of a camera's claim: HEIF as phones write it, and raw sensor data.
//!
//! A phone's HEIF is a grid of tiles with a thumbnail; the common library writes one coded picture and no thumbnail.
//! Raw files hold sensor data in a layout of their maker's own: nobody writes one by saving a picture again.
//! *Source:* ISO/IEC 23008-12; how phones and libraries lay their files out is general knowledge of the field, not
//! measured on a corpus.

use lodestone_media::Format;
use lodestone_media::segments::HeifStructure;
use lodestone_types::{Location, Proposition, Strength};

use crate::item::Item;
use crate::reading::{Reading, against, supports};

const EXAMINER: &str = "file-structure";

pub(crate) fn examine(item: &Item<'_>, reading: &mut Reading) {
    if !reading.camera.is_partial() || !reading.camera.make_and_model {
        return;
    }
    let make = reading.camera.name.clone().unwrap_or_default().to_lowercase();
    match (item.segments.format, item.segments.heif) {
        (Some(Format::Heif), Some(heif)) => heif_claim(heif, &make, reading),
        (Some(Format::Raw), _) => raw_claim(item.bytes, &make, reading),
        _ => {}
    }
}

fn heif_claim(heif: HeifStructure, make: &str, reading: &mut Reading) {
    let place = Location {
        offset: None,
        field: "bmff:meta".to_owned(),
        raw: Some(format!(
            "{}, {} coded items, {}",
            if heif.grid { "a grid of tiles" } else { "no grid" },
            heif.coded,
            if heif.thumbnail { "a thumbnail" } else { "no thumbnail" }
        )),
    };
    if heif.grid && heif.thumbnail && heif.coded > 2 {
        agrees(reading, "the HEIF file is tiled and has a thumbnail, as phones write it", place);
    } else if make.starts_with("apple") && !heif.grid {
        reading.find(
            EXAMINER,
            "structure.disagrees",
            "an Apple device is named, whose HEIF files are tiled; this one is a single picture, as libraries write it"
                .to_owned(),
            vec![place],
            vec![
                supports(Proposition::EditedCapture, Strength::Moderate),
                against(Proposition::CameraOriginal, Strength::Moderate),
            ],
        );
        reading.camera.structure_agrees = Some(false);
    }
}

/// Beginnings of raw files, and the makers that write them.
const RAW: [(&[u8], usize, &[&str]); 7] = [
    (b"CR\x02", 8, &["canon"]),
    (b"ftypcrx ", 4, &["canon"]),
    (b"FUJIFILMCCD-RAW", 0, &["fuji"]),
    (b"IIRO", 0, &["olympus", "om digital"]),
    (b"IIRS", 0, &["olympus", "om digital"]),
    (b"MMOR", 0, &["olympus", "om digital"]),
    (b"IIU\0", 0, &["panasonic", "leica"]),
];
/// Makers whose raw files are TIFF with sub-directories of their own, or who write DNG in the camera.
const TIFF_RAW: [&str; 14] = [
    "nikon",
    "sony",
    "pentax",
    "ricoh",
    "samsung",
    "leica",
    "apple",
    "google",
    "dji",
    "hasselblad",
    "sigma",
    "kodak",
    "epson",
    "canon",
];

fn raw_claim(bytes: &[u8], make: &str, reading: &mut Reading) {
    let marked = RAW.iter().find(|(mark, at, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(mark)));
    let fits = match marked {
        Some((_, _, makers)) => makers.iter().any(|m| make.starts_with(m)),
        None => TIFF_RAW.iter().any(|m| make.starts_with(m)),
    };
    if fits {
        let place = Location { offset: Some(0), field: "file:header".to_owned(), raw: None };
        agrees(reading, "the file holds raw sensor data in a layout that this maker's cameras write", place);
    }
}

fn agrees(reading: &mut Reading, what: &str, place: Location) {
    let strength = if reading.camera.is_full() { Strength::Moderate } else { Strength::Weak };
    let bearing = supports(Proposition::CameraOriginal, strength);
    reading.find(EXAMINER, "structure.agrees", what.to_owned(), vec![place], vec![bearing]);
    reading.camera.structure_agrees = Some(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(make: &str) -> Reading {
        let mut reading = Reading::default();
        reading.camera.make_and_model = true;
        reading.camera.name = Some(make.to_owned());
        reading
    }

    #[test]
    fn a_tiled_file_with_a_thumbnail_agrees_and_a_single_picture_of_an_apple_device_disagrees() {
        let tiled = HeifStructure { grid: true, coded: 49, thumbnail: true };
        let single = HeifStructure { grid: false, coded: 1, thumbnail: false };
        for (heif, make, expected) in [
            (tiled, "apple iphone 12", Some(true)),
            (single, "apple iphone 12", Some(false)),
            (single, "another maker", None),
        ] {
            let mut reading = claimed(make);
            heif_claim(heif, make, &mut reading);
            assert_eq!(reading.camera.structure_agrees, expected, "{make}");
        }
    }

    #[test]
    fn a_raw_layout_speaks_only_for_its_own_maker() {
        let file = b"II*\0\x10\0\0\0CR\x02\0rest";
        for (make, expected) in [("canon eos r5", Some(true)), ("nikon z 9", None)] {
            let mut reading = claimed(make);
            raw_claim(file, make, &mut reading);
            assert_eq!(reading.camera.structure_agrees, expected, "{make}");
        }
    }
}
