//! Files of which the truth is known: what tables are fitted to and judged on.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_types::{Assessment, Proposition};

/// One file of which the truth is known, and what the examiners said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is known to hold.
    pub proposition: Proposition,
    /// Where it comes from: files of one source are alike and are left out together.
    pub source: String,
    /// `YYYY-MM`, where known: for drift.
    pub month: Option<String>,
    /// [`Assessment::facts`].
    pub facts: BTreeMap<String, String>,
    /// [`Assessment::scores`].
    pub scores: BTreeMap<String, f64>,
}

impl Case {
    /// From a reading.
    pub fn new(proposition: Proposition, source: &str, reading: &Assessment) -> Self {
        Self {
            proposition,
            source: source.to_owned(),
            month: None,
            facts: reading.facts.clone(),
            scores: reading.scores.clone(),
        }
    }
}

/// Sources named in `cases`, sorted.
pub(crate) fn sources<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Vec<String> {
    let names: BTreeSet<&str> = cases.into_iter().map(|c| c.source.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Which proposition a label of a labelled folder stands for; `None`: not used for fitting or judging. `label` and `subtype` as in
/// `manifest.csv`, or a subfolder's name as label.
///
/// `camera` holds camera originals, save subtypes that say there is no camera's trace to expect (`web photo …`, `photo
/// without EXIF`): those were re-encoded, and are edited captures. Of a `portfolio photo` that keeps its EXIF nobody says whether
/// it was exported for the page: not used. Graphics, fabricated metadata, watermarked copies and test files of Content
/// Credentials are no sample of any of these propositions.
pub fn proposition(label: &str, subtype: &str) -> Option<Proposition> {
    let subtype = subtype.to_lowercase();
    let reencoded = subtype.contains("web photo") || subtype.contains("without exif");
    match label {
        "camera" if reencoded => Some(Proposition::EditedCapture),
        "camera" if subtype.contains("portfolio") => None,
        "camera" | "camera_original" => Some(Proposition::CameraOriginal),
        "ai_edited" => Some(Proposition::AiEdited),
        "edited" if subtype.contains("comfyui") || subtype.contains("img2img") => Some(Proposition::AiEdited),
        "edited" | "edited_capture" => Some(Proposition::EditedCapture),
        "ai" | "ai_generated" => Some(Proposition::AiGenerated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_from_the_web_are_no_camera_originals() {
        assert_eq!(proposition("camera", "EXIF photo"), Some(Proposition::CameraOriginal));
        assert_eq!(proposition("camera", "web photo (sample)"), Some(Proposition::EditedCapture));
        assert_eq!(proposition("camera", "photo without EXIF"), Some(Proposition::EditedCapture));
        assert_eq!(proposition("edited", "ComfyUI inpaint of a photo"), Some(Proposition::AiEdited));
        assert_eq!(proposition("edited", "made:inpaint"), Some(Proposition::EditedCapture));
        assert_eq!(proposition("fixture", "A1111"), None);
    }
}
