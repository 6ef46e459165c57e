//! Bringing an older schema up to date, within the opening's transaction.

use lodestone_types::SignalType;
use rusqlite::Connection;

use crate::banks::entry_range;
use crate::counts::{Counts, counted};
use crate::{StoreError, schema};

/// Adds what schema 2 has, and counts the signals that are there.
pub(crate) fn from_1_to_2(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(schema::FROM_1_TO_2)?;
    let banks: Vec<i64> = {
        let mut statement = db.prepare("SELECT id FROM banks ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for bank in banks {
        let mut counts = Counts::new(db, bank);
        for (kind, signals) in SignalType::ALL.into_iter().zip(counted(db, entry_range(bank))?) {
            counts.add(kind, signals);
        }
        counts.write()?;
    }
    Ok(())
}
