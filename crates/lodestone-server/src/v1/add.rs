//! `POST /v1/banks/B/content`: many contents in one request, all or none.

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_engine::text;
use lodestone_store::{Batch, NewContent};
use lodestone_types::{Signal, SignalType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::body;
use crate::route::{About, For, Place, Routes, Takes};
use crate::v1::{Compact, bad_json, cut, field, media_type, ok};

/// Contents of one request. More go in by an import.
const MAX_CONTENTS: usize = 10_000;
/// Signals of one content.
const MAX_SIGNALS: usize = 100;
/// Characters of a note, a classification, a tag.
const MAX_WORD: usize = 255;
/// Characters of a URI.
const MAX_URI: usize = 2048;
/// Tags of one content.
const MAX_TAGS: usize = 100;
/// Bytes of carried JSON.
const MAX_CARRIED: usize = 64 << 10;
/// Problems that are told.
const MAX_TOLD: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/v1/banks/{name}/content",
        For::Role(Role::Curate),
        About {
            summary: "Adds up to 10,000 contents, all or none. A content with an `entry` id that the bank has already, \
                      with the same signals, is left as it is: the same request again changes nothing",
            takes: const { &[
                field(
                    "contents",
                    "array",
                    true,
                    "Objects of `signals` (list of `type` and `value`, or values by type) and, if wanted, `entry`, `note`, \
                     `classification`, `tags`, `pdq_quality`, `original_media_uri`, `metadata`, `extra`",
                ),
                Takes {
                    name: "application/x-ndjson",
                    place: Place::Body,
                    kind: "string",
                    required: false,
                    about: "The same objects, one a line, instead",
                },
            ] },
            answers: &[
                (200, "An object for each content: its id, and whether it was added or there already"),
                (400, "Nothing was added: which contents cannot be, and why"),
                (404, "No such bank"),
                (413, "Too many, or too large"),
                (415, "Neither JSON nor NDJSON"),
            ],
        },
        add,
    )
}

/// A content as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    entry: Option<String>,
    signals: Given,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    classification: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    pdq_quality: Option<u8>,
    #[serde(default)]
    original_media_uri: Option<String>,
    #[serde(default)]
    metadata: Option<Value>,
    #[serde(default)]
    extra: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given {
    List(Vec<Typed>),
    ByType(Map<String, Value>),
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(rename = "type", alias = "signal_type")]
    kind: String,
    value: String,
}

/// A content that can be added.
struct Checked {
    row: Row,
    signals: Vec<Signal>,
}

/// A content that cannot be added.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    index: usize,
    message: String,
}

/// The objects of a body.
fn objects(kind: &str, bytes: &[u8]) -> Result<Vec<Value>, ApiError> {
    let list = match kind {
        "application/json" => match serde_json::from_slice(bytes).map_err(|error| bad_json(&error))? {
            Value::Array(list) => list,
            Value::Object(mut fields) => match (fields.remove("contents"), fields.keys().next()) {
                (Some(Value::Array(list)), None) => list,
                (_, Some(other)) => {
                    return Err(ApiError::bad(format!("no field is called '{}'", cut(other))));
                }
                _ => return Err(ApiError::bad("contents must be a list of objects")),
            },
            _ => return Err(ApiError::bad("contents must be a list of objects")),
        },
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            let mut list = Vec::new();
            for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                if list.len() > MAX_CONTENTS {
                    break;
                }
                let line = serde_json::from_slice(line);
                list.push(line.map_err(|_| ApiError::bad(format!("line {}: not valid JSON", at + 1)))?);
            }
            list
        }
        _ => {
            let told = "the body has to be application/json or application/x-ndjson";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told));
        }
    };
    if list.len() > MAX_CONTENTS {
        let told = format!("at most {MAX_CONTENTS} contents a request; import longer lists");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, told));
    }
    Ok(list)
}

