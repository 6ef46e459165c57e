//! Dates against each other, and satellite time against the camera's clock.

use lodestone_media::segments::tiff::{Field, Ifd, tag};
use lodestone_types::{Proposition, Strength};

use crate::exif::Exif;
use crate::exif_date::{self, DateTime};
use crate::fields::raw;
use crate::reading::{Reading, against, supports};

const OFFSET_TIME_ORIGINAL: u16 = 0x9011;
/// The widest zone, a clock or a position some hours old, and a day: some cameras write the date of the other side of
/// midnight beside the time.
const WIDEST_ZONE: i64 = (15 + 24) * 3_600;
/// The same around a stated zone.
const AROUND_ZONE: i64 = (2 + 24) * 3_600;

pub(crate) fn examine(exif: &Exif<'_>, reading: &mut Reading) {
    let original = read(exif.get(tag::DATE_TIME_ORIGINAL));
    let modified = read(exif.tiff.get(Ifd::Primary, tag::DATE_TIME));
    if let (Some((original, first)), Some((modified, second))) = (original, modified) {
        compare(exif, (original, first), (modified, second), reading);
    }
    let digitized = read(exif.get(tag::DATE_TIME_DIGITIZED));
    if let (Some((original, first)), Some((digitized, second))) = (original, digitized) {
        // A camera digitises as it captures; scans of film do not, and say so by two dates.
        let agrees = (original.seconds() - digitized.seconds()).abs() <= 60;
        reading.camera.compare(agrees);
        if !agrees {
            reading.find(
                "exif",
                "exif.digitized_apart",
                "the dates of capture and of digitising differ, as of a scan or after a change".to_owned(),
                vec![
                    exif.place("DateTimeOriginal", first, first.text().map(|t| raw(&t))),
                    exif.place("DateTimeDigitized", second, second.text().map(|t| raw(&t))),
                ],
                vec![against(Proposition::CameraOriginal, Strength::Weak)],
            );
        }
    }
    if let Some((original, _)) = original {
        satellites(exif, original, reading);
    }
}

fn read<'f, 's>(field: Option<&'f Field<'s>>) -> Option<(DateTime, &'f Field<'s>)> {
    let field = field?;
    Some((exif_date::parse(&field.text()?)?, field))
}

fn compare(
    exif: &Exif<'_>,
    (original, first): (DateTime, &Field<'_>),
    (modified, second): (DateTime, &Field<'_>),
    reading: &mut Reading,
) {
    reading.applied += 1;
    let apart = modified.seconds() - original.seconds();
    // Cameras write both at once, or the second when the file is closed: after a long exposure or a burst.
    reading.camera.compare(apart.abs() <= 60);
    let places = || {
        vec![
            exif.place("DateTimeOriginal", first, first.text().map(|t| raw(&t))),
            exif.place("DateTime", second, second.text().map(|t| raw(&t))),
        ]
    };
    if apart > 60 {
        // Some cameras set DateTime when a file is rotated or rated in the camera.
        reading.find(
            "exif",
            "exif.modified_later",
            "the file's date of change is later than the date of capture".to_owned(),
            places(),
            vec![
                supports(Proposition::EditedCapture, Strength::Weak),
                against(Proposition::CameraOriginal, Strength::Weak),
            ],
        );
    } else if apart < -60 {
        reading.find(
            "exif",
            "exif.dates_disagree",
            "the file's date of change is earlier than the date of capture".to_owned(),
            places(),
            vec![against(Proposition::CameraOriginal, Strength::Weak)],
        );
    }
}

/// Satellite time is UTC: the camera's clock is a zone apart from it, and the stated zone if there is one.
fn satellites(exif: &Exif<'_>, local: DateTime, reading: &mut Reading) {
    let Some(date) = exif.tiff.get(Ifd::Gps, tag::GPS_DATE) else { return };
    let Some(time) = exif.tiff.get(Ifd::Gps, tag::GPS_TIME) else { return };
    let value = |i| time.rational(i).filter(|(_, d)| *d != 0).map(|(n, d)| n / d);
    let (Some(hour), Some(minute), Some(second), Some(day)) = (value(0), value(1), value(2), date.text())
    else {
        return;
    };
    let Some(utc) = exif_date::parse(&format!("{:.10} {hour:02}:{minute:02}:{second:02}", day.trim())) else {
        return;
    };
    let apart = local.seconds() - utc.seconds();
    let zone = exif.get(OFFSET_TIME_ORIGINAL).and_then(|f| exif_date::offset(&f.text()?));
    let agrees = match zone {
        Some(zone) => (apart - zone).abs() <= AROUND_ZONE,
        None => apart.abs() <= WIDEST_ZONE,
    };
    reading.applied += 1;
    reading.camera.compare(agrees);
    if !agrees {
        reading.find(
            "exif",
            "exif.gps_time_disagrees",
            "satellite time and the date of capture are further apart than any time zone".to_owned(),
            vec![exif.place("GPSTimeStamp", time, Some("present".to_owned()))],
            vec![against(Proposition::CameraOriginal, Strength::Weak)],
        );
    }
}
