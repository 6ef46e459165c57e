//! The known pictures of an index that a questioned picture holds.

use super::{Alignment, Questioned, Sheet, Strength, align_pairs, match_evidence_bits};
use crate::{Form, VoteIndex, VoteOptions, VoteStats};

/// A known picture found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The caller's number of the known picture.
    pub id: u64,
    /// How it lies in the questioned picture.
    pub alignment: Alignment,
}

/// What a search did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FindStats {
    /// The votes.
    pub votes: VoteStats,
    /// Known pictures that were aligned.
    pub aligned: u64,
}

/// All known pictures that agree with the questioned one, most evidence first; each once, in its best form. What is a match
/// among few known pictures may be for review among many: see [`match_evidence_bits`].
///
/// Cost: bounded by the options and the number of features; it hardly grows with the number of known pictures.
pub fn find_known(
    index: &VoteIndex,
    questioned: &Questioned,
    options: &VoteOptions,
    stats: &mut FindStats,
) -> Vec<Found> {
    let candidates = index.vote(questioned, options, &mut stats.votes);
    let needed = match_evidence_bits(index.len() as u64);
    let mut out: Vec<Found> = Vec::new();
    for candidate in candidates {
        let Some(features) = index.features(candidate.picture as usize) else { continue };
        stats.aligned += 1;
        let known = Sheet::new(&features, Form::default());
        let sheet = &questioned.sheets[candidate.form.number()];
        let Some(mut alignment) = align_pairs(sheet, candidate.form, &known, &candidate.pairs) else {
            continue;
        };
        if alignment.evidence_bits < needed {
            alignment.strength = Strength::Review;
        }
        let Some(id) = index.id(candidate.picture as usize) else { continue };
        match out.iter_mut().find(|found| found.id == id) {
            Some(found) if found.alignment.evidence_bits >= alignment.evidence_bits => {}
            Some(found) => found.alignment = alignment,
            None => out.push(Found { id, alignment }),
        }
    }
    out.sort_by_key(|found| (std::cmp::Reverse(found.alignment.evidence_bits), found.id));
    out
}
