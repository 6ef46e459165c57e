//! `lodestone exchange vote` and `votes`: what services are told of their entries, and what waits to be told.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lodestone_exchange::client::Says;
use lodestone_net::Outbound;
use lodestone_server::clock::Clock;
use lodestone_server::exchanging::{
    self, Ballot, NetTransport, Outcome, Waiting, cast, note_vote, queue_vote, settings_of,
};
use lodestone_server::secrets::Secrets;
use lodestone_store::{DeliveryState, Exchange as Stored, MAX_PAGE, Opinion, Store, StoredVote};
use serde_json::json;

use super::super::bank::{index, now_us, open_existing, settings};
use super::super::{Objects, closed, key};
use super::{in_use, note, of_bank, said};
use crate::Ended;
use crate::args::{Data, ExchangeVote, Format, SecretKeys};
use crate::words::{count, visible};

/// Whose opinion it is.
const WHO: &str = "command-line";

/// The way to an exchange's service, with its settings.
fn way(
    store: &Store,
    secrets: &Secrets,
    exchange: &Stored,
) -> Result<(lodestone_exchange::client::Settings, NetTransport)> {
    let settings = settings_of(store, secrets, exchange)?;
    let policy = exchanging::outbound_for(&exchange.api, &settings, &Outbound::default())?;
    Ok((settings, NetTransport::new(policy, Clock::system(), Arc::new(|| false))))
}

pub(super) fn vote(args: &ExchangeVote) -> Result<Ended> {
    let folder = settings(&args.data)?.need_data()?.clone();
    let mut store = open_existing(&folder).map_err(in_use)?;
    let secrets = key::secrets_of(&args.keys, &args.data, &store)?;
    let exchange = of_bank(&store, &args.bank)?;
    let entry = store
        .entry(&exchange.bank, &args.entry)?
        .with_context(|| format!("bank {} has no entry {}", exchange.bank, args.entry))?;
    let signal = args.signal_type.as_deref().map(str::parse).transpose()?;
    let (says, opinion) = match args.confirm {
        true => (Says::Confirm, Opinion::Confirm),
        false => (Says::Dispute, Opinion::Dispute),
    };
    let ballot = Ballot { says, signal, reasons: args.reason.clone(), tags: args.tag.clone() };
    // Votes go in their order; what this one takes the place of is not sent.
    let replaced = |one: &StoredVote| {
        let known: Option<Waiting> = serde_json::from_value(one.body.clone()).ok();
        known.is_some_and(|known| {
            known.entry_no == entry.entry_no && (signal.is_none() || known.signal == signal)
        })
    };
    let before = send_waiting(&mut store, &secrets, &exchange, &replaced)?;
    let outcome = match before {
        Some(why) => {
            let why = format!("one before it is not taken now: {why}");
            Outcome::Later { why, after: None }
        }
        None => {
            let (settings, mut net) = way(&store, &secrets, &exchange)?;
            cast(&exchange.api, &settings, &mut net, &entry, &ballot).into()
        }
    };
    if let Outcome::Refused(why) = &outcome {
        bail!("{why}");
    }
    let reasons = (!args.reason.is_empty()).then(|| args.reason.join(", "));
    store
        .batch(now_us(), |batch| {
            batch.set_opinion(entry.entry_no, WHO, opinion, reasons.as_deref())?;
            let no = queue_vote(batch, &exchange, &entry, WHO, &ballot)?;
            let sent = match &outcome {
                Outcome::Sent(requests) => {
                    batch.vote_sent(no)?;
                    Some(*requests)
                }
                _ => None,
            };
            let object = json!({
                "exchange": exchange.name, "entry": args.entry, "opinion": opinion.as_str(), "sent": sent,
            });
            note(batch, "exchange.vote", &object)
        })
        .map_err(said)?;
    let what = format!("{} of exchange {}: {}", visible(&args.entry), exchange.name, opinion.as_str());
    let indexed = index(&mut store, &folder);
    match outcome {
        Outcome::Sent(requests) => {
            eprintln!("{what} sent ({requests})");
            Ok(indexed)
        }
        Outcome::Later { why, .. } | Outcome::Refused(why) => {
            eprintln!(
                "lodestone: {what} is kept and was not sent: {why}; a server on this folder sends it, or `lodestone \
                 exchange votes --send`"
            );
            Ok(Ended::Incomplete)
        }
        Outcome::Stopped => Ok(Ended::Incomplete),
    }
}

