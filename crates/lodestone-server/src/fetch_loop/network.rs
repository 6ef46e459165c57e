//! Exchanges of other servers: fetched by their clients, each page one commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use lodestone_exchange::client::{ClientError, Settings, Transport};
use lodestone_store::Exchange;

use super::turn::LONGEST;
use crate::App;
use crate::exchanging::{
    Applied, FetchError, Kept, NetTransport, Step, apply, find_withdrawn, mark_withdrawn, outbound_for,
    settings_of,
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
                changed |= done.report.removed > 0 || !done.report.lost.is_empty();
                Ok(done)
            }
            Ok(None) => Err(FetchError::Gone),
            Err(error) => Err(FetchError::Store(error.message().to_owned())),
        }
    };
    let settings = settings(app, exchange);
    let mut net = |settings: &Settings| transport(app, exchange, settings, until);
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

/// Marks the matches whose entry was withdrawn, or lost the value that they rested on.
fn mark(app: &App, exchange: &Exchange) {
    let marked =
        app.readers.read_now(|store| Ok(find_withdrawn(store, &exchange.bank)?)).and_then(|withdrawn| {
            let count = withdrawn.events.len();
            app.writer.write_now(move |batch| Ok(mark_withdrawn(batch, &withdrawn)?))?;
            Ok(count)
        });
    match marked {
        Ok(0) => {}
        Ok(count) => tracing::warn!(
            exchange = exchange.name,
            count,
            "matches of what was withdrawn since are marked, to be appraised anew"
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
    until: Instant,
) -> Result<Box<dyn Transport>, ClientError> {
    let policy = outbound_for(&exchange.api, settings, &app.outbound)?;
    let stopping = app.clone();
    let stops = move || stopping.stopping.load(Ordering::Relaxed) || Instant::now() >= until;
    Ok(Box::new(NetTransport::new(policy, app.clock.clone(), Arc::new(stops))))
}
