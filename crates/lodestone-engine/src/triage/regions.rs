//! Which files of a pile stand within others: regions of one that are another as a whole.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use lodestone_features::tail::TailTable;
use lodestone_index::{BuildOptions, Code256, Hit, SearchStats, SegmentBuilder};
use lodestone_types::EdgeKind;

use super::stacks::Stack;
use super::{Link, TriageItem, TriageOptions};

/// Accidental links to be expected of one picture.
const TARGET: f64 = 1e-5;
/// Regions searched together.
const BATCH: usize = 4096;

/// Links every picture that holds others, as a collage or a screen does, with the nearest of them. With one only: a
/// collage of four would make one card of four pictures that have nothing to do with each other.
///
/// Nothing where regions were not asked for. Cost: some ten microseconds a region.
pub(super) fn within(items: &[TriageItem], stacks: &[Stack], options: &TriageOptions) -> Vec<Link> {
    let mut regions: Vec<(u32, Code256)> = Vec::new();
    let mut builder = SegmentBuilder::new(BuildOptions::default());
    let mut values = 0u64;
    for (number, stack) in (0u32..).zip(stacks) {
        let head = stack.head(items);
        regions.extend(head.regions.iter().map(|code| (number, *code)));
        if let Some(forms) = head.comparable(options.min_quality) {
            values += 1;
            if builder.push(forms[0], number.into()).is_err() {
                return Vec::new();
            }
        }
    }
    let most = stacks.iter().map(|stack| stack.head(items).regions.len()).max().unwrap_or(0) as u32;
    let radius_bits = TailTable::photographs().threshold(most.max(1), 1, values.max(1), TARGET);
    let (Some(radius_bits), false, true) = (radius_bits, regions.is_empty(), values > 0) else {
        return Vec::new();
    };
    let Ok(index) = builder.build(&mut |_| ControlFlow::Continue(())) else { return Vec::new() };
    let mut nearest: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for batch in regions.chunks(BATCH) {
        let codes: Vec<Code256> = batch.iter().map(|(_, code)| *code).collect();
        let mut hits: Vec<Hit> = Vec::new();
        if index.search_into(&codes, radius_bits, &mut hits, &mut SearchStats::default()).is_err() {
            return Vec::new();
        }
        for hit in hits {
            let Some((holder, _)) = batch.get(hit.query as usize) else { continue };
            let held = u32::try_from(hit.id).unwrap_or(*holder);
            if held != *holder {
                let near = (hit.distance_bits, held);
                let best = nearest.entry(*holder).or_insert(near);
                *best = near.min(*best);
            }
        }
    }
    let link = |(holder, (_, held)): (u32, (u32, u32))| Link {
        a: holder.min(held),
        b: holder.max(held),
        kind: EdgeKind::InCollageWith,
    };
    nearest.into_iter().map(link).collect()
}
