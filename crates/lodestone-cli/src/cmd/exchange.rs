//! `lodestone exchange`: banks that are filled from other services, in the data folder of a server that is stopped.

mod votes;

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lodestone_exchange::client::{self, Settings, Transport, matcher};
use lodestone_net::Outbound;
use lodestone_server::auth::Caller;
use lodestone_server::clock::Clock;
use lodestone_server::error::ApiError;
use lodestone_server::exchanging::{
    self, Applied, FetchError, Fetched, Kept, NetTransport, NewNetworkExchange, OPERATOR, Step, Tally,
    WITHDRAWN, settings_of,
};
use lodestone_server::{audit, secrets::Secrets};
use lodestone_store::{Exchange as Stored, Store, StoreError, VotesCount};
use lodestone_types::SignalType;
use serde_json::{Map, Value, json};

use super::bank::{index, now_us, open_existing, settings};
use super::{Objects, closed, key, on_ctrl_c};
use crate::Ended;
use crate::args::{Data, Exchange, ExchangeAdd, Format, SecretKeys};
use crate::words::{count, visible};

/// Bytes of a file of credentials or settings.
const MAX_FILE: u64 = 1 << 20;
/// How long it is remembered which entries lost values, where no server says that its journal is empty: 90 days.
const LOST_US: i64 = 90 * 86_400_000_000;
/// How often a long fetch says how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// Runs a command on exchanges.
pub(crate) fn run(args: &Exchange) -> Result<Ended> {
    match args {
        Exchange::Add(args) => add(args),
        Exchange::Fetch { bank, all: _, dry_run, anew, format, keys, data } => {
            let how = How { dry_run: *dry_run, anew: *anew, format: *format };
            fetch(bank.as_deref(), &how, keys, data)
        }
        Exchange::Status { bank, format, data } => status(bank.as_deref(), *format, data),
        Exchange::List { format, data } => list(*format, data),
        Exchange::Remove { bank, yes, data } => remove(bank, *yes, data),
        Exchange::Reasons { bank, signal_type, format, keys, data } => {
            reasons(bank, signal_type.as_deref(), *format, keys, data)
        }
        Exchange::Vote(args) => votes::vote(args),
        Exchange::Votes { bank, retry, send, format, keys, data } => {
            votes::votes(bank.as_deref(), (*retry, *send), *format, keys, data)
        }
        Exchange::Withdrawn { format, data } => withdrawn(*format, data),
    }
}

/// A folder in use, in the words of what can be done.
fn in_use(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Locked { .. }) => {
            error.context("a server runs on this folder: it fetches by itself, and has routes for the rest")
        }
        _ => error,
    }
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn said(error: ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.message().to_owned())
}

/// The exchange that fills a bank.
fn of_bank(store: &Store, bank: &str) -> Result<Stored> {
    let found =
        store.exchanges()?.into_iter().find(|exchange| exchange.bank == bank || exchange.name == bank);
    found.with_context(|| format!("no exchange fills a bank {bank}; `lodestone exchange list` names them"))
}

/// Fields of a JSON file.
fn fields(path: Option<&PathBuf>) -> Result<Map<String, Value>> {
    let Some(path) = path else { return Ok(Map::new()) };
    let shown = || path.display().to_string();
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(shown)?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).with_context(shown)?;
    if text.len() as u64 > MAX_FILE {
        bail!("{}: larger than {MAX_FILE} bytes", path.display());
    }
    // What is wrong is not said: the parser's words may hold a credential.
    match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => bail!("{}: not one JSON object", path.display()),
    }
}

