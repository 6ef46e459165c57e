//! The thread that delivers: what is due goes out, several at a time, until it is taken or given up.
//!
//! A delivery is noted as done after its receiver took it. Killed between the two, it is sent again with the same
//! `webhook-id`: at least once, and known by its key. Order is not promised.

mod send;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lodestone_store::Delivery;

use crate::actions::Context;
use crate::error::ApiError;

pub(crate) use send::policy;

/// Names of signing secrets begin so; see [`crate::secrets::Secrets::put`].
pub(crate) const SECRET_PREFIX: &str = "webhook.";

/// Deliveries on their way at one time.
const SENDERS: usize = 16;
/// Those to one receiver: one that hangs must not keep all others waiting.
const A_RECEIVER: usize = 4;
/// Due deliveries read at once.
const PAGE: usize = 100;
/// How often the thread looks on its own.
const EVERY: Duration = Duration::from_millis(500);
/// How often deliveries are counted.
const COUNT: Duration = Duration::from_secs(5);

/// Runs until the server stops; what is on its way then arrives or fails first.
pub(crate) fn dispatch(context: &Context) {
    let (jobs, work) = crossbeam_channel::bounded::<Delivery>(SENDERS);
    let (done, ended) = crossbeam_channel::unbounded::<i64>();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            let (work, done) = (work.clone(), done.clone());
            scope.spawn(move || {
                for delivery in work {
                    send::send(context, &delivery);
                    let _ = done.send(delivery.no);
                }
            });
        }
        drop((work, done));
        let mut counted: Option<Instant> = None;
        let mut on_the_way: BTreeMap<i64, String> = BTreeMap::new();
        while !context.shared.is_stopping() {
            for no in ended.try_iter() {
                on_the_way.remove(&no);
            }
            let next = match due(context, &on_the_way) {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = error.message(), "deliveries wait: the store cannot be read");
                    context.shared.wait(Duration::from_secs(1));
                    continue;
                }
            };
            for delivery in next {
                on_the_way.insert(delivery.no, delivery.target.clone());
                let _ = jobs.send(delivery);
            }
            if counted.is_none_or(|last| last.elapsed() >= COUNT) {
                counted = Some(Instant::now());
                count(context);
            }
            crossbeam_channel::select! {
                recv(ended) -> no => { no.map(|no| on_the_way.remove(&no)).ok(); }
                recv(context.shared.deliveries()) -> _ => {}
                default(EVERY) => {}
            }
        }
        drop(jobs);
    });
}

/// What is due and may go now, beside what is on its way.
fn due(context: &Context, on_the_way: &BTreeMap<i64, String>) -> Result<Vec<Delivery>, ApiError> {
    if on_the_way.len() >= SENDERS {
        return Ok(Vec::new());
    }
    let now_us = context.clock.now_us();
    let mut next = Vec::new();
    loop {
        // However many wait for receivers that have their share, they are passed over by the store: all others are seen.
        let busy = shares(on_the_way, &next);
        let full: Vec<&str> =
            busy.iter().filter(|(_, share)| **share >= A_RECEIVER).map(|(target, _)| *target).collect();
        let under_way: Vec<i64> = on_the_way.keys().copied().chain(next.iter().map(|one| one.no)).collect();
        let due = context.readers.read_now(|store| Ok(store.due_beside(now_us, &full, &under_way, PAGE)?))?;
        let is_all = due.len() < PAGE;
        let more = pick(due, on_the_way, &next);
        if more.is_empty() {
            return Ok(next);
        }
        next.extend(more);
        if is_all || on_the_way.len() + next.len() >= SENDERS {
            return Ok(next);
        }
    }
}

/// How many are on their way to each receiver, or go next.
fn shares<'d>(on_the_way: &'d BTreeMap<i64, String>, next: &'d [Delivery]) -> BTreeMap<&'d str, usize> {
    let mut shares = BTreeMap::new();
    for target in on_the_way.values().chain(next.iter().map(|one| &one.target)) {
        *shares.entry(target.as_str()).or_default() += 1;
    }
    shares
}

/// Those that may go too, within the limits.
fn pick(due: Vec<Delivery>, on_the_way: &BTreeMap<i64, String>, next: &[Delivery]) -> Vec<Delivery> {
    let mut busy: BTreeMap<String, usize> =
        shares(on_the_way, next).into_iter().map(|(target, share)| (target.to_owned(), share)).collect();
    let mut more: Vec<Delivery> = Vec::new();
    for delivery in due {
        if on_the_way.len() + next.len() + more.len() >= SENDERS {
            break;
        }
        let busy = busy.entry(delivery.target.clone()).or_default();
        if *busy < A_RECEIVER && !on_the_way.contains_key(&delivery.no) {
            *busy += 1;
            more.push(delivery);
        }
    }
    more
}

fn count(context: &Context) {
    if let Ok((pending, dead)) = context.readers.read_now(|store| Ok(store.outbox_counts()?)) {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        context.shared.outbox_counts.0.store(whole(pending), Ordering::Relaxed);
        context.shared.outbox_counts.1.store(whole(dead), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_store::DeliveryState;

    fn delivery(no: i64, target: &str) -> Delivery {
        Delivery {
            no,
            key: format!("k{no}"),
            event: "e".to_owned(),
            rule: None,
            target: target.to_owned(),
            body: String::new(),
            attempts: 0,
            next_us: 0,
            state: DeliveryState::Pending,
            last_error: None,
            created_us: 0,
            done_us: None,
        }
    }

    #[test]
    fn one_receiver_never_takes_all_senders_and_nothing_is_sent_twice_at_once() {
        let due: Vec<_> = (0..40).map(|no| delivery(no, if no < 30 { "slow" } else { "other" })).collect();
        let next = pick(due.clone(), &BTreeMap::new(), &[]);
        let numbers: Vec<_> = next.iter().map(|one| one.no).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 30, 31, 32, 33]);
        let on_the_way = next.into_iter().map(|one| (one.no, one.target)).collect();
        assert!(pick(due, &on_the_way, &[]).is_empty());
        let many = (0..40).map(|no| delivery(no, &no.to_string())).collect();
        assert_eq!(pick(many, &on_the_way, &[]).len(), SENDERS - 8);
    }
}
