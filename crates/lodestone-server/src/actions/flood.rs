//! Floods: one known hash that suddenly matches many senders is a bad hash more often than a wave of crime, and what
//! follows from it is held for a person.
//!
//! Counted is, for each entry of a bank, how many distinct senders (keys, where no sender is given) matched it within an
//! hour. What is held stands in the store; the counts are in memory, bounded, and begin anew with the process, which can
//! only let a flood through for longer, never hold what is none.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};

use lodestone_store::{MAX_PAGE, Quarantined, Store, StoreError};

use super::HELD;
use crate::events::{EventMatch, MatchEvent};

/// Time over which senders are counted, microseconds.
const WINDOW_US: i64 = 3_600_000_000;
/// Senders remembered of all entries together: 60 MB at worst. Beyond it, the time over which they are counted is halved.
const MAX_SENDERS: usize = 200_000;

/// Counts, and what is held.
#[derive(Debug)]
pub struct Flood {
    limit: u32,
    random: RandomState,
    /// By entry: digests of senders, and when each was seen last.
    seen: BTreeMap<String, BTreeMap<u64, i64>>,
    total: usize,
    /// What is held, and the time of the event from which on it is.
    held: BTreeMap<String, i64>,
}

/// An entry that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The hash's key.
    pub key: String,
    /// Senders counted within the hour; as many as are counted, where there are more.
    pub senders: u32,
    /// It is held from this event on.
    pub is_new: bool,
    /// When that event happened, microseconds since 1970 UTC: tells one hold of a hash from the next.
    pub since_us: i64,
}

impl Held {
    /// The label of events whose actions are held by this.
    pub fn label(&self) -> String {
        label(&self.key, self.since_us)
    }
}

/// The label of events whose actions a hold keeps back.
pub(crate) fn label(key: &str, since_us: i64) -> String {
    format!("{HELD}{key}@{since_us}")
}

/// When a hold that stands in the store began.
pub(crate) fn since_us(stored: &Quarantined) -> i64 {
    let body = serde_json::from_str::<serde_json::Value>(&stored.body).ok();
    body.and_then(|body| body.get("since_us")?.as_i64()).unwrap_or(stored.first_us)
}

/// The name of an entry that was matched: `pdq:17`.
pub(crate) fn key_of(one: &EventMatch) -> String {
    format!("{}:{}", one.signal_type, one.bank_content_id)
}

impl Flood {
    /// With what the store holds. `limit`: senders from which on more are a flood; 0: never.
    ///
    /// # Errors
    /// The store's.
    pub fn load(store: &Store, limit: u32) -> Result<Self, StoreError> {
        let mut held = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = store.quarantine(true, &after, MAX_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.hash_key.clone();
            held.extend(page.into_iter().map(|one| (one.hash_key.clone(), since_us(&one))));
        }
        Ok(Self { limit, random: RandomState::new(), seen: BTreeMap::new(), total: 0, held })
    }

    /// The same beginning, after something was not kept.
    ///
    /// # Errors
    /// The store's.
    pub fn again(&self, store: &Store) -> Result<Self, StoreError> {
        Self::load(store, self.limit)
    }

    /// Counts the sender of an event; which of its entries are held.
    pub fn see(&mut self, event: &MatchEvent) -> Vec<Held> {
        let keys: BTreeSet<String> = event.matches.iter().map(key_of).collect();
        let mut held = Vec::new();
        for key in keys {
            let senders = if self.limit > 0 { self.count(&key, event) } else { 0 };
            let since_us = self.held.get(&key).copied();
            let is_new = since_us.is_none() && self.limit > 0 && senders > self.limit;
            if is_new {
                self.held.insert(key.clone(), event.at_us);
            }
            if let Some(since_us) = since_us.or(is_new.then_some(event.at_us)) {
                held.push(Held { key, senders, is_new, since_us });
            }
        }
        held
    }

    /// Lets a hash go, and counts anew.
    pub fn release(&mut self, key: &str) {
        self.held.remove(key);
        if let Some(senders) = self.seen.remove(key) {
            self.total -= senders.len();
        }
    }

