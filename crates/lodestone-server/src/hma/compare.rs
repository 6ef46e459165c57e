//! `/m/compare`, `/m/index/status`. *Source:* `hma.md` section 1.4.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use lodestone_engine::text::TextIndex;
use lodestone_types::{Signal, SignalType};
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::http::body;
use crate::http::params::Params;
use crate::http::reply::Json;
use crate::route::{About, For, Place, Routes, Takes};

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Match);
    routes
        .post(
            "/m/compare",
            allowed,
            About {
                summary: "Whether two signals match, and how far they are from each other",
                takes: &[Takes {
                    name: "pdq",
                    place: Place::Json,
                    kind: "array",
                    required: false,
                    about: "Two values; any signal type may be named instead, and several",
                }],
                answers: &[
                    (200, "By type: whether they match, and the distance"),
                    (400, "Not two values of a known type"),
                    (415, "Not JSON"),
                ],
            },
            compare,
        )
        .get(
            "/m/index/status",
            allowed,
            About {
                summary: "What the index holds",
                takes: &[Takes {
                    name: "signal_type",
                    place: Place::Query,
                    kind: "string",
                    required: false,
                    about: "One type only",
                }],
                answers: &[(200, "By type: present, built_to, size"), (400, "No such type")],
            },
            index_status,
        )
}

/// The JSON of a body, as Flask's `request.get_json()` reads it.
///
/// # Errors
/// 415 without a JSON content type, 400 for what is no JSON.
pub(crate) fn flask_json(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
        ));
    }
    serde_json::from_slice(bytes).map_err(|_| {
        ApiError::bad("The browser (or proxy) sent a request that this server could not understand.")
    })
}

/// Whether a body is declared as JSON. *Source:* werkzeug `Request.is_json`.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

async fn compare(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let held = body::read(&headers, body, &app.bodies).await?;
    let Value::Object(wanted) = flask_json(&headers, &held.bytes)? else {
        return Err(ApiError::bad("Request input was not a dict"));
    };
    let mut answer = Map::new();
    for (name, values) in wanted {
        let Value::Array(values) = values else {
            return Err(ApiError::bad(format!("Comparison hashes for {name} was not a list")));
        };
        let [left, right] = values.as_slice() else {
            return Err(ApiError::bad("Comparison hash list length must be exactly 2"));
        };
        let kind = app.types.to_look_up(&name)?;
        let parse = |value: &Value| {
            let text = value.as_str().ok_or_else(|| format!("Invalid {name} hash: not a string"))?;
            Signal::parse_as_hma(kind, text).map_err(|error| format!("Invalid {name} hash: {error}"))
        };
        let left = parse(left).map_err(ApiError::bad)?;
        let right = parse(right).map_err(ApiError::bad)?;
        answer.insert(name, compared(&left, &right));
    }
    Ok(Json::ok(Value::Object(answer)).into_response())
}

/// `[matches, {"distance": …}]`. HMA has a distance for PDQ and texts only; exact types get 0 and 1 here.
pub(crate) fn compared(left: &Signal, right: &Signal) -> Value {
    match left.kind() {
        SignalType::Pdq => {
            let bits: u32 = left.bytes().iter().zip(right.bytes()).map(|(a, b)| (a ^ b).count_ones()).sum();
            json!([bits <= lodestone_types::bank::DEFAULT_RADIUS_BITS, { "distance": bits }])
        }
        kind if kind.is_text() && kind != SignalType::Url => {
            let (known, _) = TextIndex::build([(0, left)]);
            let found = known.search(right).unwrap_or_default();
            let distance = found.first().map(|(_, distance)| distance.to_string());
            json!([distance.is_some(), { "distance": distance }])
        }
        _ => {
            let equal = left == right;
            json!([equal, { "distance": u8::from(!equal) }])
        }
    }
}

async fn index_status(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let types = of_type(&app, params.get("signal_type"))?;
    let state = app.view.now();
    let mut answer = Map::new();
    for kind in types {
        let size = state.counts().get(&kind).copied().unwrap_or(0);
        let built_to = if size == 0 { -1 } else { app.built_to_s() };
        answer.insert(
            kind.as_str().to_owned(),
            json!({ "present": size > 0, "built_to": built_to, "size": size }),
        );
    }
    Ok(Json::ok(Value::Object(answer)).into_response())
}

/// All types offered, or the one named.
///
/// # Errors
/// 400 in HMA's words.
pub(crate) fn of_type(app: &App, name: Option<&str>) -> Result<Vec<SignalType>, ApiError> {
    match name {
        None => Ok(app.types.all().into_iter().map(|(kind, _)| kind).collect()),
        Some(name) => match app.types.named(name) {
            Some((kind, _)) => Ok(vec![kind]),
            None => Err(ApiError::bad(format!("No such signal type '{name}'"))),
        },
    }
}