fn add(args: &ExchangeAdd) -> Result<Ended> {
    if !client::is_known(&args.api) && !matcher::is_known(&args.api) {
        let known: Vec<_> = client::names().chain(matcher::names()).collect();
        bail!("--api {}: no such interface; known: {}", args.api, known.join(", "));
    }
    let credentials = fields(args.credentials.as_ref())?;
    let mut config = fields(args.settings.as_ref())?;
    if let Some(environment) = &args.environment {
        config.insert("environment".to_owned(), json!(environment));
    }
    // Where it is asked stands in the open, with the exchange.
    let named = ["base_url", "base_url_override"].into_iter().find_map(|name| credentials.get(name));
    let base_url = args.base_url.as_ref().map(|url| json!(url)).or_else(|| named.cloned());
    if let Some(url) = base_url.filter(|url| !url.is_null()) {
        config.insert("base_url".to_owned(), url);
    }
    if args.send_files {
        if args.api != "arachnid" {
            bail!("--send-files: {} takes no files", args.api);
        }
        config.insert("send_files".to_owned(), json!(true));
    }
    config.insert(OPERATOR.to_owned(), json!(true));
    let folder = settings(&args.data)?;
    let mut store = Store::open(folder.need_data()?).map_err(|error| in_use(error.into()))?;
    let secrets = key::secrets_of(&args.keys, &args.data, &store)?;
    let new = NewNetworkExchange {
        name: args.bank.clone(),
        api: args.api.clone(),
        config,
        credentials,
        radius_bits: folder.radius_bits,
        enabled: true,
    };
    let as_set_up = Settings { config: new.config.clone(), ..Settings::default() };
    exchanging::outbound_for(&new.api, &as_set_up, &Outbound::default())?;
    store
        .batch(now_us(), |batch| {
            let made = exchanging::add(batch, &secrets, &new)?;
            let object =
                json!({ "exchange": made.name, "api": made.api, "config": made.config, "enabled": true });
            note(batch, "exchange.create", &object)
        })
        .map_err(said)?;
    if matcher::is_known(&new.api) {
        eprintln!(
            "exchange {} ({}) is made, with an empty bank; `lodestone match --remote {}` asks it",
            new.name, new.api, new.name
        );
        return Ok(Ended::Clean);
    }
    let bank = store.bank(&new.name)?;
    eprintln!(
        "exchange {} ({}) and its bank ({}, radius {}) are made; `lodestone exchange fetch {}` fills it",
        new.name, new.api, bank.kind, bank.radius_bits, new.name
    );
    Ok(Ended::Clean)
}

/// Notes what was done here for the audit log.
fn note(
    batch: &mut lodestone_store::Batch<'_>,
    action: &'static str,
    object: &Value,
) -> Result<(), ApiError> {
    let caller = Caller { key: Arc::from("command-line") };
    audit::note(batch, &caller, action, object)
}

/// How to fetch.
struct How {
    dry_run: bool,
    anew: bool,
    format: Format,
}

