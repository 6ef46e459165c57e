//! HMA's form routes under `/ui`, in its shapes. Errors are HTML pages, as there. *Source:* `hma.md` section 1.7, HMA
//! 1.1.7 `blueprints/ui.py`, `schemas/ui.py`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION};
use axum::response::{IntoResponse, Response};
use lodestone_types::{Signal, SignalType};
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::hma::matching::{self, Look};
use crate::hma::{banks, hashing};
use crate::http::params::Params;
use crate::http::reply::{Json, typed};
use crate::lookup::Found;
use crate::media::{self, Hashed};
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::Visit;
use crate::ui::sent::Sent;

const fn field(name: &'static str, place: Place, required: bool, about: &'static str) -> Takes {
    Takes { name, place, kind: "string", required, about }
}

const BYPASS: Takes =
    field("bypass_enabled_ratio", Place::Form, false, "`true`, the default: all banks take part");
const ANSWERS: &[(u16, &str)] = &[
    (200, "`hashes`, `banks`, `matches` by distance"),
    (400, "A field is missing or cannot be used"),
    (403, "A browser sent it without the token of a page"),
    (413, "Too large"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let match_ = For::Role(Role::Match);
    routes
        .post(
            "/ui/create_bank",
            For::Role(Role::Curate),
            About {
                summary: "Makes a bank (HMA's form)",
                takes: const { &[field("bank_name", Place::Form, true, "UPPER_WITH_UNDERSCORE")] },
                answers: &[(302, "To `./`"), (400, "Name"), (403, "It exists")],
            },
            create_bank,
        )
        .post(
            "/ui/query",
            match_,
            About {
                summary: "Looks an uploaded file up, with ids and distances (HMA's form)",
                takes: const { &[hashing::FILE, BYPASS] },
                answers: ANSWERS,
            },
            query,
        )
        .post(
            "/ui/query_url",
            match_,
            About {
                summary: "Looks the file at a URL up (HMA's form)",
                takes: const {
                    &[
                        field("url", Place::Form, true, "Where the file is fetched from"),
                        field("content_type", Place::Form, true, "`photo` or `video`"),
                        BYPASS,
                    ]
                },
                answers: ANSWERS,
            },
            query_url,
        )
        .post(
            "/ui/query_hash",
            match_,
            About {
                summary: "Looks a signal up (HMA's form)",
                takes: const {
                    &[
                        field("signal_type", Place::Form, true, "Its type"),
                        field("signal_value", Place::Form, true, "Its value"),
                        BYPASS,
                    ]
                },
                answers: ANSWERS,
            },
            query_hash,
        )
        .post(
            "/ui/bank/{bank_name}/content/find",
            For::Role(Role::Curate),
            About {
                summary: "Which contents of a bank match a file or signal",
                takes: const {
                    &[
                        field("url", Place::Json, false, "Where a file is fetched from"),
                        field("content_type", Place::Json, false, "`photo` or `video`, with `url`"),
                        field("signal_type", Place::Json, false, "Its type"),
                        field("signal_value", Place::Json, false, "Its value"),
                    ]
                },
                answers: &[
                    (200, "`bank_name`, `content_ids`, `matches`"),
                    (400, "A field is missing or cannot be used"),
                    (404, "No such bank"),
                    (422, "Schema"),
                ],
            },
            find,
        )
}

/// An error of these routes: an HTML page.
struct Refused(ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_page().into_response()
    }
}

async fn create_bank(mut sent: Sent) -> Result<Response, Refused> {
    let posted = sent.form().await?;
    let Sent { app, caller, .. } = sent;
    let name = posted.form.get("bank_name").ok_or_else(|| ApiError::bad("Bank name is required"))?;
    banks::make(&app, &caller, name.to_owned(), 1.0).await?;
    // *Source:* werkzeug, `redirect`.
    let page = "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n<p>You should \
                be redirected automatically to the target URL: <a href=\"./\">./</a>. If not, click the link.\n";
    let mut response = typed(StatusCode::FOUND, "text/html; charset=utf-8", page);
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("./"));
    Ok(response)
}

