//! The few things a log asks of a file system, so that tests can make each of them fail.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::TlogError;

/// A folder of files. Paths are relative to it, their parts parted by `/`; `""` is the folder itself.
///
/// What was written is durable once the file was synced and every folder in which a name appeared.
pub trait Files {
    /// The content of a file of at most `limit` bytes; `None` where there is no such file.
    ///
    /// # Errors
    /// The system's; also where the file is larger, or no plain file.
    fn read(&self, path: &str, limit: usize) -> io::Result<Option<Vec<u8>>>;

    /// The names in a folder, in any order; none where there is no such folder.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a file with this content, and the folders above it, or replaces the content of one. Not durable yet.
    ///
    /// # Errors
    /// The system's; the file may then hold anything.
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()>;

    /// Makes durable what was written to a file, or the names in a folder.
    ///
    /// # Errors
    /// The system's.
    fn sync(&self, path: &str) -> io::Result<()>;

    /// Gives a file another name, in place of the file that has it, in one step. Not durable yet.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a folder of files that nobody needs any more.
    ///
    /// # Errors
    /// The system's.
    fn remove_folder(&self, folder: &str) -> io::Result<()>;
}

/// A folder on disk.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: Option<Lock>,
}

/// Let go when dropped: closing the file would not do while a child that was just started shares it.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The process ends or goes on without it; there is nobody to tell.
        let _ = self.0.unlock();
    }
}

impl Folder {
    /// A folder to read from. Nothing is opened yet.
    #[must_use]
    pub fn for_reading(root: &Path) -> Self {
        Self { root: root.to_owned(), _lock: None }
    }

    /// A folder to write to, made with mode 0700 where it is missing, and locked (`lock` in it) until this is dropped:
    /// two writers would sign two histories.
    ///
    /// # Errors
    /// [`TlogError::Locked`] where another process writes to it, [`TlogError::Io`].
    pub fn for_writing(root: &Path) -> Result<Self, TlogError> {
        let named = |error| TlogError::io(&root.display().to_string(), error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(root).map_err(named)?;
        let path = root.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(named)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: Some(Lock(lock)) }),
            Err(TryLockError::WouldBlock) => Err(TlogError::Locked { path: root.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(named(error)),
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        let mut full = self.root.clone();
        full.extend(path.split('/').filter(|part| !part.is_empty()));
        full
    }
}

impl Files for Folder {
    fn read(&self, path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let path = self.at(path);
        // A pipe would wait for ever, a device never end, a link lead elsewhere.
        let about = match path.symlink_metadata() {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            about => about?,
        };
        if !about.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidData, "not a plain file"));
        }
        let mut content = Vec::new();
        File::open(&path)?.take(limit as u64 + 1).read_to_end(&mut content)?;
        if content.len() > limit {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("larger than {limit} bytes")));
        }
        Ok(Some(content))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        match fs::read_dir(self.at(folder)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
        }
    }

    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let path = self.at(path);
        let mut file = match File::create(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                File::create(&path)?
            }
            opened => opened?,
        };
        file.write_all(content)
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        // Elsewhere a folder cannot be opened; its names are the file system's affair.
        if cfg!(not(unix)) && path.is_dir() {
            return Ok(());
        }
        let file = if cfg!(unix) { File::open(&path)? } else { File::options().write(true).open(&path)? };
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        fs::remove_dir_all(self.at(folder))
    }
}
