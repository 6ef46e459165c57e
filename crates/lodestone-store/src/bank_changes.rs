//! Banks: made, changed, deleted.

use lodestone_types::{Bank, BankKind};
use rusqlite::params;

use crate::banks::{entry_range, id_of};
use crate::changes::Log;
use crate::{Batch, Store, StoreError, StoredBank};

/// Largest radius: beyond it half of all unrelated pictures come near (64 of 256 bits).
const MAX_RADIUS_BITS: u32 = 64;

/// Longest name of a bank, in bytes. *Source:* HMA's column.
const MAX_NAME: usize = 255;

/// What to change of a bank; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BankChange<'a> {
    /// Another name.
    pub name: Option<&'a str>,
    /// Another kind.
    pub kind: Option<BankKind>,
    /// Another radius, 0 to 64 bits.
    pub radius_bits: Option<u32>,
    /// How far PhotoDNA values may lie from the bank's (squared distance); inside, `None`: only equal ones match.
    pub photodna_max_distance: Option<Option<u32>>,
    /// Share of look-ups that it takes part in; any finite number.
    pub enabled_ratio: Option<f64>,
    /// Layers that a server looks at for it: bits 0 to 3.
    pub layers: Option<u8>,
    /// Members that have to list or confirm an entry.
    pub members_needed: Option<u32>,
    /// Members that have to confirm it, where fewer list it.
    pub confirmations_needed: Option<u32>,
}

impl Batch<'_> {
    /// Makes an empty bank. Names have 1 to 255 characters of `A-Z a-z 0-9 _ . -`.
    ///
    /// # Errors
    /// [`StoreError::Taken`]; [`StoreError::Refused`] for a name that is not allowed, or a radius above 64 bits.
    pub fn create_bank(
        &mut self,
        name: &str,
        kind: BankKind,
        radius_bits: u32,
        source: &str,
    ) -> Result<StoredBank, StoreError> {
        check_name(name)?;
        check_radius(radius_bits)?;
        let made = self
            .db()?
            .prepare_cached(
                "INSERT INTO banks (name, kind, radius_bits, source, version_number, source_sha256, entries,
                                    created_us)
                 VALUES (?1, ?2, ?3, ?4, 0, '', 0, ?5) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![name, kind.as_str(), radius_bits, source, self.now_us()])?;
        if made == 0 {
            return Err(taken(name));
        }
        self.step()?;
        self.bank(name)
    }

    /// Changes a bank; returns it as it is then. What it has already is no change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Taken`] for another bank's name; [`StoreError::Refused`] for a name, a
    /// radius, a ratio or layers that are not allowed.
    pub fn change_bank(&mut self, name: &str, change: &BankChange<'_>) -> Result<StoredBank, StoreError> {
        let before = self.bank(name)?;
        if let Some(name) = change.name.filter(|name| *name != before.bank.name) {
            check_name(name)?;
            match id_of(self.db()?, name) {
                Err(StoreError::NotFound { .. }) => {}
                Ok(_) => return Err(taken(name)),
                Err(error) => return Err(error),
            }
        }
        check_radius(change.radius_bits.unwrap_or(0))?;
        if !change.enabled_ratio.unwrap_or(0.0).is_finite() {
            return Err(StoreError::Refused { reason: "the share of look-ups is no number".to_owned() });
        }
        let mut after = before.clone();
        after.bank.name = change.name.unwrap_or(name).to_owned();
        after.bank.kind = change.kind.unwrap_or(after.bank.kind);
        after.bank.radius_bits = change.radius_bits.unwrap_or(after.bank.radius_bits);
        after.bank.photodna_max_distance =
            change.photodna_max_distance.unwrap_or(after.bank.photodna_max_distance);
        after.enabled_ratio = change.enabled_ratio.unwrap_or(after.enabled_ratio);
        after.layers = change.layers.unwrap_or(after.layers);
        after.members_needed = change.members_needed.unwrap_or(after.members_needed);
        after.confirmations_needed = change.confirmations_needed.unwrap_or(after.confirmations_needed);
        if after.layers == 0 || after.layers > 0b1111 {
            return Err(StoreError::Refused {
                reason: "layers are 1, 2, 3 and 4, and at least one".to_owned(),
            });
        }
        if after == before {
            return Ok(before);
        }
        self.db()?
            .prepare_cached(
                "UPDATE banks SET name = ?2, kind = ?3, radius_bits = ?4, photodna_max_distance = ?5,
                        enabled_ratio = ?6, layers = ?7, members_needed = ?8, confirmations_needed = ?9
                 WHERE id = ?1",
            )?
            .execute(params![
                before.number,
                after.bank.name,
                after.bank.kind.as_str(),
                after.bank.radius_bits,
                after.bank.photodna_max_distance,
                after.enabled_ratio,
                after.layers,
                after.members_needed,
                after.confirmations_needed,
            ])?;
        self.touch(before.number)?;
        self.bank(&after.bank.name)
    }

    /// Deletes a bank with its entries, their features, details and opinions, and the exchange that fills it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_bank(&mut self, name: &str) -> Result<(), StoreError> {
        let id = id_of(self.db()?, name)?;
        let (from, to) = entry_range(id);
        let generation = self.step()?;
        self.said();
        let db = self.db()?;
        // What hangs on entries goes first: then nothing has to be looked for entry by entry.
        for sql in [
            "DELETE FROM signals WHERE entry BETWEEN ?1 AND ?2",
            "DELETE FROM features WHERE no BETWEEN ?1 AND ?2",
            "DELETE FROM descriptors WHERE no BETWEEN ?1 AND ?2",
            "DELETE FROM content_details WHERE no BETWEEN ?1 AND ?2",
            "DELETE FROM opinions WHERE no BETWEEN ?1 AND ?2",
            "DELETE FROM content_runs WHERE first_no BETWEEN ?1 AND ?2",
            "DELETE FROM entries WHERE no BETWEEN ?1 AND ?2",
        ] {
            db.execute(sql, [from, to])?;
        }
        db.execute("DELETE FROM banks WHERE id = ?1", [id])?;
        Log::new(db, generation)?.dropped(from, to)
    }
}

