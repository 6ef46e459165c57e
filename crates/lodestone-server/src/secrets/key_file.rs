//! The file of a key: written whole or not at all, never over another.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use lodestone_net::seal::SealKey;

use super::SecretsError;

/// Writes a new key where there is no file yet, readable by its owner only.
///
/// # Errors
/// [`SecretsError::File`], also when there is a file.
pub fn write_key(path: &Path, key: &SealKey) -> Result<(), SecretsError> {
    let failed =
        |error: std::io::Error| SecretsError::File { path: path.to_owned(), reason: error.to_string() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whole or not at all: a key that was written in half would lock out what it sealed.
    let (mut file, temporary) = tempfile_in(folder).map_err(failed)?;
    let text = key.reveal();
    let written =
        file.write_all(text.expose()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    // A link, unlike a rename, never takes the place of a file; some file systems have none.
    let named = written.and_then(|()| match std::fs::hard_link(&temporary, path) {
        Err(_) if !path.exists() => std::fs::rename(&temporary, path),
        other => other,
    });
    // Gone already where it was renamed.
    let _ = std::fs::remove_file(&temporary);
    named.map_err(failed)?;
    // Not every system can flush a folder; then the file's own flush has to do.
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A new file of a name that nobody has, for its owner only.
fn tempfile_in(folder: &Path) -> std::io::Result<(std::fs::File, PathBuf)> {
    let path = folder.join(format!(".secret.key.{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    // One that a killed process of this number left behind holds a key that was never used.
    let _ = std::fs::remove_file(&path);
    Ok((options.open(&path)?, path))
}
