//! `/c/banks`, `/c/bank/B`. *Source:* `hma.md` section 1.5.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use lodestone_engine::live::LiveBank;
use lodestone_store::{BankChange, StoreError};
use lodestone_types::BankKind;
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::body;
use crate::http::reply::Json;
use crate::lax::Fields;
use crate::route::{About, For, Place, Routes, Takes};
use crate::rules::rename_bank;

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Json, kind, required, about }
}

const RATIO: Takes = field("enabled_ratio", "number", false, "Share of look-ups it takes part in, 0 to 1");
const ENABLED: Takes = field("enabled", "boolean", false, "All or none, where there is no ratio");

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/c/banks",
            allowed,
            About { summary: "All banks", takes: &[], answers: &[(200, "A list of name and ratio")] },
            list,
        )
        .post(
            "/c/banks",
            allowed,
            About {
                summary: "Makes a bank",
                takes: const { &[field("name", "string", true, "UPPER_WITH_UNDERSCORE"), RATIO, ENABLED] },
                answers: &[(201, "The bank"), (400, "Name or ratio"), (403, "It exists"), (422, "Schema")],
            },
            create,
        )
        .get(
            "/c/bank/{bank_name}",
            allowed,
            About {
                summary: "A bank",
                takes: &[],
                answers: &[(200, "Name and ratio"), (404, "No such bank")],
            },
            show,
        )
        .put(
            "/c/bank/{bank_name}",
            allowed,
            About {
                summary: "Changes a bank",
                takes: const { &[field("name", "string", false, "Its new name"), RATIO, ENABLED] },
                answers: &[
                    (200, "The bank"),
                    (400, "Name or ratio"),
                    (403, "The name is taken"),
                    (404, "No such bank"),
                    (422, "Schema"),
                ],
            },
            change,
        )
        .delete(
            "/c/bank/{bank_name}",
            allowed,
            About {
                summary: "Deletes a bank with its content, and the exchange that fills it",
                takes: &[],
                answers: &[(200, "Done, also when there was none")],
            },
            delete,
        )
}

/// A bank as HMA writes it.
pub(crate) fn told(name: &str, enabled_ratio: f64) -> Value {
    json!({ "matching_enabled_ratio": enabled_ratio, "name": name })
}

/// The bank of this name, or 404 in HMA's words.
///
/// # Errors
/// 404.
pub(crate) fn bank(app: &App, name: &str) -> Result<std::sync::Arc<LiveBank>, ApiError> {
    let found = app.view.now().bank(name).cloned();
    found.ok_or_else(|| ApiError::missing(format!("bank '{name}' not found")))
}

/// Refuses what HMA refuses as a bank's name. *Source:* HMA's `BankConfig`.
///
/// # Errors
/// 400.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let first = name.bytes().next().is_some_and(|c| c.is_ascii_uppercase() || c == b'_');
    let rest = name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
    if !(first && rest) {
        return Err(ApiError::bad("Bank names must be UPPER_WITH_UNDERSCORE"));
    }
    if name.len() > 255 {
        return Err(ApiError::bad("Bank names must have at most 255 characters"));
    }
    Ok(())
}

/// Refuses ratios that mean nothing; HMA takes any.
///
/// # Errors
/// 400.
pub(crate) fn check_ratio(ratio: f64) -> Result<f64, ApiError> {
    match (0.0..=1.0).contains(&ratio) {
        true => Ok(ratio),
        false => Err(ApiError::bad("enabled_ratio must be a number from 0 to 1")),
    }
}

