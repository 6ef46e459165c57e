//! Reasons that a negative vote may give, where a service keeps a list of them: NCMEC does, one for each kind of fingerprint.

use lodestone_exchange::client::ncmec::{self, FeedbackReason};
use lodestone_exchange::client::{ClientError, Settings, Transport};
use lodestone_types::SignalType;

/// Kinds of fingerprint that NCMEC takes votes on.
pub const REASON_KINDS: [SignalType; 4] =
    [SignalType::Md5, SignalType::Sha1, SignalType::Pdq, SignalType::Photodna];

/// Reasons that a negative vote on a kind of fingerprint may give.
///
/// # Errors
/// [`ClientError::Settings`] for an interface that has no such list, or a kind that has no votes; others as they come.
pub fn reasons_of(
    api: &str,
    settings: &Settings,
    net: &mut dyn Transport,
    kind: SignalType,
) -> Result<Vec<FeedbackReason>, ClientError> {
    if api != "ncmec" {
        return Err(ClientError::Settings("only ncmec keeps a list of reasons".to_owned()));
    }
    ncmec::reasons(settings, net, kind)
}

/// The guids of reasons that are given by guid or by name; the case of a name does not count.
///
/// # Errors
/// Which is none of them, or is the name of several.
pub fn named_reasons(reasons: &[FeedbackReason], given: &[String]) -> Result<Vec<String>, String> {
    let mut guids = Vec::new();
    for one in given {
        let one = one.trim();
        let by_guid = reasons.iter().find(|reason| reason.guid.eq_ignore_ascii_case(one));
        let guid = match by_guid {
            Some(reason) => &reason.guid,
            None => {
                let mut found: Vec<&String> = reasons
                    .iter()
                    .filter(|reason| reason.name.trim().to_lowercase() == one.to_lowercase())
                    .map(|reason| &reason.guid)
                    .collect();
                found.sort();
                found.dedup();
                match found.as_slice() {
                    [guid] => *guid,
                    [] => return Err(format!("no reason is called {one:?}")),
                    many => {
                        return Err(format!("{one:?} is the name of {} reasons; give its guid", many.len()));
                    }
                }
            }
        };
        if !guids.contains(guid) {
            guids.push(guid.clone());
        }
    }
    Ok(guids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(guid: &str, name: &str) -> FeedbackReason {
        FeedbackReason { guid: guid.into(), name: name.into(), fingerprint: "Md5".into() }
    }

    #[test]
    fn reasons_are_named_by_guid_or_name() {
        let all = [reason("0a-1", "Not CSAM"), reason("0b-2", "Twice"), reason("0c-3", "twice")];
        let of = |given: &[&str]| {
            named_reasons(&all, &given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["not csam", "0A-1"]), Ok(vec!["0a-1".to_owned()]));
        assert_eq!(of(&["0c-3"]), Ok(vec!["0c-3".to_owned()]));
        assert!(of(&["Twice"]).unwrap_err().contains("2 reasons"));
        assert!(of(&["other"]).unwrap_err().contains("no reason"));
        assert_eq!(of(&[]), Ok(Vec::new()));
    }
}
