//! Banks: made, listed, changed, deleted.

use lodestone_types::{Bank, BankKind, ListVersion};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::changes::Log;
use crate::open::next_generation;
use crate::{Store, StoreError, schema};

/// Largest radius: beyond it half of all unrelated pictures come near (64 of 256 bits).
const MAX_RADIUS_BITS: u32 = 64;

impl Store {
    /// Makes an empty bank. Names have 1 to 100 characters of `A-Z a-z 0-9 _ . -`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a name that is taken or not allowed, or a radius above 64 bits.
    pub fn create_bank(
        &mut self,
        name: &str,
        kind: BankKind,
        radius_bits: u32,
        source: &str,
        now_us: i64,
    ) -> Result<Bank, StoreError> {
        check_name(name)?;
        check_radius(radius_bits)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let made = transaction.execute(
            "INSERT INTO banks (name, kind, radius_bits, source, version_number, source_sha256, entries, created_us)
             VALUES (?1, ?2, ?3, ?4, 0, '', 0, ?5) ON CONFLICT (name) DO NOTHING",
            params![name, kind.as_str(), radius_bits, source, now_us],
        )?;
        if made == 0 {
            return Err(StoreError::Refused { reason: format!("there is a bank {name:?} already") });
        }
        next_generation(&transaction)?;
        transaction.commit()?;
        self.bank(name)
    }

    /// All banks, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn banks(&self) -> Result<Vec<Bank>, StoreError> {
        Ok(self.numbered_banks()?.into_iter().map(|(_, bank)| bank).collect())
    }

    /// All banks with their numbers, by name. The entries of bank `b` have numbers from `b << 40` up.
    ///
    /// # Errors
    /// The database's.
    pub fn numbered_banks(&self) -> Result<Vec<(i64, Bank)>, StoreError> {
        let mut statement = self.db.prepare(&format!("{} ORDER BY name", self.select_bank()))?;
        let mut rows = statement.query([])?;
        let mut banks = Vec::new();
        while let Some(row) = rows.next()? {
            banks.push((row.get(8)?, read(row)?));
        }
        Ok(banks)
    }

    /// One bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn bank(&self, name: &str) -> Result<Bank, StoreError> {
        let mut statement = self.db.prepare(&format!("{} WHERE name = ?1", self.select_bank()))?;
        let mut rows = statement.query([name])?;
        match rows.next()? {
            Some(row) => read(row),
            None => Err(StoreError::NotFound { bank: name.to_owned() }),
        }
    }

    /// Deletes a bank with its entries.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_bank(&mut self, name: &str) -> Result<(), StoreError> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = id_of(&transaction, name)?;
        let (from, to) = entry_range(id);
        transaction.execute("DELETE FROM signals WHERE entry BETWEEN ?1 AND ?2", [from, to])?;
        transaction.execute("DELETE FROM entries WHERE no BETWEEN ?1 AND ?2", [from, to])?;
        transaction.execute("DELETE FROM banks WHERE id = ?1", [id])?;
        let generation = next_generation(&transaction)?;
        Log::new(&transaction, generation)?.dropped(from, to)?;
        transaction.commit()?;
        Ok(())
    }

    /// Changes how far PhotoDNA values may lie from the bank's (squared distance); `None`: only equal ones match. The
    /// same again is no change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_photodna_max_distance(&mut self, name: &str, distance: Option<u32>) -> Result<(), StoreError> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = id_of(&transaction, name)?;
        let changed = transaction.execute(
            "UPDATE banks SET photodna_max_distance = ?2, version_number = version_number + 1
             WHERE id = ?1 AND photodna_max_distance IS NOT ?2",
            params![id, distance],
        )?;
        if changed > 0 {
            next_generation(&transaction)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Changes the radius of a bank's similarity matching; the same radius again is no change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] above 64 bits.
    pub fn set_radius(&mut self, name: &str, radius_bits: u32) -> Result<(), StoreError> {
        check_radius(radius_bits)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = id_of(&transaction, name)?;
        let changed = transaction.execute(
            "UPDATE banks SET radius_bits = ?2, version_number = version_number + 1
             WHERE id = ?1 AND radius_bits <> ?2",
            params![id, radius_bits],
        )?;
        if changed > 0 {
            next_generation(&transaction)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Store {
    fn select_bank(&self) -> String {
        let photodna = if self.schema < 2 { "NULL" } else { "photodna_max_distance" };
        format!(
            "SELECT name, kind, radius_bits, source, version_number, source_sha256, entries, {photodna}, id
             FROM banks"
        )
    }
}

fn read(row: &Row<'_>) -> Result<Bank, StoreError> {
    let kind: String = row.get(1)?;
    Ok(Bank {
        name: row.get(0)?,
        kind: kind.parse().map_err(|reason| StoreError::Corrupt { reason })?,
        radius_bits: row.get(2)?,
        photodna_max_distance: row.get(7)?,
        source: row.get(3)?,
        version: ListVersion {
            number: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
            sha256: row.get(5)?,
            entries: u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
        },
    })
}

/// Number of a bank.
pub(crate) fn id_of(db: &Connection, name: &str) -> Result<i64, StoreError> {
    db.query_row("SELECT id FROM banks WHERE name = ?1", [name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::NotFound { bank: name.to_owned() })
}

/// First and last entry number a bank can have.
pub(crate) fn entry_range(bank: i64) -> (i64, i64) {
    let from = bank.saturating_mul(1 << schema::ENTRY_BITS);
    (from, from.saturating_add((1 << schema::ENTRY_BITS) - 1))
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    if (1..=100).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(StoreError::Refused {
        reason: format!(
            "{:?} is no bank name: 1 to 100 characters of A-Z a-z 0-9 _ . -",
            name.chars().take(100).collect::<String>()
        ),
    })
}

fn check_radius(radius_bits: u32) -> Result<(), StoreError> {
    if radius_bits <= MAX_RADIUS_BITS {
        return Ok(());
    }
    Err(StoreError::Refused { reason: format!("a radius of {radius_bits} bits is above {MAX_RADIUS_BITS}") })
}
