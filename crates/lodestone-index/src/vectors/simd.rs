//! The scan of vectors compiled for several instruction sets, and the choice between them.
//!
//! Two kernels have their own distances: with AVX-512 VNNI one instruction multiplies and adds 64 pairs of bytes; with
//! AVX2 bytes are widened to 16 bits first (`vpmaddwd`), since `vpmaddubsw` would saturate. All kernels give the same
//! answers.
#![allow(clippy::needless_range_loop)] // the loops of `scan.rs`, in step with it

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "x86_64")]
use super::block::{HEAD, Head, LANES, Row, TAIL, Tail};
use super::block::{Probe, Tile};
#[cfg(target_arch = "x86_64")]
use super::scan::{Distances, distances};
use super::scan::{Found, Plain, scan};
use crate::Kernel;

/// What a kernel means for vectors. Made by `of` only, which has seen the features on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vectors(Set);

#[derive(Clone, Copy, Debug)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl Vectors {
    /// The fastest scan of those that need no more than `kernel`.
    pub(crate) fn of(kernel: Kernel) -> Self {
        match kernel.name() {
            #[cfg(target_arch = "x86_64")]
            "avx512" if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") => {
                Self(Set::Avx512)
            }
            #[cfg(target_arch = "x86_64")]
            "avx512" | "avx2" if is_x86_feature_detected!("avx2") => Self(Set::Avx2),
            #[cfg(target_arch = "aarch64")]
            "neon" if std::arch::is_aarch64_feature_detected!("neon") => Self(Set::Neon),
            _ => Self(Set::Portable),
        }
    }

    /// Appends every vector of `tile` within the limit of a probe.
    pub(crate) fn scan(self, tile: Tile<'_>, probes: &[Probe], found: &mut Vec<Found>) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                // SAFETY: `of` has seen these features on this machine.
                unsafe { scan_avx512(tile, probes, found) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { scan_avx2(tile, probes, found) }
            }
            #[cfg(target_arch = "aarch64")]
            Set::Neon => {
                // SAFETY: as above.
                unsafe { scan_neon(tile, probes, found) }
            }
            Set::Portable => scan::<_, 4>(Plain, tile, probes, found),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn scan_avx512(tile: Tile<'_>, probes: &[Probe], found: &mut Vec<Found>) {
    scan::<_, 8>(Avx512(()), tile, probes, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scan_avx2(tile: Tile<'_>, probes: &[Probe], found: &mut Vec<Found>) {
    scan::<_, 4>(Avx2(()), tile, probes, found);
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn scan_neon(tile: Tile<'_>, probes: &[Probe], found: &mut Vec<Found>) {
    scan::<_, 4>(Plain, tile, probes, found);
}

/// Distances with `vpdpbusd`. Made in `scan_avx512` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Distances for Avx512 {
    #[inline(always)]
    fn survivors<const Q: usize>(self, head: &Head, probes: &[Probe; Q]) -> [bool; Q] {
        // SAFETY: an `Avx512` exists only inside `scan_avx512`, which runs only where the features were seen.
        unsafe { survivors_avx512(head, probes) }
    }

    #[inline(always)]
    fn whole(self, head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
        // SAFETY: as above.
        unsafe { whole_avx512(head, tail, probe) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn survivors_avx512<const Q: usize>(head: &Head, probes: &[Probe; Q]) -> [bool; Q] {
    let mut dots = [_mm512_setzero_si512(); Q];
    for row in 0..HEAD {
        let bytes = load_512(&head.rows[row]);
        for q in 0..Q {
            dots[q] = _mm512_dpbusd_epi32(dots[q], bytes, _mm512_set1_epi32(probes[q].head[row]));
        }
    }
    // SAFETY: `sums` is 64 bytes; the load needs no alignment.
    let sums = unsafe { _mm512_loadu_si512(head.sums.as_ptr().cast()) };
    let mut survivors = [false; Q];
    for q in 0..Q {
        let less = _mm512_sub_epi32(sums, _mm512_slli_epi32::<1>(dots[q]));
        let limit = _mm512_set1_epi32(probes[q].limit - probes[q].head_sum);
        survivors[q] = _mm512_cmple_epi32_mask(less, limit) != 0;
    }
    survivors
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn whole_avx512(head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
    // Several sums: each multiplication waits for the one before.
    let mut dots = [_mm512_setzero_si512(); 4];
    for row in 0..HEAD {
        let query = _mm512_set1_epi32(probe.head[row]);
        dots[row % 4] = _mm512_dpbusd_epi32(dots[row % 4], load_512(&head.rows[row]), query);
    }
    for row in 0..TAIL {
        let query = _mm512_set1_epi32(probe.tail[row]);
        dots[row % 4] = _mm512_dpbusd_epi32(dots[row % 4], load_512(&tail.rows[row]), query);
    }
    let dot = _mm512_add_epi32(_mm512_add_epi32(dots[0], dots[1]), _mm512_add_epi32(dots[2], dots[3]));
    let mut products = [0; LANES];
    // SAFETY: `products` is 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(products.as_mut_ptr().cast(), dot) };
    distances(products, head, tail, probe)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn load_512(row: &Row) -> __m512i {
    // SAFETY: 64 bytes are readable; the load needs no alignment.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

/// Distances with `vpmaddwd`. Made in `scan_avx2` only.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Distances for Avx2 {
    #[inline(always)]
    fn survivors<const Q: usize>(self, head: &Head, probes: &[Probe; Q]) -> [bool; Q] {
        // SAFETY: an `Avx2` exists only inside `scan_avx2`, which runs only where the features were seen.
        unsafe { survivors_avx2(head, probes) }
    }

    #[inline(always)]
    fn whole(self, head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
        // SAFETY: as above.
        unsafe { whole_avx2(head, tail, probe) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn survivors_avx2<const Q: usize>(head: &Head, probes: &[Probe; Q]) -> [bool; Q] {
    let mut words = [&probes[0].head; Q];
    for q in 0..Q {
        words[q] = &probes[q].head;
    }
    let dots = dots_avx2(&head.rows, words);
    let mut survivors = [false; Q];
    for q in 0..Q {
        let limit = _mm256_set1_epi32(probes[q].limit - probes[q].head_sum);
        let mut beyond = -1;
        for half in 0..2 {
            let from: &[i32] = &head.sums[half * 8..][..8];
            // SAFETY: `from` is 32 bytes; the load needs no alignment.
            let sums = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
            let less = _mm256_sub_epi32(sums, _mm256_slli_epi32::<1>(dots[q][half]));
            beyond &= _mm256_movemask_epi8(_mm256_cmpgt_epi32(less, limit));
        }
        survivors[q] = beyond != -1;
    }
    survivors
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn whole_avx2(head: &Head, tail: &Tail, probe: &Probe) -> [i32; LANES] {
    let [first] = dots_avx2(&head.rows, [&probe.head]);
    let [rest] = dots_avx2(&tail.rows, [&probe.tail]);
    let mut products = [0; LANES];
    for half in 0..2 {
        let to: &mut [i32] = &mut products[half * 8..][..8];
        let dots = _mm256_add_epi32(first[half], rest[half]);
        // SAFETY: `to` is 32 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), dots) };
    }
    distances(products, head, tail, probe)
}

/// `Σaq'` over the rows, of the first and of the second eight vectors.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn dots_avx2<const N: usize, const Q: usize>(rows: &[Row; N], words: [&[i32; N]; Q]) -> [[__m256i; 2]; Q] {
    let low = _mm256_set1_epi16(0xff);
    let mut dots = [[_mm256_setzero_si256(); 2]; Q];
    for row in 0..N {
        let (mut even, mut odd) = ([low; 2], [low; 2]);
        for half in 0..2 {
            let from: &[u32] = &rows[row][half * 8..][..8];
            // SAFETY: `from` is 32 bytes; the load needs no alignment.
            let bytes = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
            even[half] = _mm256_and_si256(bytes, low);
            odd[half] = _mm256_srli_epi16::<8>(bytes);
        }
        for q in 0..Q {
            let word = _mm256_set1_epi32(words[q][row]);
            let query_even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(word));
            let query_odd = _mm256_srai_epi16::<8>(word);
            for half in 0..2 {
                let sum = _mm256_add_epi32(
                    _mm256_madd_epi16(even[half], query_even),
                    _mm256_madd_epi16(odd[half], query_odd),
                );
                dots[q][half] = _mm256_add_epi32(dots[q][half], sum);
            }
        }
    }
    dots
}
