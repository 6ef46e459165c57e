//! In the worker: vectors of the user's descriptor, of a picture's first frame and of its best regions.

use std::time::{Duration, Instant};

use lodestone_index::ByteVector;
use lodestone_media::segments;
use lodestone_provenance::Kit;
use lodestone_provenance::descriptor::{Area, Descriptor, NoVector};
use lodestone_types::{Blob, Box2, DescribedPart, Descriptors, Milli, Observation, RegionPrint, Regions};

use crate::capture::Held;
use crate::options::ObserveOptions;

/// Time for one picture, looked at between runs; a worker's own deadline stands behind it.
const PER_PICTURE: Duration = Duration::from_secs(30);

/// Describes a picture. Of a known one its whole only; of a questioned one its whole, as it is and mirrored, and its best
/// regions, as far as the descriptor's file asks for: at most eight runs of the model.
///
/// What cannot be made is said, and never left out in silence. Regions that are smaller than the model takes are: they
/// would say nothing.
pub(crate) fn describe(
    kit: &Kit,
    options: &ObserveOptions,
    bytes: &[u8],
    held: &Held,
    seen: &Observation,
) -> Descriptors {
    let Some(descriptor) = kit.descriptor() else {
        let failed = Some("there is no descriptor to describe it with".to_owned());
        return Descriptors { failed, ..Descriptors::default() };
    };
    let mut out = Descriptors { model: descriptor.file().model.clone(), ..Descriptors::default() };
    let Some(pixels) = held.pixels() else {
        out.failed = Some(match held {
            Held::TooMany(pixels) => {
                let most = options.max_examined_pixels;
                format!("the picture has {pixels} pixels; at most {most} are described")
            }
            _ => "its pixels are not at hand".to_owned(),
        });
        return out;
    };
    // Orders of magnitude cheaper than the model, but only asked where it matters.
    let orientation = match descriptor.turns_upright() {
        true => segments::orientation(&segments::scan(bytes)).unwrap_or(1),
        false => 1,
    };
    let wanted = wanted(descriptor, options.parts.known, seen.regions.as_ref(), pixels.width, pixels.height);
    let (count, started) = (wanted.len(), Instant::now());
    for (number, part) in wanted.into_iter().enumerate() {
        if started.elapsed() > PER_PICTURE {
            out.failed =
                Some(format!("the descriptor takes too long: {number} of {count} parts are described"));
            break;
        }
        let vector = descriptor.vector(&pixels, orientation, part.area, part.mirrored);
        match vector.map(|values| ByteVector::from_values(&values)) {
            Ok(Ok(vector)) => out.parts.push(DescribedPart {
                region: part.area.map(stored),
                mirrored: part.mirrored,
                vector: Blob(vector.to_bytes()),
            }),
            Ok(Err(error)) => out.failed = Some(format!("the descriptor's vector cannot be used: {error}")),
            Err(NoVector::NotAssessed(_)) if part.area.is_some() => continue,
            Err(error) => out.failed = Some(error.to_string()),
        }
        // What fails on one part is not tried on the others.
        if out.failed.is_some() {
            break;
        }
    }
    out
}

struct Wanted {
    area: Option<Area>,
    mirrored: bool,
}

fn wanted(
    descriptor: &Descriptor,
    known: bool,
    regions: Option<&Regions>,
    width: u32,
    height: u32,
) -> Vec<Wanted> {
    let mut wanted = vec![Wanted { area: None, mirrored: false }];
    if known {
        return wanted;
    }
    let file = descriptor.file();
    if file.mirrored {
        wanted.push(Wanted { area: None, mirrored: true });
    }
    let Some(regions) = regions else { return wanted };
    let areas = regions.prints.iter().filter(|print| print.proposal != "grid" && !print.repeated);
    let areas = areas.filter_map(|print| area(print, regions, width, height));
    wanted.extend(areas.take(file.regions).map(|area| Wanted { area: Some(area), mirrored: false }));
    wanted
}

/// A region in stored pixels; `None` where nothing of it is inside.
fn area(print: &RegionPrint, regions: &Regions, width: u32, height: u32) -> Option<Area> {
    let edge = |at: Milli, more: Milli, of: u32, small: u32| {
        let scaled = (at.to_f64() + more.to_f64()) * f64::from(of) / f64::from(small.max(1));
        scaled.round().clamp(0.0, f64::from(of)) as u32
    };
    let (x, y) =
        (edge(print.x, Milli(0), width, regions.width), edge(print.y, Milli(0), height, regions.height));
    let width = edge(print.x, print.width, width, regions.width).checked_sub(x)?;
    let height = edge(print.y, print.height, height, regions.height).checked_sub(y)?;
    (width > 0 && height > 0).then_some(Area { x, y, width, height })
}

fn stored(area: Area) -> Box2 {
    let length = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    Box2 { x: length(area.x), y: length(area.y), width: length(area.width), height: length(area.height) }
}
