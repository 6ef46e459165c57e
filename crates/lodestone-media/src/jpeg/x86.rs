//! The kernels with AVX2, through `pulp`'s safe tokens.

use super::kernel::{Block, Kernel, Portable, Work, constants::*};
use core::arch::x86_64::__m256i;
use pulp::{NullaryFnOnce, cast, x86::V3};

/// Lets `pulp` compile a [`Work`] with AVX2 enabled.
pub(super) struct Run<W> {
    pub(super) simd: V3,
    pub(super) work: W,
}

impl<W: Work> NullaryFnOnce for Run<W> {
    type Output = W::Output;

    #[inline(always)]
    fn call(self) -> W::Output {
        self.work.run(self.simd)
    }
}

/// A pair of constants in every pair of lanes.
#[inline(always)]
fn pairs(simd: V3, c: [i16; 2]) -> __m256i {
    simd.avx._mm256_set1_epi32(i32::from(c[1]) << 16 | i32::from(c[0] as u16))
}

/// One 1-D transform of eight columns, or rows, at once; see `Portable`. Outputs are 32-bit, descaled.
#[inline(always)]
fn transform<const BITS: i32>(simd: V3, [p04, p26, p71, p35]: [__m256i; 4]) -> [__m256i; 8] {
    let a = simd.avx2;
    let mul = |p, c| a._mm256_madd_epi16(p, pairs(simd, c));
    let round = simd.avx._mm256_set1_epi32(1 << (BITS - 1));
    let (even0, even1) = (mul(p04, EVEN0), mul(p04, EVEN1));
    let (even0, even1) = (a._mm256_add_epi32(even0, round), a._mm256_add_epi32(even1, round));
    let (even2, even3) = (mul(p26, EVEN2), mul(p26, EVEN3));
    let sum = a._mm256_add_epi16(p71, p35);
    let (sum3, sum4) = (mul(sum, SUM3), mul(sum, SUM4));
    let odd0 = a._mm256_add_epi32(mul(p71, ODD3), sum4);
    let odd1 = a._mm256_add_epi32(mul(p35, ODD2), sum3);
    let odd2 = a._mm256_add_epi32(mul(p35, ODD1), sum4);
    let odd3 = a._mm256_add_epi32(mul(p71, ODD0), sum3);
    let (e0, e3) = (a._mm256_add_epi32(even0, even3), a._mm256_sub_epi32(even0, even3));
    let (e1, e2) = (a._mm256_add_epi32(even1, even2), a._mm256_sub_epi32(even1, even2));
    let down = |x| a._mm256_srai_epi32::<BITS>(x);
    [
        down(a._mm256_add_epi32(e0, odd0)),
        down(a._mm256_add_epi32(e1, odd1)),
        down(a._mm256_add_epi32(e2, odd2)),
        down(a._mm256_add_epi32(e3, odd3)),
        down(a._mm256_sub_epi32(e3, odd3)),
        down(a._mm256_sub_epi32(e2, odd2)),
        down(a._mm256_sub_epi32(e1, odd1)),
        down(a._mm256_sub_epi32(e0, odd0)),
    ]
}

/// Byte order that transposes a 4 × 4 matrix of bytes in each half.
const TRANSPOSE: [u8; 32] = twice([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]);

