//! The right edge of the tree: all that is needed to append, and no more.
//!
//! Per level the hashes of the last, partial tile, and the entries of the last, partial bundle: at most 255 of each, so
//! that appending never reads the log again, however long it is.

use crate::tile::{self, Tile, WIDTH};
use crate::tree::{Frontier, Hash, leaf_hash};
use crate::{Files, TlogError, bundle, reader};

/// What follows the last full tile of every level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    bundle: Vec<u8>,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// Reads the edge of a log of this size: one tile a level and one bundle.
    pub(crate) fn load(files: &impl Files, size: u64) -> Result<Self, TlogError> {
        let mut rows = Vec::new();
        while let Some(hashes) = size.checked_shr(8 * row_level(&rows)).filter(|hashes| *hashes > 0) {
            let level = row_level(&rows);
            rows.push(match Tile::of_size(size, level, hashes / WIDTH) {
                None => Vec::new(),
                Some(tile) => reader::hashes(files, tile)?,
            });
        }
        let mut edge = Self { size, bundle: Vec::new(), rows };
        if let Some(tile) = Tile::of_size(size, 0, size / WIDTH) {
            let (path, content) = reader::bundle(files, tile)?;
            for entry in bundle::entries(&content).take(tile.width as usize) {
                // What was read as an entry is short enough to be one.
                let _ = bundle::push(&mut edge.bundle, entry);
            }
            let leaves = bundle::entries(&edge.bundle).map(leaf_hash);
            if !leaves.eq(edge.rows.first().into_iter().flatten().copied()) {
                return Err(TlogError::damaged(&path, "the last entries are not those of the tree"));
            }
        }
        Ok(edge)
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree.
    pub(crate) fn root(&self) -> Hash {
        let mut frontier = Frontier::default();
        for (level, row) in self.rows.iter().enumerate().rev() {
            for hash in row {
                frontier.push_subtree(8 * level as u32, *hash);
            }
        }
        frontier.root()
    }

    /// Adds an entry, which is short enough to be one; writes the files that it fills.
    pub(crate) fn push<E>(
        &mut self,
        entry: &[u8],
        write: &mut impl FnMut(String, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let _ = bundle::push(&mut self.bundle, entry);
        self.size += 1;
        let mut hash = leaf_hash(entry);
        for level in 0.. {
            if level == self.rows.len() {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[level];
            row.push(hash);
            if (row.len() as u64) < WIDTH {
                break;
            }
            let level = level as u32;
            let tile = Tile { level, number: (self.size >> (8 * (level + 1))) - 1, width: WIDTH };
            if level == 0 {
                write(tile.entries_path(), &self.bundle)?;
                self.bundle.clear();
            }
            write(tile.path(), row.as_flattened())?;
            hash = tile::root(row);
            row.clear();
        }
        Ok(())
    }

    /// Writes the partial files that a log of `before` entries did not have.
    pub(crate) fn write_partial<E>(
        &self,
        before: u64,
        write: &mut impl FnMut(String, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for (row, level) in self.rows.iter().zip(0..) {
            let number = (self.size >> (8 * level)) / WIDTH;
            let Some(tile) = Tile::of_size(self.size, level, number) else { continue };
            if Tile::of_size(before, level, number) == Some(tile) {
                continue;
            }
            if level == 0 {
                write(tile.entries_path(), &self.bundle)?;
            }
            write(tile.path(), row.as_flattened())?;
        }
        Ok(())
    }

    /// The folders of partial files of a log of `before` entries whose tiles are full by now.
    pub(crate) fn superseded(&self, before: u64) -> Vec<String> {
        let mut folders = Vec::new();
        for level in (0..8).take_while(|level| before >> (8 * level) > 0) {
            let Some(tile) = Tile::of_size(before, level, (before >> (8 * level)) / WIDTH) else { continue };
            if (self.size >> (8 * level)) / WIDTH > tile.number {
                folders.push(format!("{}.p", tile.full().path()));
                if level == 0 {
                    folders.push(format!("{}.p", tile.full().entries_path()));
                }
            }
        }
        folders
    }
}

fn row_level(rows: &[Vec<Hash>]) -> u32 {
    rows.len() as u32
}
