//! `/m/raw_lookup`, `/m/lookup`. *Source:* `hma.md` section 1.4.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_engine::derive::Layers;
use lodestone_engine::live::LiveState;
use lodestone_types::{Dihedral, Signal, SignalType};
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::coinflip::coinflip;
use crate::derived::{self, Plan};
use crate::error::ApiError;
use crate::extras::{self, Extras};
use crate::hma::hashing;
use crate::http::body;
use crate::http::params::Params;
use crate::http::reply::{Json, json_text};
use crate::lax::{Fields, SchemaErrors};
use crate::looked::{self, Looked};
use crate::lookup::{Ask, Forms, Found, Matches, look_up, scans};
use crate::media::{self, Hashed};
use crate::route::{About, For, Place, Routes, Takes};

const fn query(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Query, kind, required, about }
}

const SIGNAL: Takes = query("signal", "string", false, "Value of the signal");
const SIGNAL_TYPE: Takes = query("signal_type", "string", false, "Its type");
const BANKS: Takes = query("banks", "string", false, "Names of banks that take part, separated by commas");
const SEED: Takes = query("seed", "string", false, "Same seed, same coin: HMA's `random.Random(seed)`");
const BYPASS: Takes = query("bypass_coinflip", "boolean", false, "All banks take part, whatever their ratio");
const RADIUS: Takes =
    query("radius", "integer", false, "PDQ distance in bits, 0 to 64, instead of the banks' own");
const FORMS: Takes = query("forms", "string", false, "Also `dihedral`, `negative`, separated by commas");
const INCLUDE: Takes = query(
    "include",
    "string",
    false,
    "More in each match: `signals`, `classification`, `tags`, `source`, `note`, `opinions`, `kind`",
);
const REVIEW: Takes = query(
    "review",
    "boolean",
    false,
    "Also what fewer members hold or confirm than its bank asks for, as `standing: review`; else the header \
     `Lodestone-For-Review` counts it",
);
const SENDER: Takes =
    query("sender", "string", false, "Whose content it is: for the match log and the hold on floods");

const LAYERS: Takes = query(
    "layers",
    "string",
    false,
    "`1,2` or `1,2,3`: also shows what these layers found for sure, where the bank's own setting has them looked at",
);

const ANSWERS: &[(u16, &str)] = &[
    (200, "Banks with their matches"),
    (400, "A parameter, the signal or the file cannot be used"),
    (413, "Too large"),
    (422, "A parameter is missing or of the wrong kind, or the file ended a worker"),
    (503, "The index cannot be read now"),
];

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Match);
    routes
        .get(
            "/m/raw_lookup",
            allowed,
            About {
                summary: "Ids of all contents that match a signal, whatever their banks' ratio",
                takes: const {
                    &[
                        query("signal", "string", true, "Value of the signal"),
                        query("signal_type", "string", true, "Its type"),
                        BANKS,
                        query("include_distance", "boolean", false, "Objects with distances instead of ids"),
                        RADIUS,
                        FORMS,
                        INCLUDE,
                        REVIEW,
                    ]
                },
                answers: ANSWERS,
            },
            raw_lookup,
        )
        .get(
            "/m/lookup",
            allowed,
            About {
                summary: "Banks that match a signal, or the file at a URL",
                takes: const {
                    &[
                        SIGNAL,
                        SIGNAL_TYPE,
                        query("url", "string", false, "Where a file is fetched from"),
                        query("content_type", "string", false, "`photo` or `video`"),
                        query("types", "string", false, "Signal types wanted of the file"),
                        BANKS,
                        SEED,
                        BYPASS,
                        RADIUS,
                        FORMS,
                        INCLUDE,
                        REVIEW,
                        SENDER,
                        LAYERS,
                    ]
                },
                answers: ANSWERS,
            },
            lookup_get,
        )
        .post(
            "/m/lookup",
            allowed,
            About {
                summary: "Banks that match an uploaded file",
                takes: const {
                    &[
                        hashing::FILE,
                        query("types", "string", false, "Signal types wanted of the file"),
                        BANKS,
                        SEED,
                        BYPASS,
                        RADIUS,
                        FORMS,
                        INCLUDE,
                        REVIEW,
                        SENDER,
                        LAYERS,
                    ]
                },
                answers: ANSWERS,
            },
            lookup_post,
        )
}

