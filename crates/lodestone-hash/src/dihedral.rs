//! The eight hashes of a picture's symmetries, from one block of frequencies.
//!
//! Turning or mirroring the picture negates odd or even frequencies and may transpose the block, so nothing is filtered
//! again. They are not the hashes of the turned picture to the bit, because decimation is off-centre; they are what the
//! reference gives. Negation moves the median, so it is found again; a transposition does not, so four medians
//! serve eight hashes.

use crate::{PdqHash, dct::Block16, median::lower_median};

/// Which frequencies change their sign.
#[derive(Clone, Copy)]
enum Negate {
    /// Those in even rows (0-based): mirrored top to bottom.
    EvenRows,
    /// Those in even columns: mirrored left to right.
    EvenColumns,
    /// Those whose row and column differ in parity: both.
    Checkered,
}

/// Bit matrix of one form: row `i`, bit `j` set where the frequency is above the lower median.
#[inline(always)]
pub(crate) fn bits(block: &Block16) -> [u16; 16] {
    let median = lower_median(block);
    let mut rows = [0; 16];
    for i in 0..16 {
        for j in 0..16 {
            rows[i] |= u16::from(block[i][j] > median) << j;
        }
    }
    rows
}

/// The eight forms in the reference's order: as is, rot90, rot180, rot270, flipX, flipY, flipPlus1, flipMinus1.
/// *Source:* `dct16OriginalToRotate90` and its neighbours.
#[inline(always)]
pub(crate) fn dihedral(block: &Block16) -> [PdqHash; 8] {
    let as_is = bits(block);
    let flip_x = bits(&negated(block, Negate::EvenRows));
    let flip_y = bits(&negated(block, Negate::EvenColumns));
    let rot180 = bits(&negated(block, Negate::Checkered));
    [
        as_is,
        transposed(&flip_y),
        rot180,
        transposed(&flip_x),
        flip_x,
        flip_y,
        transposed(&as_is),
        transposed(&rot180),
    ]
    .map(|rows| PdqHash::from_rows(&rows))
}

#[inline(always)]
fn negated(block: &Block16, which: Negate) -> Block16 {
    let mut out = *block;
    for i in 0..16 {
        for j in 0..16 {
            let negate = match which {
                Negate::EvenRows => i % 2 == 0,
                Negate::EvenColumns => j % 2 == 0,
                Negate::Checkered => (i + j) % 2 == 1,
            };
            if negate {
                out[i][j] = -out[i][j];
            }
        }
    }
    out
}

fn transposed(rows: &[u16; 16]) -> [u16; 16] {
    let mut out = [0; 16];
    for (i, row) in rows.iter().enumerate() {
        for (j, column) in out.iter_mut().enumerate() {
            *column |= (row >> j & 1) << i;
        }
    }
    out
}
