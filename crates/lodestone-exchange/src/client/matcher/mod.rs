//! Matching at somebody else's: a service that tells whether it knows a fingerprint, and gives no list away.
//!
//! **Hashes only.** A picture leaves the house where the exchange's `send_files` says so, and nowhere else; texts and URLs
//! never do. What a matcher was not asked, or did not answer, is never "no match".

mod arachnid;
mod hma;
mod lookup;

use lodestone_types::{BankKind, Signal, SignalType, Standing};

use super::{ClientError, Settings, Transport};

/// What a matcher says of one fingerprint or file.
#[derive(Clone, Debug, PartialEq)]
pub enum RemoteAnswer {
    /// It takes no fingerprints of this kind: nothing was sent.
    NotAsked,
    /// It was asked, and its answer does not speak of this one, or says that it failed.
    Unanswered,
    /// What it knows; empty: nothing.
    Matches(Vec<RemoteMatch>),
}

/// Something that a matcher knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoteMatch {
    /// What it is called there: a classification, or a bank.
    pub name: String,
    /// What that is here, where it is known; a name that is new here is still a match.
    pub kind: Option<BankKind>,
    /// Whether the bytes are the same. Perceptual values that are equal are no such thing.
    pub is_exact: bool,
    /// How far away it is, in the matcher's own words.
    pub distance: Option<String>,
    /// The matcher's own id of what it knows.
    pub entry: Option<String>,
    /// Digests of what it knows, where it tells them.
    pub digests: Vec<Signal>,
    /// Where in a video it was found, in seconds.
    pub timestamp_s: Option<f64>,
    /// Whether it stands there, or is for a person to look at.
    pub standing: Standing,
}

/// A service to match at.
pub trait RemoteMatcher {
    /// Kinds of fingerprint that it takes.
    fn takes(&self) -> &'static [SignalType];

    /// Fingerprints of one request. Who asks for no more at a time loses no more when a request fails.
    fn batch(&self) -> usize;

    /// Asks for fingerprints; the answers stand in their order. As many requests as the service's limit makes of them.
    ///
    /// # Errors
    /// [`ClientError`]; then nothing is known of any of them.
    fn look_up(&self, net: &mut dyn Transport, signals: &[Signal]) -> Result<Vec<RemoteAnswer>, ClientError>;

    /// Whether files may be sent: the service takes them, and the exchange is set up to.
    fn sends_files(&self) -> bool {
        false
    }

    /// Asks for a file, by sending it.
    ///
    /// # Errors
    /// [`ClientError::Settings`] where [`RemoteMatcher::sends_files`] is false: nothing was sent. Others as they come.
    fn look_up_file(
        &self,
        _net: &mut dyn Transport,
        _media_type: &str,
        _file: &[u8],
    ) -> Result<RemoteAnswer, ClientError> {
        Err(ClientError::settings("this exchange is not set up to send files"))
    }
}

/// Makes a matcher, or says why not.
type Open = fn(&Settings) -> Result<Box<dyn RemoteMatcher>, ClientError>;

/// A kind of matcher.
struct Service {
    name: &'static str,
    environments: &'static [(&'static str, &'static str)],
    open: Open,
}

/// Every matcher, by the name of its interface. Those that lists can be fetched from too have other names for that.
const SERVICES: [Service; 4] = [
    Service { name: "arachnid", environments: &arachnid::ENVIRONMENTS, open: arachnid::open },
    Service { name: "remote_hma", environments: &[], open: hma::open },
    Service { name: "remote_lodestone", environments: &[], open: lookup::open },
    Service { name: "remote_matcher", environments: &[], open: lookup::open },
];

/// Names of the interfaces that are matchers.
pub fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name)
}

/// Whether there is a matcher of this interface.
pub fn is_known(api: &str) -> bool {
    SERVICES.iter().any(|service| service.name == api)
}

/// Environments of an interface; `None`: it is no matcher.
pub(super) fn environments(api: &str) -> Option<&'static [(&'static str, &'static str)]> {
    SERVICES.iter().find(|service| service.name == api).map(|service| service.environments)
}

/// A matcher by the name of its interface: `arachnid`, `remote_hma`, `remote_lodestone`, or `remote_matcher` for any other
/// service that answers as Lodestone's `POST /v1/lookup` does. Nothing is sent yet.
///
/// # Errors
/// [`ClientError::Settings`].
pub fn open(api: &str, settings: &Settings) -> Result<Box<dyn RemoteMatcher>, ClientError> {
    match SERVICES.iter().find(|service| service.name == api) {
        Some(service) => (service.open)(settings),
        None => Err(ClientError::settings("there is no remote matcher of this interface")),
    }
}

/// Whether a match stands there. A word that is new here stands for something that is not a plain match.
fn standing(one: &serde_json::Value) -> Standing {
    match one.get("standing") {
        None | Some(serde_json::Value::Null) => Standing::Match,
        Some(word) if word == "match" => Standing::Match,
        Some(_) => Standing::Review,
    }
}

/// Asks for those that are taken, at most `batch` at a time; the others are [`RemoteAnswer::NotAsked`].
fn in_batches(
    takes: &[SignalType],
    signals: &[Signal],
    batch: usize,
    mut ask: impl FnMut(&[&Signal]) -> Result<Vec<RemoteAnswer>, ClientError>,
) -> Result<Vec<RemoteAnswer>, ClientError> {
    let mut answers = vec![RemoteAnswer::NotAsked; signals.len()];
    let wanted: Vec<usize> = (0..signals.len()).filter(|at| takes.contains(&signals[*at].kind())).collect();
    for some in wanted.chunks(batch) {
        let asked: Vec<&Signal> = some.iter().map(|at| &signals[*at]).collect();
        for (at, answer) in some.iter().zip(ask(&asked)?) {
            answers[*at] = answer;
        }
    }
    Ok(answers)
}
