//! `/c/exchanges`, `/c/exchange/N`: where banks are filled from. *Source:* `hma.md` section 1.6, HMA's `curation.py`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_store::{Exchange, StoreError};
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use serde_json::{Map, Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchange_apis::{self, ExchangeApi};
use crate::exchanging;
use crate::fetch_loop::local_file;
use crate::hma::banks;
use crate::hma::compare::flask_json;
use crate::hma_json;
use crate::http::body;
use crate::http::reply::{Json, json_text};
use crate::route::{About, For, Place, Routes, Takes};

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Json, kind, required, about }
}

const MISSING: (u16, &str) = (404, "No such exchange");

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .post(
            "/c/exchanges",
            allowed,
            About {
                summary: "Makes an exchange, and the bank that it fills",
                takes: const {
                    &[
                        field("bank", "string", true, "Name of both, UPPER_WITH_UNDERSCORE"),
                        field("api", "string", true, "Name of its interface"),
                        field("api_json", "object", false, "Fields of its config_schema, and `enabled`"),
                    ]
                },
                answers: &[
                    (201, "Made"),
                    (400, "A field is missing or wrong"),
                    (403, "There is such a bank or exchange"),
                    (415, "Not JSON"),
                ],
            },
            create,
        )
        .get(
            "/c/exchanges",
            allowed,
            About { summary: "All exchanges", takes: &[], answers: &[(200, "A list of names")] },
            list,
        )
        .get(
            "/c/exchange/{exchange_name}",
            allowed,
            About {
                summary: "An exchange's configuration",
                takes: &[],
                answers: &[(200, "Its fields"), MISSING],
            },
            show,
        )
        .put(
            "/c/exchange/{exchange_name}",
            allowed,
            About {
                summary: "Switches an exchange on or off",
                takes: const { &[field("enabled", "boolean", false, "Whether it is fetched from")] },
                answers: &[(200, "Its fields"), MISSING, (422, "Schema")],
            },
            change,
        )
        .delete(
            "/c/exchange/{exchange_name}",
            allowed,
            About {
                summary: "Deletes an exchange with its bank and content",
                takes: &[],
                answers: &[(200, "Done, also when there was none")],
            },
            delete,
        )
        .get(
            "/c/exchange/{exchange_name}/status",
            allowed,
            About {
                summary: "How far an exchange was fetched",
                takes: &[],
                answers: &[(200, "Times in seconds since 1970, and counts"), MISSING],
            },
            status,
        )
}

