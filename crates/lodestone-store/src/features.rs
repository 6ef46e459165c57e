//! Local features of known pictures, kept beside their entries, as the caller sealed them.
//!
//! The store never sees plain ones: a record can be turned back into a rough picture. One row an entry, gone with the
//! entry or the bank, and in backups as it is. `docs/formats/features.md` says what is sealed, and how.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::banks::{entry_range, id_of};
use crate::read::{list, one, page};
use crate::{Batch, Store, StoreError, schema};

/// Longest sealed record, in bytes.
const MAX_SEALED: usize = 128 * 1024;

/// Features that a bank holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureCount {
    /// Entries with features.
    pub entries: u64,
    /// Bytes of what is sealed, all together.
    pub sealed_bytes: u64,
}

impl Store {
    /// The sealed features of an entry; `None` when it has none.
    ///
    /// # Errors
    /// The database's.
    pub fn features(&self, entry_no: i64) -> Result<Option<Vec<u8>>, StoreError> {
        if self.schema < 4 {
            return Ok(None);
        }
        features(&self.db, entry_no)
    }

    /// Hands the sealed features of a bank to `each`, with the number of their entry, by rising number, without holding
    /// more than one. About 5 µs each.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and whatever `each` returns, which ends the reading.
    pub fn for_each_features<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (from, to) = entry_range(id_of(&self.db, bank)?);
        if self.schema < 4 {
            return Ok(());
        }
        let sql = "SELECT no, sealed FROM features WHERE no BETWEEN ?1 AND ?2 ORDER BY no";
        let mut statement = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([from, to]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let no = row.get(0).map_err(StoreError::from)?;
            let sealed = row.get_ref(1).map_err(StoreError::from)?;
            each(no, sealed.as_blob().map_err(|_| broken())?)?;
        }
        Ok(())
    }

    /// How many entries of each bank have features, by the bank's name; banks without any are left out. Reads every row
    /// but not what is sealed: about 1 µs each.
    ///
    /// # Errors
    /// The database's.
    pub fn feature_counts(&self) -> Result<BTreeMap<String, FeatureCount>, StoreError> {
        if self.schema < 4 {
            return Ok(BTreeMap::new());
        }
        let sql = format!(
            "SELECT b.name, count(*), sum(length(f.sealed)) FROM features f
             JOIN banks b ON b.id = f.no >> {} GROUP BY b.id",
            schema::ENTRY_BITS
        );
        let counts = list(&self.db, &sql, [], |row| {
            let unsigned = |at| Ok::<u64, StoreError>(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0));
            Ok((row.get(0)?, FeatureCount { entries: unsigned(1)?, sealed_bytes: unsigned(2)? }))
        })?;
        Ok(counts.into_iter().collect())
    }

    /// Numbers of the entries of a bank that have features, by rising number, and how many bytes are sealed for each; what
    /// is sealed is not read. About 1 µs each.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; the database's.
    pub fn feature_sizes(&self, bank: &str) -> Result<Vec<(i64, u64)>, StoreError> {
        let (from, to) = entry_range(id_of(&self.db, bank)?);
        if self.schema < 4 {
            return Ok(Vec::new());
        }
        let sql = "SELECT no, length(sealed) FROM features WHERE no BETWEEN ?1 AND ?2 ORDER BY no";
        list(&self.db, sql, [from, to], |row| {
            Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
        })
    }

    /// Whether any bank holds features; costs nothing.
    ///
    /// # Errors
    /// The database's.
    pub fn has_features(&self) -> Result<bool, StoreError> {
        if self.schema < 4 {
            return Ok(false);
        }
        Ok(one(&self.db, "SELECT 1 FROM features LIMIT 1", [], |_| Ok(()))?.is_some())
    }
}

impl Batch<'_> {
    /// Keeps an entry's features, as the caller sealed them, in place of those it had. A change of its bank.
    ///
    /// # Errors
    /// [`StoreError::Refused`] without the entry, and for more than 128 KiB.
    pub fn put_features(&mut self, entry_no: i64, sealed: &[u8]) -> Result<(), StoreError> {
        let refused = |reason: String| Err(StoreError::Refused { reason });
        if sealed.len() > MAX_SEALED {
            return refused(format!(
                "sealed features of {} bytes are longer than {MAX_SEALED}",
                sealed.len()
            ));
        }
        if one(self.db()?, "SELECT 1 FROM entries WHERE no = ?1", [entry_no], |_| Ok(()))?.is_none() {
            return refused(format!("no entry has number {entry_no}"));
        }
        self.db()?
            .prepare_cached("INSERT OR REPLACE INTO features (no, sealed) VALUES (?1, ?2)")?
            .execute(params![entry_no, sealed])?;
        self.touch(entry_no >> schema::ENTRY_BITS).map(drop)
    }

    /// Puts what was sealed anew in the place of the same features under another key: no change of the bank. `false`
    /// when the entry has none.
    ///
    /// # Errors
    /// The database's.
    pub fn reseal_features(&mut self, entry_no: i64, sealed: &[u8]) -> Result<bool, StoreError> {
        let sql = "UPDATE features SET sealed = ?2 WHERE no = ?1";
        Ok(self.db()?.prepare_cached(sql)?.execute(params![entry_no, sealed])? > 0)
    }

    /// Removes an entry's features; `false` when it has none.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_features(&mut self, entry_no: i64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM features WHERE no = ?1";
        let gone = self.db()?.prepare_cached(sql)?.execute([entry_no])? > 0;
        if gone {
            self.touch(entry_no >> schema::ENTRY_BITS)?;
        }
        Ok(gone)
    }

    /// As [`Store::features`].
    ///
    /// # Errors
    /// The database's.
    pub fn features(&self, entry_no: i64) -> Result<Option<Vec<u8>>, StoreError> {
        features(self.db()?, entry_no)
    }

    /// The next sealed features after entry number `after`, over all banks, by rising number; at first `after` is 0.
    ///
    /// # Errors
    /// The database's.
    pub fn features_after(&self, after: i64, limit: usize) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let sql = "SELECT no, sealed FROM features WHERE no > ?1 ORDER BY no LIMIT ?2";
        list(self.db()?, sql, [after, page(limit)], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

fn features(db: &Connection, entry_no: i64) -> Result<Option<Vec<u8>>, StoreError> {
    one(db, "SELECT sealed FROM features WHERE no = ?1", [entry_no], |row| Ok(row.get(0)?))
}

fn broken() -> StoreError {
    StoreError::Corrupt { reason: "features that are no bytes".to_owned() }
}
