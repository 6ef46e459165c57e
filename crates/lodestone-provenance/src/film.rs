//! What a video says of the camera and the programs it went through. Pixels are not looked at.
//!
//! *Source:* QuickTime File Format, "Metadata keys"; Android MediaMuxer and MediaRecorder; 3GPP TS 26.244.

use lodestone_media::segments::Segments;
use lodestone_types::{CheckState, Location, Proposition, Strength};

use crate::fields::{Fields, TextField, raw};
use crate::reading::{Reading, supports};

const MAKES: [&str; 4] =
    ["bmff:com.apple.quicktime.make", "bmff:com.android.manufacturer", "bmff:mak", "bmff:manu"];
const MODELS: [&str; 4] =
    ["bmff:com.apple.quicktime.model", "bmff:com.android.model", "bmff:mod", "bmff:modl"];
const DATES: [&str; 3] = ["bmff:com.apple.quicktime.creationdate", "bmff:day", "bmff:creation"];
const PLACES: [&str; 3] = ["bmff:com.apple.quicktime.location.ISO6709", "bmff:xyz", "bmff:loci"];

pub(crate) fn examine(segments: &Segments<'_>, fields: &Fields, reading: &mut Reading) {
    if !segments.format.is_some_and(lodestone_media::Format::is_video) {
        return;
    }
    reading.applied += 1;
    reading.check("film", CheckState::Applied, Some("metadata only; pixels are not read".to_owned()));
    let first = |keys: &[&str]| -> Option<&TextField> { keys.iter().find_map(|key| fields.first(key)) };
    let (make, model) = (first(&MAKES), first(&MODELS));
    let mut places: Vec<Location> =
        [make, model, first(&DATES)].iter().flatten().map(|f| f.location()).collect();
    // Where it was taken is not shown.
    let location = first(&PLACES);
    places.extend(location.map(|f| Location { raw: Some("present".to_owned()), ..f.location() }));
    if let Some(model) = model {
        let maker = make.map(|m| m.text.trim()).unwrap_or_default();
        let name = format!("{maker} {}", model.text.trim());
        reading.camera.name.get_or_insert_with(|| raw(name.trim()));
        reading.camera.make_and_model |= make.is_some();
        reading.find(
            "film",
            "film.camera",
            "the film names the device that recorded it; metadata can be copied from another file".to_owned(),
            places,
            vec![supports(Proposition::CameraOriginal, Strength::Weak)],
        );
    } else if !places.is_empty() {
        let what = "the film states when or where it was made, and no device".to_owned();
        reading.find("film", "film.traits", what, places, Vec::new());
    }
}
