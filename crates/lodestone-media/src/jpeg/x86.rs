//! The kernels with AVX2, through `pulp`'s safe tokens.

use super::kernel::{Block, Kernel, Portable, Work, constants::*, put};
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

// No closures in this file: one that is not inlined is compiled without AVX2, and each intrinsic in it becomes a call.

/// Multiplies and adds pairs of lanes with a pair of constants.
#[inline(always)]
fn mul(simd: V3, p: __m256i, c: [i16; 2]) -> __m256i {
    simd.avx2._mm256_madd_epi16(p, simd.avx._mm256_set1_epi32(i32::from(c[1]) << 16 | i32::from(c[0] as u16)))
}

#[inline(always)]
fn add(simd: V3, x: __m256i, y: __m256i) -> __m256i {
    simd.avx2._mm256_add_epi32(x, y)
}

#[inline(always)]
fn sub(simd: V3, x: __m256i, y: __m256i) -> __m256i {
    simd.avx2._mm256_sub_epi32(x, y)
}

#[inline(always)]
fn down<const BITS: i32>(simd: V3, x: __m256i) -> __m256i {
    simd.avx2._mm256_srai_epi32::<BITS>(x)
}

/// One 1-D transform of eight columns, or rows, at once; see `Portable`. Outputs are 32-bit, descaled.
#[inline(always)]
fn transform<const BITS: i32>(s: V3, [p04, p26, p71, p35]: [__m256i; 4]) -> [__m256i; 8] {
    let round = s.avx._mm256_set1_epi32(1 << (BITS - 1));
    // Each pair the other way round; sums and differences of 16 bits wrap, as they do in libjpeg-turbo.
    let p40 = s.avx2._mm256_shuffle_epi8(p04, cast(SWAP));
    let even0 = add(s, mul(s, s.avx2._mm256_add_epi16(p04, p40), EVEN), round);
    let even1 = add(s, mul(s, s.avx2._mm256_sub_epi16(p04, p40), EVEN), round);
    let (even2, even3) = (mul(s, p26, EVEN2), mul(s, p26, EVEN3));
    let sum = s.avx2._mm256_add_epi16(p71, p35);
    let (sum3, sum4) = (mul(s, sum, SUM3), mul(s, sum, SUM4));
    let odd0 = add(s, mul(s, p71, ODD3), sum4);
    let odd1 = add(s, mul(s, p35, ODD2), sum3);
    let odd2 = add(s, mul(s, p35, ODD1), sum4);
    let odd3 = add(s, mul(s, p71, ODD0), sum3);
    let (e0, e3) = (add(s, even0, even3), sub(s, even0, even3));
    let (e1, e2) = (add(s, even1, even2), sub(s, even1, even2));
    [
        down::<BITS>(s, add(s, e0, odd0)),
        down::<BITS>(s, add(s, e1, odd1)),
        down::<BITS>(s, add(s, e2, odd2)),
        down::<BITS>(s, add(s, e3, odd3)),
        down::<BITS>(s, sub(s, e3, odd3)),
        down::<BITS>(s, sub(s, e2, odd2)),
        down::<BITS>(s, sub(s, e1, odd1)),
        down::<BITS>(s, sub(s, e0, odd0)),
    ]
}

