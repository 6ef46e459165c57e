//! The MakerNote against EXIF and the picture.

use lodestone_media::segments::tiff::tag;
use lodestone_types::{Location, Proposition, Strength};

use crate::exif::Exif;
use crate::exif_date::{self, DateTime};
use crate::makernote::{self, Facts, Layout, Note};
use crate::reading::{NoteState, Reading, against, supports};

/// A MakerNote below this many bytes holds nothing.
const MIN_MAKER_NOTE: usize = 12;
/// Seconds between the note's date and the EXIF date that still agree: some cameras write one at the shutter's opening
/// and the other when the file is written.
const SAME_MOMENT: i64 = 120;

/// Reads the note, if there is one; its place, for the finding on the whole trace.
pub(crate) fn examine(
    exif: &Exif<'_>,
    make: &str,
    model: &str,
    size: (u32, u32),
    reading: &mut Reading,
) -> Option<Location> {
    let field = exif.get(tag::MAKER_NOTE).filter(|f| f.data.len() >= MIN_MAKER_NOTE)?;
    let start = usize::try_from(field.offset).ok()?;
    let at = start..start.saturating_add(field.data.len());
    let note = makernote::read(&exif.segment.data, at, exif.tiff.is_big_endian(), make, model);
    let place = exif.place("MakerNote", field, Some(format!("present, {} bytes", field.data.len())));
    reading.camera.maker_note = true;
    vendor(&note, make, &place, reading);
    layout(&note, &place, reading);
    let agreements = facts(exif, &note.facts, model, size, &place, reading);
    reading.camera.note = match note.layout {
        // Rewritten with the metadata, and still of this picture.
        Layout::Moved if note.shift.is_some() && agreements > 0 => NoteState::Opaque,
        Layout::Moved | Layout::Broken => NoteState::None,
        _ if agreements > 0 => NoteState::Corroborated,
        Layout::Reads => NoteState::Reads,
        Layout::Opaque => NoteState::Opaque,
    };
    Some(place)
}

fn vendor(note: &Note, make: &str, place: &Location, reading: &mut Reading) {
    match (note.vendor, note.agrees) {
        (Some(vendor), Some(false)) if !make.is_empty() => {
            reading.camera.maker_note_disagrees = true;
            reading.find(
                "makernote",
                "makernote.disagrees",
                format!("the MakerNote has the header of {vendor}, the make is another"),
                vec![place.clone()],
                vec![against(Proposition::CameraOriginal, Strength::Moderate)],
            );
        }
        (Some(vendor), _) => reading.find(
            "makernote",
            "makernote.vendor",
            format!("the MakerNote is written as {vendor} writes it"),
            vec![place.clone()],
            Vec::new(),
        ),
        (None, _) => reading.find(
            "makernote",
            "makernote.unknown",
            "a MakerNote without a known vendor's header is there, as some cameras write".to_owned(),
            vec![place.clone()],
            Vec::new(),
        ),
    }
}

fn layout(note: &Note, place: &Location, reading: &mut Reading) {
    let (code, what) = match note.layout {
        Layout::Opaque => return,
        Layout::Reads => {
            reading.find(
                "makernote",
                "makernote.reads",
                format!("its {} fields can be read, and their values lie where they should", note.fields),
                vec![place.clone()],
                Vec::new(),
            );
            return;
        }
        Layout::Moved => (
            "makernote.moved",
            match note.shift {
                Some(shift) => format!(
                    "the MakerNote stood {} bytes {} when it was written",
                    shift.unsigned_abs(),
                    if shift > 0 { "nearer the start" } else { "further from the start" }
                ),
                None => "the MakerNote's values lie elsewhere: it was moved after it was written".to_owned(),
            },
        ),
        Layout::Broken => (
            "makernote.broken",
            "the MakerNote has a vendor's header, and no directory where that vendor writes one".to_owned(),
        ),
    };
    reading.find(
        "makernote",
        code,
        format!("{what}; a program wrote the metadata anew"),
        vec![place.clone()],
        vec![
            supports(Proposition::EditedCapture, Strength::Weak),
            against(Proposition::CameraOriginal, Strength::Weak),
        ],
    );
}

