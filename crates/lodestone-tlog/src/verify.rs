//! Checking a whole log, offline.
//!
//! One pass over bundles and tiles, a bundle at a time; memory is one bundle (at most 16 MiB, and as large as the file) and
//! 256 hashes a level. Two trees are built at once, one from the entries and one from the tiles' hashes: where they
//! differ an entry is named, and the signed root says which of the two is right. Each tile above is checked against
//! the tiles below it. Files that the checkpoint does not speak of are not looked at: superseded partial tiles, what a
//! killed writer left beyond the end, and anything else in the folder.

use crate::reader::{self, checkpoint_note};
use crate::report::Older;
use crate::tile::{self, Tile, WIDTH};
use crate::tree::{Frontier, Hash, leaf_hash};
use crate::{Checkpoint, Files, Problem, Report, TlogError, VerifierKey, bundle};

/// Problems after which checking stops.
pub const MAX_PROBLEMS: usize = 100;

/// What a log is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The log's verifier keys, the current and former ones, and those of witnesses. The log's own has the origin as name.
    pub keys: &'a [VerifierKey],
    /// A signed checkpoint from before, from where the writer of the log could not change it.
    pub older: Option<&'a [u8]>,
}

/// Checks a log from end to end: the signature, every entry against its hash, every tile, the root, and that it goes on
/// from the older checkpoint. `each` is given every entry with its index as it is read; entries are to be believed only
/// where the report says so.
///
/// Never fails: what cannot be read is in the report. Cost: reads the log once and hashes each entry once.
pub fn verify(files: &impl Files, expected: &Expected<'_>, mut each: impl FnMut(u64, &[u8])) -> Report {
    let mut report = Report::default();
    let opened = checkpoint_note(files).and_then(|note| {
        let missing = || TlogError::Missing { reason: "there is none".to_owned() };
        Checkpoint::open(&note.ok_or_else(missing)?, expected.keys)
    });
    let checkpoint = match opened {
        Ok((checkpoint, signed_by)) => {
            report.signed_by = signed_by;
            checkpoint
        }
        Err(error) => {
            report.problems.push(Problem::Checkpoint { reason: error.to_string() });
            return report;
        }
    };
    let older = expected.older.and_then(|note| match older(note, expected.keys, &checkpoint) {
        Ok(older) => Some(older),
        Err(problem) => {
            report.problems.push(problem);
            None
        }
    });
    report.checkpoint = Some(checkpoint.clone());

    let size = checkpoint.size;
    let mark = older.as_ref().map_or(0, |older| older.size);
    let mut walk =
        Walk { files, report, size, rows: Vec::new(), entries: Tree::new(mark), tiles: Tree::new(mark) };
    for number in 0..size.div_ceil(WIDTH) {
        if walk.report.problems.len() >= MAX_PROBLEMS {
            walk.report.stopped = true;
            return walk.report;
        }
        if let Some(tile) = Tile::of_size(size, 0, number) {
            walk.tile(tile, &mut each);
        }
    }
    walk.finish(&checkpoint, older.as_ref())
}

/// The older checkpoint, where it can be one of this log.
fn older(note: &[u8], keys: &[VerifierKey], now: &Checkpoint) -> Result<Checkpoint, Problem> {
    match Checkpoint::open(note, keys) {
        Err(error) => Err(Problem::OlderCheckpoint { reason: error.to_string() }),
        Ok((older, _)) if older.origin != now.origin => {
            Err(Problem::OlderCheckpoint { reason: format!("is of another log, {:?}", older.origin) })
        }
        Ok((older, _)) if older.size > now.size => Err(Problem::Shrunk { old: older.size, new: now.size }),
        Ok((older, _)) => Ok(older),
    }
}

/// A tree that grows leaf by leaf and remembers its root at one size; broken once a leaf is missing.
struct Tree {
    frontier: Option<Frontier>,
    leaves: u64,
    mark: u64,
    root_at_mark: Option<Hash>,
}

impl Tree {
    fn new(mark: u64) -> Self {
        let frontier = Frontier::default();
        let root_at_mark = (mark == 0).then(|| frontier.root());
        Self { frontier: Some(frontier), leaves: 0, mark, root_at_mark }
    }

    fn push(&mut self, leaf: Hash) {
        let Some(frontier) = &mut self.frontier else { return };
        frontier.push(leaf);
        self.leaves += 1;
        if self.leaves == self.mark {
            self.root_at_mark = Some(frontier.root());
        }
    }

    /// Whether these leaves make up this root; `None` where some are missing.
    fn is(&self, root: &Hash) -> Option<bool> {
        self.frontier.as_ref().map(|frontier| frontier.root() == *root)
    }

    fn was(&self, root: &Hash) -> Option<bool> {
        self.root_at_mark.map(|found| found == *root)
    }
}

struct Walk<'f, F> {
    files: &'f F,
    report: Report,
    size: u64,
    /// For each level above 0 the roots of the tiles below that its next tile must hold; `None` for one not readable.
    rows: Vec<Vec<Option<Hash>>>,
    entries: Tree,
    tiles: Tree,
}

