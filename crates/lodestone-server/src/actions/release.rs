//! Letting a held hash go, and doing, or dropping, what was held.
//!
//! Held events carry a label that names the hold. Letting go is noted as a setting in the same commit; the ingest thread
//! then walks the match log back to where the hold began, does what the rules in force say, and takes the labels off, a
//! page a commit: killed at any moment it goes on where it was.

use lodestone_store::{Batch, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::act::act;
use super::flood::{key_of, label, since_us};
use super::{Actions, Context};
use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::readers::Readers;
use crate::rules::matches;
use crate::writer::Writer;

/// What the settings begin with that say what is being let go; the hash's key follows.
const KEY_PREFIX: &str = "release.";
/// Events looked at in one go.
const PAGE: usize = 200;
/// Events are noted in the order of their times but for this much.
const SLACK_US: i64 = 3_600_000_000;

/// A hash that is being let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Release {
    key: String,
    since_us: i64,
    /// Whether what was held is done, or dropped.
    send: bool,
    /// The walk is at events before this number.
    before: i64,
}

/// Lets a hash go.
///
/// # Errors
/// 404 when it is not held; the store's.
pub(crate) async fn ask(
    (readers, writer, shared): (&Readers, &Writer, &Actions),
    caller: Caller,
    key: String,
    send: bool,
) -> Result<(), ApiError> {
    let known = key.clone();
    let stored = readers.read(move |store| Ok(store.quarantined(&known)?)).await?;
    let missing = || ApiError::missing("this hash is not held");
    let since_us = since_us(&stored.ok_or_else(missing)?);
    let held = shared.clone();
    let released = writer
        .write(move |batch| {
            if !batch.release_hash(&key)? {
                return Err(missing());
            }
            let release = Release { key: key.clone(), since_us, send, before: i64::MAX };
            let setting = format!("{KEY_PREFIX}{key}@{since_us}");
            batch.set_setting(&setting, Some(&json!(release).to_string()))?;
            audit::note(batch, &caller, "quarantine.release", &json!({ "hash_key": key, "send": send }))?;
            // In the writing thread, as all events are taken in: no event falls between.
            held.flood().release(&key);
            Ok(())
        })
        .await;
    if released.as_ref().is_err_and(|error| error.status().is_server_error()) {
        // Not kept: it is held as before.
        let held = shared.clone();
        readers
            .read(move |store| {
                let anew = held.flood().again(store)?;
                *held.flood() = anew;
                Ok(())
            })
            .await?;
    }
    released?;
    shared.look();
    Ok(())
}

/// Goes through with what is being let go.
///
/// # Errors
/// The store's.
pub(super) fn pass(context: &Context) -> Result<(), ApiError> {
    let settings = context.readers.read_now(|store| Ok(store.settings(KEY_PREFIX)?))?;
    for (setting, text) in settings {
        match serde_json::from_str(&text) {
            Ok(release) => walk(context, &setting, release)?,
            Err(error) => tracing::error!(%error, "a hold that was released cannot be read"),
        }
    }
    Ok(())
}

fn walk(context: &Context, setting: &str, mut release: Release) -> Result<(), ApiError> {
    loop {
        let (held, before) = context.readers.read_now(|store| page(store, &release))?;
        let is_done = before.is_none();
        release.before = before.unwrap_or(0);
        let (shared, setting, release_now) = (context.shared.clone(), setting.to_owned(), release.clone());
        context.writer.write_now(move |batch: &mut Batch<'_>| {
            let rules = shared.rules.now();
            let label = label(&release_now.key, release_now.since_us);
            // Letters, digits and dashes only: it goes into the idempotency key.
            let name = format!("h{}-{}", release_now.key.replace([':', '_'], "-"), release_now.since_us);
            for event in &held {
                if release_now.send {
                    for entry in rules.iter() {
                        let mut matched = matches(&entry.rule, event);
                        matched.retain(|one| key_of(one) == release_now.key);
                        if !matched.is_empty() {
                            act(batch, event, entry, &matched, Some(&name))?;
                        }
                    }
                }
                batch.remove_label(&event.id, &label)?;
            }
            let text = (!is_done).then(|| json!(release_now).to_string());
            Ok(batch.set_setting(&setting, text.as_deref())?)
        })?;
        context.shared.deliver();
        if is_done {
            return Ok(());
        }
    }
}

/// The held events of the next page, and where the one after begins; none: this was the last.
fn page(store: &Store, release: &Release) -> Result<(Vec<MatchEvent>, Option<i64>), ApiError> {
    let rows = store.match_events_before(release.before, PAGE)?;
    let label = label(&release.key, release.since_us);
    let oldest = release.since_us.saturating_sub(SLACK_US);
    let before = rows.last().filter(|last| last.at_us >= oldest).map(|last| last.no);
    let mut held = Vec::new();
    for row in rows {
        if store.labels_of(&row.id)?.contains(&label)
            && let Ok(event) = serde_json::from_str(&row.body)
        {
            held.push(event);
        }
    }
    Ok((held, before))
}
