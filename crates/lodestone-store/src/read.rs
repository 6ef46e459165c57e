//! Reading rows, the same way in a store and in a batch.

use rusqlite::{Connection, Params, Row};
use serde_json::Value;

use crate::StoreError;

/// Most rows that one call of a paged list hands over, whatever it is asked for.
pub const MAX_PAGE: usize = 10_000;

/// A page's size as the database takes it.
pub(crate) fn page(limit: usize) -> i64 {
    i64::try_from(limit.min(MAX_PAGE)).unwrap_or(0)
}

/// All rows of a query.
pub(crate) fn list<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a query; `None` when it has none.
pub(crate) fn one<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// The JSON in a column.
pub(crate) fn json(row: &Row<'_>, at: usize) -> Result<Value, StoreError> {
    let text = row.get_ref(at)?.as_str().map_err(|_| broken())?;
    serde_json::from_str(text).map_err(|_| broken())
}

/// Likewise, where there may be none.
pub(crate) fn maybe_json(row: &Row<'_>, at: usize) -> Result<Option<Value>, StoreError> {
    let text = row.get_ref(at)?.as_str_or_null().map_err(|_| broken())?;
    text.map(|text| serde_json::from_str(text).map_err(|_| broken())).transpose()
}

fn broken() -> StoreError {
    StoreError::Corrupt { reason: "a field that is no JSON".to_owned() }
}
