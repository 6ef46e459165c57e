//! The scan of narrow codes compiled for several instruction sets, and the choice between them; all give the same
//! answers. As for 256 bits, x86-64 has filters of its own, since the compiler makes gathers of the rows.
#![allow(clippy::needless_range_loop)] // the loops of `scan.rs`, in step with it

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "x86_64")]
use super::scan::{BLOCK, Column, Filter, LANES};
use super::scan::{Found, Plain, Probe, Tile, scan};
use super::tables::{Buckets, Limits, Tables};
use crate::Kernel;

/// What a kernel means for narrow codes. Made by `of` only, which has seen the features on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Narrow(Set);

#[derive(Clone, Copy, Debug)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Popcnt,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl Narrow {
    /// The fastest scan of those that need no more than `kernel`.
    pub(crate) fn of(kernel: Kernel) -> Self {
        match kernel.name() {
            #[cfg(target_arch = "x86_64")]
            "avx512"
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vpopcntdq")
                    && is_x86_feature_detected!("popcnt") =>
            {
                Self(Set::Avx512)
            }
            #[cfg(target_arch = "x86_64")]
            "avx2" if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") => {
                Self(Set::Avx2)
            }
            #[cfg(target_arch = "x86_64")]
            "popcnt" if is_x86_feature_detected!("popcnt") => Self(Set::Popcnt),
            #[cfg(target_arch = "aarch64")]
            "neon" if std::arch::is_aarch64_feature_detected!("neon") => Self(Set::Neon),
            _ => Self(Set::Portable),
        }
    }

    /// Appends every code of `tile` within `radius` of a probe.
    pub(crate) fn scan<const WORDS: usize>(
        self,
        tile: Tile<'_, WORDS>,
        probes: &[Probe<WORDS>],
        radius: u32,
        found: &mut Vec<Found>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                // SAFETY: `of` has seen these features on this machine.
                unsafe { scan_avx512(tile, probes, radius, found) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { scan_avx2(tile, probes, radius, found) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Popcnt => {
                // SAFETY: as above.
                unsafe { scan_popcnt(tile, probes, radius, found) }
            }
            #[cfg(target_arch = "aarch64")]
            Set::Neon => {
                // SAFETY: as above.
                unsafe { scan_neon(tile, probes, radius, found) }
            }
            Set::Portable => scan(Plain, tile, probes, radius, found),
        }
    }

    /// Appends every code of the buckets within `radius` of the probe, each once.
    pub(crate) fn look_up<const WORDS: usize>(
        self,
        tables: &Tables<WORDS>,
        buckets: &Buckets,
        probe: &Probe<WORDS>,
        limits: &Limits,
        radius: u32,
        found: &mut Vec<Found>,
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx2 | Set::Popcnt => {
                // SAFETY: all three have this feature, and `of` has seen it on this machine.
                unsafe { look_up_popcnt(tables, buckets, probe, limits, radius, found) }
            }
            _ => tables.look_up(buckets, probe, limits, radius, found),
        }
    }
}

