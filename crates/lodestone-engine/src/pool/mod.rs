//! Worker processes that wait for a server's uploads.
//!
//! ```text
//! submit ──▶ bounded queue ──▶ a thread for each worker process ──▶ reply(Answer)
//!   │ full: Refused::Busy          │ process started and warm before it takes a job, again after each that died
//! ```
//!
//! The same processes that a scan uses, kept running: the first request finds them warm. A worker that crashes, hangs or
//! overeats is counted and replaced; its job is answered with an observation that is unreadable at stage `worker` and has
//! its digests, so that exact matching goes on and nothing ends as "no match". Bytes that ended two workers are not given to
//! a third. Every job that [`Pool::submit`] takes is answered exactly once. Threads sleep while there is nothing to do.

mod counts;
mod crew;
mod quarantine;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use lodestone_sandbox::{Enforced, Limits, Start};
use lodestone_types::Observation;

use crate::observer::death;
use crate::options::{ObserveOptions, Parts};

pub use counts::Counts;
use crew::{Queued, Shared};

/// How a pool is set up.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// How a worker process is started; it has to be given [`PoolOptions::memory_bytes`] as its limit.
    pub start: Start,
    /// Worker processes, at least one.
    pub workers: usize,
    /// Jobs that may wait. Each holds its bytes: memory is at most this many uploads, and one for each worker.
    pub queue: usize,
    /// What [`Kind::Examine`] asks for. Archives, texts beside files and thumbnails are not looked at, whatever it says.
    pub observe: ObserveOptions,
    /// Wall-clock time for one job in its worker.
    pub deadline: Duration,
}

impl PoolOptions {
    /// Address space of one worker process.
    pub fn memory_bytes(&self) -> u64 {
        self.examining().worker_memory_bytes()
    }

    /// Starts one worker process that tries what its sandbox must refuse, and says what holds.
    ///
    /// # Errors
    /// When no worker can be started, or it does not say: in words.
    pub fn enforced(&self) -> Result<Enforced, String> {
        let memory_bytes = self.memory_bytes();
        let limits = Limits { memory_bytes, deadline: self.deadline, ..Limits::default() };
        lodestone_sandbox::enforced(&self.start, limits).map_err(|outcome| {
            death(&outcome, memory_bytes).map_or_else(|| "no answer".to_owned(), |why| why.detail)
        })
    }

    fn examining(&self) -> ObserveOptions {
        ObserveOptions { archives: false, sidecars: false, thumbnail: None, ..self.observe.clone() }
    }

    fn hashing(&self) -> ObserveOptions {
        ObserveOptions { provenance: false, ..self.examining() }
    }
}

/// What a job asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Digests and PDQ: what a look-up needs.
    Hash,
    /// PDQ alone, for look-ups by likeness where nobody asks for exact bytes: three digests cost a tenth of a picture.
    Print,
    /// PDQ, and what is wanted of parts of the picture: of a file that was hashed before.
    Parts(Parts),
    /// Everything that [`PoolOptions::observe`] asks for.
    Examine,
}

/// An upload to be observed.
pub struct Job {
    bytes: Box<dyn AsRef<[u8]> + Send>,
    kind: Kind,
}

impl Job {
    /// Of bytes held in whatever way: they are not copied here.
    pub fn new(bytes: impl AsRef<[u8]> + Send + 'static, kind: Kind) -> Self {
        Self { bytes: Box::new(bytes), kind }
    }
}

/// What became of a job.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The file itself, with its digests (but of [`Kind::Print`] and [`Kind::Parts`], and when the pool was stopped). An archive is unreadable here: its members are not looked at.
    pub observation: Observation,
    /// From [`Pool::submit`] until a worker took it.
    pub waited: Duration,
    /// In the worker, and on the way there and back.
    pub took: Duration,
}

/// Why a job was not taken. Its reply is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// As many wait as may: later again.
    #[error("all workers are busy and the queue is full")]
    Busy,
    /// The pool is ending.
    #[error("the pool is ending")]
    Stopping,
}

