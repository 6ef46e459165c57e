//! Finding the canaries, before anything else is looked for.

use super::canary::{Canaries, Canary, canaries};
use super::format::CANARY;
use super::{Segment, SegmentError};
use crate::SearchStats;
use crate::probe::Found;
use crate::ring::{Damaged, Guard, Trusted};

/// The radius of use.
const RADIUS: u32 = 31;

impl Segment {
    /// Looks for codes near the canaries and for random ones, the way every look-up goes: the canaries must be there at their
    /// distances, and nothing that is not within the radius, counted bit by bit.
    pub(super) fn self_test(&self) -> Result<(), SegmentError> {
        let result = match self.checked() {
            None => self.try_out(&Trusted),
            Some(guard) => self.try_out(&guard),
        };
        let failure = result.map_err(|damaged| self.damaged(damaged))?;
        match failure {
            None => Ok(()),
            Some(what) => Err(SegmentError::SelfTest { path: self.path.clone(), what }),
        }
    }

    fn try_out<G: Guard>(&self, guard: &G) -> Result<Option<String>, Damaged> {
        let Canaries { queries, even, odd } = canaries();
        let (mut found, mut stats) = (Vec::new(), SearchStats::default());
        let last = self.parts.len() - 1;
        for part in 0..=last {
            let mut expected: Vec<&Canary> = Vec::new();
            if part == 0 {
                expected.extend(&even);
            }
            if part == last && !self.shape.parts[last].even {
                expected.extend(&odd);
            }
            found.clear();
            self.find(guard, part, &queries, RADIUS, &mut found, &mut stats)?;
            let (codes, owners) = (self.codes(part)?, self.owners(part)?);
            for Found { query, position, distance_bits } in &found {
                let Some(code) = codes.get(*position) else { return Err(Damaged) };
                let distance = code.to_le().distance_bits(queries[*query as usize]);
                if distance != *distance_bits || distance > RADIUS {
                    return Ok(Some(format!("an answer at {distance_bits} bits is {distance} away")));
                }
            }
            for canary in expected {
                let place = found.iter().find(|found| {
                    (found.query, found.distance_bits) == (canary.query, canary.distance_bits)
                        && codes[found.position].to_le() == canary.code
                });
                let mut marked = false;
                if let Some(place) = place {
                    owners.each(guard, place.position, |id| marked |= id == CANARY)?;
                }
                if !marked {
                    return Ok(Some(format!("the canary at {} bits was not found", canary.distance_bits)));
                }
            }
        }
        Ok(None)
    }
}
