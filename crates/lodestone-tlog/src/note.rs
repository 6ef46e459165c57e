//! Signed notes: text, an empty line, and a line for each signature.
//!
//! *Source:* C2SP `signed-note`. Beyond it: at most 100 signatures (as in Go's `sumdb/note`), and base64 in its one
//! canonical form, so that no byte of a verified signature line can change unseen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::is_name;
use crate::{SigningKey, TlogError, VerifierKey};

/// Largest note that is read.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signatures of a note that is read.
pub const MAX_SIGNATURES: usize = 100;

/// A note whose signatures have not been checked. Its text must not be believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed: ends in a newline.
    pub text: String,
    /// The signatures, of keys known and unknown.
    pub signatures: Vec<Signature>,
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: [u8; 4],
    /// The signature itself; 64 bytes for Ed25519, other lengths for types that this program does not know.
    pub bytes: Vec<u8>,
}

impl Note {
    /// Signs a text with each key.
    ///
    /// # Errors
    /// [`TlogError::Note`] where the text has control characters other than newlines or does not end in one.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<Self, TlogError> {
        if !text.ends_with('\n') || text.bytes().any(is_forbidden) {
            return Err(TlogError::note(
                "a text to be signed ends in a newline and has no other control characters",
            ));
        }
        let signatures = keys
            .iter()
            .map(|key| Signature {
                name: key.verifier().name().to_owned(),
                id: key.verifier().id(),
                bytes: key.sign(text.as_bytes()),
            })
            .collect();
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`TlogError::Note`] where it is none, too large, or has more than [`MAX_SIGNATURES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(TlogError::note("the note is larger than 1 MiB"));
        }
        let Ok(note) = std::str::from_utf8(bytes) else {
            return Err(TlogError::note("the note is not UTF-8"));
        };
        if note.bytes().any(is_forbidden) {
            return Err(TlogError::note("the note has control characters"));
        }
        let Some((text, lines)) = note.rsplit_once("\n\n") else {
            return Err(TlogError::note("the note has no empty line before its signatures"));
        };
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(TlogError::note("the note has no signature, or does not end in a newline"));
        };
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(TlogError::note(format!("the note has more than {MAX_SIGNATURES} signatures")));
            }
            signatures.push(signature(line)?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The keys among `known` whose signature the note carries, each once.
    ///
    /// # Errors
    /// [`TlogError::Note`] where a signature in the name and id of a known key is not its signature, even when others
    /// are good, and where there is none of a known key.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, TlogError> {
        let mut verified: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            for key in known.iter().filter(|key| key.name() == signature.name && key.id() == signature.id) {
                if !key.verify(self.text.as_bytes(), &signature.bytes) {
                    return Err(TlogError::note(format!("the signature of {} is wrong", key.name())));
                }
                if !verified.contains(&key) {
                    verified.push(key);
                }
            }
        }
        if verified.is_empty() {
            return Err(TlogError::note("the note is not signed by any of the keys given"));
        }
        Ok(verified)
    }
}

/// The note as it is written.
impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let mut bytes = signature.id.to_vec();
            bytes.extend_from_slice(&signature.bytes);
            writeln!(f, "\u{2014} {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

fn signature(line: &str) -> Result<Signature, TlogError> {
    let malformed = || TlogError::note("a signature line of the note is malformed");
    let (name, encoded) =
        line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or_else(malformed)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| malformed())?;
    match decoded.split_first_chunk::<4>() {
        Some((id, bytes)) if !bytes.is_empty() && is_name(name) => {
            Ok(Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
        }
        _ => Err(malformed()),
    }
}

fn is_forbidden(byte: u8) -> bool {
    byte < 0x20 && byte != b'\n'
}
