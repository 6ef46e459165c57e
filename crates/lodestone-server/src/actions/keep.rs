//! How long things are kept, and which matches the log of audit holds: settings that stand in the store.

use lodestone_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The setting.
pub(crate) const SETTING: &str = "actions.keep";

/// How long things are kept, and what is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Days after which match events are forgotten: long enough for a question of the police, no archive.
    pub match_days: u32,
    /// Days after which delivered messages are forgotten. Standard Webhooks receivers know ids of some days.
    pub delivered_days: u32,
    /// Which matches go into the log of audit.
    pub audit_matches: AuditMatches,
}

/// Which matches go into the log of audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditMatches {
    /// Every one.
    All,
    /// Those from which something followed: a rule applied, or they were held.
    Acted,
    /// None.
    None,
}

impl Default for Keep {
    fn default() -> Self {
        Self { match_days: 90, delivered_days: 7, audit_matches: AuditMatches::All }
    }
}

impl Keep {
    /// As it stands in the store.
    ///
    /// # Errors
    /// The store's.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let text = store.setting(SETTING)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Refuses what would lose what has not been seen, or keeps for ever.
    ///
    /// # Errors
    /// Why.
    pub fn check(&self) -> Result<(), String> {
        let days = 1..=3650;
        if days.contains(&self.match_days) && days.contains(&self.delivered_days) {
            return Ok(());
        }
        Err("match_days and delivered_days have to be from 1 to 3650".to_owned())
    }
}