fn schema(errors: &SchemaErrors) -> ApiError {
    ApiError::schema(errors.to_json())
}

/// Value, type, banks, and whether distances are wanted, of a raw look-up.
type Raw<'p> = (&'p str, &'p str, Option<&'p str>, bool);

/// What most look-ups ask, read without pydantic's leniency, which costs more than the look-up's own work.
fn plain(params: &Params) -> Option<Raw<'_>> {
    let with_distance = match params.get("include_distance") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return None,
    };
    Some((params.get("signal")?, params.get("signal_type")?, params.get("banks"), with_distance))
}

/// The same, as HMA reads it, and its words for what does not fit.
fn asked_as_in_hma(params: &Params) -> Result<Raw<'_>, ApiError> {
    let names = ["signal", "signal_type", "banks", "include_distance"];
    let with_distance = Fields::from_query(&names, params.pairs())
        .read(|f| {
            f.required_str("signal");
            f.required_str("signal_type");
            f.opt_str("banks");
            f.bool_or("include_distance", false)
        })
        .map_err(|errors| schema(&errors))?;
    let text = |name| params.get(name).unwrap_or_default();
    Ok((text("signal"), text("signal_type"), params.get("banks"), with_distance))
}

async fn raw_lookup(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Response, ApiError> {
    let (text, kind, banks, with_distance) = match plain(&params) {
        Some(fields) => fields,
        None => asked_as_in_hma(&params)?,
    };
    let signal = parse(&app, kind, text)?;
    let extras = Extras::of(&params)?;
    extras.check(&app, &caller)?;
    let ask = Ask { banks: bank_names(banks), ..extras.ask() };
    let Matches { mut found, left_out } = found(&app, signal, Vec::new(), ask).await?;
    let generation = app.view.now().generation();
    let beside = Beside { left_out, for_review: hold_back(&extras, &mut found) };
    if extras.include.is_empty() && !extras.wants_forms() && !extras.review {
        return Ok(tagged(json_text(StatusCode::OK, raw_text(&found, with_distance)), generation, beside));
    }
    let mut matches = Vec::new();
    for (one, more) in found.iter().zip(extras::of(&app, &found, &extras).await?) {
        let mut object = Map::new();
        object.insert("bank_content_id".to_owned(), json!(one.content_id));
        object.insert("distance".to_owned(), json!(one.distance.to_hma()));
        object.extend(more);
        matches.push(Value::Object(object));
    }
    Ok(tagged(Json::ok(json!({ "matches": matches })).into_response(), generation, beside))
}

/// The answer of a raw look-up, written straight: it is asked most.
fn raw_text(found: &[Found], with_distance: bool) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("{\"matches\":[");
    for (at, one) in found.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let id = one.content_id;
        // Writing to a string does not fail. A distance is digits, a percentage or `-`.
        let _ = match with_distance {
            true => write!(text, "{{\"bank_content_id\":{id},\"distance\":\"{}\"}}", one.distance.to_hma()),
            false => write!(text, "{id}"),
        };
    }
    text.push_str("]}\n");
    text
}

