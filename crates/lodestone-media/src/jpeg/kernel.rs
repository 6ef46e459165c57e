//! The two hot kernels, inverse DCT and colour conversion, and the choice of an instruction set.
//!
//! [`Portable`] says what they compute; `x86` computes the same with AVX2. All arithmetic is that of libjpeg-turbo's
//! "accurate integer" IDCT as its SIMD code performs it: 16-bit dequantised coefficients (wrapping), saturation to 16
//! bits between the passes. It differs from its C code only for coefficients no encoder writes.

/// Coefficients of one block, in the order of [`POSITION`]: four groups of rows (0, 4), (2, 6), (7, 1), (3, 5), each
/// eight pairs of one column's two coefficients, columns 0, 4, 2, 6, 7, 1, 3, 5. The pairs are what the first pass
/// multiplies together, and the column order makes its output pair up the same way for the second pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(32))]
pub(super) struct Block(pub(super) [i16; 64]);

impl Default for Block {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Block {
    pub(super) const ZERO: Self = Self([0; 64]);
}

/// Row of the first and of the second of each group's pairs.
const ROWS: [(usize, usize); 4] = [(0, 4), (2, 6), (7, 1), (3, 5)];
/// Column of each of a group's pairs.
const COLUMNS: [usize; 8] = [0, 4, 2, 6, 7, 1, 3, 5];

/// Where in a [`Block`] the coefficient of row and column lies.
const fn position(row: usize, column: usize) -> usize {
    let mut group = 0;
    while ROWS[group].0 != row && ROWS[group].1 != row {
        group += 1;
    }
    let mut pair = 0;
    while COLUMNS[pair] != column {
        pair += 1;
    }
    group * 16 + pair * 2 + (ROWS[group].1 == row) as usize
}

/// Where in a [`Block`] the k-th coefficient of the zigzag lies. 64 and above: the last one, where libjpeg puts what a
/// damaged run carries beyond the block.
pub(super) const POSITION: [u8; 128] = {
    let mut table = [position(7, 7) as u8; 128];
    let (mut row, mut column, mut k) = (0usize, 0usize, 0);
    while k < 64 {
        table[k] = position(row, column) as u8;
        let up = (row + column) % 2 == 0;
        if up && column == 7 || !up && row == 7 {
            if up { row += 1 } else { column += 1 }
        } else if up && row == 0 {
            column += 1;
        } else if !up && column == 0 {
            row += 1;
        } else if up {
            row -= 1;
            column += 1;
        } else {
            row += 1;
            column -= 1;
        }
        k += 1;
    }
    table
};

/// One instruction set's kernels.
pub(super) trait Kernel: Copy {
    /// Dequantises and transforms a block into 8 rows of 8 samples, `stride` apart.
    fn idct(self, coefficients: &Block, quant: &Block, out: &mut [u8], stride: usize);
    /// One row of YCbCr to RGB. All slices are of one length, `rgb` of three times that.
    fn ycc_to_rgb(self, y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]);
}

/// Work to be compiled once for each instruction set. `run` must be `#[inline(always)]`, and so must all it calls that
/// should profit.
pub(super) trait Work {
    type Output;
    fn run<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// Runs it with the best instruction set of this processor. The result is the same with each.
pub(super) fn dispatch<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(super::x86::Run { simd, work });
    }
    work.run(Portable)
}

/// Fills an 8 × 8 block whose only coefficient is the DC.
#[inline(always)]
pub(super) fn flat(dc: i16, quant: &Block, out: &mut [u8], stride: usize) {
    let first_pass = i32::from(dc.wrapping_mul(quant.0[0]).wrapping_shl(2));
    let sample = [(((first_pass + 16) >> 5).clamp(-128, 127) + 128) as u8; 8];
    put(&[sample; 8], out, stride);
}

/// Stores the rows of a block. An index loop, as in all that runs once a block: adaptors are not always inlined here.
#[inline(always)]
pub(super) fn put(rows: &[[u8; 8]; 8], out: &mut [u8], stride: usize) {
    let Some(out) = out.get_mut(..7 * stride + 8) else { return };
    for y in 0..8 {
        if let Some(to) = out[y * stride..].first_chunk_mut() {
            *to = rows[y];
        }
    }
}

/// Plain Rust, the reference.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Rounds away `BITS` bits and saturates to 16.
#[inline(always)]
fn descale<const BITS: u32>(x: i32) -> i32 {
    (x.wrapping_add(1 << (BITS - 1)) >> BITS).clamp(-32768, 32767)
}

