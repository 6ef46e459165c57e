//! A copy of the database that is whole, while others write.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::open::{io, named};
use crate::{Store, StoreError};

impl Store {
    /// Writes a copy of the database's present state to a file, which appears there whole or not at all, on the disk
    /// when the call returns, readable by its owner only. A file that is there is replaced. Returns its size in bytes.
    ///
    /// Others read and write meanwhile, when this store is another than the writer's (see
    /// [`Store::open_read_only`]); the copy is of the state at the beginning. Put into an empty folder as `lodestone.db`
    /// it is a store. Indexes are not in it: they are made anew.
    ///
    /// Cost: reads and writes the database once, and until then its write-ahead log cannot shrink.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for the store's own file, a path that is no UTF-8 text, and while [`Store::hold`] holds a
    /// state; [`StoreError::Io`] and [`StoreError::Full`].
    pub fn backup_to(&self, path: &Path) -> Result<u64, StoreError> {
        let refused = |reason: &str| StoreError::Refused { reason: format!("{}: {reason}", path.display()) };
        if !self.db.is_autocommit() {
            return Err(refused("no copy is made while a state is held"));
        }
        let mine = self.db.path().map(PathBuf::from).and_then(|mine| fs::canonicalize(mine).ok());
        if mine.is_some() && fs::canonicalize(path).ok() == mine {
            return Err(refused("this is the store itself"));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let part_name = part.to_str().ok_or_else(|| refused("the path is no UTF-8 text"))?;
        if part_name.starts_with("file:") {
            return Err(refused("begins like a URI; write ./ before it"));
        }
        match fs::remove_file(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&part, &error)),
            _ => {}
        }
        let file = new_private(&part).map_err(|error| io(&part, &error))?;
        let written = self
            .db
            .execute("VACUUM INTO ?1", [part_name])
            .map_err(|error| named(&part, error))
            .and_then(|_| finished(&file, &part, path).map_err(|error| io(path, &error)));
        if written.is_err() {
            // The error that is told is the first one.
            let _ = fs::remove_file(&part);
        }
        written
    }
}

fn new_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Brings the file to the disk, under its name.
fn finished(file: &File, part: &Path, path: &Path) -> std::io::Result<u64> {
    file.sync_all()?;
    let size = file.metadata()?.len();
    fs::rename(part, path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A folder can be flushed on Unix only.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(size)
}
