//! Matches whose entry has been withdrawn since: marked, so that a person appraises them anew.
//!
//! The mark is a label on the event, beside those that rules give. What scans keep needs none: kept observations hold no
//! matches, and are appraised by the banks as they are each time they are asked.

use lodestone_store::{Batch, Store, StoreError};

use crate::events::MatchEvent;

/// The label of an event of which a match is withdrawn.
pub const WITHDRAWN: &str = "withdrawn";

/// Events read at a time.
const EVENTS: usize = 500;

/// Ids of the events that matched an entry of this bank which is not there any more, and are not marked yet. Reads the log
/// of matches once; memory: one page of it, and the ids.
///
/// # Errors
/// The store's.
pub fn withdrawn_events(store: &Store, bank: &str) -> Result<Vec<String>, StoreError> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let events = store.match_events(after, EVENTS)?;
        let Some(last) = events.last() else { return Ok(found) };
        after = last.no;
        for event in events {
            let Ok(body) = serde_json::from_str::<MatchEvent>(&event.body) else { continue };
            let mut gone = false;
            for matched in body.matches.iter().filter(|matched| matched.bank == bank) {
                let id = i64::try_from(matched.bank_content_id).unwrap_or(i64::MAX);
                gone |= store.entry_of(id)?.is_none();
            }
            if gone && !store.labels_of(&event.id)?.iter().any(|label| label == WITHDRAWN) {
                found.push(event.id);
            }
        }
    }
}

/// Marks events.
///
/// # Errors
/// The store's.
pub fn mark_withdrawn(batch: &mut Batch<'_>, events: &[String]) -> Result<(), StoreError> {
    for event in events {
        batch.add_label(event, WITHDRAWN)?;
    }
    Ok(())
}
