//! The scan of one tile of narrow codes in safe source, to be compiled for several instruction sets (see `simd.rs`).
//!
//! As for 256 bits: a block of 64 codes is compared with several probes at once, and only a block with a survivor is
//! looked at code by code. At small radii the first word alone decides for codes of two.
#![allow(clippy::needless_range_loop)] // plain loops: a closure is not compiled for its caller's instruction set

/// Codes in one block.
pub(crate) const BLOCK: usize = 64;

/// Codes in one row of a block: lanes of a vector of words on the widest machine.
pub(crate) const LANES: usize = 8;

/// Radius up to which 64 bits decide for nearly every unrelated code (all but 4 in 10⁵).
const ONE_WORD_TO: u32 = 16;

/// Probes in one pass over a tile.
const GROUP: usize = 4;

/// One word of each of 64 codes, in rows.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Column(pub(crate) [[u64; LANES]; BLOCK / LANES]);

/// A run of blocks, positions `start..end` of the index; the filling of the last block is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<'a, const WORDS: usize> {
    pub(crate) words: [&'a [Column]; WORDS],
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One code to look for and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<const WORDS: usize> {
    pub(crate) words: [u64; WORDS],
    pub(crate) query: u32,
}

/// A code within the radius.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) query: u32,
    pub(crate) position: usize,
    pub(crate) distance_bits: u32,
}

#[inline(always)]
pub(crate) fn scan<F: Filter, const WORDS: usize>(
    filter: F,
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>],
    radius: u32,
    found: &mut Vec<Found>,
) {
    let mut rest = probes;
    while let Some((first, after_first)) = rest.split_first_chunk::<1>() {
        match rest.split_first_chunk::<GROUP>() {
            Some((group, after)) => {
                scan_group(filter, tile, group, radius, found);
                rest = after;
            }
            None => {
                scan_group(filter, tile, first, radius, found);
                rest = after_first;
            }
        }
    }
}

#[inline(always)]
fn scan_group<F: Filter, const WORDS: usize, const Q: usize>(
    filter: F,
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>; Q],
    radius: u32,
    found: &mut Vec<Found>,
) {
    if radius <= ONE_WORD_TO {
        scan_words::<F, WORDS, 1, Q>(filter, tile, probes, radius, found);
    } else {
        scan_words::<F, WORDS, WORDS, Q>(filter, tile, probes, radius, found);
    }
}

/// Filters by the leading `W` words.
#[inline(always)]
fn scan_words<F: Filter, const WORDS: usize, const W: usize, const Q: usize>(
    filter: F,
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>; Q],
    radius: u32,
    found: &mut Vec<Found>,
) {
    let mut words = [[0; W]; Q];
    for q in 0..Q {
        words[q].copy_from_slice(&probes[q].words[..W]);
    }
    for block in 0..tile.words[0].len() {
        let mut columns = [&tile.words[0][block]; W];
        for w in 1..W {
            columns[w] = &tile.words[w][block];
        }
        let survivors = filter.survivors(columns, &words, u64::from(radius));
        for q in 0..Q {
            if survivors[q] {
                verify(tile, block, &probes[q], radius, found);
            }
        }
    }
}

/// Looks at each code of one block with all its bits.
#[inline(always)]
fn verify<const WORDS: usize>(
    tile: Tile<'_, WORDS>,
    block: usize,
    probe: &Probe<WORDS>,
    radius: u32,
    found: &mut Vec<Found>,
) {
    let start = tile.start + block * BLOCK;
    for slot in 0..BLOCK.min(tile.end.saturating_sub(start)) {
        let mut distance_bits = 0;
        for w in 0..WORDS {
            let code = tile.words[w][block].0[slot / LANES][slot % LANES];
            distance_bits += (code ^ probe.words[w]).count_ones();
        }
        if distance_bits <= radius {
            found.push(Found { query: probe.query, position: start + slot, distance_bits });
        }
    }
}

/// Which probes may have a code in a block within the radius: the least distance by `W` words is at most `limit`.
pub(crate) trait Filter: Copy {
    fn survivors<const W: usize, const Q: usize>(
        self,
        columns: [&Column; W],
        probes: &[[u64; W]; Q],
        limit: u64,
    ) -> [bool; Q];
}

/// The filter in safe source.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Filter for Plain {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize>(
        self,
        columns: [&Column; W],
        probes: &[[u64; W]; Q],
        limit: u64,
    ) -> [bool; Q] {
        let mut survivors = [false; Q];
        for q in 0..Q {
            let mut least = u64::MAX;
            for row in 0..BLOCK / LANES {
                for lane in 0..LANES {
                    let mut distance = 0;
                    for w in 0..W {
                        distance += u64::from((columns[w].0[row][lane] ^ probes[q][w]).count_ones());
                    }
                    least = least.min(distance);
                }
            }
            survivors[q] = least <= limit;
        }
        survivors
    }
}
