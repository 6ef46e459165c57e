//! `/ui/exchanges`: where banks are filled from, and a form for each interface.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_net::Secret;
use lodestone_store::Exchange;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::Role;
use crate::error::ApiError;
use crate::exchange_apis::{self, APIS, ExchangeApi};
use crate::exchanging;
use crate::hma::exchange_apis as hma_apis;
use crate::http::params::Params;
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::exchange_form::{filled, rows};
use crate::ui::home::fetched;
use crate::ui::page::{Attr, Page, Tab, Text, count, shown, time, token};
use crate::ui::sent::Sent;
use crate::ui::{Visit, segment};
use crate::v1::exchanges::{self as own, New};

const fn takes(name: &'static str, place: Place, required: bool, about: &'static str) -> Takes {
    Takes { name, place, kind: "string", required, about }
}

/// Prefix of the fields of an interface.
const PREFIX: &str = "f_";
/// Prefix of the fields of an exchange's own credentials.
const CREDENTIAL: &str = "c_";

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    let back = &[(303, "To the exchanges"), (400, "A field"), (403, "No token"), (404, "No such exchange")];
    routes
        .get(
            "/ui/exchanges",
            allowed,
            About {
                summary: "Page: all exchanges, and a form for another",
                takes: const { &[takes("api", Place::Query, false, "The interface whose form is shown")] },
                answers: &[(200, "The page")],
            },
            list,
        )
        .post(
            "/ui/exchanges",
            allowed,
            About {
                summary: "Makes an exchange and its bank (form of the page)",
                takes: const {
                    &[
                        takes("bank", Place::Form, true, "Name of both"),
                        takes(
                            "api",
                            Place::Form,
                            true,
                            "Its interface; each of its fields has a field `f_NAME`, each of its credentials `c_NAME`",
                        ),
                    ]
                },
                answers: &[
                    (303, "To the exchanges"),
                    (400, "A field"),
                    (403, "The name is taken, or no token"),
                ],
            },
            create,
        )
        .post(
            "/ui/exchanges/{exchange_name}/switch",
            allowed,
            About {
                summary: "Switches an exchange on or off (form of the page)",
                takes: const { &[takes("enabled", Place::Form, true, "`true` or `false`")] },
                answers: back,
            },
            switch,
        )
        .post(
            "/ui/credentials/{api_name}",
            allowed,
            About {
                summary: "Sets or clears the credentials of an interface (form of the page)",
                takes: const {
                    &[takes("clear", Place::Form, false, "Clears them; else each field has a field `f_NAME`")]
                },
                answers: &[
                    (303, "To the exchanges"),
                    (400, "A field"),
                    (403, "No token"),
                    (503, "Their key is lost"),
                ],
            },
            credentials,
        )
}

async fn list(State(app): State<App>, Extension(visit): Extension<Visit>, params: Params) -> Response {
    let made = page(&app, &visit, &params).await;
    shown(&app, &visit, Tab::Exchanges, made)
}

/// What has credentials: interfaces, and exchanges that have their own.
struct Sealed {
    interfaces: BTreeSet<String>,
    own: BTreeSet<String>,
}

async fn page(app: &App, visit: &Visit, params: &Params) -> Result<Page, ApiError> {
    let (exchanges, sealed) = app
        .readers
        .read(|store| {
            let interfaces = store.all_exchange_credentials()?.into_iter().map(|(api, _)| api).collect();
            let exchanges = store.exchanges()?;
            let mut own = BTreeSet::new();
            for exchange in &exchanges {
                if exchanging::has_own_credentials(store, exchange)? {
                    own.insert(exchange.name.clone());
                }
            }
            Ok((exchanges, Sealed { interfaces, own }))
        })
        .await?;
    let chosen = params.get("api").and_then(exchange_apis::named).unwrap_or(&APIS[0]);
    let done = match params.get("did") {
        Some("made") => {
            "<p class=\"note\" role=\"status\">The exchange is there. It is fetched from soon.</p>"
        }
        Some("changed") => "<p class=\"note\" role=\"status\">Changed.</p>",
        _ => "",
    };
    let mut body = format!("{done}{}", table(visit, &exchanges, &sealed));
    body.push_str(&create_form(visit, chosen));
    if shares_credentials(chosen) {
        body.push_str(&credentials_form(visit, chosen, sealed.interfaces.contains(chosen.name)));
    }
    Ok(Page { tab: Tab::Exchanges, title: "Exchanges".to_owned(), sub: String::new(), body })
}

