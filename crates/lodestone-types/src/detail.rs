//! What a picture holds beside its whole: regions, local features, and the small grey copy they were made from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Box2, Milli, hex};

/// A rectangle of a picture that may hold another picture, and its hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionPrint {
    /// Left edge, in pixels of the small grey copy.
    pub x: Milli,
    /// Upper edge.
    pub y: Milli,
    /// Width.
    pub width: Milli,
    /// Height.
    pub height: Milli,
    /// What proposed it: `border`, `gutter`, `edges`, `grid` …
    pub proposal: String,
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// Its hash as it is, or in all eight symmetries in the order of [`crate::Dihedral::ALL`].
    #[serde(with = "hex::arrays")]
    pub pdq: Vec<[u8; 32]>,
    /// The same pattern stands elsewhere in the picture too: a tiling matches by accident.
    #[serde(default, skip_serializing_if = "crate::placement::is_default")]
    pub repeated: bool,
}

/// The regions of a picture's first frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regions {
    /// Width of the small grey copy, in its pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// At most 60, best first.
    pub prints: Vec<RegionPrint>,
}

/// Bytes that travel as base64 text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(
    /// The bytes.
    pub Vec<u8>,
);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A small grey copy of a picture's first frame: no picture for people, and never kept. Regions and transforms are made
/// exact with it, once somebody knows with what to compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Grey values, row after row.
    pub luma: Blob,
}

/// One vector of a user's descriptor, and of what it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedPart {
    /// Where in the picture, in pixels as stored; `None`: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Box2>,
    /// Left and right were changed before.
    #[serde(default, skip_serializing_if = "crate::placement::is_default")]
    pub mirrored: bool,
    /// A factor (`f32`, little-endian), then a signed byte for each dimension. *See* `docs/formats/descriptors.md`.
    pub vector: Blob,
}

/// What a user's descriptor makes of a picture's first frame; never kept with scans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptors {
    /// Which model with which preparation of pictures: a SHA-256, hexadecimal. Others compare with nothing of this one.
    pub model: String,
    /// The whole picture first, where it could be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<DescribedPart>,
    /// Why some that should be there are not: never to be taken for "no match".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_travel_as_base64_and_other_text_is_refused() {
        let json = serde_json::to_string(&Blob(vec![0, 255, 7])).unwrap();
        assert_eq!(json, r#""AP8H""#);
        assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), Blob(vec![0, 255, 7]));
        assert!(serde_json::from_str::<Blob>(r#""?""#).is_err());
    }
}