impl<F: Files> Walk<'_, F> {
    /// One tile of level 0 and its bundle.
    fn tile(&mut self, tile: Tile, each: &mut impl FnMut(u64, &[u8])) {
        let hashes = self.hashes(tile);
        match &hashes {
            Some(hashes) => hashes.iter().for_each(|hash| self.tiles.push(*hash)),
            None => self.tiles.frontier = None,
        }
        self.bundle(tile, hashes.as_deref(), each);
        if !tile.is_partial() {
            self.full(1, tile.number, hashes.map(|hashes| tile::root(&hashes)));
        }
    }

    fn bundle(&mut self, tile: Tile, hashes: Option<&[Hash]>, each: &mut impl FnMut(u64, &[u8])) {
        let first = tile.number * WIDTH;
        let (path, content) = match reader::bundle(self.files, tile) {
            Ok(found) => found,
            Err(error) => {
                self.entries.frontier = None;
                return self.file(tile.entries_path(), error, first);
            }
        };
        self.report.files += 1;
        let mut index = first;
        let mut entries = bundle::entries(&content);
        while index < first + tile.width
            && let Some(entry) = entries.next()
        {
            let leaf = leaf_hash(entry);
            self.entries.push(leaf);
            self.report.entries += 1;
            if hashes.is_some_and(|hashes| hashes.get((index - first) as usize) != Some(&leaf)) {
                self.note(Problem::Entry { index, bundle: path.clone(), tile: tile.path() });
            }
            each(index, entry);
            index += 1;
        }
        if index < first + tile.width {
            self.entries.frontier = None;
            let reason = format!("ends within entry {index}, where {} entries should be", tile.width);
            self.note(Problem::File { path, reason, first_entry: index });
        } else if !entries.rest().is_empty() && path == tile.entries_path() {
            let reason = format!("{} bytes after its last entry", entries.rest().len());
            self.note(Problem::File { path, reason, first_entry: index });
        }
    }

    /// Takes the root of a full tile, the one of this number in the level below, into a level; checks the tile there once
    /// all that it holds has come.
    fn full(&mut self, level: u32, child: u64, root: Option<Hash>) {
        let at = level as usize - 1;
        if self.rows.len() == at {
            self.rows.push(Vec::new());
        }
        self.rows[at].push(root);
        if child % WIDTH == WIDTH - 1 {
            let tile = Tile { level, number: child / WIDTH, width: WIDTH };
            let root = self.above(tile);
            self.full(level + 1, tile.number, root);
        }
    }

    /// A tile above level 0 against the tiles below; gives its root where it can be read.
    fn above(&mut self, tile: Tile) -> Option<Hash> {
        let below = std::mem::take(&mut self.rows[tile.level as usize - 1]);
        let hashes = self.hashes(tile)?;
        for ((hash, found), position) in hashes.iter().zip(below).zip(0..) {
            if found.is_some_and(|found| found != *hash) {
                let child =
                    Tile { level: tile.level - 1, number: tile.number * WIDTH + position, width: WIDTH };
                let span = 8 * tile.level;
                self.note(Problem::Tile {
                    path: tile.path(),
                    position,
                    below: child.path(),
                    first_entry: child.number << span,
                    end_entry: (child.number + 1) << span,
                });
            }
        }
        Some(tile::root(&hashes))
    }

    fn finish(mut self, checkpoint: &Checkpoint, older: Option<&Checkpoint>) -> Report {
        for level in 1..=self.rows.len() as u32 {
            let number = (self.size >> (8 * level)) / WIDTH;
            if let Some(tile) = Tile::of_size(self.size, level, number) {
                self.above(tile);
            }
        }
        self.report.entries_match = self.entries.is(&checkpoint.root);
        self.report.tiles_match = self.tiles.is(&checkpoint.root);
        let signed =
            [&self.entries, &self.tiles].into_iter().find(|tree| tree.is(&checkpoint.root) == Some(true));
        let mut found = Vec::new();
        if signed.is_none() {
            found.push(Problem::Root);
        }
        if let Some(older) = older {
            // What was signed now is either from the entries or from the tiles; its beginning is what was signed then.
            if signed.is_some_and(|tree| tree.was(&older.root) == Some(false)) {
                found.push(Problem::NotExtended { old: older.size });
            }
            self.report.older =
                Some(Older { size: older.size, entries_intact: self.entries.was(&older.root) });
        }
        self.report.problems.extend(found);
        self.report
    }

    fn hashes(&mut self, tile: Tile) -> Option<Vec<Hash>> {
        match reader::hashes(self.files, tile) {
            Ok(hashes) => {
                self.report.files += 1;
                Some(hashes)
            }
            Err(error) => {
                self.file(tile.path(), error, (tile.number * WIDTH) << (8 * tile.level));
                None
            }
        }
    }

    fn file(&mut self, wanted: String, error: TlogError, first_entry: u64) {
        let (path, reason) = match error {
            TlogError::Missing { .. } => (wanted, "missing".to_owned()),
            TlogError::Damaged { path, reason } => (path, reason),
            TlogError::Io { path, source } => (path, source.to_string()),
            other => (wanted, other.to_string()),
        };
        self.note(Problem::File { path, reason, first_entry });
    }

    /// One bundle alone can have more problems than are kept.
    fn note(&mut self, problem: Problem) {
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(problem);
        } else {
            self.report.stopped = true;
        }
    }
}
