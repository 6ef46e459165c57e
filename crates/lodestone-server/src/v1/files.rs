//! `POST /v1/hash`, `POST /v1/lookup/files`: many files at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use lodestone_engine::live::LiveState;
use lodestone_engine::pool::Kind;
use lodestone_engine::wire;
use lodestone_types::Observation;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::App;
use crate::auth::{Caller, Role};
use crate::derived::{self, Plan};
use crate::error::ApiError;
use crate::exchanging::signals_of;
use crate::extras::words;
use crate::http::body::{self, Held};
use crate::http::params::Params;
use crate::looked;
use crate::lookup::Found;
use crate::remotes::{self, Asking};
use crate::route::{About, For, Place, Routes, Takes};
use crate::v1::asked::{self, Asked, Wanted};
use crate::v1::match_files::{self, match_file_for};
use crate::v1::signals::with_results;
use crate::v1::told::{Hits, Room, told};
use crate::v1::upload::{self, Upload};
use crate::v1::{observe, ok, query};

const FILES: Takes = Takes {
    name: "photo",
    place: Place::Form,
    kind: "file",
    required: true,
    about: "Up to 100 files in fields of any name. A field `video`, or a part of type `video/…`, is hashed exactly only",
};

const REMOTE: Takes = query(
    "remote",
    "string",
    "Names of exchanges of remote matchers, separated by commas, that are asked too: for hashes, no file is sent. They are \
     told in `remote`",
);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post(
            "/v1/hash",
            For::Role(Role::Hash),
            About {
                summary: "Digests and PDQ with quality of many files; why each that cannot be read cannot",
                takes: &[FILES],
                answers: &[
                    (200, "An object for each file, in their order, and how many were unreadable, by reason"),
                    (400, "No form, no file, or a form that breaks off"),
                    (413, "Too large, or too many files"),
                    (503, "No worker process runs"),
                ],
            },
            hash,
        )
        .post(
            "/v1/lookup/files",
            For::Role(Role::Match),
            About {
                summary: "What many files match, by digest and by PDQ of every frame, and where `layers` or a bank's setting \
                          says so by regions and local features: `derived`, with `standing` `match` or `review`. An exact digest of a negative or \
                          known-good bank suppresses similar matches, which are shown as suppressed; it never hides an \
                          exact one",
                takes: &[
                    FILES,
                    asked::BANKS,
                    asked::RADIUS,
                    asked::FORMS,
                    asked::INCLUDE,
                    asked::SENDER,
                    asked::SEED,
                    asked::LIMIT,
                    asked::LAYERS,
                    REMOTE,
                ],
                answers: &[
                    (200, "generation, banks with versions and the layers that ran, and an object for each file"),
                    (400, "No form, no file, a form that breaks off, or a parameter that cannot be used"),
                    (413, "Too large, or too many files"),
                    (503, "No worker process runs, or the index cannot be read now"),
                ],
            },
            look_up_files,
        )
}

/// What was read of a request's files.
struct Read {
    files: Vec<(Upload, Result<Observation, ApiError>)>,
    unreadable: BTreeMap<String, u64>,
    failed: usize,
    /// The files' bytes, where their parts may be looked at too.
    kept: Option<Kept>,
}

/// Bytes of files, and the room that they take.
struct Kept {
    bytes: Vec<Bytes>,
    _held: Held,
}

/// Reads all files of a form; keeps their bytes where more may be asked of them.
///
/// # Errors
/// Those of the form; when no file at all could be read for want of workers, the first one's.
async fn read(app: &App, headers: &HeaderMap, body: Body, keeps: bool) -> Result<Read, ApiError> {
    let held = body::read(headers, body, &app.bodies).await?;
    let files = upload::files(headers, &held.bytes).await?;
    let kept = keeps.then(|| files.iter().map(|file| file.bytes.clone()).collect());
    let sent = files.len();
    let mut files = observe::all(app, files, Kind::Hash).await;
    // Without anything to keep its room is free again.
    let kept = kept.map(|bytes| Kept { bytes, _held: held });
    if files.len() < sent {
        return Err(ApiError::unavailable("a file was lost in this program"));
    }
    let failed = files.iter().filter(|(_, seen)| seen.is_err()).count();
    if failed == files.len() {
        return Err(files.swap_remove(0).1.err().unwrap_or_else(|| ApiError::bad("no file")));
    }
    let mut unreadable: BTreeMap<String, u64> = BTreeMap::new();
    for why in files.iter().filter_map(|(_, seen)| seen.as_ref().ok()?.unreadable.as_ref()) {
        let stage = serde_json::to_value(why.stage).unwrap_or_default();
        let stage = stage.as_str().unwrap_or_default();
        *unreadable.entry(format!("{stage}/{}", why.reason)).or_default() += 1;
    }
    Ok(Read { files, unreadable, failed, kept })
}

