//! The scan of one tile in safe source, to be compiled for several instruction sets (see `simd.rs`).
//!
//! A block of 16 vectors is compared with several probes at once by its first 36 bytes; only where one of the sixteen
//! is near enough in those is the whole distance computed. Distances only grow with more positions, so nothing is lost.
#![allow(clippy::needless_range_loop)] // plain loops: a closure is not compiled for its caller's instruction set

use super::block::{Head, LANES, Probe, Row, Tail, Tile};

/// A vector near enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) query: u32,
    pub(crate) position: usize,
    pub(crate) distance_squared: u32,
}

/// `GROUP` probes are compared in one pass: as many as the registers of a machine hold.
#[inline(always)]
pub(crate) fn scan<D: Distances, const GROUP: usize>(
    kernel: D,
    tile: Tile<'_>,
    probes: &[Probe],
    found: &mut Vec<Found>,
) {
    let mut rest = probes;
    while let Some((first, after_first)) = rest.split_first_chunk::<1>() {
        match rest.split_first_chunk::<GROUP>() {
            Some((group, after)) => {
                scan_group(kernel, tile, group, found);
                rest = after;
            }
            None => {
                scan_group(kernel, tile, first, found);
                rest = after_first;
            }
        }
    }
}

#[inline(always)]
fn scan_group<D: Distances, const Q: usize>(
    kernel: D,
    tile: Tile<'_>,
    probes: &[Probe; Q],
    found: &mut Vec<Found>,
) {
    let offset = tile.start / LANES;
    let (mut first, mut last) = (usize::MAX, 0);
    for q in 0..Q {
        first = first.min(probes[q].first);
        last = last.max(probes[q].last);
    }
    for number in first.saturating_sub(offset)..last.saturating_sub(offset).min(tile.heads.len()) {
        let head = &tile.heads[number];
        let survivors = kernel.survivors(head, probes);
        for q in 0..Q {
            if survivors[q] {
                let start = tile.start + number * LANES;
                let whole = kernel.whole(head, &tile.tails[number], &probes[q]);
                for lane in 0..LANES.min(tile.end.saturating_sub(start)) {
                    if whole[lane] <= probes[q].limit {
                        found.push(Found {
                            query: probes[q].query,
                            position: start + lane,
                            distance_squared: whole[lane].unsigned_abs(),
                        });
                    }
                }
            }
        }
    }
}

/// What differs between kernels.
pub(crate) trait Distances: Copy {
    /// Which probes are within their limit of one of the vectors by the rows of the head.
    fn survivors<const Q: usize>(self, head: &Head, probes: &[Probe; Q]) -> [bool; Q];

    /// The squared distance of each vector to a probe.
    fn whole(self, head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES];
}

/// The distances in safe source.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Distances for Plain {
    #[inline(always)]
    fn survivors<const Q: usize>(self, head: &Head, probes: &[Probe; Q]) -> [bool; Q] {
        let mut survivors = [false; Q];
        for q in 0..Q {
            let products = products(&head.rows, &probes[q].head);
            let mut least = i32::MAX;
            for lane in 0..LANES {
                least = least.min(head.sums[lane] - 2 * products[lane]);
            }
            survivors[q] = least <= probes[q].limit - probes[q].head_sum;
        }
        survivors
    }

    #[inline(always)]
    fn whole(self, head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
        let mut sums = products(&head.rows, &probe.head);
        let more = products(&tail.rows, &probe.tail);
        for lane in 0..LANES {
            sums[lane] += more[lane];
        }
        distances(sums, head, tail, probe)
    }
}

/// `Σaq'` of each vector over the rows. Shifts and masks instead of bytes, which the compiler would take one by one.
#[inline(always)]
fn products<const N: usize>(rows: &[Row; N], query: &[i32; N]) -> [i32; LANES] {
    let mut sums = [0; LANES];
    for row in 0..N {
        let [a, b, c, d] = query[row].to_le_bytes();
        for lane in 0..LANES {
            let word = rows[row][lane];
            sums[lane] += (word & 0xff) as i32 * i32::from(a as i8)
                + (word >> 8 & 0xff) as i32 * i32::from(b as i8)
                + (word >> 16 & 0xff) as i32 * i32::from(c as i8)
                + (word >> 24) as i32 * i32::from(d as i8);
        }
    }
    sums
}

/// The squared distances of vectors whose `Σaq'` over all rows are `products`.
#[inline(always)]
pub(crate) fn distances(products: [i32; LANES], head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
    let mut distances = [0; LANES];
    for lane in 0..LANES {
        let squares = head.sums[lane] + tail.sums[lane] + probe.head_sum + probe.tail_sum;
        distances[lane] = squares - 2 * products[lane];
    }
    distances
}
