//! `/v1/audit`: the log of audit, its proofs, and the words beside it.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lodestone_store::AuditEntry;
use lodestone_tlog::{Checkpoint, Folder, Reader, TlogError, VerifierKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LIMIT, field, json as read_json, kept_json, limit, number, ok, query};
use crate::App;
use crate::audit::{self, BodyState};
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::http::reply::typed;
use crate::route::{About, For, Routes};

const MISSING: &str = "the log has no such entry";

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Audit);
    let about = |summary, takes, answers| About { summary, takes, answers };
    routes
        .get(
            "/v1/audit",
            allowed,
            about("The log of audit: its size, its checkpoint, the key that verifies it", &[], &[(200, "The log")]),
            show,
        )
        .get(
            "/v1/audit/checkpoint",
            allowed,
            about(
                "The signed checkpoint, as C2SP has it: keep it elsewhere",
                &[],
                &[(200, "A signed note"), (503, "It cannot be read")],
            ),
            checkpoint,
        )
        .get(
            "/v1/audit/entries",
            allowed,
            about(
                "Entries with their words, newest first; the page after begins at `next`",
                const { &[query("before", "integer", "Only those before this number: `next` of the page before"), LIMIT] },
                &[(200, "A page"), (400, "A parameter cannot be used")],
            ),
            entries,
        )
        .get(
            "/v1/audit/entries/{index}",
            allowed,
            about("An entry by its place in the log", &[], &[(200, "The entry"), (404, MISSING)]),
            entry,
        )
        .get(
            "/v1/audit/entries/{index}/proof",
            allowed,
            about(
                "The proof that an entry is in the log, as RFC 6962 has it",
                &[],
                &[(200, "Leaf, hashes of the path, checkpoint"), (404, MISSING)],
            ),
            proof,
        )
        .delete(
            "/v1/audit/entries/{index}",
            For::Role(Role::Admin),
            about(
                "Erases the words of an entry; the log stays whole",
                const { &[field("reason", "string", true, "Why")] },
                &[(200, "Done"), (400, "What does not fit"), (404, MISSING)],
            ),
            erase,
        )
}

/// Reads the log in a thread that may wait.
async fn read<R: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Reader<'_, Folder>) -> Result<R, TlogError> + Send + 'static,
) -> Result<R, ApiError> {
    let (root, key) = (app.config.data.join(audit::FOLDER), app.actions.audit_key.clone());
    let read = move || {
        let folder = Folder::for_reading(&root);
        work(&Reader::open(&folder, &[VerifierKey::parse(&key)?])?)
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(TlogError::Refused { .. })) => Err(ApiError::missing(MISSING)),
        Ok(Err(error)) => {
            tracing::error!(%error, "audit log");
            Err(ApiError::unavailable("the log of audit cannot be read now"))
        }
        Err(_) => Err(ApiError::unavailable("the log of audit cannot be read now")),
    }
}

/// The signed checkpoint's text.
async fn note(app: &App) -> Result<String, ApiError> {
    let path = app.config.data.join(audit::FOLDER).join("checkpoint");
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|_| ApiError::unavailable("the log of audit cannot be read now"))
}

async fn show(State(app): State<App>) -> Result<Response, ApiError> {
    let note = note(&app).await?;
    let key = VerifierKey::parse(&app.actions.audit_key);
    let opened = key.and_then(|key| Checkpoint::open(note.as_bytes(), &[key]));
    let (checkpoint, _) = opened.map_err(|_| ApiError::unavailable("the checkpoint is not signed by the log"))?;
    Ok(ok(&json!({ "origin": checkpoint.origin, "size": checkpoint.size, "root": STANDARD.encode(checkpoint.root),
                   "verifier_key": app.actions.audit_key, "checkpoint": note })))
}

async fn checkpoint(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(typed(StatusCode::OK, "text/plain; charset=utf-8", note(&app).await?))
}

fn told(row: &AuditEntry) -> Value {
    let leaf = std::str::from_utf8(&row.leaf).map(kept_json).unwrap_or_default();
    json!({ "no": row.no, "index": row.log_index, "entry": leaf, "state": BodyState::of(row).as_str(),
            "body": row.body.as_deref().map(kept_json) })
}

async fn entries(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let (before, limit) = (number(&params, "before", i64::MAX)?, limit(&params)?);
    let rows = app.readers.read(move |store| Ok(store.audit_entries_before(before, limit)?)).await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.no)).flatten();
    let entries: Vec<Value> = rows.iter().map(told).collect();
    Ok(ok(&json!({ "entries": entries, "next": next })))
}

async fn row(app: &App, text: &str) -> Result<AuditEntry, ApiError> {
    let index: i64 = text.parse().map_err(|_| ApiError::missing(MISSING))?;
    let row = app.readers.read(move |store| Ok(store.audit_at(index)?)).await?;
    row.ok_or_else(|| ApiError::missing(MISSING))
}

async fn entry(State(app): State<App>, Path(text): Path<String>) -> Result<Response, ApiError> {
    Ok(ok(&told(&row(&app, &text).await?)))
}

async fn proof(State(app): State<App>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let index: u64 = text.parse().map_err(|_| ApiError::missing(MISSING))?;
    let found = read(&app, move |reader| {
        let (hash, path) = reader.inclusion_proof(index)?;
        Ok((reader.entry(index)?, hash, path, reader.checkpoint().clone()))
    });
    let (leaf, hash, path, checkpoint) = found.await?;
    let path: Vec<String> = path.iter().map(|hash| STANDARD.encode(hash)).collect();
    Ok(ok(&json!({ "index": index, "leaf": STANDARD.encode(leaf), "leaf_hash": STANDARD.encode(hash), "proof": path,
                   "origin": checkpoint.origin, "size": checkpoint.size, "root": STANDARD.encode(checkpoint.root) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Erase {
    reason: String,
}

async fn erase(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Erase { reason } = read_json(&app, &headers, body).await?;
    let row = row(&app, &text).await?;
    app.writer.write(move |batch| audit::erase(batch, &caller, &row, &reason)).await?;
    Ok(ok(&json!({ "message": "Done" })))
}