/// Asks memory for the start of a slice, where the machine can.
#[inline(always)]
pub(crate) fn fetch<T>(from: &[T]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and cannot fault; SSE belongs to every x86-64.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn look_up_popcnt<const WORDS: usize>(
    tables: &Tables<WORDS>,
    buckets: &Buckets,
    probe: &Probe<WORDS>,
    limits: &Limits,
    radius: u32,
    found: &mut Vec<Found>,
) {
    tables.look_up(buckets, probe, limits, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
fn scan_avx512<const WORDS: usize>(
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>],
    radius: u32,
    found: &mut Vec<Found>,
) {
    scan(Avx512(()), tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn scan_avx2<const WORDS: usize>(
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>],
    radius: u32,
    found: &mut Vec<Found>,
) {
    scan(Avx2(()), tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn scan_popcnt<const WORDS: usize>(
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>],
    radius: u32,
    found: &mut Vec<Found>,
) {
    scan(Plain, tile, probes, radius, found);
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn scan_neon<const WORDS: usize>(
    tile: Tile<'_, WORDS>,
    probes: &[Probe<WORDS>],
    radius: u32,
    found: &mut Vec<Found>,
) {
    scan(Plain, tile, probes, radius, found);
}

/// The filter with `vpopcntq`. Made in `scan_avx512` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Filter for Avx512 {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize>(
        self,
        columns: [&Column; W],
        probes: &[[u64; W]; Q],
        limit: u64,
    ) -> [bool; Q] {
        // SAFETY: an `Avx512` exists only inside `scan_avx512`, which runs only where the features were seen.
        unsafe { survivors_avx512(columns, probes, limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
fn survivors_avx512<const W: usize, const Q: usize>(
    columns: [&Column; W],
    probes: &[[u64; W]; Q],
    limit: u64,
) -> [bool; Q] {
    // Counts fit the low half of a lane and the high half stays 0: the 32-bit minimum serves for the 64-bit one.
    let mut least = [_mm512_set1_epi64(0xffff_ffff); Q];
    for row in 0..BLOCK / LANES {
        let mut codes = [_mm512_setzero_si512(); W];
        for w in 0..W {
            let lanes: &[u64; LANES] = &columns[w].0[row];
            // SAFETY: `lanes` points to 64 bytes; the load needs no alignment.
            codes[w] = unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
        }
        for q in 0..Q {
            let mut distance = _mm512_setzero_si512();
            for w in 0..W {
                let probe = _mm512_set1_epi64(probes[q][w] as i64);
                let differ = _mm512_popcnt_epi64(_mm512_xor_si512(codes[w], probe));
                distance = if w == 0 { differ } else { _mm512_add_epi64(distance, differ) };
            }
            least[q] = _mm512_min_epu32(least[q], distance);
        }
    }
    let mut survivors = [false; Q];
    for q in 0..Q {
        survivors[q] = _mm512_cmple_epu64_mask(least[q], _mm512_set1_epi64(limit as i64)) != 0;
    }
    survivors
}

/// The filter with nibble tables (`vpshufb`). Made in `scan_avx2` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Filter for Avx2 {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize>(
        self,
        columns: [&Column; W],
        probes: &[[u64; W]; Q],
        limit: u64,
    ) -> [bool; Q] {
        // SAFETY: an `Avx2` exists only inside `scan_avx2`, which runs only where the features were seen.
        unsafe { survivors_avx2(columns, probes, limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn survivors_avx2<const W: usize, const Q: usize>(
    columns: [&Column; W],
    probes: &[[u64; W]; Q],
    limit: u64,
) -> [bool; Q] {
    let ones = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let low = _mm256_set1_epi8(15);
    let zero = _mm256_setzero_si256();
    let mut least = [_mm256_set1_epi64x(0xffff_ffff); Q];
    for row in 0..BLOCK / LANES {
        for half in [0, LANES / 2] {
            let mut codes = [zero; W];
            for w in 0..W {
                let lanes: &[u64] = &columns[w].0[row][half..half + LANES / 2];
                // SAFETY: `lanes` points to 32 bytes; the load needs no alignment.
                codes[w] = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
            }
            for q in 0..Q {
                // Bits per byte, at most 8 a word: two words fit a byte, then one sum per lane.
                let mut bytes = zero;
                for w in 0..W {
                    let differ = _mm256_xor_si256(codes[w], _mm256_set1_epi64x(probes[q][w] as i64));
                    let even = _mm256_shuffle_epi8(ones, _mm256_and_si256(differ, low));
                    let odd =
                        _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16::<4>(differ), low));
                    bytes = _mm256_add_epi8(bytes, _mm256_add_epi8(even, odd));
                }
                least[q] = _mm256_min_epu32(least[q], _mm256_sad_epu8(bytes, zero));
            }
        }
    }
    let mut survivors = [false; Q];
    for q in 0..Q {
        let beyond = _mm256_cmpgt_epi64(least[q], _mm256_set1_epi64x(limit as i64));
        survivors[q] = _mm256_movemask_epi8(beyond) != -1;
    }
    survivors
}
