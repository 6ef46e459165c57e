//! What is said of entries, read for whoever holds in memory which of them count in full: the fields in which a fetch keeps
//! what members of an exchange say, and the opinions of people here.

use lodestone_types::Signal;

use rusqlite::params;

use crate::entries::read_signal;
use crate::read::{list, one};
use crate::{Opinion, Store, StoreError, schema};

/// What the source of entries that an exchange lists is called; the name of its interface follows.
pub const EXCHANGE_SOURCE: &str = "exchange ";

impl Store {
    /// Hands over the further fields, as JSON, of entries of these numbers, the last included, that came from the exchange
    /// which fills their bank; all numbers are of one bank. `judged`: only those in which a member confirms or disputes.
    /// About 1 µs an entry; nothing is read of a bank that no exchange fills.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn for_each_listed_extra<E: From<StoreError>>(
        &self,
        (first, last): (i64, i64),
        judged: bool,
        mut each: impl FnMut(i64, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.schema < 3 {
            return Ok(());
        }
        let source = "SELECT s.id FROM sources s JOIN exchanges x ON x.bank = s.bank
                      WHERE s.bank = ?1 AND s.name = ?2 || x.api";
        let bank = first >> schema::ENTRY_BITS;
        let source: Option<i64> =
            one(&self.db, source, params![bank, EXCHANGE_SOURCE], |row| Ok(row.get(0)?))?;
        let Some(source) = source else { return Ok(()) };
        let wanted = match judged {
            true => "AND (instr(extra, '\"confirms\"') > 0 OR instr(extra, '\"disputes\"') > 0)",
            false => "",
        };
        let sql = format!(
            "SELECT no, extra FROM entries
             WHERE no BETWEEN ?1 AND ?2 AND source = ?3 AND extra IS NOT NULL {wanted} ORDER BY no"
        );
        let mut statement = self.db.prepare_cached(&sql).map_err(StoreError::from)?;
        let mut rows = statement.query([first, last, source]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let broken = |_| StoreError::Corrupt { reason: "a field that is no text".to_owned() };
            let extra = row.get_ref(1).map_err(StoreError::from)?.as_str().map_err(broken)?;
            each(row.get(0).map_err(StoreError::from)?, extra)?;
        }
        Ok(())
    }

    /// The opinions of people here on entries of these numbers, the last included: number, who, what; by number.
    ///
    /// # Errors
    /// The database's.
    pub fn opinions_between(&self, first: i64, last: i64) -> Result<Vec<(i64, String, Opinion)>, StoreError> {
        if self.schema < 3 {
            return Ok(Vec::new());
        }
        let sql = "SELECT no, who, opinion FROM opinions WHERE no BETWEEN ?1 AND ?2 ORDER BY no, who";
        list(&self.db, sql, [first, last], |row| {
            let opinion: String = row.get(2)?;
            let opinion = opinion.parse().map_err(|reason| StoreError::Corrupt { reason })?;
            Ok((row.get(0)?, row.get(1)?, opinion))
        })
    }

    /// Hands over every signal of entries of these numbers, the last included, by number. About 0.3 µs a signal.
    ///
    /// # Errors
    /// The database's, and whatever `each` returns, which ends the reading.
    pub fn signals_between<E: From<StoreError>>(
        &self,
        (first, last): (i64, i64),
        mut each: impl FnMut(i64, &Signal) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT entry, type, value FROM signals WHERE entry BETWEEN ?1 AND ?2 ORDER BY entry, type, value";
        let mut statement = self.db.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([first, last]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let (no, signal) = read_signal(row)?;
            each(no, &signal)?;
        }
        Ok(())
    }
}
