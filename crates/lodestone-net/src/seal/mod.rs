//! Secrets kept encrypted: credentials of exchanges, signing secrets of webhooks.
//!
//! ChaCha20-Poly1305 under a key that does not lie in the database. A sealed secret is one line of text:
//!
//! ```text
//! v1 . 5f0c…  . AAECAw…
//! │    │        └ base64 (URL alphabet, no padding) of: nonce, 12 bytes · ciphertext · tag, 16 bytes
//! │    └ id of the key: 16 hexadecimal digits
//! └ version of the format
//! ```
//!
//! Where there are many, and long ones (local features of known pictures), the same stands as bytes, a quarter shorter:
//!
//! ```text
//! offset   bytes   what
//! 0        1       version of the format: 1
//! 1        8       id of the key
//! 9        12      nonce
//! 21       n       ciphertext
//! 21 + n   16      tag
//! ```
//!
//! The *purpose* (`"exchange-credentials:ncmec"`) is authenticated with it and not stored, so that a line copied into
//! another row does not open there. The key's id makes the two mishaps of operating distinguishable from damage: no key
//! at hand, and another key at hand. A nonce is 96 random bits: keys are good for 2^32 secrets, far more than there are.
//!
//! To change keys: give the new key for sealing and keep the old one for opening ([`KeyRing::new`]), call
//! [`KeyRing::reseal`] on every row, then drop the old key.

mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, NONCE_LEN, Nonce};
use ring::rand::SecureRandom;

use crate::Secret;
use key::KEY_ID_BYTES;
pub use key::{KeyId, SealKey};

/// Longest secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Length of the tag that authenticates a secret, in bytes.
const TAG_BYTES: usize = 16;

/// Version of the format of bytes.
const BYTES_VERSION: u8 = 1;

/// Bytes that sealing as bytes adds to a secret.
pub const SEALED_OVERHEAD: usize = 1 + KEY_ID_BYTES + NONCE_LEN + TAG_BYTES;

/// What can go wrong, split by what the operator can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The text given as a key is none.
    #[error("{source_name}: {reason}; a key is 32 bytes, written as 64 hexadecimal digits or as base64")]
    BadKey {
        /// Where the text came from: a file or a variable.
        source_name: String,
        /// What is wrong with it; never a part of it.
        reason: &'static str,
    },
    /// The key file cannot be read.
    #[error("the key file {path} cannot be read: {reason}")]
    KeyFile {
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The key file may be read or changed by others.
    #[error(
        "the key file {path} has mode {mode:04o}: others can read it or change it; set it to 0600 (chmod 600)"
    )]
    KeyFileMode {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// There is a sealed secret and no key at all.
    #[error("this secret is sealed with key {needed}, and no key is configured")]
    KeyMissing {
        /// The key that opens it.
        needed: KeyId,
    },
    /// There are keys, and none is the one.
    #[error("this secret is sealed with key {sealed_by}, and the keys configured are {}", list(have))]
    WrongKey {
        /// The key that opens it.
        sealed_by: KeyId,
        /// The keys at hand, the sealing one first.
        have: Vec<KeyId>,
    },
    /// A secret is to be kept, and there is no key to seal it with.
    #[error("no key is configured to seal secrets with")]
    NoKey,
    /// The key is right and the secret is not: changed, damaged, or sealed for another purpose.
    #[error("this secret, sealed with key {sealed_by}, is damaged or belongs to something else")]
    Damaged {
        /// The key it names.
        sealed_by: KeyId,
    },
    /// The text is no sealed secret.
    #[error("this is no sealed secret ({reason})")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
    /// The secret is longer than [`MAX_SECRET_BYTES`].
    #[error("a secret may be {MAX_SECRET_BYTES} bytes long")]
    TooLong,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The keys at hand: at most one to seal with, any number to open with.
#[derive(Debug, Default)]
pub struct KeyRing {
    /// The first seals, all open.
    keys: Vec<SealKey>,
}

impl KeyRing {
    /// A ring that seals with one key and opens with it and the old ones.
    #[must_use]
    pub fn new(sealing: SealKey, old: impl IntoIterator<Item = SealKey>) -> Self {
        Self { keys: std::iter::once(sealing).chain(old).collect() }
    }

    /// A ring without keys, for a server that was given none: it opens and seals nothing, and says what it needs.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The key that seals, if any.
    #[must_use]
    pub fn sealing_key(&self) -> Option<KeyId> {
        self.keys.first().map(SealKey::id)
    }

    /// Seals a secret for a purpose.
    ///
    /// # Errors
    /// [`SealError::NoKey`], [`SealError::TooLong`], [`SealError::NoRandomness`].
    pub fn seal(
        &self,
        random: &dyn SecureRandom,
        purpose: &str,
        secret: &Secret,
    ) -> Result<String, SealError> {
        let (key, body) = self.sealed_body(random, purpose, secret)?;
        Ok(format!("v1.{key}.{}", URL_SAFE_NO_PAD.encode(body)))
    }

    /// As [`KeyRing::seal`], as bytes: [`SEALED_OVERHEAD`] more than the secret has.
    ///
    /// # Errors
    /// As there.
    pub fn seal_bytes(
        &self,
        random: &dyn SecureRandom,
        purpose: &str,
        secret: &Secret,
    ) -> Result<Vec<u8>, SealError> {
        let (key, body) = self.sealed_body(random, purpose, secret)?;
        Ok([&[BYTES_VERSION][..], &key.to_bytes(), &body].concat())
    }

    /// The id of the key, and nonce, ciphertext and tag.
    fn sealed_body(
        &self,
        random: &dyn SecureRandom,
        purpose: &str,
        secret: &Secret,
    ) -> Result<(KeyId, Vec<u8>), SealError> {
        let key = self.keys.first().ok_or(SealError::NoKey)?;
        if secret.expose().len() > MAX_SECRET_BYTES {
            return Err(SealError::TooLong);
        }
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut sealed = secret.expose().to_vec();
        key.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed)
            .map_err(|_| SealError::TooLong)?;
        Ok((key.id(), [&nonce[..], &sealed].concat()))
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`SealError::KeyMissing`], [`SealError::WrongKey`], [`SealError::Damaged`], [`SealError::Malformed`].
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Secret, SealError> {
        let (sealed_by, body) = split(sealed)?;
        self.open_body(purpose, sealed_by, body)
    }

    /// As [`KeyRing::open`], of what [`KeyRing::seal_bytes`] sealed.
    ///
    /// # Errors
    /// As there.
    pub fn open_bytes(&self, purpose: &str, sealed: &[u8]) -> Result<Secret, SealError> {
        let (sealed_by, body) = split_bytes(sealed)?;
        self.open_body(purpose, sealed_by, body.to_vec())
    }

    fn open_body(&self, purpose: &str, sealed_by: KeyId, mut body: Vec<u8>) -> Result<Secret, SealError> {
        let key = self.keys.iter().find(|key| key.id() == sealed_by).ok_or_else(|| {
            if self.keys.is_empty() {
                SealError::KeyMissing { needed: sealed_by }
            } else {
                SealError::WrongKey { sealed_by, have: self.keys.iter().map(SealKey::id).collect() }
            }
        })?;
        let damaged = |_| SealError::Damaged { sealed_by };
        let (nonce, ciphertext) = body.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(damaged)?;
        let open = key.cipher().open_in_place(nonce, Aad::from(purpose), ciphertext).map_err(damaged)?;
        let secret = Secret::new(&*open);
        open.fill(0);
        Ok(secret)
    }

    /// Seals again with the key that seals now; `None` when it is sealed with that one already.
    ///
    /// # Errors
    /// Those of [`KeyRing::open`] and [`KeyRing::seal`].
    pub fn reseal(
        &self,
        random: &dyn SecureRandom,
        purpose: &str,
        sealed: &str,
    ) -> Result<Option<String>, SealError> {
        if Some(sealed_by(sealed)?) == self.sealing_key() {
            return Ok(None);
        }
        let secret = self.open(purpose, sealed)?;
        self.seal(random, purpose, &secret).map(Some)
    }
}

