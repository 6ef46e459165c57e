//! `/c/signal_type`, `/c/signal_type/index`, `/c/content_type`. *Source:* `hma.md` section 1.6.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::hma::{banks, compare};
use crate::http::params::Params;
use crate::http::reply::Json;
use crate::media::ContentType;
use crate::route::{About, For, Place, Routes, Takes};
use crate::types::setting;

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    let about = |summary, answers| About { summary, takes: &[], answers };
    routes
        .get(
            "/c/signal_type",
            allowed,
            about("All signal types offered", &[(200, "A list of name and ratio")]),
            list,
        )
        .put(
            "/c/signal_type/{signal_type_name}",
            allowed,
            About {
                summary: "Turns a signal type on or off",
                takes: &[Takes {
                    name: "enabled_ratio",
                    place: Place::Json,
                    kind: "number",
                    required: true,
                    about: "0: off; more: on",
                }],
                answers: &[(200, "Name and ratio"), (400, "Ratio"), (404, "No such type"), (422, "Schema")],
            },
            change,
        )
        .get(
            "/c/signal_type/index",
            allowed,
            About {
                summary: "What the store and the index hold, by type",
                takes: &[Takes {
                    name: "signal_type",
                    place: Place::Query,
                    kind: "string",
                    required: false,
                    about: "One type only",
                }],
                answers: &[(200, "Sizes"), (400, "No such type")],
            },
            index,
        )
        .get(
            "/c/content_type",
            allowed,
            about("All content types", &[(200, "A list of name and enabled")]),
            content_types,
        )
}

async fn list(State(app): State<App>) -> Json {
    let types = app.types.all().into_iter();
    let types: Vec<Value> =
        types.map(|(kind, ratio)| json!({ "enabled_ratio": ratio, "name": kind.as_str() })).collect();
    Json::ok(json!(types))
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json, ApiError> {
    let fields = banks::fields(&app, "SignalTypeUpdateRequest", &headers, body).await?;
    let ratio = fields
        .read(|f| f.required_float("enabled_ratio"))
        .map_err(|errors| ApiError::schema(errors.to_json()))?;
    let ratio = banks::check_ratio(ratio)?;
    let (kind, _) =
        app.types.named(&name).ok_or_else(|| ApiError::missing(format!("No such signal type '{name}'")))?;
    let written = app
        .writer
        .write(move |batch| {
            batch.set_setting(&setting(kind), Some(&ratio.to_string()))?;
            let object = json!({ "signal_type": kind.as_str(), "enabled_ratio": ratio });
            audit::note(batch, &caller, "signal_type.change", &object)
        })
        .await;
    // Whatever the writer says of the index: what was kept is in force.
    app.load_types().await?;
    written?;
    Ok(Json::ok(json!({ "enabled_ratio": ratio, "name": kind.as_str() })))
}

async fn index(State(app): State<App>, params: Params) -> Result<Json, ApiError> {
    let types = compare::of_type(&app, params.get("signal_type"))?;
    let state = app.view.now();
    let mut answer = Map::new();
    for kind in types {
        let size = state.counts().get(&kind).copied().unwrap_or(0);
        let built_to = if size == 0 { -1 } else { app.built_to_s() };
        // What was committed is searched: the two never differ here.
        answer.insert(
            kind.as_str().to_owned(),
            json!({
                "db_size": size,
                "index_size": size,
                "index_out_of_date": false,
                "newest_db_item": built_to,
                "index_built_to": built_to,
            }),
        );
    }
    Ok(Json::ok(Value::Object(answer)))
}

async fn content_types() -> Json {
    let types: Vec<Value> =
        ContentType::ALL.iter().map(|kind| json!({ "enabled": true, "name": kind.as_str() })).collect();
    Json::ok(json!(types))
}
