//! Content Credentials (C2PA) in five separate facts, never one state. *Source:* C2PA Specification 2.x, "Validation".

use serde::{Deserialize, Serialize};

/// Whether something signed holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// It was checked and holds.
    Ok,
    /// It was checked and does not hold: evidence of a change.
    Broken,
    /// It could not be checked: unknown algorithm, part missing, not asked for.
    #[default]
    NotCheckable,
}

/// On whose list the signer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The C2PA trust list.
    Official,
    /// The interim list, frozen on 1 January 2026.
    Interim,
    /// The operator's own list.
    Operator,
    /// No list in use here.
    #[default]
    None,
    /// The signing certificate was revoked, by what the file or a list says.
    Revoked,
}

/// What is known of when it was signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedTime {
    /// A timestamp by an authority on a list in use.
    Trusted,
    /// Stated by the signer or by an authority on no list, within the certificate's validity as far as known.
    #[default]
    Claimed,
    /// The certificate has expired and no trusted timestamp shows that it was valid when it signed.
    Expired,
}

/// A trust list in use, so that an answer can be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustListVersion {
    /// `official`, `interim` or `operator`.
    pub list: Trust,
    /// Its file's name or title.
    pub name: String,
    /// Its date, `YYYY-MM-DD`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// What a file's Content Credentials say. Hash, signature, trust and time are of the active manifest; source types and
/// actions of all manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// A manifest store is there and could be parsed.
    pub parsed: bool,
    /// Whether the bytes are those that were signed (`assertion.dataHash`, `boxHash`, `bmffHash`, assertions' hashes).
    pub hash: Integrity,
    /// Whether the claim signature is right.
    pub signature: Integrity,
    /// On whose list the signer stands.
    pub trust: Trust,
    /// What is known of when it was signed.
    pub time: SignedTime,
    /// digitalSourceType values of all manifests, last path segment, sorted, without repetition.
    pub source_types: Vec<String>,
    /// Manifests in the store, ingredients' included.
    pub manifests: u32,
    /// Actions of all manifests, in order of appearance, without repetition: `c2pa.created` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// The program that made the active claim, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_generator: Option<String>,
    /// Organisation of the signing certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Common name of the signing certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// Signature algorithm: `Es256`, `Ps256` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// When it was signed, as stated, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<String>,
    /// The credentials are elsewhere: the file only names an address. It is never asked.
    #[serde(default)]
    pub remote_only: bool,
    /// Spec's status codes other than success, of the active manifest and its ingredients, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Trust lists in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_lists: Vec<TrustListVersion>,
    /// Why it could not be parsed, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
