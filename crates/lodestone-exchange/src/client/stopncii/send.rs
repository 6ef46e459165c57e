//! What goes back to StopNCII: feedback on its hashes, and hashes of a platform's own.
//!
//! Enumerations are sent by their bare names: the reference client sends `StopNCIISignalType.ImagePDQ`.

use lodestone_types::{Signal, SignalType};
use serde_json::json;

use super::super::address::Base;
use super::super::retry::ask;
use super::super::vote::{Says, Vote};
use super::super::{ClientError, Request, Settings, Transport};
use super::{ENVIRONMENTS, keyed};

/// A hash of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// A PDQ, the MD5 of a video, a text or a URL.
    pub signal: Signal,
    /// Our tags.
    pub tags: Vec<String>,
}

/// Submits hashes of our own, as blocked by us. Needs the credential `submit_function_key`.
///
/// # Errors
/// [`ClientError`]; [`ClientError::Settings`] for a kind of signal that StopNCII does not take.
pub fn submit(
    settings: &Settings,
    net: &mut dyn Transport,
    hashes: &[Submission],
) -> Result<(), ClientError> {
    let now_s = net.now_s();
    let mut records = Vec::new();
    for Submission { signal, tags } in hashes {
        let kind = match signal.kind() {
            SignalType::Pdq => "ImagePDQ",
            SignalType::VideoMd5 => "VideoMD5",
            SignalType::RawText => "Text",
            SignalType::Url => "URL",
            other => return Err(ClientError::settings(format!("StopNCII takes no {other}"))),
        };
        records.push(json!({
            "lastModtimestamp": now_s, "signalType": kind, "hashValue": signal.to_text(),
            "CSPFeedbacks": [{ "tags": tags, "feedbackValue": "Blocked" }],
        }));
    }
    let body = json!({ "count": records.len(), "hashRecords": records });
    let base = settings.base(&ENVIRONMENTS)?;
    let request = post(settings, &base, "SubmitHashes", "submit_function_key", &body)?;
    ask(net, &settings.rules, &request, |_, _| Ok(()))
}

fn post(
    settings: &Settings,
    base: &Base,
    function: &str,
    key: &str,
    body: &serde_json::Value,
) -> Result<Request, ClientError> {
    let url = base.join(&format!("/{function}"));
    keyed(settings, Request::post(url, "application/json", body.to_string().into_bytes()), key)
}

/// Feedback on the hashes of an entry. Needs the credential `feedback_function_key`.
pub(in super::super) fn vote_request(
    settings: &Settings,
    vote: &Vote<'_>,
) -> Result<Vec<Request>, ClientError> {
    let kinds = vote.kinds()?;
    let value = match vote.says {
        Says::Confirm => "Blocked",
        Says::Dispute => "NotBlocked",
    };
    let feedbacks: Vec<_> = vote
        .entry
        .signals
        .iter()
        .filter(|signal| kinds.contains(&signal.kind()))
        .map(|signal| json!({ "tags": vote.tags, "feedbackValue": value, "hashValue": signal.to_text() }))
        .collect();
    let body = json!({ "count": feedbacks.len(), "hashFeedbacks": feedbacks });
    let base = settings.base(&ENVIRONMENTS)?;
    Ok(vec![post(settings, &base, "SubmitFeedback", "feedback_function_key", &body)?])
}
