//! Asking remote matchers: exchanges that give no list away, and are asked for the hashes of what is looked up.
//!
//! ```text
//! items with their signals ─▶ Asker::ask ─▶ RemoteAnswers for each: answered, unanswered, not asked, or failed
//! ```
//!
//! Hashes only: texts and URLs are never sent, whatever a matcher takes. A file is sent by [`Asker::ask_file`], which refuses
//! where the exchange has no `send_files`. A failed request costs the items in it and no others; a matcher that is not to be
//! reached, or fails again and again, is not asked any more, and whoever comes after that is told so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lodestone_exchange::client::matcher::{self, RemoteAnswer, RemoteMatch, RemoteMatcher};
use lodestone_exchange::client::{ClientError, Settings, Transport};
use lodestone_net::Outbound;
use lodestone_types::{BankKind, Observation, Signal, SignalType, Stage, Standing};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{NetTransport, outbound_for};
use crate::clock::Clock;

/// Requests that fail one after another, each after all its attempts, until the matcher is not asked any more.
const FAILURES: u32 = 3;
/// Matches that are kept of one item.
const MAX_MATCHES: usize = 1_000;

/// How asking for an item went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteState {
    /// All of its fingerprints that the matcher takes were answered.
    Answered,
    /// The matcher was asked, and its answer does not speak of it.
    Unanswered,
    /// It was not asked.
    #[default]
    NotAsked,
    /// The request failed.
    Failed,
}

impl RemoteState {
    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::NotAsked => "not_asked",
            Self::Failed => "failed",
        }
    }
}

/// What a matcher says of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoteAnswers {
    /// How it went.
    pub state: RemoteState,
    /// Why it is not answered.
    pub reason: Option<String>,
    /// Kinds of fingerprint that were sent, in their order; none for a file.
    pub asked: Vec<SignalType>,
    /// What the matcher knows, with the kind of fingerprint that was asked for.
    pub matches: Vec<(Option<SignalType>, RemoteMatch)>,
}

impl RemoteAnswers {
    /// One that could not be asked for, or of which no answer came.
    pub fn without(state: RemoteState, reason: impl Into<String>) -> Self {
        Self { state, reason: Some(reason.into()), ..Self::default() }
    }

    /// Whether something that the matcher knows makes the item known; what is new here does, and what is for a person to look
    /// at there does not.
    pub fn is_known(&self) -> bool {
        self.makes_known(|standing| standing == Standing::Match)
    }

    /// Whether a person should look at the item, by what the matcher says.
    pub fn is_for_review(&self) -> bool {
        self.makes_known(|standing| standing != Standing::Match)
    }

    fn makes_known(&self, stands: impl Fn(Standing) -> bool) -> bool {
        self.matches.iter().any(|(_, one)| one.kind.is_none_or(BankKind::makes_known) && stands(one.standing))
    }

    /// How it went, for programs.
    pub fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("state".to_owned(), json!(self.state));
        if let Some(reason) = &self.reason {
            told.insert("reason".to_owned(), json!(reason));
        }
        told.insert("asked".to_owned(), json!(self.asked));
        told
    }

    /// Its matches, for programs, with the name of the exchange.
    pub fn told_matches(&self, name: &str) -> Vec<Value> {
        self.matches.iter().map(|(kind, one)| a_match(name, *kind, one)).collect()
    }

    /// A worse thing that was found out about one of its fingerprints.
    fn worsen(&mut self, state: RemoteState, reason: &str) {
        let rank = |state| match state {
            RemoteState::Answered => 0,
            RemoteState::Unanswered => 1,
            RemoteState::NotAsked => 2,
            RemoteState::Failed => 3,
        };
        if rank(state) > rank(self.state) {
            self.state = state;
            self.reason = Some(reason.to_owned());
        }
    }
}

/// A match of a matcher: no entry of ours, and its distance in the matcher's own words.
fn a_match(name: &str, kind: Option<SignalType>, one: &RemoteMatch) -> Value {
    let digests: Map<String, Value> = one
        .digests
        .iter()
        .map(|digest| (digest.kind().as_str().to_owned(), json!(digest.to_text())))
        .collect();
    let mut told = json!({
        "remote": name, "bank": one.name, "bank_kind": one.kind, "entry": one.entry, "signal_type": kind,
        "distance": one.distance, "exact": one.is_exact,
    });
    if !digests.is_empty() {
        told["digests"] = Value::Object(digests);
    }
    if let Some(seconds) = one.timestamp_s {
        told["timestamp_s"] = json!(seconds);
    }
    if one.standing != Standing::Match {
        told["standing"] = json!(one.standing);
    }
    told
}

