//! The camera's trace in EXIF, and whether its parts agree with each other and with the picture.

use lodestone_media::segments::tiff::{Field, Ifd, Tiff, tag};
use lodestone_media::segments::{Segment, SegmentKind, Segments};
use lodestone_types::{Location, Proposition, Strength};

use crate::fields::{Fields, raw, segment_offset};
use crate::makernote;
use crate::reading::{Reading, against, supports};

/// A MakerNote below this many bytes holds nothing.
const MIN_MAKER_NOTE: usize = 12;

struct Exif<'s> {
    segment: &'s Segment<'s>,
    tiff: Tiff<'s>,
}

impl<'s> Exif<'s> {
    /// A field of the Exif directory; some writers put it in the first.
    fn get(&self, number: u16) -> Option<&Field<'s>> {
        self.tiff.get(Ifd::Exif, number).or_else(|| self.tiff.get(Ifd::Primary, number))
    }

    fn place(&self, name: &str, field: &Field<'_>, raw: Option<String>) -> Location {
        Location { offset: segment_offset(self.segment, field.offset), field: format!("exif:{name}"), raw }
    }
}

pub(crate) fn examine(segments: &Segments<'_>, fields: &Fields, size: (u32, u32), reading: &mut Reading) {
    let Some((segment, tiff)) = segments.exif() else {
        return;
    };
    reading.applied += 1;
    let exif = Exif { segment, tiff };
    camera(&exif, fields, reading);
    // Dates and sizes of a file without any camera's trace say nothing of a camera.
    if reading.camera.is_partial() {
        dates(&exif, reading);
        let size = match (&segments.jpeg, size) {
            (Some(jpeg), (0, _) | (_, 0)) => {
                jpeg.frame.as_ref().map_or((0, 0), |f| (u32::from(f.width), u32::from(f.height)))
            }
            _ => size,
        };
        dimensions(&exif, size, reading);
        traits(&exif, reading);
    }
}

fn camera(exif: &Exif<'_>, fields: &Fields, reading: &mut Reading) {
    // A Make that a generator's convention uses, or that holds JSON, is no camera's.
    let claimed = |key: &str| {
        let field = fields.first(key)?;
        let generators = reading.generator_fields.contains(&field.key);
        (!generators && !field.text.contains(['{', '['])).then_some(field)
    };
    let (make, model) = (claimed("exif:Make"), claimed("exif:Model"));
    // Conventions put a maker that is no camera's beside a model name: both count, or neither.
    let make_is_generators = reading.generator_fields.iter().any(|f| f == "exif:Make");
    let mut places = Vec::new();
    let mut maker = String::new();
    if !make_is_generators && let Some(model) = model {
        maker = make.map(|m| m.text.trim().to_owned()).unwrap_or_default();
        let model_text = model.text.trim();
        let name = if model_text.to_lowercase().starts_with(&maker.to_lowercase()) {
            model_text.to_owned()
        } else {
            format!("{maker} {model_text}")
        };
        reading.camera.name = Some(raw(&name));
        reading.camera.make_and_model = make.is_some();
        places.extend(make.iter().map(|f| f.location()));
        places.push(model.location());
    }
    if let Some(field) = exif.get(tag::MAKER_NOTE)
        && field.data.len() >= MIN_MAKER_NOTE
    {
        maker_note(exif, field, &maker, reading);
        places.push(exif.place("MakerNote", field, Some(format!("present, {} bytes", field.data.len()))));
    }
    if let Some(field) = exif.get(tag::DATE_TIME_ORIGINAL)
        && let Some(text) = field.text()
        && date(&text).is_some()
    {
        reading.camera.date = true;
        places.push(exif.place("DateTimeOriginal", field, Some(raw(&text))));
    }
    if let Some(field) = exif.get(tag::EXPOSURE_TIME)
        && let Some((numerator, denominator)) = field.rational(0)
        && numerator != 0
        && denominator != 0
    {
        reading.camera.exposure = true;
        places.push(exif.place("ExposureTime", field, Some(format!("{numerator}/{denominator} s"))));
    }
    let camera = &reading.camera;
    let (code, what, strength) = if camera.is_full() {
        (
            "camera.chain.full",
            "make, model, MakerNote, date of capture and exposure are there",
            Strength::Moderate,
        )
    } else if camera.is_partial() {
        ("camera.chain.partial", "some of what a camera writes is there", Strength::Weak)
    } else {
        return;
    };
    let what = format!("{what}; metadata can be copied from another file");
    let bearings = vec![supports(Proposition::CameraOriginal, strength)];
    reading.find("exif", code, what, places, bearings);
}

