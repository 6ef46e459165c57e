//! `/v1/rules`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lodestone_net::Secret;
use lodestone_net::webhook::SigningSecret;
use lodestone_store::Batch;
use serde_json::{Value, json};

use super::{bytes, field, id, ok, told};
use crate::App;
use crate::actions::Actions;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::outbox::{self, SECRET_PREFIX};
use crate::route::{About, For, Routes, Takes};
use crate::rules::{Action, Rule, parse};
use crate::secrets::SETTING_PREFIX;

const MISSING: &str = "there is no such rule";

/// Rules at most: each is asked of every match.
const MAX_RULES: usize = 1000;

const RULE: &[Takes] = &[
    field("name", "string", true, "For people"),
    field(
        "when",
        "object",
        false,
        "`banks`, `bank_kinds`, `signal_types`, `max_distance_bits`, `exact`, `standing`, `disputed`, `min_confirms`, `layers`, \
         `assessment` {h1, h2, min_log10_lr, max_log10_lr}: all that are given have to hold of one match. Without `layers` \
         matches of whole pictures and exact bytes only",
    ),
    field(
        "then",
        "array",
        true,
        "`{\"webhook\": {url, secrets or secret_ref, include_signals}}`, `{\"review\": {queue}}`, `{\"label\": …}`",
    ),
    field("enabled", "boolean", false, "Whether it is in force; true without it"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    let about = |summary, takes, answers| About { summary, takes, answers };
    routes
        .get(
            "/v1/rules",
            allowed,
            about("All rules: what follows from matches", &[], &[(200, "The rules")]),
            list,
        )
        .post(
            "/v1/rules",
            allowed,
            about(
                "Makes a rule; secrets that were made for its webhooks are told this once",
                RULE,
                &[(201, "The rule"), (400, "What does not fit"), (422, "It names a bank that is not there")],
            ),
            create,
        )
        .get("/v1/rules/{id}", allowed, about("A rule", &[], &[(200, "The rule"), (404, MISSING)]), show)
        .put(
            "/v1/rules/{id}",
            allowed,
            about(
                "Replaces a rule",
                RULE,
                &[
                    (200, "The rule"),
                    (400, "What does not fit"),
                    (404, MISSING),
                    (422, "It names a bank that is not there"),
                ],
            ),
            change,
        )
        .delete(
            "/v1/rules/{id}",
            allowed,
            about(
                "Deletes a rule; what it asked for before is done all the same",
                &[],
                &[(200, "Done"), (404, MISSING)],
            ),
            delete,
        )
}

async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let rules = app.readers.read(|store| Ok(store.rules(0, lodestone_store::MAX_PAGE)?)).await?;
    let rules: Vec<Value> =
        rules.iter().map(|rule| shown(rule.id, &rule.body, rule.enabled, rule.created_us)).collect();
    Ok(ok(&json!({ "rules": rules })))
}

async fn show(State(app): State<App>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let id = id(&text, MISSING)?;
    let after = id.checked_sub(1).ok_or_else(|| ApiError::missing(MISSING))?;
    let rules = app.readers.read(move |store| Ok(store.rules(after, 1)?)).await?;
    match rules.first() {
        Some(rule) if rule.id == id => Ok(ok(&shown(id, &rule.body, rule.enabled, rule.created_us))),
        _ => Err(ApiError::missing(MISSING)),
    }
}

/// A rule as it is told: as it was given, with its number.
fn shown(id: i64, body: &Value, enabled: bool, created_us: i64) -> Value {
    let mut told = json!({ "id": id, "created_us": created_us });
    if let (Some(told), Some(body)) = (told.as_object_mut(), body.as_object()) {
        told.extend(body.clone());
        told.insert("enabled".to_owned(), json!(enabled));
    }
    told
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let mut rule = parse(&bytes(&app, &headers, body).await?).map_err(ApiError::bad)?;
    check(&app, &rule)?;
    if app.actions.rules.now().len() >= MAX_RULES {
        return Err(ApiError::bad(format!("there are {MAX_RULES} rules, and there cannot be more")));
    }
    let secrets = secrets(&app, &mut rule)?;
    let made = made(&secrets);
    let shared = app.actions.clone();
    let written = app
        .writer
        .write(move |batch| {
            keep(batch, &shared, &rule, &secrets)?;
            let body = json!(rule);
            let id = batch.add_rule(&body, rule.enabled)?;
            audit::note(batch, &caller, "rule.create", &noted(id, &rule))?;
            Ok((id, shown(id, &body, rule.enabled, batch.now_us())))
        })
        .await;
    app.load_rules().await?;
    let (id, told_rule) = written?;
    tracing::info!(rule = id, "a rule was made");
    Ok(told(StatusCode::CREATED, &with_secrets(told_rule, &made)))
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let id = id(&text, MISSING)?;
    let mut rule = parse(&bytes(&app, &headers, body).await?).map_err(ApiError::bad)?;
    check(&app, &rule)?;
    let secrets = secrets(&app, &mut rule)?;
    let made = made(&secrets);
    let shared = app.actions.clone();
    let written = app
        .writer
        .write(move |batch| {
            keep(batch, &shared, &rule, &secrets)?;
            let body = json!(rule);
            if !batch.change_rule(id, Some(&body), Some(rule.enabled))? {
                return Err(ApiError::missing(MISSING));
            }
            audit::note(batch, &caller, "rule.change", &noted(id, &rule))?;
            let mut told = shown(id, &body, rule.enabled, 0);
            if let Some(told) = told.as_object_mut() {
                told.remove("created_us");
            }
            Ok(told)
        })
        .await;
    app.load_rules().await?;
    Ok(ok(&with_secrets(written?, &made)))
}

