//! What follows from one event, done in the commit that takes it in.

use std::collections::BTreeSet;

use lodestone_store::{Batch, NewDelivery};
use serde_json::json;

use super::flood::{Flood, Held, key_of};
use super::keep::AuditMatches;
use super::message::{Target, body};
use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::events::{EventMatch, MatchEvent};
use crate::exchanging::withdrawn;
use crate::rules::{Action, Entry, matches};

/// Queue of the reviews of floods.
pub(crate) const FLOODS: &str = "flood";
/// The rule of reviews that no rule asked for.
const NO_RULE: i64 = 0;
/// Queue of what parts of pictures match, where nothing confirms it and no rule asks for a review.
pub(crate) const DERIVED: &str = "derived";
/// The rule of those: an event may have a review of a flood too.
const NO_RULE_DERIVED: i64 = -1;

/// What decides on an event.
pub(super) struct With<'w> {
    pub(super) rules: &'w [Entry],
    pub(super) flood: &'w mut Flood,
    pub(super) audit_matches: AuditMatches,
    /// The generation in which an exchange withdrew something last.
    pub(super) withdrawn: u64,
}

/// Takes an event in with all that follows from it; one that is in the store already is passed over. Whether it was new.
///
/// # Errors
/// The store's.
pub(super) fn take_in(
    batch: &mut Batch<'_>,
    event: &MatchEvent,
    json: &str,
    with: &mut With<'_>,
) -> Result<bool, ApiError> {
    if !batch.add_match_event(&event.id, event.at_us, json)? {
        return Ok(false);
    }
    withdrawn::mark_late(batch, event, with.withdrawn)?;
    let held = with.flood.see(event);
    hold(batch, event, &held)?;
    let keys: BTreeSet<&str> = held.iter().map(|held| held.key.as_str()).collect();
    let mut acted = Vec::new();
    let mut waits: Vec<&EventMatch> =
        event.matches.iter().filter(|one| !one.stands() && one.asked_by_bank).collect();
    for entry in with.rules {
        let mut matched = matches(&entry.rule, event);
        matched.retain(|one| !keys.contains(key_of(one).as_str()));
        if act(batch, event, entry, &matched, None)? {
            acted.push(entry.id);
        }
        if entry.rule.then.iter().any(|action| matches!(action, Action::Review(_))) {
            waits.retain(|one| !matched.iter().any(|asked| std::ptr::eq(*asked, *one)));
        }
    }
    ask_for_derived(batch, event, &waits)?;
    let is_noted = match with.audit_matches {
        AuditMatches::All => true,
        AuditMatches::Acted => !acted.is_empty() || !held.is_empty(),
        AuditMatches::None => false,
    };
    if is_noted {
        let found: Vec<_> = event
            .matches
            .iter()
            .map(|one| json!([one.bank, one.bank_content_id, one.signal_type, one.distance]))
            .collect();
        let object = json!({ "event": event.id, "at_us": event.at_us, "generation": event.generation,
                             "matches": found, "rules": acted, "held": keys });
        audit::note(batch, &Caller { key: event.key.as_str().into() }, "match.found", &object)?;
    }
    Ok(true)
}

/// Notes what is held, once for each event so that the number of senders is right, and asks a person at the first.
fn hold(batch: &mut Batch<'_>, event: &MatchEvent, held: &[Held]) -> Result<(), ApiError> {
    for one in held {
        let found = event.matches.iter().find(|found| key_of(found) == one.key);
        let body = json!({
            "since_us": one.since_us,
            "last_us": event.at_us,
            "bank": found.map(|found| &found.bank),
            "signal_type": found.map(|found| &found.signal_type),
            "bank_content_id": found.map(|found| found.bank_content_id),
        });
        batch.hold_hash(&one.key, i64::from(one.senders), &body.to_string())?;
        batch.add_label(&event.id, &one.label())?;
    }
    let new: Vec<&str> = held.iter().filter(|held| held.is_new).map(|held| held.key.as_str()).collect();
    if !new.is_empty() {
        let body = json!({ "queue": FLOODS, "hash_keys": new, "event_id": event.id });
        batch.add_review(&event.id, NO_RULE, &body.to_string())?;
        let caller = Caller { key: audit::SERVER.into() };
        audit::note(batch, &caller, "quarantine.hold", &json!({ "hash_keys": new, "event": event.id }))?;
        tracing::warn!(
            hashes = new.len(),
            "more senders than the limit match one hash: its actions are held"
        );
    }
    Ok(())
}

/// Asks a person to look at matches of parts of a picture that no rule asked a review for: they would be lost otherwise.
/// One review an event; floods hold none of it back.
fn ask_for_derived(
    batch: &mut Batch<'_>,
    event: &MatchEvent,
    matched: &[&EventMatch],
) -> Result<(), ApiError> {
    if matched.is_empty() {
        return Ok(());
    }
    let body = json!({
        "queue": DERIVED,
        "sender": event.sender,
        "content_ref": event.content_ref,
        "matches": matched,
    });
    batch.add_review(&event.id, NO_RULE_DERIVED, &body.to_string())?;
    Ok(())
}

/// Does what a rule says of some matches of an event; whether that was anything. What does not stand is put before a person
/// where the rule says so, and starts nothing else. `released`: a name of the hold that kept them back, which goes into
/// the idempotency key, since the rule may have acted on other matches of the event before.
///
/// # Errors
/// The store's.
pub(super) fn act(
    batch: &mut Batch<'_>,
    event: &MatchEvent,
    entry: &Entry,
    matched: &[&EventMatch],
    released: Option<&str>,
) -> Result<bool, ApiError> {
    let standing: Vec<&EventMatch> = matched.iter().copied().filter(|one| one.stands()).collect();
    let mut has_acted = false;
    for (at, action) in entry.rule.then.iter().enumerate() {
        let for_it = if matches!(action, Action::Review(_)) { matched } else { &standing };
        if for_it.is_empty() {
            continue;
        }
        has_acted = true;
        match action {
            Action::Webhook(webhook) => {
                let target = Target {
                    url: webhook.url.clone(),
                    secret_ref: webhook.secret_ref.clone().unwrap_or_default(),
                };
                let released_part = released.map(|name| format!("-{name}")).unwrap_or_default();
                let delivery = NewDelivery {
                    key: &format!("{}-{}-{at}{released_part}", event.id, entry.id),
                    event: &event.id,
                    rule: Some(entry.id),
                    target: &json!(target).to_string(),
                    body: &body(event, entry, webhook, for_it, released.is_some()),
                    next_us: batch.now_us(),
                };
                batch.add_delivery(&delivery)?;
            }
            Action::Review(review) => {
                let body = json!({
                    "queue": review.queue,
                    "rule": entry.rule.name,
                    "sender": event.sender,
                    "content_ref": event.content_ref,
                    "matches": for_it,
                });
                batch.add_review(&event.id, entry.id, &body.to_string())?;
            }
            Action::Label(label) => {
                batch.add_label(&event.id, label)?;
            }
        }
    }
    Ok(has_acted)
}
