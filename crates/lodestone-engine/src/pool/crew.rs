//! One thread a worker: keep its process ready, take a job, answer it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lodestone_sandbox::{Killer, Start};
use lodestone_types::{Observation, Stage, Unreadable};

use super::counts::{Counts, Tally};
use super::quarantine::Quarantine;
use super::{Answer, Job, Kind};
use crate::observe::digests_of;
use crate::observer::Observer;
use crate::options::ObserveOptions;

type Reply = Box<dyn FnOnce(Answer) + Send>;

/// A job that waits. It is answered even if the thread that has it comes to grief.
pub(super) struct Queued {
    job: Job,
    reply: Option<Reply>,
    since: Instant,
}

impl Queued {
    pub(super) fn new(job: Job, reply: Reply) -> Self {
        Self { job, reply: Some(reply), since: Instant::now() }
    }

    /// It was not taken after all.
    pub(super) fn forget(mut self) {
        self.reply = None;
    }

    fn bytes(&self) -> &[u8] {
        (*self.job.bytes).as_ref()
    }

    fn answer(&mut self, observation: Observation, waited: Duration, took: Duration) {
        if let Some(reply) = self.reply.take() {
            // Whatever the caller's code does, the worker goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| reply(Answer { observation, waited, took })));
        }
    }

    /// Answers without a worker.
    fn unread(&mut self, reason: &str, detail: String) {
        let bytes = self.bytes();
        let observation = Observation {
            size_bytes: bytes.len() as u64,
            // Nobody waits for a pool that ends to digest what is left.
            digests: (reason != STOPPED).then(|| digests_of(bytes)),
            unreadable: Some(Unreadable::new(Stage::Worker, reason, detail)),
            ..Observation::default()
        };
        self.answer(observation, self.since.elapsed(), Duration::ZERO);
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if self.reply.is_some() {
            self.unread("crash", "the job was lost in this program".to_owned());
        }
    }
}

const STOPPED: &str = "stopped";

/// Coming up, or between two processes.
const STARTING: u8 = 0;
const READY: u8 = 1;
const BUSY: u8 = 2;
/// Could not be started, and is tried again later.
const DOWN: u8 = 3;

#[derive(Default)]
struct Post {
    state: AtomicU8,
    killer: OnceLock<Killer>,
    trouble: Mutex<Option<String>>,
}

