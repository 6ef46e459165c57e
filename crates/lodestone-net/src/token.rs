//! Keys of the interface: what a client sends as `Authorization: Bearer …`.
//!
//! ```text
//! lds_ 3f9a0c1e7b2d _ 64 hexadecimal digits  8 hexadecimal digits
//!      │              │                      └ CRC-32 of all before it
//!      │              └ the secret: 32 random bytes
//!      └ the id: names the key in lists and logs, no secret
//! ```
//!
//! The checksum tells a slip of copying from a key that is not known (and lets scanners for leaked keys be sure); it
//! protects nothing. Of a key only its id and the SHA-256 of its text are kept. A plain digest is enough, since nobody
//! guesses 256 random bits.

use std::fmt;

use ring::digest;
use ring::rand::SecureRandom;

use crate::{Secret, hex};

/// What every key begins with.
pub const PREFIX: &str = "lds_";

const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// Hexadecimal digits of the checksum.
const CHECK_DIGITS: usize = 8;
/// Length of the whole text.
const TEXT_BYTES: usize = PREFIX.len() + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES + CHECK_DIGITS;

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not have the form of a key.
    #[error("this is no key of this server; one begins with {PREFIX} and is {TEXT_BYTES} characters long")]
    NotAToken,
    /// It has the form, and a character is wrong.
    #[error("this key was not copied correctly: its checksum is wrong")]
    Typo,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A key as the client has it. `Debug` shows its id only.
#[derive(Clone)]
pub struct Token {
    id: String,
    text: Secret,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

impl Token {
    /// A new key. Its text is shown once, to the person who asked for it, and not kept.
    ///
    /// # Errors
    /// [`TokenError::NoRandomness`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, TokenError> {
        let mut bytes = [0; ID_BYTES + SECRET_BYTES];
        random.fill(&mut bytes).map_err(|_| TokenError::NoRandomness)?;
        let (id, secret) = bytes.split_at(ID_BYTES);
        let id = hex::encode(id);
        let body = format!("{PREFIX}{id}_{}", hex::encode(secret));
        let check = crc32(body.as_bytes());
        bytes.fill(0);
        Ok(Self { id, text: Secret::from(format!("{body}{check:08x}")) })
    }

    /// Reads a key. Blanks around it do not matter; letters are small.
    ///
    /// # Errors
    /// [`TokenError::NotAToken`], [`TokenError::Typo`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let rest =
            text.strip_prefix(PREFIX).filter(|_| text.len() == TEXT_BYTES).ok_or(TokenError::NotAToken)?;
        let (id, secret) = rest.split_once('_').ok_or(TokenError::NotAToken)?;
        if id.len() != 2 * ID_BYTES || !id.bytes().chain(secret.bytes()).all(is_digit) {
            return Err(TokenError::NotAToken);
        }
        // All ASCII by now.
        let (body, check) = text.split_at(TEXT_BYTES - CHECK_DIGITS);
        if format!("{:08x}", crc32(body.as_bytes())) != check {
            return Err(TokenError::Typo);
        }
        Ok(Self { id: id.to_owned(), text: Secret::new(text) })
    }

    /// What names the key: 12 hexadecimal digits. Two keys may in theory have the same; the store refuses the second.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &Secret {
        &self.text
    }

    /// What is kept of the key.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, self.text.expose()).as_ref());
        TokenDigest(bytes)
    }
}

/// SHA-256 of a key's text. There is no `==`: whoever compares uses [`TokenDigest::matches`].
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}

impl TokenDigest {
    /// The digest as kept in the store.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// True when the key is the one that this is the digest of. Takes the same time whichever byte differs.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        let given = token.digest();
        let difference =
            self.0.iter().zip(given.0).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
        difference == 0
    }
}

/// CRC-32 as in zip and PNG (polynomial 0xEDB88320), bit by bit: keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;

    fn token() -> (Token, String) {
        let token = Token::generate(&SystemRandom::new()).expect("random");
        let text = token.reveal().expose_str().expect("text").to_owned();
        (token, text)
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_key_is_read_back_and_matches_its_own_digest_only() {
        let (token, text) = token();
        assert_eq!(text.len(), TEXT_BYTES);
        let read = Token::parse(&format!(" {text}\n")).expect("a key");
        assert_eq!(read.id(), token.id());
        let kept = TokenDigest::from_bytes(*token.digest().as_bytes());
        assert!(kept.matches(&read));
        let (stranger, _) = self::token();
        assert!(!kept.matches(&stranger));
        let mut last_bit = *kept.as_bytes();
        last_bit[31] ^= 1;
        assert!(!TokenDigest::from_bytes(last_bit).matches(&read));
        let shown = format!("{read:?} {:?}", read.digest());
        assert!(!shown.contains(&text[20..40]), "{shown}");
    }

    #[test]
    fn what_is_kept_is_the_sha256_of_the_text() {
        let text = format!("lds_000000000000_{}", "0".repeat(64));
        let text = format!("{text}{:08x}", crc32(text.as_bytes()));
        let digest = Token::parse(&text).expect("a key").digest();
        assert_eq!(digest.as_bytes(), digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    }

    #[test]
    fn a_slip_of_copying_is_told_from_another_text() {
        let (_, text) = token();
        for at in 0..text.len() {
            let mut slip = text.clone().into_bytes();
            slip[at] = if slip[at] == b'0' { b'1' } else { b'0' };
            let slip = String::from_utf8(slip).expect("ASCII");
            let error = Token::parse(&slip).expect_err("a slip");
            let is_form = at < PREFIX.len() || at == PREFIX.len() + 2 * ID_BYTES;
            assert_eq!(error, if is_form { TokenError::NotAToken } else { TokenError::Typo }, "{at}");
        }
        for other in ["", "lds_", &text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase()] {
            assert_eq!(Token::parse(other).map(|_| ()), Err(TokenError::NotAToken), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_a_key_panic(text in "(lds_)?\\PC{0,90}", digits in "lds_[0-9a-f]{12}_[0-9a-f]{72}") {
            prop_assert!(Token::parse(&text).is_err());
            let _ = Token::parse(&digits);
        }
    }
}
