//! Our own routes, under `/v1`: what HMA has not.
//!
//! ```text
//! lookup, lookup/files, hash   many signals or files a request; results in the order given, an error for each that has one
//! examine                      everything that `lodestone examine` knows of one upload
//! banks, content, opinions     all facts, paged and searched; many contents a request
//! import, export, imports      whole lists, streamed
//! generation, snapshot         which state answers; copies of the database while it runs
//! ```
//!
//! Answers are compact JSON. Errors have the server's one shape, `{"message": …}`; those of lists that are refused name in
//! the same object what is wrong where. Field names carry their units (`radius_bits`, `size_bytes`, `at_us`). Nothing that
//! failed is ever told as "no match": it has an `error`, or `unreadable`.

mod actions;
mod add;
mod asked;
mod banks;
mod content;
mod examine;
pub(crate) mod exchanges;
mod export;
mod files;
mod generation;
mod given;
mod import;
mod imported;
mod keys;
mod match_files;
mod observe;
mod opinions;
mod signals;
mod snapshot;
mod spool;
mod told;
mod transfers;
mod upload;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::App;
use crate::error::ApiError;
use crate::http::body;
use crate::http::reply::json_text;
use crate::route::{Place, Routes, Takes};

pub(crate) use examine::Examining;
pub(crate) use spool::clear as clear_spool;
pub(crate) use transfers::Transfers;

/// All of our own routes.
pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = signals::routes(routes);
    let routes = files::routes(routes);
    let routes = examine::routes(routes);
    let routes = banks::routes(routes);
    let routes = content::routes(routes);
    let routes = add::routes(routes);
    let routes = opinions::routes(routes);
    let routes = import::routes(routes);
    let routes = export::routes(routes);
    let routes = exchanges::routes(routes);
    let routes = generation::routes(routes);
    let routes = snapshot::routes(routes);
    let routes = keys::routes(routes);
    actions::routes(routes)
}

/// An answer as compact JSON, fields in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Compact<T>(pub(crate) StatusCode, pub(crate) T);

impl<T: Serialize> IntoResponse for Compact<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.1) {
            Ok(text) => json_text(self.0, text),
            Err(error) => {
                ApiError::unavailable(format!("the answer cannot be written: {error}")).into_response()
            }
        }
    }
}

/// 200 with an answer.
pub(crate) fn ok(value: impl Serialize) -> Response {
    Compact(StatusCode::OK, value).into_response()
}

/// The media type of a body, without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A body that is JSON of a known shape.
///
/// # Errors
/// 415 for another content type, 400 with the place for what does not fit, and what reading the body says.
pub(crate) async fn json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let held = body::read(headers, body, &app.bodies).await?;
    if media_type(headers) != "application/json" {
        let told = "the body has to be JSON, with the content type application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told));
    }
    serde_json::from_slice(&held.bytes).map_err(|error| bad_json(&error))
}

/// 400 for JSON that does not fit.
pub(crate) fn bad_json(error: &serde_json::Error) -> ApiError {
    ApiError::bad(format!("the body does not fit: {}", cut(&error.to_string())))
}

/// A text short enough to be told back.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

/// A number of a query string within bounds; `default` where it is not given.
///
/// # Errors
/// 400.
pub(crate) fn limit(text: Option<&str>, default: usize, max: usize) -> Result<usize, ApiError> {
    let Some(text) = text else { return Ok(default) };
    let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| ApiError::bad(format!("limit must be a whole number from 1 to {max}")))
}

pub(crate) const fn query(name: &'static str, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place: Place::Query, kind, required: false, about }
}

pub(crate) const fn field(
    name: &'static str,
    kind: &'static str,
    required: bool,
    about: &'static str,
) -> Takes {
    Takes { name, place: Place::Json, kind, required, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_within_their_bounds() {
        assert_eq!(limit(None, 100, 1000).unwrap(), 100);
        assert_eq!(limit(Some("1000"), 100, 1000).unwrap(), 1000);
        for text in ["0", "1001", "-1", "x", "", "1e2"] {
            assert_eq!(limit(Some(text), 100, 1000).unwrap_err().status().as_u16(), 400, "{text}");
        }
    }

    #[test]
    fn the_media_type_is_without_parameters_and_case() {
        let mut headers = HeaderMap::new();
        assert_eq!(media_type(&headers), "");
        headers.insert(CONTENT_TYPE, "Application/JSON; charset=utf-8".parse().unwrap());
        assert_eq!(media_type(&headers), "application/json");
    }
}
