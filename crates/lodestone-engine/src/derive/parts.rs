//! In the worker: what is made of a picture's small grey copy.

use lodestone_features::region::{ProposalKind, RegionOptions, region_prints};
use lodestone_features::{Luma, OrbOptions, Part, extract, extract_parts};
use lodestone_types::{Blob, Detail, Milli, Observation, RegionPrint, Regions};

use crate::options::Parts;

/// Adds what is wanted of the grey copy to an observation.
pub(crate) fn parts(luma: &Luma, wanted: Parts, seen: &mut Observation) {
    if wanted.regions {
        seen.regions = Some(regions(luma));
    }
    if wanted.features {
        seen.features = if wanted.known { known(luma) } else { questioned(luma, seen.regions.as_ref()) };
    }
    if wanted.detail {
        seen.detail =
            Some(Detail { width: luma.width(), height: luma.height(), luma: Blob(luma.pixels().to_vec()) });
    }
}

/// What is kept of a known picture.
fn known(luma: &Luma) -> Vec<Blob> {
    vec![Blob(extract(luma, &OrbOptions::KNOWN).to_bytes())]
}

/// Parts of a questioned picture that get features of their own: a known one may be small in it.
const MOST_PARTS: usize = 6;

/// What is asked about a questioned picture: the whole, and its best regions, each with features of its own.
fn questioned(luma: &Luma, regions: Option<&Regions>) -> Vec<Blob> {
    let mut records = vec![Blob(extract(luma, &OrbOptions::QUESTIONED).to_bytes())];
    for print in regions.iter().flat_map(|regions| &regions.prints).take(MOST_PARTS) {
        let pixels = |value: Milli| value.to_f64().max(0.0).round() as u32;
        let part = Part {
            left: pixels(print.x),
            top: pixels(print.y),
            width: pixels(print.width),
            height: pixels(print.height),
        };
        records.push(Blob(extract_parts(luma, &[part], &OrbOptions::PART).to_bytes()));
    }
    records
}

fn regions(luma: &Luma) -> Regions {
    let prints = region_prints(luma, &RegionOptions::default());
    let milli = |value: f32| Milli::from_f64(f64::from(value));
    let one = |print: &lodestone_features::region::RegionPrint| RegionPrint {
        x: milli(print.region.x),
        y: milli(print.region.y),
        width: milli(print.region.width),
        height: milli(print.region.height),
        proposal: word(print.kind).to_owned(),
        quality: print.quality,
        pdq: print.forms().map(|hash| hash.0).collect(),
        repeated: print.repeated,
    };
    Regions { width: prints.width, height: prints.height, prints: prints.regions.iter().map(one).collect() }
}

fn word(kind: ProposalKind) -> &'static str {
    match kind {
        ProposalKind::Frame => "frame",
        ProposalKind::Blur => "blur",
        ProposalKind::Panel => "panel",
        ProposalKind::Edges => "edges",
        ProposalKind::Grid => "grid",
        _ => "other",
    }
}

/// The grey copy that came with an observation, if it is whole.
pub(crate) struct Kept(pub(crate) Luma);

impl Kept {
    /// Checks what a worker sent.
    pub(crate) fn of(observation: &Observation) -> Option<Self> {
        let detail = observation.detail.as_ref()?;
        Luma::new(detail.width, detail.height, detail.luma.0.clone()).ok().map(Self)
    }
}