/// Which contents can be added, and why others cannot.
fn checked(objects: Vec<Value>) -> (Vec<Checked>, Vec<Problem>) {
    let (mut rows, mut problems, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (index, object) in objects.into_iter().enumerate() {
        let row = serde_json::from_value::<Row>(object).map_err(|error| cut(&error.to_string()));
        match row.and_then(check) {
            Err(message) => problems.push(Problem { index, message }),
            Ok(row) => {
                let twice = row.row.entry.as_ref().is_some_and(|id| !ids.insert(id.clone()));
                if twice {
                    let message = "its entry id comes twice in this request".to_owned();
                    problems.push(Problem { index, message });
                }
                rows.push(row);
            }
        }
    }
    (rows, problems)
}

fn check(row: Row) -> Result<Checked, String> {
    let mut signals = match &row.signals {
        Given::List(list) => {
            list.iter().map(|one| signal(&one.kind, &one.value)).collect::<Result<Vec<_>, _>>()?
        }
        Given::ByType(by_type) => {
            let mut signals = Vec::new();
            for (kind, values) in by_type {
                let one = std::slice::from_ref(values);
                for value in values.as_array().map_or(one, Vec::as_slice) {
                    let value = value.as_str().ok_or_else(|| format!("{}: a value is no text", cut(kind)))?;
                    signals.push(signal(kind, value)?);
                }
            }
            signals
        }
    };
    signals.sort();
    signals.dedup();
    if signals.is_empty() {
        return Err("no signal".to_owned());
    }
    if signals.len() > MAX_SIGNALS {
        return Err(format!("more than {MAX_SIGNALS} signals"));
    }
    let longer = |text: &Option<String>, max| text.as_ref().is_some_and(|text| text.chars().count() > max);
    let bytes = |value: &Option<Value>| value.as_ref().map_or(0, |value| value.to_string().len());
    if row.entry.as_ref().is_some_and(|id| id.is_empty() || id.len() > 1000) {
        return Err("entry must have 1 to 1,000 bytes".to_owned());
    }
    if longer(&row.note, MAX_WORD) || longer(&row.classification, MAX_WORD) {
        return Err(format!("note and classification must have at most {MAX_WORD} characters"));
    }
    if longer(&row.original_media_uri, MAX_URI) {
        return Err(format!("original_media_uri must have at most {MAX_URI} characters"));
    }
    if row.tags.len() > MAX_TAGS || row.tags.iter().any(|tag| tag.chars().count() > MAX_WORD) {
        return Err(format!("at most {MAX_TAGS} tags of at most {MAX_WORD} characters"));
    }
    if row.pdq_quality.is_some_and(|quality| quality > 100) {
        return Err("pdq_quality must be a number from 0 to 100".to_owned());
    }
    if bytes(&row.metadata) > MAX_CARRIED || bytes(&row.extra) > MAX_CARRIED {
        return Err(format!("metadata and extra must have at most {MAX_CARRIED} bytes"));
    }
    Ok(Checked { row, signals })
}

/// A signal; the message never repeats the value.
fn signal(kind: &str, value: &str) -> Result<Signal, String> {
    let known = SignalType::from_wire(kind).ok_or_else(|| format!("no signal type '{}'", cut(kind)))?;
    let signal = Signal::parse(known, value).map_err(|error| error.to_string())?;
    if signal.says_nothing() {
        return Err(format!("this {kind} value says nothing: that of an empty file, or zeros only"));
    }
    if known.is_text() {
        text::check(&signal).map_err(|error| error.to_string())?;
    }
    Ok(signal)
}

enum Outcome {
    Added { generation: Option<u64>, contents: Vec<Value>, added: usize },
    Refused(Vec<Problem>),
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    crate::hma::banks::bank(&app, &name)?;
    let held = body::read(&headers, body, &app.bodies).await?;
    let objects = objects(&media_type(&headers), &held.bytes)?;
    drop(held);
    let (rows, problems) = checked(objects);
    if !problems.is_empty() {
        return Ok(refused(problems));
    }
    let outcome = app.writer.write(move |batch| write(batch, &caller, &name, &rows)).await?;
    match outcome {
        Outcome::Refused(problems) => Ok(refused(problems)),
        Outcome::Added { generation, contents, added } => {
            let generation = generation.unwrap_or_else(|| app.view.now().generation());
            let unchanged = contents.len() - added;
            Ok(ok(json!({
                "generation": generation, "added": added, "unchanged": unchanged, "contents": contents,
            })))
        }
    }
}

/// Adds all of them, after it is sure that all can be.
fn write(batch: &mut Batch<'_>, caller: &Caller, bank: &str, rows: &[Checked]) -> Result<Outcome, ApiError> {
    let (mut there, mut problems) = (Vec::with_capacity(rows.len()), Vec::new());
    for (index, checked) in rows.iter().enumerate() {
        let old = match &checked.row.entry {
            Some(id) => batch.content_of_entry(bank, id)?,
            None => None,
        };
        let same = old.as_ref().is_none_or(|old| {
            let mut signals = old.entry.row.signals.clone();
            signals.sort();
            signals == checked.signals
        });
        if !same {
            let message = "the bank has an entry of this id with other signals".to_owned();
            problems.push(Problem { index, message });
        }
        there.push(old.map(|old| old.content_id));
    }
    if !problems.is_empty() {
        return Ok(Outcome::Refused(problems));
    }
    let mut contents = Vec::with_capacity(rows.len());
    let mut ids = Vec::new();
    for (index, (checked, old)) in rows.iter().zip(there).enumerate() {
        let row = &checked.row;
        let (id, status) = match old {
            Some(id) => (id, "unchanged"),
            None => {
                let content = NewContent {
                    entry: row.entry.as_deref(),
                    signals: &checked.signals,
                    note: row.note.as_deref(),
                    metadata: row.metadata.as_ref(),
                    original_media_uri: row.original_media_uri.as_deref(),
                    classification: row.classification.as_deref(),
                    tags: &row.tags,
                    pdq_quality: row.pdq_quality,
                    extra: row.extra.as_ref(),
                };
                let id = batch.add_content(bank, &content)?.content_id;
                ids.push(id);
                (id, "added")
            }
        };
        let mut told = json!({ "index": index, "bank_content_id": id, "status": status });
        if let Some(entry) = &row.entry {
            told["entry"] = json!(entry);
        }
        contents.push(told);
    }
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        // Ids of one commit follow each other.
        let object = json!({ "bank": bank, "contents": ids.len(), "first_id": first, "last_id": last });
        audit::note(batch, caller, "content.add", &object)?;
    }
    Ok(Outcome::Added { generation: batch.generation(), contents, added: ids.len() })
}

