//! What follows from a match.
//!
//! ```text
//! look-up ─▶ journal ─▶ ingest ─one commit─▶ event · outbox · reviews · labels · quarantine · audit · journal position
//!                          ▲ rules                │
//!                                                 └▶ outbox thread ─signed─▶ receivers
//! ```
//!
//! An event is in the store with everything that follows from it, or not at all: a process that is killed at any moment
//! neither loses nor doubles. Only what leaves the house can come twice, under the same idempotency key.

mod act;
mod flood;
mod ingest;
mod keep;
mod message;
mod release;
mod retention;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use lodestone_net::Outbound;
use lodestone_store::Store;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::audit::{AuditError, Keeper};
use crate::clock::Clock;
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::exchanging::vote_loop;
use crate::journal::{Journal, JournalError};
use crate::readers::Readers;
use crate::rules::Book;
use crate::secrets::Secrets;
use crate::writer::Writer;
use crate::{audit, outbox};

pub use flood::Flood;
pub(crate) use keep::SETTING as KEEP_SETTING;
pub use keep::{AuditMatches, Keep};
pub(crate) use message::Target;
pub(crate) use release::ask as ask_release;

/// What labels of held events begin with; the hash's key follows.
pub const HELD: &str = "held:";

/// Folder of the journal, in the data folder.
const JOURNAL: &str = "journal";
/// Setting that names a log of audit that is made.
const ORIGIN: &str = "audit.origin";

/// What handlers and threads share. Clones are the same.
#[derive(Clone)]
pub struct Actions(Arc<Shared>);

impl std::ops::Deref for Actions {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts.
pub struct Shared {
    /// Match events on their way to the store.
    pub journal: Journal,
    /// The rules.
    pub rules: Book,
    /// Who has matched what in the last hour, and what is held. Changed by the writing thread only.
    pub flood: Mutex<Flood>,
    /// Seals what webhooks are signed with.
    pub secrets: Secrets,
    /// How long things are kept, and what is noted.
    pub keep: arc_swap::ArcSwap<Keep>,
    /// Held while that is read: of two that read, the one that read later is the one that stays.
    loading: Mutex<()>,
    /// The key by which others verify the log of audit.
    pub audit_key: String,
    /// Deliveries that wait, and that are dead.
    pub outbox_counts: (AtomicI64, AtomicI64),
    /// Votes that wait to be sent to exchanges, and that are dead.
    pub votes_count: (AtomicI64, AtomicI64),
    /// Entries that wait for the log of audit.
    pub audit_waiting: AtomicU64,
    /// Match events taken into the store by this process.
    pub ingested: AtomicU64,
    /// The last event could not be written down.
    is_refusing: AtomicBool,
    /// Tells the ingest thread that there is something to do.
    new_events: (Sender<()>, Receiver<()>),
    /// Tells the outbox thread.
    new_deliveries: (Sender<()>, Receiver<()>),
    /// Tells the thread that sends votes.
    new_votes: (Sender<()>, Receiver<()>),
    stop: (Mutex<Stop>, Condvar),
}

/// How far stopping is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// The server runs.
    Not,
    /// Nothing new comes: what is there is done.
    Soon,
    /// All that is noted was noted: the log of audit is brought up to it.
    Last,
}

/// What a thread works with.
#[derive(Clone)]
pub struct Context {
    /// The data folder.
    pub data: PathBuf,
    /// The one that writes.
    pub writer: Writer,
    /// Those that read.
    pub readers: Readers,
    /// What time it is.
    pub clock: Clock,
    /// Where messages may go.
    pub outbound: Arc<Outbound>,
    /// What is shared.
    pub shared: Actions,
}

/// Why actions cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The journal.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// The log of audit.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store.
    #[error(transparent)]
    Store(#[from] lodestone_store::StoreError),
}

/// What was opened, before threads run.
pub struct Opened {
    /// For handlers.
    pub actions: Actions,
    /// For the thread that keeps the log.
    keeper: Keeper,
}

impl Opened {
    /// Opens journal, rules and the log of audit of a data folder, whose store is still this thread's.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(
        data: &Path,
        store: &mut Store,
        secrets: Secrets,
        flood_senders: u32,
        now_us: i64,
    ) -> Result<Self, StartError> {
        let mut token = [0; 4];
        // Without randomness the time tells lives of the folder apart well enough.
        if SystemRandom::new().fill(&mut token).is_err() {
            token.copy_from_slice(&now_us.to_le_bytes()[..4]);
        }
        let journal = Journal::open(&data.join(JOURNAL), u32::from_le_bytes(token))?;
        let rules = Book::default();
        rules.load(store)?;
        let origin = store.setting(ORIGIN)?;
        let keeper = Keeper::open(data, store, origin.as_deref(), now_us)?;
        let actions = Actions(Arc::new(Shared {
            journal,
            rules,
            flood: Mutex::new(Flood::load(store, flood_senders)?),
            secrets,
            keep: arc_swap::ArcSwap::from_pointee(Keep::load(store)?),
            loading: Mutex::default(),
            audit_key: keeper.verifier().to_string(),
            outbox_counts: (AtomicI64::new(0), AtomicI64::new(0)),
            votes_count: (AtomicI64::new(0), AtomicI64::new(0)),
            audit_waiting: AtomicU64::new(0),
            ingested: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            new_events: crossbeam_channel::bounded(1),
            new_deliveries: crossbeam_channel::bounded(1),
            new_votes: crossbeam_channel::bounded(1),
            stop: (Mutex::new(Stop::Not), Condvar::new()),
        }));
        Ok(Self { actions, keeper })
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start(self, context: &Context) -> std::io::Result<Threads> {
        let spawn = |name: &'static str, mut work: Box<dyn FnMut(&Context) + Send>| {
            let context = context.clone();
            std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                // A panic must not end what follows from matches for as long as the server runs.
                while catch_unwind(AssertUnwindSafe(|| work(&context))).is_err() {
                    tracing::error!(thread = name, "a panic; the thread begins anew");
                    if context.shared.wait(Duration::from_secs(1)) {
                        break;
                    }
                }
            })
        };
        let mut keeper = self.keeper;
        Ok(Threads {
            shared: self.actions,
            ingest: spawn("ingest", Box::new(ingest::ingest))?,
            outbox: spawn("outbox", Box::new(outbox::dispatch))?,
            votes: spawn("votes", Box::new(vote_loop::send_votes))?,
            audit: spawn("audit", Box::new(move |context| audit::sequence(context, &mut keeper)))?,
        })
    }
}

