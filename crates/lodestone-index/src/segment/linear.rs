//! Codes compared one and all: small parts, and radii that tables do not answer.

use super::format::CODE_BYTES;
use crate::probe::{Found, Probe};
use crate::ring::{Bits, Damaged, Guard};
use crate::tiles::{BLOCK, TILE_BLOCKS, Tiles};
use crate::{Code256, Kernel};

/// Probes scanned together; they stay in the second-level cache while the codes stream by.
const BATCH: usize = 2048;

/// Linear parts up to this keep their codes a second time, by word column (2 MiB); larger ones turn them on the way.
pub(super) const KEPT: usize = 1 << 16;

/// The codes by word column.
pub(super) fn tiles(codes: &[Bits]) -> Tiles {
    let codes: Vec<Code256> = codes.iter().map(|code| Code256(code.to_le().0)).collect();
    Tiles::new(&codes)
}

/// Appends every code of the tiles within the radius of a probe.
pub(super) fn scan(tiles: &Tiles, kernel: Kernel, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    for probes in probes.chunks(BATCH) {
        for tile in tiles.tiles_below(tiles.len()) {
            kernel.scan(tile, probes, radius, found);
        }
    }
}

/// The same over codes as they lie in the image, from byte `codes_at` on.
pub(super) fn scan_rows<G: Guard>(
    guard: &G,
    (codes, codes_at): (&[Bits], u64),
    kernel: Kernel,
    probes: &[Probe],
    radius: u32,
    found: &mut Vec<Found>,
) -> Result<(), Damaged> {
    const ROWS: usize = BLOCK * TILE_BLOCKS;
    for (number, rows) in codes.chunks(ROWS).enumerate() {
        let first = number * ROWS;
        if !guard.ready(codes_at + CODE_BYTES * first as u64, CODE_BYTES * rows.len() as u64) {
            return Err(Damaged);
        }
        let before = found.len();
        scan(&tiles(rows), kernel, probes, radius, found);
        found[before..].iter_mut().for_each(|found| found.position += first);
    }
    Ok(())
}
