//! `lodestone exchange vote` and `votes`: what services are told of their entries, and what waits to be told.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lodestone_exchange::client::{Says, Settings, Transport};
use lodestone_net::Outbound;
use lodestone_server::clock::Clock;
use lodestone_server::exchanging::{
    self, Ballot, NetTransport, Outcome, Waiting, cast, note_vote, queue_vote, settings_of,
};
use lodestone_server::secrets::Secrets;
use lodestone_store::{DeliveryState, Exchange as Stored, MAX_PAGE, Opinion, Store, StoredEntry, StoredVote};
use lodestone_types::{Signal, SignalType};
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
fn way(store: &Store, secrets: &Secrets, exchange: &Stored) -> Result<(Settings, NetTransport)> {
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
    let (settings, mut net) = way(&store, &secrets, &exchange)?;
    let ballots = named(&exchange.api, &settings, &mut net, &entry, ballot)?;
    let before = send_waiting(&mut store, &secrets, &exchange, &replaced)?;
    let mut late = before.map(|why| format!("one before it is not taken now: {why}"));
    let (mut cast_ones, mut refused, mut sent) = (Vec::new(), None, 0);
    for ballot in ballots {
        if let Some(why) = &late {
            cast_ones.push((ballot, Outcome::Later { why: why.clone(), after: None }));
            continue;
        }
        let outcome: Outcome = cast(&exchange.api, &settings, &mut net, &entry, &ballot).into();
        match &outcome {
            Outcome::Refused(why) => {
                refused = Some(why.clone());
                break;
            }
            Outcome::Sent(requests) => sent += requests,
            Outcome::Later { why, .. } => late = Some(why.clone()),
            Outcome::Stopped => late = Some("it was told to end".to_owned()),
        }
        cast_ones.push((ballot, outcome));
    }
    if let (Some(why), true) = (&refused, cast_ones.is_empty()) {
        bail!("{why}");
    }
    let reasons = (!args.reason.is_empty()).then(|| args.reason.join(", "));
    store
        .batch(now_us(), |batch| {
            batch.set_opinion(entry.entry_no, WHO, opinion, reasons.as_deref())?;
            for (ballot, outcome) in &cast_ones {
                let no = queue_vote(batch, &exchange, &entry, WHO, ballot)?;
                if let Outcome::Sent(_) = outcome {
                    batch.vote_sent(no)?;
                }
            }
            let object = json!({
                "exchange": exchange.name, "entry": args.entry, "opinion": opinion.as_str(), "sent": sent,
            });
            note(batch, "exchange.vote", &object)
        })
        .map_err(said)?;
    let what = format!("{} of exchange {}: {}", visible(&args.entry), exchange.name, opinion.as_str());
    let indexed = index(&mut store, &folder);
    match (refused, late) {
        (Some(why), _) => bail!("{what} was sent in part ({sent}): {why}"),
        (None, Some(why)) => {
            eprintln!(
                "lodestone: {what} is kept and was not sent: {why}; a server on this folder sends it, or `lodestone \
                 exchange votes --send`"
            );
            Ok(Ended::Incomplete)
        }
        (None, None) => {
            eprintln!("{what} sent ({sent})");
            Ok(indexed)
        }
    }
}

/// Ballots whose reasons are guids. A reason that is given by its name has one for each kind of fingerprint: then each kind
/// has a ballot of its own. All names are asked for before anything is sent.
fn named(
    api: &str,
    settings: &Settings,
    net: &mut dyn Transport,
    entry: &StoredEntry,
    ballot: Ballot,
) -> Result<Vec<Ballot>> {
    let is_guid =
        |text: &String| text.len() == 36 && text.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-');
    if api != "ncmec" || ballot.reasons.iter().all(is_guid) {
        return Ok(vec![ballot]);
    }
    let mut kinds: Vec<SignalType> = entry.row.signals.iter().map(Signal::kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds.retain(|kind| ballot.signal.is_none_or(|wanted| wanted == *kind));
    if kinds.is_empty() {
        bail!("the entry has no such fingerprint");
    }
    let mut ballots = Vec::new();
    for kind in kinds {
        let known = exchanging::reasons_of(api, settings, net, kind)?;
        let reasons = exchanging::named_reasons(&known, &ballot.reasons).map_err(|why| {
            anyhow::anyhow!("--reason, of votes on {kind}: {why}; `lodestone exchange reasons` lists them")
        })?;
        ballots.push(Ballot { signal: Some(kind), reasons, ..ballot.clone() });
    }
    Ok(ballots)
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
