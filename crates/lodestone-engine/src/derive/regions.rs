//! Layer 2: regions of the questioned picture looked up as if each were a picture.

use std::collections::BTreeMap;

use lodestone_features::region::{Region, refine};
use lodestone_hash::PdqHash;
use lodestone_index::{Code256, SearchStats};
use lodestone_types::{
    Box2, Dihedral, Milli, Observation, RegionPrint, Regions, Relation, SignalType, Standing, Transform,
    TransformKind,
};

use super::shelf::Shelf;
use super::{Kept, POSSIBLE_BITS, SMALL_LIST, TARGET};
use crate::appraise::Found;
use crate::look_up::LookUpError;

/// How far out small lists are searched before a region is made exact.
const WIDE_BITS: u32 = 64;
/// Hashes that making one region exact may take.
const MOST_HASHES: u32 = 64;
/// Candidates of one picture that are made exact.
const MOST_REFINED: usize = 24;
/// A region made exact that comes this near is no accident: it confirms itself. *Source:* `derivatives.md` 3.2.
const SURE_BITS: u32 = 20;

/// One form of one region.
#[derive(Clone, Copy)]
struct Query {
    print: usize,
    dihedral: Dihedral,
    negative: bool,
}

/// A value near a form of a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    distance_bits: u32,
    query: u32,
}

/// What the regions match; of each entry its best region.
pub(super) fn find(
    shelf: &dyn Shelf,
    observation: &Observation,
    regions: &Regions,
    stats: &mut SearchStats,
) -> Result<Vec<Found>, LookUpError> {
    let (queries, codes) = queries(&regions.prints);
    let values = shelf.values()?;
    if codes.is_empty() || values == 0 {
        return Ok(Vec::new());
    }
    let tail = shelf.tail();
    let look_ups = codes.len() as u32;
    // Not even equal hashes would say enough: nothing is looked up, rather than anything believed.
    let Some(limit) = tail.threshold(look_ups, 1, values, TARGET) else { return Ok(Vec::new()) };
    let detail = Kept::of(observation);
    let small = shelf.searched()? <= SMALL_LIST;
    let radius = if small { WIDE_BITS } else { limit };
    let mut best: BTreeMap<u64, Near> = BTreeMap::new();
    for hit in shelf.within(&codes, radius, stats)? {
        let near = Near { distance_bits: hit.distance_bits, query: hit.query };
        let held = best.entry(hit.id).or_insert(near);
        *held = near.min(*held);
    }
    let mut nearest: Vec<(Near, u64)> = best.into_iter().map(|(key, near)| (near, key)).collect();
    nearest.sort_unstable();
    let mut found = Vec::new();
    for (place, (near, key)) in nearest.into_iter().enumerate() {
        let Some(query) = queries.get(near.query as usize).copied() else { continue };
        let Some(print) = regions.prints.get(query.print) else { continue };
        let mut region = region_of(print);
        let mut distance_bits = near.distance_bits;
        let mut refined = false;
        if let (Some(Kept(luma)), true) = (&detail, place < MOST_REFINED)
            && let Some(target) = shelf.near_value(key, &codes[near.query as usize])
        {
            let target = PdqHash(if query.negative { target.map(|byte| !byte) } else { target });
            let form = Dihedral::ALL.iter().position(|one| *one == query.dihedral).unwrap_or(0);
            let moved = refine(luma, &region, form, &target, MOST_HASHES);
            if moved.distance_bits <= distance_bits {
                (region, distance_bits, refined) = (moved.region, moved.distance_bits, true);
            }
        }
        let bank_radius = shelf.radius_of(key)?;
        let standing = if distance_bits > limit.min(bank_radius) {
            // The wide search shows what is near; most of it is nothing.
            if !small || distance_bits > POSSIBLE_BITS {
                continue;
            }
            Standing::PossibleDerivative
        } else if refined && distance_bits <= SURE_BITS && !print.repeated {
            Standing::Match
        } else {
            Standing::Review
        };
        let mut one = Found::as_it_is(key, SignalType::Pdq, distance_bits);
        one.transform = Transform {
            kind: TransformKind::Region,
            dihedral: query.dihedral,
            negative: query.negative,
            region: Some(in_picture(&region, regions, observation)),
            ..Transform::default()
        };
        one.layer = 2;
        one.radius_bits = Some(limit.min(bank_radius));
        one.standing = standing;
        one.relation = (standing != Standing::PossibleDerivative).then_some(Relation::Contains);
        one.windows = Some(regions.prints.len() as u32);
        one.expected_false_hits = Some(tail.expected_false_hits(distance_bits, look_ups, 1, values));
        found.push(one);
    }
    Ok(found)
}

/// Every form of every region: as it is for all; in eight symmetries, each with its complement, where all were hashed.
fn queries(prints: &[RegionPrint]) -> (Vec<Query>, Vec<Code256>) {
    let (mut queries, mut codes) = (Vec::new(), Vec::new());
    for (number, print) in prints.iter().enumerate() {
        let all = print.pdq.len() > 1;
        for (dihedral, hash) in Dihedral::ALL.into_iter().zip(&print.pdq) {
            for negative in [false, true] {
                if negative && !all {
                    continue;
                }
                let hash = if negative { hash.map(|byte| !byte) } else { *hash };
                queries.push(Query { print: number, dihedral, negative });
                codes.push(Code256::from_bytes(&hash));
            }
        }
    }
    (queries, codes)
}

fn region_of(print: &RegionPrint) -> Region {
    let value = |milli: Milli| milli.to_f64() as f32;
    Region { x: value(print.x), y: value(print.y), width: value(print.width), height: value(print.height) }
}

/// The region in pixels of the picture as stored.
fn in_picture(region: &Region, regions: &Regions, observation: &Observation) -> Box2 {
    let (width, height) = observation
        .picture
        .as_ref()
        .map_or((regions.width, regions.height), |picture| (picture.width, picture.height));
    let x = f64::from(width) / f64::from(regions.width.max(1));
    let y = f64::from(height) / f64::from(regions.height.max(1));
    let scaled = |value: f32, by: f64| (f64::from(value) * by).round() as i32;
    Box2 {
        x: scaled(region.x, x),
        y: scaled(region.y, y),
        width: scaled(region.width, x),
        height: scaled(region.height, y),
    }
}