impl Store {
    /// Makes an empty bank, as [`Batch::create_bank`].
    ///
    /// # Errors
    /// As there.
    pub fn create_bank(
        &mut self,
        name: &str,
        kind: BankKind,
        radius_bits: u32,
        source: &str,
        now_us: i64,
    ) -> Result<Bank, StoreError> {
        self.batch(now_us, |batch| Ok(batch.create_bank(name, kind, radius_bits, source)?.bank))
    }

    /// Deletes a bank with its entries, as [`Batch::delete_bank`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_bank(&mut self, name: &str) -> Result<(), StoreError> {
        self.batch(0, |batch| batch.delete_bank(name))
    }

    /// Changes how far PhotoDNA values may lie from the bank's (squared distance); `None`: only equal ones match. The
    /// same again is no change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_photodna_max_distance(&mut self, name: &str, distance: Option<u32>) -> Result<(), StoreError> {
        let change = BankChange { photodna_max_distance: Some(distance), ..BankChange::default() };
        self.batch(0, |batch| batch.change_bank(name, &change).map(drop))
    }

    /// Changes the radius of a bank's similarity matching; the same radius again is no change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] above 64 bits.
    pub fn set_radius(&mut self, name: &str, radius_bits: u32) -> Result<(), StoreError> {
        let change = BankChange { radius_bits: Some(radius_bits), ..BankChange::default() };
        self.batch(0, |batch| batch.change_bank(name, &change).map(drop))
    }
}

fn taken(name: &str) -> StoreError {
    StoreError::Taken { reason: format!("there is a bank {name:?} already") }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(StoreError::Refused {
        reason: format!(
            "{:?} is no bank name: 1 to {MAX_NAME} characters of A-Z a-z 0-9 _ . -",
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
