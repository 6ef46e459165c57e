//! The validating library, held so that it never asks anybody anything and its panics end here.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use c2pa::crypto::cose::CertificateTrustPolicy;
use c2pa::http::http::{Request, Response};
use c2pa::http::{HttpResolverError, SyncHttpResolver};
use c2pa::{Context, Error, Reader};
use lodestone_media::Format;
use serde_json::json;

/// Megabytes that a compressed manifest store may inflate to. 32: real stores stay below 2.
const MAX_INFLATED_MB: u32 = 32;
/// Characters of an error message that are kept.
const MAX_MESSAGE: usize = 160;

/// Answers every request with a refusal, should the library ever make one.
struct Nobody;

impl SyncHttpResolver for Nobody {
    fn http_resolve(
        &self,
        _request: Request<Vec<u8>>,
    ) -> Result<Response<Box<dyn std::io::Read>>, HttpResolverError> {
        Err(HttpResolverError::SyncHttpResolverNotImplemented)
    }
}

/// The library's settings, made once.
pub(crate) struct Engine {
    validating: Arc<Context>,
    parsing: Arc<Context>,
    /// Anchors of timestamp authorities.
    pub(super) timestamps: CertificateTrustPolicy,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new("")
    }
}

/// What came of reading.
pub(super) enum Outcome {
    /// There are no credentials.
    Nothing,
    /// The file names an address where its credentials would be.
    RemoteOnly,
    /// There are some, and they could not be parsed.
    Unreadable(String),
    /// Parsed, but the checks could not be finished, for this reason.
    Unchecked(Box<Reader>, String),
    /// Parsed and checked.
    Checked(Box<Reader>),
}

impl Engine {
    /// `anchors`: PEM of timestamp authorities' anchors.
    pub(super) fn new(anchors: &str) -> Self {
        let mut timestamps = CertificateTrustPolicy::new();
        // Every block was parsed before; what the library refuses is left out.
        let _ = timestamps.add_trust_anchors(anchors.as_bytes());
        Self { validating: context(anchors, true), parsing: context("", false), timestamps }
    }

    /// Reads and validates. Cost: one pass over the bytes for the hash, and the signatures.
    pub(super) fn read(&self, bytes: &[u8], hint: &str) -> Outcome {
        match attempt(&self.validating, bytes, hint) {
            Ok(reader) => Outcome::Checked(Box::new(reader)),
            Err(Failure::Nothing) => Outcome::Nothing,
            Err(Failure::Remote) => Outcome::RemoteOnly,
            Err(Failure::Other(why)) => match attempt(&self.parsing, bytes, hint) {
                Ok(reader) if reader.active_manifest().is_some() => Outcome::Unchecked(Box::new(reader), why),
                _ => Outcome::Unreadable(why),
            },
        }
    }
}

enum Failure {
    Nothing,
    Remote,
    Other(String),
}

fn attempt(context: &Arc<Context>, bytes: &[u8], hint: &str) -> Result<Reader, Failure> {
    let read = || Reader::from_shared_context(context).with_stream(hint, Cursor::new(bytes));
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(reader)) => Ok(reader),
        Ok(Err(Error::JumbfNotFound | Error::UnsupportedType)) => Err(Failure::Nothing),
        Ok(Err(Error::RemoteManifestUrl(_) | Error::RemoteManifestFetch(_))) => Err(Failure::Remote),
        Ok(Err(error)) => Err(Failure::Other(message(&error.to_string()))),
        Err(_) => Err(Failure::Other("the validating library stopped in the middle".to_owned())),
    }
}

/// Without control characters, without addresses, and short.
fn message(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.contains("://")).collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

fn context(anchors: &str, validate: bool) -> Arc<Context> {
    let mut settings = json!({
        "verify": {
            "verify_after_reading": validate,
            "verify_trust": false,
            "verify_timestamp_trust": true,
            "ocsp_fetch": false,
            "remote_manifest_fetch": false,
        },
        "core": {
            "decode_identity_assertions": false,
            "allowed_network_hosts": [],
            "max_decompressed_manifest_size_in_mb": MAX_INFLATED_MB,
        },
    });
    if !anchors.is_empty() {
        settings["trust"] = json!({ "trust_anchors": anchors });
    }
    let context = Context::new().with_settings(settings).expect("settings are the library's own, and tested");
    context.with_resolver(Nobody).into_shared()
}

/// The library's name of the container; it looks at the content first.
pub(super) fn hint(format: Option<Format>, bytes: &[u8]) -> &'static str {
    match format {
        Some(Format::Jpeg) => "image/jpeg",
        Some(Format::Png) => "image/png",
        Some(Format::Gif) => "image/gif",
        Some(Format::WebP) => "image/webp",
        Some(Format::Tiff) => "image/tiff",
        Some(Format::Raw) => "image/x-adobe-dng",
        Some(Format::Jxl) => "image/jxl",
        Some(Format::Heif) => "image/heic",
        Some(Format::Avif) => "image/avif",
        _ => match bytes {
            [_, _, _, _, b'f', b't', b'y', b'p', b'q', b't', ..] => "video/quicktime",
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', ..] => "video/avi",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', ..] => "audio/wav",
            [b'I', b'D', b'3', ..] => "audio/mpeg",
            _ => "image/svg+xml",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_address_and_no_control_characters() {
        assert_eq!(message("could not fetch https://a.example/x\u{7} now"), "could not fetch now");
        assert_eq!(message(&"x".repeat(1000)).len(), MAX_MESSAGE);
    }

    #[test]
    fn settings_are_as_written() {
        let engine = Engine::default();
        let settings = engine.validating.settings();
        assert!(settings.verify.verify_after_reading && !settings.verify.remote_manifest_fetch);
        assert!(!settings.verify.ocsp_fetch && !settings.core.decode_identity_assertions);
        assert_eq!(settings.core.allowed_network_hosts.as_ref().map(Vec::len), Some(0));
        assert!(!engine.parsing.settings().verify.verify_after_reading);
    }
}
