//! Files: what kinds there are, which signals each has, and getting them from bytes or a URL.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use lodestone_engine::live::LiveState;
use lodestone_engine::pool::{Job, Kind, Refused};
use lodestone_net::{NetError, Why, fetch_within};
use lodestone_types::{Digests, Dihedral, Observation, Signal, SignalType, Stage, Unreadable};

use crate::App;
use crate::error::ApiError;
use crate::http::body::Room;

/// What a file is said to be. *Source:* python-threatexchange, `content_type/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentType {
    /// A picture.
    Photo,
    /// A film.
    Video,
}

impl ContentType {
    /// Both, in HMA's order.
    pub const ALL: [Self; 2] = [Self::Photo, Self::Video];

    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
        }
    }

    /// By its name.
    ///
    /// # Errors
    /// 400 in HMA's words.
    pub fn named(name: &str) -> Result<Self, ApiError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| ApiError::bad(format!("no such content_type: '{name}'")))
    }

    /// Whether files of this kind have signals of that type.
    pub fn has(self, kind: SignalType) -> bool {
        match kind {
            SignalType::Pdq => self == Self::Photo,
            SignalType::VideoMd5 => self == Self::Video,
            SignalType::Md5 | SignalType::Sha1 | SignalType::Sha256 => true,
            _ => false,
        }
    }
}

/// What is known of a file's exact bytes.
#[derive(Clone)]
enum Exact {
    /// Their digests.
    Digested(Digests),
    /// They were not digested: nobody asked. They are let go of with the request.
    Bytes(Bytes),
}

/// The bytes are not printed: they are someone's file.
impl std::fmt::Debug for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digested(digests) => f.debug_tuple("Digested").field(digests).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// A file's bytes, kept for a second look. They are not printed: they are someone's file.
#[derive(Clone, Default)]
pub struct Original(Option<Bytes>);

impl Original {
    /// The bytes, where they are kept.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.0.as_ref()
    }
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Original({} bytes)", self.0.as_ref().map_or(0, Bytes::len))
    }
}

/// A file's signals.
#[derive(Clone, Debug)]
pub struct Hashed {
    /// The bytes, or what they digest to.
    exact: Exact,
    /// By type, as asked for; `None`: PDQ of a picture whose quality is too low to be matched.
    pub signals: BTreeMap<SignalType, Option<Signal>>,
    /// PDQ in the other symmetries.
    pub forms: Vec<(Dihedral, [u8; 32])>,
    /// PDQ quality, where there is PDQ.
    pub quality: Option<u8>,
    /// Why the picture could not be read, where digests were asked for too; they stand.
    pub unreadable: Option<Unreadable>,
    /// The file itself, where its parts may be looked at too. Let go of with the request.
    pub original: Original,
    /// What its bytes take of the room for all that is held, where it was fetched.
    _room: Option<Arc<Room>>,
}

impl Hashed {
    /// With the room that its bytes take.
    #[must_use]
    pub fn holding(mut self, room: Room) -> Self {
        self._room = Some(Arc::new(room));
        self
    }

