//! Descriptors in blocks of eight, word by word, so that one vector holds the same word of eight.

use crate::Descriptor;

/// Descriptors in a block.
pub(crate) const LANES: usize = 8;

/// Eight descriptors: word `w` of descriptor `l` is `0[w][l]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [[u64; LANES]; 4]);

impl Block {
    pub(crate) const EMPTY: Self = Self([[0; LANES]; 4]);

    pub(crate) fn of(&self, lane: usize) -> Descriptor {
        Descriptor(std::array::from_fn(|w| self.0[w][lane]))
    }

    pub(crate) fn set(&mut self, lane: usize, descriptor: Descriptor) {
        for (row, word) in self.0.iter_mut().zip(descriptor.0) {
            row[lane] = word;
        }
    }
}

/// Blocks of descriptors; the last block is filled up with its first descriptor.
pub(crate) fn blocks(descriptors: &[Descriptor]) -> Vec<Block> {
    descriptors
        .chunks(LANES)
        .map(|chunk| {
            let mut block = Block::EMPTY;
            for lane in 0..LANES {
                block.set(lane, *chunk.get(lane).unwrap_or(&chunk[0]));
            }
            block
        })
        .collect()
}

/// Distances of a descriptor to the eight of a block.
#[inline(always)]
pub(crate) fn distances_of(block: &Block, query: &[u64; 4]) -> [u64; LANES] {
    let mut out = [0; LANES];
    for (row, asked) in block.0.iter().zip(query) {
        for (out, word) in out.iter_mut().zip(row) {
            *out += u64::from((word ^ asked).count_ones());
        }
    }
    out
}

/// A descriptor near the one asked about: its number and the distance.
pub(crate) type Near = (u32, u16);

#[inline(always)]
pub(crate) fn distances(blocks: &[Block], query: &[u64; 4], out: &mut Vec<u16>) {
    for block in blocks {
        out.extend_from_slice(&distances_of(block, query).map(|d| d as u16));
    }
}

#[inline(always)]
pub(crate) fn near(blocks: &[Block], first: u32, query: &[u64; 4], limit: u16, out: &mut Vec<Near>) {
    for (number, block) in (0u32..).zip(blocks) {
        let found = distances_of(block, query);
        let mut least = found[0];
        for d in &found[1..] {
            least = least.min(*d);
        }
        if least <= u64::from(limit) {
            for (lane, &d) in (0u32..).zip(&found) {
                if d <= u64::from(limit) {
                    out.push((first + number * LANES as u32 + lane, d as u16));
                }
            }
        }
    }
}

/// Number and distance of the nearest, the first of equals.
#[inline(always)]
pub(crate) fn nearest(blocks: &[Block], query: &[u64; 4]) -> (u32, u16) {
    let mut best = u64::MAX;
    for (number, block) in (0u64..).zip(blocks) {
        for (lane, d) in (0u64..).zip(distances_of(block, query)) {
            best = best.min(d << 32 | (number * LANES as u64 + lane));
        }
    }
    (best as u32, (best >> 32) as u16)
}
