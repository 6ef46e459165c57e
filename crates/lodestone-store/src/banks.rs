//! Banks, read. `bank_changes.rs` makes, changes and deletes them.

use lodestone_types::{Bank, BankKind, ListVersion};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::read::{list, one};
use crate::{Batch, Store, StoreError, schema};

/// A bank with what only the store knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBank {
    /// Its number. The entries of bank `b` have numbers from `b << 40` up.
    pub number: i64,
    /// What it is and how it matches.
    pub bank: Bank,
    /// Share of look-ups that it takes part in, as HMA has it: 1.0 all, 0.0 none. Any finite number.
    pub enabled_ratio: f64,
    /// Layers that a server looks at for it without being asked: bit 0 for layer 1, and so on. Never 0.
    pub layers: u8,
    /// Members of an exchange that have to list or confirm an entry before it counts in full; 0 asks for nothing.
    pub members_needed: u32,
    /// Members that have to confirm it, where fewer list it; 0 asks for nothing.
    pub confirmations_needed: u32,
    /// When it was made, microseconds since 1970 UTC.
    pub created_us: i64,
}

impl Store {
    /// All banks, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn banks(&self) -> Result<Vec<Bank>, StoreError> {
        Ok(self.stored_banks()?.into_iter().map(|stored| stored.bank).collect())
    }

    /// All banks with their numbers, by name. The entries of bank `b` have numbers from `b << 40` up.
    ///
    /// # Errors
    /// The database's.
    pub fn numbered_banks(&self) -> Result<Vec<(i64, Bank)>, StoreError> {
        Ok(self.stored_banks()?.into_iter().map(|stored| (stored.number, stored.bank)).collect())
    }

    /// All banks with all that is known of them, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn stored_banks(&self) -> Result<Vec<StoredBank>, StoreError> {
        list(&self.db, &format!("{} ORDER BY name", select(self.schema)), [], read)
    }

    /// One bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn bank(&self, name: &str) -> Result<Bank, StoreError> {
        Ok(self.stored_bank(name)?.bank)
    }

    /// One bank with all that is known of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn stored_bank(&self, name: &str) -> Result<StoredBank, StoreError> {
        stored(&self.db, self.schema, name)
    }
}

impl Batch<'_> {
    /// As [`Store::stored_bank`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn bank(&self, name: &str) -> Result<StoredBank, StoreError> {
        stored(self.db()?, schema::VERSION, name)
    }

    /// As [`Store::stored_banks`].
    ///
    /// # Errors
    /// The database's.
    pub fn banks(&self) -> Result<Vec<StoredBank>, StoreError> {
        list(self.db()?, &format!("{} ORDER BY name", select(schema::VERSION)), [], read)
    }
}

fn stored(db: &Connection, schema: i64, name: &str) -> Result<StoredBank, StoreError> {
    one(db, &format!("{} WHERE name = ?1", select(schema)), [name], read)?
        .ok_or_else(|| StoreError::NotFound { bank: name.to_owned() })
}

fn select(schema: i64) -> String {
    let photodna = if schema < 2 { "NULL" } else { "photodna_max_distance" };
    let ratio = if schema < 3 { "1.0" } else { "enabled_ratio" };
    let since_5 = if schema < 5 { "1, 0, 0" } else { "layers, members_needed, confirmations_needed" };
    format!(
        "SELECT name, kind, radius_bits, source, version_number, source_sha256, entries, {photodna}, id, {ratio},
                created_us, {since_5}
         FROM banks"
    )
}

fn read(row: &Row<'_>) -> Result<StoredBank, StoreError> {
    let kind: String = row.get(1)?;
    let kind: BankKind = kind.parse().map_err(|reason| StoreError::Corrupt { reason })?;
    let bank = Bank {
        name: row.get(0)?,
        kind,
        radius_bits: row.get(2)?,
        photodna_max_distance: row.get(7)?,
        source: row.get(3)?,
        version: ListVersion {
            number: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
            sha256: row.get(5)?,
            entries: u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
        },
    };
    Ok(StoredBank {
        number: row.get(8)?,
        bank,
        enabled_ratio: row.get(9)?,
        layers: row.get(11)?,
        members_needed: row.get(12)?,
        confirmations_needed: row.get(13)?,
        created_us: row.get(10)?,
    })
}

/// Number of a bank.
pub(crate) fn id_of(db: &Connection, name: &str) -> Result<i64, StoreError> {
    db.prepare_cached("SELECT id FROM banks WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::NotFound { bank: name.to_owned() })
}

/// First and last entry number a bank can have.
pub(crate) fn entry_range(bank: i64) -> (i64, i64) {
    let from = bank.saturating_mul(1 << schema::ENTRY_BITS);
    (from, from.saturating_add((1 << schema::ENTRY_BITS) - 1))
}
