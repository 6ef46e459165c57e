//! One fetch of one exchange: its time, and the commits that it makes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lodestone_store::{Batch, Exchange, FetchState, NewContent, StoreError};
use lodestone_types::Signal;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;

/// How long one exchange may be fetched at a time. *Source:* HMA's `ONE_FETCH_MAX_SEC`.
pub(super) const LONGEST: Duration = Duration::from_secs(240);
/// Steps of one commit: other writes wait some 0.1 s for it. HMA takes 5,000.
pub(super) const STEPS: usize = 1_000;

/// Why a fetch ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FetchError {
    /// The exchange was deleted, or made anew, meanwhile.
    Gone,
    /// Something went wrong.
    Failed(String),
}

impl From<ApiError> for FetchError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error.message().to_owned())
    }
}

/// An entry to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fetched {
    /// The exchange's own name of it.
    pub(super) key: String,
    /// Id of the entry: the key, or what stands for a long one.
    pub(super) entry: String,
    pub(super) signals: Vec<Signal>,
    pub(super) classification: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) pdq_quality: Option<u8>,
    pub(super) extra: Option<Value>,
}

/// A change of the bank.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Adds an entry; one of this id that is there already stays.
    Add(Fetched),
    /// Puts an entry in the place of the one of its id.
    Replace(Fetched),
    /// Removes the entry of this id.
    Remove(String),
    /// Removes the entry of this number.
    RemoveNo(i64),
}

/// What steps did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) added: i64,
    pub(super) removed: i64,
}

/// One fetch of one exchange.
pub(super) struct Turn<'a> {
    pub(super) app: &'a App,
    pub(super) exchange: &'a Exchange,
    until: Instant,
}

impl<'a> Turn<'a> {
    pub(super) fn of(app: &'a App, exchange: &'a Exchange) -> Self {
        Self { app, exchange, until: Instant::now() + LONGEST }
    }

    /// Whether its time is up, or the server stops.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until || self.app.stopping.load(Ordering::Relaxed)
    }

    /// Waits, unless the time is up before.
    pub(super) fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.is_over() {
            std::thread::sleep(
                Duration::from_millis(20).min(until.saturating_duration_since(Instant::now())),
            );
        }
    }

    /// Notes that it begins.
    pub(super) fn begin(&self) -> Result<(), FetchError> {
        let now_s = self.app.clock.now_s();
        self.apply(Vec::new(), move |state, _| state.running_fetch_start_ts = Some(now_s)).map(drop)
    }

    /// Notes that a fetch which a killed process had begun does not run.
    pub(super) fn clear_stale(&self) {
        if self.exchange.fetch.running_fetch_start_ts.is_some() {
            let _ = self.apply(Vec::new(), |state, _| state.running_fetch_start_ts = None);
        }
    }

    /// Does steps, and notes how far the exchange has come, in one commit.
    pub(super) fn apply(
        &self,
        steps: Vec<Step>,
        note: impl FnOnce(&mut FetchState, Counts) + Send + 'static,
    ) -> Result<Counts, FetchError> {
        let (name, created_us) = (self.exchange.name.clone(), self.exchange.created_us);
        let counts = self.app.writer.write_now(move |batch| {
            // One of the same name that was made since is another.
            let Some(exchange) = batch.exchange(&name)?.filter(|now| now.created_us == created_us) else {
                return Ok(None);
            };
            let counts = take(batch, &exchange, steps)?;
            let mut state = exchange.fetch;
            note(&mut state, counts);
            batch.set_fetch_state(&name, &state)?;
            if counts != Counts::default() {
                let caller = Caller { key: Arc::from("fetch") };
                let object = json!({ "exchange": name, "added": counts.added, "removed": counts.removed });
                audit::note(batch, &caller, "exchange.fetch", &object)?;
            }
            Ok(Some(counts))
        })?;
        counts.ok_or(FetchError::Gone)
    }

    /// As [`Turn::apply`], and notes that the fetch has ended well.
    pub(super) fn complete(
        &self,
        steps: Vec<Step>,
        up_to_date: bool,
        note: impl FnOnce(&mut FetchState, Counts) + Send + 'static,
    ) -> Result<(), FetchError> {
        let now_s = self.app.clock.now_s();
        let noted = self.apply(steps, move |state, counts| {
            ended(state, now_s, true);
            state.up_to_date = up_to_date;
            note(state, counts);
        });
        noted.map(drop)
    }

    /// Notes that the fetch has failed.
    pub(super) fn fail(&self) -> Result<(), FetchError> {
        let now_s = self.app.clock.now_s();
        let noted = self.apply(Vec::new(), move |state, _| {
            ended(state, now_s, false);
            state.up_to_date = false;
        });
        noted.map(drop)
    }
}

fn ended(state: &mut FetchState, now_s: i64, succeeded: bool) {
    state.running_fetch_start_ts = None;
    state.last_fetch_complete_ts = Some(now_s);
    state.last_fetch_succeeded = Some(succeeded);
}

fn take(batch: &mut Batch<'_>, exchange: &Exchange, steps: Vec<Step>) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    let bank = exchange.bank.as_str();
    for step in steps {
        match step {
            Step::Add(fetched) => counts.added += add(batch, exchange, &fetched)?,
            Step::Replace(fetched) => {
                counts.removed += i64::from(batch.remove_entry(bank, &fetched.entry)?.is_some());
                counts.added += add(batch, exchange, &fetched)?;
            }
            Step::Remove(entry) => counts.removed += i64::from(batch.remove_entry(bank, &entry)?.is_some()),
            Step::RemoveNo(entry_no) => {
                if let Some(id) = batch.id_of(entry_no)? {
                    counts.removed += i64::from(batch.remove_content(bank, id)?.is_some());
                }
            }
        }
    }
    Ok(counts)
}

/// Adds an entry; 0 when one of its id is there.
fn add(batch: &mut Batch<'_>, exchange: &Exchange, fetched: &Fetched) -> Result<i64, StoreError> {
    // HMA's metadata of what was fetched: by exchange, the keys under which it was.
    let metadata = json!({ "collab": { exchange.name.as_str(): [fetched.key] } });
    let content = NewContent {
        entry: Some(&fetched.entry),
        signals: &fetched.signals,
        metadata: Some(&metadata),
        classification: fetched.classification.as_deref(),
        tags: &fetched.tags,
        pdq_quality: fetched.pdq_quality,
        extra: fetched.extra.as_ref(),
        ..NewContent::default()
    };
    match batch.add_content(&exchange.bank, &content) {
        Ok(_) => Ok(1),
        Err(StoreError::Taken { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}
