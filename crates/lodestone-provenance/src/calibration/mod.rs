//! Facts and scores to likelihood ratios, by tables that say on what they were fitted.

use std::path::PathBuf;

use lodestone_types::{Assessment, Finding};

use crate::kit::KitError;

/// Calibration tables in use.
#[derive(Default)]
pub struct Calibrations {}

impl Calibrations {
    /// The tables that this build ships.
    pub fn built_in() -> Self {
        Self {}
    }

    /// The built-in tables, and the operator's own, which come first where both could answer.
    ///
    /// # Errors
    /// When a file cannot be read or is no calibration table.
    pub fn load(_files: &[PathBuf]) -> Result<Self, KitError> {
        Ok(Self {})
    }

    /// Identifiers of the tables, one line each.
    pub fn describe(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Fills [`Assessment::pairs`] and [`Finding::log10_lr`]. Pure: same facts and tables, same answer.
pub fn weigh(_tables: &Calibrations, _findings: &mut [Finding], _assessment: &mut Assessment) {}
