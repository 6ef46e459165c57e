//! Keys that clients of the server show. Only a digest of the secret is kept.

use std::fmt;

use rusqlite::{Row, params};
use serde_json::Value;

use crate::read::{json, list, one, page};
use crate::{Batch, Store, StoreError};

/// A key, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// What it may do, in the server's words.
    pub roles: Vec<String>,
    /// SHA-256 of its secret part.
    pub secret_sha256: [u8; 32],
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
    /// From when on it is no longer good.
    pub expires_us: Option<i64>,
    /// When it was taken back.
    pub revoked_us: Option<i64>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The digest is left out: nobody has to see it.
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("roles", &self.roles)
            .field("expires_us", &self.expires_us)
            .field("revoked_us", &self.revoked_us)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The next keys after an id (at first ""), by rising id; those taken back too.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn api_keys(&self, after: &str, limit: usize) -> Result<Vec<ApiKey>, StoreError> {
        self.needs_schema_3()?;
        let sql = format!("{SELECT} WHERE id > ?1 ORDER BY id LIMIT ?2");
        list(&self.db, &sql, params![after, page(limit)], read)
    }

    /// One key; `None` when there is none such.
    ///
    /// # Errors
    /// As [`Store::api_keys`].
    pub fn api_key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, &format!("{SELECT} WHERE id = ?1"), [id], read)
    }
}

impl Batch<'_> {
    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when there is a key of this id.
    pub fn add_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let made = self
            .db()?
            .prepare_cached(
                "INSERT INTO api_keys (id, name, roles, secret_sha256, created_us, expires_us, revoked_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                key.id,
                key.name,
                Value::from(key.roles.as_slice()).to_string(),
                key.secret_sha256,
                key.created_us,
                key.expires_us,
                key.revoked_us,
            ])?;
        if made == 0 {
            return Err(StoreError::Taken { reason: format!("there is a key {:?} already", key.id) });
        }
        Ok(())
    }

    /// Takes a key back, from the batch's time on; `false` when there is none such, or it was taken back before.
    ///
    /// # Errors
    /// The database's.
    pub fn revoke_api_key(&mut self, id: &str) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached("UPDATE api_keys SET revoked_us = ?2 WHERE id = ?1 AND revoked_us IS NULL")?
            .execute(params![id, self.now_us()])?;
        Ok(changed > 0)
    }
}

const SELECT: &str =
    "SELECT id, name, roles, secret_sha256, created_us, expires_us, revoked_us FROM api_keys";

fn read(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let broken =
        || StoreError::Corrupt { reason: "an API key whose fields are no list or no digest".to_owned() };
    let roles = json(row, 2)?;
    let roles = roles.as_array().ok_or_else(broken)?;
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        roles: roles
            .iter()
            .map(|role| role.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(broken)?,
        secret_sha256: row
            .get_ref(3)?
            .as_blob()
            .ok()
            .and_then(|digest| digest.try_into().ok())
            .ok_or_else(broken)?,
        created_us: row.get(4)?,
        expires_us: row.get(5)?,
        revoked_us: row.get(6)?,
    })
}