/// The exchange of this name, or 404 in HMA's words.
async fn exchange(app: &App, name: &str) -> Result<Exchange, ApiError> {
    let wanted = name.to_owned();
    let found = app.readers.read(move |store| Ok(store.exchange(&wanted)?)).await?;
    found.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ApiError {
    ApiError::missing(format!("Exchange '{name}' not found"))
}

/// An exchange as HMA writes it: indented, its fields in their order.
fn told(exchange: &Exchange) -> Response {
    let value = match exchange_apis::named(&exchange.api) {
        Some(api) => api.told(&exchange.name, exchange.enabled, &exchange.config),
        // Of a newer version of this program.
        None => json!({ "name": exchange.name, "api": exchange.api, "enabled": exchange.enabled }),
    };
    json_text(StatusCode::OK, hma_json::to_indented(&value))
}

async fn list(State(app): State<App>) -> Result<Json, ApiError> {
    let mut exchanges = app.readers.read(|store| Ok(store.exchanges()?)).await?;
    exchanges.sort_by_key(|exchange| exchange.created_us);
    Ok(Json::ok(exchanges.into_iter().map(|exchange| exchange.name).collect()))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(told(&exchange(&app, &name).await?))
}

async fn status(State(app): State<App>, Path(name): Path<String>) -> Result<Json, ApiError> {
    let fetch = exchange(&app, &name).await?.fetch;
    Ok(Json::ok(json!({
        "checkpoint_ts": fetch.checkpoint_ts,
        "fetched_items": fetch.fetched_items,
        "last_fetch_complete_ts": fetch.last_fetch_complete_ts,
        "last_fetch_succeeded": fetch.last_fetch_succeeded,
        "running_fetch_start_ts": fetch.running_fetch_start_ts,
        "up_to_date": fetch.up_to_date,
    })))
}

/// An exchange to be made.
#[derive(Debug, PartialEq)]
pub(crate) struct NewExchange {
    pub(crate) name: String,
    pub(crate) api: &'static ExchangeApi,
    pub(crate) config: Map<String, Value>,
    pub(crate) enabled: bool,
}

impl NewExchange {
    /// Of a request, checked in HMA's order and refused in its words.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn of(body: &Value) -> Result<Self, ApiError> {
        let none = Value::Null;
        let get = |name: &str| body.get(name).unwrap_or(&none);
        if get("bank").is_null() {
            return Err(ApiError::bad("bank is required"));
        }
        let fits = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        let name = get("bank").as_str().filter(|name| !name.is_empty() && name.bytes().all(fits));
        let name = name.ok_or_else(|| ApiError::bad("Field `bank` must match /^[A-Z0-9_]+$/"))?;
        let empty = json!({});
        let given = body.get("api_json").unwrap_or(&empty);
        let given = given.as_object().ok_or_else(|| ApiError::bad("Field `api_json` must be object"))?;
        let api = match get("api") {
            Value::Null => return Err(ApiError::bad("Field `api_type` is required")),
            Value::String(api) => exchange_apis::named(api).ok_or_else(|| api.clone()),
            other => Err(other.to_string()),
        };
        let api = api.map_err(|api| {
            let api: String = api.chars().take(100).collect();
            ApiError::bad(format!("No such exchange type '{api}'"))
        })?;
        let failed = |why: String| ApiError::bad(format!("Failed to parse `api_json` - {why}"));
        let mut config = api.config(given).map_err(failed)?;
        if api.network {
            beyond(&mut config, given).map_err(|why| failed(why.to_owned()))?;
        }
        let enabled = match given.get("enabled") {
            None => true,
            Some(value) => {
                value.as_bool().ok_or_else(|| failed(exchange_apis::not_a_bool("enabled", value)))?
            }
        };
        banks::check_name(name)?;
        Ok(Self { name: name.to_owned(), api, config, enabled })
    }
}

/// Fields of an exchange of another server that HMA does not have.
fn beyond(config: &mut Map<String, Value>, given: &Map<String, Value>) -> Result<(), &'static str> {
    for (name, value) in given {
        let fits = match name.as_str() {
            _ if config.contains_key(name) || value.is_null() => continue,
            "base_url" | "environment" => value.as_str().is_some_and(|text| text.len() <= 2048),
            "own_member" => value.as_str().is_some_and(|text| text.len() <= 200),
            "send_votes" => value.is_boolean(),
            "dispute_reasons" => {
                let is_guid = |one: &Value| one.as_str().is_some_and(|text| text.len() <= 64);
                value.as_array().is_some_and(|list| list.len() <= 16 && list.iter().all(is_guid))
            }
            _ => continue,
        };
        if !fits {
            return Err(
                "base_url, environment and own_member are texts, send_votes is true or false, dispute_reasons a list of guids",
            );
        }
        config.insert(name.clone(), value.clone());
    }
    Ok(())
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let held = body::read(&headers, body, &app.bodies).await?;
    let new = NewExchange::of(&flask_json(&headers, &held.bytes)?)?;
    make(&app, &caller, new).await?;
    Ok(Json(StatusCode::CREATED, json!({ "message": "Created successfully" })).into_response())
}

