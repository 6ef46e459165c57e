//! What the store knows of where an entry came from: who listed it, what people say of it, what was noted with it.

use serde_json::Value;

use crate::content_changes::BY_HAND;
use crate::read::{maybe_json, one};
use crate::{Store, StoreError, StoredOpinion};

/// What is known of where an entry came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Name of the list or exchange that brought it; `None` when it was added here.
    pub listed_by: Option<String>,
    /// What people say of it.
    pub opinions: Vec<StoredOpinion>,
    /// Fields that were kept with it.
    pub metadata: Option<Value>,
}

impl Store {
    /// What is known of where an entry came from. About 5 µs.
    ///
    /// # Errors
    /// The database's.
    pub fn origin_of(&self, entry_no: i64) -> Result<Origin, StoreError> {
        let sql = "SELECT s.name FROM entries e JOIN sources s ON s.id = e.source WHERE e.no = ?1";
        let source: Option<String> = one(&self.db, sql, [entry_no], |row| Ok(row.get(0)?))?;
        let mut origin = Origin {
            listed_by: source.filter(|name| name != BY_HAND.name),
            opinions: self.opinions_of(entry_no)?,
            metadata: None,
        };
        if self.schema >= 3 {
            let sql = "SELECT metadata FROM content_details WHERE no = ?1";
            origin.metadata = one(&self.db, sql, [entry_no], |row| maybe_json(row, 0))?.flatten();
        }
        Ok(origin)
    }
}