fn fetch(bank: Option<&str>, how: &How, keys: &SecretKeys, data: &Data) -> Result<Ended> {
    let folder = settings(data)?.need_data()?.clone();
    let mut store = open_existing(&folder).map_err(in_use)?;
    let secrets = key::secrets_of(keys, data, &store)?;
    let exchanges = match bank {
        Some(bank) => vec![of_bank(&store, bank)?],
        None => {
            store.exchanges()?.into_iter().filter(|one| one.enabled && client::is_known(&one.api)).collect()
        }
    };
    if let [one] = exchanges.as_slice()
        && matcher::is_known(&one.api)
    {
        bail!("exchange {} ({}) has no list: `match --remote {}` asks it", one.name, one.api, one.name);
    }
    if let [one] = exchanges.as_slice()
        && !client::is_known(&one.api)
    {
        bail!("exchange {} ({}) is fetched by a server only", one.name, one.api);
    }
    let stop = on_ctrl_c("stopping after this page; the next fetch goes on there (once more: at once)")?;
    let stops: Arc<dyn Fn() -> bool + Send + Sync> =
        Arc::new(move || stop.load(std::sync::atomic::Ordering::SeqCst));
    let mut objects = Objects::new(how.format);
    let mut incomplete = false;
    store.set_bulk(true)?;
    for exchange in &exchanges {
        // One that was killed may have left something to be marked.
        let was_open = Kept::of(exchange).open;
        let fetched = one(&mut store, &secrets, exchange, how, &stops);
        let why = match &fetched {
            Ok(fetched) if fetched.up_to_date => None,
            Ok(_) => Some("it was told to end; the next fetch goes on there".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        let now = store.exchange(&exchange.name)?;
        let tally = match (&fetched, &now) {
            (Ok(fetched), _) => fetched.tally.clone(),
            (Err(_), Some(now)) if !how.dry_run => Kept::of(now).last,
            _ => Tally::default(),
        };
        if (tally.removed > 0 || tally.lost > 0 || was_open) && !how.dry_run {
            mark(&mut store, &exchange.bank)?;
        }
        if matches!(how.format, Format::Ndjson | Format::Json) {
            let mut object = tally.told();
            object["bank"] = json!(exchange.bank);
            object["api"] = json!(exchange.api);
            object["dry_run"] = json!(how.dry_run);
            object["up_to_date"] = json!(why.is_none());
            object["why"] = json!(why);
            object["checkpoint_ts"] = json!(now.as_ref().and_then(|now| now.fetch.checkpoint_ts));
            object["fetched_items"] = json!(now.as_ref().map(|now| now.fetch.fetched_items));
            objects.push(&object)?;
        } else {
            tell(exchange, &tally, how.dry_run)?;
        }
        if let Some(why) = why {
            eprintln!("lodestone: exchange {}: {why}", exchange.name);
            incomplete = true;
        }
        if stops() {
            break;
        }
    }
    if matches!(how.format, Format::Ndjson | Format::Json) {
        closed(objects.finish())?;
    }
    store.set_bulk(false)?;
    let indexed = if how.dry_run { Ended::Clean } else { index(&mut store, &folder) };
    Ok(if incomplete { Ended::Incomplete } else { indexed })
}

/// Fetches one exchange.
fn one(
    store: &mut Store,
    secrets: &Secrets,
    exchange: &Stored,
    how: &How,
    stops: &Arc<dyn Fn() -> bool + Send + Sync>,
) -> Result<Fetched, FetchError> {
    let settings = settings_of(store, secrets, exchange).map_err(|error| error.to_string());
    let mut net = |settings: &Settings| -> Result<Box<dyn Transport>, client::ClientError> {
        let policy = exchanging::outbound_for(&exchange.api, settings, &Outbound::default())?;
        Ok(Box::new(NetTransport::new(policy, Clock::system(), stops.clone())))
    };
    let mut progress = Progress { name: exchange.name.clone(), told: Instant::now() };
    if how.dry_run {
        let settings = settings.map_err(FetchError::Store)?;
        let mut net = net(&settings)?;
        return Ok(exchanging::dry_run(exchange, &settings, how.anew, &mut *net, &mut |tally| {
            progress.tell(tally);
            std::ops::ControlFlow::Continue(())
        })?);
    }
    let mut step = |step: Step| -> Result<Applied, FetchError> {
        let done = store
            .batch(now_us(), |batch| exchanging::apply(batch, &exchange.name, exchange.created_us, step))
            .map_err(|error: ApiError| FetchError::Store(error.message().to_owned()))?;
        let done = done.ok_or(FetchError::Gone)?;
        progress.tell(&done.kept.last);
        Ok(done)
    };
    exchanging::fetch(exchange, settings, how.anew, &mut net, &mut step)
}

/// Says how far a long fetch is.
struct Progress {
    name: String,
    told: Instant,
}

impl Progress {
    fn tell(&mut self, tally: &Tally) {
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            eprintln!(
                "{}: {}, {}: {} added, {} removed",
                self.name,
                count(tally.pages, "page", "pages"),
                count(tally.rows, "row", "rows"),
                tally.added,
                tally.removed
            );
        }
    }
}

/// Marks a server's matches of what was withdrawn.
fn mark(store: &mut Store, bank: &str) -> Result<()> {
    let withdrawn = exchanging::find_withdrawn(store, bank)?;
    let now_us = now_us();
    store.batch(now_us, |batch| {
        exchanging::mark_withdrawn(batch, &withdrawn)?;
        exchanging::forget_lost(batch, now_us.saturating_sub(LOST_US))
    })?;
    if !withdrawn.events.is_empty() {
        let matches = count(withdrawn.events.len() as u64, "match", "matches");
        eprintln!("{matches} of what is withdrawn now; `lodestone exchange withdrawn` lists them");
    }
    Ok(())
}

fn tell(exchange: &Stored, tally: &Tally, dry_run: bool) -> Result<()> {
    let would = if dry_run { "would be " } else { "" };
    let mut line = format!("{}: {} {would}added", exchange.bank, tally.added);
    for (number, what) in [
        (tally.updated, "updated"),
        (tally.lost, "of them with fewer values"),
        (tally.unchanged, "unchanged"),
        (tally.removed, "removed"),
        (tally.stale, "older than held"),
        (tally.refused, "not kept"),
        (tally.rejected, "rejected"),
    ] {
        if number > 0 || what == "removed" {
            line += &format!(", {number} {what}");
        }
    }
    closed(writeln!(
        io::stdout(),
        "{line} ({} in {})",
        count(tally.rows, "row", "rows"),
        count(tally.pages, "page", "pages")
    ))?;
    for (reason, times) in &tally.skipped {
        eprintln!("  passed over: {reason} ({times})");
    }
    for (line, reason) in &tally.rejects {
        eprintln!("  not taken: row {line} of its page: {reason}");
    }
    Ok(())
}

fn described(exchange: &Stored, votes: VotesCount) -> Value {
    let (kept, fetch) = (Kept::of(exchange), &exchange.fetch);
    let mut config = exchange.config.clone();
    if let Value::Object(fields) = &mut config {
        fields.remove(OPERATOR);
    }
    json!({
        "exchange": exchange.name, "bank": exchange.bank, "api": exchange.api, "enabled": exchange.enabled,
        "config": config, "checkpoint_ts": fetch.checkpoint_ts, "fetched_items": fetch.fetched_items,
        "last_fetch_complete_ts": fetch.last_fetch_complete_ts, "last_fetch_succeeded": fetch.last_fetch_succeeded,
        "running_fetch_start_ts": fetch.running_fetch_start_ts, "up_to_date": fetch.up_to_date, "why": kept.why,
        "last": kept.last.told(), "votes": { "pending": votes.pending, "dead": votes.dead },
    })
}

fn status(bank: Option<&str>, format: Format, data: &Data) -> Result<Ended> {
    let store = Store::open_read_only(settings(data)?.need_data()?)?;
    let exchanges = match bank {
        Some(bank) => vec![of_bank(&store, bank)?],
        None => store.exchanges()?,
    };
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(format);
        for exchange in &exchanges {
            objects.push(&described(exchange, store.votes_count(Some(&exchange.name))?))?;
        }
        closed(objects.finish())?;
        return Ok(Ended::Clean);
    }
    let mut out = io::stdout().lock();
    for exchange in &exchanges {
        let (kept, fetch) = (Kept::of(exchange), &exchange.fetch);
        if matcher::is_known(&exchange.api) {
            writeln!(out, "{} ({}): a remote matcher, asked and not fetched", exchange.name, exchange.api)?;
            continue;
        }
        let state = match (fetch.running_fetch_start_ts, fetch.last_fetch_succeeded) {
            (Some(_), _) => "being fetched, or killed meanwhile: the next fetch goes on",
            (None, None) => "not yet fetched",
            (None, Some(true)) if fetch.up_to_date => "up to date",
            (None, Some(true)) => "more to come",
            (None, Some(false)) => "the last fetch failed",
        };
        writeln!(out, "{} ({}): {state}", exchange.name, exchange.api)?;
        writeln!(
            out,
            "  {} held",
            count(u64::try_from(fetch.fetched_items).unwrap_or(0), "entry", "entries")
        )?;
        if let Some(why) = &kept.why {
            writeln!(out, "  why: {why}")?;
        }
        let last = &kept.last;
        writeln!(
            out,
            "  last fetch: {} added, {} updated, {} removed, {} rejected, in {}",
            last.added,
            last.updated,
            last.removed,
            last.rejected,
            count(last.rows, "row", "rows")
        )?;
        let votes = store.votes_count(Some(&exchange.name))?;
        if votes != VotesCount::default() {
            let waiting = count(votes.pending, "vote waits", "votes wait");
            writeln!(out, "  {waiting} to be sent, {} given up", count(votes.dead, "vote is", "votes are"))?;
        }
        for (reason, times) in &last.skipped {
            writeln!(out, "  passed over: {reason} ({times})")?;
        }
    }
    if exchanges.is_empty() {
        eprintln!("no exchanges; `lodestone exchange add` makes one");
    }
    Ok(Ended::Clean)
}

