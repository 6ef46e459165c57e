//! What an observation is asked for. It travels to the worker, and names what gave a result.

use lodestone_media::Limits;
use lodestone_provenance::{BASIS, Wish};
use serde::{Deserialize, Serialize};

use crate::kit::KitFiles;

/// Version of what `observe` says. Kept observations of another version are made again.
pub const OBSERVATION_VERSION: u32 = 3;

/// Before the PDQ filter: nothing, or what the C++ tool does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pre {
    /// Full size: what HMA, python-threatexchange and most exchanged hashes use.
    #[default]
    #[serde(rename = "full")]
    FullSize,
    /// Nearest-neighbour reduction to 512 × 512, as the C++ tool does from files.
    #[serde(rename = "512nn")]
    Nearest512,
}

/// What is made of parts of a picture's first frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Hashes of regions that may hold another picture: layer 2.
    #[serde(default)]
    pub regions: bool,
    /// Local features: layer 3.
    #[serde(default)]
    pub features: bool,
    /// Features as they are kept of a known picture: fewer, of the whole only.
    #[serde(default)]
    pub known: bool,
    /// The small grey copy itself, so that what matches can be made exact.
    #[serde(default)]
    pub detail: bool,
    /// Vectors of the user's descriptor, which the kit has to bring: layer 4.
    #[serde(default)]
    pub descriptor: bool,
}

impl Parts {
    /// Whether nothing is wanted.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Address space for each pixel that is examined: the picture itself and several planes of numbers made from it.
const BYTES_A_PIXEL: u64 = 48;

/// What an observation is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObserveOptions {
    /// Before the filter.
    pub pre: Pre,
    /// Hash JPEG from a scaled luma decode where the picture is large enough: a screen, flagged wherever it appears.
    pub folded: bool,
    /// Composites of transparent pictures on white and on black as extra forms.
    pub composites: bool,
    /// Read metadata and structure for findings.
    pub provenance: bool,
    /// Which checks are wanted beyond metadata and structure.
    pub wish: Wish,
    /// The operator's own trust lists, structures and models.
    pub kit: KitFiles,
    /// Read the text that stands beside a file under its name.
    pub sidecars: bool,
    /// Most pixels of a first frame that the examiners of pixels are given.
    pub max_examined_pixels: u64,
    /// What is wanted of parts of the picture, beside its whole.
    #[serde(default, skip_serializing_if = "Parts::is_none")]
    pub parts: Parts,
    /// Walk archives.
    pub archives: bool,
    /// Make a small picture: `drawing`, `blur`, `grey` or `full`.
    pub thumbnail: Option<String>,
    /// Bytes of one file held in memory for decoding.
    pub max_bytes: u64,
    /// Pixels of one frame.
    pub max_pixels: u64,
    /// Frames hashed of one animation.
    pub max_frames: u32,
    /// Bytes a decoder may allocate for one picture.
    pub max_memory: u64,
    /// Archives within archives.
    pub max_depth: u32,
    /// Members of one outer archive.
    pub max_members: u64,
    /// Bytes unpacked from one outer archive.
    pub max_unpacked: u64,
}

impl Default for ObserveOptions {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            pre: Pre::default(),
            folded: false,
            composites: true,
            provenance: true,
            wish: Wish::WITHOUT_PIXELS,
            kit: KitFiles::default(),
            sidecars: false,
            // 64 MP: twice a large camera's picture; held in 200 to 256 MB, and gone over several times.
            max_examined_pixels: 64_000_000,
            parts: Parts::default(),
            archives: true,
            thumbnail: None,
            max_bytes: limits.max_bytes,
            max_pixels: limits.max_pixels,
            max_frames: limits.max_frames,
            max_memory: limits.max_memory,
            max_depth: limits.max_depth,
            max_members: limits.max_members,
            max_unpacked: limits.max_unpacked,
        }
    }
}

impl ObserveOptions {
    /// The limits a decoder gets.
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.max_bytes,
            max_pixels: self.max_pixels,
            max_frames: self.max_frames,
            max_memory: self.max_memory,
            max_depth: self.max_depth,
            max_members: self.max_members,
            max_unpacked: self.max_unpacked,
            ..Limits::default()
        }
    }

    /// Whether the examiners are given pixels.
    pub fn needs_pixels(&self) -> bool {
        self.provenance && self.wish.needs_pixels()
    }

    /// Whether the first frame's pixels are held as a whole: for the examiners, or for the user's descriptor.
    pub(crate) fn holds_frame(&self) -> bool {
        self.needs_pixels() || self.parts.descriptor
    }

    /// Whether a scaled decode may stand for the picture: not where all pixels are needed anyway.
    pub(crate) fn may_fold(&self) -> bool {
        self.folded && self.thumbnail.is_none() && !self.needs_pixels() && self.parts.is_none()
    }

    /// Address space a worker needs: the file, a nested archive's member, the decoder, the program itself; for the
    /// examiners of pixels some planes of the picture; for models what they bring.
    pub fn worker_memory_bytes(&self) -> u64 {
        let plain =
            self.max_bytes.saturating_mul(2).saturating_add(self.max_memory).saturating_add(512 << 20);
        let planes =
            if self.holds_frame() { self.max_examined_pixels.saturating_mul(BYTES_A_PIXEL) } else { 0 };
        let models = if self.kit.has_models() { 4 << 30 } else { 0 };
        plain.saturating_add(planes).saturating_add(models)
    }

    /// Names what gave an observation: kept observations are used again only under the same words.
    pub fn fingerprint(&self) -> String {
        // Thumbnails and maps are not kept, and change nothing else that is, except that they need all pixels.
        let kept = Self {
            folded: self.may_fold(),
            thumbnail: None,
            wish: Wish { maps: false, ..self.wish },
            // Neither is the grey copy, nor are local features and descriptors.
            parts: Parts { features: false, detail: false, descriptor: false, ..self.parts },
            kit: self.kit.digests_only(),
            ..self.clone()
        };
        let options = serde_json::to_string(&kept).unwrap_or_default();
        // Another build may read other formats.
        let heif = if cfg!(feature = "heif") { " heif" } else { "" };
        let avif = if cfg!(feature = "avif") { " avif" } else { "" };
        let c2pa = if cfg!(feature = "credentials") { " c2pa" } else { "" };
        let built = format!("{}{heif}{avif}{c2pa}", env!("CARGO_PKG_VERSION"));
        format!("observation/{OBSERVATION_VERSION} {BASIS} {built} {options}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_changes_what_is_kept_only_where_it_turns_folding_off() {
        let plain = ObserveOptions::default();
        let shown = ObserveOptions { thumbnail: Some("grey".into()), ..plain.clone() };
        assert_eq!(plain.fingerprint(), shown.fingerprint());
        let folded = ObserveOptions { folded: true, ..plain.clone() };
        assert_ne!(plain.fingerprint(), folded.fingerprint());
        let both = ObserveOptions { folded: true, ..shown };
        assert_eq!(both.fingerprint(), plain.fingerprint());
        let full = ObserveOptions { wish: Wish::FULL, ..plain.clone() };
        assert_ne!(plain.fingerprint(), full.fingerprint());
        let drawn = ObserveOptions { wish: Wish { maps: true, ..Wish::FULL }, ..plain.clone() };
        assert_eq!(full.fingerprint(), drawn.fingerprint());
        assert_ne!(plain.fingerprint(), ObserveOptions { max_depth: 1, ..plain.clone() }.fingerprint());
    }
}
