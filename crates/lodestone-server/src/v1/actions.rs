//! `/v1/rules`, `/v1/matches`, `/v1/reviews`, `/v1/labels`, `/v1/outbox`, `/v1/quarantine`, `/v1/audit`: what follows from
//! matches, and who did what.

mod audited;
mod delivered;
mod held;
mod kept;
mod matched;
mod reviewed;
mod ruled;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::App;
use crate::error::ApiError;
use crate::http::body;
use crate::http::params::Params;
use crate::http::reply::json_text;
use crate::route::{Place, Routes, Takes};

/// Bytes of a body here at most: a rule with a thousand banks stays below.
const MAX_BODY: usize = 1 << 20;
/// Rows of a page, where nothing is said.
const PAGE: usize = 100;
/// Rows of a page at most.
const MAX_PAGE: usize = 1000;

/// All of these routes.
pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = ruled::routes(routes);
    let routes = matched::routes(routes);
    let routes = reviewed::routes(routes);
    let routes = delivered::routes(routes);
    let routes = held::routes(routes);
    let routes = kept::routes(routes);
    audited::routes(routes)
}

const fn query(name: &'static str, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place: Place::Query, kind, required: false, about }
}

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Json, kind, required, about }
}

const LIMIT: Takes = query("limit", "integer", "Rows of a page, 1 to 1000; 100 without it");

/// An answer as compact JSON, fields in the order in which they were written.
fn told(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => json_text(status, text),
        Err(_) => ApiError::unavailable("the answer cannot be written").into_response(),
    }
}

fn ok(value: &impl Serialize) -> Response {
    told(StatusCode::OK, value)
}

/// The bytes of a body of JSON.
async fn bytes(app: &App, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, ApiError> {
    let held = body::read(headers, body, &app.bodies).await?;
    if held.bytes.len() > MAX_BODY {
        return Err(ApiError::too_large());
    }
    Ok(held.bytes.to_vec())
}

/// A body of a known shape.
async fn json<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    let bytes = bytes(app, headers, body).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let told: String = error.to_string().chars().take(200).collect();
        ApiError::bad(format!("the body does not fit: {told}"))
    })
}

/// A number of the query string; `default` where it is not given.
fn number(params: &Params, name: &str, default: i64) -> Result<i64, ApiError> {
    match params.filled(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| ApiError::bad(format!("{name} must be a whole number"))),
    }
}

/// The size of a page.
fn limit(params: &Params) -> Result<usize, ApiError> {
    let Some(text) = params.filled("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or_else(|| ApiError::bad(format!("limit must be a whole number from 1 to {MAX_PAGE}")))
}

/// One of some words of the query string; the first where it is not given.
fn one_of<'w>(params: &Params, name: &str, words: &[&'w str]) -> Result<&'w str, ApiError> {
    let first = words.first().copied().unwrap_or_default();
    match params.filled(name) {
        None => Ok(first),
        Some(text) => words
            .iter()
            .find(|word| **word == text)
            .copied()
            .ok_or_else(|| ApiError::bad(format!("{name} must be one of: {}", words.join(", ")))),
    }
}

/// A number in a path; what is none leads nowhere.
fn id(text: &str, missing: &'static str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::missing(missing))
}

/// JSON that the store keeps as text.
fn kept_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or(serde_json::Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_within_their_bounds_or_refused() {
        let params = Params::parse("limit=1000&after=-3&state=dead&bad=x");
        assert_eq!(limit(&params).unwrap(), 1000);
        assert_eq!(limit(&Params::default()).unwrap(), PAGE);
        assert_eq!(number(&params, "after", 0).unwrap(), -3);
        assert!(number(&params, "bad", 0).is_err());
        for text in ["limit=0", "limit=1001", "limit=x", "limit=-1"] {
            assert_eq!(limit(&Params::parse(text)).unwrap_err().status().as_u16(), 400, "{text}");
        }
        assert_eq!(one_of(&params, "state", &["pending", "dead"]).unwrap(), "dead");
        assert_eq!(one_of(&params, "none", &["pending", "dead"]).unwrap(), "pending");
        assert!(one_of(&params, "bad", &["pending"]).is_err());
    }
}
