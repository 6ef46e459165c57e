//! `/h/hash`. *Source:* `hma.md` section 1.3.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use lodestone_types::SignalType;
use serde_json::json;

use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::http::body::{self, Form};
use crate::http::params::Params;
use crate::http::reply::Json;
use crate::lax::Fields;
use crate::media::{self, ContentType, Hashed};
use crate::route::{About, For, Place, Routes, Takes};

const URL: Takes = Takes {
    name: "url",
    place: Place::Query,
    kind: "string",
    required: true,
    about: "Where the file is fetched from",
};
const CONTENT_TYPE: Takes = Takes {
    name: "content_type",
    place: Place::Query,
    kind: "string",
    required: false,
    about: "`photo` or `video`, where the answer's own header does not say",
};
const TYPES: Takes = Takes {
    name: "types",
    place: Place::Query,
    kind: "string",
    required: false,
    about: "Signal types wanted, separated by commas; all that the content type has by default",
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/h/hash",
            For::Role(Role::Hash),
            About {
                summary: "Signals of a file at a URL",
                takes: &[URL, CONTENT_TYPE, TYPES],
                answers: &[
                    (200, "Signal types and values; the empty string for a picture of low quality"),
                    (400, "The URL, its content or a parameter cannot be used"),
                    (413, "Too large"),
                    (422, "A parameter is missing, or the file ended a worker"),
                ],
            },
            hash_url,
        )
        .post(
            "/h/hash",
            For::Role(Role::Hash),
            About {
                summary: "Signals of an uploaded file",
                takes: &[TYPES, FILE],
                answers: &[
                    (200, "Signal types and values; the empty string for a picture of low quality"),
                    (400, "No file, several, or one that cannot be read"),
                    (413, "Too large"),
                    (422, "The file ended a worker"),
                ],
            },
            hash_upload,
        )
}

/// The file of a form: its field is named after its content type.
pub(crate) const FILE: Takes = Takes {
    name: "photo",
    place: Place::Form,
    kind: "file",
    required: true,
    about: "The file; the field is named `photo` or `video`, after what it is",
};

async fn hash_url(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let fields = Fields::from_query(&["url", "content_type", "types"], params.pairs());
    let url = fields.read(|fields| fields.required_str("url")).map_err(|e| ApiError::schema(e.to_json()))?;
    let hashed = of_url(&app, &url, params.get("content_type"), params.get("types")).await?;
    answer(&hashed)
}

async fn hash_upload(
    State(app): State<App>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let held = body::read(&headers, body, &app.bodies).await?;
    let form = body::form(&headers, &held.bytes);
    let (kind, bytes) = one_file(&form)?;
    let types = media::wanted(&app, kind, params.get("types"))?;
    answer(&media::hash(&app, bytes, &types).await?)
}

fn answer(hashed: &Hashed) -> Result<Response, ApiError> {
    // What was asked for and cannot be had is an error, whatever else there is.
    match &hashed.unreadable {
        Some(why) => Err(media::unreadable(Some(why))),
        None => Ok(Json::ok(json!(hashed.texts())).into_response()),
    }
}

/// Signals of the file at a URL.
pub(crate) async fn of_url(
    app: &App,
    url: &str,
    content_type: Option<&str>,
    types: Option<&str>,
) -> Result<Hashed, ApiError> {
    let fetched = media::from_url(app, url, content_type).await?;
    let types: Vec<SignalType> = media::wanted(app, fetched.kind, types)?;
    Ok(media::hash(app, fetched.bytes, &types).await?.holding(fetched.room))
}

/// The one file of a form, and what it is said to be.
pub(crate) fn one_file(form: &Form) -> Result<(ContentType, Bytes), ApiError> {
    match form.files.as_slice() {
        [] => Err(ApiError::bad("Missing multipart/form-data file upload")),
        [file] => Ok((ContentType::named(&file.field)?, file.bytes.clone())),
        _ => Err(ApiError::bad("Only one file allowed per request")),
    }
}
