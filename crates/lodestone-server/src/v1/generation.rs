//! `GET /v1/generation`: which state of the banks answers.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::Role;
use crate::route::{About, For, Routes};
use crate::v1::ok;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/v1/generation",
        For::Role(Role::Match),
        About {
            summary: "The state that look-ups see: its generation, which rises with every change, the version of each bank, \
                      and what the index holds",
            takes: &[],
            answers: &[(200, "generation, changed_s, banks, index")],
        },
        generation,
    )
}

async fn generation(State(app): State<App>) -> Response {
    let state = app.view.now();
    let banks: Vec<Value> = state
        .banks()
        .map(|bank| {
            json!({
                "name": bank.bank.name,
                "kind": bank.bank.kind,
                "version": bank.bank.version.number,
                "list_sha256": Some(&bank.bank.version.sha256).filter(|sha256| !sha256.is_empty()),
                "entries": bank.bank.version.entries,
                "enabled_ratio": bank.enabled_ratio,
            })
        })
        .collect();
    let index: Map<String, Value> =
        state.counts().iter().map(|(kind, count)| (kind.as_str().to_owned(), json!(count))).collect();
    ok(json!({
        "generation": state.generation(),
        "changed_s": app.built_to_s(),
        "banks": banks,
        "index": { "signals": index },
        "waiting_changes": app.writer.waiting(),
    }))
}
