//! The rules in force, in memory, replaced as a whole when one changes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use lodestone_store::{MAX_PAGE, Store, StoreError};

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
pub struct Book(Arc<ArcSwap<Vec<Entry>>>);

impl Book {
    /// The rules now.
    pub fn now(&self) -> Arc<Vec<Entry>> {
        self.0.load_full()
    }

    /// Reads them anew from the store.
    ///
    /// # Errors
    /// The store's; then the rules stay as they were.
    pub fn load(&self, store: &Store) -> Result<(), StoreError> {
        self.0.store(Arc::new(read(store)?));
        Ok(())
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
                Err(error) => tracing::error!(rule = stored.id, %error, "a stored rule cannot be read and does nothing"),
            }
        }
    }
}
