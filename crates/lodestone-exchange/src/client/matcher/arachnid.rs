//! Project Arachnid's Shield, of the Canadian Centre for Child Protection: PDQ hashes, and files where that is set up.
//! *Source:* the `arachnid-shield` crate and the Python and TypeScript SDKs, version 1 of the interface.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lodestone_types::{BankKind, Signal, SignalType};
use serde_json::{Value, json};

use super::super::address::Base;
use super::super::json::{object, short};
use super::super::retry::ask;
use super::super::{ClientError, Request, Settings, Transport};
use super::{RemoteAnswer, RemoteMatch, RemoteMatcher, in_batches};

/// The one service.
pub(super) const ENVIRONMENTS: [(&str, &str); 1] = [("production", "https://shield.projectarachnid.com")];
/// Hashes of one request; what the service allows is not published.
const BATCH: usize = 100;
/// Frames of a video that are told.
const MAX_DETAILS: usize = 1_000;

struct Arachnid {
    base: Base,
    authorization: String,
    sends_files: bool,
    settings: Settings,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn RemoteMatcher>, ClientError> {
    Ok(Box::new(Arachnid::new(settings)?))
}

impl Arachnid {
    fn new(settings: &Settings) -> Result<Self, ClientError> {
        Ok(Self {
            base: settings.base(&ENVIRONMENTS)?,
            authorization: settings.basic("username", "password")?,
            sends_files: settings.flag("send_files"),
            settings: settings.clone(),
        })
    }

    fn post(&self, path: &str, media_type: &str, body: Vec<u8>) -> Request {
        let request = Request::post(self.base.join(path), media_type, body);
        // Nothing is kept of a question: it may be asked twice.
        request.with("Authorization", self.authorization.as_str()).repeatable()
    }
}

impl RemoteMatcher for Arachnid {
    fn takes(&self) -> &'static [SignalType] {
        &[SignalType::Pdq]
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn look_up(&self, net: &mut dyn Transport, signals: &[Signal]) -> Result<Vec<RemoteAnswer>, ClientError> {
        in_batches(self.takes(), signals, BATCH, |some| {
            let hashes: Vec<String> = some.iter().map(|signal| STANDARD.encode(signal.bytes())).collect();
            let body = json!({ "hashes": hashes }).to_string().into_bytes();
            let request = self.post("/v1/pdq/", "application/json", body);
            ask(net, &self.settings.rules, &request, |_, body| {
                let answer = object(body)?;
                let scanned = answer.get("scanned_hashes").and_then(Value::as_object);
                let scanned = scanned.ok_or_else(|| "an answer without scanned_hashes".to_owned())?;
                // Asked for and found nothing is null; not in the answer is not answered.
                let one = |hash: &String| scanned.get(hash).map_or(RemoteAnswer::Unanswered, answer_of);
                Ok(hashes.iter().map(one).collect())
            })
        })
    }

    fn sends_files(&self) -> bool {
        self.sends_files
    }

    fn look_up_file(
        &self,
        net: &mut dyn Transport,
        media_type: &str,
        file: &[u8],
    ) -> Result<RemoteAnswer, ClientError> {
        if !self.sends_files {
            return Err(ClientError::settings("this exchange is not set up to send files"));
        }
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"/.+-".contains(&c);
        if !media_type.contains('/') || !media_type.bytes().all(plain) {
            return Err(ClientError::settings("no media type"));
        }
        let request = self.post("/v1/media/", media_type, file.to_vec());
        ask(net, &self.settings.rules, &request, |_, body| Ok(answer_of(&object(body)?)))
    }
}

fn answer_of(scanned: &Value) -> RemoteAnswer {
    if scanned.is_null() {
        return RemoteAnswer::Matches(Vec::new());
    }
    let classification = scanned.get("classification");
    let name = match classification.and_then(Value::as_str) {
        Some("no-known-match") => return RemoteAnswer::Matches(Vec::new()),
        Some(name) => short(name),
        None => return RemoteAnswer::Unanswered,
    };
    let is_exact = scanned.get("match_type").and_then(Value::as_str) == Some("exact");
    let details = scanned.get("near_match_details");
    let details = match details {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    let whole = RemoteMatch { kind: kind(&name), name, is_exact, ..RemoteMatch::default() };
    if details.is_empty() {
        return RemoteAnswer::Matches(vec![whole]);
    }
    let detailed = details.iter().take(MAX_DETAILS).map(|detail| {
        let name = detail.get("classification").and_then(Value::as_str).map(short);
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| whole.name.clone());
        let sha1 = detail.get("sha1_base32").and_then(Value::as_str).and_then(base32);
        let sha256 = detail.get("sha256_hex").and_then(Value::as_str);
        RemoteMatch {
            kind: kind(&name),
            name,
            distance: detail.get("distance").and_then(Value::as_u64).map(|distance| distance.to_string()),
            digests: sha1
                .and_then(|bytes| Signal::from_bytes(SignalType::Sha1, &bytes))
                .into_iter()
                .chain(sha256.and_then(|text| Signal::parse(SignalType::Sha256, text).ok()))
                .collect(),
            timestamp_s: detail.get("timestamp").and_then(Value::as_f64),
            ..whole.clone()
        }
    });
    RemoteAnswer::Matches(detailed.collect())
}

fn kind(name: &str) -> Option<BankKind> {
    match name {
        "csam" => Some(BankKind::KnownReal),
        "harmful-abusive-material" | "harmful-to-children" => Some(BankKind::RelatedNotIllegal),
        _ => None,
    }
}

/// 32 characters of base32 as the 20 bytes of a SHA-1. *Source:* RFC 4648, 6.
fn base32(text: &str) -> Option<[u8; 20]> {
    let (mut bytes, mut filled) = ([0; 20], 0);
    let (mut bits, mut count) = (0u32, 0);
    for c in text.trim().bytes() {
        let digit = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(digit)) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            *bytes.get_mut(filled)? = (bits >> count & 0xff) as u8;
            filled += 1;
        }
    }
    (filled == 20 && count == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_is_read_from_base32() {
        assert_eq!(base32("AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT"), Some(std::array::from_fn(|n| n as u8)));
        for text in [
            "",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQ",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTAA",
            "0AAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
        ] {
            assert_eq!(base32(text), None, "{text}");
        }
    }
}