    fn count(&mut self, key: &str, event: &MatchEvent) -> u32 {
        // A sender and a key of the same name are two.
        let sender = match &event.sender {
            Some(sender) => self.random.hash_one((0, sender)),
            None => self.random.hash_one((1, &event.key)),
        };
        let mut window = WINDOW_US;
        while self.total >= MAX_SENDERS && window > 0 {
            self.forget(event.at_us.saturating_sub(window));
            window /= 2;
        }
        if self.total >= MAX_SENDERS {
            (self.seen, self.total) = (BTreeMap::new(), 0);
        }
        let senders = self.seen.entry(key.to_owned()).or_default();
        let before = senders.len();
        senders.retain(|_, at_us| *at_us > event.at_us.saturating_sub(WINDOW_US));
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX).saturating_add(1);
        if senders.contains_key(&sender) || senders.len() < most {
            senders.insert(sender, event.at_us);
        }
        self.total = self.total + senders.len() - before;
        u32::try_from(senders.len()).unwrap_or(u32::MAX)
    }

    /// Forgets who was seen last before a time.
    fn forget(&mut self, before_us: i64) {
        for senders in self.seen.values_mut() {
            senders.retain(|_, at_us| *at_us > before_us);
        }
        self.seen.retain(|_, senders| !senders.is_empty());
        self.total = self.seen.values().map(BTreeMap::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(limit: u32) -> Flood {
        let dir = tempfile::tempdir().unwrap();
        Flood::load(&Store::open(dir.path()).unwrap(), limit).unwrap()
    }

    fn event(sender: &str, at_us: i64, ids: &[u64]) -> MatchEvent {
        let matches: Vec<_> = ids
            .iter()
            .map(|id| {
                serde_json::json!({ "bank": "A", "bank_kind": "own", "bank_content_id": id, "signal_type": "pdq",
                                    "distance": "0", "distance_bits": 0 })
            })
            .collect();
        let event = serde_json::json!({ "id": "e", "at_us": at_us, "key": "k", "generation": 1, "signals": {},
                                        "matches": matches });
        let mut event: MatchEvent = serde_json::from_value(event).unwrap();
        event.sender = (!sender.is_empty()).then(|| sender.to_owned());
        event
    }

    #[test]
    fn more_distinct_senders_than_the_limit_hold_a_hash_until_it_is_released() {
        let mut flood = flood(2);
        for sender in ["a", "b", "a", "b"] {
            assert!(flood.see(&event(sender, 1, &[7])).is_empty());
        }
        let held = Held { key: "pdq:7".to_owned(), senders: 3, is_new: true, since_us: 2 };
        assert_eq!(flood.see(&event("c", 2, &[7, 8])), [held.clone()]);
        assert_eq!(flood.see(&event("a", 3, &[7])), [Held { is_new: false, ..held.clone() }]);
        // However many come, no more are remembered than are needed.
        for sender in 0..100 {
            flood.see(&event(&sender.to_string(), 4, &[7]));
        }
        assert_eq!(flood.seen["pdq:7"].len(), 3);
        flood.release("pdq:7");
        assert!(flood.see(&event("d", 5, &[7])).is_empty());
    }

    #[test]
    fn senders_of_more_than_an_hour_ago_do_not_count() {
        let mut flood = flood(2);
        flood.see(&event("a", 0, &[7]));
        flood.see(&event("b", WINDOW_US / 2, &[7]));
        assert!(flood.see(&event("c", WINDOW_US + 1, &[7])).is_empty());
        assert_eq!(flood.see(&event("d", WINDOW_US + 2, &[7])).len(), 1);
    }

    #[test]
    fn without_a_sender_the_keys_are_counted_and_without_a_limit_nothing_is_held() {
        let mut counted = flood(1);
        assert!(counted.see(&event("", 1, &[7])).is_empty());
        // A sender who is called as the key is another.
        assert_eq!(counted.see(&event("k", 1, &[7])).len(), 1);
        let mut never = flood(0);
        for sender in 0..50 {
            assert!(never.see(&event(&sender.to_string(), 1, &[7])).is_empty());
        }
        assert_eq!(never.total, 0);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut flood = flood(3);
        flood.total = MAX_SENDERS;
        flood.see(&event("a", WINDOW_US * 3, &[7]));
        assert_eq!(flood.total, 1);
    }
}