fn maker_note(exif: &Exif<'_>, field: &Field<'_>, make: &str, reading: &mut Reading) {
    reading.camera.maker_note = true;
    let note = makernote::read(field.data, make);
    let place = exif.place("MakerNote", field, Some(format!("present, {} bytes", field.data.len())));
    match (note.vendor, note.agrees) {
        (Some(vendor), Some(false)) if !make.is_empty() => {
            reading.camera.maker_note_disagrees = true;
            reading.find(
                "makernote",
                "makernote.disagrees",
                format!("the MakerNote has the header of {vendor}, the make is another"),
                vec![place],
                vec![against(Proposition::CameraOriginal, Strength::Moderate)],
            );
        }
        (Some(vendor), _) => reading.find(
            "makernote",
            "makernote.vendor",
            format!("the MakerNote has the header of {vendor}"),
            vec![place],
            Vec::new(),
        ),
        (None, _) => reading.find(
            "makernote",
            "makernote.unknown",
            "a MakerNote without a vendor's header is there, as some cameras write".to_owned(),
            vec![place],
            Vec::new(),
        ),
    }
}

/// `YYYY:MM:DD HH:MM:SS` with possible numbers.
fn date(text: &str) -> Option<[u16; 6]> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() < 19 || bytes.get(10) != Some(&b' ') {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let parts =
        [number(0, 4)?, number(5, 7)?, number(8, 10)?, number(11, 13)?, number(14, 16)?, number(17, 19)?];
    let [year, month, day, hour, minute, second] = parts;
    ((1980..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60)
        .then_some(parts)
}

fn dates(exif: &Exif<'_>, reading: &mut Reading) {
    let read = |field: Option<&Field<'_>>, name: &str| {
        let field = field?;
        let text = field.text()?;
        Some((date(&text)?, exif.place(name, field, Some(raw(&text)))))
    };
    let original = read(exif.get(tag::DATE_TIME_ORIGINAL), "DateTimeOriginal");
    let modified = read(exif.tiff.get(Ifd::Primary, tag::DATE_TIME), "DateTime");
    let (Some((original, first)), Some((modified, second))) = (original, modified) else {
        return;
    };
    reading.applied += 1;
    if modified > original {
        // Most cameras write both at once; some set DateTime when a file is rotated or rated in the camera.
        reading.find(
            "exif",
            "exif.modified_later",
            "the file's date of change is later than the date of capture".to_owned(),
            vec![first, second],
            vec![
                supports(Proposition::EditedCapture, Strength::Weak),
                against(Proposition::CameraOriginal, Strength::Weak),
            ],
        );
    } else if modified < original {
        reading.find(
            "exif",
            "exif.dates_disagree",
            "the file's date of change is earlier than the date of capture".to_owned(),
            vec![first, second],
            vec![against(Proposition::CameraOriginal, Strength::Weak)],
        );
    }
}

/// The size that the camera stated against the picture's; a turned picture may state either order.
fn dimensions(exif: &Exif<'_>, (width, height): (u32, u32), reading: &mut Reading) {
    let stated = |number| {
        let field = exif.tiff.get(Ifd::Exif, number)?;
        Some((field.uint(0)?, field))
    };
    let (Some((x, field)), Some((y, _))) = (stated(tag::PIXEL_X), stated(tag::PIXEL_Y)) else {
        return;
    };
    if width == 0 || height == 0 || x == 0 || y == 0 {
        return;
    }
    reading.applied += 1;
    if (x, y) == (width, height) || (y, x) == (width, height) {
        return;
    }
    reading.camera.size_disagrees = true;
    reading.find(
        "exif",
        "exif.size_disagrees",
        format!("the metadata states {x} x {y} pixels, the picture has {width} x {height}"),
        vec![exif.place("PixelXDimension", field, Some(format!("{x} x {y}")))],
        vec![
            supports(Proposition::EditedCapture, Strength::Moderate),
            against(Proposition::CameraOriginal, Strength::Moderate),
        ],
    );
}

/// Traits shown only: what else a camera or phone wrote.
fn traits(exif: &Exif<'_>, reading: &mut Reading) {
    let triangle = [tag::EXPOSURE_TIME, tag::F_NUMBER, tag::ISO]
        .iter()
        .filter(|number| exif.get(**number).is_some())
        .count();
    let gps = exif.tiff.fields().iter().find(|f| f.ifd == Ifd::Gps && matches!(f.tag, 2 | 4));
    let mut places = Vec::new();
    let mut what = format!("{triangle} of exposure time, aperture and sensitivity are there");
    if let Some(field) = gps {
        // Where a picture was taken is not shown.
        what.push_str("; a place (GPS) is there");
        places.push(exif.place("GPS", field, Some("present".to_owned())));
    }
    reading.find("exif", "exif.traits", what, places, Vec::new());
}

/// Whether the file has an EXIF blob in a JPEG.
pub(crate) fn in_jpeg(segments: &Segments<'_>) -> bool {
    segments.jpeg.is_some() && segments.of(SegmentKind::Exif).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_cannot_be_are_no_dates() {
        assert!(date("2019:06:01 12:00:00").is_some());
        for text in ["0000:00:00 00:00:00", "2019:13:01 12:00:00", "yesterday", "    :  :     :  :  "] {
            assert!(date(text).is_none(), "{text}");
        }
    }
}
