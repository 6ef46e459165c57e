//! Forgetting what is old: match events, delivered messages, and secrets that nothing is signed with any more.

use std::collections::BTreeSet;

use lodestone_store::{Batch, DeliveryState, MAX_PAGE, Store};

use super::{Context, Target};
use crate::error::ApiError;
use crate::exchanging::forget_lost;
use crate::outbox::SECRET_PREFIX;
use crate::rules::Action;
use crate::secrets::SETTING_PREFIX;

const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;
/// Rows of one commit at most: the writer is not kept from others for long.
const PAGE: usize = 1000;

/// Removes what is old.
///
/// # Errors
/// The store's.
pub(super) fn tidy(context: &Context) -> Result<(), ApiError> {
    let (keep, now_us) = (**context.shared.keep.load(), context.clock.now_us());
    let before = |days: u32| now_us.saturating_sub(i64::from(days).saturating_mul(DAY_US));
    let (matches, delivered) = (before(keep.match_days), before(keep.delivered_days));
    loop {
        let gone = context.writer.write_now(move |batch: &mut Batch<'_>| {
            let votes = batch.prune_votes(delivered, PAGE)?;
            Ok(batch
                .prune_match_events(matches, PAGE)?
                .max(batch.prune_delivered(delivered, PAGE)?)
                .max(votes))
        })?;
        if gone < PAGE as u64 || context.shared.is_stopping() {
            break;
        }
    }
    // Nothing that was looked up before it went is on its way to the store any more.
    if context.shared.journal.waiting_bytes() == 0 {
        let before = now_us.saturating_sub(HOUR_US);
        context.writer.write_now(move |batch: &mut Batch<'_>| Ok(forget_lost(batch, before)?))?;
    }
    // Should a change have been kept and not been read, it is now.
    context.readers.read_now(|store| Ok(context.shared.rules.load(store)?))?;
    let unused = context.readers.read_now(unused_secrets)?;
    if !unused.is_empty() {
        let shared = context.shared.clone();
        context.writer.write_now(move |batch: &mut Batch<'_>| {
            // A rule that was made meanwhile stands in the rules in memory at the latest when the next look is taken; its
            // secret is younger than this list.
            for name in &unused {
                shared.secrets.put(batch, name, None)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Names of secrets that no rule and no delivery needs.
fn unused_secrets(store: &Store) -> Result<Vec<String>, ApiError> {
    let prefix = format!("{SETTING_PREFIX}{SECRET_PREFIX}");
    let kept: Vec<String> = store
        .settings(&prefix)?
        .into_iter()
        .filter_map(|(name, _)| name.strip_prefix(SETTING_PREFIX).map(str::to_owned))
        .collect();
    if kept.is_empty() {
        return Ok(kept);
    }
    let mut used = BTreeSet::new();
    let mut after = 0;
    loop {
        let rules = store.rules(after, MAX_PAGE)?;
        let Some(last) = rules.last() else { break };
        after = last.id;
        for stored in &rules {
            match crate::rules::parse(stored.body.to_string().as_bytes()) {
                Ok(rule) => used.extend(rule.then.into_iter().filter_map(|action| match action {
                    Action::Webhook(webhook) => webhook.secret_ref,
                    _ => None,
                })),
                // Of a rule that cannot be read nobody knows what it needs.
                Err(_) => return Ok(Vec::new()),
            }
        }
    }
    for state in [DeliveryState::Pending, DeliveryState::Dead] {
        let mut after = 0;
        loop {
            let page = store.deliveries(state, after, 1000)?;
            let Some(last) = page.last() else { break };
            after = last.no;
            used.extend(
                page.iter()
                    .filter_map(|one| Some(serde_json::from_str::<Target>(&one.target).ok()?.secret_ref)),
            );
        }
    }
    Ok(kept.into_iter().filter(|name| !used.contains(&name[SECRET_PREFIX.len()..])).collect())
}