fn table(visit: &Visit, exchanges: &[Exchange], sealed: &Sealed) -> String {
    if exchanges.is_empty() {
        return "<section><p class=\"empty\">There is no exchange yet.</p></section>".to_owned();
    }
    let rows: String = exchanges.iter().map(|exchange| row(visit, exchange, sealed)).collect();
    format!(
        "<section><div class=\"wide\"><table><thead><tr><th>Exchange</th><th>Interface</th><th>State</th><th>Last fetch</th>\
         <th class=\"n\">Items</th><th>Credentials</th><th><span class=\"hide\">Switch</span></th></tr></thead>\
         <tbody>{rows}</tbody></table></div><p class=\"hint\">An exchange goes with its bank: delete that to delete both.</p></section>"
    )
}

fn row(visit: &Visit, exchange: &Exchange, sealed: &Sealed) -> String {
    let (class, words) = fetched(exchange);
    let needs = exchange_apis::named(&exchange.api).is_some_and(|api| api.credentials.is_some());
    let shares = exchange_apis::named(&exchange.api).is_some_and(shares_credentials);
    let has = match (needs, sealed.interfaces.contains(&exchange.api)) {
        (false, _) => "<span class=\"off\">none needed</span>".to_owned(),
        (true, _) if sealed.own.contains(&exchange.name) => "<span class=\"ok\">its own</span>".to_owned(),
        (true, _) if !shares => "<span class=\"off\">none</span>".to_owned(),
        (true, true) => "<span class=\"ok\">set</span>".to_owned(),
        (true, false) => format!(
            "<span class=\"bad\">missing</span> <a href=\"/ui/exchanges?api={}#credentials\">Set</a>",
            segment(&exchange.api)
        ),
    };
    let (to, verb) = if exchange.enabled { ("false", "Switch off") } else { ("true", "Switch on") };
    format!(
        "<tr><td><a href=\"/ui/banks/{}\">{}</a></td><td><code>{}</code></td><td><span class=\"{class}\">{words}</span></td><td>{}</td>\
         <td class=\"n\">{}</td><td>{has}</td><td><form method=\"post\" action=\"/ui/exchanges/{}/switch\">{}\
         <input type=\"hidden\" name=\"enabled\" value=\"{to}\"><button>{verb}</button></form></td></tr>",
        segment(&exchange.bank),
        Text(&exchange.name),
        Text(&exchange.api),
        time(exchange.fetch.last_fetch_complete_ts),
        count(u64::try_from(exchange.fetch.fetched_items).unwrap_or(0)),
        segment(&exchange.name),
        token(visit),
    )
}

/// Whether exchanges of an interface may have credentials in common: those of peers are each one's own.
fn shares_credentials(api: &ExchangeApi) -> bool {
    api.credentials.is_some() && !api.environments().is_empty()
}

fn create_form(visit: &Visit, chosen: &ExchangeApi) -> String {
    let choice: String = APIS
        .iter()
        .map(|api| {
            let here = if api.name == chosen.name { " aria-current=\"true\"" } else { "" };
            format!("<a href=\"/ui/exchanges?api={}\"{here}>{}</a>", segment(api.name), Text(api.name))
        })
        .collect();
    let schema = chosen.own_schema();
    let network = match (chosen.is_matcher(), chosen.environments().is_empty()) {
        (true, _) => {
            "<p class=\"hint\">A remote matcher has no list: look-ups that name it ask it for hashes, and its bank stays \
             empty.</p>"
        }
        (false, false) => {
            "<p class=\"hint\">Choose an environment, the service's test twin first, or give an address. None is \
             preset.</p>"
        }
        (false, true) => "",
    };
    let credentials = match chosen.credentials.is_some() {
        true => {
            let common = match shares_credentials(chosen) {
                true => " Without any it uses those of the interface.",
                false => "",
            };
            format!(
                "{}<p class=\"hint\">Credentials given here are this exchange's own, kept sealed and shown to nobody.{common}</p>",
                rows(&optional(&schema["credentials_schema"]), CREDENTIAL, true)
            )
        }
        false => String::new(),
    };
    format!(
        "<section><h2>Another exchange</h2><nav class=\"jump choice\" aria-label=\"Interfaces\">{choice}</nav>{network}\
         <form class=\"panel\" method=\"post\" action=\"/ui/exchanges\">{}<input type=\"hidden\" name=\"api\" value=\"{}\">\
         <div class=\"row\"><label for=\"bank\">Bank</label><input id=\"bank\" name=\"bank\" required maxlength=\"255\" \
         pattern=\"[A-Z_][A-Z0-9_]*\" title=\"Capitals, digits, underscores; no digit first\" autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"UPPER_WITH_UNDERSCORE\"><small>It is made, and filled from the exchange</small></div>{}{credentials}\
         <div class=\"row end\"><button class=\"main\">Make the exchange</button></div></form></section>",
        token(visit),
        Attr(chosen.name),
        rows(&schema["config_schema"], PREFIX, false),
    )
}

