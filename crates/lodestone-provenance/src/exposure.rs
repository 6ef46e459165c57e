//! Exposure stated twice: time and aperture as numbers and in APEX units, brightness against all three; the lens.
//!
//! *Source:* CIPA DC-008 annex C (APEX). A whole stop of slack: cameras round one of the two to what a dial shows.

use lodestone_media::segments::tiff::tag;
use lodestone_types::{Location, Proposition, Strength};

use crate::exif::Exif;
use crate::reading::{Reading, against};

const BRIGHTNESS: u16 = 0x9203;
const FOCAL_LENGTH_35: u16 = 0xa405;
const LENS_SPECIFICATION: u16 = 0xa432;
/// Stops apart from which two statements of one exposure do not agree.
const MAX_STOPS: f64 = 1.0;
/// Stops for brightness, which is measured, and in units that makers read differently.
const MAX_BRIGHTNESS_STOPS: f64 = 3.0;

pub(crate) fn examine(exif: &Exif<'_>, reading: &mut Reading) {
    let time = exif.ratio(tag::EXPOSURE_TIME).filter(|t| *t > 0.0);
    let number = exif.ratio(tag::F_NUMBER).filter(|n| *n > 0.0);
    let tv = exif.signed_ratio(tag::SHUTTER_SPEED).filter(|v| v.abs() < 32.0);
    let av = exif.ratio(tag::APERTURE).filter(|v| *v < 32.0);
    let mut differ = Vec::new();
    if let (Some(time), Some(tv)) = (time, tv) {
        let agrees = (-time.log2() - tv).abs() <= MAX_STOPS;
        note(exif, agrees, "ShutterSpeedValue", tag::SHUTTER_SPEED, &mut differ, reading);
    }
    if let (Some(number), Some(av)) = (number, av) {
        let agrees = (2.0 * number.log2() - av).abs() <= MAX_STOPS;
        note(exif, agrees, "ApertureValue", tag::APERTURE, &mut differ, reading);
    }
    let brightness = exif.signed_ratio(BRIGHTNESS).filter(|v| v.abs() < 20.0);
    let iso = exif.get(tag::ISO).and_then(|f| f.uint(0)).filter(|&iso| iso > 0);
    if let (Some(time), Some(number), Some(iso), Some(bv)) = (time, number, iso, brightness) {
        let sensitivity = (f64::from(iso) / 3.125).log2();
        let expected = 2.0 * number.log2() - time.log2() - sensitivity;
        // Flash and exposure correction part the two; only shown and counted.
        let flash = exif.get(0x9209).and_then(|f| f.uint(0)).is_some_and(|f| f & 1 == 1);
        let bias = exif.signed_ratio(0x9204).unwrap_or(0.0);
        if !flash {
            let agrees = (expected + bias - bv).abs() <= MAX_BRIGHTNESS_STOPS;
            note(exif, agrees, "BrightnessValue", BRIGHTNESS, &mut differ, reading);
        }
    }
    lens(exif, &mut differ, reading);
    if !differ.is_empty() {
        reading.find(
            "exif",
            "exif.exposure_disagrees",
            "what is stated twice of exposure or lens does not agree".to_owned(),
            differ,
            vec![against(Proposition::CameraOriginal, Strength::Weak)],
        );
    }
}

fn note(
    exif: &Exif<'_>,
    agrees: bool,
    name: &str,
    number: u16,
    differ: &mut Vec<Location>,
    reading: &mut Reading,
) {
    reading.camera.compare(agrees);
    if !agrees && let Some(field) = exif.get(number) {
        differ.push(exif.place(name, field, None));
    }
}

/// The focal length lies within what the lens can do, and is no longer than its equivalent on film by more than large
/// formats allow.
fn lens(exif: &Exif<'_>, differ: &mut Vec<Location>, reading: &mut Reading) {
    let Some(focal) = exif.ratio(tag::FOCAL_LENGTH).filter(|f| *f > 0.0) else {
        return;
    };
    if let Some(field) = exif.get(LENS_SPECIFICATION) {
        let value = |i| field.rational(i).filter(|(_, d)| *d != 0).map(|(n, d)| f64::from(n) / f64::from(d));
        if let (Some(short), Some(long)) = (value(0), value(1))
            && short > 0.0
            && long >= short
        {
            let agrees = focal >= short * 0.9 && focal <= long * 1.1;
            note(exif, agrees, "LensSpecification", LENS_SPECIFICATION, differ, reading);
        }
    }
    if let Some(on_film) = exif.get(FOCAL_LENGTH_35).and_then(|f| f.uint(0)).filter(|&f| f > 0) {
        let agrees = f64::from(on_film) >= focal * 0.4;
        note(exif, agrees, "FocalLengthIn35mmFilm", FOCAL_LENGTH_35, differ, reading);
    }
}
