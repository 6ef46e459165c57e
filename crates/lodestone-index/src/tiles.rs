//! Codes by word column, in blocks of 64: what the kernels scan.

use crate::Code256;

/// Codes in one block.
pub(crate) const BLOCK: usize = 64;

/// Blocks scanned for one group of probes before the next group: 1,024 codes, 16 to 32 KiB, stay in the first-level
/// cache.
pub(crate) const TILE_BLOCKS: usize = 16;

/// Codes in one row of a block: lanes of a vector of words on the widest machine.
pub(crate) const LANES: usize = 8;

/// One word of each of 64 codes, in rows, on a cache line each.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Column(pub(crate) [[u64; LANES]; BLOCK / LANES]);

/// Codes transposed: word `w` of code `i` is `words[w][i / 64].0[i % 64 / 8][i % 8]`. The first two words of all codes are read
/// by every search, the others seldom; columns keep them apart.
///
/// The last block is filled up with zero codes, which readers tell by `len`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tiles {
    words: [Vec<Column>; 4],
    len: usize,
}

impl Tiles {
    pub(crate) fn new(codes: &[Code256]) -> Self {
        let column = |w: usize| {
            codes
                .chunks(BLOCK)
                .map(|chunk| {
                    let mut column = Column([[0; LANES]; BLOCK / LANES]);
                    for (slot, code) in column.0.as_flattened_mut().iter_mut().zip(chunk) {
                        *slot = code.0[w];
                    }
                    column
                })
                .collect()
        };
        Self { words: std::array::from_fn(column), len: codes.len() }
    }

    /// Codes held, without the filling.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Tiles that hold codes below position `end`: each with the position of its first code.
    pub(crate) fn tiles_below(&self, end: usize) -> impl Iterator<Item = Tile<'_>> {
        let blocks = end.min(self.len).div_ceil(BLOCK);
        (0..blocks).step_by(TILE_BLOCKS).map(move |first| {
            let last = (first + TILE_BLOCKS).min(blocks);
            Tile {
                words: self.words.each_ref().map(|column| &column[first..last]),
                start: first * BLOCK,
                end: (last * BLOCK).min(self.len),
            }
        })
    }
}

/// A run of blocks: positions `start..end`, the filling of the last block left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<'a> {
    pub(crate) words: [&'a [Column]; 4],
    pub(crate) start: usize,
    pub(crate) end: usize,
}
