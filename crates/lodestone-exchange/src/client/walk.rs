//! Walking through pages: what makes it end, and what keeps a withdrawal withdrawn while pages come out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::ClientError;
use super::page::{Draft, What};

/// Pages in a row that may hold nothing.
const MAX_EMPTY: u32 = 1_000;
/// Cursors that are remembered. A service with more pages than that in one fetch may turn in a circle longer.
const MAX_CURSORS: usize = 1 << 20;
/// Withdrawals that are remembered while one set of pages is walked through; the oldest go first.
const MAX_TOMBS: usize = 2_000;

/// Notices pages that lead back to one that was read, and pages without end that hold nothing.
#[derive(Debug, Default)]
pub(super) struct Progress {
    cursors: BTreeSet<u64>,
    empty: u32,
}

impl Progress {
    /// Notes that a page of so many rows was read, and which one comes next.
    pub(super) fn step(&mut self, rows: u64, next: &str) -> Result<(), ClientError> {
        self.empty = if rows == 0 { self.empty + 1 } else { 0 };
        if self.empty > MAX_EMPTY {
            return Err(ClientError::protocol(format!("more than {MAX_EMPTY} pages in a row hold nothing")));
        }
        // Of digests it is only asked whether they were there: their order shows nowhere.
        let mut digest = DefaultHasher::new();
        next.hash(&mut digest);
        if !self.cursors.insert(digest.finish()) {
            return Err(ClientError::protocol("the pages lead back to one that was read: they have no end"));
        }
        if self.cursors.len() > MAX_CURSORS {
            self.cursors.clear();
        }
        Ok(())
    }

    /// A new set of pages begins; `cursor` is the one it is resumed at.
    pub(super) fn restart(&mut self, cursor: Option<&str>) {
        *self = Self::default();
        if let Some(cursor) = cursor {
            // An empty set never refuses.
            let _ = self.step(1, cursor);
        }
    }
}

/// Withdrawals of the set of pages that is walked through: an older version of the entry on a later page must not bring
/// it back. Kept in the checkpoint, so that a killed fetch remembers them too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tombs(BTreeMap<String, i64>);

impl Tombs {
    /// Takes out of a page what was withdrawn later than it says, and notes the page's own withdrawals.
    pub(super) fn settle(&mut self, draft: &mut Draft) {
        let mut stale = 0;
        draft.changes().retain(|change| {
            let held = self.0.get(&change.key).copied();
            let is_stale = matches!((held, change.at_s), (Some(held), Some(ours)) if ours < held);
            stale += u64::from(is_stale);
            match (&change.what, change.at_s) {
                _ if is_stale => {}
                (What::Remove, Some(at_s)) => {
                    self.0.insert(change.key.clone(), at_s);
                }
                _ => {
                    self.0.remove(&change.key);
                }
            }
            !is_stale
        });
        for _ in 0..stale {
            draft.skip("older than its withdrawal");
        }
        if self.0.len() > MAX_TOMBS {
            let mut by_time: Vec<(i64, String)> =
                std::mem::take(&mut self.0).into_iter().map(|(key, at_s)| (at_s, key)).collect();
            by_time.sort_unstable();
            let newest = by_time.split_off(by_time.len() - MAX_TOMBS);
            self.0 = newest.into_iter().map(|(at_s, key)| (key, at_s)).collect();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::ListEntry;

    use super::super::page::Listed;
    use super::*;

    fn upsert(draft: &mut Draft, key: &str, at_s: i64) {
        let entry = ListEntry { entry: key.to_owned(), ..ListEntry::default() };
        draft.upsert(Listed { entry, opinions: Vec::new() }, Some(at_s));
    }

    #[test]
    fn what_was_withdrawn_is_not_brought_back_by_an_older_version_on_a_later_page() {
        let mut tombs = Tombs::default();
        let mut first = Draft::default();
        first.remove("a".to_owned(), Some(10));
        tombs.settle(&mut first);
        let kept = serde_json::to_value(&tombs).unwrap();
        let mut tombs: Tombs = serde_json::from_value(kept).unwrap();
        let mut second = Draft::default();
        upsert(&mut second, "a", 9);
        upsert(&mut second, "b", 1);
        tombs.settle(&mut second);
        assert_eq!(second.changes().iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), ["b"]);
        let mut third = Draft::default();
        upsert(&mut third, "a", 11);
        tombs.settle(&mut third);
        assert_eq!(third.changes().len(), 1, "a newer version is a new listing");
    }

    #[test]
    fn withdrawals_that_are_remembered_are_bounded() {
        let (mut tombs, mut draft) = (Tombs::default(), Draft::default());
        for n in 0..MAX_TOMBS as i64 + 5 {
            draft.remove(format!("{n}"), Some(n));
        }
        tombs.settle(&mut draft);
        assert_eq!(tombs.0.len(), MAX_TOMBS);
        assert!(!tombs.0.contains_key("4") && tombs.0.contains_key("5"));
    }

    #[test]
    fn circles_and_empty_pages_without_end_are_noticed() {
        let mut progress = Progress::default();
        progress.restart(Some("/0"));
        assert!(progress.step(1, "/1").is_ok());
        assert!(progress.step(1, "/2").is_ok());
        assert!(progress.step(1, "/0").is_err());
        let mut progress = Progress::default();
        let ends = (0..5000).find(|n| progress.step(0, &format!("/{n}")).is_err());
        assert_eq!(ends, Some(MAX_EMPTY as usize));
    }
}
