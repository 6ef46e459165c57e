//! The scan compiled for several instruction sets, and the choice between them.
//!
//! The safe source of `scan.rs` does everywhere but for the filter over leading bits: there the compiler makes gathers
//! of the rows, and intrinsics give 6,100 for 1,600 queries a second over 10⁶ codes (AVX-512; AVX2: 1,340 for 990). So
//! they replace that one function on x86-64.
//!
//! A [`Kernel`] can only be had from detection, which makes the calls below sound. All kernels give the same answers.
#![allow(clippy::needless_range_loop)] // the loops of `scan.rs`, in step with it

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::probe::{Found, Probe};
use crate::ring::{self, Compare, Damaged, Guard, Job, PlainCompare};
#[cfg(target_arch = "x86_64")]
use crate::scan::Filter;
use crate::scan::{Plain, scan};
use crate::tiles::Tile;
#[cfg(target_arch = "x86_64")]
use crate::tiles::{BLOCK, Column, LANES};

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Kernel {
    /// Every kernel this machine can run, fastest first; the portable one is always there and last.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bitalg")
                && is_x86_feature_detected!("avx512vpopcntdq")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("bmi1")
            {
                kernels.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
                kernels.push(Self(Set::Avx2));
            }
            if is_x86_feature_detected!("popcnt") {
                kernels.push(Self(Set::Popcnt));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            kernels.push(Self(Set::Neon));
        }
        kernels.push(Self(Set::Portable));
        kernels
    }

    /// The fastest kernel of this machine.
    pub fn detect() -> Self {
        Self::available().first().copied().unwrap_or(Self(Set::Portable))
    }

    /// Its name: `avx512`, `avx2`, `popcnt`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Popcnt => "popcnt",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
            Set::Portable => "portable",
        }
    }

    /// Appends every code of `tile` within `radius` of a probe (or, for probes that ask for it, of the probe's
    /// complement).
    pub(crate) fn scan(self, tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                // SAFETY: `Kernel` is made only by `available`, which has seen these features on this machine.
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

    /// The permutation of the ring.
    pub(crate) fn permute(self, nibbles: &ring::Nibbles, words: [u64; 4]) -> [u64; 4] {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx2 => {
                // SAFETY: as above; AVX-512 implies AVX2.
                unsafe { permute_avx2(nibbles, words) }
            }
            _ => ring::apply(nibbles, words),
        }
    }

    /// Searches a ring.
    pub(crate) fn ring<G: Guard>(self, job: Job<'_, '_, G>) -> Result<(), Damaged> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                // SAFETY: as above.
                unsafe { ring_avx512(job) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { ring_avx2(job) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Popcnt => {
                // SAFETY: as above.
                unsafe { ring_popcnt(job) }
            }
            #[cfg(target_arch = "aarch64")]
            Set::Neon => {
                // SAFETY: as above.
                unsafe { ring_neon(job) }
            }
            Set::Portable => ring::search(PlainCompare, job),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn permute_avx2(nibbles: &ring::Nibbles, words: [u64; 4]) -> [u64; 4] {
    ring::apply(nibbles, words)
}

/// Asks for the cache line of `slice[index]`, which need not exist.
#[inline(always)]
pub(crate) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let line = slice.as_ptr().wrapping_add(index);
        // SAFETY: a prefetch reads nothing that could be seen and does not fault, whatever the address; SSE is part of
        // x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,avx512bitalg,popcnt,bmi1")]
fn ring_avx512<G: Guard>(job: Job<'_, '_, G>) -> Result<(), Damaged> {
    ring::search(Avx512(()), job)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn ring_avx2<G: Guard>(job: Job<'_, '_, G>) -> Result<(), Damaged> {
    ring::search(Avx2(()), job)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn ring_popcnt<G: Guard>(job: Job<'_, '_, G>) -> Result<(), Damaged> {
    ring::search(PlainCompare, job)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn ring_neon<G: Guard>(job: Job<'_, '_, G>) -> Result<(), Damaged> {
    ring::search(PlainCompare, job)
}

#[cfg(target_arch = "x86_64")]
impl Compare for Avx512 {
    #[inline(always)]
    fn close(self, entries: &[u16; 32], query: u16, limit: u16) -> u32 {
        // SAFETY: an `Avx512` exists only inside functions of these features, run only where they were seen.
        unsafe { close_avx512(entries, query, limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,avx512bitalg,popcnt,bmi1")]
fn close_avx512(entries: &[u16; 32], query: u16, limit: u16) -> u32 {
    // SAFETY: `entries` points to 64 bytes; the load needs no alignment.
    let entries = unsafe { _mm512_loadu_si512(entries.as_ptr().cast()) };
    let differ = _mm512_popcnt_epi16(_mm512_xor_si512(entries, _mm512_set1_epi16(query as i16)));
    _mm512_cmple_epu16_mask(differ, _mm512_set1_epi16(limit as i16))
}

#[cfg(target_arch = "x86_64")]
impl Compare for Avx2 {
    #[inline(always)]
    fn close(self, entries: &[u16; 32], query: u16, limit: u16) -> u32 {
        // SAFETY: an `Avx2` exists only inside functions of these features, run only where they were seen.
        unsafe { close_avx2(entries, query, limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn close_avx2(entries: &[u16; 32], query: u16, limit: u16) -> u32 {
    let ones = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let low = _mm256_set1_epi8(15);
    let mut beyond = [_mm256_setzero_si256(); 2];
    for half in 0..2 {
        let lanes: &[u16] = &entries[16 * half..16 * half + 16];
        // SAFETY: `lanes` points to 32 bytes; the load needs no alignment.
        let lanes = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
        let differ = _mm256_xor_si256(lanes, _mm256_set1_epi16(query as i16));
        let even = _mm256_shuffle_epi8(ones, _mm256_and_si256(differ, low));
        let odd = _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16::<4>(differ), low));
        let bits = _mm256_maddubs_epi16(_mm256_add_epi8(even, odd), _mm256_set1_epi8(1));
        beyond[half] = _mm256_cmpgt_epi16(bits, _mm256_set1_epi16(limit as i16));
    }
    // Packing goes by 128-bit lanes: the order is put right afterwards.
    let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(beyond[0], beyond[1]));
    !_mm256_movemask_epi8(packed) as u32
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,avx512bitalg,popcnt,bmi1")]
fn scan_avx512(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(Avx512(()), tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn scan_avx2(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(Avx2(()), tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn scan_popcnt(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(Plain, tile, probes, radius, found);
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn scan_neon(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(Plain, tile, probes, radius, found);
}

/// Marks what is compiled for AVX-512. Made in `scan_avx512` and `ring_avx512` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Filter for Avx512 {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize, const FAR: bool>(
        self,
        columns: [&Column; W],
        probes: &[Probe; Q],
        near_limit: u64,
        far_limit: u64,
    ) -> [bool; Q] {
        // SAFETY: an `Avx512` exists only inside `scan_avx512`, which runs only where the features were seen.
        unsafe { survivors_avx512::<W, Q, FAR>(columns, probes, near_limit, far_limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,avx512bitalg,popcnt,bmi1")]
fn survivors_avx512<const W: usize, const Q: usize, const FAR: bool>(
    columns: [&Column; W],
    probes: &[Probe; Q],
    near_limit: u64,
    far_limit: u64,
) -> [bool; Q] {
    // Counts fit the low half of a lane and the high half stays 0, so that 32-bit extremes (one step) serve for
    // 64-bit ones (three).
    let mut least = [_mm512_set1_epi64(0xffff_ffff); Q];
    let mut most = [_mm512_setzero_si512(); Q];
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
                let probe = _mm512_set1_epi64(probes[q].code.0[w] as i64);
                let differ = _mm512_popcnt_epi64(_mm512_xor_si512(codes[w], probe));
                distance = if w == 0 { differ } else { _mm512_add_epi64(distance, differ) };
            }
            least[q] = _mm512_min_epu32(least[q], distance);
            if FAR {
                most[q] = _mm512_max_epu32(most[q], distance);
            }
        }
    }
    let mut survivors = [false; Q];
    for q in 0..Q {
        let near = _mm512_cmple_epu64_mask(least[q], _mm512_set1_epi64(near_limit as i64));
        let far = if FAR { _mm512_cmpge_epu64_mask(most[q], _mm512_set1_epi64(far_limit as i64)) } else { 0 };
        survivors[q] = near | far != 0;
    }
    survivors
}

/// Marks what is compiled for AVX2. Made in `scan_avx2` and `ring_avx2` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Filter for Avx2 {
    #[inline(always)]
    fn survivors<const W: usize, const Q: usize, const FAR: bool>(
        self,
        columns: [&Column; W],
        probes: &[Probe; Q],
        near_limit: u64,
        far_limit: u64,
    ) -> [bool; Q] {
        // SAFETY: an `Avx2` exists only inside `scan_avx2`, which runs only where the features were seen.
        unsafe { survivors_avx2::<W, Q, FAR>(columns, probes, near_limit, far_limit) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn survivors_avx2<const W: usize, const Q: usize, const FAR: bool>(
    columns: [&Column; W],
    probes: &[Probe; Q],
    near_limit: u64,
    far_limit: u64,
) -> [bool; Q] {
    let ones = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let low = _mm256_set1_epi8(15);
    let zero = _mm256_setzero_si256();
    let mut least = [_mm256_set1_epi64x(0xffff_ffff); Q];
    let mut most = [zero; Q];
    for row in 0..BLOCK / LANES {
        for half in [0, LANES / 2] {
            let mut codes = [zero; W];
            for w in 0..W {
                let lanes: &[u64] = &columns[w].0[row][half..half + LANES / 2];
                // SAFETY: `lanes` points to 32 bytes; the load needs no alignment.
                codes[w] = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
            }
            for q in 0..Q {
                // Bits per byte, at most 8 a word: four words fit a byte, then one sum per lane.
                let mut bytes = zero;
                for w in 0..W {
                    let differ = _mm256_xor_si256(codes[w], _mm256_set1_epi64x(probes[q].code.0[w] as i64));
                    let even = _mm256_shuffle_epi8(ones, _mm256_and_si256(differ, low));
                    let odd =
                        _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16::<4>(differ), low));
                    bytes = _mm256_add_epi8(bytes, _mm256_add_epi8(even, odd));
                }
                let distance = _mm256_sad_epu8(bytes, zero);
                least[q] = _mm256_min_epu32(least[q], distance);
                if FAR {
                    most[q] = _mm256_max_epu32(most[q], distance);
                }
            }
        }
    }
    let mut survivors = [false; Q];
    for q in 0..Q {
        let beyond = _mm256_cmpgt_epi64(least[q], _mm256_set1_epi64x(near_limit as i64));
        let near = _mm256_movemask_epi8(beyond) != -1;
        let short = _mm256_cmpgt_epi64(_mm256_set1_epi64x(far_limit as i64), most[q]);
        survivors[q] = near || FAR && _mm256_movemask_epi8(short) != -1;
    }
    survivors
}
