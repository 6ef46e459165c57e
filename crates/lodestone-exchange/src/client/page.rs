//! One page of changes, and the checkpoint behind it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use lodestone_types::{ListEntry, Reject, RejectKind};
use serde_json::Value;

use super::{Checkpoint, MemberOpinion};

/// Rejects that a page tells one by one; all are counted.
const MAX_REJECTS: usize = 20;
/// Reasons that are counted apart.
const MAX_REASONS: usize = 64;
/// The field of `extra` that holds the time of an entry's version.
const AT_S: &str = "at_s";

/// An entry as an exchange lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The entry: its `entry` is the exchange's own id.
    pub entry: ListEntry,
    /// Who says what about it.
    pub opinions: Vec<MemberOpinion>,
}

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It is new, or replaces what was listed under its id.
    Upsert(Box<Listed>),
    /// It was withdrawn or deleted, or has nothing left that could be matched.
    Remove,
}

/// A change of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The exchange's own id of the entry: unique in the exchange, the same in every fetch. At most 1,000 bytes, but
    /// where the id is the value itself (StopNCII), a text as long as [`lodestone_types::MAX_TEXT_BYTES`].
    pub key: String,
    /// When it changed by the service's clock, seconds since 1970; `None` where the service does not say.
    pub at_s: Option<i64>,
    /// What happened.
    pub what: What,
}

impl Change {
    /// Whether it is news to one who holds this entry under the same id. Services list out of order, and a page may come
    /// twice: a change that is older than what is held must not undo it. Costs nothing.
    pub fn is_newer_than(&self, held: &ListEntry) -> bool {
        let held = held.extra.as_ref().and_then(|extra| extra.get(AT_S)).and_then(Value::as_i64);
        !matches!((self.at_s, held), (Some(ours), Some(held)) if ours < held)
    }
}

/// Whether pages are changes to what was fetched before, or the whole list anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Changes since the last fetch.
    Changes,
    /// All that there is: what no page of this listing has named, news or not, is no longer listed once its last page is
    /// applied. It may take several fetches, with kills between them: keep what is not named yet beside the checkpoint.
    Whole {
        /// The listing begins with this page.
        is_first: bool,
    },
}

/// What was read and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of the page, those that were skipped included.
    pub rows: u64,
    /// Rows or values that were passed over on purpose, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Rows that are wrong.
    pub rejected: u64,
}

impl Counts {
    /// Adds those of another page.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.rejected += other.rejected;
        for (reason, count) in &other.skipped {
            *self.skipped.entry(reason.clone()).or_default() += count;
        }
    }
}

/// Changes that belong together with a checkpoint. Apply both in one transaction, or neither.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The changes; each id stands once.
    pub changes: Vec<Change>,
    /// Where the fetch goes on once the changes are applied.
    pub checkpoint: Checkpoint,
    /// What the page is part of.
    pub listing: Listing,
    /// Nothing follows: the exchange is up to date.
    pub is_last: bool,
    /// What was read and what was not.
    pub counts: Counts,
    /// The first wrong rows; `line` is the number of the row in its page, from 1. Values are never repeated.
    pub rejects: Vec<Reject>,
}

/// A page being made.
#[derive(Debug, Default)]
pub(super) struct Draft {
    changes: Vec<Change>,
    places: BTreeMap<String, usize>,
    counts: Counts,
    rejects: Vec<Reject>,
}

impl Draft {
    /// Begins the next row.
    pub(super) fn row(&mut self) {
        self.counts.rows += 1;
    }

    /// Rows begun: the number of the present one, from 1.
    pub(super) fn rows(&self) -> u64 {
        self.counts.rows
    }

    /// Passes something over, and counts it.
    pub(super) fn skip(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        let known = self.counts.skipped.len();
        match self.counts.skipped.entry(reason) {
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(place) if known < MAX_REASONS => {
                place.insert(1);
            }
            Entry::Vacant(_) => *self.counts.skipped.entry("for other reasons".to_owned()).or_default() += 1,
        }
    }