impl Read {
    fn totals(&self) -> Value {
        json!({
            "files": self.files.len(),
            "unreadable": self.unreadable.values().sum::<u64>(),
            "unreadable_reasons": self.unreadable,
            "errors": self.failed,
        })
    }
}

/// A file and what it says of itself.
fn file(index: usize, upload: &Upload, seen: &Result<Observation, ApiError>) -> Map<String, Value> {
    let mut object = json!({
        "index": index,
        "field": upload.field,
        "name": upload.name,
        "content_type": upload.kind.as_str(),
    });
    match seen {
        Err(error) => object["error"] = json!(error.message()),
        Ok(seen) => {
            object["size_bytes"] = json!(seen.size_bytes);
            object["sha256"] = json!(seen.digests.map(|digests| digests.sha256.to_string()));
            object["signals"] = wire::signals(seen);
            object["format"] = json!(seen.format);
            object["picture"] = json!(seen.picture);
            object["unreadable"] = json!(seen.unreadable);
        }
    }
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

async fn hash(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let read = read(&app, &headers, body, false).await?;
    let mut answer = read.totals();
    let all = read.files.iter().enumerate().map(|(index, (upload, seen))| file(index, upload, seen));
    answer["results"] = all.collect();
    Ok(ok(answer))
}

/// Files whose parts are looked at together: what is held of them meanwhile is some half a megabyte each.
const TOGETHER: usize = 16;

async fn look_up_files(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    // What cannot be used is told before anything is read.
    let wanted = Wanted::of(&params)?;
    let state = app.view.now();
    let asked = Asked::new(&app, &caller, &state, wanted.clone())?;
    let keeps = Plan::of(&state, &asked.ask, wanted.layers).beyond_whole();
    let matchers =
        remotes::named(&app, &words(params.get("remote")).map(str::to_owned).collect::<Vec<_>>()).await?;
    let mut read = read(&app, &headers, body, keeps).await?;
    let asking = (!matchers.is_empty()).then(|| {
        let of = |seen: &Observation| signals_of(seen, crate::media::MIN_QUALITY);
        let items = read.files.iter().map(|(_, seen)| seen.as_ref().map(of).unwrap_or_default()).collect();
        remotes::begin(&app, &caller, matchers, items)
    });
    let totals = read.totals();
    let kept = read.kept.take();
    let mut answering = Answering::new(app.clone(), caller, wanted)?;
    let mut files: Vec<_> = read.files.into_iter().enumerate().collect();
    let Some(kept) = kept.filter(|_| answering.plan.beyond_whole()) else {
        return blocking(move || {
            for (index, (upload, seen)) in files {
                let looked = answering.whole(seen);
                answering.tell(index, &upload, looked)?;
            }
            Ok(answering.ended(totals, asking))
        })
        .await;
    };
    let place = derived::place(&app).await?;
    while !files.is_empty() {
        let some: Vec<_> = files.drain(..files.len().min(TOGETHER)).collect();
        let (back, mut looked) = blocking(move || {
            let whole = |(index, (upload, seen))| (index, upload, answering.whole(seen));
            let looked: Vec<_> = some.into_iter().map(whole).collect();
            Ok((answering, looked))
        })
        .await?;
        answering = back;
        deepen(&app, &kept, &mut looked).await;
        answering = blocking(move || {
            for (index, upload, one) in looked {
                let one = answering.parts(one);
                answering.tell(index, &upload, one)?;
            }
            Ok(answering)
        })
        .await?;
    }
    drop((place, kept));
    blocking(move || Ok(answering.ended(totals, asking))).await
}

/// In a thread that may wait.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, ApiError> + Send + 'static,
) -> Result<R, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::unavailable("the look-up failed"))?
}

