//! What examiners bring along: named by the operator, digested here, loaded and run in workers only.
//!
//! Models, structure databases and trust lists are files from elsewhere. The parent reads their bytes to digest them, so
//! that an observation names what gave it, and parses none of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lodestone_provenance::KitSources;
use lodestone_types::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The operator's own material for examiners, with the digest of each file. Empty: only what is built in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitFiles {
    pub(crate) sources: KitSources,
    /// SHA-256 of each file, in the order of the sources; of a model its `model.toml`, which pins the rest. The user's
    /// descriptor is not among them: nothing that is kept comes of it.
    pub(crate) digests: Vec<String>,
}

/// A file of the kit cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct KitFileError {
    /// Which.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl KitFiles {
    /// Reads and digests every file.
    ///
    /// # Errors
    /// [`KitFileError`] for the first that cannot be read.
    pub fn new(sources: KitSources) -> Result<Self, KitFileError> {
        let mut digests = Vec::new();
        if let Some(folder) = &sources.trust_lists {
            for path in listed(folder)? {
                digests.push(digest(&path)?);
            }
        }
        for path in sources.structures.iter().chain(&sources.models) {
            digests.push(digest(path)?);
        }
        Ok(Self { sources, digests })
    }

    /// Whether the operator brings models.
    pub(crate) fn has_models(&self) -> bool {
        !self.sources.models.is_empty() || self.sources.descriptor.is_some()
    }

    /// The same without paths: an observation changes with what the files hold, not with where they lie.
    pub(crate) fn digests_only(&self) -> Self {
        Self { sources: KitSources::default(), digests: self.digests.clone() }
    }
}

/// The files of a folder, by name.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, KitFileError> {
    let fail = |source| KitFileError { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn digest(path: &Path) -> Result<String, KitFileError> {
    let hashed = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let (mut hasher, mut chunk) = (Sha256::new(), vec![0; 1 << 18]);
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(hex::encode(&hasher.finalize())),
                n => hasher.update(chunk.get(..n).unwrap_or_default()),
            }
        }
    };
    hashed().map_err(|source| KitFileError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_under_the_same_name_is_another_kit_and_another_place_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one.toml"), dir.path().join("two.toml"));
        let kit = |path: &Path| {
            let sources = KitSources { structures: vec![path.to_owned()], ..KitSources::default() };
            KitFiles::new(sources).unwrap().digests_only()
        };
        std::fs::write(&one, "a").unwrap();
        std::fs::write(&two, "a").unwrap();
        assert_eq!(kit(&one), kit(&two));
        std::fs::write(&two, "b").unwrap();
        assert_ne!(kit(&one), kit(&two));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let sources = KitSources { models: vec!["/nonexistent/model.toml".into()], ..KitSources::default() };
        let error = KitFiles::new(sources).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/model.toml"), "{error}");
    }
}
