//! The calibration tables that models' sidecars name, read where findings are weighed. The model itself is not touched.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::file::{MAX_SIDECAR, read};
use super::sidecar::Sidecar;
use crate::kit::KitError;

/// Bytes of a table at most. 16 MiB: a score's table has some kilobytes.
const MAX_TABLE: u64 = 16 << 20;

/// A table's file, and the score that it must weigh.
pub(crate) struct Named {
    /// The sidecar that names it.
    pub(crate) sidecar: PathBuf,
    /// Its name, in the sidecar's folder.
    pub(crate) file: String,
    /// As [`lodestone_types::Assessment::scores`] names it: `model:NAME`.
    pub(crate) score: String,
    pub(crate) text: String,
}

/// Reads the table that each sidecar names, in their order; most name none.
///
/// # Errors
/// When a sidecar or its table cannot be read or is not what it should be, leads out of the sidecar's folder, or has
/// another SHA-256 than the one that is pinned.
pub(crate) fn tables(sidecars: &[PathBuf]) -> Result<Vec<Named>, KitError> {
    sidecars.iter().filter_map(|path| table(path).transpose()).collect()
}

fn table(path: &Path) -> Result<Option<Named>, KitError> {
    let invalid = |what: String| KitError::Invalid { path: path.to_owned(), what };
    let text = String::from_utf8(read(path, MAX_SIDECAR)?).map_err(|_| invalid("not UTF-8".to_owned()))?;
    let sidecar = Sidecar::parse(&text).map_err(invalid)?;
    let file = sidecar.calibration.file;
    if file.is_empty() {
        return Ok(None);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = folder.join(&file);
    // Its name has no folder in it; a link could still lead elsewhere.
    let real =
        |of: &Path| std::fs::canonicalize(of).map_err(|source| KitError::Io { path: of.to_owned(), source });
    if real(&named)?.parent() != Some(real(folder)?.as_path()) {
        return Err(invalid(format!("calibration {file} leads out of the sidecar's folder")));
    }
    let bytes = read(&named, MAX_TABLE)?;
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    if sidecar.calibration.sha256.is_some_and(|pinned| !pinned.eq_ignore_ascii_case(&digest)) {
        return Err(invalid(format!("calibration {file}: its sha256 is not the one that the sidecar pins")));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid(format!("calibration {file}: not UTF-8")))?;
    Ok(Some(Named { sidecar: path.to_owned(), file, score: format!("model:{}", sidecar.name), text }))
}
