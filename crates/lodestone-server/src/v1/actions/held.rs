//! `/v1/quarantine`: hashes that suddenly matched many senders.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LIMIT, field, json as read_json, kept_json, limit, ok, one_of, query};
use crate::App;
use crate::actions::ask_release;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::route::{About, For, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/quarantine",
            allowed,
            About {
                summary: "Hashes whose actions are held, or were; the page after begins at `next`",
                takes: const { &[
                    query("state", "string", "`held` or `released`; held without it"),
                    query("after", "string", "Only those after this hash key"),
                    LIMIT,
                ] },
                answers: &[(200, "A page"), (400, "A parameter cannot be used")],
            },
            list,
        )
        .post(
            "/v1/quarantine/{hash_key}/release",
            allowed,
            About {
                summary: "Lets a hash go; what was held is done now by the rules in force, or dropped",
                takes: const { &[field("send", "boolean", true, "Whether it is done")] },
                answers: &[(200, "Done"), (400, "What does not fit"), (404, "It is not held")],
            },
            release,
        )
}

async fn list(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let held = one_of(&params, "state", &["held", "released"])? == "held";
    let (after, limit) = (params.get("after").unwrap_or_default().to_owned(), limit(&params)?);
    let rows = app.readers.read(move |store| Ok(store.quarantine(held, &after, limit)?)).await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.hash_key.clone())).flatten();
    let hashes: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "hash_key": row.hash_key, "held": row.held, "first_us": row.first_us,
                    "changed_us": row.changed_us, "senders": row.senders, "is": kept_json(&row.body) })
        })
        .collect();
    Ok(ok(&json!({ "hashes": hashes, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    send: bool,
}

async fn release(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Release { send } = read_json(&app, &headers, body).await?;
    ask_release((&app.readers, &app.writer, &app.actions), caller, key, send).await?;
    Ok(ok(&json!({ "message": "Done" })))
}
