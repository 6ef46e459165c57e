//! API keys: made, kept as digests, read into memory. The routes and the command line both come here.

use std::sync::Arc;

use lodestone_net::token::{Token, TokenDigest};
use lodestone_store::{ApiKey, Batch, Store, StoreError};
use ring::rand::SecureRandom;

use crate::auth::{Key, Role};

/// Characters of a key's name.
const MAX_NAME: usize = 200;
/// Keys read at a time.
const PAGE: usize = 500;

/// Why a key is not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// What was asked for makes no key.
    #[error("{0}")]
    Wrong(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key: the token, which is shown once and kept by nobody here, and the key as it is kept.
///
/// # Errors
/// [`KeyError`].
pub fn make(
    batch: &mut Batch<'_>,
    random: &dyn SecureRandom,
    name: &str,
    roles: &[Role],
    expires_us: Option<i64>,
) -> Result<(Token, ApiKey), KeyError> {
    let wrong = |text: &str| Err(KeyError::Wrong(text.to_owned()));
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return wrong("a key needs a name, of up to 200 characters, that says whose it is");
    }
    if roles.is_empty() {
        return wrong("a key needs a role: hash, match, curate, audit or admin");
    }
    if expires_us.is_some_and(|expires| expires <= batch.now_us()) {
        return wrong("the key would have expired already");
    }
    let token = Token::generate(random).map_err(|_| KeyError::NoRandomness)?;
    let mut roles: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
    roles.sort_unstable();
    roles.dedup();
    let key = ApiKey {
        id: token.id().to_owned(),
        name: name.to_owned(),
        roles,
        secret_sha256: *token.digest().as_bytes(),
        created_us: batch.now_us(),
        expires_us,
        revoked_us: None,
    };
    batch.add_api_key(&key)?;
    Ok((token, key))
}

/// A key as requests are checked by it; `None` for one that was taken back. Roles that this version does not know give
/// nothing.
pub fn checked(key: &ApiKey) -> Option<Key> {
    if key.revoked_us.is_some() {
        return None;
    }
    Some(Key {
        id: Arc::from(key.id.as_str()),
        digest: TokenDigest::from_bytes(key.secret_sha256),
        roles: key.roles.iter().filter_map(|role| role.parse().ok()).collect(),
        void_from_us: key.expires_us,
    })
}

/// All keys of a store, those taken back too, by rising id.
///
/// # Errors
/// The store's.
pub fn all(store: &Store) -> Result<Vec<ApiKey>, StoreError> {
    let mut keys: Vec<ApiKey> = Vec::new();
    loop {
        let after = keys.last().map(|key| key.id.clone()).unwrap_or_default();
        let page = store.api_keys(&after, PAGE)?;
        if page.is_empty() {
            return Ok(keys);
        }
        keys.extend(page);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use ring::rand::SystemRandom;

    use super::*;
    use crate::auth::{Keys, TurnedAway};

    fn carrying(token: &Token) -> HeaderMap {
        let text = format!("bearer {}", token.reveal().expose_str().unwrap());
        [("authorization".parse().unwrap(), text.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_key_opens_what_its_roles_say_until_it_expires_or_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let random = SystemRandom::new();
        let (token, kept) = store
            .batch(100, |batch| {
                make(batch, &random, " Coop ", &[Role::Match, Role::Hash, Role::Hash], Some(200))
            })
            .unwrap();
        assert_eq!(
            (kept.name.as_str(), kept.roles.as_slice()),
            ("Coop", &["hash".to_owned(), "match".to_owned()][..])
        );
        let keys = Keys::default();
        keys.set(all(&store).unwrap().iter().filter_map(checked));
        let asks = carrying(&token);
        assert_eq!(&*keys.check(&asks, Role::Match, 199).unwrap().key, token.id());
        assert_eq!(keys.check(&asks, Role::Curate, 199), Err(TurnedAway::NoRole));
        assert_eq!(keys.check(&asks, Role::Match, 200), Err(TurnedAway::NoKey));
        assert_eq!(keys.check(&HeaderMap::new(), Role::Match, 0), Err(TurnedAway::NoKey));
        let stranger = Token::generate(&random).unwrap();
        assert_eq!(keys.check(&carrying(&stranger), Role::Match, 0), Err(TurnedAway::NoKey));
        keys.remove(token.id());
        assert_eq!(keys.check(&asks, Role::Match, 0), Err(TurnedAway::NoKey));
        keys.add(&checked(&kept).unwrap());
        assert!(keys.check(&asks, Role::Match, 0).is_ok());
        assert!(store.batch(150, |batch| batch.revoke_api_key(token.id())).unwrap());
        assert!(all(&store).unwrap().iter().filter_map(checked).next().is_none());
    }

    #[test]
    fn administrators_may_everything_and_unknown_roles_give_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let (token, mut kept) =
            store.batch(1, |batch| make(batch, &SystemRandom::new(), "a", &[Role::Admin], None)).unwrap();
        let keys = Keys::default();
        keys.set(checked(&kept));
        for role in Role::ALL {
            assert!(keys.check(&carrying(&token), role, i64::MAX).is_ok());
        }
        kept.roles = vec!["emperor".to_owned()];
        keys.set(checked(&kept));
        assert_eq!(keys.check(&carrying(&token), Role::Hash, 0), Err(TurnedAway::NoRole));
    }

    #[test]
    fn a_key_without_name_or_role_or_time_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let long = "x".repeat(201);
        for (name, roles, expires) in [
            ("", &[Role::Hash][..], None),
            ("a\nb", &[Role::Hash], None),
            (&long, &[Role::Hash], None),
            ("a", &[], None),
            ("a", &[Role::Hash], Some(5)),
        ] {
            let made = store.batch(5, |batch| make(batch, &SystemRandom::new(), name, roles, expires));
            assert!(matches!(made, Err(KeyError::Wrong(_))), "{name:?}");
        }
        assert!(all(&store).unwrap().is_empty());
    }
}
