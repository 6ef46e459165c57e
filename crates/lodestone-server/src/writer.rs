//! The one thread that writes: it owns the store, makes what waits into one commit, and answers when all can see it.
//!
//! ```text
//! handlers ──queue──▶ [ batch: op, op, op ] ─commit─▶ LiveBanks::follow ─▶ answers
//! ```
//!
//! Each operation stands apart (a savepoint): one that fails undoes itself only. A commit that fails (the disk is full)
//! fails all of its operations, with nothing changed. Operations on the whole store (an import, a reset, a backup) run
//! alone, between batches.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lodestone_engine::live::LiveBanks;
use lodestone_store::{Batch, Store, StoreError};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::error::ApiError;

/// Operations that wait at most, give or take those that come at the same moment; beyond it the caller is told to come again.
const QUEUE: usize = 4096;
/// Operations of one commit at most.
const BATCH: usize = 512;

/// What the writer owns.
pub struct Owned {
    /// The store, open for writing.
    pub store: Store,
    /// The banks as look-ups see them.
    pub live: LiveBanks,
    /// When the banks changed last, seconds since 1970.
    pub changed_s: Arc<AtomicI64>,
}

impl Owned {
    /// Has look-ups see what was committed.
    fn follow(&mut self, clock: &Clock) -> Result<(), ApiError> {
        let before = self.live.view().now().generation();
        // A panic here must not end all writing either.
        let followed = catch_unwind(AssertUnwindSafe(|| self.live.follow(&mut self.store)));
        match followed {
            Ok(followed) => followed?,
            Err(panic) => {
                report(Some(panic));
                return Err(ApiError::unavailable("index not yet ready"));
            }
        }
        if self.live.view().now().generation() != before {
            self.changed_s.store(clock.now_s(), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// How writing stands, for those who watch. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Stands>>);

#[derive(Clone, Copy, Debug, Default)]
struct Stands {
    /// Look-ups do not see all that was committed.
    behind: bool,
    /// Why the last commit failed, if it did.
    trouble: Option<&'static str>,
}

impl Health {
    /// Whether look-ups do not see all that was committed.
    pub fn is_behind(&self) -> bool {
        self.now().behind
    }

    /// Why nothing can be written now, if the last commit failed. The writer tries again each second.
    pub fn trouble(&self) -> Option<&'static str> {
        self.now().trouble
    }

    fn now(&self) -> Stands {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Stands)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A commit stands, or does not.
    fn committed(&self, error: Option<&StoreError>) {
        let trouble = error.map(|error| match error {
            StoreError::Full => "the disk is full",
            StoreError::Locked { .. } => "another program holds the database",
            _ => "the store cannot be written",
        });
        self.change(|stands| stands.trouble = trouble);
    }
}

/// Hands operations to the writing thread. Clones are handles of the same.
#[derive(Clone)]
pub struct Writer {
    queue: Sender<Job>,
    health: Health,
}

/// An operation on the whole store.
type Alone = Box<dyn FnOnce(&mut Owned, &Clock) + Send>;

enum Job {
    Batched(Box<dyn Batched>),
    Alone(Alone),
    Stop,
}

/// An operation that shares a commit with others.
trait Batched: Send {
    fn run(&mut self, batch: &mut Batch<'_>);
    /// Told once the commit stands and look-ups see it, or why not.
    fn answer(self: Box<Self>, committed: Result<(), ApiError>);
}

struct One<F, R> {
    work: Option<F>,
    out: Option<Result<R, ApiError>>,
    reply: oneshot::Sender<Result<R, ApiError>>,
}

impl<F, R> Batched for One<F, R>
where
    F: FnOnce(&mut Batch<'_>) -> Result<R, ApiError> + Send,
    R: Send,
{
    fn run(&mut self, batch: &mut Batch<'_>) {
        let Some(work) = self.work.take() else { return };
        self.out = Some(batch.apart(|batch| work(batch)));
    }

    fn answer(self: Box<Self>, committed: Result<(), ApiError>) {
        let answer = match (self.out, committed) {
            (Some(out), committed) => out.and_then(|value| committed.map(|()| value)),
            // It was not begun: the database was locked, or another operation of the batch failed them all.
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(ApiError::unavailable("the operation was not run")),
        };
        // Whoever asked may have gone; what was committed stands all the same.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    /// Starts the thread. It ends when it is told to stop; what was queued before is done first.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(owned: Owned, clock: Clock) -> std::io::Result<(Self, JoinHandle<()>)> {
        // Bounded by hand: this kind of channel lets go of what is queued when its receiver ends, so that whoever waits for an
        // answer at the very end is told, and does not wait for ever.
        let (queue, jobs) = crossbeam_channel::unbounded();
        let health = Health::default();
        let told = health.clone();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write_on(owned, &jobs, &clock, &told))?;
        Ok((Self { queue, health }, thread))
    }

    /// Runs an operation in the next commit; answers once it is safe on the disk and look-ups see it.
    ///
    /// # Errors
    /// What `work` says; 503 when the commit failed (then nothing was changed) and 429 when too much waits.
    pub async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Batched(Box::new(One { work: Some(work), out: None, reply })))?;
        answer.await.map_err(|_| gone())?
    }

    /// As [`Writer::write`], for threads that may wait.
    ///
    /// # Errors
    /// As there.
    pub fn write_now<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Batched(Box::new(One { work: Some(work), out: None, reply })))?;
        answer.blocking_recv().map_err(|_| gone())?
    }