async fn lookup_get(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Response, ApiError> {
    let names = ["url", "content_type", "types", "signal", "signal_type", "banks", "seed", "bypass_coinflip"];
    let fields = Fields::from_query(&names, params.pairs());
    let bypass = fields.read(|f| f.bool_or("bypass_coinflip", false)).map_err(|errors| schema(&errors))?;
    let look = Look::of(&app, &params, bypass, caller)?;
    let kind = params.get("signal_type");
    if let Some(url) = params.filled("url") {
        let hashed = hashing::of_url(&app, url, params.get("content_type"), params.get("types")).await?;
        let mut banks = look.file(&app, &hashed).await?;
        // With a type only its part is answered, and nothing for a type that the file has not.
        let answer = match kind {
            None => Value::Object(banks),
            Some(kind) => banks.remove(kind).unwrap_or_else(|| json!({})),
        };
        return Ok(look.tagged(Json::ok(answer)));
    }
    let (Some(text), Some(kind)) = (params.filled("signal"), params.filled("signal_type")) else {
        return Err(ApiError::bad("Either url or both signal and signal_type are required"));
    };
    let signal = parse(&app, kind, text)?;
    let found = look.signal(&app, signal).await?;
    let answer = look.by_bank(&app, &found).await?;
    Ok(look.tagged(Json::ok(answer)))
}

async fn lookup_post(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let held = body::read(&headers, body, &app.bodies).await?;
    let form = body::form(&headers, &held.bytes);
    let (kind, bytes) = hashing::one_file(&form)?;
    let types = media::wanted(&app, kind, params.get("types"))?;
    let hashed = media::hash(&app, bytes, &types).await?;
    let bypass = params.get("bypass_coinflip").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let look = Look::of(&app, &params, bypass, caller)?;
    let banks = look.file(&app, &hashed).await?;
    drop(held);
    Ok(look.tagged(Json::ok(Value::Object(banks))))
}

/// A look-up of `/m/lookup`: who asks, and how.
pub(crate) struct Look {
    ask: Ask,
    extras: Extras,
    caller: Caller,
    sender: Option<String>,
    content_ref: Option<String>,
    /// Generation of the banks that answer.
    pub(crate) generation: u64,
    /// How many matches were too many to be told.
    left_out: AtomicU64,
    /// How many are for a person to look at, and not told.
    for_review: AtomicU64,
    /// What is shown of matches of parts of pictures.
    shown: Shown,
    /// Layers that ran, and those that did not though a bank asks for them.
    ran: OnceLock<(Vec<u8>, Vec<u8>)>,
}

/// What is shown of matches of parts of pictures. Whatever is not shown is written down all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// What these layers found for sure.
    Sure(Layers),
    /// All, for a page that a person reads.
    All,
}

impl Shown {
    fn shows(self, found: &Found) -> bool {
        let layer = found.derived.as_ref().map_or(1, |derived| derived.hit.layer);
        match self {
            // HMA knows a picture as it stands; its symmetries are for those who ask for layers.
            Self::Sure(layers) => {
                layers.has(layer)
                    && !found.is_for_review()
                    && (found.derived.is_some() || layers.beyond_whole())
            }
            Self::All => true,
        }
    }
}

impl Look {
    /// From the parameters of a request.
    ///
    /// # Errors
    /// 400 for a value that cannot be used.
    pub(crate) fn of(app: &App, params: &Params, bypass: bool, caller: Caller) -> Result<Self, ApiError> {
        let coin = match (bypass, params.get("seed")) {
            (true, _) => None,
            (false, Some(seed)) => Some(coinflip(seed)),
            (false, None) => Some(app.random_unit()),
        };
        let extras = Extras::of(params)?;
        extras.check(app, &caller)?;
        let ask = Ask {
            banks: bank_names(params.get("banks")),
            coin,
            now_s: Some(app.clock.now_s()),
            ..extras.ask()
        };
        let layers = params.filled("layers").map(str::parse::<Layers>).transpose().map_err(ApiError::bad)?;
        let short = |name| params.filled(name).map(|text| text.chars().take(200).collect::<String>());
        Ok(Self {
            ask,
            extras,
            caller,
            sender: short("sender"),
            content_ref: short("seed"),
            generation: app.view.now().generation(),
            left_out: AtomicU64::new(0),
            shown: Shown::Sure(layers.unwrap_or_default()),
            ran: OnceLock::new(),
            for_review: AtomicU64::new(0),
        })
    }

    /// With all that parts of pictures match, sure or not.
    pub(crate) fn showing_all(mut self) -> Self {
        self.shown = Shown::All;
        self
    }

