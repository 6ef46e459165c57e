//! The rules in force, in memory, replaced as a whole when one changes.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lodestone_store::{Batch, MAX_PAGE, Store, StoreError};
use serde_json::{Value, json};

use super::{Rule, parse};

/// A rule and its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The number, which names it to others.
    pub id: i64,
    /// The rule.
    pub rule: Rule,
}

/// All rules. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Book(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: ArcSwap<Vec<Entry>>,
    /// Held while they are read: of two that read, the one that read later is the one that stays.
    loading: Mutex<()>,
}

impl Book {
    /// The rules now.
    pub fn now(&self) -> Arc<Vec<Entry>> {
        self.0.entries.load_full()
    }

    /// Reads them anew from the store.
    ///
    /// # Errors
    /// The store's; then the rules stay as they were.
    pub fn load(&self, store: &Store) -> Result<(), StoreError> {
        let _alone = self.0.loading.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.entries.store(Arc::new(read(store)?));
        Ok(())
    }
}

/// Has the rules that name a bank name it as it is called now: a bank that gets another name must not leave its actions
/// behind. Returns the numbers of those that changed; [`Book::load`] has to follow once it is committed.
///
/// # Errors
/// The store's.
pub(crate) fn rename_bank(batch: &mut Batch<'_>, from: &str, to: &str) -> Result<Vec<i64>, StoreError> {
    let (mut changed, mut after) = (Vec::new(), 0);
    if from == to {
        return Ok(changed);
    }
    loop {
        let page = batch.rules(after, MAX_PAGE)?;
        let Some(last) = page.last() else { return Ok(changed) };
        after = last.id;
        for mut rule in page {
            let names = rule.body.pointer_mut("/when/banks").and_then(Value::as_array_mut);
            let mut is_named = false;
            for name in names.into_iter().flatten().filter(|name| **name == from) {
                *name = json!(to);
                is_named = true;
            }
            if is_named {
                batch.change_rule(rule.id, Some(&rule.body), None)?;
                changed.push(rule.id);
            }
        }
    }
}

/// All rules of a store that can be read; the others are told, and do nothing.
fn read(store: &Store) -> Result<Vec<Entry>, StoreError> {
    let (mut entries, mut after) = (Vec::new(), 0);
    loop {
        let page = store.rules(after, MAX_PAGE)?;
        let Some(last) = page.last() else { return Ok(entries) };
        after = last.id;
        for stored in page {
            match parse(stored.body.to_string().as_bytes()) {
                Ok(mut rule) => {
                    rule.enabled = stored.enabled;
                    entries.push(Entry { id: stored.id, rule });
                }
                Err(error) => {
                    tracing::error!(rule = stored.id, %error, "a stored rule cannot be read and does nothing")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_go_with_a_bank_that_gets_another_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let rule =
            |banks: Value| json!({ "name": "n", "when": { "banks": banks }, "then": [{ "label": "l" }] });
        let changed = store.batch(1, |batch| {
            batch.add_rule(&rule(json!(["X", "A"])), true)?;
            batch.add_rule(&rule(json!(["B"])), false)?;
            batch.add_rule(&json!({ "name": "n", "then": [{ "label": "l" }] }), true)?;
            assert!(rename_bank(batch, "A", "A")?.is_empty());
            rename_bank(batch, "A", "C")
        });
        assert_eq!(changed.unwrap(), [1]);
        let book = Book::default();
        book.load(&store).unwrap();
        let banks = |at: usize| book.now()[at].rule.when.banks.clone();
        assert_eq!(banks(0).unwrap(), ["X", "C"]);
        assert_eq!((banks(1).unwrap(), banks(2)), (vec!["B".to_owned()], None));
    }
}