/// What all threads of a pool share.
pub(super) struct Shared {
    pub(super) tally: Tally,
    /// What the examiners bring, as the first worker told it.
    pub(super) kit: OnceLock<Vec<String>>,
    examining: ObserveOptions,
    hashing: ObserveOptions,
    posts: Vec<Post>,
    quarantine: Mutex<Quarantine>,
    stopping: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(workers: usize, examining: ObserveOptions, hashing: ObserveOptions) -> Self {
        Self {
            tally: Tally::default(),
            kit: OnceLock::new(),
            examining,
            hashing,
            posts: std::iter::repeat_with(Post::default).take(workers).collect(),
            quarantine: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    pub(super) fn alive(&self) -> usize {
        let runs = |post: &&Post| {
            matches!(post.state.load(SeqCst), READY | BUSY)
                && post.killer.get().is_some_and(Killer::is_running)
        };
        self.posts.iter().filter(runs).count()
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.posts.iter().find_map(|post| lock(&post.trouble).clone())
    }

    pub(super) fn counts(&self, queued: usize) -> Counts {
        let busy = self.posts.iter().filter(|post| post.state.load(SeqCst) == BUSY).count();
        Counts {
            alive: self.alive() as u64,
            busy: busy as u64,
            queued: queued as u64,
            remembered: lock(&self.quarantine).len() as u64,
            ..self.tally.counts(self.posts.len() as u64)
        }
    }

    /// Ends every process there is, and lets nobody start another for a job.
    pub(super) fn stop(&self) {
        self.stopping.store(true, SeqCst);
        for killer in self.posts.iter().filter_map(|post| post.killer.get()) {
            killer.kill();
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn all_down(&self) -> bool {
        self.posts.iter().all(|post| post.state.load(SeqCst) == DOWN)
    }
}

/// The first wait after a worker could not be started; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often an idle thread sees whether its process is still there: some microseconds each time.
const ROUND: Duration = Duration::from_secs(10);

/// One thread's share of the pool.
pub(super) struct Crew {
    pub(super) shared: Arc<Shared>,
    pub(super) number: usize,
    pub(super) start: Start,
    pub(super) deadline: Duration,
    pub(super) queue: Receiver<Queued>,
    /// Hangs up when no more jobs come.
    pub(super) bell: Receiver<()>,
    pub(super) _end: Sender<()>,
}

impl Crew {
    /// Until no more jobs come.
    pub(super) fn serve(self) {
        let mut observer = Observer::new(self.start.clone(), self.shared.examining.clone(), self.deadline);
        let _ = self.post().killer.set(observer.worker().killer());
        // A panic here is a mistake of ours; it costs its job, not the server a worker.
        while catch_unwind(AssertUnwindSafe(|| self.work(&mut observer))).is_err() {
            observer.stop();
        }
        self.is(DOWN);
    }

    fn post(&self) -> &Post {
        &self.shared.posts[self.number]
    }

    fn is(&self, state: u8) {
        self.post().state.store(state, SeqCst);
    }

    fn work(&self, observer: &mut Observer) {
        let mut wait = FIRST_WAIT;
        loop {
            self.is(STARTING);
            if let Err(why) = self.warm(observer) {
                *lock(&self.post().trouble) = Some(why.clone());
                self.is(DOWN);
                if !self.rest(Instant::now() + wait, &why) {
                    return;
                }
                wait = (wait * 2).min(LONGEST_WAIT);
                continue;
            }
            wait = FIRST_WAIT;
            *lock(&self.post().trouble) = None;
            self.is(READY);
            match self.queue.recv_timeout(ROUND) {
                Ok(queued) => {
                    self.is(BUSY);
                    self.take(queued, observer);
                }
                // Time to see whether the process is still there.
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Has a process running that has loaded what its examiners bring.
    fn warm(&self, observer: &mut Observer) -> Result<(), String> {
        if observer.worker().is_ready() || self.shared.is_stopping() {
            return Ok(());
        }
        let before = observer.worker().starts();
        let kit = observer.kit();
        self.shared.tally.started(observer.worker().starts() - before);
        let kit = kit.map_err(|refused| refused.0)?;
        let _ = self.shared.kit.set(kit);
        Ok(())
    }

    /// Waits before the next try. While no worker at all is up, jobs are answered, not kept. `false`: no more jobs come.
    fn rest(&self, until: Instant, why: &str) -> bool {
        while Instant::now() < until {
            if !self.shared.all_down() {
                if self.bell.recv_deadline(until) == Err(RecvTimeoutError::Disconnected) {
                    // The others finish what waits; the last that cannot answers it.
                    return self.shared.all_down();
                }
                continue;
            }
            match self.queue.recv_deadline(until) {
                Ok(mut queued) if self.shared.is_stopping() => self.stopped(&mut queued),
                Ok(mut queued) => {
                    self.shared.tally.not_started();
                    queued.unread("not_started", format!("no worker process could be started: {why}"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    fn stopped(&self, queued: &mut Queued) {
        self.shared.tally.stopped();
        queued.unread(STOPPED, "the pool was stopped before this was read".to_owned());
    }

    fn take(&self, mut queued: Queued, observer: &mut Observer) {
        let shared = &*self.shared;
        if shared.is_stopping() {
            return self.stopped(&mut queued);
        }
        let size_bytes = queued.bytes().len() as u64;
        let now = Instant::now();
        if lock(&shared.quarantine).may_hold(size_bytes, now) {
            let id = digests_of(queued.bytes()).sha256;
            let why = lock(&shared.quarantine).why(id, now).map(str::to_owned);
            if let Some(why) = why {
                shared.tally.quarantined();
                return queued.unread("quarantined", format!("these bytes ended two workers before: {why}"));
            }
        }
        let waited = queued.since.elapsed();
        shared.tally.waited(waited);
        // It may have died while it waited: that is no doing of this job.
        if let Err(why) = self.warm(observer) {
            shared.tally.not_started();
            return queued.unread("not_started", format!("no worker process could be started: {why}"));
        }
        let is_examined = queued.job.kind == Kind::Examine;
        let with_parts;
        let options = match queued.job.kind {
            Kind::Examine => &shared.examining,
            Kind::Parts(parts) => {
                with_parts = ObserveOptions { parts, ..shared.hashing.clone() };
                &with_parts
            }
            Kind::Hash | Kind::Print => &shared.hashing,
        };
        let begun = Instant::now();
        let undigested = matches!(queued.job.kind, Kind::Print | Kind::Parts(_));
        let looked = observer.look(queued.bytes(), options, undigested);
        let took = begun.elapsed();
        let mut observation = looked.observation;
        if looked.death.is_some() && shared.is_stopping() {
            return self.stopped(&mut queued);
        }
        if let Some(why) = looked.death.as_ref().filter(|why| why.reason == "not_started") {
            shared.tally.not_started();
            return queued.unread(&why.reason, why.detail.clone());
        }
        shared.tally.worked(is_examined, took, looked.death.as_ref());
        if let (Some(why), Some(digests)) = (&looked.death, &observation.digests) {
            lock(&shared.quarantine).note(digests.sha256, size_bytes, &why.reason, Instant::now());
        }
        if observation.unreadable.is_none() && observation.fingerprints.is_empty() {
            observation.unreadable = Some(Unreadable::new(
                Stage::Identify,
                "unsupported",
                "an archive, whose members are not looked at here",
            ));
        }
        queued.answer(observation, waited, took);
    }
}