/// How many items were asked for, and how it went. It holds no hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RemoteTally {
    /// Items that were to be asked for.
    pub items: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that the matcher knows.
    pub matched: u64,
    /// Those that its answers do not speak of.
    pub unanswered: u64,
    /// Those that it was not asked for.
    pub not_asked: u64,
    /// Those whose request failed.
    pub failed: u64,
    /// Files that were sent.
    pub files_sent: u64,
}

impl RemoteTally {
    /// Counts an item.
    pub fn count(&mut self, one: &RemoteAnswers) {
        self.items += 1;
        self.matched += u64::from(!one.matches.is_empty());
        match one.state {
            RemoteState::Answered => self.answered += 1,
            RemoteState::Unanswered => self.unanswered += 1,
            RemoteState::NotAsked => self.not_asked += 1,
            RemoteState::Failed => self.failed += 1,
        }
    }
}

/// Asks one matcher.
pub struct Asker {
    matcher: Box<dyn RemoteMatcher>,
    net: Box<dyn Transport>,
    /// Why it is asked no more.
    given_up: Option<String>,
    /// Requests that failed one after another.
    failures: u32,
    /// How long it wants to be left alone, where it said so.
    wait: Option<Duration>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").field("given_up", &self.given_up).finish_non_exhaustive()
    }
}

impl Asker {
    /// Asks a matcher by this interface and these settings. `until`: nothing is asked later, and no answer waited for.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Settings`].
    pub fn open(
        api: &str,
        settings: &Settings,
        all: &Outbound,
        clock: Clock,
        until: Option<Instant>,
        stops: Arc<dyn Fn() -> bool + Send + Sync>,
    ) -> Result<Self, ClientError> {
        let mut net = NetTransport::new(outbound_for(api, settings, all)?, clock, stops);
        if let Some(until) = until {
            net = net.until(until);
        }
        Ok(Self::with(matcher::open(api, settings)?, Box::new(net)))
    }

    /// Asks this matcher this way.
    fn with(matcher: Box<dyn RemoteMatcher>, net: Box<dyn Transport>) -> Self {
        Self { matcher, net, given_up: None, failures: 0, wait: None }
    }

    /// How long the matcher wants to be left alone, where it said so.
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Asks for the fingerprints of items; the answers stand in their order.
    pub fn ask(&mut self, items: &[Vec<Signal>]) -> Vec<RemoteAnswers> {
        let takes = self.matcher.takes();
        let is_taken = |signal: &&Signal| takes.contains(&signal.kind()) && !signal.kind().is_text();
        let mut answers: Vec<RemoteAnswers> = items
            .iter()
            .map(|signals| {
                let mut asked: Vec<SignalType> = signals.iter().filter(is_taken).map(Signal::kind).collect();
                asked.sort();
                asked.dedup();
                match asked.is_empty() {
                    true => RemoteAnswers::without(RemoteState::NotAsked, not_taken(takes)),
                    false => {
                        RemoteAnswers { state: RemoteState::Answered, asked, ..RemoteAnswers::default() }
                    }
                }
            })
            .collect();
        let wanted: Vec<(usize, &Signal)> = items
            .iter()
            .enumerate()
            .flat_map(|(at, signals)| signals.iter().filter(is_taken).map(move |signal| (at, signal)))
            .collect();
        for some in wanted.chunks(self.matcher.batch().max(1)) {
            let signals: Vec<Signal> = some.iter().map(|(_, signal)| (*signal).clone()).collect();
            let found = self.some(&signals);
            for (place, (at, signal)) in some.iter().enumerate() {
                let Some(answer) = answers.get_mut(*at) else { continue };
                match &found {
                    Err((state, why)) => answer.worsen(*state, why),
                    Ok(found) => match found.get(place) {
                        Some(RemoteAnswer::Matches(matches)) => {
                            let room = MAX_MATCHES.saturating_sub(answer.matches.len());
                            let matches = matches.iter().take(room).cloned();
                            answer.matches.extend(matches.map(|one| (Some(signal.kind()), one)));
                        }
                        Some(RemoteAnswer::NotAsked) => {
                            answer.worsen(RemoteState::NotAsked, "it does not take this fingerprint");
                        }
                        Some(RemoteAnswer::Unanswered) | None => answer
                            .worsen(RemoteState::Unanswered, "its answer does not speak of this fingerprint"),
                    },
                }
            }
        }
        answers
    }