/// Makes an exchange and its bank.
///
/// # Errors
/// 400 for a file that may not be read; 403 when the name is taken.
pub(crate) async fn make(app: &App, caller: &Caller, new: NewExchange) -> Result<(), ApiError> {
    if new.api.name == "local_file" {
        local_file::check(&app.config, &new.config)
            .map_err(|why| ApiError::bad(format!("Failed to parse `api_json` - {why}")))?;
    }
    let caller = caller.clone();
    app.writer
        .write(move |batch| {
            let NewExchange { name, api, config, enabled } = new;
            if batch.exchange(&name)?.is_some() {
                return Err(ApiError::forbidden("Exchange already exists"));
            }
            let source = format!("exchange {}", api.name);
            batch
                .create_bank(&name, api.bank_kind(&config), DEFAULT_RADIUS_BITS, &source)
                .map_err(|error| banks::taken(error, "Bank already exists"))?;
            let config = Value::Object(config);
            match batch.create_exchange(&name, api.name, &config, enabled) {
                Err(StoreError::Taken { .. }) => return Err(ApiError::forbidden("Exchange already exists")),
                other => other?,
            }
            let object = json!({ "exchange": name, "api": api.name, "config": config, "enabled": enabled });
            audit::note(batch, &caller, "exchange.create", &object)
        })
        .await
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = banks::fields(&app, "ExchangeUpdateRequest", &headers, body).await?;
    let enabled =
        fields.read(|f| f.opt_bool("enabled")).map_err(|errors| ApiError::schema(errors.to_json()))?;
    let changed = app
        .writer
        .write(move |batch| {
            if !batch.change_exchange(&name, None, enabled)? {
                return Err(missing(&name));
            }
            if enabled.is_some() {
                let object = json!({ "exchange": name, "enabled": enabled });
                audit::note(batch, &caller, "exchange.change", &object)?;
            }
            batch.exchange(&name)?.ok_or_else(|| missing(&name))
        })
        .await?;
    Ok(told(&changed))
}

async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json, ApiError> {
    let secrets = app.secrets.clone();
    app.writer
        .write(move |batch| {
            if let Some(exchange) = batch.exchange(&name)? {
                exchanging::forget(batch, &secrets, &exchange)?;
            }
            if batch.delete_exchange(&name)? {
                audit::note(batch, &caller, "exchange.delete", &json!({ "exchange": name }))?;
            }
            Ok(())
        })
        .await?;
    Ok(Json::ok(json!({ "message": "Exchange deleted" })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &Value) -> (u16, String) {
        let error = NewExchange::of(body).unwrap_err();
        (error.status().as_u16(), error.message().to_owned())
    }

    #[test]
    fn what_makes_no_exchange_is_refused_in_hmas_words() {
        for (body, message) in [
            (json!({}), "bank is required"),
            (json!({ "bank": null, "api": "sample" }), "bank is required"),
            (json!([]), "bank is required"),
            (json!("text"), "bank is required"),
            (json!({ "bank": "a" }), "Field `bank` must match /^[A-Z0-9_]+$/"),
            (json!({ "bank": "" }), "Field `bank` must match /^[A-Z0-9_]+$/"),
            (json!({ "bank": "A\n" }), "Field `bank` must match /^[A-Z0-9_]+$/"),
            (json!({ "bank": 5 }), "Field `bank` must match /^[A-Z0-9_]+$/"),
            (json!({ "bank": "A", "api_json": [] }), "Field `api_json` must be object"),
            (json!({ "bank": "A", "api_json": null }), "Field `api_json` must be object"),
            (json!({ "bank": "A" }), "Field `api_type` is required"),
            (json!({ "bank": "A", "api": "iwf" }), "No such exchange type 'iwf'"),
            (json!({ "bank": "A", "api": 7 }), "No such exchange type '7'"),
            (
                json!({ "bank": "A", "api": "ncmec" }),
                "Failed to parse `api_json` - missing value for field \"environment\"",
            ),
            (
                json!({ "bank": "A", "api": "sample", "api_json": { "enabled": "yes" } }),
                "Failed to parse `api_json` - wrong value type for field \"enabled\" - should be \"bool\" instead of \
                 value \"yes\" of type \"str\"",
            ),
            (json!({ "bank": "1A", "api": "sample" }), "Bank names must be UPPER_WITH_UNDERSCORE"),
            (
                json!({ "bank": "A".repeat(256), "api": "sample" }),
                "Bank names must have at most 255 characters",
            ),
        ] {
            assert_eq!(refused(&body), (400, message.to_owned()));
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_exchanges_are_on_unless_said() {
        let body = json!({ "bank": "A_1", "api": "sample", "x": 1, "api_json": { "y": 2, "name": "B" } });
        let new = NewExchange::of(&body).unwrap();
        assert_eq!((new.name.as_str(), new.api.name, new.enabled), ("A_1", "sample", true));
        assert!(new.config.is_empty());
        let off = json!({ "bank": "A", "api": "tat", "api_json": { "enabled": false } });
        assert!(!NewExchange::of(&off).unwrap().enabled);
    }
}
