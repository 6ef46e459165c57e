//! The files of a live index: their names, and how they are written so that a crash leaves the old or the new one.
#![allow(clippy::disallowed_methods)] // an index that lives in a folder opens files

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::LiveError;

/// The present manifest.
pub(crate) const MANIFEST: &str = "MANIFEST";
/// The one before, to fall back on.
pub(crate) const MANIFEST_OLD: &str = "MANIFEST.old";
const MANIFEST_TEMP: &str = "MANIFEST.tmp";
const LOCK: &str = "LOCK";

/// No file, commit or manifest has this number or a greater one: nobody counts so far, and adding never overflows.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;

/// What a numbered file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Segment,
    Log,
}

/// The lock of a writer. The system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing alone would not do: a process that is being started elsewhere shares all open files for a moment.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The folder of one live index.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// Makes the folder, for its owner only, and takes the lock that a writer holds.
    pub(crate) fn create_and_lock(dir: &Path) -> Result<(Self, Lock), LiveError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(dir).map_err(LiveError::io(dir))?;
        let path = dir.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(LiveError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok((Self::new(dir), Lock(lock))),
            Err(TryLockError::WouldBlock) => Err(LiveError::Locked { path: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(LiveError::Io { path, source }),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:016x}.segment"))
    }

    pub(crate) fn log(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:016x}.log"))
    }

    /// The numbered files, in the order of their numbers.
    pub(crate) fn list(&self) -> Result<Vec<(u64, Kind)>, LiveError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(LiveError::io(&self.0))? {
            let entry = entry.map_err(LiveError::io(&self.0))?;
            files.extend(entry.file_name().to_str().and_then(numbered));
        }
        files.sort_unstable();
        Ok(files)
    }

    /// All bytes of a file, `None` where there is no such file. A file of more than `limit` bytes is damage.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, LiveError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LiveError::Io { path: path.to_owned(), source }),
        };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(LiveError::io(path))?;
        if bytes.len() as u64 > limit {
            let reason = format!("longer than the {limit} bytes that it may have");
            return Err(LiveError::Damaged { path: path.to_owned(), reason });
        }
        Ok(Some(bytes))
    }

    /// The bytes of a file from `offset` on; `None` where there is no such file or it is shorter.
    pub(crate) fn read_from(
        &self,
        path: &Path,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, LiveError> {
        let read = || -> io::Result<Option<Vec<u8>>> {
            let mut file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            if file.metadata()?.len() < offset {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        read().map_err(LiveError::io(path))
    }

    /// A new file with these first bytes, safe on the disk under its name. For appending to.
    pub(crate) fn create(&self, path: &Path, bytes: &[u8]) -> Result<File, LiveError> {
        let made = || -> io::Result<File> {
            let mut file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            Ok(file)
        };
        let file = made().map_err(LiveError::io(path))?;
        self.sync()?;
        Ok(file)
    }

    /// An existing file, for appending to.
    pub(crate) fn append_to(&self, path: &Path) -> Result<File, LiveError> {
        File::options().read(true).write(true).open(path).map_err(LiveError::io(path))
    }

    /// Writes the bytes of a manifest beside it and makes them safe; [`Folder::swap_manifest`] gives them the name.
    pub(crate) fn write_manifest(&self, bytes: &[u8]) -> Result<(), LiveError> {
        let path = self.file(MANIFEST_TEMP);
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(LiveError::io(&path))
    }

    /// Gives the manifest written last the name `name`, in place of the one that had it.
    pub(crate) fn swap_manifest(&self, name: &str) -> Result<(), LiveError> {
        let path = self.file(name);
        fs::rename(self.file(MANIFEST_TEMP), &path).map_err(LiveError::io(&path))?;
        self.sync()
    }

    /// Makes the folder's list of names safe.
    fn sync(&self) -> Result<(), LiveError> {
        // Elsewhere folders cannot be opened as files, and names are as safe as the system makes them.
        #[cfg(unix)]
        File::open(&self.0).and_then(|dir| dir.sync_all()).map_err(LiveError::io(&self.0))?;
        Ok(())
    }

    /// Removes every numbered file that `keep` does not want. What cannot be removed now (a file mapped by another
    /// process, on some systems) is removed another time.
    pub(crate) fn remove_others(&self, keep: &dyn Fn(u64, Kind) -> bool) -> Result<(), LiveError> {
        for (number, kind) in self.list()? {
            if !keep(number, kind) {
                let path = match kind {
                    Kind::Segment => self.segment(number),
                    Kind::Log => self.log(number),
                };
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// Removes what a process that died may have left half written. Only the holder of the lock may.
    pub(crate) fn remove_temporary(&self) -> Result<(), LiveError> {
        for entry in fs::read_dir(&self.0).map_err(LiveError::io(&self.0))? {
            let entry = entry.map_err(LiveError::io(&self.0))?;
            if entry.file_name().to_str().is_some_and(is_temporary) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Whether a name is one under which a manifest or a segment is written.
fn is_temporary(name: &str) -> bool {
    name == MANIFEST_TEMP || name.starts_with(".segment-") && name.ends_with(".tmp")
}

/// The number and kind in a file name.
fn numbered(name: &str) -> Option<(u64, Kind)> {
    let (digits, kind) = match name.split_once('.')? {
        (digits, "segment") => (digits, Kind::Segment),
        (digits, "log") => (digits, Kind::Log),
        _ => return None,
    };
    let plain = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then_some(())?;
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|number| *number < NUMBER_MAX / 2)
        .map(|number| (number, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_numbered() {
        assert_eq!(numbered("000000000000001f.segment"), Some((31, Kind::Segment)));
        assert_eq!(numbered("0000000000000001.log"), Some((1, Kind::Log)));
        for other in [
            "1.log",
            "+00000000000001f.log",
            "000000000000001F.log",
            "000000000000001f.log.gz",
            "MANIFEST",
            "0",
            "ffffffffffffffff.log",
        ] {
            assert_eq!(numbered(other), None, "{other}");
        }
    }

    #[test]
    fn a_file_over_its_limit_is_not_read_into_memory() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let path = folder.log(1);
        folder.create(&path, &[0; 100]).unwrap();
        assert_eq!(folder.read(&path, 100).unwrap().map(|bytes| bytes.len()), Some(100));
        assert!(matches!(folder.read(&path, 99), Err(LiveError::Damaged { .. })));
        assert!(folder.read(&folder.log(2), 99).unwrap().is_none());
    }
}
