//! A server's look-up of parts of a picture: layer after layer, each as far as the caller asks for it.

use std::collections::BTreeSet;

use lodestone_index::SearchStats;
use lodestone_types::{Observation, Relation, Standing, Transform};

use super::shelf::LiveShelf;
use super::{aligned, regions};
use crate::appraise::Found;
use crate::live::{LiveKnown, LiveState};
use crate::look_up::LookUpError;

/// An entry of a server's banks that a part of a questioned picture matches.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedHit {
    /// Number of the entry.
    pub entry_no: u64,
    /// The layer that found it: 2 or 3.
    pub layer: u8,
    /// Bits that differ; none of layer 3.
    pub distance_bits: Option<u32>,
    /// The radius in force for regions of this picture; none of layer 3.
    pub radius_bits: Option<u32>,
    /// Where, and in which form.
    pub transform: Transform,
    /// [`Standing::Match`], or [`Standing::Review`]: never to be acted upon without a person.
    pub standing: Standing,
    /// How the questioned picture comes from the known one.
    pub relation: Option<Relation>,
    /// Local features that agree, where features were compared.
    pub inliers: Option<u32>,
    /// How much that says.
    pub evidence_bits: Option<u32>,
    /// Regions looked up, of layer 2.
    pub windows: Option<u32>,
    /// Accidental matches as near as this to be expected for one picture.
    pub expected_false_hits: f64,
}

/// What parts of one picture match, gathered layer by layer.
pub struct DerivedLookUp<'l> {
    observation: &'l Observation,
    /// Entries that the whole picture matches: not told again.
    held: BTreeSet<u64>,
    found: Vec<Found>,
}

impl<'l> DerivedLookUp<'l> {
    /// Of an observed picture; `held`: entries that are known to match its whole or its bytes.
    pub fn new(observation: &'l Observation, held: impl IntoIterator<Item = u64>) -> Self {
        Self { observation, held: held.into_iter().collect(), found: Vec::new() }
    }

    /// Layer 2: regions against hashes. Some milliseconds of CPU: for threads that may wait.
    ///
    /// # Errors
    /// [`LookUpError`] when the index is damaged: never to be taken for "no match".
    pub fn regions(&mut self, shelf: &LiveShelf<'_>) -> Result<(), LookUpError> {
        let Some(of_picture) = &self.observation.regions else { return Ok(()) };
        let found = regions::find(shelf, self.observation, of_picture, &mut SearchStats::default())?;
        self.found.extend(found.into_iter().filter(|one| !self.held.contains(&one.key)));
        Ok(())
    }

    /// Layer 3: local features against those of known pictures; confirms what layer 2 found. `takes_part`: whether an
    /// entry does. Tens of milliseconds of CPU: for threads that may wait.
    pub fn features(&mut self, state: &LiveState, known: &LiveKnown, takes_part: &dyn Fn(u64) -> bool) {
        let usable = |place: usize, key: u64| known.stands(state, place, key) && takes_part(key);
        aligned::find(&known.pictures(&usable), self.observation, &mut self.found);
        self.found.retain(|one| !self.held.contains(&one.key));
    }

    /// What was found, surest first; each entry once. Possible derivatives are left out: they are for triage.
    pub fn hits(self) -> Vec<DerivedHit> {
        let stands = |one: &Found| one.standing != Standing::PossibleDerivative;
        let mut hits: Vec<DerivedHit> = self.found.iter().filter(|one| stands(one)).map(hit).collect();
        hits.sort_by_key(|one| (one.standing, one.layer, one.distance_bits, one.entry_no));
        hits.dedup_by_key(|one| one.entry_no);
        hits
    }
}

fn hit(one: &Found) -> DerivedHit {
    let by_hash = one.layer < 3;
    DerivedHit {
        entry_no: one.key,
        layer: one.layer,
        distance_bits: by_hash.then_some(one.distance_bits),
        radius_bits: one.radius_bits.filter(|_| by_hash),
        transform: one.transform,
        standing: one.standing,
        relation: one.relation,
        inliers: one.inliers,
        evidence_bits: one.evidence_bits,
        windows: one.windows,
        expected_false_hits: one.expected_false_hits.unwrap_or(0.0),
    }
}