fn list(format: Format, data: &Data) -> Result<Ended> {
    let store = Store::open_read_only(settings(data)?.need_data()?)?;
    let exchanges = store.exchanges()?;
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(format);
        for one in &exchanges {
            objects.push(
                &json!({ "exchange": one.name, "bank": one.bank, "api": one.api, "enabled": one.enabled }),
            )?;
        }
        closed(objects.finish())?;
        return Ok(Ended::Clean);
    }
    let mut out = io::stdout().lock();
    for one in &exchanges {
        let state = if one.enabled { "on" } else { "off" };
        if closed(writeln!(out, "{:<24} {:<18} {state}", one.name, one.api))? {
            break;
        }
    }
    if exchanges.is_empty() {
        eprintln!("no exchanges; `lodestone exchange add` makes one");
    }
    Ok(Ended::Clean)
}

fn remove(bank: &str, yes: bool, data: &Data) -> Result<Ended> {
    let folder = settings(data)?.need_data()?.clone();
    let mut store = open_existing(&folder).map_err(in_use)?;
    let exchange = of_bank(&store, bank)?;
    let entries = count(store.bank(&exchange.bank)?.version.entries, "entry", "entries");
    if !yes {
        bail!("bank {} holds {entries}; say --yes to remove the exchange with them", exchange.bank);
    }
    // To forget needs no key.
    let secrets = Secrets::open(&folder, &lodestone_server::secrets::KeySources::default(), &store)?;
    store
        .batch(now_us(), |batch| {
            exchanging::forget(batch, &secrets, &exchange)?;
            batch.delete_exchange(&exchange.name)?;
            note(batch, "exchange.delete", &json!({ "exchange": exchange.name }))
        })
        .map_err(said)?;
    eprintln!("exchange {} and its bank with {entries} removed", exchange.name);
    Ok(index(&mut store, &folder))
}

