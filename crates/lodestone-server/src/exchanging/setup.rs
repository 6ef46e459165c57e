//! What an exchange is set up with: its configuration in the store, its credentials sealed beside.
//!
//! Credentials that were given with an exchange are its own. One that has none uses those of its interface, which is how
//! Hasher-Matcher-Actioner keeps them; peers and matchers at an address of their own have none in common.

use lodestone_exchange::client::{self, Settings};
use lodestone_net::Secret;
use lodestone_store::{Batch, Exchange, Store, StoreError};
use serde_json::{Map, Value};

use super::source;
use crate::error::ApiError;
use crate::secrets::{SETTING_PREFIX, Secrets, SecretsError, credentials_purpose};

/// An exchange to be made, with its bank.
pub struct NewNetworkExchange {
    /// Its name, and its bank's.
    pub name: String,
    /// Its interface.
    pub api: String,
    /// Its configuration, `base_url` and `environment` included.
    pub config: Map<String, Value>,
    /// Its credentials; empty: those of the interface.
    pub credentials: Map<String, Value>,
    /// PDQ distance in bits up to which its entries match.
    pub radius_bits: u32,
    /// Whether it is fetched from, or asked.
    pub enabled: bool,
}

impl std::fmt::Debug for NewNetworkExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewNetworkExchange").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where an exchange's own credentials are sealed. One that is made anew under the same name is another.
fn own(exchange: &Exchange) -> String {
    format!("exchange.{}.{}", exchange.created_us, exchange.name)
}

/// Makes an exchange and its bank (that of a matcher stays empty), and seals its credentials; all in the caller's transaction.
///
/// # Errors
/// 400 when it is not set up so that it could be fetched; 403 when there is an exchange of this name; the store's when
/// there is a bank; 503 when the key of secrets is lost.
pub fn add(batch: &mut Batch<'_>, secrets: &Secrets, new: &NewNetworkExchange) -> Result<Exchange, ApiError> {
    let settings =
        Settings { config: new.config.clone(), credentials: new.credentials.clone(), ..Settings::default() };
    let refused = |error: client::ClientError| ApiError::bad(error.to_string());
    if new.credentials.is_empty() {
        client::base_url(&new.api, &settings).map_err(refused)?;
    } else {
        client::check(&new.api, &settings).map_err(refused)?;
    }
    if batch.exchange(&new.name)?.is_some() {
        return Err(ApiError::forbidden(format!("there is an exchange {} already", new.name)));
    }
    let kind = client::bank_kind(&new.api, &settings);
    batch.create_bank(&new.name, kind, new.radius_bits, &source(&new.api))?;
    batch.create_exchange(&new.name, &new.api, &Value::Object(new.config.clone()), new.enabled)?;
    let made =
        batch.exchange(&new.name)?.ok_or_else(|| ApiError::unavailable("the exchange was not made"))?;
    if !new.credentials.is_empty() {
        let secret = Secret::from(Value::Object(new.credentials.clone()).to_string());
        secrets.put(batch, &own(&made), Some(&secret))?;
    }
    Ok(made)
}

/// Forgets the credentials of an exchange that is being deleted.
///
/// # Errors
/// The store's.
pub fn forget(batch: &mut Batch<'_>, secrets: &Secrets, exchange: &Exchange) -> Result<(), ApiError> {
    Ok(secrets.put(batch, &own(exchange), None)?)
}

/// Whether an exchange has credentials of its own.
///
/// # Errors
/// The store's.
pub fn has_own_credentials(store: &Store, exchange: &Exchange) -> Result<bool, StoreError> {
    Ok(store.setting(&format!("{SETTING_PREFIX}{}", own(exchange)))?.is_some())
}

/// Whether it is another server, or a matcher whose address was given.
fn is_a_peer(exchange: &Exchange) -> bool {
    let names_address = exchange.config.get("base_url").is_some_and(Value::is_string);
    client::environments(&exchange.api).is_empty()
        || client::matcher::is_known(&exchange.api) && names_address
}

/// Configuration and credentials of an exchange, for its client.
///
/// # Errors
/// [`SecretsError`] when credentials cannot be opened; the store's.
pub fn settings_of(store: &Store, secrets: &Secrets, exchange: &Exchange) -> Result<Settings, SecretsError> {
    let own = secrets.get(store, &own(exchange))?;
    let secret = match own {
        Some(secret) => Some(secret),
        // Those of an interface are for its services, and go to no address that somebody named.
        None if is_a_peer(exchange) => None,
        None => store
            .exchange_credentials(&exchange.api)?
            .map(|sealed| secrets.unseal(&credentials_purpose(&exchange.api), &sealed))
            .transpose()?,
    };
    let fields = secret
        .as_ref()
        .and_then(Secret::expose_str)
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let mut settings = Settings {
        config: exchange.config.as_object().cloned().unwrap_or_default(),
        credentials: fields.unwrap_or_default(),
        ..Settings::default()
    };
    let attempts = settings.config.get("attempts").and_then(Value::as_u64);
    if let Some(attempts) = attempts.and_then(|attempts| u32::try_from(attempts.clamp(1, 20)).ok()) {
        settings.rules.attempts = attempts;
    }
    Ok(settings)
}
