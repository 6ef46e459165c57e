//! `/c/bank/B/signal`, `/c/bank/B/content`: content added, shown, changed, removed. *Source:* `hma.md` section 1.5.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use lodestone_store::{Content, ContentChange, NewContent};
use lodestone_types::Signal;
use serde_json::{Map, Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::derived;
use crate::error::ApiError;
use crate::exchanging;
use crate::extras;
use crate::features;
use crate::hma::compare::flask_json;
use crate::hma::{banks, hashing, metadata};
use crate::http::body;
use crate::http::params::Params;
use crate::http::reply::Json;
use crate::media;
use crate::route::{About, For, Place, Routes, Takes};

const fn takes(name: &'static str, place: Place, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place, kind, required: false, about }
}

const ADDED: &[(u16, &str)] = &[
    (200, "The id and the signals, as they are kept"),
    (400, "No signal, or one that cannot be used"),
    (404, "No such bank"),
    (413, "Too large"),
    (415, "Not JSON"),
    (422, "The file ended a worker"),
];
const FOUND: &[(u16, &str)] = &[(200, "The content"), (404, "No such bank, or it has no such content")];

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .post(
            "/c/bank/{bank_name}/signal",
            allowed,
            About {
                summary: "Adds a content by its signals",
                takes: const {
                    &[
                        takes(
                            "pdq",
                            Place::Json,
                            "string",
                            "A value; other types by their names, several at once",
                        ),
                        takes("note", Place::Json, "string", "Up to 255 characters"),
                    ]
                },
                answers: ADDED,
            },
            add_signals,
        )
        .post(
            "/c/bank/{bank_name}/content",
            allowed,
            About {
                summary: "Adds a content by a file, uploaded or at a URL",
                takes: const {
                    &[
                        takes("url", Place::Query, "string", "Where the file is fetched from"),
                        takes("content_type", Place::Query, "string", "`photo` or `video`"),
                        takes("types", Place::Query, "string", "Signal types wanted"),
                        hashing::FILE,
                        takes("metadata", Place::Form, "object", "content_id, content_uri, json"),
                        takes("note", Place::Form, "string", "Up to 255 characters"),
                    ]
                },
                answers: ADDED,
            },
            add_file,
        )
        .get(
            "/c/bank/{bank_name}/content/{content_id}",
            allowed,
            About {
                summary: "A content",
                takes: const {
                    &[
                        takes("include_signals", Place::Query, "boolean", "With its signals"),
                        takes("include_metadata", Place::Query, "boolean", "With its metadata"),
                    ]
                },
                answers: FOUND,
            },
            show,
        )
        .put(
            "/c/bank/{bank_name}/content/{content_id}",
            allowed,
            About {
                summary: "Changes a content",
                takes: const {
                    &[
                        takes(
                            "disable_until_ts",
                            Place::Json,
                            "integer",
                            "0 never, 1 always, else from that second on",
                        ),
                        takes("note", Place::Json, "string", "Up to 255 characters"),
                    ]
                },
                answers: FOUND,
            },
            change,
        )
        .delete(
            "/c/bank/{bank_name}/content/{content_id}",
            allowed,
            About {
                summary: "Removes a content",
                takes: &[],
                answers: &[(200, "How many were removed: 1 or 0"), (404, "No such bank")],
            },
            remove,
        )
}

/// An id as Flask's `<int:…>` takes it: digits only, else the path is no route.
pub(crate) fn content_id(text: &str) -> Result<i64, ApiError> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !digits {
        return Err(ApiError::no_route());
    }
    Ok(text.parse().unwrap_or(i64::MAX))
}

async fn add_signals(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    banks::bank(&app, &name)?;
    let held = body::read(&headers, body, &app.bodies).await?;
    let Value::Object(mut fields) = flask_json(&headers, &held.bytes)? else {
        return Err(ApiError::bad("Expected an object of signal types and values"));
    };
    let note = metadata::note(fields.remove("note").as_ref())?;
    let signals = signals(&app, fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    add(&app, &caller, name, Added { signals, note, ..Added::default() }).await
}

/// Signals given by type and value.
///
/// # Errors
/// 400 in HMA's words.
pub(crate) fn signals<'v>(
    app: &App,
    given: impl Iterator<Item = (&'v str, Option<&'v str>)>,
) -> Result<Vec<Signal>, ApiError> {
    let mut signals = Vec::new();
    for (name, value) in given {
        let Some((kind, _)) = app.types.named(name) else {
            return Err(ApiError::bad(format!("No such signal type {name}")));
        };
        let invalid = |why: String| ApiError::bad(format!("Invalid {name} signal: {why}"));
        let value = value.ok_or_else(|| invalid("not a string".to_owned()))?;
        let signal = Signal::parse_as_hma(kind, value).map_err(invalid)?;
        if kind.is_text() {
            // What could never be found is not said to be added.
            lodestone_engine::text::check(&signal).map_err(|error| invalid(error.to_string()))?;
        }
        signals.push(signal);
    }
    if signals.is_empty() {
        return Err(ApiError::bad("No signals given"));
    }
    Ok(signals)
}

