//! `/v1/exchanges`: exchanges of services, of peers and of remote matchers, made with their own credentials; how they stand,
//! with what HMA's route has no place for: why, and what was counted. `/v1/exchanges/N/votes`: what one is still to be told.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lodestone_exchange::client::Settings;
use lodestone_store::{DeliveryState, Exchange, StoreError};
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchange_apis::{self, APIS, ExchangeApi};
use crate::exchanging::{self, Kept, NewNetworkExchange, OPERATOR};
use crate::hma::banks;
use crate::hma::exchanges as hma_exchanges;
use crate::http::params::Params;
use crate::route::{About, For, Routes};
use crate::v1::{Compact, cut, field, json, limit, ok, query};

const MISSING: (u16, &str) = (404, "No such exchange");
/// Votes of a page, unless another number is asked for, and at most.
const PAGE: (usize, usize) = (100, 1000);

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/exchange_interfaces",
            allowed,
            About {
                summary: "What exchanges can be made of: fields, credentials, environments with test twins first",
                takes: &[],
                answers: &[(200, "interfaces")],
            },
            interfaces,
        )
        .get(
            "/v1/exchanges",
            allowed,
            About {
                summary: "All exchanges with their configuration, and no credentials",
                takes: &[],
                answers: &[(200, "exchanges")],
            },
            list,
        )
        .post(
            "/v1/exchanges",
            allowed,
            About {
                summary: "Makes an exchange of a service, a peer or a remote matcher, and its bank, which a matcher leaves \
                          empty. There is no preset address: an environment is named, or base_url given",
                takes: const {
                    &[
                        field("name", "string", true, "Name of it and its bank, UPPER_WITH_UNDERSCORE"),
                        field("api", "string", true, "Name of its interface"),
                        field("config", "object", false, "Fields of the interface's config_schema"),
                        field(
                            "credentials",
                            "object",
                            false,
                            "Fields of its credentials_schema, its own; without them, those of the interface",
                        ),
                        field("enabled", "boolean", false, "Whether it is fetched from, or asked; true"),
                    ]
                },
                answers: &[
                    (201, "The exchange"),
                    (400, "A field is missing, unknown or wrong, or the address may not be asked"),
                    (403, "There is such a bank or exchange"),
                    (415, "Not JSON"),
                    (503, "The key that seals credentials is lost"),
                ],
            },
            create,
        )
        .get(
            "/v1/exchanges/{exchange_name}/status",
            allowed,
            About {
                summary: "How an exchange stands: as HMA's status, with why its last fetch failed, what that counted, and \
                          how many votes wait",
                takes: &[],
                answers: &[(200, "status"), MISSING],
            },
            status,
        )
        .get(
            "/v1/exchanges/{exchange_name}/votes",
            allowed,
            About {
                summary: "Votes to an exchange by state, oldest first; the page after begins at `next`",
                takes: const {
                    &[
                        query("state", "string", "`dead`, `pending` or `done`; dead without it"),
                        query("after", "integer", "Only those after this number"),
                        query("limit", "integer", "Votes a page, 1 to 1000; 100 by default"),
                    ]
                },
                answers: &[(200, "A page"), (400, "A parameter cannot be used"), MISSING],
            },
            votes,
        )
        .post(
            "/v1/exchanges/{exchange_name}/votes/{no}/retry",
            allowed,
            About {
                summary: "Has a dead vote sent again, with all its attempts; `all` in the place of a number: every one",
                takes: &[],
                answers: &[(200, "How many"), (404, "No such exchange, or no such vote that is dead")],
            },
            retry,
        )
}

async fn interfaces() -> Response {
    ok(json!({ "interfaces": APIS.iter().map(ExchangeApi::own_schema).collect::<Vec<_>>() }))
}

fn told(exchange: &Exchange) -> Value {
    let mut config = exchange.config.clone();
    if let Value::Object(fields) = &mut config {
        fields.remove(OPERATOR);
    }
    json!({
        "exchange": exchange.name, "bank": exchange.bank, "api": exchange.api, "enabled": exchange.enabled,
        "config": config,
    })
}