fn reasons(
    bank: &str,
    signal_type: Option<&str>,
    format: Format,
    keys: &SecretKeys,
    data: &Data,
) -> Result<Ended> {
    let folder = settings(data)?.need_data()?.clone();
    let store = Store::open_read_only(&folder)?;
    let secrets = key::secrets_of(keys, data, &store)?;
    let exchange = of_bank(&store, bank)?;
    let kinds: Vec<SignalType> = match signal_type {
        Some(kind) => vec![kind.parse()?],
        None => exchanging::REASON_KINDS.to_vec(),
    };
    let settings = settings_of(&store, &secrets, &exchange)?;
    let policy = exchanging::outbound_for(&exchange.api, &settings, &Outbound::default())?;
    let mut net = NetTransport::new(policy, Clock::system(), Arc::new(|| false));
    let is_text = !matches!(format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(format);
    for kind in kinds {
        for reason in exchanging::reasons_of(&exchange.api, &settings, &mut net, kind)? {
            let (guid, name) = (&reason.guid, &reason.name);
            if is_text {
                let line = format!("{:<10} {}  {}", kind.as_str(), visible(guid), visible(name));
                if closed(writeln!(io::stdout(), "{line}"))? {
                    return Ok(Ended::Clean);
                }
            } else {
                objects.push(
                    &json!({ "signal_type": kind, "guid": guid, "name": name, "type": reason.fingerprint }),
                )?;
            }
        }
    }
    if !is_text {
        closed(objects.finish())?;
    }
    Ok(Ended::Clean)
}

fn withdrawn(format: Format, data: &Data) -> Result<Ended> {
    let store = Store::open_read_only(settings(data)?.need_data()?)?;
    let is_text = !matches!(format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(format);
    let (mut after, mut found) = (0, 0u64);
    loop {
        let events = store.match_events(after, 1000)?;
        let Some(last) = events.last() else { break };
        after = last.no;
        for event in &events {
            if !store.labels_of(&event.id)?.iter().any(|label| label == WITHDRAWN) {
                continue;
            }
            found += 1;
            let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
            if is_text {
                let of = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
                closed(writeln!(io::stdout(), "{}  {}  {}", event.id, of("content_ref"), of("sha256")))?;
            } else {
                objects.push(&json!({ "event": event.id, "at_us": event.at_us, "match": body }))?;
            }
        }
    }
    if !is_text {
        closed(objects.finish())?;
    }
    eprintln!("{} to be appraised anew", count(found, "match", "matches"));
    Ok(Ended::Clean)
}
