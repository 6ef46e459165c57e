//! The thread that moves events from the journal into the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lodestone_store::Batch;

use super::act::{With, take_in};
use super::{Context, release, retention};
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::exchanging::withdrawn;
use crate::journal::{Front, Next, next};

/// Setting that says how far the journal is in the store: `SEGMENT:BYTES`.
pub(super) const POSITION: &str = "journal.at";
/// Events of one commit at most.
const BATCH: usize = 256;
/// Events gather for so long: one flush of the disk pays for all of them.
const GATHER: Duration = Duration::from_millis(20);
/// How often the thread looks on its own.
const EVERY: Duration = Duration::from_secs(1);
/// How often old things are looked for.
const TIDY: Duration = Duration::from_secs(60);
/// Size from which a segment that was taken in is removed while it is still written to.
const REMOVED_BYTES: u64 = 256 << 10;

/// Runs until the server stops; takes in what is in the journal first.
pub(super) fn ingest(context: &Context) {
    let mut ingest = Ingest::new(context);
    let mut tidied: Option<Instant> = None;
    let mut failing = false;
    loop {
        let stopping = context.shared.is_stopping();
        context.shared.try_journal_again();
        match ingest.pass(stopping).and_then(|()| release::pass(context)) {
            Ok(()) => failing = false,
            Err(error) => {
                // Nothing is lost: it is in the journal, and tried again.
                if !failing {
                    tracing::error!(
                        error = error.message(),
                        "match events wait: the store does not take them"
                    );
                }
                failing = true;
                if stopping {
                    return;
                }
                context.shared.wait(EVERY);
                continue;
            }
        }
        if stopping {
            return;
        }
        if tidied.is_none_or(|last| last.elapsed() >= TIDY) {
            tidied = Some(Instant::now());
            if let Err(error) = retention::tidy(context) {
                tracing::warn!(error = error.message(), "what is old could not be removed");
            }
        }
        context.shared.wait_for_events(EVERY);
        context.shared.wait(GATHER);
    }
}

/// Where reading is.
pub(super) struct Ingest<'c> {
    context: &'c Context,
    /// Segment and bytes of it that are in the store; read from the store at first.
    at: Option<(Arc<str>, u64)>,
    /// Something was not kept: the counts of floods have to be begun anew.
    stale: bool,
}

impl<'c> Ingest<'c> {
    pub(super) fn new(context: &'c Context) -> Self {
        Self { context, at: None, stale: false }
    }

    /// Takes in all that is in the journal now; `all`: removes the segment that is written to as well.
    ///
    /// # Errors
    /// Where the journal cannot be read or the store not be written; what was taken in before stays.
    pub(super) fn pass(&mut self, all: bool) -> Result<(), ApiError> {
        let shared = &self.context.shared;
        while let Some(front) = shared.journal.front() {
            let from = self.begin(&front)?;
            if from < front.length {
                let bytes = shared.journal.read(&front, from).map_err(unreadable)?;
                self.segment(&front, from, &bytes)?;
            } else if front.closed || all || front.length >= REMOVED_BYTES {
                shared.journal.remove(&front).map_err(unreadable)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Where to begin in a segment.
    fn begin(&mut self, front: &Front) -> Result<u64, ApiError> {
        if self.at.is_none() {
            let text = self.context.readers.read_now(|store| Ok(store.setting(POSITION)?))?;
            let (name, at) = text.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
            self.at = Some((name.into(), at.parse().unwrap_or(0)));
        }
        Ok(match &self.at {
            Some((name, at)) if *name == front.name => (*at).min(front.length),
            // Another life of the folder, or a segment that nothing was taken from: what is in the store already is known
            // by its id.
            _ => 0,
        })
    }

    fn segment(&mut self, front: &Front, from: u64, bytes: &[u8]) -> Result<(), ApiError> {
        let (mut at, mut events, mut begun) = (0, Vec::new(), 0);
        loop {
            let end = match next(bytes, at) {
                Next::Record { json, end } => {
                    match serde_json::from_str::<MatchEvent>(json) {
                        Ok(event) => events.push((event, json.to_owned())),
                        Err(error) => {
                            tracing::error!(%error, "a record of the journal is no match event; passed over")
                        }
                    }
                    end
                }
                Next::Torn { end } => {
                    tracing::warn!(
                        bytes = end - at,
                        "the journal has a torn record, which was never acknowledged"
                    );
                    end
                }
                Next::End if at == begun => return Ok(()),
                Next::End => at,
            };
            let is_last = end == at;
            at = end;
            if events.len() >= BATCH || is_last {
                let position = from + at as u64;
                self.commit(std::mem::take(&mut events), &front.name, position)?;
                self.context.shared.journal.done((at - begun) as u64);
                begun = at;
            }
        }
    }

    /// One commit: events, what follows, position.
    fn commit(
        &mut self,
        events: Vec<(MatchEvent, String)>,
        name: &Arc<str>,
        position: u64,
    ) -> Result<(), ApiError> {
        let context = self.context;
        if self.stale {
            let anew = context.readers.read_now(|store| Ok(context.shared.flood().again(store)?))?;
            *context.shared.flood() = anew;
            self.stale = false;
        }
        let (shared, text) = (context.shared.clone(), format!("{name}:{position}"));
        let begun = Arc::new(AtomicBool::new(false));
        let has_begun = Arc::clone(&begun);
        let done = context.writer.write_now(move |batch: &mut Batch<'_>| {
            has_begun.store(true, Ordering::Relaxed);
            let (rules, keep) = (shared.rules.now(), shared.keep.load());
            let mut flood = shared.flood();
            let mut with = With {
                rules: &rules,
                flood: &mut flood,
                audit_matches: keep.audit_matches,
                withdrawn: withdrawn::since(batch)?,
            };
            let mut new = 0;
            for (event, json) in &events {
                new += u64::from(take_in(batch, event, json, &mut with)?);
            }
            batch.set_setting(POSITION, Some(&text))?;
            Ok(new)
        });
        match done {
            Ok(new) => {
                self.at = Some((Arc::clone(name), position));
                context.shared.count(new);
                context.shared.deliver();
                Ok(())
            }
            Err(error) => {
                // Where it only found no place in the queue, nothing was counted.
                self.stale = begun.load(Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an error is mapped")]
fn unreadable(error: crate::journal::JournalError) -> ApiError {
    ApiError::unavailable(error.to_string())
}
