//! Signals: kinds of fingerprint and their values. Wire names are HMA's.

use serde::{Deserialize, Serialize};

use crate::{TrendQuery, hex, hma};

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
    /// 144-byte PhotoDNA value computed by someone else. Compared with such values only; never computed here.
    Photodna,
    /// A text as it was written; matched by edit distance. Opt-in, as are the three that follow.
    RawText,
    /// A web address, matched as it stands.
    Url,
    /// Words and patterns that a text must and must not hold: see [`TrendQuery`].
    TrendQuery,
    /// TLSH digest of a text, `T1` and 70 hexadecimal digits in upper case.
    TextTlsh,
}

impl SignalType {
    /// The kinds whose values are hashes of one size, in the order of declaration: what files of lists carry, what a
    /// scan makes and what the command line may name.
    pub const HASHES: [Self; 6] =
        [Self::Pdq, Self::Md5, Self::Sha1, Self::Sha256, Self::VideoMd5, Self::Photodna];

    /// Every kind, in the order of declaration: first [`SignalType::HASHES`], then those of text.
    pub const ALL: [Self; 10] = [
        Self::Pdq,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::VideoMd5,
        Self::Photodna,
        Self::RawText,
        Self::Url,
        Self::TrendQuery,
        Self::TextTlsh,
    ];

    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdq => "pdq",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::VideoMd5 => "video_md5",
            Self::Photodna => "photodna",
            Self::RawText => "raw_text",
            Self::Url => "url",
            Self::TrendQuery => "trend_query",
            Self::TextTlsh => "text_tlsh",
        }
    }

    /// The kind of exactly this wire name, of all kinds; `None` for another text.
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Size of every value in bytes; `None` for the kinds of text, whose values differ in size.
    pub fn size_bytes(self) -> Option<usize> {
        match self {
            Self::Pdq | Self::Sha256 => Some(32),
            Self::Md5 | Self::VideoMd5 => Some(16),
            Self::Sha1 => Some(20),
            Self::Photodna => Some(144),
            Self::RawText | Self::Url | Self::TrendQuery | Self::TextTlsh => None,
        }
    }

    /// Whether values are UTF-8 text, of at most [`MAX_TEXT_BYTES`].
    pub fn is_text(self) -> bool {
        self.size_bytes().is_none()
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

    /// Accepts the wire name of one of [`SignalType::HASHES`] in any case, with `-` for `_`. The kinds of text have
    /// [`SignalType::from_wire`]: lists and the command line do not take them, since nothing there would match them.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let name = text.trim().to_ascii_lowercase().replace('-', "_");
        Self::HASHES
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
    #[error("not a {kind} value: expected {expected} hexadecimal digits{}, found {found} characters", or_base64(*kind))]
    Malformed {
        /// The type asked for.
        kind: SignalType,
        /// Digits a value of this type has.
        expected: usize,
        /// Characters found.
        found: usize,
    },
    /// The text is no value of its type.
    #[error("not a {kind} value: {reason}")]
    Text {
        /// The type asked for.
        kind: SignalType,
        /// What is wrong with it.
        reason: String,
    },
}

/// Longest value of a kind of text: 64 KiB of UTF-8. A post fits; a book does not, and would cost every look-up.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

fn or_base64(kind: SignalType) -> &'static str {
    if kind == SignalType::Photodna { " or 192 characters of base64" } else { "" }
}

/// One fingerprint: its kind and its bytes (in the reading order of the hexadecimal text; UTF-8 for kinds of text).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal {
    kind: SignalType,
    value: Box<[u8]>,
}

impl Signal {
    /// A signal of `kind.size_bytes()` bytes, or of the canonical text of its kind; `None` for anything else.
    pub fn from_bytes(kind: SignalType, value: &[u8]) -> Option<Self> {
        match kind.size_bytes() {
            Some(size) => (value.len() == size).then(|| Self { kind, value: value.into() }),
            None => {
                let signal = Self::parse(kind, std::str::from_utf8(value).ok()?).ok()?;
                (signal.bytes() == value).then_some(signal)
            }
        }
    }

    /// Parses hexadecimal text (any case, spaces round it ignored); PhotoDNA also as base64. Values of a kind of text
    /// are taken without the spaces round them, TLSH in any case, a trend query exactly as it stands.
    ///
    /// # Errors
    /// [`SignalError::Malformed`] when the text has not the shape of its type, [`SignalError::Text`] for kinds of text.
    pub fn parse(kind: SignalType, text: &str) -> Result<Self, SignalError> {
        let Some(size) = kind.size_bytes() else {
            let value = text_value(kind, text).map_err(|reason| SignalError::Text { kind, reason })?;
            return Ok(Self { kind, value: value.into_bytes().into() });
        };
        let text = text.trim();
        let malformed = || SignalError::Malformed { kind, expected: size * 2, found: text.chars().count() };
        let value: Box<[u8]> = match kind {
            SignalType::Pdq | SignalType::Sha256 => Box::new(hex::decode::<32>(text).ok_or_else(malformed)?),
            SignalType::Md5 | SignalType::VideoMd5 => {
                Box::new(hex::decode::<16>(text).ok_or_else(malformed)?)
            }
            SignalType::Sha1 => Box::new(hex::decode::<20>(text).ok_or_else(malformed)?),
            _ => photodna(text).ok_or_else(malformed)?,
        };
        Ok(Self { kind, value })
    }