/// Has workers look at the parts of files that banks want more of.
async fn deepen(app: &App, kept: &Kept, looked: &mut [(usize, Upload, Looked)]) {
    let mut tasks = JoinSet::new();
    for (at, (index, _, one)) in looked.iter().enumerate() {
        let (Ok(one), Some(bytes)) = (&one.0, kept.bytes.get(*index)) else { continue };
        if one.plan.beyond_whole() && !one.seen.fingerprints.is_empty() {
            let (app, bytes, plan) = (app.clone(), bytes.clone(), one.plan.clone());
            tasks.spawn(async move { (at, derived::deepen(&app, &bytes, &plan).await) });
        }
    }
    while let Some(task) = tasks.join_next().await {
        // A task that panicked is a mistake of ours: its file is told as one whose parts were not looked at.
        if let Ok((at, parts)) = task
            && let Some((_, _, Looked(Ok(one)))) = looked.get_mut(at)
        {
            one.is_deep = true;
            match parts {
                Ok(parts) => {
                    (one.seen.regions, one.seen.features, one.seen.detail) =
                        (parts.regions, parts.features, parts.detail);
                }
                Err(error) => one.failed = Some(error.message().to_owned()),
            }
        }
    }
}

/// A file that was looked up, as far as that went; or why it was not.
struct Looked(Result<One, (Option<Observation>, ApiError)>);

/// A file and what it matches.
struct One {
    seen: Observation,
    hits: Hits,
    /// What more is wanted of it.
    plan: Plan,
    /// Its parts were looked at, or could not be.
    is_deep: bool,
    /// Why its parts could not be looked at.
    failed: Option<String>,
    /// What its parts match.
    derived: Vec<Found>,
}

/// Answers file after file: each is looked up, written down, told as text and let go of before the next.
struct Answering {
    app: App,
    caller: Caller,
    state: Arc<LiveState>,
    asked: Asked,
    plan: Plan,
    matched: u64,
    for_review: u64,
    left_out: u64,
    room: Room,
    results: String,
}

impl Answering {
    fn new(app: App, caller: Caller, wanted: Wanted) -> Result<Self, ApiError> {
        let state = app.view.now();
        let named = wanted.layers;
        let asked = Asked::new(&app, &caller, &state, wanted)?;
        let plan = Plan::of(&state, &asked.ask, named);
        Ok(Self {
            app,
            caller,
            state,
            asked,
            plan,
            matched: 0,
            for_review: 0,
            left_out: 0,
            room: Room::default(),
            results: String::new(),
        })
    }

