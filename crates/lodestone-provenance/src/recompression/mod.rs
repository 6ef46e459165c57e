//! Traces of an earlier compression: double quantisation on the same grid, and a grid that begins elsewhere.
//!
//! Both are normal life on the web: a picture that was cropped, converted or passed on has them. They say that the file
//! is not as a camera wrote it, and nothing of how it was made. Where the later compression is the stronger one, or the
//! same, nothing is left to find.

mod aligned;
mod grid;
mod plane;
mod quality;

pub(crate) use plane::{Plane, whole};
pub(crate) use quality::luma_steps;

use plane::brightness;

use lodestone_media::{Format, identify, jpeg};
use lodestone_types::{CheckState, Location, Proposition, Strength};

use crate::item::Item;
use crate::reading::{Reading, against, supports};

const EXAMINER: &str = "recompression";
/// Gain from which two compressions are said. Measured, see eval/provenance/recompression.md.
const MIN_GAIN: f64 = 0.18;
/// Score from which an earlier grid is said. Measured, see eval/provenance/recompression.md.
const MIN_GRID: f64 = 0.1;

pub(crate) fn examine(item: &Item<'_>, reading: &mut Reading) {
    let plane = brightness(item);
    let is_jpeg = identify(item.bytes) == Some(Format::Jpeg);
    let coefficients = if is_jpeg { jpeg::coefficients(item.bytes, &plane::limits()).ok() } else { None };
    let aligned = plane.as_ref().zip(coefficients.as_ref()).and_then(|(p, c)| aligned::examine(c, p));
    let grid = plane.as_ref().and_then(|p| grid::examine(p, is_jpeg));
    // A gain where the model does not fit says nothing.
    let drawn = aligned.is_some_and(|a| a.score >= MIN_GAIN && !a.is_told());
    let aligned = aligned.filter(|_| !drawn);
    if aligned.is_none() && (grid.is_none() || drawn && grid.is_none_or(|g| g.score < MIN_GRID)) {
        let why = match plane {
            None => "the pixels could not be had, or are too many",
            Some(_) if drawn => {
                "much of the picture is even, as in drawings and screenshots: coefficients do not tell"
            }
            Some(_) => "too few blocks or coefficients to tell",
        };
        reading.check(EXAMINER, CheckState::NotApplicable, Some(why.to_owned()));
        reading.facts.insert("recompressed".to_owned(), "not_told".to_owned());
        return;
    }
    reading.applied += 1;
    reading.check(EXAMINER, CheckState::Applied, None);
    let (twice, elsewhere) = (aligned.filter(|a| a.score >= MIN_GAIN), grid.filter(|g| g.score >= MIN_GRID));
    if twice.is_none() && elsewhere.is_none() {
        let what =
            "no trace of an earlier compression was found; one that was as strong or weaker leaves none";
        reading.find(EXAMINER, "recompression.none", what.to_owned(), Vec::new(), Vec::new());
    }
    if let Some(aligned) = twice {
        double(aligned, item, reading);
    }
    if let Some(aligned) = aligned {
        reading.score("recompression", aligned.score);
    }
    if let Some(grid) = elsewhere {
        offset(grid, is_jpeg, reading);
    }
    if let Some(grid) = grid {
        reading.score("grid_offset", grid.score);
    }
    let found = twice.is_some() || elsewhere.is_some();
    reading.fact("recompressed", if found { "yes" } else { "no" });
}

fn double(aligned: aligned::Aligned, item: &Item<'_>, reading: &mut Reading) {
    let quality = aligned.quality.map_or_else(String::new, |q| format!(", the earlier at about quality {q}"));
    let tables = item.segments.jpeg.as_ref().and_then(|j| j.markers.iter().find(|m| m.code == 0xdb));
    let place = Location { offset: tables.map(|m| m.offset), field: "jpeg:DQT".to_owned(), raw: None };
    let what = format!(
        "the picture was compressed at least twice on the same grid{quality}; that is usual on the web"
    );
    reading.find(EXAMINER, "recompression.double", what, vec![place], bearings());
}

fn offset(grid: grid::Grid, is_jpeg: bool, reading: &mut Reading) {
    let (x, y) = grid.offset;
    let what = if is_jpeg {
        format!(
            "the picture was compressed before on a grid that begins at ({x}, {y}): cropped or moved, and saved again"
        )
    } else if (x, y) == (0, 0) {
        "the pixels were compressed as a JPEG before they were saved in this format".to_owned()
    } else {
        format!(
            "the pixels were compressed as a JPEG whose grid begins at ({x}, {y}): cropped or moved since"
        )
    };
    reading.find(EXAMINER, "recompression.grid_offset", what, Vec::new(), bearings());
}

fn bearings() -> Vec<lodestone_types::Bearing> {
    vec![
        supports(Proposition::EditedCapture, Strength::Weak),
        against(Proposition::CameraOriginal, Strength::Moderate),
    ]
}
