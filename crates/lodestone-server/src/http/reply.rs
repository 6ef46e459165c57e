//! Answers.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::hma_json;

/// An answer as Flask's `jsonify` writes it: keys sorted, compact, a newline at the end.
#[derive(Debug)]
pub struct Json(pub StatusCode, pub Value);

impl Json {
    /// 200.
    pub fn ok(value: Value) -> Self {
        Self(StatusCode::OK, value)
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        json_text(self.0, hma_json::to_text(&self.1))
    }
}

/// JSON that is text already.
pub fn json_text(status: StatusCode, text: String) -> Response {
    typed(status, "application/json", text)
}

/// Text of a content type.
pub fn typed(status: StatusCode, kind: &'static str, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
