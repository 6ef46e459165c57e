//! An immutable set of 256-bit codes with ids that answers every radius, in memory or mapped from a file.
//!
//! Both are the same bytes, used as they lie: see `docs/formats/segment.md`. A file is ready as soon as its header and
//! footer are checked and its canaries are found; all other blocks are checked before their first use, so opening takes
//! no longer for a large file than for a small one.

mod assemble;
mod build;
mod canary;
mod error;
mod facts;
mod format;
mod guard;
mod header;
#[cfg(test)]
mod kernels;
mod linear;
mod look;
mod owners;
mod self_test;
mod sort;
mod spill;
mod tables;
mod target;
mod verify;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::Mmap;

pub use build::{BuildOptions, BuildStage, BuildStep, LayoutChoice, SegmentBuilder, WrittenSegment};
pub use error::SegmentError;
pub use facts::{PartFacts, SectionFacts, SegmentFacts};

use crate::ring::{Damaged, Plans, Trusted};
use crate::tiles::Tiles;
use crate::{Code256, Hit, Kernel, SearchStats, map};
use format::{Plan, Shape, VERSION};
use guard::{Blocks, Checked};
use header::Fault;

/// The name that errors give a segment without a file.
const IN_MEMORY: &str = "(in memory)";

/// An immutable set of pairs of a 256-bit code and an id, searched by Hamming radius.
///
/// Every answer is exact: all pairs within the radius, whatever it is. Look-ups may run on any number of threads at once.
/// Memory: 128 to 132 bytes a distinct code with 16 tables, 109 to 116 with 13, 36 or 40 without; 16 and more for
/// each code that several ids hold. A mapped segment is shared by all processes that map it, and the system may drop its
/// pages and read them again.
pub struct Segment {
    image: Mmap,
    path: PathBuf,
    shape: Shape,
    plan: Plan,
    root: u64,
    parts: Vec<Part>,
    blocks: Blocks,
    /// All blocks are known to be whole.
    trusted: AtomicBool,
    kernel: Kernel,
}

/// What is kept of a part beside its bytes.
#[derive(Debug)]
struct Part {
    /// For parts with tables.
    plans: Option<Plans>,
    /// For small parts without.
    tiles: Option<Tiles>,
}

impl std::fmt::Debug for Segment {
    /// Counts only: hashes and paths do not belong into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("entries", &self.shape.pairs)
            .field("distinct", &self.shape.distinct)
            .field("bytes", &self.plan.total)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// A segment in memory of these pairs, in any order; equal pairs count once.
    ///
    /// Cost: a sort and the tables, about 0.6 µs a pair and core. Memory while it is built: little more than the segment
    /// itself takes.
    ///
    /// # Errors
    /// If an id is `u64::MAX`, the widths in the options are no layout, there are 2³² codes or more, memory cannot be had,
    /// or the self-test fails.
    pub fn from_entries(entries: Vec<(Code256, u64)>, options: &BuildOptions) -> Result<Self, SegmentError> {
        let mut builder = SegmentBuilder::new(options.clone());
        builder.take(entries)?;
        builder.build(&mut |_| ControlFlow::Continue(()))
    }

