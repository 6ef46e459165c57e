//! The loops of `block.rs` compiled for several instruction sets, and the choice between them; all give the same answers.

use super::block::{self, Block, Near};
use crate::Descriptor;

/// An instruction set that this machine has. Made by [`Kernel::detect`] only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel(Set);

#[derive(Debug, Clone, Copy)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Popcnt,
    Portable,
}

macro_rules! dispatch {
    ($self:ident, $name:ident, $avx512:ident, $popcnt:ident, ($($arg:expr),*)) => {
        match $self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                // SAFETY: `detect` has seen these features on this machine.
                unsafe { $avx512($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Popcnt => {
                // SAFETY: as above.
                unsafe { $popcnt($($arg),*) }
            }
            Set::Portable => block::$name($($arg),*),
        }
    };
}

impl Kernel {
    #[cfg(test)]
    pub(crate) const PORTABLE: Self = Self(Set::Portable);

    /// The fastest.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vpopcntdq")
            {
                return Self(Set::Avx512);
            }
            if is_x86_feature_detected!("popcnt") {
                return Self(Set::Popcnt);
            }
        }
        Self(Set::Portable)
    }

    /// Appends the distance to every descriptor.
    pub(crate) fn distances(self, blocks: &[Block], query: &Descriptor, out: &mut Vec<u16>) {
        dispatch!(self, distances, distances_avx512, distances_popcnt, (blocks, &query.0, out));
    }

    /// Appends every descriptor within `limit`, counted from `first`.
    pub(crate) fn near(
        self,
        blocks: &[Block],
        first: u32,
        query: &Descriptor,
        limit: u16,
        out: &mut Vec<Near>,
    ) {
        dispatch!(self, near, near_avx512, near_popcnt, (blocks, first, &query.0, limit, out));
    }

    /// The nearest of at least one block.
    pub(crate) fn nearest(self, blocks: &[Block], query: &Descriptor) -> (u32, u16) {
        dispatch!(self, nearest, nearest_avx512, nearest_popcnt, (blocks, &query.0))
    }
}

/// Asks memory for the start of a bucket, where the machine can.
#[inline(always)]
pub(crate) fn fetch(from: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    for block in from.iter().take(4) {
        for row in &block.0 {
            // SAFETY: a prefetch reads nothing and cannot fault; SSE belongs to every x86-64.
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(row.as_ptr().cast());
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

macro_rules! compiled {
    ($features:literal, $distances:ident, $near:ident, $nearest:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $distances(blocks: &[Block], query: &[u64; 4], out: &mut Vec<u16>) {
            block::distances(blocks, query, out);
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $near(blocks: &[Block], first: u32, query: &[u64; 4], limit: u16, out: &mut Vec<Near>) {
            block::near(blocks, first, query, limit, out);
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $nearest(blocks: &[Block], query: &[u64; 4]) -> (u32, u16) {
            block::nearest(blocks, query)
        }
    };
}

compiled!("avx512f,avx512vl,avx512vpopcntdq", distances_avx512, near_avx512, nearest_avx512);
compiled!("popcnt", distances_popcnt, near_popcnt, nearest_popcnt);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_gives_the_distances_of_the_definition() {
        let mut seed = 3u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 31
        };
        let set: Vec<Descriptor> = (0..100).map(|_| Descriptor(std::array::from_fn(|_| next()))).collect();
        let blocks = block::blocks(&set);
        let query = Descriptor(std::array::from_fn(|_| next()));
        let slow: Vec<u16> = set.iter().map(|d| d.distance_bits(query) as u16).collect();
        for kernel in [Kernel::detect(), Kernel::PORTABLE] {
            let mut all = Vec::new();
            kernel.distances(&blocks, &query, &mut all);
            assert_eq!(all[..100], slow);
            let mut found = Vec::new();
            kernel.near(&blocks, 1000, &query, 124, &mut found);
            found.retain(|(k, _)| *k < 1100);
            let expected: Vec<Near> =
                (1000..).zip(&slow).filter(|(_, d)| **d <= 124).map(|(k, d)| (k, *d)).collect();
            assert_eq!(found, expected);
            let least = slow.iter().min().copied();
            assert_eq!(Some(kernel.nearest(&blocks, &query).1), least);
        }
    }
}
