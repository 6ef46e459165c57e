//! The inner loop, compiled for several instruction sets from one safe source, and the choice between them.
//!
//! A block of 64 codes is compared with several probes at once, first by the leading 128 bits alone: unrelated codes
//! differ there in 64 ± 6 bits, so at radius 31 that settles all but one pair in 10⁸. Only a block with a survivor is
//! looked at code by code. Wider radii use 192 or all 256 bits.
//!
//! A [`Kernel`] can only be had from detection, which makes the calls below sound. All kernels give the same answers.

use crate::probe::{Found, Probe};
use crate::tiles::{BLOCK, Column, Tile};

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
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vpopcntdq")
                && is_x86_feature_detected!("popcnt")
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
            Set::Portable => scan(tile, probes, radius, found),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
fn scan_avx512(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn scan_avx2(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(tile, probes, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn scan_popcnt(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(tile, probes, radius, found);
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn scan_neon(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    scan(tile, probes, radius, found);
}

/// Radius up to which the first 128 bits decide for nearly every unrelated code (at 40: all but 2 in 10⁵).
const TWO_WORDS_TO: u32 = 40;
/// The same for 192 bits (at 72: all but 3 in 10⁴).
const THREE_WORDS_TO: u32 = 72;

/// Probes in one pass over a tile: their words and running minima fit the vector registers.
const GROUP: usize = 4;

#[inline(always)]
fn scan(tile: Tile<'_>, probes: &[Probe], radius: u32, found: &mut Vec<Found>) {
    let mut rest = probes;
    while let Some(first) = rest.first() {
        // Runs of like probes go together; a group is cut where one-sided and two-sided probes meet.
        let far = first.far.is_some();
        match rest.split_first_chunk::<GROUP>() {
            Some((group, after)) if group.iter().all(|probe| probe.far.is_some() == far) => {
                scan_group(tile, group, far, radius, found);
                rest = after;
            }
            _ => {
                scan_group(tile, &[*first], far, radius, found);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

#[inline(always)]
fn scan_group<const Q: usize>(
    tile: Tile<'_>,
    probes: &[Probe; Q],
    far: bool,
    radius: u32,
    found: &mut Vec<Found>,
) {
    match (radius, far) {
        (..=TWO_WORDS_TO, false) => scan_words::<2, Q, false>(tile, probes, radius, found),
        (..=TWO_WORDS_TO, true) => scan_words::<2, Q, true>(tile, probes, radius, found),
        (..=THREE_WORDS_TO, false) => scan_words::<3, Q, false>(tile, probes, radius, found),
        (..=THREE_WORDS_TO, true) => scan_words::<3, Q, true>(tile, probes, radius, found),
        (_, false) => scan_words::<4, Q, false>(tile, probes, radius, found),
        (_, true) => scan_words::<4, Q, true>(tile, probes, radius, found),
    }
}

/// Lanes of one vector of words on the widest machine.
const LANES: usize = 8;

#[inline(always)]
fn scan_words<const W: usize, const Q: usize, const FAR: bool>(
    tile: Tile<'_>,
    probes: &[Probe; Q],
    radius: u32,
    found: &mut Vec<Found>,
) {
    let near_limit = u64::from(radius);
    let far_limit = (64 * W as u64).saturating_sub(u64::from(radius));
    let blocks = tile.words[0].len();
    for block in 0..blocks {
        let columns: [&Column; W] = std::array::from_fn(|w| &tile.words[w][block]);
        let mut least = [[u64::MAX; LANES]; Q];
        let mut most = [[0u64; LANES]; Q];
        for row in (0..BLOCK).step_by(LANES) {
            for q in 0..Q {
                for lane in 0..LANES {
                    let mut distance = 0;
                    for w in 0..W {
                        distance +=
                            u64::from((columns[w].0[row + lane] ^ probes[q].code.0[w]).count_ones());
                    }
                    least[q][lane] = least[q][lane].min(distance);
                    if FAR {
                        most[q][lane] = most[q][lane].max(distance);
                    }
                }
            }
        }
        for q in 0..Q {
            let near = least[q].iter().fold(u64::MAX, |a, b| a.min(*b)) <= near_limit;
            let far = FAR && most[q].iter().fold(0, |a, b| a.max(*b)) >= far_limit;
            if near || far {
                verify(tile, block, &probes[q], radius, found);
            }
        }
    }
}

/// Looks at each code of one block with all its bits.
#[inline(always)]
fn verify(tile: Tile<'_>, block: usize, probe: &Probe, radius: u32, found: &mut Vec<Found>) {
    let start = tile.start + block * BLOCK;
    let columns = tile.words.map(|column| &column[block].0);
    for (slot, position) in (start..tile.end).take(BLOCK).enumerate() {
        let mut distance = 0;
        for (column, word) in columns.iter().zip(probe.code.0) {
            distance += (column[slot] ^ word).count_ones();
        }
        if distance <= radius {
            found.push(Found { query: probe.near, position, distance_bits: distance });
        }
        if let Some(query) = probe.far
            && 256 - distance <= radius
        {
            found.push(Found { query, position, distance_bits: 256 - distance });
        }
    }
}
