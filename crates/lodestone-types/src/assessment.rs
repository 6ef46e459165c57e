//! Likelihood ratios for pairs of propositions, and watermarks. *Source:* ENFSI Guideline for Evaluative Reporting.

use serde::{Deserialize, Serialize};

use crate::Proposition;

/// An invisible watermark found in the pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watermark {
    /// `dwtDct` or `dwtDctSvd`.
    pub scheme: String,
    /// The known message: `StableDiffusionV1`, `SDV2`, `SDXL`, `FLUX`.
    pub message: String,
    /// Pearson correlation of the decoded message with the known one, -1 to 1.
    pub correlation: f64,
    /// Correlation from which it counts.
    pub threshold: f64,
    /// Found only after a search over block phases: a crop. Offsets of the block grid, x and y in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_phase: Option<[u32; 2]>,
}

/// What the findings say of one pair of propositions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairAssessment {
    /// The first proposition.
    pub h1: Proposition,
    /// The second.
    pub h2: Proposition,
    /// log10 of how many times more probable the findings are if `h1` holds than if `h2` does; `None`: abstained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log10_lr: Option<f64>,
    /// 95 % interval of it from the calibration's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Identifier of the calibration table, with its date and a short digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// Why nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstained: Option<String>,
    /// The ENFSI sentence with both propositions.
    pub wording: String,
    /// Facts and scores that it rests on, as `camera_chain=strong`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<String>,
    /// Findings that point the other way, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrary: Vec<String>,
}