    /// Looks up digests and whole pictures.
    fn whole(&self, seen: Result<Observation, ApiError>) -> Looked {
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return Looked(Err((None, error))),
        };
        Looked(match match_file_for(&self.state, &seen, &self.asked.ask, &self.plan) {
            Err(error) => Err((Some(seen), error)),
            Ok(hits) => {
                let plan = self.plan.after(&hits.known(), !hits.quiet.is_empty());
                Ok(One { seen, hits, plan, is_deep: false, failed: None, derived: Vec::new() })
            }
        })
    }

    /// Looks up parts of a picture, where they were made.
    fn parts(&self, looked: Looked) -> Looked {
        let mut one = match looked.0 {
            Ok(one) if one.is_deep && one.failed.is_none() => one,
            other => return Looked(other),
        };
        let held: Vec<Found> = one.hits.hits.iter().map(|hit| hit.found.clone()).collect();
        let ask = (&one.plan, &self.asked.ask);
        match derived::look_up(&self.app, &self.state, ask, &one.seen, &held) {
            Ok(found) => one.derived = found,
            // What the whole matches stands, and is written down all the same.
            Err(error) => one.failed = Some(error.message().to_owned()),
        }
        Looked(Ok(one))
    }

    /// Writes down and tells what one file matches.
    fn tell(&mut self, index: usize, upload: &Upload, looked: Looked) -> Result<(), ApiError> {
        let object = match looked.0 {
            Err((Some(seen), error)) => {
                let mut object = file(index, upload, &Ok(seen));
                object.insert("error".to_owned(), json!(error.message()));
                object
            }
            Err((None, error)) => file(index, upload, &Err(error)),
            Ok(one) => self.found(index, upload, one)?,
        };
        let text = Value::Object(object).to_string();
        self.room.took(text.len());
        if index > 0 {
            self.results.push(',');
        }
        self.results.push_str(&text);
        Ok(())
    }

    fn found(&mut self, index: usize, upload: &Upload, one: One) -> Result<Map<String, Value>, ApiError> {
        let One { seen, hits, plan, is_deep, failed, derived } = one;
        let suppressed = !hits.quiet.is_empty();
        let mut known = hits.known();
        let is_known = known.iter().any(|one| !one.is_for_review());
        known.extend(derived.iter().filter(|_| !suppressed).cloned());
        let looked = looked::Looked {
            caller: &self.caller,
            sender: self.asked.sender.as_deref(),
            content_ref: upload.name.as_deref(),
            sha256: seen.digests.map(|digests| digests.sha256.0),
            signals: &looked_up(&seen),
            found: &known,
            left_out: hits.left_out_known,
            of_a_bank: looked::OF_A_BANK,
            assessment: None,
        };
        if let Some(event) = looked.event(&self.app, &self.state) {
            self.app.record(&event)?;
            let is_sure = is_known || known.iter().any(|one| !one.is_for_review());
            self.matched += u64::from(is_sure);
            self.for_review += u64::from(!is_sure);
        }
        let is_too_plain = match_files::is_too_plain(&seen);
        let seen = Ok(seen);
        let mut object = file(index, upload, &seen);
        let told = told(&self.app, &self.state, hits, &self.asked.extras, self.asked.limit, &mut self.room)?;
        self.left_out += told.left_out();
        if let Ok(Value::Object(told)) = serde_json::to_value(told) {
            object.extend(told);
        }
        if let (true, Ok(seen)) = (self.plan.beyond_whole(), &seen) {
            let told = derived.iter().filter_map(|one| derived::told::one(one, suppressed));
            object.insert("derived".to_owned(), told.take(self.asked.limit).collect());
            if derived.len() > self.asked.limit {
                object.insert("derived_total".to_owned(), json!(derived.len()));
                self.left_out += (derived.len() - self.asked.limit) as u64;
            }
            object.insert("layers".to_owned(), json!(derived::told::ran(seen, &plan)));
            if let Some(why) = failed.or((plan.beyond_whole() && !is_deep && !seen.fingerprints.is_empty())
                .then(|| "a file was lost in this program".to_owned()))
            {
                self.app.metrics.layer_failed();
                let layers: Vec<u8> =
                    plan.layers().numbers().into_iter().filter(|layer| *layer > 1).collect();
                object.insert("layers".to_owned(), json!([1]));
                object.insert("layers_not_run".to_owned(), json!({ "layers": layers, "why": why }));
            }
        }
        if is_too_plain {
            let why = json!([{ "type": "pdq", "why": match_files::LOW_QUALITY }]);
            object.insert("not_looked_up".to_owned(), why);
        }
        Ok(object)
    }

    /// The whole answer. Waits for what was asked elsewhere.
    fn ended(self, totals: Value, asking: Option<Asking>) -> Response {
        let mut head = self.asked.named(&self.state);
        super::content::extend(&mut head, totals);
        head["matched"] = json!(self.matched);
        if self.plan.beyond_whole() {
            derived::told::name_layers(&self.app, &self.state, &self.plan, &mut head["banks"]);
            head["for_review"] = json!(self.for_review);
        }
        if self.left_out > 0 {
            head["truncated"] = json!(true);
            head["left_out"] = json!(self.left_out);
        }
        if let Some(asking) = asking {
            head["remote"] = asking.told();
        }
        with_results(&head, &self.results)
    }
}

/// The signals of a file that were looked up.
pub(super) fn looked_up(seen: &Observation) -> Vec<lodestone_types::Signal> {
    let mut signals = seen.digests.as_ref().map(match_files::digest_signals).unwrap_or_default();
    let pdq = seen.primary().filter(|print| print.quality >= crate::media::MIN_QUALITY);
    let pdq = pdq.and_then(|print| print.pdq_dihedral.first());
    signals.extend(
        pdq.and_then(|hash| lodestone_types::Signal::from_bytes(lodestone_types::SignalType::Pdq, hash)),
    );
    signals
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Stage, Unreadable};

    use super::*;
    use crate::media::ContentType;

    #[test]
    fn a_file_that_cannot_be_read_says_why_and_keeps_every_key() {
        let upload = Upload {
            field: "photo".into(),
            name: Some("a.png".into()),
            kind: ContentType::Photo,
            bytes: Bytes::new(),
        };
        let why = Unreadable::new(Stage::Decode, "truncated", "it ends early");
        let seen = Observation { unreadable: Some(why), size_bytes: 3, ..Observation::default() };
        let told = file(4, &upload, &Ok(seen));
        assert_eq!((&told["index"], &told["unreadable"]["reason"]), (&json!(4), &json!("truncated")));
        assert_eq!((&told["sha256"], &told["signals"]["pdq"]), (&Value::Null, &Value::Null));
        let failed = file(0, &upload, &Err(ApiError::busy(1)));
        assert!(failed["error"].is_string() && failed.get("signals").is_none());
    }
}
