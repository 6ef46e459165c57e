//! `/v1/exchanges/N/status`: how an exchange stands, with what HMA's route has no place for: why, and what was counted.
//! `/v1/exchanges/N/votes`: what it is still to be told.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_store::{DeliveryState, Exchange};
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchanging::Kept;
use crate::http::params::Params;
use crate::route::{About, For, Routes};
use crate::v1::{limit, ok, query};

const MISSING: (u16, &str) = (404, "No such exchange");
/// Votes of a page, unless another number is asked for, and at most.
const PAGE: (usize, usize) = (100, 1000);

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/exchanges/{exchange_name}/status",
            allowed,
            About {
                summary: "How an exchange stands: as HMA's status, with why its last fetch failed, what that counted, and \
                          how many votes wait",
                takes: &[],
                answers: &[(200, "status"), MISSING],
            },
            status,
        )
        .get(
            "/v1/exchanges/{exchange_name}/votes",
            allowed,
            About {
                summary: "Votes to an exchange by state, oldest first; the page after begins at `next`",
                takes: const {
                    &[
                        query("state", "string", "`dead`, `pending` or `done`; dead without it"),
                        query("after", "integer", "Only those after this number"),
                        query("limit", "integer", "Votes a page, 1 to 1000; 100 by default"),
                    ]
                },
                answers: &[(200, "A page"), (400, "A parameter cannot be used"), MISSING],
            },
            votes,
        )
        .post(
            "/v1/exchanges/{exchange_name}/votes/{no}/retry",
            allowed,
            About {
                summary: "Has a dead vote sent again, with all its attempts; `all` in the place of a number: every one",
                takes: &[],
                answers: &[(200, "How many"), (404, "No such exchange, or no such vote that is dead")],
            },
            retry,
        )
}

async fn named(app: &App, name: &str) -> Result<Exchange, ApiError> {
    let wanted = name.to_owned();
    let found = app.readers.read(move |store| Ok(store.exchange(&wanted)?)).await?;
    found.ok_or_else(|| ApiError::missing(format!("Exchange '{name}' not found")))
}

async fn status(State(app): State<App>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let exchange = named(&app, &name).await?;
    let count = app.readers.read(move |store| Ok(store.votes_count(Some(&name))?)).await?;
    let (kept, fetch) = (Kept::of(&exchange), &exchange.fetch);
    Ok(ok(json!({
        "exchange": exchange.name, "bank": exchange.bank, "api": exchange.api, "enabled": exchange.enabled,
        "checkpoint_ts": fetch.checkpoint_ts, "fetched_items": fetch.fetched_items,
        "last_fetch_complete_ts": fetch.last_fetch_complete_ts, "last_fetch_succeeded": fetch.last_fetch_succeeded,
        "running_fetch_start_ts": fetch.running_fetch_start_ts, "up_to_date": fetch.up_to_date,
        "why": kept.why, "last": kept.last.told(),
        "votes": { "pending": count.pending, "dead": count.dead },
    })))
}

async fn votes(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let state = params.filled("state").unwrap_or("dead");
    let state: DeliveryState = state.parse().map_err(ApiError::bad)?;
    let after = match params.filled("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::bad("after must be a whole number"))?,
    };
    let limit = limit(params.filled("limit"), PAGE.0, PAGE.1)?;
    named(&app, &name).await?;
    let (rows, count) = app
        .readers
        .read(move |store| {
            Ok((store.votes(Some(&name), state, after, limit)?, store.votes_count(Some(&name))?))
        })
        .await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.no)).flatten();
    let votes: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "no": row.no, "vote": row.body, "state": row.state.as_str(), "attempts": row.attempts,
                    "next_us": row.next_us, "last_error": row.last_error, "created_us": row.created_us,
                    "done_us": row.done_us })
        })
        .collect();
    Ok(ok(json!({ "votes": votes, "next": next, "pending": count.pending, "dead": count.dead })))
}

async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, text)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::missing("there is no such vote that is dead");
    let no = match text.as_str() {
        "all" => None,
        number => Some(number.parse::<i64>().map_err(|_| missing())?),
    };
    named(&app, &name).await?;
    let retried = app
        .writer
        .write(move |batch| {
            let retried = batch.retry_votes(&name, no)?;
            if retried == 0 && no.is_some() {
                return Err(missing());
            }
            if retried > 0 {
                let object = json!({ "exchange": name, "vote": no, "votes": retried });
                audit::note(batch, &caller, "exchange.vote_retry", &object)?;
            }
            Ok(retried)
        })
        .await?;
    app.actions.vote();
    Ok(ok(json!({ "retried": retried })))
}
