//! Ed25519 keys with a name, in the text forms of Go's `sumdb/note`.
//!
//! *Source:* C2SP `signed-note`, section "Ed25519 signatures"; golang.org/x/mod/sumdb/note, "Generating Keys".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::TlogError;
use crate::tree::sha256;

/// The signature type of Ed25519, which stands before the key in every text form.
const ED25519_TYPE: u8 = 1;
/// Longest text of a key that is read.
const MAX_TEXT_BYTES: usize = 4096;

/// A private key: signs notes and checkpoints. Its name is also the origin of the log that it signs.
pub struct SigningKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

/// Shows the public half only.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Draws a new key from the system's randomness. Names are best URLs without a scheme, such as
    /// `example.org/lodestone/audit`; nothing needs to answer there.
    ///
    /// # Errors
    /// [`TlogError::Key`] where the name is empty or has white space, control characters or a plus, and where the system
    /// has no randomness.
    pub fn generate(name: &str) -> Result<Self, TlogError> {
        let mut seed = [0; 32];
        if SystemRandom::new().fill(&mut seed).is_err() {
            return Err(TlogError::key("the system gave no random numbers for a new key"));
        }
        Self::from_seed(name, seed)
    }

    /// The key of a 32-byte seed (the private key of RFC 8032).
    ///
    /// # Errors
    /// [`TlogError::Key`] where the name cannot be one.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, TlogError> {
        let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&seed) else {
            return Err(TlogError::key("the key's seed was not accepted"));
        };
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let verifier = VerifierKey::new(name, public)?;
        Ok(Self { seed, pair, verifier })
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64>`.
    ///
    /// # Errors
    /// [`TlogError::Key`] where it is anything else, or where the id is not this key's.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        let Some(rest) = text.strip_prefix("PRIVATE+KEY+") else {
            return Err(TlogError::key("a private key begins with PRIVATE+KEY+"));
        };
        let (name, id, seed) = fields(rest)?;
        let key = Self::from_seed(name, seed)?;
        if key.verifier.id != id {
            return Err(TlogError::key(format!("the private key of {name} does not match the id in it")));
        }
        Ok(key)
    }

    /// The private key as text: `PRIVATE+KEY+<name>+<id>+<base64 of 0x01 and the seed>`. A secret.
    #[must_use]
    pub fn to_private_text(&self) -> String {
        format!("PRIVATE+KEY+{}", text(&self.verifier.name, self.verifier.id, &self.seed))
    }

    /// The public half, to be given to everyone who is to verify.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a message: 64 bytes. The same message always gives the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// A public key: verifies what a [`SigningKey`] signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl VerifierKey {
    /// The key of this name with these 32 bytes (RFC 8032).
    ///
    /// # Errors
    /// [`TlogError::Key`] where the name cannot be one.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, TlogError> {
        if !is_name(name) || name.chars().any(char::is_control) {
            return Err(TlogError::key(
                "a key's name is not empty and has no white space, control character or plus",
            ));
        }
        let digest = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], &public]);
        let id = [digest[0], digest[1], digest[2], digest[3]];
        Ok(Self { name: name.to_owned(), id, public })
    }

    /// Reads `<name>+<id>+<base64>`.
    ///
    /// # Errors
    /// [`TlogError::Key`] where it is anything else, of another type than Ed25519, or where the id is not this key's.
    pub fn parse(text: &str) -> Result<Self, TlogError> {
        if text.starts_with("PRIVATE+KEY+") {
            return Err(TlogError::key("this is a private key; a verifier key is wanted"));
        }
        let (name, id, public) = fields(text)?;
        let key = Self::new(name, public)?;
        if key.id != id {
            return Err(TlogError::key(format!("the verifier key of {name} does not match the id in it")));
        }
        Ok(key)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id: the first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether `signature` is this key's signature of the message.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

/// The text form: `<name>+<id>+<base64 of 0x01 and the public key>`.
impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text(&self.name, self.id, &self.public))
    }
}

/// Whether a signature line can have this name: not empty, no white space as Unicode has it, no plus.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+')
}

fn text(name: &str, id: [u8; 4], key: &[u8; 32]) -> String {
    let mut typed = vec![ED25519_TYPE];
    typed.extend_from_slice(key);
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode(typed))
}

/// Name, id and key of a text form. Messages never quote the text, which may be a private key in the wrong place.
fn fields(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), TlogError> {
    let malformed = || TlogError::key("a key is <name>+<id as 8 hexadecimal digits>+<base64>");
    if text.len() > MAX_TEXT_BYTES {
        return Err(malformed());
    }
    let (name, rest) = text.split_once('+').ok_or_else(malformed)?;
    let (id, encoded) = rest.split_once('+').ok_or_else(malformed)?;
    if id.len() != 8 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| malformed())?.to_be_bytes();
    let typed = STANDARD.decode(encoded).map_err(|_| malformed())?;
    match typed.split_first() {
        Some((&ED25519_TYPE, key)) => Ok((name, id, key.try_into().map_err(|_| malformed())?)),
        Some(_) => Err(TlogError::key("the key is not of the type Ed25519 (1)")),
        None => Err(malformed()),
    }
}
