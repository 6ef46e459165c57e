//! Signals: kinds of fingerprint and their values. Wire names are HMA's.

use serde::{Deserialize, Serialize};

use crate::hex;

/// A kind of fingerprint. *Source:* python-threatexchange `signal_type/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignalType {
    /// 256-bit perceptual hash of a picture, full-size reference.
    Pdq,
    /// MD5 of the exact bytes.
    Md5,
    /// SHA-1 of the exact bytes.
    Sha1,
    /// SHA-256 of the exact bytes.
    Sha256,
    /// MD5 of the exact bytes of a video (HMA's name; matched like [`SignalType::Md5`]).
    VideoMd5,
    /// 144-byte PhotoDNA value computed by someone else. Kept and passed on; never computed here.
    Photodna,
}

impl SignalType {
    /// Every kind, in wire-name order of declaration.
    pub const ALL: [Self; 6] =
        [Self::Pdq, Self::Md5, Self::Sha1, Self::Sha256, Self::VideoMd5, Self::Photodna];

    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdq => "pdq",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::VideoMd5 => "video_md5",
            Self::Photodna => "photodna",
        }
    }

    /// Size of a value in bytes.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::Pdq | Self::Sha256 => 32,
            Self::Md5 | Self::VideoMd5 => 16,
            Self::Sha1 => 20,
            Self::Photodna => 144,
        }
    }

    /// Whether a match is equality of exact bytes.
    pub fn is_digest(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1 | Self::Sha256 | Self::VideoMd5)
    }
}

impl std::fmt::Display for SignalType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for SignalType {
    type Err = SignalError;

    /// Accepts the wire name in any case, with `-` for `_`.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let name = text.trim().to_ascii_lowercase().replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| SignalError::UnknownType(text.chars().take(40).collect()))
    }
}

/// Why a text is no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// No such signal type.
    #[error("unknown signal type {0:?}; known: pdq, md5, sha1, sha256, video_md5, photodna")]
    UnknownType(String),
    /// The value has not the shape of its type.
    #[error("not a {kind} value: expected {expected} hexadecimal digits, found {found} characters")]
    Malformed {
        /// The type asked for.
        kind: SignalType,
        /// Digits a value of this type has.
        expected: usize,
        /// Characters found.
        found: usize,
    },
}

/// One fingerprint: its kind and its bytes (in the reading order of the hexadecimal text).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal {
    kind: SignalType,
    value: Box<[u8]>,
}

impl Signal {
    /// A signal of `value.len() == kind.size_bytes()` bytes; `None` for another length.
    pub fn from_bytes(kind: SignalType, value: &[u8]) -> Option<Self> {
        (value.len() == kind.size_bytes()).then(|| Self { kind, value: value.into() })
    }

    /// Parses hexadecimal text (any case, spaces round it ignored); PhotoDNA also as base64.
    ///
    /// # Errors
    /// [`SignalError::Malformed`] when the text has not the shape of its type.
    pub fn parse(kind: SignalType, text: &str) -> Result<Self, SignalError> {
        let text = text.trim();
        let malformed =
            || SignalError::Malformed { kind, expected: kind.size_bytes() * 2, found: text.chars().count() };
        let value: Box<[u8]> = match kind {
            SignalType::Pdq | SignalType::Sha256 => Box::new(hex::decode::<32>(text).ok_or_else(malformed)?),
            SignalType::Md5 | SignalType::VideoMd5 => Box::new(hex::decode::<16>(text).ok_or_else(malformed)?),
            SignalType::Sha1 => Box::new(hex::decode::<20>(text).ok_or_else(malformed)?),
            SignalType::Photodna => photodna(text).ok_or_else(malformed)?,
        };
        Ok(Self { kind, value })
    }

    /// Its kind.
    pub fn kind(&self) -> SignalType {
        self.kind
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// Its bytes as an array; `None` when the size differs.
    pub fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.value.as_ref().try_into().ok()
    }

    /// Lower-case hexadecimal text of the value.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.value)
    }
}

fn photodna(text: &str) -> Option<Box<[u8]>> {
    use base64::Engine;
    if let Some(bytes) = hex::decode::<144>(text) {
        return Some(Box::new(bytes));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    (bytes.len() == 144).then(|| bytes.into())
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.to_hex())
    }
}

impl std::str::FromStr for Signal {
    type Err = SignalError;

    /// Parses `TYPE:VALUE`.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let (kind, value) = text
            .split_once(':')
            .ok_or_else(|| SignalError::UnknownType(text.chars().take(40).collect()))?;
        Self::parse(kind.parse()?, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_parsed_by_its_named_type_only() {
        let text = "ab".repeat(32);
        assert_eq!(format!("pdq:{text}").parse::<Signal>().unwrap().kind(), SignalType::Pdq);
        assert_eq!(format!("SHA256:{}", text.to_uppercase()).parse::<Signal>().unwrap().to_hex(), text);
        assert!(matches!(text.parse::<Signal>(), Err(SignalError::UnknownType(_))));
        assert!(matches!(format!("md5:{text}").parse::<Signal>(), Err(SignalError::Malformed { .. })));
    }

    #[test]
    fn precomputed_photodna_is_read_as_hexadecimal_or_base64() {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD.encode([7u8; 144]);
        let a = Signal::parse(SignalType::Photodna, &base64).unwrap();
        let b = Signal::parse(SignalType::Photodna, &"07".repeat(144)).unwrap();
        assert_eq!(a, b);
    }
}
