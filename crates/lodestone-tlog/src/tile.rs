//! Tiles: up to 256 neighbouring hashes of one level of the tree, a file each.
//!
//! Tile level L holds tree level 8·L: every hash in it stands for 256^L entries. Only complete subtrees are in tiles, so
//! a full tile never changes; the last one of a level may be partial, and its width is part of its name.
//!
//! *Source:* C2SP `tlog-tiles`, sections "Merkle Tree" and "Partial Tiles".

use crate::tree::{Frontier, Hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;
/// Bytes of a full tile.
pub const TILE_BYTES: usize = 256 * 32;

/// Which tile: level, number in the level, and how many hashes it holds (1 … 256).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Level, 0 for hashes of entries.
    pub level: u32,
    /// Number in the level, from 0 on.
    pub number: u64,
    /// Hashes in it; 256 when it is full.
    pub width: u64,
}

impl Tile {
    /// The tile of this level and number in a tree of `size` leaves; `None` where the tree has none.
    #[must_use]
    pub fn of_size(size: u64, level: u32, number: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * level).unwrap_or(0);
        let before = number.checked_mul(WIDTH)?;
        let width = hashes.checked_sub(before)?.min(WIDTH);
        (width > 0).then_some(Self { level, number, width })
    }

    /// Whether it holds fewer than 256 hashes.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.width < WIDTH
    }

    /// Where its hashes lie: `tile/L/N`, or `tile/L/N.p/W`.
    #[must_use]
    pub fn path(&self) -> String {
        self.path_in(&self.level.to_string())
    }

    /// Where the entries of a tile of level 0 lie: `tile/entries/N`, or `tile/entries/N.p/W`.
    #[must_use]
    pub fn entries_path(&self) -> String {
        self.path_in("entries")
    }

    fn path_in(&self, kind: &str) -> String {
        let base = format!("tile/{kind}/{}", number_path(self.number));
        if self.is_partial() { format!("{base}.p/{}", self.width) } else { base }
    }

    /// The same tile once it is full.
    pub(crate) fn full(&self) -> Self {
        Self { width: WIDTH, ..*self }
    }
}

/// A number in groups of three digits, all but the last with an `x` before it: 1234067 is `x001/x234/067`.
fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// A tile's bytes as hashes: 32 bytes each. `None` where the length is no multiple of 32.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// The hash of a complete subtree, from tiles; a source of hashes for the functions of [`crate::tree`].
///
/// `read` is asked for one tile of the tree of `size` leaves and answers with exactly as many hashes as its width says.
///
/// # Errors
/// Those of `read`; `outside` where the subtree is not complete in a tree of this size.
pub fn subtree<E>(
    size: u64,
    level: u32,
    index: u64,
    read: &mut impl FnMut(Tile) -> Result<Vec<Hash>, E>,
    outside: impl FnOnce() -> E,
) -> Result<Hash, E> {
    let (tile_level, height) = (level / 8, level % 8);
    let count = 1_u64 << height;
    let Some(first) = index.checked_mul(count) else { return Err(outside()) };
    let Some(tile) = Tile::of_size(size, tile_level, first / WIDTH) else { return Err(outside()) };
    let hashes = read(tile)?;
    let start = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
    match hashes.get(start..).and_then(|rest| rest.get(..1 << height)) {
        Some(leaves) => Ok(root(leaves)),
        None => Err(outside()),
    }
}

/// The root of the hashes of a tile, as if they were leaves.
#[must_use]
pub fn root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}
