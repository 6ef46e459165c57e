//! One attempt of one delivery.

use std::time::Duration;

use lodestone_net::webhook::{SigningSecret, sign};
use lodestone_net::{NetError, Outbound, backoff, post};
use lodestone_store::{Batch, Delivery};
use serde_json::json;

use super::SECRET_PREFIX;
use crate::actions::{Context, Target};
use crate::audit;
use crate::auth::Caller;

/// Time that a receiver has: Standard Webhooks recommends 15 to 30 s.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Taken, with this status.
    Taken(u16),
    /// Not taken; it may be later.
    Failed { why: String, wait_at_least: Option<Duration> },
    /// Never to be taken.
    Refused { why: String },
}

/// Sends a delivery once, and notes how that ended.
pub(super) fn send(context: &Context, delivery: &Delivery) {
    let outcome = attempt(context, delivery);
    // Noted, or sent again: noting is tried until the server stops.
    while let Err(error) = note(context, delivery, &outcome) {
        tracing::error!(error = error.message(), "how a delivery ended could not be noted");
        if context.shared.wait(Duration::from_secs(1)) {
            return;
        }
    }
}

/// Where messages may go: to all that files may be fetched from, whatever its name.
pub(crate) fn policy(outbound: &Outbound) -> Outbound {
    Outbound {
        total_timeout: TIMEOUT,
        // The hosts that files may be fetched from are others than those an administrator names here.
        allowed_hosts: Vec::new(),
        ..outbound.clone()
    }
}

fn attempt(context: &Context, delivery: &Delivery) -> Outcome {
    let refused = |why: &str| Outcome::Refused { why: why.to_owned() };
    let Ok(target) = serde_json::from_str::<Target>(&delivery.target) else {
        return refused("its target cannot be read");
    };
    let name = format!("{SECRET_PREFIX}{}", target.secret_ref);
    let kept = context.readers.read_now(|store| Ok(context.shared.secrets.get(store, &name)?));
    let secrets: Vec<SigningSecret> = match &kept {
        Ok(Some(kept)) => kept
            .expose_str()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .filter_map(|text| SigningSecret::parse(text).ok())
            .collect(),
        Ok(None) => return refused("its signing secret is gone"),
        // The key may come back.
        Err(error) => return Outcome::Failed { why: error.message().to_owned(), wait_at_least: None },
    };
    let now_s = u64::try_from(context.clock.now_s()).unwrap_or(0);
    let headers = match sign(&secrets, &delivery.key, now_s, delivery.body.as_bytes()) {
        Ok(headers) => headers,
        Err(error) => return refused(&error.to_string()),
    };
    let policy = policy(&context.outbound);
    let mut pairs = vec![("content-type", "application/json")];
    pairs.extend(headers.pairs());
    judge(
        post(&policy, &target.url, &pairs, delivery.body.as_bytes())
            .map(|answer| (answer.status, answer.retry_after)),
    )
}

/// What an answer means. *Source:* Standard Webhooks, "Deliverability": 2xx is taken, 410 is never again, all else is
/// tried again.
fn judge(answer: Result<(u16, Option<Duration>), NetError>) -> Outcome {
    match answer {
        Ok((status @ 200..=299, _)) => Outcome::Taken(status),
        Ok((410, _)) => Outcome::Refused { why: "the receiver answered 410: gone".to_owned() },
        Ok((status, wait_at_least)) => {
            Outcome::Failed { why: format!("the receiver answered {status}"), wait_at_least }
        }
        Err(error @ NetError::Refused { .. }) => Outcome::Refused { why: error.to_string() },
        Err(error) => Outcome::Failed { why: error.to_string(), wait_at_least: None },
    }
}

/// When to try again after this failure, microseconds since 1970; `None`: never.
fn next_us(delivery: &Delivery, wait_at_least: Option<Duration>, now_us: i64) -> Option<i64> {
    let failed = delivery.attempts.saturating_add(1);
    // FNV-1a: the same delivery and attempt wait the same.
    let jitter =
        delivery.key.bytes().chain(failed.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let wait = backoff::wait(failed, jitter)?.max(wait_at_least.unwrap_or_default());
    Some(now_us.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
}

fn note(context: &Context, delivery: &Delivery, outcome: &Outcome) -> Result<(), crate::error::ApiError> {
    let now_us = context.clock.now_us();
    let (no, caller) = (delivery.no, Caller { key: audit::SERVER.into() });
    let mut object = json!({ "delivery": no, "key": delivery.key, "event": delivery.event, "rule": delivery.rule,
                             "attempts": delivery.attempts.saturating_add(1) });
    match outcome {
        Outcome::Taken(status) => {
            object["status"] = json!(status);
            tracing::debug!(delivery = no, status, "delivered");
            context.writer.write_now(move |batch: &mut Batch<'_>| {
                if batch.delivered(no)? {
                    audit::note(batch, &caller, "webhook.deliver", &object)?;
                }
                Ok(())
            })
        }
        Outcome::Failed { why, wait_at_least } => {
            let next_us = next_us(delivery, *wait_at_least, now_us);
            give_up_or_wait(context, no, caller, object, next_us, why.clone())
        }
        Outcome::Refused { why } => give_up_or_wait(context, no, caller, object, None, why.clone()),
    }
}

fn give_up_or_wait(
    context: &Context,
    no: i64,
    caller: Caller,
    mut object: serde_json::Value,
    next_us: Option<i64>,
    why: String,
) -> Result<(), crate::error::ApiError> {
    match next_us {
        Some(_) => tracing::debug!(delivery = no, why, "a delivery failed, and is tried again"),
        None => tracing::warn!(delivery = no, "a delivery is dead: a person has to look"),
    }
    context.writer.write_now(move |batch: &mut Batch<'_>| {
        if batch.failed(no, next_us, &why)? && next_us.is_none() {
            object["error"] = json!(why);
            audit::note(batch, &caller, "webhook.give_up", &object)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_net::Why;
    use lodestone_store::DeliveryState;

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(judge(Ok((204, None))), Outcome::Taken(204));
        assert!(matches!(judge(Ok((410, None))), Outcome::Refused { .. }));
        for status in [301, 400, 401, 404, 408, 429, 500, 503] {
            assert!(matches!(judge(Ok((status, None))), Outcome::Failed { .. }), "{status}");
        }
        let refused = NetError::Refused { why: Why::Scheme };
        assert!(matches!(judge(Err(refused)), Outcome::Refused { .. }));
        let late = NetError::Timeout { host: "a".to_owned(), within: TIMEOUT };
        assert!(matches!(judge(Err(late)), Outcome::Failed { .. }));
    }

    #[test]
    fn waits_grow_end_and_are_no_shorter_than_asked_for() {
        let mut delivery = Delivery {
            no: 1,
            key: "k".to_owned(),
            event: "e".to_owned(),
            rule: None,
            target: String::new(),
            body: String::new(),
            attempts: 0,
            next_us: 0,
            state: DeliveryState::Pending,
            last_error: None,
            created_us: 0,
            done_us: None,
        };
        let first = next_us(&delivery, None, 0).unwrap();
        assert!((4_000_000..=6_000_000).contains(&first), "{first}");
        assert_eq!(next_us(&delivery, Some(Duration::from_secs(90)), 0), Some(90_000_000));
        assert_eq!(next_us(&delivery, None, 0), Some(first));
        delivery.attempts = backoff::MAX_ATTEMPTS - 1;
        assert_eq!(next_us(&delivery, Some(Duration::from_secs(90)), 0), None);
    }
}
