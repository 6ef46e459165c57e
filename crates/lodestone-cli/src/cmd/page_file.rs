//! A page that appears whole or not at all: written beside its place, then moved there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Where a page will be.
pub(crate) struct PageFile {
    path: PathBuf,
}

impl PageFile {
    /// Makes sure, before long work, that the page can be written. Leaves nothing: the folder may be scanned.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.is_dir() {
            bail!("cannot write a report to {}: it is a folder; name a file in it", path.display());
        }
        if path.exists() && !is_page(path) {
            bail!("cannot write a report to {}: there is another file; give another name", path.display());
        }
        beside(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes it and moves it into place.
    pub(crate) fn write(self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<PathBuf> {
        let mut file = beside(&self.path)?;
        content(file.as_file_mut()).with_context(|| format!("report {}", self.path.display()))?;
        make_readable(file.as_file())?;
        file.persist(&self.path).with_context(|| format!("report {}", self.path.display()))?;
        Ok(self.path)
    }
}

/// Whether a file begins like a page: only that may be replaced by one.
fn is_page(path: &Path) -> bool {
    let mut head = [0; 15];
    let read = File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head.eq_ignore_ascii_case(b"<!doctype html>")
}

/// An empty file in the page's folder, under a name that nothing else has.
fn beside(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".lodestone-report-")
        .tempfile_in(folder)
        .with_context(|| format!("cannot write a report to {}", path.display()))
}

/// Temporary files are their owner's alone; the page gets the usual rights of a new file's owner and group.
fn make_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
    }
    let _ = file;
    Ok(())
}
