//! An observation: everything one file says of itself, without any list.

use serde::{Deserialize, Serialize};

use crate::{Assessment, Backdrop, Blob, Descriptors, Detail, Digests, Finding, Regions, Unreadable, hex};

/// How a PDQ hash came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashMode {
    /// Bit-exact with the full-size reference, from all pixels.
    #[default]
    Exact,
    /// From a scaled luma decode with the full-size kernel folded over it: a screen, flagged wherever it appears.
    Folded,
    /// After the C++ tool's nearest-neighbour reduction to 512 × 512 (`--pre 512nn`).
    #[serde(rename = "512nn")]
    Pre512Nn,
}

/// Which pixels a fingerprint was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Form {
    /// Frame number from 0.
    #[serde(default)]
    pub frame: u32,
    /// When that frame is shown, milliseconds from the start.
    #[serde(default)]
    pub t_ms: u64,
    /// Transparency laid over this backdrop; `None`: alpha dropped, the form that exchanges share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdrop: Option<Backdrop>,
}

/// PDQ of one form of the picture, in all eight symmetries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Which pixels.
    pub form: Form,
    /// The eight hashes in the order of [`crate::Dihedral::ALL`]; 32 bytes each in reading order of their hex text.
    #[serde(with = "hex::arrays")]
    pub pdq_dihedral: Vec<[u8; 32]>,
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// How it was made.
    #[serde(default)]
    pub mode: HashMode,
}

/// What was decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Stored width in pixels (EXIF orientation not applied).
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// Frames in the file, as far as known; 1 for a still.
    pub frames: u32,
    /// EXIF orientation, 1 to 8, where the file gives one. Not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u8>,
    /// The picture is incomplete (file cut short or damaged): why. What was there has been hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// What else a reader of the hashes should know: `cmyk`, `16-bit`, `embedded preview`, frames left out …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A small picture for the report, made only when asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// `drawing`, `blur`, `grey` or `full`.
    pub mode: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// A PNG file, base64.
    pub png_base64: String,
}

/// A picture that examiners drew from a file's pixels for people to look at; never scored alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnMap {
    /// `error-level`, `noise`, `grid`, `ghost`.
    pub name: String,
    /// What it shows and what it cannot.
    pub caption: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// A PNG file, base64.
    pub png_base64: String,
}

/// Everything one file says of itself. It can be kept, and appraised again when lists change, without the picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Digests of its exact bytes; `None` only when the bytes could not be read.
    pub digests: Option<Digests>,
    /// Format by content, never by name: `jpeg`, `png`, `gif`, `webp`, `bmp`, `tiff`, `jxl`, `heif`, `avif`, `raw`,
    /// `zip`, `tar`, `gzip` …; `None` when not recognised.
    pub format: Option<String>,
    /// What was decoded, if it is a picture and decoding gave pixels.
    pub picture: Option<Picture>,
    /// Fingerprints of every form hashed; the first is the one that exchanges share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<Fingerprint>,
    /// Regions of the first frame with their hashes, only when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
    /// Local features of the first frame and of its parts, in records as `lodestone-features` writes them, only when
    /// asked for; never kept with scans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Blob>,
    /// The small grey copy, only when asked for; never kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// What a user's descriptor makes of the first frame and of parts of it, only when asked for; never kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<Descriptors>,
    /// What examiners found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What the findings say together, first reading.
    pub assessment: Option<Assessment>,
    /// Why the file, or its picture, could not be read.
    pub unreadable: Option<Unreadable>,
    /// A small picture, only when asked for; never stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
    /// Maps, only when asked for; never stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<DrawnMap>,
}

impl Observation {
    /// Whether it holds anything that shows the picture, or from which it could be drawn again.
    pub fn shows_picture(&self) -> bool {
        self.thumbnail.is_some()
            || !self.maps.is_empty()
            || self.detail.is_some()
            || !self.features.is_empty()
            || self.descriptors.is_some()
    }

    /// The same without anything that shows the picture: what may be kept.
    pub fn pictureless(&self) -> Self {
        Self {
            thumbnail: None,
            maps: Vec::new(),
            detail: None,
            features: Vec::new(),
            descriptors: None,
            ..self.clone()
        }
    }

    /// The fingerprint that exchanges share: first frame, alpha dropped.
    pub fn primary(&self) -> Option<&Fingerprint> {
        self.fingerprints.first()
    }
}
