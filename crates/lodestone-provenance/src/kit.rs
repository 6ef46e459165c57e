//! What examiners bring along: trust lists, the structure database, models. Loaded once, then only read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::credentials::TrustLists;
use crate::models::Models;
use crate::models::descriptor::Descriptor;
use crate::structure::{Database, Known, Signature};

/// Where the operator's own material is; empty: only what is built in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitSources {
    /// A folder whose trust lists replace the built-in ones (`docs/trust-lists.md`).
    #[serde(default)]
    pub trust_lists: Option<PathBuf>,
    /// Structure databases written by `lodestone provenance learn`, beside the built-in one.
    #[serde(default)]
    pub structures: Vec<PathBuf>,
    /// `model.toml` files.
    #[serde(default)]
    pub models: Vec<PathBuf>,
    /// A `descriptor.toml` file.
    #[serde(default)]
    pub descriptor: Option<PathBuf>,
}

/// Why a kit could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {what}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong, in words.
        what: String,
    },
}

/// Everything examiners bring along.
#[derive(Default)]
pub struct Kit {
    pub(crate) trust: TrustLists,
    pub(crate) structures: Database,
    pub(crate) models: Models,
    descriptor: Option<Descriptor>,
}

impl Kit {
    /// What is built in.
    pub fn built_in() -> Self {
        Self { trust: TrustLists::built_in(), structures: Database::built_in(), ..Self::default() }
    }

    /// What is built in, and the operator's own. Models run their golden pictures here.
    ///
    /// # Errors
    /// When a file cannot be read or is not what it should be; a model whose golden scores differ is refused.
    pub fn load(sources: &KitSources) -> Result<Self, KitError> {
        let mut kit = Self::built_in();
        if let Some(folder) = &sources.trust_lists {
            kit.trust = TrustLists::load(folder)?;
        }
        for path in &sources.structures {
            kit.structures.add_file(path)?;
        }
        kit.models = Models::load(&sources.models)?;
        kit.descriptor = sources.descriptor.as_deref().map(Descriptor::load).transpose()?;
        Ok(kit)
    }

    /// Who is known to write a JPEG structure.
    pub fn known_structures(&self, signature: &Signature) -> Vec<&Known> {
        self.structures.look_up(signature)
    }

    /// The user's descriptor.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.descriptor.as_ref()
    }

    /// Names and digests of what is in use, one line each: printed with every answer.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = self.trust.describe();
        lines.extend(self.structures.describe());
        lines.extend(self.models.describe());
        lines.extend(self.descriptor.iter().map(|descriptor| descriptor.file().told()));
        lines
    }
}
