//! Examiners turn one item into findings; a first reading turns findings into an assessment.
//!
//! [`examine`] reads what a file says of its own origin: camera metadata, generators' and editors' conventions,
//! digitalSourceType, JPEG structure. Every finding says where it stands and how it bears on each proposition, so that
//! a person can look for themselves. Metadata is a claim: it can be written, copied or removed by anyone, and its
//! absence says nothing. This crate decides nothing and reads one item only.
//!
//! ```text
//! Segments ─▶ xmp, iptc, fields ─▶ generators ─▶ exif (camera) ─▶ editors ─▶ jpeg_structure ─▶ assess
//!                                   what made it    who shot it    who changed it  who wrote the bytes
//! ```
//!
//! Conventions are data, under `rules/`. [`weigh`] turns the facts that the examiners gave into likelihood ratios by
//! calibration tables; it needs no file and can be done again when tables change.
#![forbid(unsafe_code)]

mod assess;
pub mod calibration;
mod container;
mod credentials;
mod editors;
mod exif;
mod exif_date;
mod exposure;
mod fields;
mod film;
mod generators;
mod history;
mod iptc;
mod item;
mod jpeg_structure;
mod json;
mod kit;
mod makernote;
mod maps;
mod models;
mod note_checks;
mod other_structure;
mod reading;
mod recompression;
mod rules;
mod shape;
mod sidecar;
mod stealth;
pub mod structure;
mod thumbnail;
mod timing;
pub mod watermark;
mod workflow;
mod xmp;

/// The user's own model that makes a vector of a picture: layer 4.
pub mod descriptor {
    pub use crate::models::DescriptorFile;
    pub use crate::models::descriptor::{Area, Descriptor, MAX_DIMENSION, MAX_REGIONS, NoVector};
}

use lodestone_types::{Assessment, Finding};

pub use calibration::{Calibrations, weigh};
pub use item::{Item, Map, Pixels, Wish};
pub use kit::{Kit, KitError, KitSources};

use fields::Fields;
use reading::Reading;

/// The rules that [`examine`] follows, with their version; [`Assessment::basis`] of every reading.
pub const BASIS: &str = "examiners/2";

/// What came of examining one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examined {
    /// What was found, in the order of the examiners.
    pub findings: Vec<Finding>,
    /// What the findings say together, not weighed yet: see [`weigh`].
    pub assessment: Assessment,
    /// Aids to look at, where asked for.
    pub maps: Vec<Map>,
}

/// Reads everything a file says of its origin. Total; the same item, kit and wish give the same answer in the same order.
///
/// Cost: metadata and structure a millisecond or two for usual files; JSON and XML are parsed within limits. Credentials
/// hash the file once. Watermarks, recompression and maps go over the pixels a few times; models cost what they cost.
pub fn examine(item: &Item<'_>, kit: &Kit, wish: &Wish) -> Examined {
    let segments = item.segments;
    let packets = xmp::packets(segments);
    let mut fields = Fields::read(segments, &packets);
    let mut reading = Reading::new(wish);
    if wish.credentials {
        credentials::examine(item, &kit.trust, &mut reading);
    }
    generators::elsewhere(item, wish.watermarks, &mut fields, &mut reading);
    generators::examine(item, &fields, &mut reading);
    history::examine(&packets, &mut reading);
    exif::examine(segments, &fields, (item.width, item.height), &mut reading);
    film::examine(segments, &fields, &mut reading);
    editors::examine(&fields, &mut reading);
    jpeg_structure::examine(segments, &kit.structures, &mut reading);
    other_structure::examine(item, &mut reading);
    container::examine(segments, &packets, &mut reading);
    if wish.watermarks {
        watermark::examine(item, &mut reading);
    }
    if wish.recompression {
        recompression::examine(item, &mut reading);
        thumbnail::examine(item, &mut reading);
    }
    if wish.models {
        kit.models.examine(item, &mut reading);
    }
    let maps = if wish.maps { maps::draw(item) } else { Vec::new() };
    let (findings, mut assessment) = assess::assess(reading);
    calibration::conditions::note(item, &mut assessment.facts);
    Examined { findings, assessment, maps }
}
