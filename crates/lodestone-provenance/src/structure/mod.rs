//! JPEG structure signatures and the database they are looked up in.

use std::path::Path;

use crate::kit::KitError;

/// Known structures: built in, and learned from the operator's own files.
#[derive(Default)]
pub(crate) struct Database {}

impl Database {
    pub(crate) fn built_in() -> Self {
        Self {}
    }

    pub(crate) fn add_file(&mut self, _path: &Path) -> Result<(), KitError> {
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        Vec::new()
    }
}