    /// Layers that a bank asks for, and that did not run or miss something.
    pub(crate) fn missed(&self) -> Vec<u8> {
        self.ran.get().map(|(_, missed)| missed.clone()).unwrap_or_default()
    }

    /// An answer that names the generation of the banks, and how much it leaves out.
    fn tagged(&self, answer: Json) -> Response {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let beside = Beside { left_out: now(&self.left_out), for_review: now(&self.for_review) };
        let mut answer = tagged(answer.into_response(), self.generation, beside);
        let (ran, not_run) = self.ran.get().cloned().unwrap_or_default();
        for (name, layers) in [("lodestone-layers", ran), ("lodestone-layers-not-run", not_run)] {
            let text = layers.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            if let (false, Ok(value)) = (text.is_empty(), HeaderValue::try_from(text)) {
                answer.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        answer
    }

    /// Leaves out what is not told, once it was written down.
    fn hold_back(&self, found: &mut Vec<Found>) {
        self.for_review.fetch_add(hold_back(&self.extras, found), Ordering::Relaxed);
    }

    async fn up(
        &self,
        app: &App,
        signal: Signal,
        forms: Vec<(Dihedral, [u8; 32])>,
    ) -> Result<Matches, ApiError> {
        let matches = found(app, signal, forms, self.ask.clone()).await?;
        self.left_out.fetch_add(matches.left_out, Ordering::Relaxed);
        Ok(matches)
    }

    /// Looks a signal up, and writes down what was found.
    ///
    /// # Errors
    /// 503 when the index cannot be read, or the match not be written down.
    pub(crate) async fn signal(&self, app: &App, signal: Signal) -> Result<Vec<Found>, ApiError> {
        let Matches { mut found, left_out } = self.up(app, signal.clone(), Vec::new()).await?;
        self.record(app, None, &[signal], &found, left_out)?;
        self.hold_back(&mut found);
        Ok(found)
    }

    /// Looks up all signals of a file: by type, by bank.
    async fn file(&self, app: &App, hashed: &Hashed) -> Result<Map<String, Value>, ApiError> {
        let mut answer = Map::new();
        for (kind, found) in self.signals(app, hashed).await? {
            answer.insert(kind.as_str().to_owned(), self.by_bank(app, &found).await?);
        }
        Ok(answer)
    }

    /// Looks up all signals of a file, and writes down what was found: by type.
    ///
    /// # Errors
    /// 400 in HMA's words for a picture of low quality; what reading the file said, where nothing else was found; as
    /// [`Look::signal`].
    pub(crate) async fn signals(
        &self,
        app: &App,
        hashed: &Hashed,
    ) -> Result<BTreeMap<SignalType, Vec<Found>>, ApiError> {
        let state = app.view.now();
        let quiet = media::suppresses(&state)
            && !crate::lookup::suppressed_by(&state, &hashed.digest_signals()).is_empty();
        let mut by_type: BTreeMap<SignalType, Vec<Found>> = BTreeMap::new();
        let mut signals = Vec::new();
        let (mut too_plain, mut left_out) = (false, 0);
        for (kind, signal) in &hashed.signals {
            let Some(signal) = signal else {
                too_plain = true;
                continue;
            };
            signals.push(signal.clone());
            let forms = if self.ask.forms.dihedral { hashed.forms.clone() } else { Vec::new() };
            let mut matches = self.up(app, signal.clone(), forms).await?;
            if quiet && *kind == SignalType::Pdq {
                // These exact bytes are a confirmed false alarm, or known to be good: what is merely similar is quiet.
                self.left_out.fetch_sub(matches.left_out, Ordering::Relaxed);
                matches = Matches::default();
            }
            left_out += matches.left_out;
            by_type.insert(*kind, matches.found);
        }
        let mut all: Vec<Found> = by_type.values().flatten().cloned().collect();
        let derived = self.derived(app, &state, hashed, &all, quiet).await?;
        let shown: Vec<Found> = derived.iter().filter(|one| self.shown.shows(one)).cloned().collect();
        all.extend(derived);
        self.record(app, Some(hashed), &signals, &all, left_out)?;
        by_type.values_mut().for_each(|found| self.hold_back(found));
        if !shown.is_empty() {
            by_type.entry(SignalType::Pdq).or_default().extend(shown);
        }
        let is_empty = by_type.values().all(Vec::is_empty);
        if is_empty && let Some(why) = &hashed.unreadable {
            // Exact matching went on; nothing found there says nothing of the picture.
            return Err(media::unreadable(Some(why)));
        }
        if is_empty && too_plain {
            // HMA looks the empty string up, which is no hash. What these exact bytes match is told all the same.
            return Err(ApiError::bad("invalid signal: invalid PDQ hash"));
        }
        Ok(by_type)
    }

    /// What parts of a picture match in the banks that ask for it themselves, and do not know the file already. Notes which
    /// layers ran.
    ///
    /// # Errors
    /// Where nothing is known of the file: 429 where too many are looked at, 503 when the index cannot be read. Never "no
    /// match".
    async fn derived(
        &self,
        app: &App,
        state: &Arc<LiveState>,
        hashed: &Hashed,
        found: &[Found],
        quiet: bool,
    ) -> Result<Vec<Found>, ApiError> {
        let plan = Plan::of(state, &self.ask, None);
        let is_picture = hashed.signals.contains_key(&SignalType::Pdq) && hashed.unreadable.is_none();
        if !plan.beyond_whole() {
            return Ok(Vec::new());
        }
        if !is_picture {
            if hashed.unreadable.is_none() && !hashed.forms.is_empty() {
                // A picture, whose PDQ is not among the types that are looked up.
                let layers = plan.layers().numbers();
                let _ = self.ran.set((Vec::new(), layers));
            }
            return Ok(Vec::new());
        }
        let turned = self.turned(app, hashed, &plan, found, quiet).await?;
        let whole: Vec<Found> = found.iter().chain(&turned).cloned().collect();
        let plan = plan.after(&whole, quiet);
        let beyond: Vec<u8> = plan.layers().numbers().into_iter().filter(|layer| *layer > 1).collect();
        if beyond.is_empty() {
            // Every bank that asks for more knows the file.
            let _ = self.ran.set((vec![1], Vec::new()));
            return Ok(turned);
        }
        let looked = match hashed.original.bytes() {
            Some(bytes) => derived::of_file(app, state, (&plan, &self.ask), bytes, &whole).await,
            None => Err(ApiError::unavailable("a bank was changed meanwhile: ask again")),
        };
        match looked {
            Ok((derived, ran)) => {
                let missed = if derived::told::misses(app, state, &plan) { vec![3] } else { Vec::new() };
                let _ = self.ran.set((ran, missed));
                Ok([turned, derived].concat())
            }
            Err(error) => {
                app.metrics.layer_failed();
                let _ = self.ran.set((vec![1], beyond));
                let passes =
                    error.status() == StatusCode::TOO_MANY_REQUESTS || error.status().is_server_error();
                match whole.iter().all(Found::is_for_review) && passes {
                    true => Err(error),
                    // The whole picture was looked up, and what that says stands; asking again would end the same.
                    false => Ok(turned),
                }
            }
        }
    }

    /// What the whole picture matches turned, mirrored or inverted, in the banks that ask for more than it as it stands.
    async fn turned(
        &self,
        app: &App,
        hashed: &Hashed,
        plan: &Plan,
        found: &[Found],
        quiet: bool,
    ) -> Result<Vec<Found>, ApiError> {
        let signal = hashed.signals.get(&SignalType::Pdq).cloned().flatten();
        let (Some(signal), false) = (signal, quiet) else { return Ok(Vec::new()) };
        let ask = Ask { forms: Forms { dihedral: true, negative: true }, ..self.ask.clone() };
        let matches = self::found(app, signal, hashed.forms.clone(), ask).await?;
        let is_new = |one: &Found| {
            plan.of_bank(one.bank.number).beyond_whole()
                && !found.iter().any(|held| held.entry_no == one.entry_no)
        };
        Ok(matches.found.into_iter().filter(is_new).collect())
    }

    /// `{"BANK": [{"bank_content_id": 1, "distance": "0"}]}`.
    async fn by_bank(&self, app: &App, found: &[Found]) -> Result<Value, ApiError> {
        let mut banks: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (one, more) in found.iter().zip(extras::of(app, found, &self.extras).await?) {
            let mut object = Map::new();
            object.insert("bank_content_id".to_owned(), json!(one.content_id));
            object.insert("distance".to_owned(), json!(one.distance.to_hma()));
            object.extend(more);
            if let Some(derived) = &one.derived {
                object.extend(derived::told::how(derived));
            }
            banks.entry(one.bank.bank.name.as_str()).or_default().push(Value::Object(object));
        }
        Ok(json!(banks))
    }

    /// Writes down what was found, before it is answered.
    fn record(
        &self,
        app: &App,
        hashed: Option<&Hashed>,
        signals: &[Signal],
        found: &[Found],
        left_out: u64,
    ) -> Result<(), ApiError> {
        let looked = Looked {
            caller: &self.caller,
            sender: self.sender.as_deref(),
            content_ref: self.content_ref.as_deref(),
            sha256: hashed.filter(|_| !found.is_empty()).map(Hashed::sha256),
            signals,
            found,
            left_out,
            of_a_bank: looked::OF_A_BANK,
            assessment: None,
        };
        match looked.event(app, &app.view.now()) {
            Some(event) => app.record(&event),
            None => Ok(()),
        }
    }
}

/// Looks a signal up, in a thread that may wait where that takes long.
async fn found(
    app: &App,
    signal: Signal,
    forms: Vec<(Dihedral, [u8; 32])>,
    ask: Ask,
) -> Result<Matches, ApiError> {
    let state = app.view.now();
    let begun = std::time::Instant::now();
    let found = if scans(signal.kind()) {
        tokio::task::spawn_blocking(move || look_up(&state, &signal, &forms, &ask))
            .await
            .map_err(|_| ApiError::unavailable("the look-up failed"))?
    } else {
        look_up(&state, &signal, &forms, &ask)
    }?;
    app.metrics.looked_up(begun.elapsed(), !found.found.is_empty());
    Ok(found)
}

/// A signal to look up. *Source:* HMA's `query_index`.
pub(crate) fn parse(app: &App, kind: &str, text: &str) -> Result<Signal, ApiError> {
    let kind = app.types.to_look_up(kind)?;
    Signal::parse_as_hma(kind, text).map_err(|error| ApiError::bad(format!("invalid signal: {error}")))
}

/// `banks=A,B`: names as they are; nothing: all banks.
fn bank_names(text: Option<&str>) -> Option<Vec<String>> {
    text.filter(|text| !text.is_empty()).map(|text| text.split(',').map(str::to_owned).collect())
}

/// Takes away what is for a person to look at, unless it was asked for: whoever speaks HMA's protocol acts upon all that is
/// answered. Returns how much.
fn hold_back(extras: &Extras, found: &mut Vec<Found>) -> u64 {
    let before = found.len();
    found.retain(|one| extras.review || !one.is_for_review());
    (before - found.len()) as u64
}

/// Matches that an answer does not tell.
#[derive(Clone, Copy)]
struct Beside {
    /// Too many.
    left_out: u64,
    /// For a person to look at.
    for_review: u64,
}

/// Names the generation of the banks that answered. HMA's shapes have no place for what is not told, so headers say it.
fn tagged(mut response: Response, generation: u64, beside: Beside) -> Response {
    response.headers_mut().insert(HeaderName::from_static("lodestone-generation"), generation.into());
    for (name, count) in
        [("lodestone-left-out", beside.left_out), ("lodestone-for-review", beside.for_review)]
    {
        if count > 0 {
            response.headers_mut().insert(HeaderName::from_static(name), count.into());
        }
    }
    response
}