/// The threads that run.
pub struct Threads {
    shared: Actions,
    ingest: JoinHandle<()>,
    outbox: JoinHandle<()>,
    votes: JoinHandle<()>,
    audit: JoinHandle<()>,
}

impl Threads {
    /// Ends them: what is in the journal goes into the store, messages that are on their way arrive or fail, what was noted
    /// goes into the log. Waits for it; the writer has to run meanwhile.
    pub fn stop(self) {
        self.shared.say_stop(Stop::Soon);
        let _ = self.ingest.join();
        let _ = self.outbox.join();
        let _ = self.votes.join();
        self.shared.say_stop(Stop::Last);
        let _ = self.audit.join();
    }
}

impl Shared {
    /// Writes a match event down; it is in the store within a fraction of a second.
    ///
    /// # Errors
    /// 503 when it cannot be written: a match that leaves no trace is not answered.
    pub fn record(&self, event: &MatchEvent) -> Result<(), ApiError> {
        let json = serde_json::to_string(event)
            .map_err(|_| ApiError::unavailable("the match could not be written down: it is not answered"))?;
        match self.journal.append(&json) {
            Ok(()) => {
                self.is_refusing.store(false, Ordering::Relaxed);
                let _ = self.new_events.0.try_send(());
                Ok(())
            }
            Err(error) => {
                // A full disk lasts: told once, not for every match.
                if !self.is_refusing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "match events cannot be written down: look-ups that match answer 503");
                }
                Err(ApiError::unavailable("the match could not be written down: it is not answered"))
            }
        }
    }

    /// Whether the last event could not be written down, so that look-ups that match are refused.
    pub fn refuses(&self) -> bool {
        self.is_refusing.load(Ordering::Relaxed)
    }

    /// Sees whether events can be written down again, where they could not: no look-up that matches may come meanwhile.
    pub(crate) fn try_journal_again(&self) {
        if self.refuses() && self.journal.probe().is_ok() {
            self.is_refusing.store(false, Ordering::Relaxed);
        }
    }

    /// The state of floods.
    pub fn flood(&self) -> MutexGuard<'_, Flood> {
        self.flood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the ingest thread look.
    pub(crate) fn look(&self) {
        let _ = self.new_events.0.try_send(());
    }

    /// Has the outbox thread look.
    pub(crate) fn deliver(&self) {
        let _ = self.new_deliveries.0.try_send(());
    }

    /// Has the thread that sends votes look.
    pub(crate) fn vote(&self) {
        let _ = self.new_votes.0.try_send(());
    }

    /// Waits for votes, at most so long.
    pub(crate) fn wait_for_votes(&self, most: Duration) {
        let _ = self.new_votes.1.recv_timeout(most);
    }

    /// Waits for events, at most so long.
    fn wait_for_events(&self, most: Duration) {
        let _ = self.new_events.1.recv_timeout(most);
    }

    /// Where deliveries are told of.
    pub(crate) fn deliveries(&self) -> &Receiver<()> {
        &self.new_deliveries.1
    }

    /// Whether the server stops.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) != Stop::Not
    }

    /// Waits so long, or until the server stops; whether it does.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.wait_for(Stop::Soon, time)
    }

    /// Waits so long, or until all others have stopped; whether they have.
    pub(crate) fn wait_for_the_last(&self, time: Duration) -> bool {
        self.wait_for(Stop::Last, time)
    }

    fn wait_for(&self, stage: Stop, time: Duration) -> bool {
        let stop = self.stop.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stop.1.wait_timeout_while(stop, time, |stop| *stop < stage);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= stage
    }

    fn say_stop(&self, stage: Stop) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.stop.1.notify_all();
        self.look();
        self.deliver();
        self.vote();
    }

    /// Reads how long things are kept anew, after a change of it.
    ///
    /// # Errors
    /// The store's; then it stays as it was.
    pub fn load_keep(&self, store: &Store) -> Result<(), lodestone_store::StoreError> {
        let _alone = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep.store(Arc::new(Keep::load(store)?));
        Ok(())
    }

    /// Forgets what is in memory, after the store was emptied: rules, counts, holds.
    ///
    /// # Errors
    /// The store's.
    pub fn after_reset(&self, store: &Store) -> Result<(), lodestone_store::StoreError> {
        let anew = self.flood().again(store)?;
        *self.flood() = anew;
        self.rules.load(store)
    }

    /// Counts events that were taken in.
    fn count(&self, events: u64) {
        self.ingested.fetch_add(events, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
