//! `/v1/snapshot`: copies of the database, made while the server runs, in `backups/NAME` of the data folder.
//!
//! A copy is a folder with a `lodestone.db`, and so a data folder: a server can be started on a copy of it. What is secret
//! is in it as it is in the database: sealed, or as a digest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_store::{Store, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::route::{About, For, Routes};
use crate::v1::spool::private_folder;
use crate::v1::{Compact, field, json as json_body, ok};

/// Copies that are listed.
const MAX_LISTED: usize = 1000;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    routes
        .get(
            "/v1/snapshot",
            allowed,
            About {
                summary: "Copies of the database, newest first",
                takes: &[],
                answers: &[(200, "snapshots: name, size, when it was made")],
            },
            list,
        )
        .post(
            "/v1/snapshot",
            allowed,
            About {
                summary: "Copies the database, whole and of one state, to backups/NAME in the data folder, while all else \
                          goes on. Indexes are not copied: they are made anew from it",
                takes: const { &[field(
                    "name",
                    "string",
                    false,
                    "1 to 100 of A-Z a-z 0-9 _ - and, not at first, a dot; the time and generation by default",
                )] },
                answers: &[
                    (201, "The copy: name, size, generation"),
                    (400, "Not a name"),
                    (403, "There is a copy of this name"),
                    (429, "A copy is being made"),
                    (503, "The disk is full"),
                ],
            },
            make,
        )
}

fn folder(data: &Path) -> PathBuf {
    data.join("backups")
}

/// A name that is nothing but a name.
fn check_name(name: &str) -> Result<(), ApiError> {
    let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c));
    match plain && (1..=100).contains(&name.len()) && !name.starts_with('.') {
        true => Ok(()),
        false => Err(ApiError::bad("name must be 1 to 100 of A-Z a-z 0-9 _ - and, not at first, a dot")),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    name: Option<String>,
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let nothing = headers.get(axum::http::header::CONTENT_TYPE).is_none();
    let wanted: Wanted = if nothing { Wanted::default() } else { json_body(&app, &headers, body).await? };
    let generation = app.view.now().generation();
    let name = wanted.name.unwrap_or_else(|| format!("{}-g{generation}", app.clock.now_s()));
    check_name(&name)?;
    let place = app.transfers.snapshot()?;
    let (data, to) = (app.config.data.clone(), folder(&app.config.data).join(&name));
    let (size_bytes, generation) = tokio::task::spawn_blocking(move || {
        let _place = place;
        copy(&data, &to)
    })
    .await
    .map_err(|_| ApiError::unavailable("the copy failed"))??;
    let told = json!({ "name": name, "size_bytes": size_bytes, "generation": generation });
    let object = told.clone();
    app.writer.write(move |batch| audit::note(batch, &caller, "snapshot.make", &object)).await?;
    Ok(Compact(StatusCode::CREATED, told).into_response())
}

/// Copies the database into a folder of its own; its size, and the generation that the copy has.
fn copy(data: &Path, to: &Path) -> Result<(u64, u64), ApiError> {
    if to.exists() {
        return Err(ApiError::forbidden("there is a snapshot of this name"));
    }
    let failed = |error: std::io::Error| {
        ApiError::from(StoreError::Io { path: to.display().to_string(), reason: error.to_string() })
    };
    private_folder(to).map_err(failed)?;
    let copied = Store::open_read_only(data)
        .and_then(|store| store.backup_to(&to.join("lodestone.db")))
        // What was written is opened again: a copy that cannot be read is none.
        .and_then(|size| Ok((size, Store::open_read_only(to)?.generation()?)));
    if copied.is_err() {
        let _ = fs::remove_dir_all(to);
    }
    Ok(copied?)
}

async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let folder = folder(&app.config.data);
    let listed = tokio::task::spawn_blocking(move || listed(&folder)).await;
    let snapshots = listed.map_err(|_| ApiError::unavailable("reading failed"))?;
    Ok(ok(json!({ "snapshots": snapshots })))
}

fn listed(folder: &Path) -> Vec<Value> {
    let Ok(folders) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<(u64, String, u64)> = folders
        .flatten()
        .filter_map(|one| {
            let facts = fs::metadata(one.path().join("lodestone.db")).ok()?;
            let made = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
            Some((made, one.file_name().into_string().ok()?, facts.len()))
        })
        .collect();
    all.sort_by(|a, b| b.cmp(a));
    all.truncate(MAX_LISTED);
    all.into_iter()
        .map(|(made_s, name, size_bytes)| json!({ "name": name, "size_bytes": size_bytes, "made_s": made_s }))
        .collect()
}

#[cfg(test)]
mod tests {
    use lodestone_types::BankKind;

    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["a", "2026-11-29_x.1", &"x".repeat(100)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", ".x", "a/b", "a\\b", "a b", "a\0", "ü", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_copy_is_a_data_folder_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.create_bank("A", BankKind::Own, 31, "", 1).unwrap();
        let to = folder(dir.path()).join("one");
        let (size, generation) = copy(dir.path(), &to).unwrap();
        assert!(size > 0);
        assert_eq!(generation, store.generation().unwrap());
        store.delete_bank("A").unwrap();
        assert_eq!(Store::open_read_only(&to).unwrap().banks().unwrap().len(), 1);
        assert_eq!(copy(dir.path(), &to).unwrap_err().status(), StatusCode::FORBIDDEN);
        let told = listed(&folder(dir.path()));
        assert_eq!((told.len(), &told[0]["name"]), (1, &json!("one")));
        assert!(listed(&dir.path().join("none")).is_empty());
    }
}