    /// Notes that the row is wrong.
    pub(super) fn reject(&mut self, reason: impl Into<String>) {
        self.counts.rejected += 1;
        if self.rejects.len() < MAX_REJECTS {
            self.rejects.push(Reject {
                line: self.counts.rows,
                reason: reason.into(),
                kind: RejectKind::Row,
            });
        }
    }

    /// Takes a change in. Of two with one id the newer stays; of equal ones, and those without a time, the later.
    pub(super) fn change(&mut self, change: Change) {
        match self.places.entry(change.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.changes.len());
                self.changes.push(change);
            }
            Entry::Occupied(place) => {
                let held = &mut self.changes[*place.get()];
                if !matches!((change.at_s, held.at_s), (Some(ours), Some(held)) if ours < held) {
                    *held = change;
                }
            }
        }
    }

    /// Adds an entry; its version's time is kept in its `extra`, which is an object or nothing.
    pub(super) fn upsert(&mut self, mut listed: Listed, at_s: Option<i64>) {
        if let Some(at_s) = at_s {
            let extra = listed.entry.extra.get_or_insert_with(|| Value::Object(serde_json::Map::new()));
            extra[AT_S] = at_s.into();
        }
        self.change(Change { key: listed.entry.entry.clone(), at_s, what: What::Upsert(Box::new(listed)) });
    }

    pub(super) fn remove(&mut self, key: String, at_s: Option<i64>) {
        self.change(Change { key, at_s, what: What::Remove });
    }

    pub(super) fn changes(&mut self) -> &mut Vec<Change> {
        &mut self.changes
    }

    pub(super) fn finish(self, checkpoint: Checkpoint, listing: Listing, is_last: bool) -> Page {
        Page {
            changes: self.changes,
            checkpoint,
            listing,
            is_last,
            counts: self.counts,
            rejects: self.rejects,
        }
    }
}

/// A foreign word as it may stand in a reason: short, and of letters, digits, `-`, `_` and `.` only.
pub(super) fn word(text: &str) -> String {
    text.chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removal(at_s: Option<i64>) -> Change {
        Change { key: "a".to_owned(), at_s, what: What::Remove }
    }

    fn upsert(draft: &mut Draft, at_s: Option<i64>) {
        let entry = ListEntry { entry: "a".to_owned(), ..ListEntry::default() };
        draft.upsert(Listed { entry, opinions: Vec::new() }, at_s);
    }

    #[test]
    fn in_a_page_each_id_stands_once_with_its_newest_version() {
        for (first, second, is_removed) in
            [(5, 4, true), (5, 5, false), (5, 6, false)].map(|(removed, added, want)| (removed, added, want))
        {
            let mut draft = Draft::default();
            draft.change(removal(Some(first)));
            upsert(&mut draft, Some(second));
            assert_eq!(draft.changes().len(), 1);
            assert_eq!(draft.changes()[0].what == What::Remove, is_removed, "{first} {second}");
        }
        let mut draft = Draft::default();
        upsert(&mut draft, Some(9));
        draft.change(removal(None));
        assert_eq!(draft.changes()[0].what, What::Remove, "without a time the later one counts");
    }

    #[test]
    fn an_older_change_is_no_news_to_who_holds_a_newer_entry() {
        let held = |at_s: i64| ListEntry {
            extra: Some(serde_json::json!({ "at_s": at_s })),
            ..ListEntry::default()
        };
        assert!(!removal(Some(4)).is_newer_than(&held(5)));
        assert!(removal(Some(5)).is_newer_than(&held(5)));
        assert!(removal(None).is_newer_than(&held(5)));
        assert!(removal(Some(4)).is_newer_than(&ListEntry::default()));
    }

    #[test]
    fn reasons_are_bounded_however_many_words_a_service_invents() {
        let mut draft = Draft::default();
        for n in 0..1000 {
            draft.row();
            draft.skip(format!("signal type {n}"));
            draft.reject("no id");
        }
        assert_eq!(draft.counts.skipped.len(), MAX_REASONS + 1);
        assert_eq!(draft.counts.skipped.values().sum::<u64>(), 1000);
        assert_eq!((draft.rejects.len(), draft.counts.rejected), (MAX_REJECTS, 1000));
        assert_eq!(word("a b\n\u{e9}<x>"), "a?b???x?");
    }
}
