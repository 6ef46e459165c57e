//! `/c/exchanges/apis`, `/c/exchanges/api/A`: what exchanges speak, and the credentials for it, which are sealed in the
//! store and told to nobody. *Source:* `hma.md` section 1.6.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use lodestone_net::Secret;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchange_apis::{self, APIS, ExchangeApi};
use crate::hma::compare::flask_json;
use crate::http::body;
use crate::http::params::Params;
use crate::http::reply::Json;
use crate::route::{About, For, Place, Routes, Takes};
use crate::secrets::credentials_purpose;

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/c/exchanges/apis",
            allowed,
            About {
                summary: "Interfaces of exchanges",
                takes: &[Takes {
                    name: "all",
                    place: Place::Query,
                    kind: "boolean",
                    required: false,
                    about: "Also those that HMA's example does not list",
                }],
                answers: &[(200, "A list of names")],
            },
            list,
        )
        .get(
            "/c/exchanges/api/{api_name}",
            allowed,
            About {
                summary: "Whether an interface takes credentials, and has them",
                takes: &[],
                answers: &[(200, "Both"), (400, "No such interface")],
            },
            show,
        )
        .post(
            "/c/exchanges/api/{api_name}",
            allowed,
            About {
                summary: "Sets or clears the credentials of an interface",
                takes: &[Takes {
                    name: "credential_json",
                    place: Place::Json,
                    kind: "object",
                    required: false,
                    about: "Fields of its credentials_schema; `{}` clears, absent leaves as it is",
                }],
                answers: &[
                    (200, "As GET"),
                    (400, "No such interface, or these are no credentials for it"),
                    (415, "Not JSON"),
                    (503, "The key that seals them is lost"),
                ],
            },
            change,
        )
        .get(
            "/c/exchanges/api/{api_name}/schema",
            allowed,
            About {
                summary: "Fields of an interface's configuration and credentials",
                takes: &[],
                answers: &[(200, "Both"), (404, "No such interface")],
            },
            schema,
        )
}

/// The interface of this name, or 400 in HMA's words.
fn api(name: &str) -> Result<&'static ExchangeApi, ApiError> {
    exchange_apis::named(name).ok_or_else(|| ApiError::bad(format!("no such Exchange API '{name}'")))
}

/// Interfaces that HMA's example lists, first in [`APIS`]; the others are told to those who ask for all.
const LISTED: usize = 5;

async fn list(params: Params) -> Json {
    let all = params.get("all").is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1");
    let count = if all { APIS.len() } else { LISTED };
    Json::ok(APIS.iter().take(count).map(|api| api.name).collect())
}

async fn schema(Path(name): Path<String>) -> Result<Json, ApiError> {
    let api = exchange_apis::named(&name)
        .ok_or_else(|| ApiError::missing(format!("Exchange API '{name}' not found")))?;
    Ok(Json::ok(api.schema()))
}

async fn told(app: &App, api: &'static ExchangeApi) -> Result<Json, ApiError> {
    let has = app.readers.read(|store| Ok(store.exchange_credentials(api.name)?.is_some())).await?;
    // HMA's spelling, which clients know.
    Ok(Json::ok(json!({
        "has_set_authentification": has,
        "supports_authentification": api.credentials.is_some(),
    })))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json, ApiError> {
    told(&app, api(&name)?).await
}

/// What to do with credentials: leave them, clear them, or set these.
fn wanted(api: &ExchangeApi, body: &Value) -> Result<Option<Option<Secret>>, ApiError> {
    let body =
        body.as_object().ok_or_else(|| ApiError::bad("this endpoint expects a json object payload"))?;
    match body.get("credential_json") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) if fields.is_empty() => Ok(Some(None)),
        Some(Value::Object(fields)) => {
            let kept = api.credentials(fields).map_err(ApiError::bad)?;
            Ok(Some(Some(Secret::from(Value::Object(kept).to_string()))))
        }
        Some(_) => Err(ApiError::bad("`credential_json` must be an object")),
    }
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json, ApiError> {
    let api = api(&name)?;
    let held = body::read(&headers, body, &app.bodies).await?;
    let Some(wanted) = wanted(api, &flask_json(&headers, &held.bytes)?)? else {
        return told(&app, api).await;
    };
    set(&app, &caller, api, wanted).await?;
    told(&app, api).await
}

/// Seals the credentials of an interface, or clears them.
///
/// # Errors
/// 503 when the key that seals them is lost; the store's.
pub(crate) async fn set(
    app: &App,
    caller: &Caller,
    api: &'static ExchangeApi,
    wanted: Option<Secret>,
) -> Result<(), ApiError> {
    let caller = caller.clone();
    let secrets = app.secrets.clone();
    app.writer
        .write(move |batch| {
            let sealed = wanted
                .as_ref()
                .map(|secret| secrets.seal(batch, &credentials_purpose(api.name), secret))
                .transpose()?;
            batch.set_exchange_credentials(api.name, sealed.as_deref())?;
            let object =
                json!({ "api": api.name, "credentials": if sealed.is_some() { "set" } else { "cleared" } });
            audit::note(batch, &caller, "exchange_api.credentials", &object)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_cleared_set_or_refused() {
        let ncmec = api("ncmec").unwrap();
        assert_eq!(wanted(ncmec, &json!({})).unwrap(), None);
        assert_eq!(wanted(ncmec, &json!({ "credential_json": null })).unwrap(), None);
        assert_eq!(wanted(ncmec, &json!({ "credential_json": {} })).unwrap(), Some(None));
        let given = json!({ "credential_json": { "user": "u", "password": "p" } });
        let secret = wanted(ncmec, &given).unwrap().unwrap().unwrap();
        assert_eq!(secret.expose_str(), Some(r#"{"user":"u","password":"p"}"#));
        for (api, bad) in [
            (ncmec, json!([])),
            (ncmec, json!({ "credential_json": "u:p" })),
            (ncmec, json!({ "credential_json": { "user": "u" } })),
            (exchange_apis::named("sample").unwrap(), json!({ "credential_json": { "user": "u" } })),
        ] {
            assert_eq!(wanted(api, &bad).unwrap_err().status().as_u16(), 400, "{bad}");
        }
        // What takes none can be cleared: there is nothing to clear.
        let sample = exchange_apis::named("sample").unwrap();
        assert_eq!(wanted(sample, &json!({ "credential_json": {} })).unwrap(), Some(None));
        assert_eq!(api("iwf").unwrap_err().message(), "no such Exchange API 'iwf'");
    }
}
