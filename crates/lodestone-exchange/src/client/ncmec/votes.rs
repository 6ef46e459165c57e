//! Votes back to NCMEC, and who else is there: one question each.

use lodestone_types::SignalType;

use super::super::address::encode;
use super::super::json::short;
use super::super::retry::ask;
use super::super::vote::{Says, Vote};
use super::super::{ClientError, Method, Request, Settings, Transport};
use super::xml::{self, Node};
use super::{ENVIRONMENTS, authorization};

const NAMESPACE: &str = "https://hashsharing.ncmec.org/hashsharing/v2";

/// A member of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// A reason that a negative vote may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackReason {
    /// What a vote names it by.
    pub guid: String,
    /// In words.
    pub name: String,
    /// The fingerprint that it may be given for, in NCMEC's spelling.
    pub fingerprint: String,
}

/// Who we are to NCMEC: a question that changes nothing, to try credentials with.
///
/// # Errors
/// [`ClientError`].
pub fn status(settings: &Settings, net: &mut dyn Transport) -> Result<Member, ClientError> {
    let found = listed(settings, net, "/v2/status", "status", member)?;
    found.into_iter().next().ok_or_else(|| ClientError::protocol("a status without a member"))
}

/// Every member.
///
/// # Errors
/// [`ClientError`].
pub fn members(settings: &Settings, net: &mut dyn Transport) -> Result<Vec<Member>, ClientError> {
    listed(settings, net, "/v2/members", "members", member)
}

/// The reasons that a negative vote on a kind of fingerprint may give.
///
/// # Errors
/// [`ClientError`]; [`ClientError::Settings`] for a kind that NCMEC has no votes for.
pub fn reasons(
    settings: &Settings,
    net: &mut dyn Transport,
    kind: SignalType,
) -> Result<Vec<FeedbackReason>, ClientError> {
    let path = format!("/v2/feedback/{}/reasons", wire_name(kind)?);
    listed(settings, net, &path, "availableFeedbackReasons", |node| {
        let text = |name| node.attribute(name).map(short);
        Some(FeedbackReason {
            guid: text("guid").filter(|_| node.name == "reason")?,
            name: text("name").unwrap_or_default(),
            fingerprint: text("type").unwrap_or_default(),
        })
    })
}

fn member(node: &Node) -> Option<Member> {
    let id = node.attribute("id").filter(|_| node.name == "member")?.parse().ok()?;
    Some(Member { id, name: short(&node.text) })
}

fn listed<T>(
    settings: &Settings,
    net: &mut dyn Transport,
    path: &str,
    root: &str,
    read: impl Fn(&Node) -> Option<T>,
) -> Result<Vec<T>, ClientError> {
    let url = settings.base(&ENVIRONMENTS)?.join(path);
    let request = Request::get(url).with("Authorization", authorization(settings)?);
    ask(net, &settings.rules, &request, |_, body| {
        let mut found = Vec::new();
        xml::rows(body, root, 1, |_, node| found.extend(node.ok().as_ref().and_then(&read)))?;
        Ok(found)
    })
}

/// NCMEC's name of a kind of fingerprint. *Source:* python-threatexchange, `FingerprintType`.
fn wire_name(kind: SignalType) -> Result<&'static str, ClientError> {
    match kind {
        SignalType::Md5 | SignalType::VideoMd5 => Ok("MD5"),
        SignalType::Sha1 => Ok("SHA1"),
        SignalType::Pdq => Ok("PDQ"),
        SignalType::Photodna => Ok("PDNA"),
        other => Err(ClientError::settings(format!("NCMEC has no votes on {other}"))),
    }
}

/// One request for each fingerprint that the vote is about.
pub(in super::super) fn vote_request(
    settings: &Settings,
    vote: &Vote<'_>,
) -> Result<Vec<Request>, ClientError> {
    let (member, entry) = vote
        .entry
        .entry
        .split_once('-')
        .filter(|(member, entry)| member.parse::<u64>().is_ok() && !entry.is_empty())
        .ok_or_else(|| ClientError::settings("the entry is none of NCMEC's: MEMBER-ID"))?;
    let body = body(vote)?;
    let base = settings.base(&ENVIRONMENTS)?;
    let authorization = authorization(settings)?;
    vote.kinds()?
        .into_iter()
        .map(|kind| {
            let name = wire_name(kind)?;
            let path = format!("/v2/entries/{}/{}/{name}/feedback", encode(member), encode(entry));
            let request =
                Request::post(base.join(&path), "text/xml; charset=utf-8", body.clone().into_bytes());
            let request = Request { method: Method::Put, ..request };
            Ok(request.with("Authorization", authorization.as_str()).repeatable())
        })
        .collect()
}

fn body(vote: &Vote<'_>) -> Result<String, ClientError> {
    let said = match vote.says {
        Says::Confirm => "<affirmative/>".to_owned(),
        Says::Dispute if vote.reasons.is_empty() => {
            return Err(ClientError::settings("a negative vote names at least one reason, by its guid"));
        }
        Says::Dispute => {
            let mut guids = String::new();
            for guid in vote.reasons {
                if guid.is_empty()
                    || guid.len() > 64
                    || !guid.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-')
                {
                    return Err(ClientError::settings("a reason is named by its guid"));
                }
                guids += &format!("<guid>{guid}</guid>");
            }
            format!("<negative><reasonIds>{guids}</reasonIds></negative>")
        }
    };
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    Ok(format!("{declaration}\n<feedbackSubmission xmlns=\"{NAMESPACE}\">{said}</feedbackSubmission>"))
}
