//! Codes of 64 and 128 bits: other perceptual hashes than PDQ.

mod scan;
#[allow(unsafe_code)] // the dispatching calls and the vector loads
mod simd;
mod tables;

use scan::{BLOCK, Column, Found, LANES, Probe, Tile};
use simd::Narrow;
use tables::Tables;

use crate::owners::Owners;
use crate::{Hit, Kernel, SearchStats};

/// Queries scanned together; their probes stay in the first-level cache while the codes stream by.
const BATCH: usize = 1024;

/// Blocks scanned for one batch of probes before the next: 2,048 codes, 16 or 32 KiB.
const TILE_BLOCKS: usize = 32;

/// A code of `WORDS` times 64 bits, the first eight bytes of the reading order in the first word.
///
/// Codes compare in the order of their bytes. [`Code64`] and [`Code128`] are its names in use; PDQ's 256 bits have a
/// type and an index of their own, [`Code256`](crate::Code256).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NarrowCode<const WORDS: usize>(pub [u64; WORDS]);

/// A 64-bit code.
pub type Code64 = NarrowCode<1>;

/// A 128-bit code.
pub type Code128 = NarrowCode<2>;

impl<const WORDS: usize> NarrowCode<WORDS> {
    /// Bits in a code.
    pub const BITS: u32 = 64 * WORDS as u32;

    /// The code of `8 * WORDS` bytes in reading order; `None` for another number of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<8>();
        let words: [[u8; 8]; WORDS] = chunks.try_into().ok()?;
        rest.is_empty().then(|| Self(words.map(u64::from_be_bytes)))
    }

    /// Bits in which two codes differ.
    pub fn distance_bits(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

/// An immutable set of 64- or 128-bit codes with ids, searched by Hamming radius: *every* entry within it, exactly.
///
/// Equal codes are stored once with all their owners. Memory: 8 bytes a word of a distinct code and 4 for its owners, 8
/// an entry. Cost: linear in distinct codes, vectorised. From 131,072 distinct codes on there are tables besides (48 bytes
/// a 64-bit code, 160 a 128-bit one), which small radii (up to 15 of 64 bits, 31 of 128) use where that is cheaper.
/// Rates: `examples/widths.rs`.
#[derive(Clone, Debug)]
pub struct NarrowIndex<const WORDS: usize> {
    /// Word `w` of code `i` is `words[w][i / 64].0[i % 64 / 8][i % 8]`; zeros fill up the last block.
    words: [Vec<Column>; WORDS],
    /// None for few codes.
    tables: Tables<WORDS>,
    owners: Owners,
    kernel: Kernel,
}

impl<const WORDS: usize> Default for NarrowIndex<WORDS> {
    fn default() -> Self {
        Self::from_entries(Vec::new())
    }
}

impl<const WORDS: usize> NarrowIndex<WORDS> {
    /// An index of codes with the caller's ids, in any order; codes and ids may repeat, equal pairs count once.
    ///
    /// Cost: a sort.
    ///
    /// # Panics
    /// With more than `u32::MAX` entries. Codes of no words do not compile.
    pub fn from_entries(mut entries: Vec<(NarrowCode<WORDS>, u64)>) -> Self {
        const { assert!(WORDS > 0, "a code has at least one word") };
        entries.sort_unstable();
        let mut codes: Vec<NarrowCode<WORDS>> = Vec::new();
        let owners = Owners::of_sorted(&entries, &mut |code| codes.push(code));
        drop(entries);
        let words = std::array::from_fn(|w| codes.chunks(BLOCK).map(|chunk| column(w, chunk)).collect());
        let tables = if codes.len() < tables::FROM { Tables::default() } else { Tables::new(&codes) };
        Self { words, tables, owners, kernel: Kernel::detect() }
    }

    /// The same index searched by another kernel. Answers do not depend on it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Entries, equal codes counted for each id.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.owners.len() == 0
    }

    /// Distinct codes.
    pub fn distinct(&self) -> usize {
        self.owners.distinct()
    }

    /// The same index without tables. Answers do not depend on them.
    pub fn without_tables(mut self) -> Self {
        self.tables = Tables::default();
        self
    }

    /// Appends to `hits` every entry within `radius_bits` of each query, sorted among themselves by query, distance and
    /// id. `query` counts from 0 in this batch. Larger batches are cheaper per query.
    pub fn search_into(
        &self,
        queries: &[NarrowCode<WORDS>],
        radius_bits: u32,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) {
        let before = hits.len();
        let kernel = Narrow::of(self.kernel);
        let limits = self.tables.limits(radius_bits);
        let (mut scanned, mut found) = (Vec::new(), Vec::new());
        for (query, code) in (0u32..).zip(queries) {
            let probe = Probe { words: code.0, query };
            let limits = limits.as_ref();
            let looked = limits
                .and_then(|limits| Some((limits, self.tables.buckets(&probe, limits, self.distinct())?)));
            if let Some((limits, buckets)) = looked {
                stats.probes += buckets.probes;
                stats.entries += buckets.codes;
                kernel.look_up(&self.tables, &buckets, &probe, limits, radius_bits, &mut found);
                self.name(&mut found, hits);
            } else {
                scanned.push(probe);
            }
        }
        for batch in scanned.chunks(BATCH) {
            for tile in self.tiles() {
                kernel.scan(tile, batch, radius_bits, &mut found);
                self.name(&mut found, hits);
            }
        }
        hits[before..].sort_unstable();
        stats.queries += queries.len() as u64;
        stats.scanned += scanned.len() as u64 * self.distinct() as u64;
        stats.hits += (hits.len() - before) as u64;
    }

    /// Turns places into ids.
    fn name(&self, found: &mut Vec<Found>, hits: &mut Vec<Hit>) {
        for Found { query, position, distance_bits } in found.drain(..) {
            hits.extend(self.owners.of(position).iter().map(|id| Hit { query, distance_bits, id: *id }));
        }
    }

    /// Every entry within `radius_bits` of each query.
    pub fn search(&self, queries: &[NarrowCode<WORDS>], radius_bits: u32) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.search_into(queries, radius_bits, &mut hits, &mut SearchStats::default());
        hits
    }

    fn tiles(&self) -> impl Iterator<Item = Tile<'_, WORDS>> {
        let (blocks, codes) = (self.words[0].len(), self.distinct());
        (0..blocks).step_by(TILE_BLOCKS).map(move |first| {
            let last = (first + TILE_BLOCKS).min(blocks);
            Tile {
                words: self.words.each_ref().map(|column| &column[first..last]),
                start: first * BLOCK,
                end: (last * BLOCK).min(codes),
            }
        })
    }
}

/// Word `w` of up to 64 codes.
fn column<const WORDS: usize>(w: usize, codes: &[NarrowCode<WORDS>]) -> Column {
    let mut column = Column([[0; LANES]; BLOCK / LANES]);
    for (slot, code) in column.0.as_flattened_mut().iter_mut().zip(codes) {
        *slot = code.0[w];
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_order_and_other_lengths_are_refused() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(Code64::from_bytes(&bytes[..8]), Some(NarrowCode([0x0001_0203_0405_0607])));
        let code = Code128::from_bytes(&bytes).unwrap();
        assert_eq!(code.0, [0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f]);
        assert_eq!(code.distance_bits(NarrowCode([code.0[0] ^ 7, code.0[1] ^ (1 << 63)])), 4);
        for wrong in [0, 7, 9, 15] {
            assert_eq!(Code64::from_bytes(&bytes[..wrong]), None, "{wrong} bytes");
        }
        assert_eq!(Code128::from_bytes(&[0; 17]), None);
    }
}