/// Constants of the IDCT, 13 fractional bits, named by the pair they multiply.
pub(super) mod constants {
    const F0_298: i16 = 2446;
    const F0_390: i16 = 3196;
    const F0_541: i16 = 4433;
    const F0_765: i16 = 6270;
    const F0_899: i16 = 7373;
    const F1_175: i16 = 9633;
    const F1_501: i16 = 12299;
    const F1_847: i16 = 15137;
    const F1_961: i16 = 16069;
    const F2_053: i16 = 16819;
    const F2_562: i16 = 20995;
    const F3_072: i16 = 25172;
    pub(in super::super) const EVEN: [i16; 2] = [8192, 0];
    pub(in super::super) const EVEN2: [i16; 2] = [F0_541, F0_541 - F1_847];
    pub(in super::super) const EVEN3: [i16; 2] = [F0_541 + F0_765, F0_541];
    pub(in super::super) const SUM3: [i16; 2] = [F1_175 - F1_961, F1_175];
    pub(in super::super) const SUM4: [i16; 2] = [F1_175, F1_175 - F0_390];
    pub(in super::super) const ODD0: [i16; 2] = [F0_298 - F0_899, -F0_899];
    pub(in super::super) const ODD3: [i16; 2] = [-F0_899, F1_501 - F0_899];
    pub(in super::super) const ODD2: [i16; 2] = [F3_072 - F2_562, -F2_562];
    pub(in super::super) const ODD1: [i16; 2] = [-F2_562, F2_053 - F2_562];
}
use constants::*;

/// One 1-D transform of the pairs (0, 4), (2, 6), (7, 1), (3, 5); outputs in natural order.
#[inline(always)]
fn transform<const BITS: u32>(pairs: [[i16; 2]; 4]) -> [i16; 8] {
    let mul = |p: [i16; 2], c: [i16; 2]| {
        (i32::from(p[0]) * i32::from(c[0])).wrapping_add(i32::from(p[1]) * i32::from(c[1]))
    };
    let [p04, p26, p71, p35] = pairs;
    let (even0, even1) = (p04[0].wrapping_add(p04[1]), p04[0].wrapping_sub(p04[1]));
    let (even0, even1) = (mul([even0, 0], EVEN), mul([even1, 0], EVEN));
    let (even2, even3) = (mul(p26, EVEN2), mul(p26, EVEN3));
    let sum = [p71[0].wrapping_add(p35[0]), p71[1].wrapping_add(p35[1])];
    let (sum3, sum4) = (mul(sum, SUM3), mul(sum, SUM4));
    let odd = [
        mul(p71, ODD3).wrapping_add(sum4),
        mul(p35, ODD2).wrapping_add(sum3),
        mul(p35, ODD1).wrapping_add(sum4),
        mul(p71, ODD0).wrapping_add(sum3),
    ];
    let even = [
        even0.wrapping_add(even3),
        even1.wrapping_add(even2),
        even1.wrapping_sub(even2),
        even0.wrapping_sub(even3),
    ];
    let mut out = [0; 8];
    for i in 0..4 {
        out[i] = descale::<BITS>(even[i].wrapping_add(odd[i])) as i16;
        out[7 - i] = descale::<BITS>(even[i].wrapping_sub(odd[i])) as i16;
    }
    out
}

impl Kernel for Portable {
    #[inline(always)]
    fn idct(self, coefficients: &Block, quant: &Block, out: &mut [u8], stride: usize) {
        let mut dequantised = coefficients.0;
        for (coefficient, factor) in dequantised.iter_mut().zip(quant.0) {
            *coefficient = coefficient.wrapping_mul(factor);
        }
        let mut rows = [[0i16; 8]; 8];
        for (pair, &column) in COLUMNS.iter().enumerate() {
            let of =
                |group: usize| [dequantised[group * 16 + pair * 2], dequantised[group * 16 + pair * 2 + 1]];
            let down = transform::<11>([of(0), of(1), of(2), of(3)]);
            for (row, value) in rows.iter_mut().zip(down) {
                row[column] = value;
            }
        }
        for (row, to) in rows.iter().zip(out.chunks_mut(stride)) {
            let across = transform::<18>(ROWS.map(|(a, b)| [row[a], row[b]]));
            for (to, value) in to.iter_mut().zip(across) {
                *to = (value.clamp(-128, 127) + 128) as u8;
            }
        }
    }

    #[inline(always)]
    fn ycc_to_rgb(self, y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
        for (((&y, &cb), &cr), out) in y.iter().zip(cb).zip(cr).zip(rgb.chunks_exact_mut(3)) {
            out.copy_from_slice(&ycc(y, cb, cr));
        }
    }
}

/// One YCbCr pixel to RGB, 16 fractional bits, as `jdcolor.c`.
#[inline(always)]
pub(super) fn ycc(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let r = y + ((91881 * cr + 32768) >> 16);
    let g = y + ((-22554 * cb - 46802 * cr + 32768) >> 16);
    let b = y + ((116_130 * cb + 32768) >> 16);
    [r, g, b].map(|x| x.clamp(0, 255) as u8)
}
