//! Trust lists: whose signature counts, by list. Data with a date and a digest, read once; an operator replaces a list
//! by a file of the same name, and any other PEM file is a list of their own. See docs/trust-lists.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lodestone_types::{Trust, TrustListVersion};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, Pem, X509Certificate};

use crate::kit::KitError;

/// Bytes of one list file. 8 MiB: the largest public list has 140 kB.
const MAX_FILE: u64 = 8 << 20;
/// Files looked at in an operator's folder.
const MAX_FILES: usize = 64;

const BUILT_IN: [(&str, &str); 4] = [
    ("C2PA-TRUST-LIST.pem", include_str!("../../trust/C2PA-TRUST-LIST.pem")),
    ("C2PA-TSA-TRUST-LIST.pem", include_str!("../../trust/C2PA-TSA-TRUST-LIST.pem")),
    ("interim-anchors.pem", include_str!("../../trust/interim-anchors.pem")),
    ("interim-tsa.pem", include_str!("../../trust/interim-tsa.pem")),
];
const BUILT_IN_INDEX: &str = include_str!("../../trust/lists.toml");

/// What a list's certificates are for. An anchor serves one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Use {
    /// Anchors that vouch for signers.
    Signers,
    /// Anchors that vouch for timestamp authorities.
    Timestamps,
    /// Single signers, by certificate.
    Allowed,
    /// Certificates that no longer count.
    Revoked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[allow(dead_code)]
    version: u32,
    #[serde(default)]
    list: Vec<Entry>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    list: Trust,
    r#use: Use,
    name: String,
    date: Option<String>,
    #[allow(dead_code)]
    source: Option<String>,
}

/// One certificate that may vouch for others.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    /// Its subject, DER: compared with the issuer of what it should vouch for.
    pub(super) subject: Vec<u8>,
    /// As a PEM block.
    pub(super) pem: String,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) list: Trust,
    pub(super) purpose: Use,
    pub(super) anchors: Vec<Anchor>,
    /// SHA-256 of the certificates' DER bytes, and of digests listed as such.
    pub(super) digests: BTreeSet<[u8; 32]>,
    version: TrustListVersion,
    certificates: usize,
}

/// Whom to trust as a signer or as a timestamp authority, by list.
#[derive(Default)]
pub(crate) struct TrustLists {
    pub(super) lists: Vec<List>,
    pub(super) engine: super::read::Engine,
}

impl TrustLists {
    /// The lists of `trust/`, in this build.
    pub(crate) fn built_in() -> Self {
        let index: Index = toml::from_str(BUILT_IN_INDEX).expect("the built-in index is tested");
        let lists = index
            .list
            .iter()
            .filter_map(|entry| {
                let (_, text) = BUILT_IN.iter().find(|(name, _)| *name == entry.file)?;
                List::parse(entry, text).ok()
            })
            .collect();
        Self::of(lists)
    }

    /// The built-in lists, each replaced by the folder's file of the same name; other PEM files as the operator's.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, is too large, or holds something that is no certificate.
    pub(crate) fn load(folder: &Path) -> Result<Self, KitError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| KitError::Io { path, source }
        };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !matches!(extension, "pem" | "crt" | "txt" | "toml") || files.len() >= MAX_FILES {
                continue;
            }
            let size = std::fs::metadata(&path).map_err(io(&path))?.len();
            if size > MAX_FILE {
                return Err(KitError::Invalid { path, what: "larger than 8 MiB".to_owned() });
            }
            files.insert(name.to_owned(), std::fs::read_to_string(&path).map_err(io(&path))?);
        }
        let invalid = |name: &str, what: String| KitError::Invalid { path: folder.join(name), what };

        let mut entries: Vec<Entry> =
            toml::from_str::<Index>(BUILT_IN_INDEX).expect("the built-in index is tested").list;
        let own: Vec<Entry> = match files.remove("lists.toml") {
            Some(text) => {
                toml::from_str::<Index>(&text).map_err(|e| invalid("lists.toml", e.to_string()))?.list
            }
            None => Vec::new(),
        };
        let mut lists = Vec::new();
        for entry in &mut entries {
            let text = match files.remove(&entry.file) {
                Some(text) => {
                    // Another copy has another date: its own index tells it, or it is not known.
                    entry.date = None;
                    if let Some(own) = own.iter().find(|own| own.file == entry.file) {
                        *entry = own.clone();
                    }
                    text
                }
                None => {
                    let built_in = BUILT_IN.iter().find(|(name, _)| *name == entry.file);
                    built_in.map_or(String::new(), |(_, text)| (*text).to_owned())
                }
            };
            lists.push(List::parse(entry, &text).map_err(|what| invalid(&entry.file, what))?);
        }
        for (name, text) in files {
            let named = own.iter().find(|own| own.file == name).cloned();
            let extension = Path::new(&name).extension().and_then(|e| e.to_str());
            if named.is_none() && !matches!(extension, Some("pem" | "crt")) && !name.starts_with("revoked") {
                continue;
            }
            let entry = named.unwrap_or_else(|| by_name(&name));
            lists.push(List::parse(&entry, &text).map_err(|what| invalid(&name, what))?);
        }
        Ok(Self::of(lists))
    }

    fn of(lists: Vec<List>) -> Self {
        let anchors: Vec<&str> = lists
            .iter()
            .filter(|list| list.purpose == Use::Timestamps)
            .flat_map(|list| &list.anchors)
            .map(|anchor| anchor.pem.as_str())
            .collect();
        let engine = super::read::Engine::new(&anchors.concat());
        Self { lists, engine }
    }

    /// One line a list.
    pub(crate) fn describe(&self) -> Vec<String> {
        let date =
            |version: &TrustListVersion| version.date.clone().unwrap_or_else(|| "date not told".into());
        self.lists
            .iter()
            .map(|list| {
                let version = &list.version;
                let (name, date, digest) = (&version.name, date(version), &version.sha256);
                format!("trust list {name} ({date}, {} entries), sha256 {digest}", list.certificates)
            })
            .collect()
    }

    /// Which lists are in use.
    pub(super) fn versions(&self) -> Vec<TrustListVersion> {
        self.lists.iter().map(|list| list.version.clone()).collect()
    }
}

