//! Exchanges of other servers: fetched by their clients, each page one commit; votes go back to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use lodestone_exchange::client::{ClientError, Says, Settings, Transport};
use lodestone_store::{Exchange, Opinion};
use serde_json::{Value, json};

use super::turn::LONGEST;
use crate::App;
use crate::audit;
use crate::auth::Caller;
use crate::exchanging::{
    Applied, Ballot, FetchError, Kept, NetTransport, Step, apply, cast, mark_withdrawn, outbound_for,
    settings_of, withdrawn_events,
};

/// Fetches for as long as a turn is; what fails is noted with the exchange, whose last state stays.
pub(super) fn fetch(app: &App, exchange: &Exchange) {
    let until = Instant::now() + LONGEST;
    let (name, created_us) = (exchange.name.as_str(), exchange.created_us);
    let mut changed = Kept::of(exchange).open;
    let mut step = |step: Step| -> Result<Applied, FetchError> {
        let of = name.to_owned();
        match app.writer.write_now(move |batch| apply(batch, &of, created_us, step)) {
            Ok(Some(done)) => {
                changed |= done.report.removed > 0;
                Ok(done)
            }
            Ok(None) => Err(FetchError::Gone),
            Err(error) => Err(FetchError::Store(error.message().to_owned())),
        }
    };
    let settings = settings(app, exchange);
    let mut net = |settings: &Settings| transport(app, exchange, settings, Some(until));
    let fetched = crate::exchanging::fetch(exchange, settings, false, &mut net, &mut step);
    match fetched {
        Ok(fetched) => tracing::info!(
            exchange = name,
            api = exchange.api,
            rows = fetched.tally.rows,
            added = fetched.tally.added,
            removed = fetched.tally.removed,
            rejected = fetched.tally.rejected,
            up_to_date = fetched.up_to_date,
            "fetched"
        ),
        Err(FetchError::Gone) => tracing::info!(exchange = name, "deleted while it was fetched"),
        Err(error) => tracing::warn!(exchange = name, api = exchange.api, %error, "fetching failed"),
    }
    if changed {
        mark(app, exchange);
    }
}

/// Marks the matches whose entry was withdrawn.
fn mark(app: &App, exchange: &Exchange) {
    let marked =
        app.readers.read_now(|store| Ok(withdrawn_events(store, &exchange.bank)?)).and_then(|events| {
            let count = events.len();
            app.writer.write_now(move |batch| Ok(mark_withdrawn(batch, &events)?))?;
            Ok(count)
        });
    match marked {
        Ok(0) => {}
        Ok(count) => tracing::warn!(
            exchange = exchange.name,
            count,
            "matches of entries that were withdrawn since are marked, to be appraised anew"
        ),
        Err(error) => {
            tracing::error!(exchange = exchange.name, error = error.message(), "matches cannot be marked")
        }
    }
}

fn settings(app: &App, exchange: &Exchange) -> Result<Settings, String> {
    app.readers
        .read_now(|store| Ok(settings_of(store, &app.secrets, exchange)?))
        .map_err(|error| error.message().to_owned())
}

fn transport(
    app: &App,
    exchange: &Exchange,
    settings: &Settings,
    until: Option<Instant>,
) -> Result<Box<dyn Transport>, ClientError> {
    let policy = outbound_for(&exchange.api, settings, &app.outbound)?;
    let stopping = app.clone();
    let stops = move || {
        stopping.stopping.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until)
    };
    Ok(Box::new(NetTransport::new(policy, app.clock.clone(), Arc::new(stops))))
}

/// Sends an opinion on an entry of an exchange's bank back to it, where the exchange has `send_votes`: in the background,
/// since the other side may take minutes. What comes of it is in the log of audit.
pub(crate) fn vote(app: &App, bank: String, entry_no: i64, opinion: Opinion) {
    let app = app.clone();
    let sending = move || {
        let found = app.readers.read_now(|store| {
            let exchange = store.exchanges()?.into_iter().find(|exchange| exchange.bank == bank);
            Ok((exchange, store.entry_by_no(entry_no)?))
        });
        let Ok((Some(exchange), Some(entry))) = found else { return };
        if exchange.config.get("send_votes") != Some(&Value::Bool(true)) {
            return;
        }
        let reasons = exchange.config.get("dispute_reasons").and_then(Value::as_array);
        let ballot = Ballot {
            says: if opinion == Opinion::Confirm { Says::Confirm } else { Says::Dispute },
            signal: None,
            reasons: reasons.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            tags: Vec::new(),
        };
        let sent = settings(&app, &exchange).and_then(|settings| {
            let mut net = transport(&app, &exchange, &settings, None).map_err(|error| error.to_string())?;
            cast(&exchange.api, &settings, &mut *net, &entry, &ballot).map_err(|error| error.to_string())
        });
        if let Err(why) = &sent {
            tracing::warn!(exchange = exchange.name, why, "a vote was not sent");
        }
        let object = json!({
            "exchange": exchange.name, "entry": entry.row.entry, "opinion": opinion.as_str(),
            "sent": sent.as_ref().ok(), "why": sent.as_ref().err(),
        });
        let noted = app.writer.write_now(move |batch| {
            let caller = Caller { key: Arc::from("vote") };
            audit::note(batch, &caller, "exchange.vote", &object)
        });
        if let Err(error) = noted {
            tracing::error!(error = error.message(), "a vote cannot be written down");
        }
    };
    // Nobody waits for it.
    drop(tokio::task::spawn_blocking(sending));
}
