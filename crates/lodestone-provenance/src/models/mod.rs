//! The user's own ONNX models.

use std::path::PathBuf;

use crate::item::Item;
use crate::kit::KitError;
use crate::reading::Reading;

/// Models that passed their golden pictures.
#[derive(Default)]
pub(crate) struct Models {}

impl Models {
    pub(crate) fn load(_files: &[PathBuf]) -> Result<Self, KitError> {
        Ok(Self {})
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn examine(&self, _item: &Item<'_>, _reading: &mut Reading) {}
}
