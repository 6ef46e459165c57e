//! The camera's trace in EXIF, and whether its parts agree with each other and with the picture.

use lodestone_media::segments::tiff::{Field, Ifd, Tiff, tag};
use lodestone_media::segments::{Segment, SegmentKind, Segments};
use lodestone_types::{CheckState, Location, Proposition, Strength};

use crate::exif_date;
use crate::fields::{Fields, raw, segment_offset};
use crate::reading::{Reading, against, supports};
use crate::{exposure, note_checks, thumbnail, timing};

/// A parsed EXIF blob with its segment.
pub(crate) struct Exif<'s> {
    pub(crate) segment: &'s Segment<'s>,
    pub(crate) tiff: Tiff<'s>,
}

impl<'s> Exif<'s> {
    /// A field of the Exif directory; some writers put it in the first.
    pub(crate) fn get(&self, number: u16) -> Option<&Field<'s>> {
        self.tiff.get(Ifd::Exif, number).or_else(|| self.tiff.get(Ifd::Primary, number))
    }

    /// Where a field stands, with what is shown of it.
    pub(crate) fn place(&self, name: &str, field: &Field<'_>, raw: Option<String>) -> Location {
        Location { offset: segment_offset(self.segment, field.offset), field: format!("exif:{name}"), raw }
    }

    /// An unsigned rational as a number; `None` where it is none or its denominator is 0.
    pub(crate) fn ratio(&self, number: u16) -> Option<f64> {
        let (n, d) = self.get(number)?.rational(0)?;
        (d != 0).then(|| f64::from(n) / f64::from(d))
    }

    /// A signed rational as a number; some writers use unsigned ones.
    pub(crate) fn signed_ratio(&self, number: u16) -> Option<f64> {
        match self.get(number)?.signed_rational(0) {
            Some((n, d)) => (d != 0).then(|| f64::from(n) / f64::from(d)),
            None => self.ratio(number),
        }
    }
}

/// Reads the trace. `size`: width and height of the decoded picture, 0 where unknown.
pub(crate) fn examine(segments: &Segments<'_>, fields: &Fields, size: (u32, u32), reading: &mut Reading) {
    let Some((segment, tiff)) = segments.exif() else {
        reading.check("exif", CheckState::NotApplicable, Some("no EXIF".to_owned()));
        reading.facts.insert("camera_metadata".to_owned(), "none".to_owned());
        reading.facts.insert("exif_consistency".to_owned(), "none".to_owned());
        reading.facts.insert("thumbnail".to_owned(), "none".to_owned());
        return;
    };
    let embedded = if tiff.thumbnail(&segment.data).is_some() { "not_compared" } else { "none" };
    reading.facts.insert("thumbnail".to_owned(), embedded.to_owned());
    reading.applied += 1;
    reading.check("exif", CheckState::Applied, None);
    let exif = Exif { segment, tiff };
    let size = picture_size(segments, size);
    camera(&exif, fields, size, reading);
    // Dates and sizes of a file without any camera's trace say nothing of a camera.
    if reading.camera.is_partial() {
        timing::examine(&exif, reading);
        exposure::examine(&exif, reading);
        dimensions(&exif, segments, size, reading);
        thumbnail::shape(&exif, size, reading);
        second(segments, reading);
        traits(&exif, reading);
    }
    consistency(reading);
}

/// The decoded picture's size, or what a JPEG's frame states.
fn picture_size(segments: &Segments<'_>, size: (u32, u32)) -> (u32, u32) {
    match (&segments.jpeg, size) {
        (Some(jpeg), (0, _) | (_, 0)) => {
            jpeg.frame.as_ref().map_or((0, 0), |f| (u32::from(f.width), u32::from(f.height)))
        }
        _ => size,
    }
}

fn camera(exif: &Exif<'_>, fields: &Fields, size: (u32, u32), reading: &mut Reading) {
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
    let (mut maker, mut model_text) = (String::new(), String::new());
    if !make_is_generators && let Some(model) = model {
        maker = make.map(|m| m.text.trim().to_owned()).unwrap_or_default();
        model_text = model.text.trim().to_owned();
        let name = if model_text.to_lowercase().starts_with(&maker.to_lowercase()) {
            model_text.clone()
        } else {
            format!("{maker} {model_text}")
        };
        reading.camera.name = Some(raw(&name));
        reading.camera.make_and_model = make.is_some();
        reading.camera.game = is_game(&name);
        places.extend(make.iter().map(|f| f.location()));
        places.push(model.location());
    }
    if let Some(place) = note_checks::examine(exif, &maker, &model_text, size, reading) {
        places.push(place);
    }
    if let Some(field) = exif.get(tag::DATE_TIME_ORIGINAL)
        && let Some(text) = field.text()
        && exif_date::parse(&text).is_some()
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
    reading.camera.complete = completeness(exif) >= COMPLETE;
    chain(places, reading);
}

fn chain(places: Vec<Location>, reading: &mut Reading) {
    let camera = &reading.camera;
    let (code, what, fact, strength) = if camera.game {
        (
            "camera.chain.game",
            "the make or model is a game's: a picture taken in a game, in the fields of a camera",
            "some",
            None,
        )
    } else if camera.is_full() {
        (
            "camera.chain.full",
            "make, model, MakerNote, date of capture and exposure are there; metadata can be copied from another file",
            "full",
            Some(Strength::Moderate),
        )
    } else if camera.is_partial() {
        (
            "camera.chain.partial",
            "some of what a camera writes is there; metadata can be copied from another file",
            "some",
            Some(Strength::Weak),
        )
    } else {
        reading.facts.insert("camera_metadata".to_owned(), "none".to_owned());
        return;
    };
    let bearings = match strength {
        Some(strength) => vec![supports(Proposition::CameraOriginal, strength)],
        None => vec![
            supports(Proposition::OtherSynthetic, Strength::Moderate),
            against(Proposition::CameraOriginal, Strength::Moderate),
        ],
    };
    reading.find("exif", code, what.to_owned(), places, bearings);
    reading.fact("camera_metadata", fact);
}