    /// As `/h/hash` answers: the empty string for low quality.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let text = |signal: &Option<Signal>| signal.as_ref().map(Signal::to_text).unwrap_or_default();
        self.signals.iter().map(|(kind, signal)| (kind.as_str().to_owned(), text(signal))).collect()
    }

    /// SHA-256 of its exact bytes.
    pub fn sha256(&self) -> [u8; 32] {
        match &self.exact {
            Exact::Digested(digests) => digests.sha256.0,
            Exact::Bytes(bytes) => {
                let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
                digest.as_ref().try_into().unwrap_or_else(|_| self.digests().sha256.0)
            }
        }
    }

    /// Digests of its exact bytes. Those that were not needed before are made now: some milliseconds a megabyte.
    pub fn digests(&self) -> Digests {
        match &self.exact {
            Exact::Digested(digests) => *digests,
            Exact::Bytes(bytes) => lodestone_engine::observe::digests_of(bytes),
        }
    }

    /// Digests as signals, for the banks of false alarms and of known-good files.
    pub fn digest_signals(&self) -> Vec<Signal> {
        let of = |kind, value: &[u8]| Signal::from_bytes(kind, value);
        let digests = self.digests();
        [
            of(SignalType::Md5, &digests.md5),
            of(SignalType::Sha1, &digests.sha1),
            of(SignalType::Sha256, &digests.sha256.0),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// PDQ quality from which a hash is matched. *Source:* python-threatexchange, `PdqSignal`.
pub const MIN_QUALITY: u8 = 50;

/// The types that a request wants of a file of this kind: all it has, or those named by `types=a,b`.
///
/// # Errors
/// 400 in HMA's words.
pub fn wanted(app: &App, kind: ContentType, types: Option<&str>) -> Result<Vec<SignalType>, ApiError> {
    let offered = || app.types.enabled().into_iter().filter(|signal| kind.has(*signal));
    let Some(types) = types else { return Ok(offered().collect()) };
    let mut wanted = Vec::new();
    for name in types.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let found = offered().find(|signal| signal.as_str() == name);
        let found = found
            .ok_or_else(|| ApiError::bad(format!("signal type '{name}' doesn't exist or is disabled")))?;
        if !wanted.contains(&found) {
            wanted.push(found);
        }
    }
    if wanted.is_empty() {
        return Err(ApiError::bad("empty signal type selection"));
    }
    Ok(wanted)
}

/// Hashes a file. Nothing of it is kept beyond what is returned, which holds its bytes where they were not digested: they
/// are where neither the types nor a bank asks for exact bytes.
///
/// # Errors
/// 400 for an empty file; 400 or 422 for a picture that cannot be read, when nothing but PDQ is asked for; 429 when
/// too many files wait, 503 when no worker runs.
pub async fn hash(app: &App, bytes: Bytes, types: &[SignalType]) -> Result<Hashed, ApiError> {
    let exact = types.iter().any(|kind| kind.is_digest())
        || suppresses(&app.view.now())
        || bytes.len() > DIGESTED_LATER;
    read(app, bytes, types, exact).await
}

/// As [`hash`], and digests whether somebody asks for them or not.
///
/// # Errors
/// As there.
pub async fn hash_and_digest(app: &App, bytes: Bytes, types: &[SignalType]) -> Result<Hashed, ApiError> {
    read(app, bytes, types, true).await
}

/// Bytes of a file that may be digested where its match is answered: some milliseconds. Larger ones are in a worker.
const DIGESTED_LATER: usize = 4 << 20;

async fn read(app: &App, bytes: Bytes, types: &[SignalType], exact: bool) -> Result<Hashed, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::bad("the file is empty"));
    }
    let observation = if types.contains(&SignalType::Pdq) {
        observe(app, bytes.clone(), if exact { Kind::Hash } else { Kind::Print }).await?
    } else {
        // Digests alone need no decoder, and no worker.
        let read = bytes.clone();
        let digested = move || lodestone_engine::observe::digests_of(&read);
        let digests = tokio::task::spawn_blocking(digested).await;
        let digests = digests.map_err(|_| ApiError::unavailable("hashing failed"))?;
        Observation { digests: Some(digests), ..Observation::default() }
    };
    let original = Original(crate::derived::any_bank_asks(&app.view.now()).then(|| bytes.clone()));
    let exact = match observation.digests {
        Some(digests) => Exact::Digested(digests),
        None if exact => return Err(unreadable(observation.unreadable.as_ref())),
        None => Exact::Bytes(bytes),
    };
    let print = observation.primary();
    let mut hashed = Hashed {
        exact,
        signals: BTreeMap::new(),
        forms: print.map(forms).unwrap_or_default(),
        quality: print.map(|print| print.quality),
        unreadable: None,
        original,
        _room: None,
    };
    let digests = observation.digests;
    let digest = |kind, of: fn(&Digests) -> &[u8]| digests.and_then(|all| Signal::from_bytes(kind, of(&all)));
    for kind in types {
        let signal = match kind {
            SignalType::Pdq => match print {
                Some(print) if print.quality >= MIN_QUALITY => {
                    print.pdq_dihedral.first().and_then(|hash| Signal::from_bytes(*kind, hash))
                }
                Some(_) => None,
                None => {
                    hashed.unreadable = Some(observation.unreadable.clone().unwrap_or_else(no_picture));
                    continue;
                }
            },
            SignalType::Md5 | SignalType::VideoMd5 => digest(*kind, |all| &all.md5),
            SignalType::Sha1 => digest(*kind, |all| &all.sha1),
            SignalType::Sha256 => digest(*kind, |all| &all.sha256.0),
            _ => continue,
        };
        hashed.signals.insert(*kind, signal);
    }
    match &hashed.unreadable {
        Some(why) if hashed.signals.is_empty() => Err(unreadable(Some(why))),
        _ => Ok(hashed),
    }
}

/// Whether a bank of false alarms or of known-good files has anything: then what is merely similar is asked for by its
/// exact bytes too.
pub fn suppresses(state: &LiveState) -> bool {
    state.banks().any(|bank| !bank.bank.kind.makes_known() && bank.bank.version.entries > 0)
}

/// Has a worker observe a file.
///
/// # Errors
/// 429 when too many files wait, 503 when no worker runs.
pub async fn observe(app: &App, bytes: Bytes, kind: Kind) -> Result<Observation, ApiError> {
    let observation = observe_again(app, bytes, kind).await?;
    app.metrics.read(observation.unreadable.as_ref().map(|why| why.reason.as_str()));
    Ok(observation)
}

