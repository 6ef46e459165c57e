//! The private key in a file: one line, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use crate::{SigningKey, TlogError};

/// Longest key file that is read.
const MAX_FILE_BYTES: u64 = 4096;

/// Writes a key to a new file, with mode 0600 on Unix. The file is there whole and durably, or not at all.
///
/// # Errors
/// [`TlogError::Key`] where there is a file already: a key is never overwritten. [`TlogError::Io`].
pub fn create(path: &Path, key: &SigningKey) -> Result<(), TlogError> {
    let name = path.display().to_string();
    let io = |error| TlogError::io(&name, error);
    let exists = || TlogError::key(format!("{name} is there already; a key is never overwritten"));
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    match fs::remove_file(beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(beside).map_err(io)?;
    file.write_all(format!("{}\n", key.to_private_text()).as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    // A second name fails where the first program to come has put a key; a rename would replace it.
    let linked = fs::hard_link(beside, path);
    match linked {
        Ok(()) => fs::remove_file(beside).map_err(io)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(beside);
            return Err(exists());
        }
        // Not every file system has second names.
        Err(_) => fs::rename(beside, path).map_err(io)?,
    }
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// Reads a key from its file.
///
/// # Errors
/// [`TlogError::Key`] where others than the owner may read or write the file (on Unix), or where it holds no key;
/// [`TlogError::Missing`] where there is none; [`TlogError::Io`].
pub fn load(path: &Path) -> Result<SigningKey, TlogError> {
    let name = path.display().to_string();
    let io = |error| TlogError::io(&name, error);
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(TlogError::Missing { reason: format!("there is no key file {name}") });
        }
        opened => opened.map_err(io)?,
    };
    let about = file.metadata().map_err(io)?;
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        return Err(TlogError::key(format!("{name} is not a key file")));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&about) & 0o777;
        if mode & 0o077 != 0 {
            return Err(TlogError::key(format!(
                "{name} may be read or written by others (mode {mode:04o}); set it to 0600, and if others may have \
                 read it, make a new key"
            )));
        }
    }
    let mut text = String::new();
    if file.take(MAX_FILE_BYTES).read_to_string(&mut text).is_err() {
        return Err(TlogError::key(format!("{name} holds no key")));
    }
    SigningKey::parse(text.trim_end()).map_err(|error| TlogError::key(format!("{name}: {error}")))
}
