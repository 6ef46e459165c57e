//! A bank that takes pages in as whoever keeps one should: changes and checkpoint together, and only news.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_exchange::client::{Checkpoint, Counts, Listed, Listing, Page, What};
use lodestone_types::ListEntry;

#[derive(Clone, Debug, Default)]
pub(crate) struct Bank {
    pub(crate) entries: BTreeMap<String, Listed>,
    /// While a whole list is read: ids that it has not named yet.
    unseen: Option<BTreeSet<String>>,
    /// As it would be kept: as text.
    checkpoint: Option<String>,
    pub(crate) counts: Counts,
}

impl Bank {
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        self.checkpoint.as_ref().map(|text| Checkpoint::from_value(serde_json::from_str(text).unwrap()))
    }

    pub(crate) fn checkpoint_text(&self) -> &str {
        self.checkpoint.as_deref().unwrap_or_default()
    }

    pub(crate) fn apply(&mut self, page: &Page) {
        let mut keys = BTreeSet::new();
        if page.listing == (Listing::Whole { is_first: true }) {
            self.unseen = Some(self.entries.keys().cloned().collect());
        }
        for change in &page.changes {
            assert!(keys.insert(change.key.as_str()), "an id stands once in a page");
            if let Some(unseen) = &mut self.unseen {
                unseen.remove(&change.key);
            }
            if self.entries.get(&change.key).is_some_and(|held| !change.is_newer_than(&held.entry)) {
                continue;
            }
            match &change.what {
                What::Upsert(listed) => {
                    assert_eq!(listed.entry.entry, change.key);
                    assert!(!listed.entry.signals.is_empty());
                    self.entries.insert(change.key.clone(), (**listed).clone());
                }
                What::Remove => {
                    self.entries.remove(&change.key);
                }
            }
        }
        if page.is_last
            && matches!(page.listing, Listing::Whole { .. })
            && let Some(unseen) = self.unseen.take()
        {
            self.entries.retain(|key, _| !unseen.contains(key));
        }
        self.counts.add(&page.counts);
        self.checkpoint = Some(page.checkpoint.as_value().to_string());
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.entries.keys().map(String::as_str).collect()
    }

    pub(crate) fn entry(&self, key: &str) -> &ListEntry {
        &self.entries[key].entry
    }

    /// Signals of an entry, as text.
    pub(crate) fn signals(&self, key: &str) -> Vec<String> {
        let text = |signal: &lodestone_types::Signal| format!("{}:{}", signal.kind(), signal.to_text());
        self.entry(key).signals.iter().map(text).collect()
    }

    pub(crate) fn skipped(&self, reason: &str) -> u64 {
        self.counts.skipped.get(reason).copied().unwrap_or(0)
    }
}