/// As [`observe`], of a file that was counted before.
///
/// # Errors
/// As there.
pub async fn observe_again(app: &App, bytes: Bytes, kind: Kind) -> Result<Observation, ApiError> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let submitted = app.pool.submit(Job::new(bytes, kind), move |answer| {
        let _ = reply.send(answer);
    });
    submitted.map_err(|refused| match refused {
        Refused::Busy => ApiError::busy(1),
        _ => stopping(),
    })?;
    let observation = answer.await.map_err(|_| stopping())?.observation;
    match observation.unreadable.as_ref().map(|why| why.reason.as_str()) {
        Some("not_started") => Err(ApiError::unavailable("no worker process could be started")),
        Some("stopped") => Err(stopping()),
        _ => Ok(observation),
    }
}

fn stopping() -> ApiError {
    ApiError::unavailable("the server is stopping")
}

fn forms(print: &lodestone_types::Fingerprint) -> Vec<(Dihedral, [u8; 32])> {
    Dihedral::ALL.into_iter().zip(print.pdq_dihedral.iter().copied()).collect()
}

fn no_picture() -> Unreadable {
    Unreadable::new(Stage::Decode, "no_picture", "the file holds no picture")
}

/// The error of a file that cannot be read: never "no match".
pub fn unreadable(why: Option<&Unreadable>) -> ApiError {
    let Some(why) = why else { return ApiError::bad("the file could not be read") };
    let status = match why.stage {
        Stage::Worker => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    };
    let stage = serde_json::to_value(why.stage).unwrap_or_default();
    let stage = stage.as_str().unwrap_or_default();
    ApiError::new(status, format!("the file could not be read: {stage}/{}: {}", why.reason, why.detail))
}

/// A file fetched from a URL.
#[derive(Debug)]
pub struct Fetched {
    /// What it is taken for.
    pub kind: ContentType,
    /// Its bytes.
    pub bytes: Bytes,
    /// What they take of the room for all that is held: to be kept until they are let go of.
    pub room: Room,
}

/// Fetches a file; `content_type` says what it is where the answer's own header is not to be asked.
///
/// # Errors
/// 400 in HMA's words, 413 when it is too large, 429 when too many are fetched, or too much is held.
pub async fn from_url(app: &App, url: &str, content_type: Option<&str>) -> Result<Fetched, ApiError> {
    if !names_a_host(url) {
        return Err(ApiError::bad("Invalid or unsafe URL provided"));
    }
    let content_type = content_type.filter(|name| !name.is_empty()).map(ContentType::named).transpose()?;
    let place = Arc::clone(&app.fetches).try_acquire_owned().map_err(|_| ApiError::busy(1))?;
    let (outbound, url) = (Arc::clone(&app.outbound), url.to_owned());
    let mut room = Room::of(&app.bodies);
    let (fetched, room) = tokio::task::spawn_blocking(move || {
        let _place = place;
        let fetched = fetch_within(&outbound, &url, &mut |bytes| room.grow_to(bytes));
        fetched.map(|fetched| (fetched, room))
    })
    .await
    .map_err(|_| ApiError::unavailable("fetching failed"))?
    .map_err(fetch_error)?;
    let kind = match content_type {
        Some(kind) => kind,
        None => kind_of(fetched.content_type.as_deref().unwrap_or_default())?,
    };
    Ok(Fetched { kind, bytes: Bytes::from(fetched.bytes), room })
}

/// Whether a URL says where to fetch from in so many words. Parsers of browsers make a host of what follows in
/// `http:///a`, and put up with `http://a:`; HMA refuses both.
fn names_a_host(url: &str) -> bool {
    let Some((_, rest)) = url.trim().split_once("://") else { return false };
    let host = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !host.ends_with(':')
}

fn kind_of(header: &str) -> Result<ContentType, ApiError> {
    let lower = header.to_ascii_lowercase();
    if lower.starts_with("image") {
        return Ok(ContentType::Photo);
    }
    if lower.starts_with("video") {
        return Ok(ContentType::Video);
    }
    let told: String = header.chars().take(100).collect();
    Err(ApiError::bad(format!(
        "unsupported url ContentType: '{told}', if you know the expected type, provide it with the content_type query \
         param"
    )))
}

fn fetch_error(error: NetError) -> ApiError {
    match error {
        // Not unsafe, only endless.
        NetError::Refused { why: why @ Why::TooManyRedirects(_) } => {
            ApiError::bad(format!("Failed to fetch URL: {why}"))
        }
        NetError::Refused { .. } => ApiError::bad("Invalid or unsafe URL provided"),
        NetError::TooLarge { .. } => ApiError::too_large(),
        NetError::NoRoom => ApiError::busy(1),
        other => ApiError::bad(format!("Failed to fetch URL: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_host_is_none() {
        for url in
            ["http:///a.example", "http://", "http://a.example:", "a.example", "http:a.example", "http://?a"]
        {
            assert!(!names_a_host(url), "{url}");
        }
        for url in ["http://a.example", "HTTPS://a.example:8080/b", "http://[::1]/c", "http://a.example#d"] {
            assert!(names_a_host(url), "{url}");
        }
    }
}
