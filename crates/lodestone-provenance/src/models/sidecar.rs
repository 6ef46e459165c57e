//! `model.toml`: what a model is and how a picture is prepared for it. Every field must be there and none may be
//! unknown: a guess about preprocessing is a wrong score. `docs/models.md` describes it.

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sidecar {
    /// `[A-Za-z0-9._-]`, up to 64; the score is `model:NAME`.
    pub(crate) name: String,
    /// The ONNX file, in the sidecar's own folder.
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) license: String,
    pub(crate) source: String,
    pub(crate) opset: i64,
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) calibration: Calibration,
    pub(crate) golden: Golden,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) dtype: Dtype,
    pub(crate) color: Color,
    pub(crate) exif_orientation: bool,
    /// `white`, `black`, `gray` or `#rrggbb`.
    pub(crate) alpha: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) scale: f32,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
    pub(crate) min_side: u32,
    pub(crate) never_upscale: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Layout {
    #[serde(rename = "NCHW")]
    Nchw,
    #[serde(rename = "NHWC")]
    Nhwc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dtype {
    F32,
    U8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Color {
    Rgb,
    Bgr,
}

/// One step, told by its first key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Shortest(Shortest),
    Exact(Exact),
    Crop(Crop),
    Tiles(TilesStep),
}

/// The shorter side to this length, the longer in proportion, rounded down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shortest {
    pub(crate) resize_shortest: u32,
    pub(crate) filter: Filter,
    pub(crate) antialias: bool,
}

/// To height, width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exact {
    pub(crate) resize_exact: [u32; 2],
    pub(crate) filter: Filter,
    pub(crate) antialias: bool,
}

