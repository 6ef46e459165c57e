//! Remote matchers that a server asks beside its own look-up, and never waits for longer than it may.
//!
//! ```text
//! look-up ─▶ Remotes::begin ─▶ a thread for each matcher: Asker::ask, until the time is up ─▶ Asking::told ─▶ `remote`
//!        └─▶ own banks ──────────────────────────────────────────────────────────────────────▶ `results`
//! ```
//!
//! Matchers get hashes, never a file. What they know is told beside what the banks know; it makes no event and starts no
//! action. How many were asked, and how it went, is counted by the exchange's name and written to the log of audit.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lodestone_exchange::client::{Rules, matcher};
use lodestone_store::Exchange;
use lodestone_types::Signal;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::App;
use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::exchanging::{Asker, RemoteAnswers, RemoteState, RemoteTally, settings_of};

/// Matchers that are asked at one time: each takes a thread for as long.
const AT_ONCE: usize = 32;
/// Matchers of one request.
const MAX_NAMES: usize = 8;
/// Of the time that a look-up waits, what is left for taking the answers in.
const TAKING_IN: Duration = Duration::from_millis(50);

/// Who is asked now, and who wants to be left alone.
#[derive(Debug)]
pub(crate) struct Remotes {
    places: Arc<Semaphore>,
    /// By name and time of making: until when.
    left_alone: Mutex<BTreeMap<(String, i64), Instant>>,
}

impl Default for Remotes {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), left_alone: Mutex::default() }
    }
}

impl Remotes {
    /// How long a matcher still wants to be left alone.
    fn left_alone(&self, exchange: &Exchange) -> Option<Duration> {
        let mut all = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, until| *until > now);
        let until = all.get(&(exchange.name.clone(), exchange.created_us))?;
        Some(until.saturating_duration_since(now))
    }

    fn leave_alone(&self, exchange: &Exchange, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else { return };
        let mut all = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((exchange.name.clone(), exchange.created_us), until);
    }
}

/// The exchanges of these names, which are matchers.
///
/// # Errors
/// 400 for a name that is none: one that is misspelt must not look like a matcher without a match.
pub(crate) async fn named(app: &App, names: &[String]) -> Result<Vec<Exchange>, ApiError> {
    let mut wanted: Vec<String> = Vec::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if !wanted.contains(name) {
            wanted.push(name.clone());
        }
    }
    if wanted.len() > MAX_NAMES {
        return Err(ApiError::bad(format!("at most {MAX_NAMES} remote matchers a request")));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let cut = |name: &str| name.chars().take(100).collect::<String>();
    app.readers
        .read(move |store| {
            let mut found = Vec::new();
            for name in &wanted {
                let exchange = store
                    .exchange(name)?
                    .ok_or_else(|| ApiError::bad(format!("no remote matcher '{}'", cut(name))))?;
                if !matcher::is_known(&exchange.api) {
                    let told = format!("exchange '{}' is no remote matcher: it has a list", cut(name));
                    return Err(ApiError::bad(told));
                }
                found.push(exchange);
            }
            Ok(found)
        })
        .await
}

/// Matchers that are being asked for the items of one request.
pub(crate) struct Asking {
    items: usize,
    until: Instant,
    asked: Vec<(String, Receiver<Vec<RemoteAnswers>>)>,
}

/// Begins to ask. From within the server's runtime; nothing is waited for here.
pub(crate) fn begin(app: &App, caller: &Caller, exchanges: Vec<Exchange>, items: Vec<Vec<Signal>>) -> Asking {
    let until = Instant::now() + app.config.remote_timeout;
    let count = items.len();
    let items = Arc::new(items);
    let asked = exchanges.into_iter().map(|exchange| {
        let (send, receive) = sync_channel(1);
        let name = exchange.name.clone();
        let one =
            One { app: app.clone(), caller: caller.clone(), exchange, items: Arc::clone(&items), until };
        one.begin(send);
        (name, receive)
    });
    Asking { items: count, until, asked: asked.collect() }
}

/// One matcher that is to be asked.
struct One {
    app: App,
    caller: Caller,
    exchange: Exchange,
    items: Arc<Vec<Vec<Signal>>>,
    until: Instant,
}

