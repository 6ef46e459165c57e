//! Where a segment is built: in memory, or in a file.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::{Mmap, MmapMut};
use tempfile::NamedTempFile;

use super::SegmentError;
use super::assemble::Sums;
use super::format::{Plan, Span, TablePlan};
use super::tables::Scratch;
use crate::map;
use crate::ring::{Bits, Layout, Records, build_table};

/// One table to be built.
pub(super) struct TableWork<'a> {
    pub(super) layout: &'a Layout,
    pub(super) table: usize,
    /// Where the codes lie; they have been written.
    pub(super) codes: Span,
    pub(super) at: &'a TablePlan,
    pub(super) threads: usize,
}

/// Zeroes that are written over.
pub(super) trait Target {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), SegmentError>;
    /// Builds a table in its place and notes its checksums.
    fn table(&mut self, work: &TableWork<'_>, sums: &mut Sums) -> Result<(), SegmentError>;
}

/// An image in memory.
pub(super) struct Memory {
    map: MmapMut,
    records: Records,
}

impl Memory {
    pub(super) fn new(plan: &Plan) -> Result<Self, SegmentError> {
        let len = usize::try_from(plan.total).map_err(|_| SegmentError::TooLarge { what: "bytes" })?;
        let map = map::anonymous(len).map_err(SegmentError::io(Path::new(super::IN_MEMORY)))?;
        Ok(Self { map, records: Records::default() })
    }

    pub(super) fn finish(self) -> Result<Mmap, SegmentError> {
        self.map.make_read_only().map_err(SegmentError::io(Path::new(super::IN_MEMORY)))
    }
}

impl Target for Memory {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        let at = at as usize;
        self.map[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn table(&mut self, work: &TableWork<'_>, sums: &mut Sums) -> Result<(), SegmentError> {
        let TablePlan { dir, next, ids } = *work.at;
        // Codes, directory, next bits and ids follow each other in this order.
        let (before, rest) = self.map.split_at_mut(dir.at as usize);
        let (dir_bytes, rest) = rest.split_at_mut((next.at - dir.at) as usize);
        let (next_bytes, ids_bytes) = rest.split_at_mut((ids.at - next.at) as usize);
        build_table(
            work.layout,
            work.table,
            bytemuck::cast_slice(work.codes.of(before)),
            work.threads,
            bytemuck::cast_slice_mut(&mut dir_bytes[..dir.len as usize]),
            bytemuck::cast_slice_mut(&mut next_bytes[..next.len as usize]),
            bytemuck::cast_slice_mut(&mut ids_bytes[..ids.len as usize]),
            &mut self.records,
        );
        for span in [dir, next, ids] {
            sums.note(span.at, span.of(&self.map));
        }
        Ok(())
    }
}

/// A file under a temporary name, which is gone unless it is committed.
pub(super) struct Disk {
    file: NamedTempFile,
    path: PathBuf,
    memory_bytes: u64,
    scratch: Scratch,
}

impl Disk {
    /// A file of zeroes beside `path`.
    pub(super) fn create(path: &Path, plan: &Plan, memory_bytes: u64) -> Result<Self, SegmentError> {
        let file = tempfile::Builder::new()
            .prefix(".segment-")
            .suffix(".tmp")
            .tempfile_in(folder_of(path))
            .map_err(SegmentError::io(path))?;
        file.as_file().set_len(plan.total).map_err(SegmentError::io(path))?;
        let path = path.to_owned();
        Ok(Self { file, path, memory_bytes, scratch: Scratch::default() })
    }

    /// Flushes the file and gives it its name.
    pub(super) fn commit(self, path: &Path) -> Result<(), SegmentError> {
        self.file.as_file().sync_all().map_err(SegmentError::io(path))?;
        self.file.persist(path).map_err(|error| SegmentError::io(path)(error.error))?;
        sync_folder(folder_of(path)).map_err(SegmentError::io(path))
    }

    fn put(&mut self, sums: &mut Sums, at: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        sums.note(at, bytes);
        self.write(at, bytes)
    }
}

impl Target for Disk {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(at))
            .and_then(|_| file.write_all(bytes))
            .map_err(SegmentError::io(&self.path))
    }

    fn table(&mut self, work: &TableWork<'_>, sums: &mut Sums) -> Result<(), SegmentError> {
        let map = map::file(self.file.as_file()).map_err(SegmentError::io(&self.path))?;
        let codes: &[Bits] = bytemuck::cast_slice(work.codes.of(&map));
        let memory_bytes = self.memory_bytes;
        // Taken out while the file is written to.
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.build(work, codes, memory_bytes, &mut |at, bytes| self.put(sums, at, bytes))?;
        self.scratch = scratch;
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename last. Where folders cannot be opened as files, the system does it in its own time.
#[allow(clippy::disallowed_methods)] // the folder of the file that was written
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
