//! Fetching from exchanges: one after another, every so often, each within a time.
//!
//! ```text
//! exchange ─▶ sample │ local_file │ infinite_random ─▶ steps ─▶ Turn::apply: content, status and checkpoint in one commit
//!          └▶ NCMEC, StopNCII, ThreatExchange … ─▶ pages ─▶ exchanging::apply: likewise
//! ```
//!
//! What was fetched is committed in portions, each with how far the exchange has come: a process that is killed goes on
//! from there. What an exchange no longer has goes from its bank, once it was read to its end without a fault; a list
//! that breaks off, or is empty, takes nothing away. The interfaces of other servers are spoken by the clients of
//! `lodestone-exchange`, which [`crate::exchanging`] runs.

pub(crate) mod local_file;
pub(crate) mod network;
mod random;
mod sample;
mod sync;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crossbeam_channel::{RecvTimeoutError, Sender};
use lodestone_store::Exchange;

use crate::App;
use turn::{FetchError, Turn};

/// The thread that fetches. It ends when this is stopped; a fetch that runs ends at its next commit.
#[derive(Debug)]
pub(crate) struct FetchLoop {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl FetchLoop {
    /// Starts it: what exchanges there are now is fetched at once, then all every `fetch_interval`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &App) -> std::io::Result<Self> {
        let first = exchanges(app);
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let app = app.clone();
        let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(move || {
            for exchange in &first {
                Turn::of(&app, exchange).clear_stale();
            }
            fetch_each(&app, || first);
            while stopped.recv_timeout(app.config.fetch_interval) == Err(RecvTimeoutError::Timeout) {
                run(&app);
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it, and waits for that. `App::stopping` has to be set before.
    pub(crate) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

/// Fetches from all exchanges that are on. Waits for a run that is going on, and for its own end.
pub(crate) fn run(app: &App) {
    fetch_each(app, || exchanges(app));
}

fn exchanges(app: &App) -> Vec<Exchange> {
    app.readers.read_now(|store| Ok(store.exchanges()?)).unwrap_or_else(|error| {
        tracing::error!(error = error.message(), "exchanges cannot be read");
        Vec::new()
    })
}

fn fetch_each(app: &App, exchanges: impl FnOnce() -> Vec<Exchange>) {
    let _one_run = app.fetching.lock().unwrap_or_else(PoisonError::into_inner);
    for listed in exchanges() {
        if app.stopping.load(Ordering::Relaxed) {
            return;
        }
        // The one before may have taken minutes: as it is now.
        let name = listed.name.as_str();
        let exchange = match app.readers.read_now(|store| Ok(store.exchange(name)?)) {
            Ok(Some(exchange)) if exchange.enabled => exchange,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(exchange = name, error = error.message(), "cannot be read");
                continue;
            }
        };
        // A fault in one exchange must not end the fetching of others.
        let done = catch_unwind(AssertUnwindSafe(|| fetch(app, &exchange)));
        if done.is_err() {
            tracing::error!(exchange = name, "a panic while fetching");
            let _ = Turn::of(app, &exchange).fail();
        }
    }
}

fn fetch(app: &App, exchange: &Exchange) {
    if lodestone_exchange::client::matcher::is_known(&exchange.api) {
        // It has no list: look-ups ask it.
        return;
    }
    if lodestone_exchange::client::is_known(&exchange.api) {
        network::fetch(app, exchange);
        return;
    }
    let turn = Turn::of(app, exchange);
    let name = exchange.name.as_str();
    let fetched = turn.begin().and_then(|()| match exchange.api.as_str() {
        "sample" => sample::fetch(&turn),
        "local_file" => local_file::fetch(&turn),
        "infinite_random" => random::fetch(&turn),
        api => Err(FetchError::Failed(format!("this version does not know the interface {api}"))),
    });
    match fetched {
        Ok(()) => tracing::info!(exchange = name, api = exchange.api, "fetched"),
        Err(FetchError::Gone) => tracing::info!(exchange = name, "deleted while it was fetched"),
        Err(FetchError::Failed(why)) => {
            tracing::warn!(exchange = name, api = exchange.api, why, "fetching failed");
            if let Err(FetchError::Failed(why)) = turn.fail() {
                tracing::error!(exchange = name, why, "the failure cannot be noted");
            }
        }
    }
}