const fn twice(half: [u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    let mut i = 0;
    while i < 32 {
        whole[i] = half[i % 16];
        i += 1;
    }
    whole
}

/// Where in 16 samples of channel `c` each byte of the interleaved triple comes from: of the three vectors that hold the
/// result, exactly one has channel `c` at byte `i`.
const fn spread(c: usize) -> [u8; 32] {
    let mut half = [0; 16];
    let mut i = 0;
    while i < 16 {
        let vector = (c + 48 - i) % 3;
        half[i] = ((16 * vector + i) / 3) as u8;
        i += 1;
    }
    twice(half)
}

/// 0xFF where byte `i` of vector `v` of the interleaved triple is channel `c`.
const fn mask(v: usize, c: usize) -> [u8; 32] {
    let mut half = [0; 16];
    let mut i = 0;
    while i < 16 {
        half[i] = if (16 * v + i) % 3 == c { 0xff } else { 0 };
        i += 1;
    }
    twice(half)
}

const SPREAD: [[u8; 32]; 3] = [spread(0), spread(1), spread(2)];
const MASK: [[[u8; 32]; 2]; 3] =
    [[mask(0, 1), mask(0, 2)], [mask(1, 1), mask(1, 2)], [mask(2, 1), mask(2, 2)]];

impl Kernel for V3 {
    #[inline(always)]
    fn idct(self, coefficients: &Block, quant: &Block, out: &mut [u8], stride: usize) {
        let a = self.avx2;
        let c: [__m256i; 4] = cast(coefficients.0);
        let q: [__m256i; 4] = cast(quant.0);
        let input = [0, 1, 2, 3].map(|i| a._mm256_mullo_epi16(c[i], q[i]));
        let [r0, r1, r2, r3, r4, r5, r6, r7] = transform::<11>(self, input);
        let x01 = cast(a._mm256_packs_epi32(r0, r1));
        let x23 = cast(a._mm256_packs_epi32(r2, r3));
        let x45 = cast(a._mm256_packs_epi32(r4, r5));
        let x67 = cast(a._mm256_packs_epi32(r6, r7));
        // Each half of xAB holds two pairs of row A, then two of row B: gather equal pairs of all rows.
        let top_even = cast(self.avx._mm256_shuffle_ps::<0x88>(x01, x23));
        let top_odd = cast(self.avx._mm256_shuffle_ps::<0xdd>(x01, x23));
        let bottom_even = cast(self.avx._mm256_shuffle_ps::<0x88>(x45, x67));
        let bottom_odd = cast(self.avx._mm256_shuffle_ps::<0xdd>(x45, x67));
        let [c0, c1, c2, c3, c4, c5, c6, c7] = transform::<18>(
            self,
            [
                a._mm256_permute2x128_si256::<0x20>(top_even, bottom_even),
                a._mm256_permute2x128_si256::<0x20>(top_odd, bottom_odd),
                a._mm256_permute2x128_si256::<0x31>(top_even, bottom_even),
                a._mm256_permute2x128_si256::<0x31>(top_odd, bottom_odd),
            ],
        );
        let pack = |p, q, r, s| {
            let bytes = a._mm256_packs_epi16(a._mm256_packs_epi32(p, q), a._mm256_packs_epi32(r, s));
            a._mm256_shuffle_epi8(a._mm256_add_epi8(bytes, self.avx._mm256_set1_epi8(-128)), cast(TRANSPOSE))
        };
        let (left, right) = (pack(c0, c1, c2, c3), pack(c4, c5, c6, c7));
        let low: [[u8; 8]; 4] = cast(a._mm256_unpacklo_epi32(left, right));
        let high: [[u8; 8]; 4] = cast(a._mm256_unpackhi_epi32(left, right));
        let rows = [low[0], low[1], high[0], high[1], low[2], low[3], high[2], high[3]];
        for (to, row) in out.chunks_mut(stride).zip(rows) {
            if let Some(to) = to.first_chunk_mut() {
                *to = row;
            }
        }
    }

    #[inline(always)]
    fn ycc_to_rgb(self, y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
        let (ys, y_rest) = y.as_chunks::<32>();
        let (cbs, cb_rest) = cb.as_chunks::<32>();
        let (crs, cr_rest) = cr.as_chunks::<32>();
        let (rgbs, _) = rgb.as_chunks_mut::<96>();
        for (((y, cb), cr), out) in ys.iter().zip(cbs).zip(crs).zip(rgbs) {
            *out = ycc32(self, cast(*y), cast(*cb), cast(*cr));
        }
        let done = 3 * 32 * ys.len();
        Portable.ycc_to_rgb(y_rest, cb_rest, cr_rest, &mut rgb[done..]);
    }
}

/// 32 pixels. With x from -128 to 127: `(91881 x + 32768) >> 16` is `x + ((26345 x + 32768) >> 16)`, and the latter is
/// the upper half of `2 x * 26345`, plus 1, halved; the other channels likewise.
#[inline(always)]
fn ycc32(simd: V3, y: __m256i, cb: __m256i, cr: __m256i) -> [u8; 96] {
    let a = simd.avx2;
    let zero = simd.avx._mm256_setzero_si256();
    let set = |x| simd.avx._mm256_set1_epi16(x);
    let one = set(1);
    let half = |y: __m256i, cb: __m256i, cr: __m256i| {
        let (cb, cr) = (a._mm256_sub_epi16(cb, set(128)), a._mm256_sub_epi16(cr, set(128)));
        let (cb2, cr2) = (a._mm256_add_epi16(cb, cb), a._mm256_add_epi16(cr, cr));
        let scaled =
            |x, c| a._mm256_srai_epi16::<1>(a._mm256_add_epi16(a._mm256_mulhi_epi16(x, set(c)), one));
        let r = a._mm256_add_epi16(a._mm256_add_epi16(y, cr), scaled(cr2, 26345));
        let b = a._mm256_add_epi16(a._mm256_add_epi16(y, cb2), scaled(cb2, -14942));
        let green = |pair| {
            let product = a._mm256_madd_epi16(pair, pairs(simd, [-22554, 18734]));
            a._mm256_srai_epi32::<16>(a._mm256_add_epi32(product, simd.avx._mm256_set1_epi32(32768)))
        };
        let g = a._mm256_packs_epi32(
            green(a._mm256_unpacklo_epi16(cb, cr)),
            green(a._mm256_unpackhi_epi16(cb, cr)),
        );
        (r, a._mm256_add_epi16(a._mm256_sub_epi16(y, cr), g), b)
    };
    let low = |x| a._mm256_unpacklo_epi8(x, zero);
    let high = |x| a._mm256_unpackhi_epi8(x, zero);
    let (r0, g0, b0) = half(low(y), low(cb), low(cr));
    let (r1, g1, b1) = half(high(y), high(cb), high(cr));
    let r = a._mm256_shuffle_epi8(a._mm256_packus_epi16(r0, r1), cast(SPREAD[0]));
    let g = a._mm256_shuffle_epi8(a._mm256_packus_epi16(g0, g1), cast(SPREAD[1]));
    let b = a._mm256_shuffle_epi8(a._mm256_packus_epi16(b0, b1), cast(SPREAD[2]));
    let merge =
        |v: usize| a._mm256_blendv_epi8(a._mm256_blendv_epi8(r, g, cast(MASK[v][0])), b, cast(MASK[v][1]));
    let (v0, v1, v2) = (merge(0), merge(1), merge(2));
    cast([
        a._mm256_permute2x128_si256::<0x20>(v0, v1),
        a._mm256_permute2x128_si256::<0x30>(v2, v0),
        a._mm256_permute2x128_si256::<0x31>(v1, v2),
    ])
}
