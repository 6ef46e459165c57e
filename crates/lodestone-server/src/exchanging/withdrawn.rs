//! Matches whose entry, or the value that they rested on, has been withdrawn since: marked, so that a person appraises them
//! anew.
//!
//! The mark is a label on the event, beside those that rules give. Matches that are in the store are found after the fetch,
//! by reading the log of matches once; those that still lie in the journal then are marked when they are taken in, which
//! goes by what the fetch noted in its own transactions. What scans keep needs no mark: kept observations hold no matches,
//! and are appraised by the banks as they are each time they are asked.

use std::collections::BTreeMap;

use lodestone_store::{Batch, ListedReport, Store, StoreError};
use lodestone_types::{Signal, SignalType};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::events::{EventMatch, MatchEvent};

/// The label of an event of which a match is withdrawn.
pub const WITHDRAWN: &str = "withdrawn";

/// Setting with the generation in which something was withdrawn last: look-ups of an earlier one may have found it.
const SINCE: &str = "withdrawn.generation";
/// What settings begin with that name entries which lost values; the entry's number follows.
const LOST: &str = "withdrawn.lost.";
/// Events read at a time.
const EVENTS: usize = 500;

/// Values that an entry lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lost {
    /// Their kinds.
    kinds: Vec<SignalType>,
    /// The generation in which it lost the last of them.
    generation: u64,
    /// When.
    at_us: i64,
    /// Matches in the store were marked. Those in the journal may not be.
    marked: bool,
}

fn key(entry_no: i64) -> String {
    format!("{LOST}{entry_no}")
}

/// Notes what went, in the transaction in which it did.
pub(crate) fn note(batch: &mut Batch<'_>, report: &ListedReport) -> Result<(), StoreError> {
    let Some(generation) = batch.generation().filter(|_| report.removed > 0 || !report.lost.is_empty())
    else {
        return Ok(());
    };
    batch.set_setting(SINCE, Some(&generation.to_string()))?;
    for one in &report.lost {
        let key = key(one.entry_no);
        let mut lost = lost(batch.setting(&key)?.as_deref()).unwrap_or_default();
        lost.kinds.extend(&one.kinds);
        lost.kinds.sort_unstable();
        lost.kinds.dedup();
        (lost.generation, lost.at_us, lost.marked) = (generation, batch.now_us(), false);
        batch.set_setting(&key, Some(&json!(lost).to_string()))?;
    }
    Ok(())
}

fn lost(text: Option<&str>) -> Option<Lost> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

/// What is to be marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Ids of events.
    pub events: Vec<String>,
    /// Entries that lost values, and that this was looked for of.
    lost: Vec<i64>,
}

/// Events that matched an entry of this bank which is not there any more, or a value that it lost, and are not marked yet.
/// Reads the log of matches once; memory: one page of it, and the ids.
///
/// # Errors
/// The store's.
pub fn find_withdrawn(store: &Store, bank: &str) -> Result<Withdrawn, StoreError> {
    let number = store.stored_bank(bank)?.number;
    let mut of_bank: BTreeMap<i64, Lost> = BTreeMap::new();
    for (name, text) in store.settings(LOST)? {
        let no = name.strip_prefix(LOST).and_then(|no| no.parse::<i64>().ok());
        if let (Some(no), Some(lost)) = (no.filter(|no| no >> 40 == number), lost(Some(&text)))
            && !lost.marked
        {
            of_bank.insert(no, lost);
        }
    }
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let events = store.match_events(after, EVENTS)?;
        let Some(last) = events.last() else { break };
        after = last.no;
        for event in events {
            let Ok(body) = serde_json::from_str::<MatchEvent>(&event.body) else { continue };
            let mut gone = false;
            for matched in body.matches.iter().filter(|matched| matched.bank == bank) {
                let id = i64::try_from(matched.bank_content_id).unwrap_or(i64::MAX);
                let Some(no) = store.entry_of(id)? else {
                    gone = true;
                    break;
                };
                let Some(lost) = of_bank.get(&no).filter(|lost| lost.generation > body.generation) else {
                    continue;
                };
                let now = store.entry_by_no(no)?.map(|entry| entry.row.signals).unwrap_or_default();
                gone |= rested_on(&body, matched, &lost.kinds, &now);
            }
            if gone && !store.labels_of(&event.id)?.iter().any(|label| label == WITHDRAWN) {
                found.push(event.id);
            }
        }
    }
    Ok(Withdrawn { events: found, lost: of_bank.into_keys().collect() })
}

/// Marks events.
///
/// # Errors
/// The store's.
pub fn mark_withdrawn(batch: &mut Batch<'_>, withdrawn: &Withdrawn) -> Result<(), StoreError> {
    for event in &withdrawn.events {
        batch.add_label(event, WITHDRAWN)?;
    }
    for no in &withdrawn.lost {
        if let Some(mut lost) = lost(batch.setting(&key(*no))?.as_deref()) {
            lost.marked = true;
            batch.set_setting(&key(*no), Some(&json!(lost).to_string()))?;
        }
    }
    Ok(())
}

