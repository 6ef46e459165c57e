//! Forms of one bank's page that change it.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_store::{BankChange, NewContent, StoreError};
use serde_json::json;

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::hma::{banks as hma_banks, content as hma_content, metadata};
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::bank::GIVEN;
use crate::ui::banks::{radius, share};
use crate::ui::given::Given;
use crate::ui::page::{Tab, shown};
use crate::ui::{Visit, posted, see_other, segment};

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Form, kind, required, about }
}

const BACK: &[(u16, &str)] =
    &[(303, "To the bank's page"), (400, "A field"), (403, "No token"), (404, "No such bank")];

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .post(
            "/ui/banks/{bank_name}/change",
            allowed,
            About {
                summary: "Changes a bank (form of the page)",
                takes: const {
                    &[
                        field("enabled_ratio", "number", false, "Share of look-ups it takes part in, 0 to 1"),
                        field("radius_bits", "integer", false, "PDQ distance up to which it matches"),
                    ]
                },
                answers: BACK,
            },
            change,
        )
        .post(
            "/ui/banks/{bank_name}/add",
            allowed,
            About {
                summary: "Adds a content (form of the page)",
                takes: const {
                    &[
                        GIVEN[0],
                        GIVEN[1],
                        GIVEN[2],
                        GIVEN[3],
                        GIVEN[4],
                        field("note", "string", false, "Up to 255 characters"),
                    ]
                },
                answers: BACK,
            },
            add,
        )
        .post(
            "/ui/banks/{bank_name}/remove",
            allowed,
            About {
                summary: "Removes a content (form of the page)",
                takes: const { &[field("content_id", "integer", true, "Its id")] },
                answers: BACK,
            },
            remove,
        )
        .post(
            "/ui/banks/{bank_name}/delete",
            allowed,
            About {
                summary: "Deletes a bank (form of the page)",
                takes: const { &[field("name", "string", true, "Its name once more")] },
                answers: &[
                    (303, "To all banks"),
                    (400, "Another name"),
                    (403, "No token"),
                    (404, "No such bank"),
                ],
            },
            delete,
        )
}

/// Back to the bank with a word of what was done, or the page that says why not.
fn back(app: &App, visit: &Visit, name: &str, done: Result<&'static str, ApiError>) -> Response {
    match done {
        Ok(word) => see_other(&format!("/ui/banks/{}?did={word}", segment(name))),
        Err(error) => shown(app, visit, Tab::Banks, Err(error)),
    }
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = changed(&app, caller, &visit, name.clone(), &headers, body).await;
    back(&app, &visit, &name, done)
}

async fn changed(
    app: &App,
    caller: Caller,
    visit: &Visit,
    name: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<&'static str, ApiError> {
    hma_banks::bank(app, &name)?;
    let posted = posted(app, visit, headers, body).await?;
    let text = |name: &str| posted.form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let ratio = text("enabled_ratio").map(|text| share(Some(text))).transpose()?;
    let radius_bits = text("radius_bits").map(|text| radius(Some(text))).transpose()?;
    app.writer
        .write(move |batch| {
            let change = BankChange { enabled_ratio: ratio, radius_bits, ..BankChange::default() };
            batch.change_bank(&name, &change)?;
            let told = json!({ "bank": name, "enabled_ratio": ratio, "radius_bits": radius_bits });
            audit::note(batch, &caller, "bank.change", &told)?;
            Ok("changed")
        })
        .await
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = added(&app, caller, &visit, name.clone(), &headers, body).await;
    back(&app, &visit, &name, done)
}

async fn added(
    app: &App,
    caller: Caller,
    visit: &Visit,
    name: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<&'static str, ApiError> {
    hma_banks::bank(app, &name)?;
    let posted = posted(app, visit, headers, body).await?;
    let note = metadata::note(posted.form.get("note").map(|text| json!(text.trim())).as_ref())?;
    let signals = Given::of(app, &posted.form, "").await?.signals()?;
    app.writer
        .write(move |batch| {
            let content = NewContent { signals: &signals, note: note.as_deref(), ..NewContent::default() };
            let added = batch.add_content(&name, &content)?;
            let told = json!({ "bank": name, "bank_content_id": added.content_id });
            audit::note(batch, &caller, "content.add", &told)?;
            Ok("added")
        })
        .await
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = removed(&app, caller, &visit, name.clone(), &headers, body).await;
    back(&app, &visit, &name, done)
}

async fn removed(
    app: &App,
    caller: Caller,
    visit: &Visit,
    name: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<&'static str, ApiError> {
    hma_banks::bank(app, &name)?;
    let posted = posted(app, visit, headers, body).await?;
    let id = hma_content::content_id(posted.form.get("content_id").unwrap_or_default())
        .map_err(|_| ApiError::bad("Which content is to be removed?"))?;
    app.writer
        .write(move |batch| {
            if batch.remove_content(&name, id)?.is_none() {
                return Ok("gone");
            }
            let told = json!({ "bank": name, "bank_content_id": id });
            audit::note(batch, &caller, "content.remove", &told)?;
            Ok("removed")
        })
        .await
}

async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match deleted(&app, caller, &visit, name, &headers, body).await {
        Ok(()) => see_other("/ui/banks"),
        Err(error) => shown(&app, &visit, Tab::Banks, Err(error)),
    }
}

async fn deleted(
    app: &App,
    caller: Caller,
    visit: &Visit,
    name: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), ApiError> {
    hma_banks::bank(app, &name)?;
    let posted = posted(app, visit, headers, body).await?;
    if posted.form.get("name").map(str::trim) != Some(name.as_str()) {
        return Err(ApiError::bad("That is not the bank's name"));
    }
    app.writer
        .write(move |batch| match batch.delete_bank(&name) {
            Ok(()) => audit::note(batch, &caller, "bank.delete", &json!({ "bank": name })),
            Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        })
        .await
}
