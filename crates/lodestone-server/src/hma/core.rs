//! `/`, `/status`, `/site-map`.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header::LOCATION};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::App;
use crate::http::reply::{Json, typed};
use crate::route::{About, For, Routes};

pub(crate) fn routes(routes: Routes) -> Routes {
    let about = |summary, answers| About { summary, takes: &[], answers };
    routes
        .get("/", For::All, about("To the pages, or to the status", &[(302, "There")]), root)
        .get(
            "/status",
            For::All,
            about(
                "Whether look-ups are answered",
                &[(200, "`I-AM-ALIVE`"), (503, "`INDEX-NOT-LOADED`, `INDEX-STALE`")],
            ),
            status,
        )
        .get("/status/live", For::All, about("Whether the process lives", &[(200, "`I-AM-ALIVE`")]), live)
        .get("/site-map", For::All, about("All routes", &[(200, "A list of patterns")]), site_map)
}

async fn root(State(app): State<App>) -> Response {
    let place = if app.config.ui { "/ui" } else { "/status" };
    let mut response = typed(StatusCode::FOUND, "text/html; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(place));
    response
}

async fn status(State(app): State<App>) -> Response {
    let (status, text) = match (app.looks_up(), app.writer.health().is_behind()) {
        (true, false) => (StatusCode::OK, "I-AM-ALIVE"),
        (true, true) => (StatusCode::SERVICE_UNAVAILABLE, "INDEX-STALE"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "INDEX-NOT-LOADED"),
    };
    typed(status, "text/html; charset=utf-8", text)
}

async fn live() -> Response {
    typed(StatusCode::OK, "text/html; charset=utf-8", "I-AM-ALIVE")
}

async fn site_map(State(app): State<App>) -> Response {
    let mut patterns: Vec<String> =
        app.table().list().iter().map(|route| flask_pattern(route.path)).collect();
    patterns.sort_unstable();
    patterns.dedup();
    Json::ok(json!(patterns)).into_response()
}

/// `/c/bank/{bank_name}/content/{content_id}` as Flask writes it.
fn flask_pattern(path: &str) -> String {
    let typed = [("content_id", "int"), ("exchange_name", "string"), ("api_name", "string")];
    let typed = typed.iter().fold(path.to_owned(), |path, (name, kind)| {
        path.replace(&format!("{{{name}}}"), &format!("<{kind}:{name}>"))
    });
    typed.replace('{', "<").replace('}', ">")
}
