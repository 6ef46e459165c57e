//! `/v1/exchanges/N/status`: how an exchange stands, with what HMA's route has no place for: why, and what was counted.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::exchanging::Kept;
use crate::route::{About, For, Routes};
use crate::v1::ok;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/v1/exchanges/{exchange_name}/status",
        For::Role(Role::Curate),
        About {
            summary: "How an exchange stands: as HMA's status, with why its last fetch failed and what that counted",
            takes: &[],
            answers: &[(200, "status"), (404, "No such exchange")],
        },
        status,
    )
}

async fn status(State(app): State<App>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let wanted = name.clone();
    let found = app.readers.read(move |store| Ok(store.exchange(&wanted)?)).await?;
    let exchange = found.ok_or_else(|| ApiError::missing(format!("Exchange '{name}' not found")))?;
    let (kept, fetch) = (Kept::of(&exchange), &exchange.fetch);
    Ok(ok(json!({
        "exchange": exchange.name, "bank": exchange.bank, "api": exchange.api, "enabled": exchange.enabled,
        "checkpoint_ts": fetch.checkpoint_ts, "fetched_items": fetch.fetched_items,
        "last_fetch_complete_ts": fetch.last_fetch_complete_ts, "last_fetch_succeeded": fetch.last_fetch_succeeded,
        "running_fetch_start_ts": fetch.running_fetch_start_ts, "up_to_date": fetch.up_to_date,
        "why": kept.why, "last": kept.last.told(),
    })))
}
