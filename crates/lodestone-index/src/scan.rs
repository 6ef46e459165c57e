//! The scan of one tile in safe source, to be compiled for several instruction sets (see `simd.rs`).
//!
//! A block of 64 codes is compared with several probes at once, first by the leading 128 bits alone: unrelated codes
//! differ there in 64 ± 6 bits, so at radius 31 that settles all but one pair in 10⁸. Only a block with a survivor is
//! looked at code by code. Wider radii use 192 or all 256 bits.
//!
//! Everything is `inline(always)`, and plain loops stand where closures would: a closure is not compiled for its
//! caller's instruction set.
#![allow(clippy::needless_range_loop)] // for the reason above

use crate::probe::{Found, Probe};
use crate::tiles::{BLOCK, Column, LANES, Tile};

/// Radius up to which the first 128 bits decide for nearly every unrelated code (at 40: all but 2 in 10⁵).
const TWO_WORDS_TO: u32 = 40;
/// The same for 192 bits (at 72: all but 3 in 10⁴).
const THREE_WORDS_TO: u32 = 72;

/// Probes in one pass over a tile: their words and running extremes fit the vector registers.
const GROUP: usize = 4;

#[inline(always)]
pub(crate) fn scan<F: Filter>(
    filter: F,
    tile: Tile<'_>,
    probes: &[Probe],
    radius: u32,
    found: &mut Vec<Found>,
) {
    let mut rest = probes;
    while let Some(first) = rest.first() {
        // Runs of like probes go together; a group is cut where one-sided and two-sided probes meet.
        let far = first.far.is_some();
        match rest.split_first_chunk::<GROUP>() {
            Some((group, after)) if alike(group, far) => {
                scan_group(filter, tile, group, far, radius, found);
                rest = after;
            }
            _ => {
                scan_group(filter, tile, &[*first], far, radius, found);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

#[inline(always)]
fn alike(group: &[Probe; GROUP], far: bool) -> bool {
    group[1].far.is_some() == far && group[2].far.is_some() == far && group[3].far.is_some() == far
}

#[inline(always)]
fn scan_group<F: Filter, const Q: usize>(
    filter: F,
    tile: Tile<'_>,
    probes: &[Probe; Q],
    far: bool,
    radius: u32,
    found: &mut Vec<Found>,
) {
    match (radius, far) {
        (..=TWO_WORDS_TO, false) => scan_words::<F, 2, Q, false>(filter, tile, probes, radius, found),
        (..=TWO_WORDS_TO, true) => scan_words::<F, 2, Q, true>(filter, tile, probes, radius, found),
        (..=THREE_WORDS_TO, false) => scan_words::<F, 3, Q, false>(filter, tile, probes, radius, found),
        (..=THREE_WORDS_TO, true) => scan_words::<F, 3, Q, true>(filter, tile, probes, radius, found),
        (_, false) => scan_words::<F, 4, Q, false>(filter, tile, probes, radius, found),
        (_, true) => scan_words::<F, 4, Q, true>(filter, tile, probes, radius, found),
    }
}

#[inline(always)]
fn scan_words<F: Filter, const W: usize, const Q: usize, const FAR: bool>(
    filter: F,
    tile: Tile<'_>,
    probes: &[Probe; Q],
    radius: u32,
    found: &mut Vec<Found>,
) {
    let near_limit = u64::from(radius);
    let far_limit = (64 * W as u64).saturating_sub(near_limit);
    for block in 0..tile.words[0].len() {
        let mut columns = [&tile.words[0][block]; W];
        for w in 1..W {
            columns[w] = &tile.words[w][block];
        }
        let survivors = filter.survivors::<W, Q, FAR>(columns, probes, near_limit, far_limit);
        for q in 0..Q {
            if survivors[q] {
                verify(tile, block, &probes[q], radius, found);
            }
        }
    }
}

/// Looks at each code of one block with all its bits.
#[inline(always)]
fn verify(tile: Tile<'_>, block: usize, probe: &Probe, radius: u32, found: &mut Vec<Found>) {
    let start = tile.start + block * BLOCK;
    for slot in 0..BLOCK.min(tile.end - start) {
        let position = start + slot;
        let mut distance = 0;
        for w in 0..4 {
            distance += (tile.words[w][block].0[slot / LANES][slot % LANES] ^ probe.code.0[w]).count_ones();
        }
        if distance <= radius {
            found.push(Found { query: probe.near, position, distance_bits: distance });
        }
        if let Some(query) = probe.far
            && 256 - distance <= radius
        {
            found.push(Found { query, position, distance_bits: 256 - distance });
        }
    }
}

/// Which probes may have a code in a block within the radius, by the leading `W` words of all: the least partial
/// distance is at most `near_limit` or, where `FAR`, the greatest at least `far_limit`.
pub(crate) trait Filter: Copy {
    fn survivors<const W: usize, const Q: usize, const FAR: bool>(
        self,
        columns: [&Column; W],
        probes: &[Probe; Q],
        near_limit: u64,
        far_limit: u64,
    ) -> [bool; Q];
}

/// The filter in safe source.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Filter for Plain {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize, const FAR: bool>(
        self,
        columns: [&Column; W],
        probes: &[Probe; Q],
        near_limit: u64,
        far_limit: u64,
    ) -> [bool; Q] {
        let mut survivors = [false; Q];
        for q in 0..Q {
            let (mut least, mut most) = (u64::MAX, 0);
            for row in 0..BLOCK / LANES {
                for lane in 0..LANES {
                    let mut distance = 0;
                    for w in 0..W {
                        distance += u64::from((columns[w].0[row][lane] ^ probes[q].code.0[w]).count_ones());
                    }
                    least = least.min(distance);
                    most = most.max(distance);
                }
            }
            survivors[q] = least <= near_limit || FAR && most >= far_limit;
        }
        survivors
    }
}