/// A schema of which nothing has to be filled in.
fn optional(schema: &Value) -> Value {
    let mut schema = schema.clone();
    for field in schema["fields"].as_array_mut().into_iter().flatten() {
        field["required"] = json!(false);
    }
    schema
}

fn credentials_form(visit: &Visit, chosen: &ExchangeApi, has: bool) -> String {
    let schema = chosen.schema();
    let state = if has { "<span class=\"ok\">set</span>" } else { "<span class=\"warned\">not set</span>" };
    let clear = match has {
        true => "<button class=\"danger\" name=\"clear\" value=\"true\" formnovalidate>Clear</button>",
        false => "",
    };
    format!(
        "<section id=\"credentials\"><h2>Credentials for {name} <i>{state}</i></h2>\
         <form class=\"panel\" method=\"post\" action=\"/ui/credentials/{place}\">{token}{fields}\
         <p class=\"hint\">They are kept sealed, for all exchanges of this interface, and shown to nobody.</p>\
         <div class=\"row end\">{clear}<button class=\"main\">Set</button></div></form></section>",
        name = Text(chosen.name),
        place = segment(chosen.name),
        token = token(visit),
        fields = rows(&schema["credentials_schema"], PREFIX, true),
    )
}

async fn create(mut sent: Sent) -> Response {
    let made = made(&mut sent).await;
    sent.done(Tab::Exchanges, made.map(|()| "/ui/exchanges?did=made".to_owned()))
}

async fn made(sent: &mut Sent) -> Result<(), ApiError> {
    let posted = sent.form().await?;
    let api = named(posted.form.get("api"))?;
    let schema = api.own_schema();
    let new = New {
        name: posted.form.get("bank").map(str::trim).unwrap_or_default().to_owned(),
        api,
        config: filled(&schema["config_schema"], PREFIX, &posted.form),
        credentials: filled(&schema["credentials_schema"], CREDENTIAL, &posted.form),
        enabled: true,
    };
    own::make(&sent.app, &sent.caller, new).await.map(drop)
}

fn named(name: Option<&str>) -> Result<&'static ExchangeApi, ApiError> {
    name.and_then(exchange_apis::named).ok_or_else(|| ApiError::bad("There is no such interface"))
}

async fn switch(Path(name): Path<String>, mut sent: Sent) -> Response {
    let switched = switched(&mut sent, name).await;
    sent.done(Tab::Exchanges, switched.map(|()| "/ui/exchanges?did=changed".to_owned()))
}

async fn switched(sent: &mut Sent, name: String) -> Result<(), ApiError> {
    let posted = sent.form().await?;
    let enabled = posted.form.get("enabled") == Some("true");
    let caller = sent.caller.clone();
    sent.app
        .writer
        .write(move |batch| {
            if !batch.change_exchange(&name, None, Some(enabled))? {
                return Err(ApiError::missing(format!("Exchange '{name}' not found")));
            }
            let told = json!({ "exchange": name, "enabled": enabled });
            audit::note(batch, &caller, "exchange.change", &told)
        })
        .await
}

async fn credentials(Path(name): Path<String>, mut sent: Sent) -> Response {
    let place = format!("/ui/exchanges?api={}&did=changed", segment(&name));
    let kept = kept(&mut sent, &name).await;
    sent.done(Tab::Exchanges, kept.map(|()| place))
}

async fn kept(sent: &mut Sent, name: &str) -> Result<(), ApiError> {
    let posted = sent.form().await?;
    let api = named(Some(name))?;
    let secret = match posted.form.get("clear") {
        Some(_) => None,
        None => {
            let given = filled(&api.schema()["credentials_schema"], PREFIX, &posted.form);
            let kept = api.credentials(&given).map_err(ApiError::bad)?;
            Some(Secret::from(Value::Object(kept).to_string()))
        }
    };
    hma_apis::set(&sent.app, &sent.caller, api, secret).await
}
