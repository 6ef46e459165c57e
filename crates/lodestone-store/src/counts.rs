//! How many signals of each type a bank holds: kept up to date, so that nobody has to read a bank to learn it.

use std::collections::BTreeMap;

use lodestone_types::SignalType;
use rusqlite::{Connection, params};

use crate::banks::{entry_range, id_of};
use crate::{Store, StoreError};

impl Store {
    /// Signals of each type in a bank; types without any are left out.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn signal_counts(&self, bank: &str) -> Result<BTreeMap<SignalType, u64>, StoreError> {
        let bank = id_of(&self.db, bank)?;
        let mut counts = BTreeMap::new();
        if self.schema < 2 {
            for (kind, signals) in SignalType::ALL.into_iter().zip(counted(&self.db, entry_range(bank))?) {
                counts.insert(kind, u64::try_from(signals).unwrap_or(0));
            }
        } else {
            let mut statement =
                self.db.prepare_cached("SELECT signals FROM counts WHERE bank = ?1 AND type = ?2")?;
            for kind in SignalType::ALL {
                let mut rows = statement.query(params![bank, kind.as_str()])?;
                if let Some(row) = rows.next()? {
                    counts.insert(kind, u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0));
                }
            }
        }
        counts.retain(|_, signals| *signals > 0);
        Ok(counts)
    }
}

/// Counts a bank's signals by reading them once, in the order of [`SignalType::ALL`].
pub(crate) fn counted(db: &Connection, (from, to): (i64, i64)) -> Result<Vec<i64>, StoreError> {
    let sums: Vec<_> =
        SignalType::ALL.iter().map(|kind| format!("coalesce(sum(type = '{}'), 0)", kind.as_str())).collect();
    let sql = format!("SELECT {} FROM signals WHERE entry BETWEEN ?1 AND ?2", sums.join(", "));
    Ok(db.query_row(&sql, [from, to], |row| (0..sums.len()).map(|at| row.get(at)).collect())?)
}

/// Gathers changes of a bank's counts, to be written once.
pub(crate) struct Counts<'t> {
    db: &'t Connection,
    bank: i64,
    changes: BTreeMap<SignalType, i64>,
}

impl<'t> Counts<'t> {
    pub(crate) fn new(db: &'t Connection, bank: i64) -> Self {
        Self { db, bank, changes: BTreeMap::new() }
    }

    /// Counts signals that came, or went (negative).
    pub(crate) fn add(&mut self, kind: SignalType, signals: i64) {
        *self.changes.entry(kind).or_default() += signals;
    }

    pub(crate) fn write(self) -> Result<(), StoreError> {
        for (kind, signals) in self.changes.into_iter().filter(|(_, signals)| *signals != 0) {
            self.db.execute(
                "INSERT INTO counts (bank, type, signals) VALUES (?1, ?2, ?3)
                 ON CONFLICT (bank, type) DO UPDATE SET signals = signals + ?3",
                params![self.bank, kind.as_str(), signals],
            )?;
        }
        Ok(())
    }
}