/// The key that a sealed secret needs, without opening it: to tell at start which keys are missing.
///
/// # Errors
/// [`SealError::Malformed`].
pub fn sealed_by(sealed: &str) -> Result<KeyId, SealError> {
    split(sealed).map(|(key, _)| key)
}

/// As [`sealed_by`], of what [`KeyRing::seal_bytes`] sealed.
///
/// # Errors
/// [`SealError::Malformed`].
pub fn bytes_sealed_by(sealed: &[u8]) -> Result<KeyId, SealError> {
    split_bytes(sealed).map(|(key, _)| key)
}

/// Takes the bytes apart, as [`split`] does the text.
fn split_bytes(sealed: &[u8]) -> Result<(KeyId, &[u8]), SealError> {
    let malformed = |reason| Err(SealError::Malformed { reason });
    if sealed.len() > MAX_SECRET_BYTES + SEALED_OVERHEAD {
        return malformed("it is too long");
    }
    let Some((&version, rest)) = sealed.split_first() else { return malformed("it is empty") };
    if version != BYTES_VERSION {
        return malformed("its version is not 1; a newer program may know it");
    }
    let Some((id, body)) = rest.split_first_chunk() else { return malformed("it has no key id") };
    if body.len() < NONCE_LEN + TAG_BYTES {
        return malformed("it is too short");
    }
    Ok((KeyId::from_bytes(*id), body))
}

/// Takes the text apart: the key's id, and nonce with ciphertext, long enough to hold a nonce and a tag.
fn split(sealed: &str) -> Result<(KeyId, Vec<u8>), SealError> {
    let malformed = |reason| Err(SealError::Malformed { reason });
    // 4/3 for base64; the rest covers version, id and the two dots.
    if sealed.len() > (MAX_SECRET_BYTES + NONCE_LEN + TAG_BYTES) / 3 * 4 + 32 {
        return malformed("it is too long");
    }
    let Some((version, rest)) = sealed.split_once('.') else { return malformed("it has no version") };
    if version != "v1" {
        return malformed("its version is not v1; a newer program may know it");
    }
    let Some((id, body)) = rest.split_once('.') else { return malformed("it has no key id") };
    let Some(id) = KeyId::parse(id) else { return malformed("its key id is not 16 hexadecimal digits") };
    let Ok(body) = URL_SAFE_NO_PAD.decode(body) else { return malformed("it is not base64") };
    if body.len() < NONCE_LEN + TAG_BYTES {
        return malformed("it is too short");
    }
    Ok((id, body))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
