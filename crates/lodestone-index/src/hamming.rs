//! The index of 256-bit codes, first form: a linear scan over distinct codes.

use crate::probe::{Found, probes};
use crate::tiles::Tiles;
use crate::{Code256, Hit, Kernel, RadiusSearch};

/// Queries scanned together; their probes stay in the second-level cache while the codes stream by.
const BATCH: usize = 2048;

/// An immutable set of 256-bit codes with ids, searched by Hamming radius.
///
/// Equal codes are stored once with all their owners. Memory: 32 bytes a distinct code, 4 a distinct code and 4 an
/// entry for owners. Cost: linear in distinct codes, see [`RadiusSearch::search_into`].
#[derive(Clone, Debug)]
pub struct HammingIndex {
    tiles: Tiles,
    owners: Owners,
    kernel: Kernel,
}

impl Default for HammingIndex {
    fn default() -> Self {
        Self::from_entries(Vec::new())
    }
}

impl HammingIndex {
    /// An index of codes with the caller's ids, in any order; codes and ids may repeat.
    ///
    /// Cost: a sort.
    ///
    /// # Panics
    /// With more than `u32::MAX` entries.
    pub fn from_entries(mut entries: Vec<(Code256, u32)>) -> Self {
        assert!(u32::try_from(entries.len()).is_ok(), "an index holds at most u32::MAX entries");
        entries.sort_unstable();
        let mut codes: Vec<Code256> = Vec::new();
        let mut owners = Owners { ends: Vec::new(), ids: Vec::new() };
        for (code, id) in entries {
            if codes.last() != Some(&code) {
                codes.push(code);
                owners.ends.push(0);
            }
            owners.ids.push(id);
            if let Some(end) = owners.ends.last_mut() {
                *end = owners.ids.len() as u32;
            }
        }
        Self { tiles: Tiles::new(&codes), owners, kernel: Kernel::detect() }
    }

    /// An index in which a code's id is its place in the slice.
    ///
    /// # Panics
    /// With more than `u32::MAX` codes.
    pub fn from_codes(codes: &[Code256]) -> Self {
        Self::from_entries(codes.iter().copied().zip(0..).collect())
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

    /// Distinct codes.
    pub fn distinct(&self) -> usize {
        self.tiles.len()
    }
}

impl RadiusSearch for HammingIndex {
    fn len(&self) -> usize {
        self.owners.ids.len()
    }

    fn search_into(&self, queries: &[Code256], radius_bits: u32, hits: &mut Vec<Hit>) {
        let probes = probes(queries);
        let before = hits.len();
        let mut found: Vec<Found> = Vec::new();
        for batch in probes.chunks(BATCH) {
            for tile in self.tiles.tiles_below(self.tiles.len()) {
                self.kernel.scan(tile, batch, radius_bits, &mut found);
                for Found { query, position, distance_bits } in found.drain(..) {
                    let owners = self.owners.of(position);
                    hits.extend(owners.iter().map(|id| Hit { query, distance_bits, id: u64::from(*id) }));
                }
            }
        }
        hits[before..].sort_unstable();
    }
}

/// Which ids hold each distinct code: `ids[ends[i - 1]..ends[i]]`, ascending.
#[derive(Clone, Debug)]
struct Owners {
    ends: Vec<u32>,
    ids: Vec<u32>,
}

impl Owners {
    fn of(&self, position: usize) -> &[u32] {
        let start = if position == 0 { 0 } else { self.ends[position - 1] as usize };
        &self.ids[start..self.ends[position] as usize]
    }
}