async fn list(State(app): State<App>) -> Json {
    let state = app.view.now();
    let banks: Vec<Value> = state.banks().map(|bank| told(&bank.bank.name, bank.enabled_ratio)).collect();
    Json::ok(json!(banks))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json, ApiError> {
    let bank = bank(&app, &name)?;
    Ok(Json::ok(told(&bank.bank.name, bank.enabled_ratio)))
}

/// The fields of a JSON body that is declared.
///
/// # Errors
/// 422 with pydantic's list, and what reading the body says.
pub(crate) async fn fields(
    app: &App,
    model: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Fields, ApiError> {
    let held = body::read(headers, body, &app.bodies).await?;
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Fields::from_json(model, kind, &held.bytes).map_err(|errors| ApiError::schema(errors.to_json()))
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = fields(&app, "BankCreateRequest", &headers, body).await?;
    let (name, ratio, enabled) = fields
        .read(|f| (f.required_str("name"), f.opt_float("enabled_ratio", None), f.opt_bool("enabled")))
        .map_err(|errors| ApiError::schema(errors.to_json()))?;
    let ratio = ratio.or(enabled.map(f64::from)).unwrap_or(1.0);
    let bank = make(&app, &caller, name, ratio).await?;
    Ok(Json(StatusCode::CREATED, bank).into_response())
}

/// Makes a bank.
///
/// # Errors
/// 400 and 403 in HMA's words.
pub(crate) async fn make(app: &App, caller: &Caller, name: String, ratio: f64) -> Result<Value, ApiError> {
    check_name(&name)?;
    let ratio = check_ratio(ratio)?;
    let caller = caller.clone();
    app.writer
        .write(move |batch| {
            batch
                .create_bank(&name, BankKind::default(), DEFAULT_RADIUS_BITS, "api")
                .map_err(|error| taken(error, "Bank already exists"))?;
            let bank = batch
                .change_bank(&name, &BankChange { enabled_ratio: Some(ratio), ..BankChange::default() })?;
            audit::note(batch, &caller, "bank.create", &json!({ "bank": name, "enabled_ratio": ratio }))?;
            Ok(told(&bank.bank.name, bank.enabled_ratio))
        })
        .await
}

/// A name that is taken is 403, in HMA's words.
pub(crate) fn taken(error: StoreError, words: &str) -> ApiError {
    match error {
        StoreError::Taken { .. } => ApiError::forbidden(words),
        other => other.into(),
    }
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = fields(&app, "BankUpdateRequest", &headers, body).await?;
    let (new_name, ratio, enabled) = fields
        .read(|f| (f.opt_str("name"), f.opt_float("enabled_ratio", None), f.opt_bool("enabled")))
        .map_err(|errors| ApiError::schema(errors.to_json()))?;
    if app.view.now().bank(&name).is_none() {
        // As in HMA, said before anything that is wrong with the change.
        return Err(ApiError::missing("Bank not found"));
    }
    if let Some(new_name) = &new_name {
        check_name(new_name)?;
    }
    let ratio = ratio.or(enabled.map(f64::from)).map(check_ratio).transpose()?;
    let written = app
        .writer
        .write(move |batch| {
            let change =
                BankChange { name: new_name.as_deref(), enabled_ratio: ratio, ..BankChange::default() };
            let bank = batch.change_bank(&name, &change).map_err(|error| match error {
                StoreError::NotFound { .. } => ApiError::missing("Bank not found"),
                other => taken(other, "Bank name already exists"),
            })?;
            let rules = rename_bank(batch, &name, &bank.bank.name)?;
            let object = json!({ "bank": name, "name": new_name, "enabled_ratio": ratio, "rules": rules });
            audit::note(batch, &caller, "bank.change", &object)?;
            Ok(told(&bank.bank.name, bank.enabled_ratio))
        })
        .await;
    // Whatever the writer says of the index: rules follow a bank whose new name was kept.
    app.load_rules().await?;
    Ok(Json::ok(written?).into_response())
}

async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json, ApiError> {
    remove(&app, &caller, name).await?;
    Ok(Json::ok(json!({ "message": "Done" })))
}

/// Deletes a bank; one that is not there is deleted already, as in HMA.
///
/// # Errors
/// The writer's.
pub(crate) async fn remove(app: &App, caller: &Caller, name: String) -> Result<(), ApiError> {
    let caller = caller.clone();
    app.writer
        .write(move |batch| match batch.delete_bank(&name) {
            Ok(()) => audit::note(batch, &caller, "bank.delete", &json!({ "bank": name })),
            Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        })
        .await
}
