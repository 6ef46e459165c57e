//! Exchanges: where banks are filled from, how far, and the credentials for it (sealed by the caller).

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::banks::id_of;
use crate::read::{json, list, maybe_json, one};
use crate::{Batch, Store, StoreError};

/// An exchange. It fills one bank, and goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Its name: the bank's, when it was made.
    pub name: String,
    /// The name that its bank has now.
    pub bank: String,
    /// Name of its interface (`ncmec`, `local_file` …).
    pub api: String,
    /// Its settings, in the interface's fields.
    pub config: Value,
    /// Whether it is fetched from.
    pub enabled: bool,
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
    /// How far it has been fetched.
    pub fetch: FetchState,
}

/// How far an exchange has been fetched. Times are seconds since 1970, as HMA has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchState {
    /// Where the next fetch goes on, in the interface's fields.
    pub checkpoint: Option<Value>,
    /// The time that the checkpoint stands for.
    pub checkpoint_ts: Option<i64>,
    /// When the fetch that runs began; `None` while none does.
    pub running_fetch_start_ts: Option<i64>,
    /// When the last fetch ended.
    pub last_fetch_complete_ts: Option<i64>,
    /// Whether the last fetch succeeded; `None` before the first.
    pub last_fetch_succeeded: Option<bool>,
    /// Whether there was nothing more to fetch.
    pub up_to_date: bool,
    /// Items fetched so far.
    pub fetched_items: i64,
}

impl Store {
    /// All exchanges, by name.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in an older store open for reading; the database's.
    pub fn exchanges(&self) -> Result<Vec<Exchange>, StoreError> {
        self.needs_schema_3()?;
        list(&self.db, &format!("{SELECT} ORDER BY x.name"), [], read)
    }

    /// One exchange; `None` when there is none of this name.
    ///
    /// # Errors
    /// As [`Store::exchanges`].
    pub fn exchange(&self, name: &str) -> Result<Option<Exchange>, StoreError> {
        self.needs_schema_3()?;
        exchange(&self.db, name)
    }

    /// The sealed credentials for an interface.
    ///
    /// # Errors
    /// As [`Store::exchanges`].
    pub fn exchange_credentials(&self, api: &str) -> Result<Option<String>, StoreError> {
        self.needs_schema_3()?;
        one(&self.db, "SELECT sealed FROM exchange_credentials WHERE api = ?1", [api], |row| Ok(row.get(0)?))
    }

    /// All sealed credentials with the name of their interface: what is sealed anew when the key changes.
    ///
    /// # Errors
    /// As [`Store::exchanges`].
    pub fn all_exchange_credentials(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.needs_schema_3()?;
        let sql = "SELECT api, sealed FROM exchange_credentials ORDER BY api";
        list(&self.db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

impl Batch<'_> {
    /// Makes an exchange for the bank of the same name, which is there already (or was made in this batch).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank; [`StoreError::Taken`] when there is such an exchange, or another fills
    /// the bank.
    pub fn create_exchange(
        &mut self,
        name: &str,
        api: &str,
        config: &Value,
        enabled: bool,
    ) -> Result<(), StoreError> {
        let db = self.db()?;
        let made = db
            .prepare_cached(
                "INSERT INTO exchanges (name, bank, api, config, enabled, created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![name, id_of(db, name)?, api, config.to_string(), enabled, self.now_us()])?;
        if made == 0 {
            return Err(StoreError::Taken { reason: format!("there is an exchange for {name:?} already") });
        }
        Ok(())
    }

    /// As [`Store::exchange`].
    ///
    /// # Errors
    /// The database's.
    pub fn exchange(&self, name: &str) -> Result<Option<Exchange>, StoreError> {
        exchange(self.db()?, name)
    }

    /// The exchange that fills a bank, by the bank's present name; `None` when none does.
    ///
    /// # Errors
    /// The database's.
    pub fn exchange_of_bank(&self, bank: &str) -> Result<Option<Exchange>, StoreError> {
        one(self.db()?, &format!("{SELECT} WHERE b.name = ?1"), [bank], read)
    }

    /// Whether an exchange fills the bank of this number.
    ///
    /// # Errors
    /// The database's.
    pub fn is_filled(&self, bank_number: i64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM exchanges WHERE bank = ?1)";
        Ok(one(self.db()?, sql, [bank_number], |row| Ok(row.get(0)?))?.unwrap_or(false))
    }

    /// Changes an exchange; `None` leaves a thing as it is. `false` when there is none of this name.
    ///
    /// # Errors
    /// The database's.
    pub fn change_exchange(
        &mut self,
        name: &str,
        config: Option<&Value>,
        enabled: Option<bool>,
    ) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE exchanges SET config = coalesce(?2, config), enabled = coalesce(?3, enabled) WHERE name = ?1",
            )?
            .execute(params![name, config.map(Value::to_string), enabled])?;
        Ok(changed > 0)
    }

