//! `/live`, `/ready`, `/metrics`, `/version`: for those who run the server.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::App;
use crate::auth::Role;
use crate::http::reply::{Json, typed};
use crate::route::{About, For, Routes};

pub(crate) fn routes(routes: Routes) -> Routes {
    let about = |summary, answers| About { summary, takes: &[], answers };
    routes
        .get("/live", For::All, about("Whether the process lives", &[(200, "It does")]), live)
        .get(
            "/ready",
            For::All,
            about(
                "Whether requests should be sent here, how far workers are confined, and what layer 3 can look for",
                &[(200, "Yes"), (503, "Not now, and why")],
            ),
            ready,
        )
        .get("/version", For::All, about("Which program answers", &[(200, "Its version")]), version)
        .get(
            "/metrics",
            For::Role(Role::Audit),
            about("Counters for Prometheus", &[(200, "OpenMetrics text")]),
            metrics,
        )
}

async fn live() -> Response {
    Json::ok(json!({ "live": true })).into_response()
}

async fn version() -> Response {
    Json::ok(json!({ "name": "lodestone", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    let why = app.not_ready();
    let ready = why.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let state = app.view.now();
    let sandbox = app.enforced.map_or_else(|| "process-only".to_owned(), |enforced| enforced.to_string());
    let mut answer = json!({
        "ready": ready,
        "workers": app.pool.alive(),
        "sandbox": sandbox,
        "secrets": app.secrets.told(),
        "generation": state.generation(),
    });
    if !ready {
        answer["why"] = json!(why);
    }
    let known = app.pictures.now();
    let total = known.total();
    if total.kept > 0 {
        answer["features"] = json!({
            "kept": total.kept, "looked_for": total.looked_for, "no_room": total.no_room,
            "unreadable": total.unreadable, "outdated": total.outdated,
            "memory_bytes": known.memory_bytes(), "max_bytes": app.pictures.max_bytes(),
        });
        if let Some(why) = app.pictures.trouble() {
            answer["features"]["trouble"] = json!(why);
        }
    }
    if state.unsearched() > 0 {
        // Texts of an older program with patterns that are refused now: in the banks, and never found.
        answer["unsearched_texts"] = json!(state.unsearched());
    }
    Json(status, answer).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    typed(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        app.metrics.text(&app),
    )
}
