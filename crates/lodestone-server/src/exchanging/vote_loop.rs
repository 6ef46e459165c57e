//! The thread that sends votes: of each exchange the first that waits, when its time has come.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lodestone_store::{Batch, StoredVote};

use super::{NetTransport, Outcome, attempt, note_vote, outbound_for, settings_of};
use crate::actions::Context;
use crate::error::ApiError;

/// How often the thread looks on its own.
const EVERY: Duration = Duration::from_millis(500);
/// How often votes are counted.
const COUNT: Duration = Duration::from_secs(5);
/// Time that a service has for one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs until the server stops; what is on its way then arrives or fails first.
pub(crate) fn send_votes(context: &Context) {
    let mut counted: Option<Instant> = None;
    while !context.shared.is_stopping() {
        let sent = pass(context).unwrap_or_else(|error| {
            tracing::error!(error = error.message(), "votes wait: the store cannot be read or written");
            context.shared.wait(Duration::from_secs(1));
            false
        });
        if counted.is_none_or(|last| last.elapsed() >= COUNT) {
            counted = Some(Instant::now());
            count(context);
        }
        // Behind one that was sent the next may be due.
        if !sent {
            context.shared.wait_for_votes(EVERY);
        }
    }
}

/// Tries all that is due, one of each exchange, at the same time; whether one was sent.
///
/// # Errors
/// The store's; what was sent and could not be noted is sent again.
pub(crate) fn pass(context: &Context) -> Result<bool, ApiError> {
    let now_us = context.clock.now_us();
    let due = context.readers.read_now(|store| Ok(store.votes_due(now_us)?))?;
    let outcomes: Vec<Result<bool, ApiError>> = std::thread::scope(|scope| {
        let sending: Vec<_> = due.iter().map(|vote| scope.spawn(|| send(context, vote))).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(ApiError::unavailable("a panic while a vote was sent")))
        };
        sending.into_iter().map(ended).collect()
    });
    let mut sent = false;
    for outcome in outcomes {
        sent |= outcome?;
    }
    Ok(sent)
}

/// Tries a vote once, and notes how that ended; whether it was sent.
fn send(context: &Context, vote: &StoredVote) -> Result<bool, ApiError> {
    let entry_no = vote.body.get("entry_no").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let (exchange, entry, settings) = context.readers.read_now(|store| {
        let Some(exchange) = store.exchange(&vote.exchange)? else { return Ok((None, None, None)) };
        let settings =
            settings_of(store, &context.shared.secrets, &exchange).map_err(|error| error.to_string());
        Ok((Some(exchange), store.entry_by_no(entry_no)?, Some(settings)))
    })?;
    // One that was deleted took its votes along; one that is off is not spoken to, and its votes wait.
    let (Some(exchange), Some(settings)) = (exchange.filter(|exchange| exchange.enabled), settings) else {
        return Ok(false);
    };
    let outcome = match settings {
        // The key may come back.
        Err(why) => Outcome::Later { why, after: None },
        Ok(settings) => match outbound_for(&exchange.api, &settings, &context.outbound) {
            Err(error) => Outcome::Refused(error.to_string()),
            Ok(mut policy) => {
                policy.total_timeout = TIMEOUT;
                let stopping = context.shared.clone();
                let stops = Arc::new(move || stopping.is_stopping());
                let mut net = NetTransport::new(policy, context.clock.clone(), stops);
                attempt(&exchange.api, &settings, &mut net, entry.as_ref(), vote)
            }
        },
    };
    match &outcome {
        Outcome::Later { why, .. } => {
            tracing::warn!(
                exchange = exchange.name,
                vote = vote.no,
                why,
                "a vote was not taken, and is tried again"
            );
        }
        Outcome::Refused(why) => {
            tracing::warn!(
                exchange = exchange.name,
                vote = vote.no,
                why,
                "a vote is dead: a person has to look"
            );
        }
        Outcome::Sent(_) | Outcome::Stopped => {}
    }
    let is_sent = matches!(outcome, Outcome::Sent(_));
    let vote = vote.clone();
    context.writer.write_now(move |batch: &mut Batch<'_>| note_vote(batch, &vote, &outcome).map(drop))?;
    Ok(is_sent)
}

fn count(context: &Context) {
    if let Ok(count) = context.readers.read_now(|store| Ok(store.votes_count(None)?)) {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        context.shared.votes_count.0.store(whole(count.pending), Ordering::Relaxed);
        context.shared.votes_count.1.store(whole(count.dead), Ordering::Relaxed);
    }
}
