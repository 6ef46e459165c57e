//! Search of 144-byte vectors by squared Euclidean distance: the shape of PhotoDNA values.
//!
//! Nothing here computes such a value from a picture, or from anything: a list brings them, a caller asks with one, and
//! the two are compared. That a value is 144 bytes, written as 288 hexadecimal digits or in base64, and that values
//! are compared by the sum of their squared byte differences, is public (IPED, an open forensic tool, does so; the
//! VICS format carries the values). How a value is made is not, nor is its owner's threshold. What others have
//! published differs eightfold (the Canadian Centre for Child Protection calls below 5,000 "close" and below 2,000
//! "very close", IPED's default is 40,000), so there is no threshold here: every query brings its own, and 0 asks for
//! equal values only.
//!
//! The scan is linear and exact. *Why not a tree:* with thresholds of this size a correctly pruned vantage-point tree
//! visits nearly everything, and one pruned by squared distances, which are no metric, loses matches. What prunes here is
//! exact: vectors lie in the order of their length, and lengths differ by no more than the distance.

mod block;
mod scan;
#[allow(unsafe_code)] // the dispatching calls, the vector loads and stores
mod simd;

use block::{Head, LANES, Order, Probe, TILE_BLOCKS, Tail, Tile, block};
use scan::Found;
use simd::Vectors;

use crate::owners::Owners;
use crate::{Kernel, SearchStats};

/// Queries scanned together; their probes stay in the second-level cache while the vectors stream by.
const BATCH: usize = 2048;

/// A vector of 144 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vector144(pub [u8; Self::LEN]);

impl Vector144 {
    /// Bytes in a vector.
    pub const LEN: usize = 144;

    /// The greatest squared distance of two vectors: 144 × 255².
    pub const MAX_DISTANCE_SQUARED: u32 = 144 * 255 * 255;

    /// The sum of the squared differences of the bytes: the square of the Euclidean distance.
    pub fn distance_squared(&self, other: &Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    }

    /// The sum of the squared bytes.
    fn length_squared(&self) -> u32 {
        self.0.iter().map(|byte| u32::from(*byte).pow(2)).sum()
    }
}

/// A vector to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorQuery {
    /// The vector.
    pub vector: Vector144,
    /// The greatest squared distance wanted; 0 asks for equal vectors, [`Vector144::MAX_DISTANCE_SQUARED`] for all.
    pub max_distance_squared: u32,
}

/// One answer: entry `id` lies at `distance_squared` from query number `query`.
///
/// The order of the fields is the order in which answers are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VectorHit {
    /// Number of the query in its batch, from 0.
    pub query: u32,
    /// Sum of squared differences.
    pub distance_squared: u32,
    /// The entry's id, as given when the index was built.
    pub id: u64,
}

/// An immutable set of 144-byte vectors with ids, searched by squared distance.
///
/// Equal vectors are stored once with all their owners. Memory: 156 bytes a distinct vector and 8 an entry. Cost: linear
/// in the distinct vectors whose length is near the query's, see `examples/widths.rs`.
#[derive(Clone, Debug)]
pub struct VectorIndex {
    /// In the order of the vectors' lengths, their bytes in `order`.
    heads: Vec<Head>,
    tails: Vec<Tail>,
    /// The squared length of the first vector of each block, ascending.
    lengths: Vec<u32>,
    order: Order,
    owners: Owners,
    kernel: Kernel,
}

impl Default for VectorIndex {
    fn default() -> Self {
        Self::from_entries(Vec::new())
    }
}

impl VectorIndex {
    /// An index of vectors with the caller's ids, in any order; vectors and ids may repeat, equal pairs count once.
    ///
    /// Cost: a sort.
    ///
    /// # Panics
    /// With more than `u32::MAX` entries.
    pub fn from_entries(mut entries: Vec<(Vector144, u64)>) -> Self {
        entries.sort_unstable_by_key(|(vector, id)| (vector.length_squared(), *vector, *id));
        let mut vectors = Vec::new();
        let owners = Owners::of_sorted(&entries, &mut |vector| vectors.push(vector));
        drop(entries);
        let lengths = vectors.iter().step_by(LANES).map(Vector144::length_squared).collect();
        let order = Order::by_variance(vectors.iter().copied());
        for vector in &mut vectors {
            *vector = order.apply(vector);
        }
        let (heads, tails) = vectors.chunks(LANES).map(block).unzip();
        Self { heads, tails, lengths, order, owners, kernel: Kernel::detect() }
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

    /// Entries, equal vectors counted for each id.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.owners.len() == 0
    }

    /// Distinct vectors.
    pub fn distinct(&self) -> usize {
        self.owners.distinct()
    }

    /// Appends to `hits` every entry within each query's distance, sorted among themselves by query, distance and id.
    /// `query` counts from 0 in this batch.
    ///
    /// Larger batches are cheaper per query. `stats.scanned` grows by the vectors whose length did not rule them out.
    pub fn search_into(&self, queries: &[VectorQuery], hits: &mut Vec<VectorHit>, stats: &mut SearchStats) {
        let before = hits.len();
        let mut probes: Vec<Probe> = (0u32..)
            .zip(queries)
            .map(|(number, query)| {
                let mut probe = Probe::new(number, query, &self.order);
                (probe.first, probe.last) = self.blocks_within(&probe);
                let end = (probe.last * LANES).min(self.distinct());
                stats.scanned += end.saturating_sub(probe.first * LANES) as u64;
                probe
            })
            .collect();
        // Probes of like length look at like blocks.
        probes.sort_unstable_by_key(|probe| (probe.first, probe.last, probe.query));
        let kernel = Vectors::of(self.kernel);
        let mut found = Vec::new();
        for batch in probes.chunks(BATCH) {
            for tile in self.tiles() {
                kernel.scan(tile, batch, &mut found);
                for Found { query, position, distance_squared } in found.drain(..) {
                    let owners = self.owners.of(position);
                    hits.extend(owners.iter().map(|id| VectorHit { query, distance_squared, id: *id }));
                }
            }
        }
        hits[before..].sort_unstable();
        stats.queries += queries.len() as u64;
        stats.hits += (hits.len() - before) as u64;
    }

    /// Every entry within each query's distance.
    pub fn search(&self, queries: &[VectorQuery]) -> Vec<VectorHit> {
        let mut hits = Vec::new();
        self.search_into(queries, &mut hits, &mut SearchStats::default());
        hits
    }

    /// The blocks, first and one past the last, that can hold a vector within the probe's limit.
    fn blocks_within(&self, probe: &Probe) -> (usize, usize) {
        let lengths = probe.lengths_squared();
        // The block before the first that starts within the range may end within it.
        let first = self.lengths.partition_point(|length| length < lengths.start()).saturating_sub(1);
        let last = self.lengths.partition_point(|length| length <= lengths.end());
        (first, last.max(first))
    }

    fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        let blocks = self.heads.chunks(TILE_BLOCKS).zip(self.tails.chunks(TILE_BLOCKS));
        blocks.enumerate().map(|(number, (heads, tails))| Tile {
            heads,
            tails,
            start: number * TILE_BLOCKS * LANES,
            end: self.distinct().min((number + 1) * TILE_BLOCKS * LANES),
        })
    }
}
