//! Forms of one bank's page that change it.

use axum::extract::Path;
use axum::response::Response;
use lodestone_engine::derive::Layers;
use lodestone_store::{BankChange, NewContent};
use serde_json::json;

use crate::audit;
use crate::auth::Role;
use crate::derived;
use crate::error::ApiError;
use crate::features;
use crate::hma::{banks as hma_banks, content as hma_content, metadata};
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::bank::GIVEN;
use crate::ui::banks::{needed, radius, share};
use crate::ui::given::Given;
use crate::ui::page::Tab;
use crate::ui::segment;
use crate::ui::sent::{Posted, Sent};

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
                        field("layers", "string", false, "Layers that look for it in files: 1,2,3"),
                        field(
                            "members_needed",
                            "integer",
                            false,
                            "Members that have to list or confirm a value",
                        ),
                        field("confirmations_needed", "integer", false, "Confirmations that suffice as well"),
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

/// Back to the bank with a word of what was done.
fn back(name: &str, done: Result<&'static str, ApiError>) -> Result<String, ApiError> {
    done.map(|word| format!("/ui/banks/{}?did={word}", segment(name)))
}

/// A form of a bank that is there.
async fn form(sent: &mut Sent, name: &str) -> Result<Posted, ApiError> {
    hma_banks::bank(&sent.app, name)?;
    sent.form().await
}

async fn change(Path(name): Path<String>, mut sent: Sent) -> Response {
    let done = changed(&mut sent, name.clone()).await;
    sent.done(Tab::Banks, back(&name, done))
}

async fn changed(sent: &mut Sent, name: String) -> Result<&'static str, ApiError> {
    let posted = form(sent, &name).await?;
    let text = |name: &str| posted.form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let ratio = text("enabled_ratio").map(|text| share(Some(text))).transpose()?;
    let radius_bits = text("radius_bits").map(|text| radius(Some(text))).transpose()?;
    let layers = text("layers").map(str::parse::<Layers>).transpose().map_err(ApiError::bad)?;
    let layers = layers.map(|layers| layers.and(Layers::WHOLE).bits());
    let (members_needed, confirmations_needed) =
        (needed(text("members_needed"))?, needed(text("confirmations_needed"))?);
    let caller = sent.caller.clone();
    sent.app
        .writer
        .write(move |batch| {
            let change = BankChange {
                enabled_ratio: ratio,
                radius_bits,
                layers,
                members_needed,
                confirmations_needed,
                ..BankChange::default()
            };
            batch.change_bank(&name, &change)?;
            let mut told = json!({ "bank": name, "enabled_ratio": ratio, "radius_bits": radius_bits,
                                   "members_needed": members_needed, "confirmations_needed": confirmations_needed });
            if let Some(layers) = layers {
                told["layers"] = json!(Layers::from_bits(layers).numbers());
            }
            audit::note(batch, &caller, "bank.change", &told)?;
            Ok("changed")
        })
        .await
}

async fn add(Path(name): Path<String>, mut sent: Sent) -> Response {
    let done = added(&mut sent, name.clone()).await;
    sent.done(Tab::Banks, back(&name, done))
}

async fn added(sent: &mut Sent, name: String) -> Result<&'static str, ApiError> {
    let posted = form(sent, &name).await?;
    let note = metadata::note(posted.form.get("note").map(|text| json!(text.trim())).as_ref())?;
    let given = Given::of(&sent.app, &posted.form, "").await?;
    let signals = given.signals()?;
    let bank = hma_banks::bank(&sent.app, &name)?;
    let record = match &given {
        Given::File(hashed) => derived::of_added(&sent.app, &bank, hashed).await?.flatten(),
        Given::Signal(_) => None,
    };
    let (caller, secrets) = (sent.caller.clone(), sent.app.secrets.clone());
    let has_features = record.is_some();
    let done = sent
        .app
        .writer
        .write(move |batch| {
            let content = NewContent { signals: &signals, note: note.as_deref(), ..NewContent::default() };
            let added = batch.add_content(&name, &content)?;
            let mut told = json!({ "bank": name, "bank_content_id": added.content_id });
            if let Some(record) = record {
                features::keep(batch, &secrets, added.entry_no, &record)?;
                told["features"] = json!(true);
            }
            audit::note(batch, &caller, "content.add", &told)?;
            Ok("added")
        })
        .await?;
    if has_features {
        sent.app.pictures.follow().await;
    }
    Ok(done)
}

async fn remove(Path(name): Path<String>, mut sent: Sent) -> Response {
    let done = removed(&mut sent, name.clone()).await;
    sent.done(Tab::Banks, back(&name, done))
}

async fn removed(sent: &mut Sent, name: String) -> Result<&'static str, ApiError> {
    let posted = form(sent, &name).await?;
    let id = hma_content::content_id(posted.form.get("content_id").unwrap_or_default())
        .map_err(|_| ApiError::bad("Which content is to be removed?"))?;
    let caller = sent.caller.clone();
    sent.app
        .writer
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

async fn delete(Path(name): Path<String>, mut sent: Sent) -> Response {
    let done = deleted(&mut sent, name).await;
    sent.done(Tab::Banks, done.map(|()| "/ui/banks".to_owned()))
}

async fn deleted(sent: &mut Sent, name: String) -> Result<(), ApiError> {
    let posted = form(sent, &name).await?;
    if posted.form.get("name").map(str::trim) != Some(name.as_str()) {
        return Err(ApiError::bad("That is not the bank's name"));
    }
    hma_banks::remove(&sent.app, &sent.caller, name).await
}
