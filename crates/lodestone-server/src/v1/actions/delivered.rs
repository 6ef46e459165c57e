//! `/v1/outbox`: messages that wait, were delivered, or are dead.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_store::DeliveryState;
use serde_json::{Value, json};

use super::{LIMIT, id, kept_json, limit, number, ok, one_of, query};
use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::route::{About, For, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    routes
        .get(
            "/v1/outbox",
            allowed,
            About {
                summary: "Messages to webhooks by state, oldest first; the page after begins at `next`",
                takes: const { &[
                    query("state", "string", "`dead`, `pending` or `done`; dead without it"),
                    query("after", "integer", "Only those after this number"),
                    LIMIT,
                ] },
                answers: &[(200, "A page"), (400, "A parameter cannot be used")],
            },
            list,
        )
        .post(
            "/v1/outbox/{no}/requeue",
            allowed,
            About {
                summary: "Has a dead message sent again, with all its attempts",
                takes: &[],
                answers: &[(200, "Done"), (404, "No such message, or it is not dead")],
            },
            requeue,
        )
}

async fn list(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let state = one_of(&params, "state", &["dead", "pending", "done"])?;
    let state: DeliveryState = state.parse().map_err(ApiError::bad)?;
    let (after, limit) = (number(&params, "after", 0)?, limit(&params)?);
    let (rows, (pending, dead)) = app
        .readers
        .read(move |store| Ok((store.deliveries(state, after, limit)?, store.outbox_counts()?)))
        .await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.no)).flatten();
    let deliveries: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "no": row.no, "key": row.key, "event": row.event, "rule": row.rule,
                    "url": kept_json(&row.target)["url"], "body": kept_json(&row.body), "state": row.state.as_str(),
                    "attempts": row.attempts, "next_us": row.next_us, "last_error": row.last_error,
                    "created_us": row.created_us, "done_us": row.done_us })
        })
        .collect();
    Ok(ok(&json!({ "deliveries": deliveries, "next": next, "pending": pending, "dead": dead })))
}

async fn requeue(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Response, ApiError> {
    let missing = "there is no such message that is dead";
    let no = id(&text, missing)?;
    app.writer
        .write(move |batch| {
            if !batch.requeue(no)? {
                return Err(ApiError::missing(missing));
            }
            audit::note(batch, &caller, "webhook.requeue", &json!({ "delivery": no }))
        })
        .await?;
    app.actions.deliver();
    Ok(ok(&json!({ "message": "Done" })))
}