/// What a file is for that no index names.
fn by_name(name: &str) -> Entry {
    let lower = name.to_ascii_lowercase();
    let purpose = if lower.starts_with("revoked") {
        Use::Revoked
    } else if lower.contains("tsa") || lower.contains("timestamp") {
        Use::Timestamps
    } else {
        Use::Signers
    };
    let list = if lower.starts_with("interim") { Trust::Interim } else { Trust::Operator };
    let purpose = if lower.starts_with("interim-allowed") { Use::Allowed } else { purpose };
    Entry { file: name.to_owned(), list, r#use: purpose, name: name.to_owned(), date: None, source: None }
}

impl List {
    fn parse(entry: &Entry, text: &str) -> Result<Self, String> {
        let mut anchors = Vec::new();
        let mut digests = BTreeSet::new();
        for (n, block) in Pem::iter_from_buffer(text.as_bytes()).enumerate() {
            let number = n + 1;
            let block = block.map_err(|e| format!("block {number} is no PEM: {e}"))?;
            let (_, certificate) = X509Certificate::from_der(&block.contents)
                .map_err(|e| format!("block {number} is no certificate: {e}"))?;
            let digest: [u8; 32] = Sha256::digest(&block.contents).into();
            digests.insert(digest);
            if certificate.is_ca() {
                let subject = certificate.subject().as_raw().to_vec();
                anchors.push(Anchor { subject, pem: armour(&block.contents) });
            }
        }
        let certificates = digests.len();
        // Digests on lines of their own, as in the interim list's `allowed.sha256.txt`.
        let mut within = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("-----") {
                within = line.starts_with("-----BEGIN");
            } else if !within {
                digests.extend(digest_line(line));
            }
        }
        let certificates = certificates.max(digests.len());
        if certificates == 0 && text.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            return Err("holds neither a certificate nor a digest".to_owned());
        }
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        let version =
            TrustListVersion { list: entry.list, name: entry.name.clone(), date: entry.date.clone(), sha256 };
        Ok(Self { list: entry.list, purpose: entry.r#use, anchors, digests, version, certificates })
    }
}

/// A SHA-256 as 64 hexadecimal digits or as base64.
fn digest_line(line: &str) -> Option<[u8; 32]> {
    let bytes = match line.len() {
        64 => (0..64)
            .step_by(2)
            .map(|i| u8::from_str_radix(line.get(i..i + 2)?, 16).ok())
            .collect::<Option<Vec<_>>>()?,
        44 => unbase64(line)?,
        _ => return None,
    };
    bytes.try_into().ok()
}

fn unbase64(line: &str) -> Option<Vec<u8>> {
    let mut bits = 0u32;
    let mut have = 0u32;
    let mut out = Vec::new();
    for c in line.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 0xff) as u8);
        }
    }
    Some(out)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// DER as a PEM block: what the validating library takes.
fn armour(der: &[u8]) -> String {
    let mut body = String::new();
    for (n, part) in der.chunks(3).enumerate() {
        let byte = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let symbol = BASE64.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'A');
            body.push(if i <= part.len() { char::from(symbol) } else { '=' });
        }
        if n % 16 == 15 {
            body.push('\n');
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", body.trim_end())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_list_is_read_whole_and_dated() {
        let index: Index = toml::from_str(BUILT_IN_INDEX).expect("parses");
        assert_eq!(index.list.len(), BUILT_IN.len());
        for (entry, (_, text)) in index.list.iter().zip(BUILT_IN) {
            let list = List::parse(entry, text).expect("parses");
            let blocks = text.matches("-----BEGIN CERTIFICATE-----").count();
            assert_eq!(list.anchors.len(), blocks, "{}: every certificate may vouch", entry.file);
            assert!(entry.date.is_some() && entry.source.is_some());
        }
        assert_eq!(TrustLists::built_in().describe().len(), BUILT_IN.len());
    }

    #[test]
    fn armour_gives_back_what_the_pem_reader_read() {
        for der in [&b"a"[..], b"ab", b"abc", &[0xff; 100]] {
            let pem = armour(der);
            let block = Pem::iter_from_buffer(pem.as_bytes()).next().expect("a block").expect("parses");
            assert_eq!(block.contents, der);
        }
    }

    #[test]
    fn digests_are_read_as_hexadecimal_and_as_base64() {
        assert_eq!(digest_line(&"0f".repeat(32)), Some([0x0f; 32]));
        assert_eq!(digest_line("Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8="), Some([0x0f; 32]));
        assert_eq!(digest_line("no digest"), None);
    }
}