/// What is to be added.
#[derive(Default)]
pub(crate) struct Added {
    pub(crate) signals: Vec<Signal>,
    pub(crate) note: Option<String>,
    pub(crate) metadata: Option<Value>,
    /// Local features, where the bank keeps them; inside, `None`: the file has none.
    pub(crate) features: Option<Option<Vec<u8>>>,
}

/// Adds a content to a bank, and answers as HMA does. A bank that keeps local features says in a header whether it has any of
/// this file; they are looked for from then on.
///
/// # Errors
/// 404 without the bank, 503 where features cannot be sealed, and the store's.
pub(crate) async fn add(
    app: &App,
    caller: &Caller,
    bank: String,
    added: Added,
) -> Result<Response, ApiError> {
    let told = extras::signals(&added.signals);
    let caller = caller.clone();
    let Added { signals, note, metadata, features } = added;
    let keeps = features.as_ref().map(|features| if features.is_some() { "kept" } else { "none" });
    let secrets = app.secrets.clone();
    let id = app
        .writer
        .write(move |batch| {
            let content = NewContent {
                signals: &signals,
                note: note.as_deref(),
                metadata: metadata.as_ref(),
                ..NewContent::default()
            };
            let added = batch.add_content(&bank, &content)?;
            let mut object = json!({ "bank": bank, "bank_content_id": added.content_id });
            if let Some(record) = features.flatten() {
                features::keep(batch, &secrets, added.entry_no, &record)?;
                object["features"] = json!(true);
            }
            audit::note(batch, &caller, "content.add", &object)?;
            Ok(added.content_id)
        })
        .await?;
    let mut answer = Json::ok(json!({ "id": id, "signals": told })).into_response();
    if let Some(keeps) = keeps {
        if keeps == "kept" && !app.pictures.follow().await {
            tracing::warn!("the features of a picture that was added are kept, and not looked for yet");
        }
        let header = HeaderName::from_static("lodestone-features");
        answer.headers_mut().insert(header, HeaderValue::from_static(keeps));
    }
    Ok(answer)
}

async fn add_file(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bank = banks::bank(&app, &name)?;
    let held = body::read(&headers, body, &app.bodies).await?;
    let form = body::form(&headers, &held.bytes);
    let told = metadata::of_request(&headers, &held.bytes, &form)?;
    let hashed = if let Some(url) = params.filled("url") {
        hashing::of_url(&app, url, params.get("content_type"), params.get("types")).await?
    } else if form.files.is_empty() {
        return Err(ApiError::bad("Neither `url` nor multipart file upload was received"));
    } else {
        let (kind, bytes) = hashing::one_file(&form)?;
        let types = media::wanted(&app, kind, params.get("types"))?;
        media::hash(&app, bytes, &types).await?
    };
    drop(form);
    if let Some(why) = &hashed.unreadable {
        return Err(media::unreadable(Some(why)));
    }
    let texts = hashed.texts();
    let signals = signals(&app, texts.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))))?;
    let features = derived::of_added(&app, &bank, &hashed).await?;
    drop((held, hashed));
    add(&app, &caller, name, Added { signals, note: told.note, metadata: told.metadata, features }).await
}

/// The content of a bank, or 404 in HMA's words. Content of other banks is not there.
async fn content(app: &App, bank: &str, id: i64) -> Result<Content, ApiError> {
    banks::bank(app, bank)?;
    let name = bank.to_owned();
    let found = app.readers.read(move |store| Ok(store.content(&name, id)?)).await?;
    found.ok_or_else(|| ApiError::missing(format!("content '{id}' not found")))
}