/// Sends what waits for an exchange, in order, but for what is passed over; why it ended early, if it did.
fn send_waiting(
    store: &mut Store,
    secrets: &Secrets,
    exchange: &Stored,
    passed_over: &dyn Fn(&StoredVote) -> bool,
) -> Result<Option<String>> {
    let mut after = 0;
    loop {
        let waiting = store.votes(Some(&exchange.name), DeliveryState::Pending, after, MAX_PAGE)?;
        let Some(last) = waiting.last() else { return Ok(None) };
        after = last.no;
        let (settings, mut net) = way(store, secrets, exchange)?;
        for vote in waiting.iter().filter(|vote| !passed_over(vote)) {
            let entry_no = vote.body.get("entry_no").and_then(serde_json::Value::as_i64).unwrap_or(0);
            let entry = store.entry_by_no(entry_no)?;
            let outcome = exchanging::attempt(&exchange.api, &settings, &mut net, entry.as_ref(), vote);
            store.batch(now_us(), |batch| note_vote(batch, vote, &outcome)).map_err(said)?;
            match outcome {
                Outcome::Later { why, .. } => return Ok(Some(why)),
                Outcome::Stopped => return Ok(Some("it was told to end".to_owned())),
                Outcome::Refused(why) => {
                    eprintln!("lodestone: exchange {}: vote {} is given up: {why}", exchange.name, vote.no);
                }
                Outcome::Sent(_) => {}
            }
        }
    }
}

/// Lists votes; has dead ones wait again and sends what waits, where that is asked for.
pub(super) fn votes(
    bank: Option<&str>,
    (retry, send): (bool, bool),
    format: Format,
    keys: &SecretKeys,
    data: &Data,
) -> Result<Ended> {
    let folder = settings(data)?.need_data()?.clone();
    let mut store = match retry || send {
        true => open_existing(&folder).map_err(in_use)?,
        false => Store::open_read_only(&folder)?,
    };
    let exchanges = match bank {
        Some(bank) => vec![of_bank(&store, bank)?],
        None => store.exchanges()?,
    };
    if retry {
        for exchange in &exchanges {
            let retried = store
                .batch(now_us(), |batch| {
                    let retried = batch.retry_votes(&exchange.name, None)?;
                    if retried > 0 {
                        let object = json!({ "exchange": exchange.name, "vote": null, "votes": retried });
                        note(batch, "exchange.vote_retry", &object)?;
                    }
                    Ok(retried)
                })
                .map_err(said)?;
            if retried > 0 {
                eprintln!("exchange {}: {} again", exchange.name, count(retried, "vote waits", "votes wait"));
            }
        }
    }
    if send {
        let secrets = key::secrets_of(keys, data, &store)?;
        for exchange in &exchanges {
            let before = store.votes_count(Some(&exchange.name))?;
            if let Some(why) = send_waiting(&mut store, &secrets, exchange, &|_| false)? {
                eprintln!("lodestone: exchange {}: votes wait: {why}", exchange.name);
            }
            let after = store.votes_count(Some(&exchange.name))?;
            let dead = after.dead.saturating_sub(before.dead);
            let sent = before.pending.saturating_sub(after.pending).saturating_sub(dead);
            if sent > 0 {
                eprintln!("exchange {}: {} sent", exchange.name, count(sent, "vote", "votes"));
            }
        }
    }
    let is_text = !matches!(format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(format);
    let mut left = 0u64;
    for exchange in &exchanges {
        for state in [DeliveryState::Pending, DeliveryState::Dead] {
            for vote in store.votes(Some(&exchange.name), state, 0, MAX_PAGE)? {
                left += 1;
                if !is_text {
                    objects.push(&json!({
                        "exchange": vote.exchange, "no": vote.no, "vote": vote.body, "state": vote.state.as_str(),
                        "attempts": vote.attempts, "next_us": vote.next_us, "last_error": vote.last_error,
                        "created_us": vote.created_us,
                    }))?;
                    continue;
                }
                let of = |name: &str| visible(vote.body[name].as_str().unwrap_or("-"));
                let why = vote.last_error.as_deref().unwrap_or("not yet tried");
                closed(writeln!(
                    io::stdout(),
                    "{} {}  {}  {} {}  {}: {why}",
                    vote.exchange,
                    vote.no,
                    vote.state.as_str(),
                    of("says"),
                    of("entry"),
                    count(u64::from(vote.attempts), "attempt", "attempts"),
                ))?;
            }
        }
    }
    if !is_text {
        closed(objects.finish())?;
    } else if left == 0 {
        eprintln!("no vote waits, and none was given up");
    }
    Ok(if send && left > 0 { Ended::Incomplete } else { Ended::Clean })
}
