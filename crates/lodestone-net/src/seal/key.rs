//! A key: 32 bytes from a file or a variable, and the short id that sealed secrets name it by.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::aead::{CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use ring::digest;
use ring::rand::SecureRandom;

use super::SealError;
use crate::{Secret, hex};

/// Length of a key, in bytes.
const KEY_BYTES: usize = 32;

/// Length of a key's id, in bytes.
pub(super) const KEY_ID_BYTES: usize = 8;

/// Longest key file, in bytes: a key, a line end and some blanks.
const MAX_FILE_BYTES: u64 = 4096;

/// What tells keys apart: the first 8 bytes of SHA-256 over `lodestone seal key id`, a zero byte and the key. It says
/// nothing of the key itself and may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// Reads 16 hexadecimal digits, small letters as written by `Display`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return None;
        }
        hex::decode(text)?.try_into().ok().map(Self)
    }

    /// The id as its 8 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; KEY_ID_BYTES] {
        self.0
    }

    /// The id that is these 8 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// A key to seal and open with. `Debug` shows its id only.
pub struct SealKey {
    id: KeyId,
    bytes: Secret,
    cipher: LessSafeKey,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

impl SealKey {
    /// Reads the text of a key: 64 hexadecimal digits, or the base64 of 32 bytes in either alphabet, with or without
    /// padding; blanks around it do not matter. `source_name` (`"--key-file"`, `"LODESTONE_KEY"`) is for the error.
    ///
    /// # Errors
    /// [`SealError::BadKey`], which never quotes the text.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, SealError> {
        let bad = |reason| SealError::BadKey { source_name: source_name.to_owned(), reason };
        let text = text.trim();
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let bare = text.strip_suffix('=').unwrap_or(text);
        let bytes = match text.len() {
            64 => hex::decode(text)
                .ok_or_else(|| bad("it has 64 characters that are not all hexadecimal digits"))?,
            _ => STANDARD_NO_PAD
                .decode(bare)
                .or_else(|_| URL_SAFE_NO_PAD.decode(bare))
                .map_err(|_| bad("it is neither hexadecimal nor base64"))?,
        };
        if bytes.len() != KEY_BYTES {
            return Err(bad("it is not 32 bytes long"));
        }
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(bad("it is one byte repeated, a placeholder"));
        }
        Self::of_bytes(Secret::new(bytes)).ok_or_else(|| bad("it is not 32 bytes long"))
    }

    /// Reads a key file. On Unix nobody but its owner and its group may read it, and nobody but its owner change it.
    ///
    /// # Errors
    /// [`SealError::KeyFile`], [`SealError::KeyFileMode`], [`SealError::BadKey`].
    pub fn from_file(path: &Path) -> Result<Self, SealError> {
        let name = path.display().to_string();
        let failed = |reason: String| SealError::KeyFile { path: name.clone(), reason };
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        // Asked of the open file, not of the path, which may be another one by now.
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        if !metadata.is_file() {
            return Err(failed("it is not a file".to_owned()));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = metadata.permissions().mode() & 0o7777;
            if mode & 0o027 != 0 {
                return Err(SealError::KeyFileMode { path: name, mode });
            }
        }
        let mut text = String::new();
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(failed("it is too long for a key".to_owned()));
        }
        let text = Secret::from(text);
        Self::parse(&format!("the key file {name}"), text.expose_str().unwrap_or_default())
    }

    /// A new key.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, SealError> {
        let mut bytes = [0; KEY_BYTES];
        random.fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
        Self::of_bytes(Secret::new(bytes)).ok_or(SealError::NoRandomness)
    }

    fn of_bytes(bytes: Secret) -> Option<Self> {
        let cipher = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, bytes.expose()).ok()?);
        let digest = digest::digest(&digest::SHA256, &[b"lodestone seal key id\0", bytes.expose()].concat());
        let id = KeyId(digest.as_ref().first_chunk().copied()?);
        Some(Self { id, bytes, cipher })
    }

    /// What sealed secrets name it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key as 64 hexadecimal digits, for writing a key file.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::from(hex::encode(self.bytes.expose()))
    }

    pub(super) fn cipher(&self) -> &LessSafeKey {
        &self.cipher
    }
}