async fn query(params: Params, mut sent: Sent) -> Result<Json, Refused> {
    let posted = sent.form().await?;
    let Sent { app, caller, .. } = sent;
    let (kind, bytes) = hashing::one_file(&posted.form)?;
    let types = media::wanted(&app, kind, params.get("types"))?;
    let hashed = media::hash(&app, bytes, &types).await?;
    Ok(file(&app, caller, &hashed, bypass(posted.form.get("bypass_enabled_ratio"))).await?)
}

async fn query_url(mut sent: Sent) -> Result<Json, Refused> {
    let posted = sent.form().await?;
    let Sent { app, caller, .. } = sent;
    let url = required(posted.form.get("url"), "URL is required")?;
    let kind = required(posted.form.get("content_type"), "Content type is required")?;
    let hashed = hashing::of_url(&app, url, Some(kind), None).await;
    let hashed = hashed.map_err(|error| told_of(error, "Failed to hash URL content"))?;
    Ok(file(&app, caller, &hashed, bypass(posted.form.get("bypass_enabled_ratio"))).await?)
}

async fn query_hash(mut sent: Sent) -> Result<Json, Refused> {
    let posted = sent.form().await?;
    let Sent { app, caller, .. } = sent;
    let kind = required(posted.form.get("signal_type"), "Signal type is required")?;
    let value = required(posted.form.get("signal_value"), "Signal value is required")?;
    let signal = matching::parse(&app, kind, value)?;
    let look = look(&app, caller, bypass(posted.form.get("bypass_enabled_ratio")))?;
    let found = look.signal(&app, signal.clone()).await?;
    // HMA repeats the value as it was given.
    let given = vec![(signal.kind(), value.to_owned(), found)];
    Ok(answer(&app, given).await?)
}

/// A field that has to be there, and not empty.
fn required<'v>(value: Option<&'v str>, missing: &str) -> Result<&'v str, ApiError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| ApiError::bad(missing))
}

/// Whether all banks take part: `true` in any case, which is also the default.
fn bypass(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.eq_ignore_ascii_case("true"))
}

/// The same error in HMA's words; one that only says "not now" is left alone.
fn told_of(error: ApiError, before: &str) -> ApiError {
    match error.status() {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            ApiError::new(error.status(), format!("{before}: {}", error.message()))
        }
        _ => error,
    }
}

fn look(app: &App, caller: Caller, all_banks: bool) -> Result<Look, ApiError> {
    Look::of(app, &Params::default(), all_banks, caller)
}

async fn file(app: &App, caller: Caller, hashed: &Hashed, all_banks: bool) -> Result<Json, ApiError> {
    let found = look(app, caller, all_banks)?.signals(app, hashed).await?;
    answer(app, with_values(hashed, found)).await
}

/// What was found, with the value that found it.
fn with_values(
    hashed: &Hashed,
    found: BTreeMap<SignalType, Vec<Found>>,
) -> Vec<(SignalType, String, Vec<Found>)> {
    let value = |kind: &SignalType| hashed.signals.get(kind).and_then(Option::as_ref).map(Signal::to_text);
    found.into_iter().map(|(kind, found)| (kind, value(&kind).unwrap_or_default(), found)).collect()
}

/// `{"hashes": …, "banks": …, "matches": …}`: nearest first, with metadata and note where there are any.
async fn answer(app: &App, given: Vec<(SignalType, String, Vec<Found>)>) -> Result<Json, ApiError> {
    let numbers: BTreeSet<u64> =
        given.iter().flat_map(|(_, _, found)| found).map(|found| found.entry_no).collect();
    let contents = app
        .readers
        .read(move |store| {
            let mut contents = BTreeMap::new();
            for no in numbers {
                if let Some(content) = store.content_by_no(i64::try_from(no).unwrap_or(i64::MAX))? {
                    contents.insert(no, content);
                }
            }
            Ok(contents)
        })
        .await?;
    let mut hashes = Map::new();
    let mut banks: BTreeSet<String> = BTreeSet::new();
    let mut matches = Vec::new();
    for (kind, value, found) in given {
        for one in found {
            banks.insert(one.bank.bank.name.clone());
            let mut told = matched(kind, &value, &one);
            told.insert("bank_name".to_owned(), json!(one.bank.bank.name));
            if let Some(content) = contents.get(&one.entry_no) {
                if let Some(known) = &content.metadata {
                    told.insert("metadata".to_owned(), known.clone());
                }
                if let Some(note) = &content.note {
                    told.insert("note".to_owned(), json!(note));
                }
            }
            matches.push((one.distance.bits().filter(|_| kind == SignalType::Pdq), Value::Object(told)));
        }
        hashes.insert(kind.as_str().to_owned(), json!(value));
    }
    // What has no number comes last, in the order in which it was found.
    matches.sort_by_key(|(bits, _)| bits.unwrap_or(u32::MAX));
    let matches: Vec<Value> = matches.into_iter().map(|(_, told)| told).collect();
    Ok(Json::ok(json!({ "hashes": hashes, "banks": banks, "matches": matches })))
}

