//! What an exchange is configured with, in the field names of Hasher-Matcher-Actioner.

use std::fmt;

use serde_json::{Map, Value};

use super::ClientError;
use super::address::Base;
use super::retry::Rules;

/// Configuration and credentials of one exchange. Credentials are never printed.
#[derive(Clone, Default)]
pub struct Settings {
    /// Fields of the configuration: `environment`, `only_esp_ids`, `privacy_group`, `bank`, `send_files` …
    pub config: Map<String, Value>,
    /// Fields of the credentials: `user`, `password`, `api_token`, `fetch_function_key`, `subscription_key` …
    /// A file of credentials may hold configuration as well: what `config` does not say is looked up here.
    pub credentials: Map<String, Value>,
    /// The service's base URL, in the place of the one that the environment names.
    pub base_url: Option<String>,
    /// How often, and how patiently, requests are tried.
    pub rules: Rules,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Settings {
    fn value(&self, name: &str) -> Option<&Value> {
        let filled = |fields: &'_ Map<String, Value>| fields.get(name).is_some_and(|value| !value.is_null());
        if filled(&self.config) { self.config.get(name) } else { self.credentials.get(name) }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number, also one that is written as a text.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// Whole numbers of a list; empty when there is none.
    pub(super) fn wholes(&self, name: &str) -> Result<Vec<u64>, ClientError> {
        let Some(Value::Array(list)) = self.value(name) else { return Ok(Vec::new()) };
        let numbers: Option<Vec<u64>> = list.iter().map(Value::as_u64).collect();
        let mut numbers =
            numbers.ok_or_else(|| ClientError::settings(format!("{name} is no list of whole numbers")))?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// A credential, of which nothing is ever printed.
    pub(super) fn credential(&self, name: &str) -> Result<&str, ClientError> {
        let text = self.credentials.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| ClientError::settings(format!("the credential {name} is missing")))?;
        match text.chars().any(char::is_control) {
            true => Err(ClientError::settings(format!("the credential {name} holds control characters"))),
            false => Ok(text),
        }
    }

    /// A credential that need not be there.
    pub(super) fn maybe_credential(&self, name: &str) -> Result<Option<&str>, ClientError> {
        match self.credentials.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(_) => self.credential(name).map(Some),
        }
    }

    fn given_base(&self) -> Option<&str> {
        let given = self.base_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        given.or_else(|| self.text("base_url")).or_else(|| self.text("base_url_override"))
    }

    /// Whether an address was given, rather than the name of an environment.
    pub(super) fn names_address(&self) -> bool {
        self.given_base().is_some()
    }

    /// The base URL: what was given, else that of the named environment. There is no other preset.
    pub(super) fn base(&self, environments: &[(&str, &str)]) -> Result<Base, ClientError> {
        if let Some(url) = self.given_base() {
            return Base::parse(url);
        }
        let names = || environments.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let Some(environment) = self.text("environment") else {
            return Err(ClientError::settings(match environments.is_empty() {
                true => "base_url is missing".to_owned(),
                false => format!("give base_url, or as environment one of: {}", names()),
            }));
        };
        let found = environments.iter().find(|(name, url)| {
            name.eq_ignore_ascii_case(environment) || *url == environment.trim_end_matches('/')
        });
        match found {
            Some((_, url)) => Base::parse(url),
            None => Err(ClientError::settings(format!("no such environment; known: {}", names()))),
        }
    }

    /// `Authorization: Basic` of two credentials.
    pub(super) fn basic(&self, user: &str, password: &str) -> Result<String, ClientError> {
        use base64::Engine;
        let (user, password) = (self.credential(user)?, self.credential(password)?);
        if user.contains(':') {
            return Err(ClientError::settings("a user name must not hold a colon"));
        }
        let pair = format!("{user}:{password}");
        Ok(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }
}
