//! `/v1/keys`: API keys listed, made and taken back, by administrators.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_store::ApiKey;
use serde_json::{Value, json};

use crate::App;
use crate::api_keys::{self, KeyError};
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::hma::compare::flask_json;
use crate::http::body;
use crate::http::reply::Json;
use crate::route::{About, For, Place, Routes, Takes};

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Json, kind, required, about }
}

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    routes
        .get(
            "/v1/keys",
            allowed,
            About {
                summary: "All API keys",
                takes: &[],
                answers: &[(200, "The keys, without their secrets")],
            },
            list,
        )
        .post(
            "/v1/keys",
            allowed,
            About {
                summary: "Makes an API key",
                takes: const {
                    &[
                        field("name", "string", true, "Whose it is, up to 200 characters"),
                        field("roles", "array", true, "`hash`, `match`, `curate`, `audit`, `admin`"),
                        field(
                            "expires_in_s",
                            "integer",
                            false,
                            "Seconds for which it is good; absent: for ever",
                        ),
                    ]
                },
                answers: &[(201, "The key, with its token, which is never shown again"), (400, "No key")],
            },
            create,
        )
        .delete(
            "/v1/keys/{key_id}",
            allowed,
            About {
                summary: "Takes an API key back, at once",
                takes: &[],
                answers: &[(200, "It is taken back, now or before"), (404, "No such key")],
            },
            revoke,
        )
}

fn told(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "roles": key.roles,
        "created_us": key.created_us,
        "expires_us": key.expires_us,
        "revoked_us": key.revoked_us,
    })
}

async fn list(State(app): State<App>) -> Result<Json, ApiError> {
    let keys = app.readers.read(|store| Ok(api_keys::all(store)?)).await?;
    Ok(Json::ok(json!({ "keys": keys.iter().map(told).collect::<Vec<_>>() })))
}

/// What a key is asked to be.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    roles: Vec<Role>,
    good_for_us: Option<i64>,
}

impl Wanted {
    fn of(body: &Value) -> Result<Self, ApiError> {
        let name =
            body.get("name").and_then(Value::as_str).ok_or_else(|| ApiError::bad("name is required"))?;
        let roles = body.get("roles").and_then(Value::as_array);
        let roles = roles.ok_or_else(|| ApiError::bad("roles is required: a list of names"))?;
        let role = |role: &Value| role.as_str().unwrap_or_default().parse::<Role>().map_err(ApiError::bad);
        let good_for_us = match body.get("expires_in_s") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let seconds = value.as_i64().filter(|seconds| *seconds > 0);
                let seconds =
                    seconds.ok_or_else(|| ApiError::bad("expires_in_s must be a whole number above 0"))?;
                Some(seconds.saturating_mul(1_000_000))
            }
        };
        Ok(Self {
            name: name.to_owned(),
            roles: roles.iter().map(role).collect::<Result<_, _>>()?,
            good_for_us,
        })
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Wrong(why) => Self::bad(why),
            KeyError::NoRandomness => Self::unavailable(error.to_string()),
            KeyError::Store(error) => error.into(),
        }
    }
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let held = body::read(&headers, body, &app.bodies).await?;
    let wanted = Wanted::of(&flask_json(&headers, &held.bytes)?)?;
    let random = app.random.clone();
    let (token, key) = app
        .writer
        .write(move |batch| {
            let expires_us = wanted.good_for_us.map(|time| batch.now_us().saturating_add(time));
            let made = api_keys::make(batch, &random, &wanted.name, &wanted.roles, expires_us)?;
            let object = json!({ "key": made.1.id, "name": made.1.name, "roles": made.1.roles });
            audit::note(batch, &caller, "key.create", &object)?;
            Ok(made)
        })
        .await?;
    if let Some(key) = api_keys::checked(&key) {
        app.keys.add(&key);
    }
    let mut answer = told(&key);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("token".to_owned(), json!(token.reveal().expose_str()));
    }
    Ok(Json(StatusCode::CREATED, answer).into_response())
}

async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json, ApiError> {
    let wanted = id.clone();
    let written = app
        .writer
        .write(move |batch| {
            if batch.revoke_api_key(&wanted)? {
                audit::note(batch, &caller, "key.revoke", &json!({ "key": wanted }))?;
            }
            Ok(())
        })
        .await;
    // Whatever the writer says of the index: a key that the store has as revoked is turned away.
    let read = id.clone();
    let key = app.readers.read(move |store| Ok(store.api_key(&read)?)).await?;
    if written.is_ok() || key.as_ref().is_some_and(|key| key.revoked_us.is_some()) {
        app.keys.remove(&id);
    }
    written?;
    let key = key.ok_or_else(|| ApiError::missing("no such key"))?;
    Ok(Json::ok(told(&key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_asked_for_by_name_roles_and_time() {
        let body = json!({ "name": "coop", "roles": ["match", "hash"], "expires_in_s": 60, "other": 1 });
        let wanted = Wanted::of(&body).unwrap();
        let roles = vec![Role::Match, Role::Hash];
        assert_eq!(wanted, Wanted { name: "coop".to_owned(), roles, good_for_us: Some(60_000_000) });
        for bad in [
            json!([]),
            json!({ "name": "x" }),
            json!({ "roles": ["hash"] }),
            json!({ "name": "x", "roles": "hash" }),
            json!({ "name": "x", "roles": ["root"] }),
            json!({ "name": "x", "roles": [1] }),
            json!({ "name": "x", "roles": ["hash"], "expires_in_s": 0 }),
            json!({ "name": "x", "roles": ["hash"], "expires_in_s": "60" }),
        ] {
            assert_eq!(Wanted::of(&bad).unwrap_err().status().as_u16(), 400, "{bad}");
        }
    }

    #[test]
    fn what_is_told_of_a_key_holds_no_digest() {
        let key = ApiKey {
            id: "ab".to_owned(),
            name: "n".to_owned(),
            roles: vec!["hash".to_owned()],
            secret_sha256: [7; 32],
            created_us: 1,
            expires_us: None,
            revoked_us: Some(2),
        };
        assert_eq!(
            told(&key),
            json!({
                "id": "ab", "name": "n", "roles": ["hash"],
                "created_us": 1, "expires_us": null, "revoked_us": 2,
            })
        );
    }
}
