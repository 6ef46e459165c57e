//! Answers that are not what was asked for, in the shapes that HMA's clients know.
//!
//! Routes of the API answer `{"message": …}`; a body or query that does not fit its schema answers a list of what is wrong
//! (422); a path that is no route, and everything under `/ui`, answers a small HTML page. *Source:* `hma.md` section 1.1.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_engine::LookUpError;
use lodestone_engine::live::LiveBanksError;
use lodestone_store::StoreError;

use crate::hma_json;

/// Why a request gets no answer of the kind it asked for.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Told,
    retry_after_s: Option<u32>,
}

#[derive(Debug)]
enum Told {
    /// `{"message": …}`.
    Message(String),
    /// A list of what does not fit the schema, as JSON.
    Schema(String),
    /// An HTML page with this text.
    Page(String),
    /// Plain text.
    Plain(&'static str),
}

impl ApiError {
    /// A message under a status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: Told::Message(message.into()), retry_after_s: None }
    }

    /// 400 with a message.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404 with a message.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 403 with a message.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 413: more than is read.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Content too large")
    }

    /// 422 with the list of what does not fit, as JSON text.
    pub fn schema(list: String) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, body: Told::Schema(list), retry_after_s: None }
    }

    /// 429: try again in so many seconds.
    pub fn busy(retry_after_s: u32) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
        error.retry_after_s = Some(retry_after_s);
        error
    }

    /// 503: not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, message);
        error.retry_after_s = Some(1);
        error
    }

    /// 404 as a page: the path is no route.
    pub fn no_route() -> Self {
        let text = "The requested URL was not found on the server. If you entered the URL manually please check your \
                    spelling and try again.";
        Self { status: StatusCode::NOT_FOUND, body: Told::Page(text.to_owned()), retry_after_s: None }
    }

    /// 405 as a page.
    pub fn wrong_method() -> Self {
        let text = "The method is not allowed for the requested URL.";
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            body: Told::Page(text.to_owned()),
            retry_after_s: None,
        }
    }

    /// 401 as hma-matrix says it.
    pub fn no_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: Told::Plain("Authentication required"),
            retry_after_s: None,
        }
    }

    /// The same as an HTML page, as HMA answers under `/ui`. Lists of what does not fit a schema stay lists.
    #[must_use]
    pub fn into_page(self) -> Self {
        let body = match self.body {
            Told::Message(text) => Told::Page(text),
            Told::Plain(text) => Told::Page(text.to_owned()),
            other => other,
        };
        Self { body, ..self }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its message, where it has one.
    pub fn message(&self) -> &str {
        match &self.body {
            Told::Message(text) | Told::Schema(text) | Told::Page(text) => text,
            Told::Plain(text) => text,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (kind, body) = match self.body {
            Told::Message(message) => {
                ("application/json", hma_json::to_text(&serde_json::json!({ "message": message })))
            }
            Told::Schema(list) => ("application/json", list),
            Told::Page(text) => ("text/html; charset=utf-8", page(self.status, &text)),
            Told::Plain(text) => ("text/plain; charset=utf-8", text.to_owned()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A page as werkzeug writes it. *Source:* werkzeug, `HTTPException.get_body`, `HTTP_STATUS_CODES`.
fn page(status: StatusCode, text: &str) -> String {
    let code = status.as_u16();
    // Two names are older there than here.
    let title = match code {
        413 => "Request Entity Too Large",
        422 => "Unprocessable Entity",
        _ => status.canonical_reason().unwrap_or("Unknown Error"),
    };
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&#34;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push_str("<br>"),
            _ => safe.push(c),
        }
    }
    format!(
        "<!doctype html>\n<html lang=en>\n<title>{code} {title}</title>\n<h1>{title}</h1>\n<p>{safe}</p>\n"
    )
}

/// 405 with the methods that are allowed.
pub(crate) fn wrong_method(allow: &str) -> Response {
    let mut response = ApiError::wrong_method().into_response();
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

impl From<StoreError> for ApiError {
    /// A full disk, a locked or damaged database: 503, and never "nothing there".
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::missing(error.to_string()),
            StoreError::Refused { .. } | StoreError::Rejected { .. } | StoreError::BadList { .. } => {
                Self::bad(error.to_string())
            }
            StoreError::Full => Self::unavailable("the disk is full: nothing was changed"),
            StoreError::Locked { .. } => {
                tracing::error!("another program holds the database");
                Self::unavailable("another program holds the database: nothing was changed")
            }
            other => {
                tracing::error!(error = %other, "store");
                Self::unavailable("the store cannot be read or written now")
            }
        }
    }
}

impl From<LookUpError> for ApiError {
    fn from(error: LookUpError) -> Self {
        tracing::error!(%error, "look-up failed");
        Self::unavailable("index not yet ready")
    }
}

impl From<LiveBanksError> for ApiError {
    fn from(error: LiveBanksError) -> Self {
        tracing::error!(%error, "banks");
        Self::unavailable("index not yet ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_werkzeugs_and_what_it_repeats_is_escaped() {
        let error = ApiError::bad("No such SignalType '<b>\"&\nx'").into_page();
        let Told::Page(text) = &error.body else { panic!("no page") };
        assert_eq!(
            page(error.status, text),
            "<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n\
             <p>No such SignalType &#39;&lt;b&gt;&#34;&amp;<br>x&#39;</p>\n"
        );
        assert!(page(StatusCode::PAYLOAD_TOO_LARGE, "").contains("<h1>Request Entity Too Large</h1>"));
        let list = ApiError::schema("[]".to_owned()).into_page();
        assert!(matches!(list.body, Told::Schema(_)), "lists stay lists");
    }
}
