//! Which instructions the filter runs on, chosen once at run time.
//!
//! Everything is compiled from the same safe loops under several sets of target features; only the transposition is
//! written out for each. No kernel fuses or reorders arithmetic, so all give the same bits.
#![allow(unsafe_code)]

use crate::{
    PdqHash, PixelKind,
    boxfilter::{self, Filter, Isa},
    dct::{Block16, Block64},
    luma::Rounding,
};

/// A set of instructions that this CPU has. All give the same bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Set);

/// Private, so that nobody can name a set that the CPU has not been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the target has at least: SSE2 on x86-64, NEON on AArch64.
    Portable,
}

impl Kernel {
    /// Runs on every CPU of the target.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The kernels this CPU can run, best first; the last is [`Kernel::PORTABLE`].
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                kernels.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self(Set::Avx2));
            }
        }
        kernels.push(Self::PORTABLE);
        kernels
    }

    /// The best kernel this CPU can run; found out once.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available().first().copied().unwrap_or(Self::PORTABLE))
    }

    /// Its name in figures.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            Set::Portable => "portable",
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Compiles a function once for each kernel, behind a method of [`Kernel`] that calls the right one.
macro_rules! for_each_kernel {
    ($(fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? = |$isa:ident| $body:expr;)*) => {
        impl Kernel {
            $(pub(crate) fn $name(self, $($arg: $type),*) $(-> $out)? {
                fn portable($($arg: $type),*) $(-> $out)? {
                    type $isa = Portable;
                    $body
                }

                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $type),*) $(-> $out)? {
                    type $isa = x86::Avx2;
                    $body
                }

                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $type),*) $(-> $out)? {
                    type $isa = x86::Avx512;
                    $body
                }

                match self.0 {
                    // SAFETY: `available` alone makes this, after asking the CPU for these features.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => unsafe { avx2($($arg),*) },
                    Set::Portable => portable($($arg),*),
                }
            })*
        }
    };
}

for_each_kernel! {
    fn strip(filter: &mut Filter, pixels: PixelKind, rounding: Rounding, rows: &[u8], steps: usize)
        = |I| boxfilter::run::<I>(filter, pixels, rounding, rows, steps);
    fn dct(picture: &Block64, out: &mut Block16) = |_I| crate::dct::dct64_to_16(picture, out);
    fn hash(block: &Block16) -> PdqHash = |_I| PdqHash::from_rows(&crate::dihedral::bits(block));
    fn dihedral(block: &Block16) -> [PdqHash; 8] = |_I| crate::dihedral::dihedral(block);
}

struct Portable;

impl Isa for Portable {
    #[inline(always)]
    fn transpose(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]) {
        for i in (0..32).step_by(4) {
            for j in (0..32).step_by(4) {
                for k in 0..4 {
                    for l in 0..4 {
                        to[j + l][i + k] = from[i + k][j + l];
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Isa;

    pub(super) struct Avx2;
    pub(super) struct Avx512;

    impl Isa for Avx2 {
        #[inline(always)]
        fn transpose(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]) {
            // SAFETY: only kernels compiled for AVX2 name this type.
            unsafe { transpose_avx2(from, to) }
        }

        #[inline(always)]
        fn prefetch(bytes: &[u8]) {
            prefetch(bytes);
        }
    }

    impl Isa for Avx512 {
        #[inline(always)]
        fn transpose(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]) {
            // SAFETY: only kernels compiled for AVX-512 name this type.
            unsafe { transpose_avx512(from, to) }
        }

        #[inline(always)]
        fn prefetch(bytes: &[u8]) {
            prefetch(bytes);
        }
    }

    #[inline(always)]
    fn prefetch(bytes: &[u8]) {
        // SAFETY: a hint about an address; nothing is read, whatever lies there.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().cast()) };
    }

    /// Four neighbours of a row.
    #[inline(always)]
    fn quad(row: &[f32; 32], at: usize) -> __m128 {
        let quad = &row[at..at + 4];
        // SAFETY: `quad` is four floats.
        unsafe { _mm_loadu_ps(quad.as_ptr()) }
    }

    /// Four columns from `j` of rows `i` and `i + 4`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn join_avx2(from: &[[f32; 32]; 32], i: usize, j: usize) -> __m256 {
        let low = _mm256_castps128_ps256(quad(&from[i], j));
        _mm256_insertf128_ps::<1>(low, quad(&from[i + 4], j))
    }

    /// Four columns from `j` of rows `i`, `i + 4`, `i + 8` and `i + 12`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn join_avx512(from: &[[f32; 32]; 32], i: usize, j: usize) -> __m512 {
        let v = _mm512_castps128_ps512(quad(&from[i], j));
        let v = _mm512_insertf32x4::<1>(v, quad(&from[i + 4], j));
        let v = _mm512_insertf32x4::<2>(v, quad(&from[i + 8], j));
        _mm512_insertf32x4::<3>(v, quad(&from[i + 12], j))
    }

    /// Blocks of 8 rows × 4 columns: row `i` and row `i + 4` share a vector, then 4 × 4 transpositions within halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn transpose_avx2(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]) {
        for i in (0..32).step_by(8) {
            for j in (0..32).step_by(4) {
                let (a, b) = (join_avx2(from, i, j), join_avx2(from, i + 1, j));
                let (c, d) = (join_avx2(from, i + 2, j), join_avx2(from, i + 3, j));
                let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                let columns = [
                    _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
                    _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                    _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
                ];
                for (k, column) in columns.into_iter().enumerate() {
                    let out = &mut to[j + k][i..i + 8];
                    // SAFETY: `out` is eight floats.
                    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), column) };
                }
            }
        }
    }

    /// Blocks of 16 rows × 4 columns: rows `i`, `i + 4`, `i + 8` and `i + 12` share a vector, then 4 × 4 transpositions
    /// within quarters.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn transpose_avx512(from: &[[f32; 32]; 32], to: &mut [[f32; 32]; 32]) {
        for i in (0..32).step_by(16) {
            for j in (0..32).step_by(4) {
                let (a, b) = (join_avx512(from, i, j), join_avx512(from, i + 1, j));
                let (c, d) = (join_avx512(from, i + 2, j), join_avx512(from, i + 3, j));
                let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                let columns = [
                    _mm512_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
                    _mm512_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
                    _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                    _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
                ];
                for (k, column) in columns.into_iter().enumerate() {
                    let out = &mut to[j + k][i..i + 16];
                    // SAFETY: `out` is sixteen floats.
                    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), column) };
                }
            }
        }
    }
}