/// The middle height, width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crop {
    pub(crate) center_crop: [u32; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TilesStep {
    pub(crate) tiles: Tiles,
}

/// Windows of height, width at every stride, the last ones at the edge; scores pooled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tiles {
    pub(crate) size: [u32; 2],
    pub(crate) stride: [u32; 2],
    pub(crate) pool: Pool,
    /// Of `topk`: the mean of this many highest; otherwise 0.
    pub(crate) k: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pool {
    Mean,
    Max,
    Topk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Filter {
    Nearest,
    Bilinear,
    Bicubic,
    Lanczos,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What a high score means.
    pub(crate) positive: Positive,
    pub(crate) index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Logit,
    Prob,
    /// Two logits, of which softmax would make probabilities.
    Softmax2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Positive {
    Ai,
    Camera,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calibration {
    /// A calibration table in the sidecar's folder; empty: none, and the score is told as not calibrated.
    pub(crate) file: String,
    /// SHA-256 of it, hexadecimal; the one field that may be left out.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Golden {
    pub(crate) files: Vec<String>,
    /// In the output's own kind, the logit or the probability of `index`, pooled over tiles.
    pub(crate) scores: Vec<f64>,
    pub(crate) tolerance: f64,
}

impl Sidecar {
    /// Parses and checks what can be checked without the model.
    ///
    /// # Errors
    /// In words, what is missing, unknown or cannot be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let sidecar: Self = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        sidecar.check()?;
        Ok(sidecar)
    }

    fn check(&self) -> Result<(), String> {
        let refuse = |bad: bool, what: &str| if bad { Err(what.to_owned()) } else { Ok(()) };
        refuse(!is_name(&self.name), "name: 1 to 64 of letters, digits, '.', '_', '-'")?;
        for digest in [&self.sha256].into_iter().chain(&self.calibration.sha256) {
            refuse(!is_sha256(digest), "sha256: 64 hexadecimal digits")?;
        }
        let pins_nothing = self.calibration.sha256.is_some() && self.calibration.file.is_empty();
        refuse(pins_nothing, "calibration: sha256 without a file")?;
        refuse(self.license.trim().is_empty(), "license is empty")?;
        refuse(self.source.trim().is_empty(), "source is empty")?;
        let files = self.golden.files.iter().chain([&self.file]);
        let calibration = (!self.calibration.file.is_empty()).then_some(&self.calibration.file);
        for file in files.chain(calibration) {
            refuse(!plain_name(file), "files are named without folders: they stand beside the sidecar")?;
        }
        self.input.check()?;
        let softmax = self.output.kind == Kind::Softmax2 && self.output.index > 1;
        refuse(softmax, "index: 0 or 1 of softmax2")?;
        let golden = &self.golden;
        refuse(golden.files.is_empty(), "golden: at least one file")?;
        refuse(golden.files.len() > 32, "golden: at most 32 files")?;
        refuse(golden.files.len() != golden.scores.len(), "golden: as many scores as files")?;
        refuse(golden.scores.iter().any(|s| !s.is_finite()), "golden: scores must be numbers")?;
        let tolerance = golden.tolerance > 0.0 && golden.tolerance <= 1.0;
        refuse(!tolerance, "golden: tolerance above 0, at most 1")
    }
}

impl Input {
    /// Checks what can be checked without the model.
    ///
    /// # Errors
    /// In words, what cannot be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let refuse = |bad: bool, what: &str| if bad { Err(what.to_owned()) } else { Ok(()) };
        refuse(self.alpha().is_none(), "alpha: white, black, gray or #rrggbb")?;
        let numbers = self.mean.iter().chain(&self.std).chain([&self.scale]);
        refuse(numbers.into_iter().any(|n| !n.is_finite()), "scale, mean and std must be numbers")?;
        refuse(self.scale <= 0.0 || self.std.iter().any(|s| *s <= 0.0), "scale and std must be above 0")?;
        let plain = self.scale == 1.0 && self.mean == [0.0; 3] && self.std == [1.0; 3];
        refuse(self.dtype == Dtype::U8 && !plain, "u8 takes pixels as they are: scale 1, mean 0, std 1")?;
        refuse(
            self.size().is_none(),
            "steps must end in resize_exact, center_crop or tiles, sides 1 to 4096",
        )?;
        for (i, step) in self.steps.iter().enumerate() {
            let tiles_last = !matches!(step, Step::Tiles(_)) || i + 1 == self.steps.len();
            refuse(!tiles_last, "tiles must be the last step")?;
            if let Step::Shortest(Shortest { resize_shortest: side, .. }) = step {
                refuse(!(1..=4096).contains(side), "resize_shortest: 1 to 4096")?;
            }
            if let Some((filter, antialias)) = step.filter() {
                refuse(filter == Filter::Nearest && antialias, "nearest has no antialias")?;
                refuse(filter == Filter::Lanczos && !antialias, "lanczos is defined with antialias only")?;
            }
            if let Step::Tiles(TilesStep { tiles }) = step {
                refuse(tiles.stride.contains(&0), "stride must be above 0")?;
                let k = (tiles.pool == Pool::Topk) == (tiles.k > 0);
                refuse(!k, "k: above 0 for topk, else 0")?;
            }
        }
        refuse(self.steps.len() > 8, "more than 8 steps")
    }

    /// The colour under transparent pixels.
    pub(crate) fn alpha(&self) -> Option<[u8; 3]> {
        match self.alpha.as_str() {
            "white" => Some([255; 3]),
            "black" => Some([0; 3]),
            "gray" => Some([128; 3]),
            other => {
                let digits = other.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
                let number = u32::from_str_radix(digits, 16).ok()?;
                let [_, r, g, b] = number.to_be_bytes();
                Some([r, g, b])
            }
        }
    }

    /// Height and width of what the model is given.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        let size = match self.steps.last()? {
            Step::Shortest(_) => return None,
            Step::Exact(step) => step.resize_exact,
            Step::Crop(step) => step.center_crop,
            Step::Tiles(step) => step.tiles.size,
        };
        let fits = size.iter().all(|side| (1..=4096).contains(side));
        let every = self.steps.iter().all(|step| match step {
            Step::Exact(step) => step.resize_exact.iter().all(|side| (1..=4096).contains(side)),
            _ => true,
        });
        (fits && every).then(|| size.map(|side| side as usize))
    }
}

impl Step {
    fn filter(&self) -> Option<(Filter, bool)> {
        match self {
            Self::Shortest(step) => Some((step.filter, step.antialias)),
            Self::Exact(step) => Some((step.filter, step.antialias)),
            Self::Crop(_) | Self::Tiles(_) => None,
        }
    }
}

/// What a model may be called.
pub(super) fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.len() <= 64 && text.chars().all(word)
}

/// 64 hexadecimal digits.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A file name, and no way out of the folder.
pub(super) fn plain_name(name: &str) -> bool {
    let path = std::path::Path::new(name);
    path.file_name().is_some_and(|f| f == path.as_os_str()) && !name.contains(['/', '\\', '\0'])
}