/// The two ends that close together when no more jobs are taken.
struct Door {
    jobs: Sender<Queued>,
    /// Never sent on: it wakes threads that wait before they try again.
    _bell: Sender<()>,
}

/// Worker processes and the threads that feed them. Dropping it ends them at once; see [`Pool::drain`].
pub struct Pool {
    shared: Arc<Shared>,
    door: RwLock<Option<Door>>,
    /// For its length only.
    queue: Receiver<Queued>,
    /// Hangs up when the last thread has ended.
    gone: Receiver<()>,
}

impl Pool {
    /// Starts the threads, which start the workers, and returns at once; see [`Pool::is_ready`].
    ///
    /// # Errors
    /// When the system gives no thread. A worker that does not start is no error here: it is tried again, ever more
    /// rarely, and told by [`Pool::trouble`].
    pub fn start(options: &PoolOptions) -> io::Result<Self> {
        let workers = options.workers.max(1);
        let (jobs, queue) = bounded(options.queue.max(1));
        let (bell, rung) = bounded(0);
        let (end, gone) = bounded(0);
        let shared = Arc::new(Shared::new(workers, options.examining(), options.hashing()));
        let door = RwLock::new(Some(Door { jobs, _bell: bell }));
        let pool = Self { shared, door, queue, gone };
        let spawned = (0..workers).try_for_each(|number| {
            let crew = crew::Crew {
                shared: Arc::clone(&pool.shared),
                number,
                start: options.start.clone(),
                deadline: options.deadline,
                queue: pool.queue.clone(),
                bell: rung.clone(),
                _end: end.clone(),
            };
            std::thread::Builder::new().name(format!("worker {number}")).spawn(move || crew.serve()).map(drop)
        });
        // Before the pool, which waits for the last of them, may be dropped.
        drop(end);
        spawned.map(|()| pool)
    }

    /// Takes a job, or says at once why not. `reply` is called once, from a thread of the pool: it should be short.
    ///
    /// # Errors
    /// [`Refused`]; then `reply` is not called.
    pub fn submit(&self, job: Job, reply: impl FnOnce(Answer) + Send + 'static) -> Result<(), Refused> {
        let door = self.door.read().unwrap_or_else(PoisonError::into_inner);
        let Some(door) = door.as_ref() else { return Err(Refused::Stopping) };
        match door.jobs.try_send(Queued::new(job, Box::new(reply))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(queued) | TrySendError::Disconnected(queued)) => {
                queued.forget();
                self.shared.tally.refused();
                Err(Refused::Busy)
            }
        }
    }

    /// Workers whose process runs now, busy ones too.
    pub fn alive(&self) -> usize {
        self.shared.alive()
    }

    /// Whether jobs are taken and a worker is there to do them.
    pub fn is_ready(&self) -> bool {
        self.door.read().is_ok_and(|door| door.is_some()) && self.alive() > 0
    }

    /// Why workers could not be started lately, if they could not.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble()
    }

    /// Names and digests of what the examiners bring, one line each; nothing before the first worker has run.
    pub fn kit(&self) -> &[String] {
        self.shared.kit.get().map_or(&[], Vec::as_slice)
    }

    /// What was done so far, and how things stand.
    pub fn counts(&self) -> Counts {
        self.shared.counts(self.queue.len())
    }

    /// Takes no more jobs, finishes what it has, and ends the workers. What is not done within `patience` is answered as
    /// unreadable (`stopped`). Returns whether all of it was done.
    pub fn drain(&self, patience: Duration) -> bool {
        self.close();
        let until = Instant::now() + patience;
        match self.gone.recv_deadline(until) {
            Err(RecvTimeoutError::Timeout) => {
                self.stop();
                false
            }
            _ => true,
        }
    }

    /// Ends all workers now. Jobs that run or wait are answered as unreadable (`stopped`).
    pub fn stop(&self) {
        self.close();
        self.shared.stop();
        // One may have been started while the others were ended.
        while self.gone.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            self.shared.stop();
        }
    }

    fn close(&self) {
        self.door.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}