fn refused(problems: Vec<Problem>) -> Response {
    let total = problems.len();
    let told: Vec<Value> = problems
        .into_iter()
        .take(MAX_TOLD)
        .map(|problem| json!({ "index": problem.index, "message": problem.message }))
        .collect();
    let message = format!("{total} contents cannot be added; nothing was added");
    Compact(StatusCode::BAD_REQUEST, json!({ "message": message, "errors_total": total, "errors": told }))
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_an_object_and_lines_are_the_same() {
        let row = json!({ "signals": { "md5": "ab".repeat(16) } });
        let list = json!([row, row]).to_string();
        let object = json!({ "contents": [row, row] }).to_string();
        let lines = format!("{row}\n\n{row}");
        assert_eq!(objects("application/json", list.as_bytes()).unwrap().len(), 2);
        assert_eq!(objects("application/json", object.as_bytes()).unwrap().len(), 2);
        assert_eq!(objects("application/x-ndjson", lines.as_bytes()).unwrap().len(), 2);
        let status = |kind, text: &str| objects(kind, text.as_bytes()).unwrap_err().status().as_u16();
        assert_eq!(status("text/plain", &list), 415);
        assert_eq!(status("application/json", "{\"contents\":[],\"x\":1}"), 400);
        assert_eq!(status("application/json", "5"), 400);
        assert_eq!(status("application/x-ndjson", "{\"a\""), 400);
        assert_eq!(status("application/x-ndjson", &"{}\n".repeat(MAX_CONTENTS + 1)), 413);
    }

    #[test]
    fn problems_name_the_content_and_never_its_value() {
        let good = json!({ "entry": "a", "signals": [{ "type": "pdq", "value": "ab".repeat(32) }] });
        let (rows, problems) = checked(vec![
            good.clone(),
            json!({ "signals": [{ "type": "pdq", "value": "secret" }] }),
            json!({ "signals": [] }),
            good,
            json!({ "signals": { "md5": "d41d8cd98f00b204e9800998ecf8427e" } }),
            json!({ "signals": { "sha1": "ab".repeat(20) }, "note": "x".repeat(256) }),
            json!({ "signals": { "sha1": "ab".repeat(20) }, "noet": "x" }),
            json!({ "signals": { "trend_query": "{" } }),
        ]);
        assert_eq!(rows.len(), 2);
        assert_eq!(problems.iter().map(|p| p.index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        assert!(problems.iter().all(|problem| !problem.message.contains("secret")));
    }

    #[test]
    fn signals_of_a_content_are_a_set() {
        let value = "ab".repeat(16);
        let row = json!({ "signals": { "md5": [value, value.to_uppercase()] } });
        let (rows, _) = checked(vec![row]);
        assert_eq!(rows[0].signals.len(), 1);
    }
}
