//! What the gate before an export is told of an entry: what the store keeps of where it came from.
//!
//! Of entries that were added here it keeps no examination: they are unexamined to the gate, and are held back from a list
//! of known material until a person has confirmed them. What members of an exchange say against an entry counts like a
//! person's word; that they list or confirm it is no examination of ours.

use lodestone_exchange::format::gate::{Decided, Decision, OriginFacts};
use lodestone_store::{Opinion, Store, StoreError, StoredEntry};
use lodestone_types::BankKind;
use serde_json::Value;

/// The facts of one entry of a bank of this kind. About 5 µs.
///
/// # Errors
/// The store's.
pub fn facts(store: &Store, kind: BankKind, entry: &StoredEntry) -> Result<OriginFacts, StoreError> {
    let origin = store.origin_of(entry.entry_no)?;
    let mut facts = OriginFacts::of_entry(kind, &entry.row);
    facts.listed_by = origin.listed_by;
    if let Some(metadata) = &origin.metadata {
        facts.read(metadata);
    }
    for said in origin.opinions {
        let confirms = said.opinion == Opinion::Confirm;
        let Some(says) = Decided::of_opinion(kind, confirms) else { continue };
        facts.decisions.push(Decision { who: said.who, says, at_us: said.at_us, note: said.note });
    }
    let opinions = entry.row.extra.as_ref().and_then(|extra| extra.get("opinions")?.as_array());
    for said in opinions.into_iter().flatten() {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        if text("stance") != Some("disputes") {
            continue;
        }
        let Some(says) = Decided::of_opinion(kind, false) else { continue };
        let at_s = said.get("at_s").and_then(Value::as_i64).unwrap_or(0);
        facts.decisions.push(Decision {
            who: format!("member {}", text("member").unwrap_or_default()),
            says,
            at_us: at_s.saturating_mul(1_000_000),
            note: text("reason").map(str::to_owned),
        });
    }
    Ok(facts)
}
