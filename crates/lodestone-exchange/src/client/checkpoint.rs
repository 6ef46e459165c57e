//! Where a fetch stopped: opaque to the caller, versioned, bound to the service it came from.
//!
//! ```text
//! {"v":1, "api":"ncmec", "scope":"https://…", "at_s":1700000000, "state":{…the client's own…}}
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ClientError;

const VERSION: u64 = 1;

/// Where a fetch stopped. Keep it with the data, in one transaction with the page it came with. It holds no credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint(Value);

impl Checkpoint {
    /// One that was kept.
    pub fn from_value(value: Value) -> Self {
        Self(value)
    }

    /// To be kept.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The time up to which the service's changes are known, seconds since 1970: what HMA tells as `checkpoint_ts`.
    pub fn at_s(&self) -> Option<i64> {
        self.0.get("at_s").and_then(Value::as_i64)
    }

    pub(super) fn make(api: &str, scope: &str, at_s: Option<i64>, state: &impl Serialize) -> Self {
        Self(json!({ "v": VERSION, "api": api, "scope": scope, "at_s": at_s, "state": state }))
    }

    /// The client's own state; `None` when it is of another service or another selection, which begins anew.
    pub(super) fn open<T: DeserializeOwned>(
        kept: Option<&Self>,
        api: &str,
        scope: &str,
    ) -> Result<Option<T>, ClientError> {
        let Some(Self(value)) = kept else { return Ok(None) };
        if value.get("v").and_then(Value::as_u64) != Some(VERSION) {
            return Err(ClientError::Checkpoint("it was made by another version".to_owned()));
        }
        let is = |name: &str, text: &str| value.get(name).and_then(Value::as_str) == Some(text);
        if !is("api", api) || !is("scope", scope) {
            return Ok(None);
        }
        let state = value.get("state").cloned().unwrap_or_default();
        serde_json::from_value(state)
            .map(Some)
            .map_err(|_| ClientError::Checkpoint("its fields are wrong".to_owned()))
    }
}