async fn show(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json, ApiError> {
    let content = content(&app, &name, content_id(&id)?).await?;
    let wants = |name| params.get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let bank = banks::bank(&app, &name)?;
    let mut answer = Map::new();
    answer.insert("id".into(), json!(content.content_id));
    answer.insert("disable_until_ts".into(), json!(content.disable_until_ts));
    answer.insert("original_media_uri".into(), json!(content.original_media_uri));
    answer.insert("bank".into(), banks::told(&bank.bank.name, bank.enabled_ratio));
    if wants("include_signals") && !content.entry.row.signals.is_empty() {
        answer.insert("signals".into(), extras::signals(&content.entry.row.signals));
    }
    if wants("include_metadata") {
        let collab = collab(&app, &name, &content).await?;
        if let Some(told) = content.metadata.as_ref().or(collab.as_ref()) {
            answer.insert("metadata".into(), metadata::told(told));
        }
    }
    if let Some(note) = &content.note {
        answer.insert("note".into(), json!(note));
    }
    Ok(Json::ok(Value::Object(answer)))
}

/// What HMA tells of content that was fetched: by exchange, the keys under which it was. Entries of other servers' lists do
/// not keep it, since they keep the key as their id.
async fn collab(app: &App, bank: &str, content: &Content) -> Result<Option<Value>, ApiError> {
    let Some(api) = exchanging::api_of(&content.source).map(str::to_owned) else { return Ok(None) };
    let (bank, entry) = (bank.to_owned(), content.entry.row.entry.clone());
    app.readers
        .read(move |store| {
            let found = store.exchanges()?.into_iter().find(|one| one.bank == bank && one.api == api);
            Ok(found.map(|exchange| exchanging::collab(&exchange, &entry)))
        })
        .await
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json, ApiError> {
    let id = content_id(&id)?;
    content(&app, &name, id).await?;
    let held = body::read(&headers, body, &app.bodies).await?;
    let Value::Object(fields) = flask_json(&headers, &held.bytes)? else {
        return Err(ApiError::bad("Expected an object"));
    };
    let until = fields.get("disable_until_ts").map(|value| until(value, app.clock.now_s())).transpose()?;
    let note = match fields.get("note") {
        None => None,
        some => Some(metadata::note(some)?),
    };
    let bank = name.clone();
    app.writer
        .write(move |batch| {
            let change =
                ContentChange { disable_until_ts: until, note: note.as_ref().map(|note| note.as_deref()) };
            if !batch.change_content(&bank, id, change)? {
                return Err(ApiError::missing(format!("content '{id}' not found")));
            }
            let object = json!({ "bank": bank, "bank_content_id": id, "disable_until_ts": until });
            audit::note(batch, &caller, "content.change", &object)
        })
        .await?;
    let content = content(&app, &name, id).await?;
    let bank = banks::bank(&app, &name)?;
    Ok(Json::ok(json!({
        "id": content.content_id,
        "disable_until_ts": content.disable_until_ts,
        "original_media_uri": content.original_media_uri,
        "bank": banks::told(&bank.bank.name, bank.enabled_ratio),
        "collab_metadata": {},
        "user_metadata": content.metadata,
        "note": content.note,
    })))
}

/// Until when a content is off. *Source:* HMA's `bank_update_content`, `str_to_type`.
fn until(value: &Value, now_s: i64) -> Result<i64, ApiError> {
    let whole = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(truncated)),
        Value::String(text) => python_int(text),
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    };
    let told = match value {
        Value::String(text) => text.chars().take(100).collect(),
        other => other.to_string().chars().take(100).collect::<String>(),
    };
    let until = whole.ok_or_else(|| ApiError::bad(format!("Invalid int: '{told}'")))?;
    if until < 0 {
        return Err(ApiError::bad("disable_until_ts must be a non-negative integer"));
    }
    if until > now_s + 5 * 365 * 86_400 {
        return Err(ApiError::bad("disable_until_ts must be less than 5 years in the future"));
    }
    Ok(until)
}

/// What Python's `int` makes of a float.
fn truncated(float: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "within 2^53, checked")]
    let whole = (float.is_finite() && float.abs() < 9.0e15).then(|| float.trunc() as i64);
    whole
}

/// What Python's `int` makes of a text: a sign, digits, single underscores between them, spaces round them.
fn python_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let fits = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    if !fits {
        return None;
    }
    text.replace('_', "").parse().ok()
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let id = content_id(&id)?;
    banks::bank(&app, &name)?;
    let deleted = app
        .writer
        .write(move |batch| {
            let removed = batch.remove_content(&name, id)?.is_some();
            if removed {
                let object = json!({ "bank": name, "bank_content_id": id });
                audit::note(batch, &caller, "content.remove", &object)?;
            }
            Ok(u8::from(removed))
        })
        .await?;
    Ok(Json::ok(json!({ "deleted": deleted })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_python_reads_them() {
        assert_eq!(python_int(" 1_000 "), Some(1000));
        assert_eq!((python_int("-5"), python_int("+7")), (Some(-5), Some(7)));
        for text in ["", "1.5", "1__0", "_1", "0x1", "--1", "1 2"] {
            assert_eq!(python_int(text), None, "{text}");
        }
        assert_eq!(until(&json!("12"), 0).unwrap(), 12);
        assert_eq!(until(&json!(12.9), 0).unwrap(), 12);
        for bad in [json!(null), json!([1]), json!("x"), json!(-1), json!(1e300), json!(5 * 365 * 86_400 + 1)]
        {
            assert_eq!(until(&bad, 0).unwrap_err().status().as_u16(), 400, "{bad}");
        }
    }

    #[test]
    fn ids_are_digits_only() {
        assert_eq!(content_id("12").unwrap(), 12);
        assert_eq!(content_id("99999999999999999999").unwrap(), i64::MAX);
        for text in ["", "-1", "1.0", "a", "+1", "%31"] {
            assert_eq!(content_id(text).unwrap_err().status().as_u16(), 404, "{text}");
        }
    }
}
