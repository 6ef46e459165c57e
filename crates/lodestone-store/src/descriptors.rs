//! Descriptors of known pictures by a user's model, kept beside their entries, as the caller sealed them.
//!
//! As local features (`features.rs`) they go with the entry or the bank, and when the entry stands for another file. An entry
//! may have one of each model: they compare with nothing of another's. `docs/formats/descriptors.md` says what is sealed.

use std::collections::BTreeMap;

use rusqlite::params;

use crate::banks::{entry_range, id_of};
use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError, schema};

/// Longest sealed descriptor, in bytes: 4,096 dimensions with all that sealing adds.
const MAX_SEALED: usize = 8 * 1024;
/// Longest name of a model.
const MAX_MODEL: usize = 64;

impl Store {
    /// Hands the sealed descriptors of a bank by a model to `each`, with the number of their entry, by rising number, without
    /// holding more than one. About 5 µs each.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_descriptor<E: From<StoreError>>(
        &self,
        bank: &str,
        model: &str,
        mut each: impl FnMut(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, to) = entry_range(id_of(&self.db, bank)?);
        if self.schema < 5 {
            return Ok(());
        }
        let sql = "SELECT no, sealed FROM descriptors WHERE no BETWEEN ?1 AND ?2 AND model = ?3 ORDER BY no";
        let mut statement = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query(params![from, to, model]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let no = row.get(0).map_err(StoreError::from)?;
            let sealed = row.get_ref(1).map_err(StoreError::from)?;
            each(no, sealed.as_blob().map_err(|_| broken())?)?;
        }
        Ok(())
    }

    /// How many entries have a descriptor of each model, by the model's name. Reads every row but not what is sealed.
    ///
    /// # Errors
    /// The database's.
    pub fn descriptor_models(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        if self.schema < 5 {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT model, count(*) FROM descriptors GROUP BY model";
        let counts = list(&self.db, sql, [], |row| {
            Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
        })?;
        Ok(counts.into_iter().collect())
    }
}

impl Batch<'_> {
    /// Keeps an entry's descriptor by a model, as the caller sealed it, in place of the one it had of that model. A change of
    /// its bank.
    ///
    /// # Errors
    /// [`StoreError::Refused`] without the entry, for more than 8 KiB, and for a name of a model that is none.
    pub fn put_descriptor(&mut self, entry_no: i64, model: &str, sealed: &[u8]) -> Result<(), StoreError> {
        let refused = |reason: String| Err(StoreError::Refused { reason });
        if sealed.len() > MAX_SEALED {
            return refused(format!(
                "a sealed descriptor of {} bytes is longer than {MAX_SEALED}",
                sealed.len()
            ));
        }
        if model.is_empty() || model.len() > MAX_MODEL {
            return refused("the name of a descriptor's model has 1 to 64 bytes".to_owned());
        }
        if one(self.db()?, "SELECT 1 FROM entries WHERE no = ?1", [entry_no], |_| Ok(()))?.is_none() {
            return refused(format!("no entry has number {entry_no}"));
        }
        self.db()?
            .prepare_cached("INSERT OR REPLACE INTO descriptors (no, model, sealed) VALUES (?1, ?2, ?3)")?
            .execute(params![entry_no, model, sealed])?;
        self.touch(entry_no >> schema::ENTRY_BITS).map(drop)
    }

    /// Puts what was sealed anew in the place of the same descriptor under another key: no change of the bank. `false` when
    /// there is none.
    ///
    /// # Errors
    /// The database's.
    pub fn reseal_descriptor(
        &mut self,
        entry_no: i64,
        model: &str,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE descriptors SET sealed = ?3 WHERE no = ?1 AND model = ?2";
        Ok(self.db()?.prepare_cached(sql)?.execute(params![entry_no, model, sealed])? > 0)
    }

    /// Removes an entry's descriptor by a model; `false` when it has none.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_descriptor(&mut self, entry_no: i64, model: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM descriptors WHERE no = ?1 AND model = ?2";
        let gone = self.db()?.prepare_cached(sql)?.execute(params![entry_no, model])? > 0;
        if gone {
            self.touch(entry_no >> schema::ENTRY_BITS)?;
        }
        Ok(gone)
    }

    /// The sealed descriptor of an entry by a model; `None` when it has none.
    ///
    /// # Errors
    /// The database's.
    pub fn descriptor(&self, entry_no: i64, model: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM descriptors WHERE no = ?1 AND model = ?2";
        one(self.db()?, sql, params![entry_no, model], |row| Ok(row.get(0)?))
    }

    /// The next sealed descriptors after that of an entry and model, over all banks; at first `after` is 0 and an empty name.
    ///
    /// # Errors
    /// The database's.
    pub fn descriptors_after(
        &self,
        after: (i64, &str),
        limit: usize,
    ) -> Result<Vec<(i64, String, Vec<u8>)>, StoreError> {
        let sql = "SELECT no, model, sealed FROM descriptors WHERE (no, model) > (?1, ?2)
                   ORDER BY no, model LIMIT ?3";
        list(self.db()?, sql, params![after.0, after.1, page(limit)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    }
}

fn broken() -> StoreError {
    StoreError::Corrupt { reason: "a descriptor that is no bytes".to_owned() }
}
