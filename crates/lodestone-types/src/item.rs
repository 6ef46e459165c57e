//! The questioned item: one file, known by what its bytes are.

use serde::{Deserialize, Serialize};

use crate::hex;

/// SHA-256 of an item's exact bytes: its identity, whatever its name. *Source:* SWGDE "questioned item".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentId(#[serde(with = "hex::array")] pub [u8; 32]);

impl std::fmt::Debug for ContentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::fmt::Display for ContentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Cryptographic digests of an item's bytes, made in one pass over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// MD5: what most lists of old hold.
    #[serde(with = "hex::array")]
    pub md5: [u8; 16],
    /// SHA-1: NSRL, VICS, Arachnid.
    #[serde(with = "hex::array")]
    pub sha1: [u8; 20],
    /// SHA-256: identity.
    pub sha256: ContentId,
}

/// How far reading an item had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finding it: a directory that cannot be listed, a link that leads nowhere or round in a circle.
    Walk,
    /// Reading its bytes: no permission, an I/O error, the file changed while it was read.
    Read,
    /// Telling what it is: no supported picture.
    Identify,
    /// Opening it as an archive: damaged, encrypted, too deep, too big.
    Unpack,
    /// Decoding its pixels.
    Decode,
    /// The worker process: it crashed, or ran out of time or memory.
    Worker,
    /// Matching it: what it is matched against could not be read. It was read itself, and hashed.
    Match,
}

/// Why an item, or its picture, could not be read. A result to count and show, never "no match".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// How far reading had come.
    pub stage: Stage,
    /// A stable word for programs: `unsupported`, `malformed`, `truncated`, `too_many_pixels`, `too_many_bytes`,
    /// `too_deep`, `too_many_members`, `encrypted`, `timeout`, `memory`, `crash`, `permission`, `loop`, `io`,
    /// `empty`, `changed`, `look_up`, `not_started`, `quarantined`, `stopped`.
    pub reason: String,
    /// A sentence for people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Unreadable {
    /// An unreadable result with a sentence for people.
    pub fn new(stage: Stage, reason: &str, detail: impl Into<String>) -> Self {
        Self { stage, reason: reason.to_owned(), detail: detail.into() }
    }
}