impl One {
    fn begin(self, answers: SyncSender<Vec<RemoteAnswers>>) {
        let why = match (self.exchange.enabled, self.app.remotes.left_alone(&self.exchange)) {
            (false, _) => "the exchange is switched off".to_owned(),
            (true, Some(wait)) => format!("it wants to be left alone for {} s more", wait.as_secs() + 1),
            (true, None) => match Arc::clone(&self.app.remotes.places).try_acquire_owned() {
                Ok(place) => {
                    // Its thread is its own: whoever looks up waits for the answers, and no longer than it may.
                    drop(tokio::task::spawn_blocking(move || self.run(place, &answers)));
                    return;
                }
                Err(_) => "too many matchers are being asked now".to_owned(),
            },
        };
        let told = vec![RemoteAnswers::without(RemoteState::NotAsked, why); self.items.len()];
        self.counted(&told);
        // The receiver has room for one, and is there.
        let _ = answers.send(told);
    }

    fn run(self, place: OwnedSemaphorePermit, answers: &SyncSender<Vec<RemoteAnswers>>) {
        let told = self
            .ask()
            .unwrap_or_else(|why| vec![RemoteAnswers::without(RemoteState::Failed, why); self.items.len()]);
        drop(place);
        let tally = self.counted(&told);
        // Nobody may wait any more.
        let _ = answers.send(told);
        self.note(tally);
    }

    fn ask(&self) -> Result<Vec<RemoteAnswers>, String> {
        let mut settings = self
            .app
            .readers
            .read_now(|store| Ok(settings_of(store, &self.app.secrets, &self.exchange)?))
            .map_err(|error| error.message().to_owned())?;
        let left = self.until.saturating_duration_since(Instant::now());
        settings.rules = Rules {
            // What does not come at the second attempt does not come in time.
            attempts: settings.rules.attempts.min(2),
            first_wait: Duration::from_millis(100),
            patience: left / 2,
            ..settings.rules
        };
        let stopping = self.app.clone();
        let stops = move || stopping.stopping.load(Ordering::Relaxed);
        let until = self.until.checked_sub(TAKING_IN).unwrap_or(self.until);
        let mut asker = Asker::open(
            &self.exchange.api,
            &settings,
            &self.app.outbound,
            self.app.clock.clone(),
            Some(until),
            Arc::new(stops),
        )
        .map_err(|error| error.to_string())?;
        let told = asker.ask(&self.items);
        if let Some(wait) = asker.wait() {
            self.app.remotes.leave_alone(&self.exchange, wait);
        }
        Ok(told)
    }

    fn counted(&self, told: &[RemoteAnswers]) -> RemoteTally {
        let mut tally = RemoteTally::default();
        for one in told {
            tally.count(one);
            self.app.metrics.remote(&self.exchange.name, one.state);
        }
        tally
    }

    /// Writes down that hashes were asked for, not which.
    fn note(&self, tally: RemoteTally) {
        let caller = self.caller.clone();
        let object = json!({ "exchange": self.exchange.name, "tally": tally });
        let noted =
            self.app.writer.write_now(move |batch| audit::note(batch, &caller, "exchange.ask", &object));
        if let Err(error) = noted {
            tracing::error!(error = error.message(), "that a matcher was asked cannot be written down");
        }
        if tally.failed + tally.unanswered + tally.not_asked > 0 {
            tracing::warn!(
                exchange = self.exchange.name,
                items = tally.items,
                answered = tally.answered,
                unanswered = tally.unanswered,
                not_asked = tally.not_asked,
                failed = tally.failed,
                "a remote matcher did not answer for all"
            );
        }
    }
}

impl Asking {
    /// What the matchers say, by their names, an object for each item; waits until the time is up. For threads that may wait.
    pub(crate) fn told(self) -> Value {
        let all = self.asked.into_iter().map(|(name, answers)| {
            let left = self.until.saturating_duration_since(Instant::now());
            let answers = answers.recv_timeout(left).unwrap_or_else(|error| {
                let without = match error {
                    RecvTimeoutError::Timeout => {
                        RemoteAnswers::without(RemoteState::Unanswered, "it did not answer in time")
                    }
                    RecvTimeoutError::Disconnected => {
                        RemoteAnswers::without(RemoteState::Failed, "asking it failed in this program")
                    }
                };
                vec![without; self.items]
            });
            told(&name, &answers)
        });
        all.collect()
    }
}

fn told(name: &str, answers: &[RemoteAnswers]) -> Value {
    let mut tally = RemoteTally::default();
    let results: Vec<Value> = answers
        .iter()
        .enumerate()
        .map(|(index, one)| {
            tally.count(one);
            let mut object = one.told();
            object.insert("index".to_owned(), json!(index));
            object.insert("matches".to_owned(), json!(one.told_matches(name)));
            Value::Object(object)
        })
        .collect();
    json!({
        "name": name, "matched": tally.matched, "answered": tally.answered, "unanswered": tally.unanswered,
        "not_asked": tally.not_asked, "failed": tally.failed, "results": results,
    })
}
