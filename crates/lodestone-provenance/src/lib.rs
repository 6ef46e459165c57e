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
//! Conventions are data, under `rules/`. Signed provenance (C2PA) is noted as present and not validated here;
//! watermarks and pixels are not looked at.
#![forbid(unsafe_code)]

mod assess;
mod comfy;
mod container;
mod editors;
mod exif;
mod fields;
mod generators;
mod input;
mod iptc;
mod jpeg_structure;
mod json;
mod makernote;
mod reading;
mod rules;
mod shape;
mod xmp;

use lodestone_media::segments::Segments;
use lodestone_types::{Assessment, Finding};

use fields::Fields;
use reading::Reading;

/// The rules that [`examine`] follows, with their version; [`Assessment::basis`] of every reading.
pub const BASIS: &str = "metadata-first-reading/1";

/// Reads origin from metadata and structure. Total; the same segments give the same findings in the same order.
///
/// `width` and `height` are of the decoded picture in stored orientation, 0 where unknown. Cost: below a millisecond
/// for usual files; JSON and XML are parsed within limits.
pub fn examine(segments: &Segments<'_>, width: u32, height: u32) -> (Vec<Finding>, Assessment) {
    let packets = xmp::packets(segments);
    let fields = Fields::read(segments, &packets);
    let mut reading = Reading::default();
    generators::examine(&fields, &mut reading);
    exif::examine(segments, &fields, (width, height), &mut reading);
    editors::examine(&fields, &mut reading);
    jpeg_structure::examine(segments, &mut reading);
    container::examine(segments, &packets, &mut reading);
    assess::assess(reading)
}
