//! The known pictures that layer 3 compares with, and the thread that keeps them in step with the banks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lodestone_engine::live::{LiveKnown, LiveState, LiveView};
use lodestone_store::{Store, StoreError};
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;
use crate::readers::Readers;
use crate::secrets::Secrets;

/// How often the thread sees whether the banks changed, where nobody says so.
const EVERY: Duration = Duration::from_secs(1);
/// After a step it rests so many times as long as the step took: a bank that changes all the time does not take a core.
const REST: u32 = 4;
/// Entries that cannot be opened, named in the log at one time.
const NAMED: usize = 5;
/// How long whoever added a picture waits until it is looked for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Known pictures, as look-ups see them. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pictures(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    view: LiveView,
    secrets: Secrets,
    max_bytes: u64,
    now: ArcSwap<LiveKnown>,
    /// Look-ups of parts that run at one time.
    places: Arc<Semaphore>,
    /// Generation that was reached.
    reached: watch::Sender<u64>,
    /// Something changed.
    news: (Sender<()>, Receiver<()>),
    /// The last step failed: why.
    trouble: Mutex<Option<String>>,
}

/// The thread, until it is stopped.
#[derive(Debug)]
pub(crate) struct Keeping {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Pictures {
    /// Reads the known pictures of a folder, whose store is still this thread's: some milliseconds each.
    ///
    /// # Errors
    /// The store's. What cannot be opened is logged and counted, and does not stop the rest.
    pub fn open(
        store: &Store,
        view: &LiveView,
        secrets: &Secrets,
        max_bytes: u64,
    ) -> Result<Self, StoreError> {
        let places = std::thread::available_parallelism().map_or(2, usize::from);
        let pictures = Self(Arc::new(Inner {
            view: view.clone(),
            secrets: secrets.clone(),
            max_bytes,
            now: ArcSwap::default(),
            places: Arc::new(Semaphore::new(places)),
            reached: watch::channel(0).0,
            news: crossbeam_channel::bounded(1),
            trouble: Mutex::default(),
        }));
        pictures.step(store)?;
        Ok(pictures)
    }

    /// What look-ups compare with now.
    pub fn now(&self) -> Arc<LiveKnown> {
        self.0.now.load_full()
    }

    /// Places of look-ups that run at one time.
    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.0.places
    }

    /// Why the last step failed, if it did.
    pub fn trouble(&self) -> Option<String> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes of memory that known pictures may take.
    pub fn max_bytes(&self) -> u64 {
        self.0.max_bytes
    }

    /// Has what was just committed be looked for, and waits for it a while; whether it is.
    pub(crate) async fn follow(&self) -> bool {
        let mut reached = self.0.reached.subscribe();
        let wanted = self.0.view.now().generation();
        let _ = self.0.news.0.try_send(());
        let waited = tokio::time::timeout(PATIENCE, reached.wait_for(|generation| *generation >= wanted));
        waited.await.is_ok_and(|reached| reached.is_ok())
    }

    /// Takes in what changed.
    fn step(&self, store: &Store) -> Result<(), StoreError> {
        let (state, before) = (self.0.view.now(), self.now());
        let (mut refused, mut named) = (0usize, Vec::new());
        let mut tell = |no: u64, why: &str| {
            refused += 1;
            if named.len() < NAMED {
                named.push((state.content_id(no), why.to_owned()));
            }
        };
        let next = before.next(store, &state, &self.0.secrets, self.0.max_bytes, &mut tell)?;
        for (content, why) in named {
            tracing::error!(
                content,
                why,
                "local features of a known picture cannot be used: layer 3 misses it"
            );
        }
        if refused > NAMED {
            tracing::error!(count = refused, "local features cannot be used");
        }
        if let Some(next) = next {
            self.say(&before, &next, &state);
            self.0.now.store(Arc::new(next));
        }
        self.0.reached.send_replace(state.generation());
        Ok(())
    }

    /// Says how many pictures are looked for, where that changed.
    fn say(&self, before: &LiveKnown, next: &LiveKnown, state: &LiveState) {
        let (was, is) = (before.total(), next.total());
        if was == is {
            return;
        }
        let (pictures, mib) = (is.looked_for, next.memory_bytes() >> 20);
        tracing::info!(pictures, mib, generation = state.generation(), "known pictures for layer 3");
        if is.no_room > was.no_room {
            tracing::warn!(
                count = is.no_room,
                "no room for the local features of so many known pictures: layer 3 misses them (--max-features)"
            );
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn keep(&self, readers: Readers) -> std::io::Result<Keeping> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let pictures = self.clone();
        let thread = std::thread::Builder::new()
            .name("pictures".to_owned())
            .spawn(move || pictures.run(&readers, &stopped))?;
        Ok(Keeping { stop, thread })
    }

    fn run(&self, readers: &Readers, stopped: &Receiver<()>) {
        loop {
            crossbeam_channel::select! {
                recv(stopped) -> _ => return,
                recv(self.0.news.1) -> _ => {}
                default(EVERY) => {}
            }
            let begun = Instant::now();
            // A panic must not end layer 3 for as long as the server runs.
            let done = catch_unwind(AssertUnwindSafe(|| {
                readers.read_now(|store| self.step(store).map_err(ApiError::from))
            }));
            let trouble = match done {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.message().to_owned()),
                Err(_) => Some("a panic".to_owned()),
            };
            let before = {
                let mut held = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *held, trouble.clone())
            };
            if let (Some(why), None) = (trouble, before) {
                tracing::error!(why, "known pictures cannot be read: layer 3 stays as it was");
            }
            let rest = (begun.elapsed() * REST).min(Duration::from_secs(60));
            if !matches!(stopped.recv_timeout(rest), Err(RecvTimeoutError::Timeout)) {
                return;
            }
        }
    }
}

impl Keeping {
    /// Ends the thread, and waits for it.
    pub(crate) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}