/// Byte order that swaps the 16-bit halves of each pair.
const SWAP: [u8; 32] = twice([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);

/// Four columns of samples, eight rows each, to the rows' four bytes: rows 0 to 3 in the low half, 4 to 7 in the high.
#[inline(always)]
fn pack(s: V3, p: __m256i, q: __m256i, r: __m256i, t: __m256i) -> __m256i {
    let a = s.avx2;
    let bytes = a._mm256_packs_epi16(a._mm256_packs_epi32(p, q), a._mm256_packs_epi32(r, t));
    a._mm256_shuffle_epi8(a._mm256_add_epi8(bytes, s.avx._mm256_set1_epi8(-128)), cast(TRANSPOSE))
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

/// Where in 16 samples of channel `c` each byte of vector `v` of the interleaved triple comes from; bit 7, which gives
/// zero, where it comes from another channel.
const fn spread(v: usize, c: usize) -> [u8; 32] {
    let mut half = [0x80; 16];
    let mut i = 0;
    while i < 16 {
        if (16 * v + i) % 3 == c {
            half[i] = ((16 * v + i) / 3) as u8;
        }
        i += 1;
    }
    twice(half)
}

const SPREAD: [[[u8; 32]; 3]; 3] = [
    [spread(0, 0), spread(0, 1), spread(0, 2)],
    [spread(1, 0), spread(1, 1), spread(1, 2)],
    [spread(2, 0), spread(2, 1), spread(2, 2)],
];

/// One vector of the interleaved triple.
#[inline(always)]
fn interleave(s: V3, [r, g, b]: [__m256i; 3], from: &[[u8; 32]; 3]) -> __m256i {
    let a = s.avx2;
    let r = a._mm256_shuffle_epi8(r, cast(from[0]));
    let g = a._mm256_shuffle_epi8(g, cast(from[1]));
    let b = a._mm256_shuffle_epi8(b, cast(from[2]));
    a._mm256_or_si256(a._mm256_or_si256(r, g), b)
}

impl Kernel for V3 {
    #[inline(always)]
    fn idct(self, coefficients: &Block, quant: &Block, out: &mut [u8], stride: usize) {
        let a = self.avx2;
        let c: [__m256i; 4] = cast(coefficients.0);
        let q: [__m256i; 4] = cast(quant.0);
        let input = [
            a._mm256_mullo_epi16(c[0], q[0]),
            a._mm256_mullo_epi16(c[1], q[1]),
            a._mm256_mullo_epi16(c[2], q[2]),
            a._mm256_mullo_epi16(c[3], q[3]),
        ];
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
        let (left, right) = (pack(self, c0, c1, c2, c3), pack(self, c4, c5, c6, c7));
        let low: [[u8; 8]; 4] = cast(a._mm256_unpacklo_epi32(left, right));
        let high: [[u8; 8]; 4] = cast(a._mm256_unpackhi_epi32(left, right));
        let rows = [low[0], low[1], high[0], high[1], low[2], low[3], high[2], high[3]];
        put(&rows, out, stride);
    }

    #[inline(always)]
    fn ycc_to_rgb(self, y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
        let (ys, y_rest) = y.as_chunks::<32>();
        let (cbs, cb_rest) = cb.as_chunks::<32>();
        let (crs, cr_rest) = cr.as_chunks::<32>();
        let (rgbs, _) = rgb.as_chunks_mut::<96>();
        let count = ys.len().min(cbs.len()).min(crs.len()).min(rgbs.len());
        let (ys, cbs, crs, rgbs) = (&ys[..count], &cbs[..count], &crs[..count], &mut rgbs[..count]);
        for i in 0..count {
            rgbs[i] = ycc32(self, cast(ys[i]), cast(cbs[i]), cast(crs[i]));
        }
        let done = 3 * 32 * count;
        Portable.ycc_to_rgb(y_rest, cb_rest, cr_rest, &mut rgb[done..]);
    }
}

/// 32 pixels.
#[inline(always)]
fn ycc32(s: V3, y: __m256i, cb: __m256i, cr: __m256i) -> [u8; 96] {
    let a = s.avx2;
    let zero = s.avx._mm256_setzero_si256();
    let low = ycc16(
        s,
        a._mm256_unpacklo_epi8(y, zero),
        a._mm256_unpacklo_epi8(cb, zero),
        a._mm256_unpacklo_epi8(cr, zero),
    );
    let high = ycc16(
        s,
        a._mm256_unpackhi_epi8(y, zero),
        a._mm256_unpackhi_epi8(cb, zero),
        a._mm256_unpackhi_epi8(cr, zero),
    );
    let rgb = [
        a._mm256_packus_epi16(low[0], high[0]),
        a._mm256_packus_epi16(low[1], high[1]),
        a._mm256_packus_epi16(low[2], high[2]),
    ];
    let (v0, v1, v2) =
        (interleave(s, rgb, &SPREAD[0]), interleave(s, rgb, &SPREAD[1]), interleave(s, rgb, &SPREAD[2]));
    cast([
        a._mm256_permute2x128_si256::<0x20>(v0, v1),
        a._mm256_permute2x128_si256::<0x30>(v2, v0),
        a._mm256_permute2x128_si256::<0x31>(v1, v2),
    ])
}

/// 16 pixels as 16-bit samples. With x from -128 to 127: `(91881 x + 32768) >> 16` is `x + ((26345 x + 32768) >> 16)`,
/// and the latter is the rounded product of x and 13172 / 32768; the other channels likewise.
#[inline(always)]
fn ycc16(s: V3, y: __m256i, cb: __m256i, cr: __m256i) -> [__m256i; 3] {
    let a = s.avx2;
    let centre = s.avx._mm256_set1_epi16(128);
    let (cb, cr) = (a._mm256_sub_epi16(cb, centre), a._mm256_sub_epi16(cr, centre));
    let more_red = a._mm256_mulhrs_epi16(cr, s.avx._mm256_set1_epi16(13172));
    let less_blue = a._mm256_mulhrs_epi16(cb, s.avx._mm256_set1_epi16(-7471));
    let r = a._mm256_add_epi16(a._mm256_add_epi16(y, cr), more_red);
    let b = a._mm256_add_epi16(a._mm256_add_epi16(y, a._mm256_add_epi16(cb, cb)), less_blue);
    let g = a._mm256_packs_epi32(
        green(s, a._mm256_unpacklo_epi16(cb, cr)),
        green(s, a._mm256_unpackhi_epi16(cb, cr)),
    );
    [r, a._mm256_add_epi16(a._mm256_sub_epi16(y, cr), g), b]
}

#[inline(always)]
fn green(s: V3, pairs: __m256i) -> __m256i {
    down::<16>(s, add(s, mul(s, pairs, [-22554, 18734]), s.avx._mm256_set1_epi32(32768)))
}