/// Forgets which entries lost values before a time: once no match from before is on its way to the store any more.
///
/// # Errors
/// The store's.
pub fn forget_lost(batch: &mut Batch<'_>, before_us: i64) -> Result<(), StoreError> {
    for (name, text) in batch.settings(LOST)? {
        if lost(Some(&text)).is_none_or(|lost| lost.marked && lost.at_us < before_us) {
            batch.set_setting(&name, None)?;
        }
    }
    Ok(())
}

/// The generation in which something was withdrawn last; 0: never.
pub(crate) fn since(batch: &Batch<'_>) -> Result<u64, StoreError> {
    Ok(batch.setting(SINCE)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Marks an event that is being taken in, where what it matched was withdrawn after it was looked up. `since`: that of
/// [`since()`].
pub(crate) fn mark_late(batch: &mut Batch<'_>, event: &MatchEvent, since: u64) -> Result<(), StoreError> {
    if event.generation >= since {
        return Ok(());
    }
    for matched in &event.matches {
        let id = i64::try_from(matched.bank_content_id).unwrap_or(i64::MAX);
        let Some(no) = batch.number_of(id)?.filter(|no| *no > 0) else { continue };
        let is_gone = match batch.entry_by_no(no)? {
            None => batch.is_filled(no >> 40)?,
            Some(entry) => lost(batch.setting(&key(no))?.as_deref()).is_some_and(|lost| {
                lost.generation > event.generation
                    && rested_on(event, matched, &lost.kinds, &entry.row.signals)
            }),
        };
        if is_gone {
            batch.add_label(&event.id, WITHDRAWN)?;
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a match rested on a value that its entry lost: it lost values of this kind, and none that it has now is as far
/// away as the match was. A picture may have matched in a form that the event does not hold: then the match is marked too.
fn rested_on(event: &MatchEvent, matched: &EventMatch, lost: &[SignalType], now: &[Signal]) -> bool {
    let plain = |kind| if kind == SignalType::VideoMd5 { SignalType::Md5 } else { kind };
    let Some(kind) = SignalType::from_wire(&matched.signal_type).map(plain) else { return false };
    if !lost.iter().any(|one| plain(*one) == kind) {
        return false;
    }
    let mut own = now.iter().filter(|signal| plain(signal.kind()) == kind);
    if kind.is_text() {
        // How near texts are is told in a number that does not say which it was.
        return own.next().is_none();
    }
    let asked = event.signals.get(&matched.signal_type).and_then(|text| Signal::parse(kind, text).ok());
    let Some(asked) = asked else { return true };
    let explains = |signal: &Signal| match (kind, matched.distance_bits) {
        (SignalType::Pdq, Some(bits)) => {
            let differing =
                signal.bytes().iter().zip(asked.bytes()).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
            differing == bits || 256 - differing == bits
        }
        _ => signal.bytes() == asked.bytes(),
    };
    !own.any(explains)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, value: &str, distance: &str, bits: Option<u32>) -> MatchEvent {
        let event = json!({
            "id": "e", "at_us": 1, "key": "k", "generation": 3, "signals": { kind: value },
            "matches": [{ "bank": "A", "bank_kind": "own", "bank_content_id": 7, "signal_type": kind,
                          "distance": distance, "distance_bits": bits }],
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_match_rests_on_the_value_that_explains_it() {
        let pdq = |byte: u8| Signal::from_bytes(SignalType::Pdq, &[byte; 32]).unwrap();
        let md5 = |byte: u8| Signal::from_bytes(SignalType::Md5, &[byte; 16]).unwrap();
        let near = event("pdq", &"0f".repeat(32), "32", Some(32));
        let rests = |event: &MatchEvent, lost: &[SignalType], now: &[Signal]| {
            rested_on(event, &event.matches[0], lost, now)
        };
        assert!(!rests(&near, &[SignalType::Md5], &[]), "another kind went");
        assert!(rests(&near, &[SignalType::Pdq], &[md5(1)]), "nothing is left of the kind");
        assert!(!rests(&near, &[SignalType::Pdq], &[pdq(0x1f)]), "32 bits away still");
        assert!(!rests(&near, &[SignalType::Pdq], &[pdq(!0x1f)]), "its negative");
        assert!(rests(&near, &[SignalType::Pdq], &[pdq(0x0f)]), "equal, which is not what matched");
        let exact = event("video_md5", &"01".repeat(16), "-", Some(0));
        assert!(!rests(&exact, &[SignalType::Md5], &[md5(1)]));
        assert!(rests(&exact, &[SignalType::VideoMd5], &[md5(2)]));
        let unknown = event("md5", "no value", "-", Some(0));
        assert!(rests(&unknown, &[SignalType::Md5], &[md5(1)]));
    }
}