    /// Runs an operation on the whole store, alone; look-ups see what it did when it answers.
    ///
    /// # Errors
    /// What `work` says; 429 when too much waits.
    pub async fn alone<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Owned) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move |owned: &mut Owned, clock: &Clock| {
            let done = work(owned);
            // What was done in part is seen too.
            let followed = owned.follow(clock).map_err(|_| unseen());
            let _ = reply.send(done.and_then(|value| followed.map(|()| value)));
        });
        self.queue(Job::Alone(work))?;
        answer.await.map_err(|_| gone())?
    }

    /// Tells the thread to end after what is queued.
    pub fn stop(&self) {
        let _ = self.queue.send(Job::Stop);
    }

    /// Operations that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How writing stands.
    pub fn health(&self) -> &Health {
        &self.health
    }

    fn queue(&self, job: Job) -> Result<(), ApiError> {
        if self.queue.len() >= QUEUE {
            return Err(ApiError::busy(1));
        }
        self.queue.send(job).map_err(|_| gone())
    }
}

/// What was committed stands; it is seen once the index can be written again.
fn unseen() -> ApiError {
    ApiError::unavailable("the change is kept, but the index cannot be written: look-ups do not see it yet")
}

fn gone() -> ApiError {
    ApiError::unavailable("the server is stopping")
}

/// Setting that is written to see whether the store can be written again.
const PROBE: &str = "writer.probe_us";
/// How often what was committed and could not be followed is followed again, and writing that failed tried again, while
/// nothing else comes.
const AGAIN: Duration = Duration::from_secs(1);

fn write_on(mut owned: Owned, jobs: &Receiver<Job>, clock: &Clock, health: &Health) {
    loop {
        let Stands { behind, trouble } = health.now();
        let job = match behind || trouble.is_some() {
            false => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            true => jobs.recv_timeout(AGAIN),
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                try_again(&mut owned, clock, health, trouble.is_some());
                continue;
            }
        };
        let mut batch = Vec::new();
        let mut next = Some(job);
        let mut alone = None;
        let mut stop = false;
        while let Some(job) = next.take() {
            match job {
                Job::Batched(one) => batch.push(one),
                Job::Alone(work) => alone = Some(work),
                Job::Stop => stop = true,
            }
            if batch.len() < BATCH && alone.is_none() && !stop {
                next = jobs.try_recv().ok();
            }
        }
        if !batch.is_empty() {
            commit(&mut owned, batch, clock, health);
        }
        if let Some(work) = alone {
            // A panic in one operation must not end all writing.
            let done = catch_unwind(AssertUnwindSafe(|| work(&mut owned, clock)));
            report(done.err());
            // It has followed by itself, and told whoever asked; where that failed, it is tried again.
            let behind = owned.follow(clock).is_err();
            health.change(|stands| stands.behind = behind);
        }
        if stop {
            break;
        }
    }
}

/// Sees whether the store can be written again, and has look-ups see what was committed.
fn try_again(owned: &mut Owned, clock: &Clock, health: &Health, writes: bool) {
    if writes {
        let now_us = clock.now_us();
        let probe = now_us.to_string();
        let done = owned.store.batch(now_us, |batch| batch.set_setting(PROBE, Some(&probe)));
        health.committed(done.err().as_ref());
    }
    let behind = owned.follow(clock).is_err();
    health.change(|stands| stands.behind = behind);
}

/// Commits a batch and answers it.
fn commit(owned: &mut Owned, mut batch: Vec<Box<dyn Batched>>, clock: &Clock, health: &Health) {
    let done = catch_unwind(AssertUnwindSafe(|| {
        owned.store.batch(clock.now_us(), |work| -> Result<(), StoreError> {
            for one in &mut batch {
                one.run(work);
            }
            Ok(())
        })
    }));
    let mut failed = match done {
        Ok(Ok(())) => {
            health.committed(None);
            None
        }
        Ok(Err(error)) => {
            health.committed(Some(&error));
            Some(Failed::of(&error.into()))
        }
        Err(panic) => {
            report(Some(panic));
            Some(Failed { status: 503, message: "the operation failed".to_owned() })
        }
    };
    if failed.is_none() {
        let behind = owned.follow(clock).is_err();
        health.change(|stands| stands.behind = behind);
        if behind {
            failed = Some(Failed::of(&unseen()));
        }
    }
    for one in batch {
        one.answer(failed.as_ref().map_or(Ok(()), |failed| Err(failed.again())));
    }
}

/// An error that several are told.
struct Failed {
    status: u16,
    message: String,
}

impl Failed {
    fn of(error: &ApiError) -> Self {
        Self { status: error.status().as_u16(), message: error.message().to_owned() }
    }

    fn again(&self) -> ApiError {
        match self.status {
            503 => ApiError::unavailable(self.message.clone()),
            _ => ApiError::bad(self.message.clone()),
        }
    }
}

fn report(panic: Option<Box<dyn Any + Send>>) {
    if let Some(panic) = panic {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!(what, "a panic while writing");
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn writing_that_failed_is_tried_again_until_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let live = LiveBanks::open(&mut store, dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        let mut owned = Owned { store, live, changed_s: Arc::default() };
        let (clock, health) = (Clock::fixed(7), Health::default());
        assert!(health.trouble().is_none() && !health.is_behind());
        health.committed(Some(&StoreError::Full));
        health.change(|stands| stands.behind = true);
        assert_eq!((health.trouble(), health.is_behind()), (Some("the disk is full"), true));
        try_again(&mut owned, &clock, &health, true);
        assert_eq!((health.trouble(), health.is_behind()), (None, false));
        assert_eq!(owned.store.setting(PROBE).unwrap().as_deref(), Some("7"));
    }
}
