//! Known pictures inside questioned ones: crops, collages, screenshots, mirrors, edits.
//!
//! ```text
//! worker:   rows ─▶ small grey copy ─▶ regions with hashes, local features, vectors of a user's model    (knows no list)
//! appraise: regions ─▶ PDQ index ─▶ refined ─┐
//!           features ─▶ votes ─▶ aligned ────┼▶ matches with transform, standing, expected false hits
//!           a user's vectors ─▶ candidates ──┘  (also aligned)
//! ```
//!
//! A region's match is for a person to see unless something confirms it. `docs/derivatives.md` says what each layer finds
//! and what it misses.

mod aligned;
mod compare;
mod describe;
mod edit;
mod folder;
mod keep_files;
mod known;
mod layers;
mod likeness;
mod live;
mod parts;
mod regions;
mod sealed;
mod shelf;
mod tail;
mod whole;

use std::collections::BTreeSet;

use lodestone_index::SearchStats;
use lodestone_types::{Observation, Standing};

use crate::appraise::{AppraiseOptions, Found};
use crate::look_up::LookUpError;
use crate::snapshot::Snapshot;

pub(crate) use aligned::Pictures;
pub use compare::{Compared, Side, compare};
pub(crate) use describe::describe;
pub use folder::{LoadedFolder, load_folder};
pub use keep_files::{Describing, KeptFiles, UnreadFile, keep_files};
pub(crate) use known::{Known, KnownBuilder};
pub use layers::Layers;
pub use likeness::{
    Background, BackgroundError, BackgroundLearner, DescriptorSeal, DescriptorsError, Learned,
    LoadedDescriptors,
};
pub(crate) use likeness::{Likeness, LikenessBuilder};
pub use live::{DerivedHit, DerivedLookUp};
pub use lodestone_features::{EXTRACTOR, RecordError};
pub(crate) use parts::{Kept, parts};
pub use sealed::{FeatureSeal, FeaturesError, LoadedFeatures, SealFailed, check_features};
pub use shelf::LiveShelf;
pub(crate) use tail::load as load_tail;
pub use tail::{TailError, TailLearner};

/// Accidental matches that a region's threshold allows for one picture. *Source:* `derivatives.md` 3.2.
const TARGET: f64 = 1e-5;

/// Up to here a picture or a region is a possible derivative: recorded where lists are small, for triage only.
/// *Source:* `derivatives.md` 3.2.
const POSSIBLE_BITS: u32 = 40;

/// Values of a list up to which it is searched farther out, so that regions can be made exact against what is near.
/// Each query then compares with every value: some two milliseconds a picture at this size.
pub(crate) const SMALL_LIST: u64 = 20_000;

/// Adds what parts of a picture match to what its whole matches.
///
/// An entry that the whole picture matches is not looked for in regions again.
pub(crate) fn find(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    observation: &Observation,
    found: &mut Vec<Found>,
    stats: &mut SearchStats,
) -> Result<(), LookUpError> {
    let layers = options.layers;
    let mut held: BTreeSet<u64> = found.iter().map(|one| one.key).collect();
    let mut take = |more: Vec<Found>| {
        for one in more {
            if held.insert(one.key) {
                found.push(one);
            }
        }
    };
    if layers.has(2)
        && let Some(regions) = &observation.regions
    {
        let (possible, found): (Vec<Found>, Vec<Found>) =
            regions::find(snapshot, observation, regions, stats)?
                .into_iter()
                .partition(|one| one.standing == Standing::PossibleDerivative);
        take(found);
        take(whole::possible(snapshot, options, observation, stats)?);
        take(possible);
    } else {
        take(whole::possible(snapshot, options, observation, stats)?);
    }
    if layers.has(3) {
        aligned::find(&snapshot.known().into(), observation, found);
    }
    if layers.has(4) {
        likeness::find(snapshot, observation, found);
    }
    Ok(())
}

/// Why a layer that was asked for has not looked at all of a picture: never to be taken for "no match".
pub(crate) fn missing(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    observation: &Observation,
) -> Option<String> {
    if options.layers.has(4) { likeness::missing(snapshot.likeness(), observation) } else { None }
}