async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Response, ApiError> {
    let id = id(&text, MISSING)?;
    let written = app
        .writer
        .write(move |batch| {
            if !batch.delete_rule(id)? {
                return Err(ApiError::missing(MISSING));
            }
            audit::note(batch, &caller, "rule.delete", &json!({ "rule": id }))
        })
        .await;
    app.load_rules().await?;
    written?;
    Ok(ok(&json!({ "message": "Done" })))
}

/// Refuses a rule that can never do what it says: one of a bank that is misspelt, or with a receiver that nothing may be
/// sent to. What a host's name leads to is asked each time a message is sent.
fn check(app: &App, rule: &Rule) -> Result<(), ApiError> {
    let state = app.view.now();
    for name in rule.when.banks.iter().flatten() {
        if state.bank(name).is_none() {
            let told = format!("when.banks: no bank '{}'", crate::v1::cut(name));
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, told));
        }
    }
    let policy = outbox::policy(&app.outbound);
    for action in &rule.then {
        if let Action::Webhook(webhook) = action {
            let checked = policy.check_form(&webhook.url);
            checked.map_err(|why| ApiError::bad(format!("webhook.url: {why}")))?;
        }
    }
    Ok(())
}

/// What the log of audit holds of a rule: where it sends to is named by host only, since URLs often hold keys.
fn noted(id: i64, rule: &Rule) -> Value {
    let mut object = json!(rule);
    let actions = object.get_mut("then").and_then(Value::as_array_mut);
    for url in actions.into_iter().flatten().filter_map(|action| action.pointer_mut("/webhook/url")) {
        let host = url
            .as_str()
            .and_then(|text| url::Url::parse(text).ok())
            .map(|url| url.origin().ascii_serialization());
        *url = json!(host);
    }
    json!({ "rule": id, "is": object })
}

/// Secrets to keep under a name.
struct Kept {
    name: String,
    secret: Secret,
    /// They were made here, and have to be told.
    is_new: bool,
}

/// Takes the secrets out of a rule, gives each webhook the name of its own, and makes those that were not given.
fn secrets(app: &App, rule: &mut Rule) -> Result<Vec<Kept>, ApiError> {
    let mut kept = Vec::new();
    for action in &mut rule.then {
        let Action::Webhook(webhook) = action else { continue };
        if webhook.secret_ref.is_some() {
            continue;
        }
        let given = std::mem::take(&mut webhook.secrets);
        let is_new = given.is_empty();
        let secrets = if is_new {
            vec![
                SigningSecret::generate(&app.random)
                    .map_err(|error| ApiError::unavailable(error.to_string()))?,
            ]
        } else {
            let parse =
                |text: &String| SigningSecret::parse(text).map_err(|error| ApiError::bad(error.to_string()));
            given.iter().map(parse).collect::<Result<_, _>>()?
        };
        let texts: Vec<String> =
            secrets.iter().filter_map(|secret| secret.reveal().expose_str().map(str::to_owned)).collect();
        let name = app.new_id();
        webhook.secret_ref = Some(name.clone());
        kept.push(Kept { name, secret: Secret::from(texts.join(" ")), is_new });
    }
    Ok(kept)
}

/// The secrets to tell.
fn made(kept: &[Kept]) -> Vec<Value> {
    let new = kept.iter().filter(|kept| kept.is_new);
    new.map(|kept| json!({ "secret_ref": kept.name, "secret": kept.secret.expose_str() })).collect()
}

fn with_secrets(mut told: Value, made: &[Value]) -> Value {
    if !made.is_empty() {
        told["secrets"] = json!(made);
    }
    told
}

/// Seals the new secrets; those that are only named have to be there.
fn keep(batch: &mut Batch<'_>, shared: &Actions, rule: &Rule, kept: &[Kept]) -> Result<(), ApiError> {
    for one in kept {
        shared.secrets.put(batch, &format!("{SECRET_PREFIX}{}", one.name), Some(&one.secret))?;
    }
    for action in &rule.then {
        let Action::Webhook(webhook) = action else { continue };
        let name = webhook.secret_ref.as_deref().unwrap_or_default();
        if batch.setting(&format!("{SETTING_PREFIX}{SECRET_PREFIX}{name}"))?.is_none() {
            return Err(ApiError::bad("webhook.secret_ref names no secret that is kept here"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_audit_names_a_receiver_by_its_host_only() {
        let text = r#"{"name":"n","then":[{"webhook":{"url":"https://a.example:8443/key/1?token=2","secret_ref":"r"}}]}"#;
        let noted = noted(1, &parse(text.as_bytes()).unwrap()).to_string();
        assert!(
            noted.contains("https://a.example:8443") && !noted.contains("token") && !noted.contains("key/1")
        );
    }
}
