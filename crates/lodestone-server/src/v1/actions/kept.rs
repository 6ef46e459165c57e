//! `/v1/settings/actions`: how long things are kept, and which matches the log of audit holds.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::{field, json as read_json, ok};
use crate::App;
use crate::actions::{KEEP_SETTING, Keep};
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::route::{About, For, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    routes
        .get(
            "/v1/settings/actions",
            allowed,
            About {
                summary: "How long matches and messages are kept, and which matches the log of audit holds",
                takes: &[],
                answers: &[(200, "The settings")],
            },
            show,
        )
        .put(
            "/v1/settings/actions",
            allowed,
            About {
                summary: "Sets them; what is not given stands at its default",
                takes: const {
                    &[
                        field("match_days", "integer", false, "Days of the match log; 90 without it"),
                        field("delivered_days", "integer", false, "Days of delivered messages; 7 without it"),
                        field("audit_matches", "string", false, "`all`, `acted` or `none`; all without it"),
                    ]
                },
                answers: &[(200, "The settings"), (400, "What does not fit")],
            },
            change,
        )
}

async fn show(State(app): State<App>) -> Response {
    ok(&**app.actions.keep.load())
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let keep: Keep = read_json(&app, &headers, body).await?;
    keep.check().map_err(ApiError::bad)?;
    let written = app
        .writer
        .write(move |batch| {
            let text = json!(keep);
            batch.set_setting(KEEP_SETTING, Some(&text.to_string()))?;
            audit::note(batch, &caller, "setting.change", &json!({ "actions": text }))
        })
        .await;
    // Read, not handed over: of two changes at the same time the later commit counts, whoever is answered first.
    let actions = app.actions.clone();
    app.readers.read(move |store| Ok(actions.load_keep(store)?)).await?;
    written?;
    Ok(ok(&keep))
}
