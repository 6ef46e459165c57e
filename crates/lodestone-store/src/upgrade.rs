//! Bringing an older schema up to date, within the opening's transaction.

use lodestone_types::SignalType;
use rusqlite::Connection;

use crate::banks::entry_range;
use crate::content_ids::give_ids;
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

/// Adds what schema 3 has, and gives every entry a content id, in the order of their numbers.
pub(crate) fn from_2_to_3(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(schema::FROM_2_TO_3)?;
    let mut statement = db.prepare("SELECT no FROM entries ORDER BY no")?;
    let mut rows = statement.query([])?;
    let mut run: Option<(i64, i64)> = None;
    while let Some(row) = rows.next()? {
        let no: i64 = row.get(0)?;
        run = match run {
            Some((first, length)) if first.saturating_add(length) == no => Some((first, length + 1)),
            before => {
                if let Some((first, length)) = before {
                    give_ids(db, first, length)?;
                }
                Some((no, 1))
            }
        };
    }
    if let Some((first, length)) = run {
        give_ids(db, first, length)?;
    }
    Ok(())
}