    /// Notes how far an exchange has been fetched, in the same step as what was fetched. `false` when there is none of
    /// this name (it was deleted meanwhile).
    ///
    /// # Errors
    /// The database's.
    pub fn set_fetch_state(&mut self, name: &str, state: &FetchState) -> Result<bool, StoreError> {
        let changed = self
            .db()?
            .prepare_cached(
                "UPDATE exchanges SET checkpoint = ?2, checkpoint_ts = ?3, running_fetch_start_ts = ?4,
                        last_fetch_complete_ts = ?5, last_fetch_succeeded = ?6, up_to_date = ?7, fetched_items = ?8
                 WHERE name = ?1",
            )?
            .execute(params![
                name,
                state.checkpoint.as_ref().map(Value::to_string),
                state.checkpoint_ts,
                state.running_fetch_start_ts,
                state.last_fetch_complete_ts,
                state.last_fetch_succeeded,
                state.up_to_date,
                state.fetched_items,
            ])?;
        Ok(changed > 0)
    }

    /// Deletes an exchange with its bank and all of its content; `false` when there is none of this name.
    ///
    /// # Errors
    /// The database's.
    pub fn delete_exchange(&mut self, name: &str) -> Result<bool, StoreError> {
        let Some(exchange) = self.exchange(name)? else { return Ok(false) };
        self.delete_bank(&exchange.bank)?;
        Ok(true)
    }

    /// Keeps credentials for an interface, as the caller sealed them; `None` forgets them.
    ///
    /// # Errors
    /// The database's.
    pub fn set_exchange_credentials(&mut self, api: &str, sealed: Option<&str>) -> Result<(), StoreError> {
        let db = self.db()?;
        match sealed {
            Some(sealed) => db
                .prepare_cached("INSERT OR REPLACE INTO exchange_credentials (api, sealed) VALUES (?1, ?2)")?
                .execute([api, sealed])?,
            None => db.prepare_cached("DELETE FROM exchange_credentials WHERE api = ?1")?.execute([api])?,
        };
        Ok(())
    }
}

const SELECT: &str = "
    SELECT x.name, b.name, x.api, x.config, x.enabled, x.created_us, x.checkpoint, x.checkpoint_ts,
           x.running_fetch_start_ts, x.last_fetch_complete_ts, x.last_fetch_succeeded, x.up_to_date, x.fetched_items
    FROM exchanges x JOIN banks b ON b.id = x.bank";

fn exchange(db: &Connection, name: &str) -> Result<Option<Exchange>, StoreError> {
    one(db, &format!("{SELECT} WHERE x.name = ?1"), [name], read)
}

fn read(row: &Row<'_>) -> Result<Exchange, StoreError> {
    Ok(Exchange {
        name: row.get(0)?,
        bank: row.get(1)?,
        api: row.get(2)?,
        config: json(row, 3)?,
        enabled: row.get(4)?,
        created_us: row.get(5)?,
        fetch: FetchState {
            checkpoint: maybe_json(row, 6)?,
            checkpoint_ts: row.get(7)?,
            running_fetch_start_ts: row.get(8)?,
            last_fetch_complete_ts: row.get(9)?,
            last_fetch_succeeded: row.get(10)?,
            up_to_date: row.get(11)?,
            fetched_items: row.get(12)?,
        },
    })
}
