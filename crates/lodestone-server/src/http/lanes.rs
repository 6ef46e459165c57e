//! Threads that serve connections, each with a runtime of its own.
//!
//! A look-up is short, so a connection stays on the thread that it was given to, where what it waits for wakes it too:
//! `bench/RESULTS.md` says what that gave, and what not. Work that takes longer is handed to
//! threads that may wait, as everywhere.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// How long work that may wait gets once the lanes end: what matters was waited for before.
const REST: Duration = Duration::from_secs(2);

/// Threads that serve connections. Dropping them ends what still runs on them.
pub(crate) struct Lanes {
    lanes: Vec<Handle>,
    next: AtomicUsize,
    end: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// So many threads, at least one.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let (end, ended) = watch::channel(false);
        let mut lanes = Self { lanes: Vec::new(), next: AtomicUsize::new(0), end, threads: Vec::new() };
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            lanes.lanes.push(runtime.handle().clone());
            let mut ended = ended.clone();
            let serve = move || {
                runtime.block_on(async move {
                    // An error: nobody can say so any more.
                    let _ = ended.wait_for(|ended| *ended).await;
                });
                runtime.shutdown_timeout(REST);
            };
            lanes.threads.push(std::thread::Builder::new().name(format!("lane {number}")).spawn(serve)?);
        }
        Ok(lanes)
    }

    /// Runs a connection on the next of them, in turn.
    pub(crate) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len().max(1);
        if let Some(lane) = self.lanes.get(turn) {
            drop(lane.spawn(connection));
        }
    }
}

impl Lanes {
    /// Ends what still runs on them.
    pub(crate) fn end(&self) {
        let _ = self.end.send(true);
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.end();
        let me = std::thread::current().id();
        for thread in self.threads.drain(..) {
            // The last connection may be what lets go of them: a thread does not wait for itself.
            if thread.thread().id() != me {
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn connections_take_turns_and_stay_where_they_are() {
        let lanes = Lanes::start(3).unwrap();
        let (told, names) = mpsc::channel();
        for _ in 0..6 {
            let told = told.clone();
            lanes.spawn(async move {
                let before = std::thread::current().name().map(str::to_owned);
                tokio::time::sleep(Duration::from_millis(5)).await;
                let after = std::thread::current().name().map(str::to_owned);
                let _ = told.send((before, after));
            });
        }
        let names: Vec<_> = (0..6).map(|_| names.recv().unwrap()).collect();
        assert!(names.iter().all(|(before, after)| before == after));
        for lane in 0..3 {
            let name = Some(format!("lane {lane}"));
            assert_eq!(names.iter().filter(|(before, _)| *before == name).count(), 2);
        }
    }
}