    /// One request.
    fn some(&mut self, signals: &[Signal]) -> Result<Vec<RemoteAnswer>, (RemoteState, String)> {
        if let Some(why) = &self.given_up {
            return Err((RemoteState::NotAsked, why.clone()));
        }
        match self.matcher.look_up(&mut *self.net, signals) {
            Ok(found) => {
                self.failures = 0;
                Ok(found)
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Whether files may be sent: the matcher takes them, and the exchange has `send_files`.
    pub fn sends_files(&self) -> bool {
        self.matcher.sends_files()
    }

    /// Asks for a file, by sending it.
    pub fn ask_file(&mut self, media_type: &str, file: &[u8]) -> RemoteAnswers {
        if !self.matcher.sends_files() {
            let why = "this exchange is not set up to send files";
            return RemoteAnswers::without(RemoteState::NotAsked, why);
        }
        if let Some(why) = &self.given_up {
            return RemoteAnswers::without(RemoteState::NotAsked, why.clone());
        }
        match self.matcher.look_up_file(&mut *self.net, media_type, file) {
            Ok(RemoteAnswer::Matches(matches)) => {
                self.failures = 0;
                let matches = matches.into_iter().take(MAX_MATCHES).map(|one| (None, one)).collect();
                RemoteAnswers { state: RemoteState::Answered, matches, ..RemoteAnswers::default() }
            }
            Ok(RemoteAnswer::NotAsked) => {
                RemoteAnswers::without(RemoteState::NotAsked, "it does not take this file")
            }
            Ok(RemoteAnswer::Unanswered) => {
                RemoteAnswers::without(RemoteState::Unanswered, "its answer does not speak of the file")
            }
            Err(error) => {
                let (state, why) = self.failed(&error);
                RemoteAnswers::without(state, why)
            }
        }
    }

    /// Notes a failure, and whether to ask on; how it is told.
    fn failed(&mut self, error: &ClientError) -> (RemoteState, String) {
        self.failures += 1;
        if let ClientError::Later { after, .. } = error {
            self.wait = *after;
        }
        let recurs = matches!(
            error,
            ClientError::Settings(_)
                | ClientError::Credentials(_)
                | ClientError::Later { .. }
                | ClientError::Stopped
        );
        let (state, why) = match error {
            ClientError::Stopped => {
                (RemoteState::Unanswered, "it did not answer in time, or asking was stopped".to_owned())
            }
            other => (RemoteState::Failed, other.to_string()),
        };
        if recurs || self.failures >= FAILURES {
            self.given_up = Some(format!("not asked any more: {why}"));
        }
        (state, why)
    }
}

fn not_taken(takes: &[SignalType]) -> String {
    let takes: Vec<&str> = takes.iter().map(|kind| kind.as_str()).collect();
    format!("there is no fingerprint that it takes ({})", takes.join(", "))
}

/// The fingerprints of a file that a matcher may be asked for: its digests, and PDQ of every frame as it is stored, where
/// that says enough. What is no picture may be a video: its MD5 goes as that of one too, which is all that an HMA takes of it.
pub fn signals_of(seen: &Observation, min_quality: u8) -> Vec<Signal> {
    let mut signals = Vec::new();
    if let Some(digests) = &seen.digests {
        let no_picture = seen.fingerprints.is_empty()
            && seen.unreadable.as_ref().is_none_or(|why| why.stage == Stage::Identify);
        let video = no_picture.then_some((SignalType::VideoMd5, digests.md5.as_slice()));
        let all = [
            (SignalType::Md5, digests.md5.as_slice()),
            (SignalType::Sha1, &digests.sha1),
            (SignalType::Sha256, &digests.sha256.0),
        ];
        let of = |(kind, bytes): (SignalType, &[u8])| Signal::from_bytes(kind, bytes);
        signals.extend(all.into_iter().chain(video).filter_map(of).filter(|one| !one.says_nothing()));
    }
    for print in seen.fingerprints.iter().filter(|print| print.quality >= min_quality) {
        let hash = print.pdq_dihedral.first().and_then(|hash| Signal::from_bytes(SignalType::Pdq, hash));
        if let Some(hash) = hash.filter(|hash| !signals.contains(hash)) {
            signals.push(hash);
        }
    }
    signals
}

#[cfg(test)]
mod tests {
    use lodestone_exchange::client::{Request, Response, SendError};

    use super::*;

    /// A matcher that answers by what it is asked: PDQ whose first byte is 1 match, 2 fail, 3 have no answer.
    struct Odd;

    /// Nothing is sent.
    struct Nowhere;

    impl Transport for Nowhere {
        fn send(&mut self, _: &Request) -> Result<Response, SendError> {
            Err(SendError::Stopped)
        }

        fn now_s(&self) -> i64 {
            0
        }

        fn wait(&mut self, _: Duration) -> bool {
            false
        }

        fn random(&mut self) -> u64 {
            0
        }
    }

    impl RemoteMatcher for Odd {
        fn takes(&self) -> &'static [SignalType] {
            &[SignalType::Pdq, SignalType::RawText]
        }

        fn batch(&self) -> usize {
            2
        }

        fn look_up(
            &self,
            _: &mut dyn Transport,
            signals: &[Signal],
        ) -> Result<Vec<RemoteAnswer>, ClientError> {
            assert!(signals.iter().all(|one| one.kind() == SignalType::Pdq), "hashes only");
            let first = |one: &Signal| one.bytes()[0];
            if signals.iter().any(|one| first(one) == 2) {
                return Err(ClientError::Refused(400));
            }
            if signals.iter().any(|one| first(one) == 4) {
                let after = Some(Duration::from_secs(9));
                return Err(ClientError::Later { reason: "status 429".into(), after });
            }
            let one = |one: &Signal| match first(one) {
                1 => RemoteAnswer::Matches(vec![RemoteMatch {
                    name: "A".into(),
                    kind: Some(BankKind::KnownReal),
                    distance: Some("close".into()),
                    ..RemoteMatch::default()
                }]),
                3 => RemoteAnswer::Unanswered,
                _ => RemoteAnswer::Matches(Vec::new()),
            };
            Ok(signals.iter().map(one).collect())
        }
    }

    fn pdq(byte: u8) -> Vec<Signal> {
        vec![Signal::from_bytes(SignalType::Pdq, &[byte; 32]).unwrap()]
    }

    fn asker() -> Asker {
        Asker::with(Box::new(Odd), Box::new(Nowhere))
    }

    fn states(answers: &[RemoteAnswers]) -> Vec<&'static str> {
        answers.iter().map(|one| one.state.as_str()).collect()
    }

    #[test]
    fn a_request_that_fails_costs_what_is_in_it_and_no_answer_is_no_match() {
        let text = vec![Signal::parse(SignalType::RawText, "private words").unwrap()];
        let answers = asker().ask(&[pdq(1), pdq(9), pdq(2), pdq(9), text, Vec::new(), pdq(3), pdq(1)]);
        let want =
            ["answered", "answered", "failed", "failed", "not_asked", "not_asked", "unanswered", "answered"];
        assert_eq!(states(&answers), want);
        assert_eq!((answers[0].is_known(), answers[1].is_known()), (true, false));
        assert!(answers.iter().all(|one| one.reason.is_some() == (one.state != RemoteState::Answered)));
        let told = &answers[0].told_matches("R")[0];
        assert_eq!(
            (&told["remote"], &told["distance"], &told["entry"]),
            (&json!("R"), &json!("close"), &Value::Null)
        );
        let mut tally = RemoteTally::default();
        answers.iter().for_each(|one| tally.count(one));
        assert_eq!((tally.items, tally.answered, tally.matched), (8, 3, 2));
        assert_eq!((tally.failed, tally.not_asked, tally.unanswered), (2, 2, 1));
    }

    #[test]
    fn a_matcher_that_wants_to_be_left_alone_is_not_asked_any_more() {
        let mut asker = asker();
        let answers = asker.ask(&[pdq(4), pdq(9), pdq(1)]);
        assert_eq!(states(&answers), ["failed", "failed", "not_asked"]);
        assert_eq!(asker.wait(), Some(Duration::from_secs(9)));
        assert!(answers[2].reason.as_ref().unwrap().contains("not asked any more: status 429"));
        assert_eq!(states(&asker.ask(&[pdq(1)])), ["not_asked"]);
    }

    #[test]
    fn what_fails_again_and_again_is_given_up() {
        let answers = asker().ask(&vec![pdq(2); 10]);
        assert_eq!(states(&answers)[..6], ["failed"; 6]);
        assert_eq!(states(&answers)[6..], ["not_asked"; 4]);
    }

    #[test]
    fn an_item_is_as_well_answered_as_the_worst_of_its_fingerprints() {
        let of = |bytes: &[u8]| bytes.iter().flat_map(|byte| pdq(*byte)).collect::<Vec<_>>();
        let answers = asker().ask(&[of(&[1, 3])]);
        assert_eq!((states(&answers), answers[0].matches.len()), (vec!["unanswered"], 1));
    }

    #[test]
    fn no_file_is_sent_where_that_is_not_set_up() {
        let answer = asker().ask_file("image/png", b"a chart");
        assert_eq!(answer.state, RemoteState::NotAsked);
    }

    #[test]
    fn a_file_that_is_no_picture_is_asked_for_as_a_video_too() {
        use lodestone_types::{ContentId, Digests, Unreadable};
        let digests = Some(Digests { md5: [1; 16], sha1: [2; 20], sha256: ContentId([3; 32]) });
        let kinds = |seen: &Observation| -> Vec<_> {
            signals_of(seen, 50).iter().map(|one| one.kind().as_str()).collect()
        };
        let why = Some(Unreadable::new(Stage::Identify, "unsupported", ""));
        let other = Observation { digests, unreadable: why, ..Observation::default() };
        assert_eq!(kinds(&other), ["md5", "sha1", "sha256", "video_md5"]);
        let why = Some(Unreadable::new(Stage::Decode, "malformed", ""));
        let picture = Observation { digests, unreadable: why, ..Observation::default() };
        assert_eq!(kinds(&picture), ["md5", "sha1", "sha256"]);
    }
}
