//! Groups of steps: one transaction, so that all are kept or none, and one flush to the disk pays for all of them.
//!
//! Whoever writes gathers what waits (a server: the requests of a few milliseconds) and does it in one [`Store::batch`].
//! A step that may fail without harm to the others runs [`Batch::apart`].

use std::collections::BTreeSet;

use rusqlite::{Connection, TransactionBehavior};

use crate::open::next_generation;
use crate::{Store, StoreError};

/// Steps that are kept together or not at all. All that changes a store is a method of this.
#[derive(Debug)]
pub struct Batch<'t> {
    transaction: &'t Connection,
    now_us: i64,
    changed: Changed,
    /// A step could not be undone: nothing may be kept.
    lost: bool,
}

/// What a batch has counted so far. A step that is undone takes it back.
#[derive(Clone, Debug, Default)]
struct Changed {
    /// The generation of this batch's changes, once there is one.
    generation: Option<u64>,
    /// Numbers of the banks whose version was counted up.
    banks: BTreeSet<i64>,
    /// A suspension or an opinion changed.
    said: bool,
}

impl Store {
    /// Does a group of steps as one: when `work` succeeds all are kept, else none. Changes of banks count as one
    /// generation together. `now_us`: microseconds since 1970 UTC, written wherever a step notes a time.
    ///
    /// Others can read meanwhile, and see the state before.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Undone`] when the database undid the group on its own; [`StoreError::Full`],
    /// [`StoreError::Refused`] of a store that is open for reading, and the database's.
    pub fn batch<T, E: From<StoreError>>(
        &mut self,
        now_us: i64,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        let mut batch = Batch { transaction: &transaction, now_us, changed: Changed::default(), lost: false };
        let done = work(&mut batch)?;
        batch.db()?;
        let said = batch.changed.said;
        transaction.commit().map_err(StoreError::from)?;
        self.said = self.said.saturating_add(u64::from(said));
        Ok(done)
    }

    /// Counts the groups of steps that changed a suspension or an opinion of an entry, by this handle since it was opened:
    /// whoever keeps those of a store that is open for writing reads them anew when this has risen, or when a bank was
    /// dropped or the log of changes does not reach back.
    pub fn said(&self) -> u64 {
        self.said
    }
}

impl Batch<'_> {
    /// Does some steps of the batch on their own: when `work` fails, its steps are undone and the batch goes on.
    ///
    /// # Errors
    /// Those of `work`. When the disk failed, the whole batch fails in the end, whatever comes after.
    pub fn apart<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |db: &Connection, sql| db.execute_batch(sql).map_err(StoreError::from);
        run(self.db()?, "SAVEPOINT apart")?;
        let before = self.changed.clone();
        let error = match work(self) {
            Ok(done) => {
                run(self.db()?, "RELEASE apart")?;
                return Ok(done);
            }
            Err(error) => error,
        };
        self.changed = before;
        // Without a transaction there is nothing to go back to, and nothing more is written.
        if let Ok(db) = self.db()
            && run(db, "ROLLBACK TO apart; RELEASE apart").is_err()
        {
            self.lost = true;
        }
        Err(error)
    }

    /// The time given to [`Store::batch`].
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// The generation that this batch's changes of banks will be; `None` while there are none.
    pub fn generation(&self) -> Option<u64> {
        self.changed.generation
    }

    /// The database, as long as the transaction stands: SQLite ends it on its own when the disk fails, and what is
    /// written afterwards would be kept one by one.
    pub(crate) fn db(&self) -> Result<&Connection, StoreError> {
        if self.lost || self.transaction.is_autocommit() {
            return Err(StoreError::Undone);
        }
        Ok(self.transaction)
    }

    /// The generation of a change of banks that is being made: one for the whole batch.
    pub(crate) fn step(&mut self) -> Result<u64, StoreError> {
        if let Some(generation) = self.changed.generation {
            return Ok(generation);
        }
        let generation = next_generation(self.db()?)?;
        self.changed.generation = Some(generation);
        Ok(generation)
    }

    /// The generation that the next change will have.
    pub(crate) fn coming_generation(&self) -> Result<u64, StoreError> {
        if let Some(generation) = self.changed.generation {
            return Ok(generation);
        }
        let generation: i64 =
            self.db()?.query_row("SELECT value FROM meta WHERE key = 'generation'", [], |row| row.get(0))?;
        Ok(u64::try_from(generation).unwrap_or(0).saturating_add(1))
    }

    /// Notes that a suspension or an opinion changed.
    pub(crate) fn said(&mut self) {
        self.changed.said = true;
    }

    /// Counts a bank's version up, once a batch, and makes the batch's generation.
    pub(crate) fn touch(&mut self, bank: i64) -> Result<u64, StoreError> {
        if self.changed.banks.insert(bank) {
            self.db()?
                .prepare_cached("UPDATE banks SET version_number = version_number + 1 WHERE id = ?1")?
                .execute([bank])?;
        }
        self.step()
    }

    /// Forgets what was counted: nothing of it is left.
    pub(crate) fn forget_changes(&mut self) {
        self.changed = Changed::default();
    }

    /// Notes the generation that the batch's further changes have.
    pub(crate) fn stands_at(&mut self, generation: u64) {
        self.changed.generation = Some(generation);
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::BankKind;

    use crate::{Store, StoreError};

    #[test]
    fn nothing_is_kept_one_by_one_once_a_full_disk_has_undone_the_batch() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let pages: i64 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.db.pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(())).unwrap();
        let result = store.batch(1, |batch| {
            batch.create_bank("A", BankKind::Own, 31, "")?;
            let big = batch.apart(|batch| batch.add_match_event("e", 1, &"x".repeat(900_000)));
            assert!(matches!(big, Err(StoreError::Full)), "{big:?}");
            let after = batch.apart(|batch| batch.add_match_event("f", 1, "{}"));
            assert!(matches!(after, Err(StoreError::Undone)), "{after:?}");
            Ok::<(), StoreError>(())
        });
        assert!(matches!(result, Err(StoreError::Undone)));
        assert!(store.banks().unwrap().is_empty() && store.match_event("f").unwrap().is_none());
        store.batch(1, |batch| batch.add_match_event("f", 1, "{}")).unwrap();
    }
}