    /// Parses a text as Hasher-Matcher-Actioner does: PDQ and TLSH exactly as they are written there (PDQ in lower
    /// case), digests trimmed and in any case, texts trimmed. Differs where that lets broken values through: a line
    /// break after a value, and a text of spaces only.
    ///
    /// # Errors
    /// The words of python-threatexchange where it has some, to be put behind `invalid signal: `.
    /// *Source:* python-threatexchange `signal_type/*.py`, `validate_signal_str`.
    pub fn parse_as_hma(kind: SignalType, text: &str) -> Result<Self, String> {
        hma::parse(kind, text)
    }

    /// The value as text, as it goes over a wire: lower-case hexadecimal, or the text itself for kinds of text.
    pub fn to_text(&self) -> String {
        self.text().map_or_else(|| self.to_hex(), str::to_owned)
    }

    /// The text of a kind of text; `None` for hashes.
    pub fn text(&self) -> Option<&str> {
        self.kind.is_text().then(|| std::str::from_utf8(&self.value).ok()).flatten()
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

    /// Whether the value identifies nothing: the digest of an empty file, or a perceptual hash of zeros only.
    /// Readers of lists ignore such values, and count them. *Source:* IPED ignores the digests of empty files.
    pub fn says_nothing(&self) -> bool {
        match self.kind {
            SignalType::Md5 | SignalType::VideoMd5 => *self.value == EMPTY_MD5,
            SignalType::Sha1 => *self.value == EMPTY_SHA1,
            SignalType::Sha256 => *self.value == EMPTY_SHA256,
            SignalType::Pdq | SignalType::Photodna => self.value.iter().all(|byte| *byte == 0),
            _ => false,
        }
    }

    /// Lower-case hexadecimal text of the value's bytes. For people and wires: [`Signal::to_text`].
    pub fn to_hex(&self) -> String {
        hex::encode(&self.value)
    }
}

const EMPTY_MD5: [u8; 16] = *b"\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e";
const EMPTY_SHA1: [u8; 20] =
    *b"\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09";
const EMPTY_SHA256: [u8; 32] = *b"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\
                                  \x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";

/// The canonical value of a kind of text, or why it is none.
fn text_value(kind: SignalType, text: &str) -> Result<String, String> {
    let value = match kind {
        SignalType::TrendQuery => text.to_owned(),
        SignalType::TextTlsh => text.trim().to_ascii_uppercase(),
        _ => text.trim_matches(hma::is_space).to_owned(),
    };
    if value.is_empty() {
        return Err("it is empty".to_owned());
    }
    if value.len() > MAX_TEXT_BYTES {
        return Err(format!("it is longer than {MAX_TEXT_BYTES} bytes"));
    }
    match kind {
        SignalType::TrendQuery => TrendQuery::parse(&value).map(|_| value).map_err(|error| error.to_string()),
        SignalType::TextTlsh if !hma::is_tlsh(&value) => {
            Err("expected T1 and 70 hexadecimal digits".to_owned())
        }
        _ => Ok(value),
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
        match self.text() {
            Some(text) => write!(f, "{}:{text:?}", self.kind),
            None => write!(f, "{}:{}", self.kind, self.to_hex()),
        }
    }
}

impl std::str::FromStr for Signal {
    type Err = SignalError;

    /// Parses `TYPE:VALUE`.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let (kind, value) =
            text.split_once(':').ok_or_else(|| SignalError::UnknownType(text.chars().take(40).collect()))?;
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
    fn digests_of_an_empty_file_and_zero_hashes_say_nothing() {
        for text in [
            "md5:D41D8CD98F00B204E9800998ECF8427E",
            "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert!(text.parse::<Signal>().unwrap().says_nothing(), "{text}");
        }
        let zero = "0".repeat(64);
        assert!(format!("pdq:{zero}").parse::<Signal>().unwrap().says_nothing());
        assert!(!format!("sha256:{zero}").parse::<Signal>().unwrap().says_nothing());
    }

    #[test]
    fn kinds_of_text_have_no_size_and_keep_their_text() {
        assert_eq!(SignalType::ALL[..6], SignalType::HASHES);
        assert!(SignalType::HASHES.iter().all(|kind| !kind.is_text()));
        assert!(SignalType::ALL[6..].iter().all(|kind| kind.is_text()));
        for kind in SignalType::ALL {
            assert_eq!(SignalType::from_wire(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let text = Signal::parse(SignalType::RawText, "  Où est-ce ? \n").unwrap();
        assert_eq!(text.to_text(), "Où est-ce ?");
        assert_eq!(Signal::from_bytes(SignalType::RawText, text.bytes()), Some(text));
        assert_eq!(Signal::from_bytes(SignalType::RawText, b" a"), None);
        assert_eq!(Signal::from_bytes(SignalType::RawText, b"\xff"), None);
        assert_eq!(Signal::parse(SignalType::Pdq, &"AB".repeat(32)).unwrap().to_text(), "ab".repeat(32));
    }

    #[test]
    fn kinds_of_text_are_not_named_in_lists() {
        for name in ["raw_text", "url", "trend_query", "text_tlsh"] {
            assert!(name.parse::<SignalType>().is_err(), "{name}");
        }
    }

    #[test]
    fn texts_longer_than_the_limit_and_empty_ones_are_refused() {
        assert!(Signal::parse(SignalType::Url, &"a".repeat(MAX_TEXT_BYTES)).is_ok());
        assert!(Signal::parse(SignalType::Url, &"a".repeat(MAX_TEXT_BYTES + 1)).is_err());
        for kind in &SignalType::ALL[6..] {
            assert!(Signal::parse(*kind, " ").is_err(), "{kind}");
        }
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