async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let exchanges = app.readers.read(|store| Ok(store.exchanges()?)).await?;
    Ok(ok(json!({ "exchanges": exchanges.iter().map(told).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    api: String,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    credentials: Map<String, Value>,
    #[serde(default)]
    enabled: Option<bool>,
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let request: Request = json(&app, &headers, body).await?;
    let api = exchange_apis::named(&request.api)
        .ok_or_else(|| ApiError::bad(format!("no interface '{}'", cut(&request.api))))?;
    let new = New {
        name: request.name,
        api,
        config: request.config,
        credentials: request.credentials,
        enabled: request.enabled.unwrap_or(true),
    };
    let made = make(&app, &caller, new).await?;
    Ok(Compact(StatusCode::CREATED, told(&made)).into_response())
}

/// An exchange to be made, as it was given.
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) api: &'static ExchangeApi,
    pub(crate) config: Map<String, Value>,
    pub(crate) credentials: Map<String, Value>,
    pub(crate) enabled: bool,
}

/// Makes an exchange and its bank.
///
/// # Errors
/// 400 for what it could not be fetched from with, or asked; 403 when the name is taken; 503 when the key of secrets is lost.
pub(crate) async fn make(app: &App, caller: &Caller, new: New) -> Result<Exchange, ApiError> {
    let New { name, api, config, credentials, enabled } = new;
    banks::check_name(&name)?;
    let config = api.own_config(&config).map_err(ApiError::bad)?;
    let credentials = api.own_credentials(&credentials).map_err(ApiError::bad)?;
    let made = name.clone();
    if api.network {
        let settings = Settings { config: config.clone(), ..Settings::default() };
        exchanging::outbound_for(api.name, &settings, &app.outbound)
            .map_err(|error| ApiError::bad(error.to_string()))?;
        let new = NewNetworkExchange {
            name,
            api: api.name.to_owned(),
            config,
            credentials,
            radius_bits: DEFAULT_RADIUS_BITS,
            enabled,
        };
        add(app, caller, new).await?;
    } else {
        let new = hma_exchanges::NewExchange { name, api, config, enabled };
        hma_exchanges::make(app, caller, new).await?;
    }
    let found = app.readers.read(move |store| Ok(store.exchange(&made)?)).await?;
    found.ok_or_else(|| ApiError::unavailable("the exchange was deleted meanwhile"))
}

async fn add(app: &App, caller: &Caller, new: NewNetworkExchange) -> Result<(), ApiError> {
    let (caller, secrets) = (caller.clone(), app.secrets.clone());
    app.writer
        .write(move |batch| {
            match batch.bank(&new.name) {
                Err(StoreError::NotFound { .. }) => {}
                Ok(_) => return Err(ApiError::forbidden("Bank already exists")),
                Err(error) => return Err(error.into()),
            }
            let made = exchanging::add(batch, &secrets, &new)?;
            let object = json!({
                "exchange": made.name, "api": made.api, "config": made.config, "enabled": made.enabled,
            });
            audit::note(batch, &caller, "exchange.create", &object)
        })
        .await
}

async fn named(app: &App, name: &str) -> Result<Exchange, ApiError> {
    let wanted = name.to_owned();
    let found = app.readers.read(move |store| Ok(store.exchange(&wanted)?)).await?;
    found.ok_or_else(|| ApiError::missing(format!("Exchange '{name}' not found")))
}

async fn status(State(app): State<App>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let exchange = named(&app, &name).await?;
    let count = app.readers.read(move |store| Ok(store.votes_count(Some(&name))?)).await?;
    let (kept, fetch) = (Kept::of(&exchange), &exchange.fetch);
    Ok(ok(json!({
        "exchange": exchange.name, "bank": exchange.bank, "api": exchange.api, "enabled": exchange.enabled,
        "checkpoint_ts": fetch.checkpoint_ts, "fetched_items": fetch.fetched_items,
        "last_fetch_complete_ts": fetch.last_fetch_complete_ts, "last_fetch_succeeded": fetch.last_fetch_succeeded,
        "running_fetch_start_ts": fetch.running_fetch_start_ts, "up_to_date": fetch.up_to_date,
        "why": kept.why, "last": kept.last.told(),
        "votes": { "pending": count.pending, "dead": count.dead },
    })))
}

async fn votes(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let state = params.filled("state").unwrap_or("dead");
    let state: DeliveryState = state.parse().map_err(ApiError::bad)?;
    let after = match params.filled("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::bad("after must be a whole number"))?,
    };
    let limit = limit(params.filled("limit"), PAGE.0, PAGE.1)?;
    named(&app, &name).await?;
    let (rows, count) = app
        .readers
        .read(move |store| {
            Ok((store.votes(Some(&name), state, after, limit)?, store.votes_count(Some(&name))?))
        })
        .await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.no)).flatten();
    let votes: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "no": row.no, "vote": row.body, "state": row.state.as_str(), "attempts": row.attempts,
                    "next_us": row.next_us, "last_error": row.last_error, "created_us": row.created_us,
                    "done_us": row.done_us })
        })
        .collect();
    Ok(ok(json!({ "votes": votes, "next": next, "pending": count.pending, "dead": count.dead })))
}

async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, text)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::missing("there is no such vote that is dead");
    let no = match text.as_str() {
        "all" => None,
        number => Some(number.parse::<i64>().map_err(|_| missing())?),
    };
    named(&app, &name).await?;
    let retried = app
        .writer
        .write(move |batch| {
            let retried = batch.retry_votes(&name, no)?;
            if retried == 0 && no.is_some() {
                return Err(missing());
            }
            if retried > 0 {
                let object = json!({ "exchange": name, "vote": no, "votes": retried });
                audit::note(batch, &caller, "exchange.vote_retry", &object)?;
            }
            Ok(retried)
        })
        .await?;
    app.actions.vote();
    Ok(ok(json!({ "retried": retried })))
}
