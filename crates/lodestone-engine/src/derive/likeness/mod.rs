//! Layer 4: a user's descriptor says which known pictures a questioned one resembles, local features verify it.
//!
//! ```text
//! worker:   first frame, its best regions ─▶ the user's model ─▶ vectors in bytes            (knows no list)
//! appraise: vectors ─▶ cosine with all known ─▶ less the nearest unrelated ones ─▶ ten candidates ─▶ aligned (layer 3)
//! ```
//!
//! A score alone is never a match. What a score is worth is counted on unrelated pictures (`chance`), not set.

mod background;
mod chance;
mod known;
mod sealed;

use std::collections::BTreeSet;

use lodestone_features::expected_false_hits;
use lodestone_index::ByteVector;
use lodestone_types::{
    DescribedPart, Descriptors, Milli, Observation, SignalType, Standing, Transform, TransformKind,
};

use super::aligned::{self, Proof};
use crate::appraise::Found;
use crate::snapshot::Snapshot;

pub use background::{Background, BackgroundError, BackgroundLearner, Learned};
pub(crate) use known::{Likeness, LikenessBuilder};
pub use sealed::{DescriptorSeal, DescriptorsError, LoadedDescriptors};

use known::{CANDIDATES, Near};

/// Accidental agreements of local features that are allowed of a picture with all of its candidates: where they are ten and
/// not a whole list, less has to agree.
const VERIFIED_TARGET: f64 = 1e-3;

/// The vectors of a picture.
pub(super) struct Asked<'a> {
    /// At least one.
    pub(super) vectors: Vec<ByteVector>,
    /// What each is of.
    pub(super) parts: &'a [DescribedPart],
    /// Why others are missing.
    pub(super) failed: Option<&'a str>,
}

/// Checks what a worker sent.
pub(super) fn asked<'a>(
    descriptors: Option<&'a Descriptors>,
    model: &str,
    dimension: usize,
) -> Result<Asked<'a>, String> {
    let descriptors = descriptors.ok_or("it was not described")?;
    let failed = descriptors.failed.as_deref();
    if descriptors.parts.is_empty() {
        return Err(failed.unwrap_or("it was not described").to_owned());
    }
    if descriptors.model != model {
        return Err("it was described by another model: the descriptor's file changed meanwhile".to_owned());
    }
    let vectors = descriptors.parts.iter().map(|part| ByteVector::from_bytes(&part.vector.0));
    let vectors = vectors.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    if vectors.iter().any(|vector| vector.dimension() != dimension) {
        return Err("its vector is of another dimension".to_owned());
    }
    Ok(Asked { vectors, parts: &descriptors.parts, failed })
}

/// Why layer 4 has not looked at all of a picture; `None` where it has, or where there is no picture.
pub(super) fn missing(likeness: Option<&Likeness>, observation: &Observation) -> Option<String> {
    observation.picture.as_ref()?;
    let Some(likeness) = likeness else { return Some("there is no descriptor for layer 4".to_owned()) };
    match likeness.asked(observation) {
        Ok(asked) => asked.failed.map(str::to_owned),
        Err(why) => Some(why),
    }
}

/// Finds known pictures by the user's descriptor, has features verify them, and adds the scores to what is found already.
pub(super) fn find(snapshot: &Snapshot, observation: &Observation, found: &mut Vec<Found>) {
    let Some(likeness) = snapshot.likeness() else { return };
    // Why there is nothing to ask with is told by `missing`.
    let Ok(asked) = likeness.asked(observation) else { return };
    let mut near = likeness.nearest(&asked.vectors);
    near.retain(|one| !found.iter().any(|held| held.key == one.key && held.signal_type.is_digest()));
    let before: BTreeSet<u64> = found.iter().map(|one| one.key).collect();
    let sure = |key: u64| found.iter().any(|held| held.key == key && held.standing == Standing::Match);
    let unsure: Vec<u64> = near.iter().map(|one| one.key).filter(|key| !sure(*key)).collect();
    let proofs = aligned::verify(snapshot.known(), observation, &unsure, found);
    for one in near {
        let part = asked.parts.get(one.vector);
        settle(&one, part, proofs.get(&one.key), !before.contains(&one.key), found);
    }
}

/// Says how far a candidate may be acted upon. `new`: nothing but its alignment has found it.
fn settle(
    one: &Near,
    part: Option<&DescribedPart>,
    proof: Option<&Proof>,
    new: bool,
    found: &mut Vec<Found>,
) {
    let score = Some(milli(one.score));
    let normalised_score = one.normalised.map(milli);
    let Some(held) = found.iter_mut().find(|held| held.key == one.key) else {
        if let Some(standing) = one.standing() {
            found.push(Found {
                layer: 4,
                standing,
                score,
                normalised_score,
                expected_false_hits: one.expected_false_hits,
                transform: transform(part),
                ..Found::as_it_is(one.key, SignalType::Pdq, 0)
            });
        }
        return;
    };
    (held.score, held.normalised_score) = (score, normalised_score);
    let chance = |proof: &Proof| expected_false_hits(proof.evidence_bits, CANDIDATES as u64);
    if let (true, Some(proof)) = (new, proof) {
        held.layer = 4;
        held.expected_false_hits = Some(chance(proof));
    }
    if held.standing != Standing::PossibleDerivative {
        return;
    }
    let verified = proof.filter(|proof| proof.sound && chance(proof) <= VERIFIED_TARGET);
    if let Some(proof) = verified {
        held.inliers = Some(proof.inliers);
        held.evidence_bits = Some(proof.evidence_bits);
        held.expected_false_hits = Some(chance(proof));
    } else if one.standing() == Some(Standing::Review) {
        held.expected_false_hits = one.expected_false_hits;
    } else {
        return;
    }
    (held.layer, held.standing) = (4, Standing::Review);
}

/// Where in the questioned picture the vector was taken.
fn transform(part: Option<&DescribedPart>) -> Transform {
    let region = part.and_then(|part| part.region);
    let kind = if region.is_some() { TransformKind::Region } else { TransformKind::AsIs };
    Transform { kind, region, mirror: part.is_some_and(|part| part.mirrored), ..Transform::default() }
}

fn milli(value: f32) -> Milli {
    Milli::from_f64(f64::from(value))
}

#[cfg(test)]
mod tests;
