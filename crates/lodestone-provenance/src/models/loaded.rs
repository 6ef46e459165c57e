//! Models in use.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lodestone_types::{CheckState, Location};
use sha2::{Digest, Sha256};

use super::detector::{Detector, Tract};
use super::file::{MAX_MODEL, MAX_SIDECAR, read};
use super::golden::Picture;
use super::prepare::prepare;
use super::sidecar::{Kind, Pool, Positive, Sidecar, Step, TilesStep};
use crate::item::{Item, Pixels};
use crate::kit::KitError;
use crate::reading::Reading;

/// Bytes of a golden picture at most.
const MAX_GOLDEN: u64 = 64 << 20;
/// Models at most.
const MAX_MODELS: usize = 32;
/// Time for one picture, looked at between windows; a worker's own deadline stands behind it.
const PER_PICTURE: Duration = Duration::from_secs(60);

/// Models that passed their golden pictures.
#[derive(Default)]
pub(crate) struct Models {
    models: Vec<Model>,
}

struct Model {
    sidecar: Sidecar,
    detector: Box<dyn Detector>,
}

impl Models {
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, KitError> {
        let mut models: Vec<Model> = Vec::new();
        for path in files {
            let model = Model::load(path)?;
            let again = models.iter().any(|m| m.sidecar.name == model.sidecar.name);
            if again || models.len() == MAX_MODELS {
                let what = if again { "a model of this name is loaded already" } else { "too many models" };
                return Err(KitError::Invalid { path: path.clone(), what: what.to_owned() });
            }
            models.push(model);
        }
        Ok(Self { models })
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        self.models
            .iter()
            .map(|m| {
                let Sidecar { name, sha256, license, source, .. } = &m.sidecar;
                format!(
                    "model {name}: sha256 {}, licence {license}, from {source}",
                    sha256.to_ascii_lowercase()
                )
            })
            .collect()
    }

    pub(crate) fn examine(&self, item: &Item<'_>, reading: &mut Reading) {
        let orientation = lodestone_media::segments::orientation(item.segments).unwrap_or(1);
        for model in &self.models {
            model.examine(item.pixels.as_ref(), orientation, reading);
        }
    }
}

/// Why a picture has no score.
enum NoScore {
    /// It is outside of what the model takes.
    NotAssessed(String),
    /// The model failed.
    Failed(String),
}

impl Model {
    fn load(path: &Path) -> Result<Self, KitError> {
        let invalid = |what: String| KitError::Invalid { path: path.to_owned(), what };
        let text =
            String::from_utf8(read(path, MAX_SIDECAR)?).map_err(|_| invalid("not UTF-8".to_owned()))?;
        let sidecar = Sidecar::parse(&text).map_err(invalid)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let bytes = read(&folder.join(&sidecar.file), MAX_MODEL)?;
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        if !digest.eq_ignore_ascii_case(&sidecar.sha256) {
            return Err(invalid("the model's sha256 is not the one that the sidecar pins".to_owned()));
        }
        let detector: Box<dyn Detector> = Box::new(Tract::load(&bytes, &sidecar).map_err(invalid)?);
        let model = Self { sidecar, detector };
        let golden = &model.sidecar.golden;
        for (name, expected) in golden.files.iter().zip(&golden.scores) {
            let bytes = read(&folder.join(name), MAX_GOLDEN)?;
            let picture = Picture::decoded(&bytes).map_err(|e| invalid(format!("golden {name}: {e}")))?;
            let (logit, _) = match model.logit(&picture.pixels(), picture.orientation) {
                Ok(scored) => scored,
                Err(NoScore::NotAssessed(why) | NoScore::Failed(why)) => {
                    return Err(invalid(format!("golden {name}: {why}")));
                }
            };
            let given = match model.sidecar.output.kind {
                Kind::Logit => logit,
                Kind::Prob | Kind::Softmax2 => 1.0 / (1.0 + (-logit).exp()),
            };
            // Written so that no number at all is refused, too.
            let close = (given - expected).abs() <= golden.tolerance;
            if !close {
                return Err(invalid(format!(
                    "golden {name}: score {given:.6} where {expected:.6} is expected"
                )));
            }
        }
        Ok(model)
    }

    /// Pooled logit towards `positive`, and the number of windows.
    fn logit(&self, pixels: &Pixels<'_>, orientation: u8) -> Result<(f64, usize), NoScore> {
        let windows = prepare(&self.sidecar.input, pixels, orientation).map_err(NoScore::NotAssessed)?;
        let started = Instant::now();
        let mut logits = Vec::new();
        for window in &windows {
            if started.elapsed() > PER_PICTURE {
                return Err(NoScore::Failed("the model takes too long".to_owned()));
            }
            logits.push(self.detector.logit(window).map_err(NoScore::Failed)?);
        }
        let tiles = match self.sidecar.input.steps.last() {
            Some(Step::Tiles(TilesStep { tiles })) => Some(tiles),
            _ => None,
        };
        logits.sort_by(|a, b| b.total_cmp(a));
        let taken = match tiles.map(|t| t.pool) {
            Some(Pool::Max) => 1,
            Some(Pool::Topk) => tiles.map_or(1, |t| t.k as usize),
            Some(Pool::Mean) | None => logits.len(),
        };
        let taken = &logits[..taken.clamp(1, logits.len().max(1)).min(logits.len())];
        if taken.is_empty() {
            return Err(NoScore::NotAssessed("no window".to_owned()));
        }
        Ok((taken.iter().sum::<f64>() / taken.len() as f64, logits.len()))
    }

    fn examine(&self, pixels: Option<&Pixels<'_>>, orientation: u8, reading: &mut Reading) {
        let Sidecar { name, sha256, license, .. } = &self.sidecar;
        let examiner = format!("model:{name}");
        let Some(pixels) = pixels else {
            let why = "the pixels could not be read".to_owned();
            return reading.check(&examiner, CheckState::NotApplicable, Some(why));
        };
        let (logit, windows) = match self.logit(pixels, orientation) {
            Ok(scored) => scored,
            Err(NoScore::NotAssessed(why)) => {
                return reading.check(
                    &examiner,
                    CheckState::NotApplicable,
                    Some(format!("not assessed: {why}")),
                );
            }
            Err(NoScore::Failed(why)) => return reading.check(&examiner, CheckState::Failed, Some(why)),
        };
        reading.check(&examiner, CheckState::Applied, None);
        let score = if self.sidecar.output.positive == Positive::Ai { logit } else { -logit };
        let digest: String = sha256.to_ascii_lowercase().chars().take(12).collect();
        let parts = if windows == 1 { String::new() } else { format!(" over {windows} tiles") };
        let calibrated = if self.sidecar.calibration.file.is_empty() {
            "not calibrated: by itself it says nothing"
        } else {
            "what it is worth is for its calibration to say"
        };
        let what = format!(
            "the user's model {name} (sha256 {digest}…, licence {license}) gives the logit {score:.3}{parts}, higher \
             towards generated; {calibrated}"
        );
        let location =
            Location { offset: None, field: "pixels".to_owned(), raw: Some(format!("{score:.6}")) };
        reading.find(&examiner, "model.score", what, vec![location], Vec::new());
        reading.score(&examiner, score);
    }
}
