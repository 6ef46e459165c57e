//! What is kept of an exchange between fetches, beside what HMA tells: in the place of its checkpoint.

use std::collections::BTreeMap;

use lodestone_exchange::client::{Checkpoint, Counts};
use lodestone_store::{Exchange, ListedReport};
use lodestone_types::Reject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Wrong rows that are told one by one.
const MAX_REJECTS: usize = 20;
/// Reasons that are counted apart.
const MAX_REASONS: usize = 64;

/// What is kept of an exchange between fetches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The client's checkpoint.
    pub client: Option<Value>,
    /// Number of the last walk through the whole list.
    pub walk: u32,
    /// The walk has come to its end; what it has not named is being removed.
    pub ending: bool,
    /// A fetch has begun and not ended, or was killed.
    pub open: bool,
    /// What the present fetch did, or the last one.
    pub last: Tally,
    /// Why the last fetch failed.
    pub why: Option<String>,
}

/// What a fetch did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Pages applied.
    pub pages: u64,
    /// Rows read.
    pub rows: u64,
    /// Entries that are new.
    pub added: u64,
    /// Entries that changed.
    pub updated: u64,
    /// Entries that were there so.
    pub unchanged: u64,
    /// Entries that were withdrawn, or are not listed any more.
    pub removed: u64,
    /// Of those that changed, entries that lost values.
    pub lost: u64,
    /// Changes older than what was held.
    pub stale: u64,
    /// Entries that cannot be kept.
    pub refused: u64,
    /// Rows that are wrong.
    pub rejected: u64,
    /// Rows or values passed over on purpose, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first wrong rows, as number in their page and reason.
    pub rejects: Vec<(u64, String)>,
}

impl Kept {
    /// Of an exchange as it is stored. One of another interface's making is as none.
    pub fn of(exchange: &Exchange) -> Self {
        exchange
            .fetch
            .checkpoint
            .clone()
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default()
    }

    /// The client's checkpoint, to go on from.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.client.clone().map(Checkpoint::from_value)
    }
}

impl Tally {
    /// Adds what a page read.
    pub(super) fn read(&mut self, counts: &Counts, rejects: &[Reject]) {
        self.pages += 1;
        self.rows += counts.rows;
        self.rejected += counts.rejected;
        for (reason, count) in &counts.skipped {
            let known = self.skipped.contains_key(reason) || self.skipped.len() < MAX_REASONS;
            let reason = if known { reason.as_str() } else { "for other reasons" };
            *self.skipped.entry(reason.to_owned()).or_default() += count;
        }
        let room = MAX_REJECTS.saturating_sub(self.rejects.len());
        self.rejects.extend(rejects.iter().take(room).map(|reject| (reject.line, reject.reason.clone())));
    }

    /// Adds what a step did.
    pub(super) fn did(&mut self, report: &ListedReport) {
        self.added += report.added;
        self.updated += report.updated;
        self.unchanged += report.unchanged;
        self.removed += report.removed;
        self.lost += report.lost.len() as u64;
        self.stale += report.stale;
        self.refused += report.refused;
    }

    /// Whether the bank is another than before.
    pub fn changed(&self) -> bool {
        self.added + self.updated + self.removed > 0
    }

    /// For programs.
    pub fn told(&self) -> Value {
        let rejects: Vec<Value> =
            self.rejects.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect();
        json!({
            "pages": self.pages, "rows": self.rows, "added": self.added, "updated": self.updated,
            "unchanged": self.unchanged, "removed": self.removed, "lost_values": self.lost, "stale": self.stale, "refused": self.refused,
            "rejected": self.rejected, "skipped": self.skipped, "rejects": rejects,
        })
    }
}