/// Makes and models under which games and consoles write their photo modes' pictures.
const GAMES: [&str; 12] = [
    "polyphony",
    "gran turismo",
    "nintendo switch",
    "playstation",
    "sony interactive",
    "sony computer entertainment",
    "xbox",
    "forza",
    "nvidia ansel",
    "ubisoft",
    "rockstar games",
    "second life",
];

fn is_game(name: &str) -> bool {
    let name = name.to_lowercase();
    GAMES.iter().any(|game| name.contains(game))
}

/// Fields that cameras write and that programs seldom make up. Of 14.
const USUAL: [u16; 14] = [
    tag::F_NUMBER,
    tag::ISO,
    tag::FOCAL_LENGTH,
    tag::SHUTTER_SPEED,
    tag::APERTURE,
    0x8822, // ExposureProgram
    0x9000, // ExifVersion
    0x9101, // ComponentsConfiguration
    0x9204, // ExposureBiasValue
    0x9207, // MeteringMode
    0x9209, // Flash
    0xa000, // FlashpixVersion
    0xa001, // ColorSpace
    0xa300, // FileSource
];
/// From here on they are complete. 9: the sparsest cameras of 1999 write 9, phones 12.
const COMPLETE: usize = 9;

fn completeness(exif: &Exif<'_>) -> usize {
    USUAL.iter().filter(|number| exif.get(**number).is_some()).count()
}

/// The size that the camera stated against the picture's; a turned picture may state either order.
fn dimensions(exif: &Exif<'_>, segments: &Segments<'_>, (width, height): (u32, u32), reading: &mut Reading) {
    let stated = |number| {
        let field = exif.tiff.get(Ifd::Exif, number)?;
        Some((field.uint(0)?, field))
    };
    let (Some((x, field)), Some((y, _))) = (stated(tag::PIXEL_X), stated(tag::PIXEL_Y)) else {
        return;
    };
    if width == 0 || height == 0 || x == 0 || y == 0 || is_raw(segments) {
        return;
    }
    reading.applied += 1;
    let agrees = (x, y) == (width, height) || (y, x) == (width, height);
    reading.camera.compare(agrees);
    if agrees {
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

/// Of a RAW file the decoded picture is a preview: its size is not the one stated.
pub(crate) fn is_raw(segments: &Segments<'_>) -> bool {
    segments.format == Some(lodestone_media::Format::Raw)
}

/// A second EXIF blob in one container: written by a program that did not look for the first.
fn second(segments: &Segments<'_>, reading: &mut Reading) {
    let blobs: Vec<_> =
        segments.of(SegmentKind::Exif).filter(|s| s.field != "photoshop:8BIM" && s.data.len() >= 8).collect();
    if let [_, others @ ..] = blobs.as_slice()
        && !others.is_empty()
        && segments.jpeg.is_some()
    {
        let place = |s: &&Segment<'_>| Location {
            offset: Some(s.offset),
            field: s.field.to_owned(),
            raw: Some(format!("present, {} bytes", s.length)),
        };
        reading.find(
            "exif",
            "exif.second",
            "the file carries more than one EXIF block; cameras write one".to_owned(),
            others.iter().take(4).map(place).collect(),
            vec![
                supports(Proposition::EditedCapture, Strength::Weak),
                against(Proposition::CameraOriginal, Strength::Weak),
            ],
        );
    }
}

/// Traits shown only: what else a camera or phone wrote.
fn traits(exif: &Exif<'_>, reading: &mut Reading) {
    let triangle = [tag::EXPOSURE_TIME, tag::F_NUMBER, tag::ISO]
        .iter()
        .filter(|number| exif.get(**number).is_some())
        .count();
    let gps = exif.tiff.fields().iter().find(|f| f.ifd == Ifd::Gps && matches!(f.tag, 2 | 4));
    let mut places = Vec::new();
    let mut what = format!(
        "{triangle} of exposure time, aperture and sensitivity and {} of {} usual fields are there",
        completeness(exif),
        USUAL.len()
    );
    if let Some(field) = gps {
        // Where a picture was taken is not shown.
        what.push_str("; a place (GPS) is there");
        places.push(exif.place("GPS", field, Some("present".to_owned())));
    }
    reading.find("exif", "exif.traits", what, places, Vec::new());
}

/// What the comparisons between fields say together.
fn consistency(reading: &mut Reading) {
    let fact = match (reading.camera.compared, reading.camera.inconsistent) {
        (0, _) => "none",
        (_, 0) => "consistent",
        _ => "inconsistent",
    };
    if reading.camera.compared == 0 {
        reading.facts.insert("exif_consistency".to_owned(), fact.to_owned());
        return;
    }
    let what = format!(
        "of {} comparisons between fields, {} do not agree",
        reading.camera.compared, reading.camera.inconsistent
    );
    reading.find("exif", "exif.consistency", what, Vec::new(), Vec::new());
    reading.fact("exif_consistency", fact);
}

/// Whether the file has an EXIF blob in a JPEG.
pub(crate) fn in_jpeg(segments: &Segments<'_>) -> bool {
    segments.jpeg.is_some() && segments.of(SegmentKind::Exif).next().is_some()
}