    /// Maps a file, checks its header and footer, and finds its canaries.
    ///
    /// Cost: milliseconds at any size, once the file is in the system's cache. Other blocks are checked before their
    /// first use.
    ///
    /// # Errors
    /// If the file cannot be read, is something else, of another version, cut or damaged, or fails its self-test.
    #[allow(clippy::disallowed_methods)] // segment files are what this crate maps
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let file = File::open(path).map_err(SegmentError::io(path))?;
        let len = file.metadata().map_err(SegmentError::io(path))?.len();
        if len == 0 {
            return Err(SegmentError::NotASegment { path: path.to_owned() });
        }
        let image = map::file(&file).map_err(SegmentError::io(path))?;
        Self::new(image, path, false)
    }

    /// A segment of these bytes, tried out.
    fn new(image: Mmap, path: &Path, trusted: bool) -> Result<Self, SegmentError> {
        let path = path.to_owned();
        let (shape, plan) = match header::decode(&image) {
            Ok(read) => read,
            Err(fault) => return Err(refuse(fault, path, image.len() as u64)),
        };
        let root = match header::check_footer(&image, &plan) {
            Ok(root) => root,
            Err(offset) => return Err(SegmentError::Damaged { path, offset }),
        };
        let blocks = Blocks::new(&plan);
        let parts = Vec::new();
        let trusted = AtomicBool::new(trusted);
        let mut segment =
            Self { image, path, shape, plan, root, parts, blocks, trusted, kernel: Kernel::detect() };
        for number in 0..segment.shape.parts.len() {
            let part = segment.prepare(number).map_err(|damaged| segment.damaged(damaged))?;
            segment.parts.push(part);
        }
        segment.self_test()?;
        Ok(segment)
    }

    /// Pairs, canaries left out.
    pub fn len(&self) -> u64 {
        self.shape.pairs
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Distinct codes, canaries left out.
    pub fn distinct(&self) -> u64 {
        self.shape.distinct
    }

    /// Appends to `hits` every pair within `radius_bits` (0 to 256) of each query, sorted among themselves; `query` counts
    /// from 0 in this batch. Adds to `stats` what was looked at.
    ///
    /// Larger batches are cheaper per query. Radii above 64 compare every code.
    ///
    /// # Errors
    /// If a block that is needed is damaged; nothing is appended then.
    pub fn search_into(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<(), SegmentError> {
        self.search_at_most(queries, radius_bits, usize::MAX, hits, stats).map(drop)
    }

    /// As [`Segment::search_into`], where no more than `most` pairs are found; with more of them nothing is appended, and
    /// the answer is `false`. So a caller can bound what is held: it asks again for fewer queries at a time.
    ///
    /// # Errors
    /// As there.
    pub fn search_at_most(
        &self,
        queries: &[Code256],
        radius_bits: u32,
        most: usize,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<bool, SegmentError> {
        if u32::try_from(queries.len()).is_err() {
            return Err(SegmentError::TooLarge { what: "queries of one batch" });
        }
        let (before, stats_before) = (hits.len(), *stats);
        let result = match self.checked() {
            None => self.look_up(&Trusted, queries, radius_bits, most, hits, stats),
            Some(guard) => self.look_up(&guard, queries, radius_bits, most, hits, stats),
        };
        if result != Ok(true) {
            hits.truncate(before);
            *stats = stats_before;
        }
        result.map_err(|damaged| self.damaged(damaged))
    }

    /// Calls `each` with every pair, canaries left out, in an order that depends on the pairs alone; it stops the round by
    /// breaking.
    ///
    /// # Errors
    /// If a block is damaged; [`SegmentError::Stopped`] if `each` broke.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(Code256, u64) -> ControlFlow<()>,
    ) -> Result<(), SegmentError> {
        let flow = match self.checked() {
            None => self.every_pair(&Trusted, each),
            Some(guard) => self.every_pair(&guard, each),
        };
        match flow.map_err(|damaged| self.damaged(damaged))? {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SegmentError::Stopped),
        }
    }

    /// Calls `each` with the id of every pair, canaries left out: as [`Self::for_each`] without reading the codes.
    pub(crate) fn for_each_id(&self, each: &mut dyn FnMut(u64)) -> Result<(), SegmentError> {
        let done = match self.checked() {
            None => self.every_id(&Trusted, each),
            Some(guard) => self.every_id(&guard, each),
        };
        done.map_err(|damaged| self.damaged(damaged))
    }

    /// Checks every block, then that each table lists each code once in its place; look-ups skip the checks from then on.
    ///
    /// `progress` is told the bytes done, of how many, and stops it by breaking. The file is read twice, the second time
    /// in the order of the tables.
    ///
    /// # Errors
    /// If anything is wrong; [`SegmentError::Stopped`] if `progress` broke.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<(), SegmentError> {
        verify::verify(self, progress)?;
        self.trusted.store(true, Ordering::Release);
        Ok(())
    }

    /// What the segment says of itself.
    pub fn facts(&self) -> SegmentFacts {
        let part = |part: &format::PartShape| PartFacts {
            codes: part.codes,
            even: part.even,
            widths: part.layout.as_ref().map_or_else(Vec::new, |layout| layout.widths().to_vec()),
        };
        let section = |(name, part, table, span): (&'static str, usize, usize, format::Span)| SectionFacts {
            name,
            part,
            table,
            offset: span.at,
            bytes: span.len,
        };
        SegmentFacts {
            version: VERSION,
            code_bits: Code256::BITS,
            entries: self.shape.pairs,
            distinct: self.shape.distinct,
            canaries: self.shape.canaries,
            owner_bytes: self.shape.owner_bytes,
            file_bytes: self.plan.total,
            checksum: self.root,
            verified: self.trusted.load(Ordering::Acquire),
            parts: self.shape.parts.iter().map(part).collect(),
            sections: self.plan.sections().into_iter().map(section).collect(),
        }
    }

    /// The bytes of the file, whether it is one or lies in memory only. A mapped file's are not checked by this.
    pub fn as_bytes(&self) -> &[u8] {
        &self.image
    }

    /// The guard, while one is needed.
    fn checked(&self) -> Option<Checked<'_>> {
        let guard = Checked { image: &self.image, plan: &self.plan, blocks: &self.blocks };
        (!self.trusted.load(Ordering::Acquire)).then_some(guard)
    }

    fn damaged(&self, _: Damaged) -> SegmentError {
        let path = self.path.clone();
        match self.blocks.damaged() {
            Some(offset) => SegmentError::Damaged { path, offset },
            None => SegmentError::Unsound { path, what: "a number points outside of its section" },
        }
    }
}

fn refuse(fault: Fault, path: PathBuf, has: u64) -> SegmentError {
    match fault {
        Fault::Foreign => SegmentError::NotASegment { path },
        Fault::Version(found) => SegmentError::Version { path, found, known: VERSION },
        Fault::Length(should) => SegmentError::Truncated { path, has, should },
        Fault::Damaged => SegmentError::Damaged { path, offset: 0 },
        Fault::Unsound(what) => SegmentError::Unsound { path, what },
    }
}
