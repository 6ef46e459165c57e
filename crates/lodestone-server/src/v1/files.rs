//! `POST /v1/hash`, `POST /v1/lookup/files`: many files at once.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_engine::pool::Kind;
use lodestone_engine::wire;
use lodestone_types::Observation;
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchanging::signals_of;
use crate::extras::words;
use crate::http::body;
use crate::http::params::Params;
use crate::looked::{self, Looked};
use crate::remotes::{self, Asking};
use crate::route::{About, For, Place, Routes, Takes};
use crate::v1::asked::{self, Asked, Wanted};
use crate::v1::match_files::{self, match_file};
use crate::v1::signals::with_results;
use crate::v1::told::{Room, told};
use crate::v1::upload::{self, Upload};
use crate::v1::{observe, ok, query, regions};

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
                summary: "What many files match, by digest and by PDQ of every frame. An exact digest of a negative or \
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
                    (200, "generation, banks with versions, and an object for each file"),
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
}

/// Reads all files of a form.
///
/// # Errors
/// Those of the form; when no file at all could be read for want of workers, the first one's.
async fn read(app: &App, headers: &HeaderMap, body: Body, pictures: Kind) -> Result<Read, ApiError> {
    let held = body::read(headers, body, &app.bodies).await?;
    let files = upload::files(headers, &held.bytes).await?;
    let sent = files.len();
    let mut files = observe::all(app, files, pictures).await;
    drop(held);
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
    Ok(Read { files, unreadable, failed })
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
    let read = read(&app, &headers, body, Kind::Hash).await?;
    let mut answer = read.totals();
    let all = read.files.iter().enumerate().map(|(index, (upload, seen))| file(index, upload, seen));
    answer["results"] = all.collect();
    Ok(ok(answer))
}

async fn look_up_files(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    // What cannot be used is told before anything is read.
    let wanted = Wanted::of(&params)?;
    Asked::new(&app, &caller, &app.view.now(), wanted.clone())?;
    let pictures = if wanted.regions { Kind::Regions } else { Kind::Hash };
    let matchers =
        remotes::named(&app, &words(params.get("remote")).map(str::to_owned).collect::<Vec<_>>()).await?;
    let read = read(&app, &headers, body, pictures).await?;
    let asking = (!matchers.is_empty()).then(|| {
        let of = |seen: &Observation| signals_of(seen, crate::media::MIN_QUALITY);
        let items = read.files.iter().map(|(_, seen)| seen.as_ref().map(of).unwrap_or_default()).collect();
        remotes::begin(&app, &caller, matchers, items)
    });
    tokio::task::spawn_blocking(move || answer(&app, &caller, wanted, &read, asking))
        .await
        .map_err(|_| ApiError::unavailable("the look-up failed"))?
}

/// Answers file after file: each is looked up, written down, told as text and let go of before the next.
fn answer(
    app: &App,
    caller: &Caller,
    wanted: Wanted,
    read: &Read,
    asking: Option<Asking>,
) -> Result<Response, ApiError> {
    let state = app.view.now();
    let with_regions = wanted.regions;
    let asked = Asked::new(app, caller, &state, wanted)?;
    let (mut matched, mut left_out) = (0u64, 0u64);
    let (mut room, mut results) = (Room::default(), String::new());
    for (index, (upload, observed)) in read.files.iter().enumerate() {
        let mut object = file(index, upload, observed);
        if let Ok(observed) = observed {
            match match_file(&state, observed, &asked.ask) {
                Err(error) => _ = object.insert("error".to_owned(), json!(error.message())),
                Ok(hits) => {
                    let suppressed = !hits.quiet.is_empty();
                    let looked = Looked {
                        caller,
                        sender: asked.sender.as_deref(),
                        content_ref: upload.name.as_deref(),
                        sha256: observed.digests.map(|digests| digests.sha256.0),
                        signals: &looked_up(observed),
                        found: &hits.known(),
                        left_out: hits.left_out_known,
                        of_a_bank: looked::OF_A_BANK,
                        assessment: None,
                    };
                    if let Some(event) = looked.event(app, &state) {
                        app.record(&event)?;
                        matched += 1;
                    }
                    let told = told(app, &state, hits, &asked.extras, asked.limit, &mut room)?;
                    left_out += told.left_out();
                    if let Ok(Value::Object(told)) = serde_json::to_value(told) {
                        object.extend(told);
                    }
                    if with_regions {
                        match regions::told(&state, observed, &asked, suppressed) {
                            Ok(regions) => _ = object.insert("regions".to_owned(), regions),
                            Err(error) => _ = object.insert("error".to_owned(), json!(error.message())),
                        }
                    }
                    if match_files::is_too_plain(observed) {
                        let why = json!([{ "type": "pdq", "why": match_files::LOW_QUALITY }]);
                        object.insert("not_looked_up".to_owned(), why);
                    }
                }
            }
        }
        let text = Value::Object(object).to_string();
        room.took(text.len());
        if index > 0 {
            results.push(',');
        }
        results.push_str(&text);
    }
    let mut head = asked.named(&state);
    super::content::extend(&mut head, read.totals());
    head["matched"] = json!(matched);
    if left_out > 0 {
        head["truncated"] = json!(true);
        head["left_out"] = json!(left_out);
    }
    if let Some(asking) = asking {
        head["remote"] = asking.told();
    }
    Ok(with_results(&head, &results))
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
            bytes: bytes::Bytes::new(),
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