/// Compares what the note says; the number of agreements.
fn facts(
    exif: &Exif<'_>,
    facts: &Facts,
    model: &str,
    size: (u32, u32),
    place: &Location,
    reading: &mut Reading,
) -> usize {
    let mut agree: Vec<&str> = Vec::new();
    let mut differ: Vec<&str> = Vec::new();
    let mut compared = |name: &'static str, agrees: Option<bool>| match agrees {
        Some(true) => agree.push(name),
        Some(false) => differ.push(name),
        None => {}
    };
    compared("model", facts.model.as_deref().and_then(|note| same_model(note, model)));
    compared("date", facts.date.and_then(|date| same_date(exif, date)));
    compared("size", same_size(&facts.sizes, size));
    compared("exposure time", facts.exposure_time.and_then(|time| same_exposure(exif, time)));
    for _ in &agree {
        reading.camera.compare(true);
    }
    let place = || vec![place.clone()];
    let mut there = Vec::new();
    for (is, what) in [
        (facts.serial, "a serial number"),
        (facts.counter, "a counter"),
        (facts.firmware.is_some(), "a firmware version"),
    ] {
        if is {
            there.push(what);
        }
    }
    if !there.is_empty() {
        let what = format!("the MakerNote holds {}", there.join(" and "));
        reading.find("makernote", "makernote.holds", what, place(), Vec::new());
    }
    if !agree.is_empty() {
        reading.find(
            "makernote",
            "makernote.agrees",
            format!("what the MakerNote says of {} agrees with EXIF and the picture", agree.join(", ")),
            place(),
            vec![supports(Proposition::CameraOriginal, Strength::Weak)],
        );
    }
    for name in &differ {
        reading.camera.compare(false);
        let of_picture = matches!(*name, "size" | "date");
        reading.find(
            "makernote",
            "makernote.differs",
            format!("what the MakerNote says of the {name} is not what EXIF and the picture say"),
            place(),
            if of_picture {
                vec![
                    supports(Proposition::EditedCapture, Strength::Weak),
                    against(Proposition::CameraOriginal, Strength::Weak),
                ]
            } else {
                Vec::new()
            },
        );
    }
    agree.len()
}

/// Whether one name holds the other, spaces and punctuation aside. Two names of one camera in two markets share no
/// word, so a difference says nothing.
fn same_model(note: &str, model: &str) -> Option<bool> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let note = plain(note.trim_start_matches("IMG:").trim_start_matches("MVI:"));
    let note = note.strip_suffix("jpeg").unwrap_or(&note);
    let model = plain(model);
    (note.len() >= 2 && model.len() >= 2 && (note.contains(&model) || model.contains(note))).then_some(true)
}

fn same_date(exif: &Exif<'_>, note: DateTime) -> Option<bool> {
    let dates = [tag::DATE_TIME_ORIGINAL, tag::DATE_TIME_DIGITIZED, tag::DATE_TIME];
    let dates = dates.iter().filter_map(|n| exif_date::parse(&exif.get(*n)?.text()?));
    let apart = dates.map(|date| (date.seconds() - note.seconds()).abs()).min()?;
    // A date inside a note may also be the firmware's or the day the clock was set, so a difference says nothing.
    (apart <= SAME_MOMENT).then_some(true)
}

/// Whether one of the sizes is the picture's. Cameras also write the sensor's and the preview's, so only a note whose
/// sizes all are of another shape or smaller differs.
fn same_size(sizes: &[(u32, u32)], (width, height): (u32, u32)) -> Option<bool> {
    if sizes.is_empty() || width == 0 || height == 0 {
        return None;
    }
    if sizes.iter().any(|&(w, h)| (w, h) == (width, height) || (h, w) == (width, height)) {
        return Some(true);
    }
    Some(false)
}

/// Within two thirds of a stop: one is rounded to what a dial shows.
fn same_exposure(exif: &Exif<'_>, note: f64) -> Option<bool> {
    let stated = exif.ratio(tag::EXPOSURE_TIME).filter(|&t| t > 0.0)?;
    let stops = (stated / note).log2().abs();
    (stops < 0.67).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_agree_whatever_the_spelling() {
        assert_eq!(same_model("IMG:PowerShot S40 JPEG", "Canon PowerShot S40"), Some(true));
        assert_eq!(same_model("Canon EOS 5D Mark III", "Canon EOS 5D Mark III"), Some(true));
        assert_eq!(same_model("Canon EOS Kiss X5", "Canon EOS REBEL T3i"), None);
        assert_eq!(same_model("", "Canon"), None);
    }

    #[test]
    fn a_size_agrees_in_either_order() {
        assert_eq!(same_size(&[(640, 480)], (480, 640)), Some(true));
        assert_eq!(same_size(&[(640, 480), (1600, 1200)], (1600, 1200)), Some(true));
        assert_eq!(same_size(&[(2048, 1536)], (1280, 1024)), Some(false));
        assert_eq!(same_size(&[], (8, 8)), None);
    }
}
