//! Building a segment: what callers see.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::assemble::{self, Survey};
use super::format::CANARY;
use super::sort::{Pair, Sorted, sort};
use super::spill::{PAIR_BYTES, Runs};
use super::target::{Disk, Memory};
use super::{Segment, SegmentError};
use crate::Code256;

/// Fewest pairs of a sorted run: below, temporary files would be all seams.
const LEAST_RUN: usize = 1024;

/// How a segment is built. The segment does not depend on threads and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// Threads that sort and build tables; 0 counts as 1.
    pub threads: usize,
    /// Memory in bytes for pairs and for the table under construction when a file is written. Beside it go small buffers,
    /// two directories of a table (at most 128 MiB, 512 KiB in the usual layout) and pages of the file that the system
    /// keeps as it likes.
    pub memory_bytes: u64,
    /// How codes are cut into chunks.
    pub layout: LayoutChoice,
}

impl Default for BuildOptions {
    /// One thread, 2 GiB, the layout by size.
    fn default() -> Self {
        Self { threads: 1, memory_bytes: 2 << 30, layout: LayoutChoice::Auto }
    }
}

/// How codes are cut into chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutChoice {
    /// By the number of codes, from a measured model of cost.
    #[default]
    Auto,
    /// Not at all: every look-up compares every code.
    Linear,
    /// Chunks of these widths in bits: 11 to 32 of them, 1 to 24 each, sum 256.
    Widths(Vec<u8>),
}

/// What a build is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildStage {
    /// Pairs are being sorted; counted in pairs.
    Sort,
    /// Codes and owners are being written; counted in codes.
    Codes,
    /// Tables are being built; counted in tables.
    Tables,
    /// The file is being flushed to disk; counted in files, that is one.
    Flush,
}

/// How far a build has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildStep {
    /// What it is at.
    pub stage: BuildStage,
    /// Done of this stage.
    pub done: u64,
    /// The whole of this stage.
    pub total: u64,
}

/// A segment file that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenSegment {
    /// Its length.
    pub bytes: u64,
    /// Its checksum, as in [`SegmentFacts`](super::SegmentFacts).
    pub checksum: u64,
    /// Pairs, equal ones counted once.
    pub entries: u64,
    /// Distinct codes.
    pub distinct: u64,
}

/// Takes pairs in any order and makes a segment of them.
pub struct SegmentBuilder {
    options: BuildOptions,
    pairs: Vec<Pair>,
    folder: Option<PathBuf>,
    runs: Option<Runs>,
    /// Least and greatest id.
    ids: Option<(u64, u64)>,
}

impl SegmentBuilder {
    /// A builder that holds all pairs in memory, 40 bytes each, until the segment is made. See
    /// [`spill_in`](Self::spill_in) for more pairs than that.
    pub fn new(options: BuildOptions) -> Self {
        Self { options, pairs: Vec::new(), folder: None, runs: None, ids: None }
    }

    /// Keeps at most `memory_bytes` of pairs in memory, the others as sorted runs in a temporary file without a name in
    /// this folder, best the one the segment goes to. It takes 40 bytes a pair and is gone when the process ends.
    pub fn spill_in(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Adds a pair; equal pairs count once.
    ///
    /// # Errors
    /// If `id` is `u64::MAX`, or a run cannot be written.
    pub fn push(&mut self, code: Code256, id: u64) -> Result<(), SegmentError> {
        self.note(id)?;
        self.pairs.push((code, id));
        if let Some(folder) = &self.folder
            && self.pairs.len() >= self.longest_run()
        {
            let runs = match &mut self.runs {
                Some(runs) => runs,
                None => self.runs.insert(Runs::new(folder, self.options.memory_bytes)?),
            };
            sort(&mut self.pairs, self.options.threads);
            self.pairs.dedup();
            runs.add(&self.pairs)?;
            self.pairs.clear();
        }
        Ok(())
    }

    /// Writes the segment to a file: under a temporary name in the same folder, flushed, then renamed, so that under the
    /// final name there is a whole file or none. A file of that name is replaced.
    ///
    /// `progress` is told each step and stops the build by breaking. The segment is not tried out; [`Segment::open`] does.
    ///
    /// # Errors
    /// If the file cannot be written, the widths are no layout, or there is too much for one segment;
    /// [`SegmentError::Stopped`] if `progress` broke. Nothing is left behind then.
    pub fn write(
        self,
        path: &Path,
        progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
    ) -> Result<WrittenSegment, SegmentError> {
        let (sorted, survey, options) = self.survey(progress)?;
        let shape = survey.shape.clone();
        let mut disk = Disk::create(path, &survey.plan, options.memory_bytes)?;
        let root = assemble::assemble(&mut disk, sorted, &survey, options.threads, progress)?;
        step(progress, BuildStage::Flush, 0, 1)?;
        disk.commit(path)?;
        // The file is there: too late to stop.
        let _ = progress(BuildStep { stage: BuildStage::Flush, done: 1, total: 1 });
        Ok(WrittenSegment {
            bytes: survey.plan.total,
            checksum: root,
            entries: shape.pairs,
            distinct: shape.distinct,
        })
    }

    /// Makes the segment in memory and tries it out.
    ///
    /// # Errors
    /// As [`Segment::from_entries`]; [`SegmentError::Stopped`] if `progress` broke.
    pub fn build(
        self,
        progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
    ) -> Result<Segment, SegmentError> {
        let (sorted, survey, options) = self.survey(progress)?;
        let mut memory = Memory::new(&survey.plan)?;
        assemble::assemble(&mut memory, sorted, &survey, options.threads, progress)?;
        Segment::new(memory.finish()?, Path::new(super::IN_MEMORY), true)
    }

    /// Takes many pairs at once, without a copy where they are the first.
    pub(super) fn take(&mut self, pairs: Vec<Pair>) -> Result<(), SegmentError> {
        pairs.iter().try_for_each(|(_, id)| self.note(*id))?;
        if self.pairs.is_empty() {
            self.pairs = pairs
        } else {
            self.pairs.extend(pairs)
        }
        Ok(())
    }

    fn note(&mut self, id: u64) -> Result<(), SegmentError> {
        if id == CANARY {
            return Err(SegmentError::ReservedId);
        }
        let (least, greatest) = self.ids.unwrap_or((id, id));
        self.ids = Some((least.min(id), greatest.max(id)));
        Ok(())
    }

    fn longest_run(&self) -> usize {
        let pairs = self.options.memory_bytes / PAIR_BYTES as u64;
        usize::try_from(pairs).unwrap_or(usize::MAX).max(LEAST_RUN)
    }

    /// Sorts what there is, and counts it.
    fn survey(
        mut self,
        progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
    ) -> Result<(Sorted, Survey, BuildOptions), SegmentError> {
        let total = self.pairs.len() as u64;
        step(progress, BuildStage::Sort, 0, total)?;
        sort(&mut self.pairs, self.options.threads);
        step(progress, BuildStage::Sort, total, total)?;
        let sorted = match self.runs {
            None => Sorted::Memory(self.pairs),
            Some(mut runs) => {
                runs.add(&self.pairs)?;
                drop(self.pairs);
                Sorted::Spilled(runs)
            }
        };
        let survey = assemble::survey(&sorted, self.ids, &self.options.layout)?;
        Ok((sorted, survey, self.options))
    }
}

/// Tells one step.
pub(super) fn step(
    progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
    stage: BuildStage,
    done: u64,
    total: u64,
) -> Result<(), SegmentError> {
    match progress(BuildStep { stage, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(SegmentError::Stopped),
    }
}