fn matched(kind: SignalType, value: &str, found: &Found) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("content_id".to_owned(), json!(found.content_id));
    told.insert("distance".to_owned(), json!(found.distance.to_hma()));
    told.insert("signal_type".to_owned(), json!(kind.as_str()));
    told.insert("signal_value".to_owned(), json!(value));
    told
}

async fn find(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json, Refused> {
    let fields = banks::fields(&app, "BankFindContentRequest", &headers, body).await?;
    let (url, content_type, kind, value) = fields
        .read(|f| {
            let (url, content_type) = (f.opt_str("url"), f.opt_str("content_type"));
            (url, content_type, f.opt_str("signal_type"), f.opt_str("signal_value"))
        })
        .map_err(|errors| ApiError::schema(errors.to_json()))?;
    visit.check(headers.get("lodestone-token").and_then(|value| value.to_str().ok()))?;
    banks::bank(&app, &name)?;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    // A person looks for content of a bank, to see and to remove it: all that matches is told.
    let look = Look::of(&app, &Params::parse("review=true"), true, caller)?;
    let given = match (filled(&url), filled(&kind), filled(&value)) {
        (Some(url), ..) => {
            let Some(content_type) = filled(&content_type) else {
                return Err(ApiError::bad("content_type required when searching by URL").into());
            };
            let hashed = hashing::of_url(&app, &url, Some(&content_type), None).await;
            let hashed = hashed.map_err(|error| told_of(error, "Failed to hash URL"))?;
            let found = look.signals(&app, &hashed).await?;
            with_values(&hashed, found)
        }
        (None, Some(kind), Some(value)) => {
            let signal = matching::parse(&app, &kind, &value)?;
            vec![(signal.kind(), value, look.signal(&app, signal).await?)]
        }
        _ => {
            let told = "Either 'url' with 'content_type' or 'signal_type' with 'signal_value' required";
            return Err(ApiError::bad(told).into());
        }
    };
    let mut ids = BTreeSet::new();
    let mut matches = Vec::new();
    for (kind, value, found) in &given {
        for one in found.iter().filter(|found| found.bank.bank.name == name) {
            ids.insert(one.content_id);
            matches.push(Value::Object(matched(*kind, value, one)));
        }
    }
    Ok(Json::ok(json!({ "bank_name": name, "content_ids": ids, "matches": matches })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_banks_take_part_unless_a_form_says_otherwise() {
        assert!(bypass(None) && bypass(Some("TRUE")));
        assert!(!bypass(Some("false")) && !bypass(Some("1")) && !bypass(Some("")));
    }

    #[test]
    fn errors_of_a_url_are_told_in_hmas_words_and_not_now_stays_not_now() {
        let error = told_of(ApiError::bad("Invalid or unsafe URL provided"), "Failed to hash URL content");
        assert_eq!(error.message(), "Failed to hash URL content: Invalid or unsafe URL provided");
        assert_eq!(told_of(ApiError::busy(1), "x").status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(told_of(ApiError::too_large(), "x").message(), "Content too large");
    }

    #[test]
    fn fields_that_have_to_be_there_are_not_empty() {
        assert_eq!(required(Some("x"), "missing").unwrap(), "x");
        assert_eq!(required(Some(""), "URL is required").unwrap_err().message(), "URL is required");
        assert!(required(None, "missing").is_err());
    }
}
