//! Whole pictures a little farther from a known one than a match may be.

use lodestone_index::{Code256, SearchStats};
use lodestone_types::{Dihedral, Observation, SignalType, Standing, Transform};

use super::{POSSIBLE_BITS, SMALL_LIST};
use crate::appraise::{AppraiseOptions, Found};
use crate::look_up::LookUpError;
use crate::snapshot::Snapshot;

/// Entries of small lists that lie beyond their bank's radius and within 40 bits of the whole picture: no matches, but a
/// reason to look earlier.
pub(super) fn possible(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    observation: &Observation,
    stats: &mut SearchStats,
) -> Result<Vec<Found>, LookUpError> {
    if snapshot.pdq_signals()? > SMALL_LIST {
        return Ok(Vec::new());
    }
    let (mut forms, mut codes) = (Vec::new(), Vec::new());
    for print in observation.fingerprints.iter().filter(|print| print.quality >= options.min_quality) {
        let frame = Some((print.form.frame, print.form.t_ms));
        for (dihedral, hash) in Dihedral::ALL.into_iter().zip(&print.pdq_dihedral) {
            for negative in [false, true] {
                let hash = if negative { hash.map(|byte| !byte) } else { *hash };
                codes.push(Code256::from_bytes(&hash));
                forms.push(Transform::new(dihedral, negative, frame, print.form.backdrop));
            }
        }
    }
    let mut hits = snapshot.search_within(&codes, POSSIBLE_BITS, stats)?;
    hits.sort_by_key(|hit| (hit.distance_bits, hit.query, hit.id));
    let mut found = Vec::new();
    for hit in hits {
        if hit.distance_bits <= snapshot.bank_of(hit.id)?.radius_bits {
            continue;
        }
        let Some(transform) = forms.get(hit.query as usize) else { continue };
        let mut one = Found::as_it_is(hit.id, SignalType::Pdq, hit.distance_bits);
        one.transform = *transform;
        one.standing = Standing::PossibleDerivative;
        found.push(one);
    }
    Ok(found)
}
