//! Reading a log: entries and proofs, for the size of one checkpoint.

use std::collections::HashMap;

use crate::note::MAX_NOTE_BYTES;
use crate::tile::{self, TILE_BYTES, Tile, WIDTH};
use crate::tree::{self, Hash};
use crate::{Checkpoint, Files, TlogError, VerifierKey, bundle};

/// The name of the checkpoint's file.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// A log as its checkpoint has it. Goes on being valid while the log grows.
#[derive(Debug)]
pub struct Reader<'f, F> {
    files: &'f F,
    checkpoint: Checkpoint,
}

impl<'f, F: Files> Reader<'f, F> {
    /// Reads the checkpoint and checks that it is signed by the log, as [`Checkpoint::open`] does.
    ///
    /// # Errors
    /// [`TlogError::Missing`] where there is none, [`TlogError::Note`], [`TlogError::Io`].
    pub fn open(files: &'f F, known: &[VerifierKey]) -> Result<Self, TlogError> {
        let note = checkpoint_note(files)?
            .ok_or_else(|| TlogError::Missing { reason: "there is no checkpoint".to_owned() })?;
        let (checkpoint, _) = Checkpoint::open(&note, known)?;
        Ok(Self::at(files, checkpoint))
    }

    /// A log at a checkpoint that is known to be its own.
    pub fn at(files: &'f F, checkpoint: Checkpoint) -> Self {
        Self { files, checkpoint }
    }

    /// The checkpoint that everything here is about.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// One entry. Cost: reads one bundle and one tile.
    ///
    /// # Errors
    /// [`TlogError::Refused`] where there is no such entry yet, [`TlogError::Damaged`] where it is not what the tree says,
    /// [`TlogError::Io`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, TlogError> {
        let Some(tile) =
            Tile::of_size(self.checkpoint.size, 0, index / WIDTH).filter(|_| index < self.checkpoint.size)
        else {
            return Err(self.beyond(index));
        };
        let (path, content) = bundle(self.files, tile)?;
        let position = (index % WIDTH) as usize;
        let leaf = hashes(self.files, tile)?.get(position).copied();
        match bundle::entries(&content).nth(position) {
            Some(entry) if Some(tree::leaf_hash(entry)) == leaf => Ok(entry.to_vec()),
            _ => Err(TlogError::damaged(&path, format!("entry {index} is not that of the tree"))),
        }
    }

    /// The hash of an entry and the proof that it is in the log, for [`tree::verify_inclusion`]. Checked before it is given
    /// out. Cost: reads at most two tiles a level, 8 KiB each.
    ///
    /// # Errors
    /// [`TlogError::Refused`] where there is no such entry yet, [`TlogError::Damaged`] where the tiles do not make up the
    /// root that was signed, [`TlogError::Io`].
    pub fn inclusion_proof(&self, index: u64) -> Result<(Hash, Vec<Hash>), TlogError> {
        let size = self.checkpoint.size;
        if index >= size {
            return Err(self.beyond(index));
        }
        let mut subtree = self.subtrees();
        let leaf = subtree(0, index)?;
        let proof = tree::inclusion_proof(index, size, &mut subtree)?;
        if !tree::verify_inclusion(index, size, &leaf, &proof, &self.checkpoint.root) {
            return Err(TlogError::damaged("tile", format!("the tiles give no proof of entry {index}")));
        }
        Ok((leaf, proof))
    }

    /// The root at an earlier size and the proof that the log has grown from there, for [`tree::verify_consistency`].
    /// Checked before it is given out. Cost: as above.
    ///
    /// # Errors
    /// [`TlogError::Refused`] where the log is not that long, [`TlogError::Damaged`], [`TlogError::Io`].
    pub fn consistency_proof(&self, old: u64) -> Result<(Hash, Vec<Hash>), TlogError> {
        let size = self.checkpoint.size;
        if old > size {
            return Err(self.beyond(old));
        }
        let mut subtree = self.subtrees();
        let root = tree::root(old, &mut subtree)?;
        let proof = tree::consistency_proof(old, size, &mut subtree)?;
        if !tree::verify_consistency(old, size, &root, &self.checkpoint.root, &proof) {
            return Err(TlogError::damaged("tile", format!("the tiles give no proof from size {old}")));
        }
        Ok((root, proof))
    }

    /// Subtrees from tiles; a tile is read once.
    fn subtrees(&self) -> impl FnMut(u32, u64) -> Result<Hash, TlogError> {
        let (files, size) = (self.files, self.checkpoint.size);
        let mut read: HashMap<Tile, Vec<Hash>> = HashMap::new();
        move |level, index| {
            tile::subtree(
                size,
                level,
                index,
                &mut |tile| match read.get(&tile) {
                    Some(known) => Ok(known.clone()),
                    None => {
                        let found = hashes(files, tile)?;
                        read.insert(tile, found.clone());
                        Ok(found)
                    }
                },
                || TlogError::damaged("tile", "a hash was asked for that no tile has"),
            )
        }
    }

    fn beyond(&self, index: u64) -> TlogError {
        TlogError::refused(format!("the log has {} entries; {index} is beyond its end", self.checkpoint.size))
    }
}

/// The bytes of the checkpoint's file.
pub(crate) fn checkpoint_note(files: &impl Files) -> Result<Option<Vec<u8>>, TlogError> {
    files.read(CHECKPOINT, MAX_NOTE_BYTES).map_err(|error| TlogError::io(CHECKPOINT, error))
}

/// A tile's hashes, as many as its width says.
pub(crate) fn hashes(files: &impl Files, tile: Tile) -> Result<Vec<Hash>, TlogError> {
    let (path, content) = stored(files, tile, Tile::path, TILE_BYTES)?;
    let width = tile.width as usize;
    match tile::parse(&content) {
        Some(mut hashes) if hashes.len() == width || (hashes.len() > width && path != tile.path()) => {
            hashes.truncate(width);
            Ok(hashes)
        }
        _ => Err(TlogError::damaged(
            &path,
            format!("{} bytes long, where {} hashes take {}", content.len(), width, 32 * width),
        )),
    }
}

/// The path and the content of the bundle of a tile of level 0. Where the partial one has made room for the full one,
/// that one's, which begins with the same entries.
pub(crate) fn bundle(files: &impl Files, tile: Tile) -> Result<(String, Vec<u8>), TlogError> {
    stored(files, tile, Tile::entries_path, bundle::MAX_BUNDLE_BYTES)
}

fn stored(
    files: &impl Files,
    tile: Tile,
    path: fn(&Tile) -> String,
    limit: usize,
) -> Result<(String, Vec<u8>), TlogError> {
    let own = path(&tile);
    // A log may remove a partial tile once the full one is there.
    for candidate in [own.clone(), path(&tile.full())] {
        match files.read(&candidate, limit) {
            Ok(Some(content)) => return Ok((candidate, content)),
            Ok(None) => {}
            Err(error) => return Err(TlogError::io(&candidate, error)),
        }
    }
    Err(TlogError::Missing { reason: format!("{own} is missing") })
}
