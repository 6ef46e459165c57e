//! Who may do what: API keys with roles, checked in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use lodestone_net::token::{Token, TokenDigest};
use serde::{Deserialize, Serialize};

/// What a key may do. A key has one or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Have files hashed and examined.
    Hash,
    /// Look hashes and files up.
    Match,
    /// See and change banks and exchanges; decide on reviews.
    Curate,
    /// Read the match log and the audit log.
    Audit,
    /// All of it, and keys, rules, settings, backups.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Hash, Self::Match, Self::Curate, Self::Audit, Self::Admin];

    /// Name on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Match => "match",
            Self::Curate => "curate",
            Self::Audit => "audit",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text.trim())
            .ok_or_else(|| format!("no role {text:?}; roles: hash, match, curate, audit, admin"))
    }
}

/// Who asks: for the log of what was done, and for limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the key; `open` where no keys are asked for.
    pub key: Arc<str>,
}

/// A key as the server keeps it: never its secret.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its id, which is part of the token.
    pub id: Arc<str>,
    /// Digest of its token.
    pub digest: TokenDigest,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Microseconds since 1970 from which it is void.
    pub void_from_us: Option<i64>,
}

/// All keys, in memory. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Keys(Arc<ArcSwap<BTreeMap<Arc<str>, Key>>>);

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// No key, or one that is not known, void or misspelt.
    NoKey,
    /// The key may not do this.
    NoRole,
}

impl Keys {
    /// Replaces all keys.
    pub fn set(&self, keys: impl IntoIterator<Item = Key>) {
        let keys = keys.into_iter().map(|key| (Arc::clone(&key.id), key)).collect();
        self.0.store(Arc::new(keys));
    }

    /// Adds a key, or puts it in the place of the one of its id.
    pub fn add(&self, key: &Key) {
        self.0.rcu(|keys| {
            let mut keys = BTreeMap::clone(keys);
            keys.insert(Arc::clone(&key.id), key.clone());
            keys
        });
    }

    /// Takes a key away.
    pub fn remove(&self, id: &str) {
        self.0.rcu(|keys| {
            let mut keys = BTreeMap::clone(keys);
            keys.remove(id);
            keys
        });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// Who asks, if the key they carry may do this.
    ///
    /// # Errors
    /// [`TurnedAway`].
    pub fn check(&self, headers: &HeaderMap, role: Role, now_us: i64) -> Result<Caller, TurnedAway> {
        let text = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = bearer(text).and_then(|text| Token::parse(text).ok()).ok_or(TurnedAway::NoKey)?;
        let keys = self.0.load();
        let key = keys.get(token.id()).ok_or(TurnedAway::NoKey)?;
        if !key.digest.matches(&token) || key.void_from_us.is_some_and(|void| void <= now_us) {
            return Err(TurnedAway::NoKey);
        }
        if !key.roles.contains(&role) && !key.roles.contains(&Role::Admin) {
            return Err(TurnedAway::NoRole);
        }
        Ok(Caller { key: Arc::clone(&key.id) })
    }
}

impl Keys {
    /// Who asks, if a key may do this that was shown before: sessions of the pages name it. No role: any will do.
    ///
    /// # Errors
    /// [`TurnedAway`].
    pub fn check_id(&self, id: &str, role: Option<Role>, now_us: i64) -> Result<Caller, TurnedAway> {
        let keys = self.0.load();
        let key = keys.get(id).ok_or(TurnedAway::NoKey)?;
        if key.void_from_us.is_some_and(|void| void <= now_us) {
            return Err(TurnedAway::NoKey);
        }
        if role.is_some_and(|role| !key.roles.contains(&role) && !key.roles.contains(&Role::Admin)) {
            return Err(TurnedAway::NoRole);
        }
        Ok(Caller { key: Arc::clone(&key.id) })
    }

    /// Who asks, whatever the key they carry may do.
    ///
    /// # Errors
    /// [`TurnedAway::NoKey`].
    pub fn check_any(&self, headers: &HeaderMap, now_us: i64) -> Result<Caller, TurnedAway> {
        Role::ALL.iter().find_map(|role| self.check(headers, *role, now_us).ok()).ok_or(TurnedAway::NoKey)
    }
}

/// The token of `Bearer TOKEN`, the scheme in any case. *Source:* RFC 6750.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
