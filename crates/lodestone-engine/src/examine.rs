//! `examine`: files and folders in, everything known of each out, in the order of the walk.
//!
//! The same workers, walk and counters as [`crate::scan`]; but nothing is grouped, so records are handed over as they
//! come instead of waiting on disk. Memory: the workers', and at most [`WINDOW`] files that wait for one before them.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};
use lodestone_sandbox::Start;
use lodestone_types::{Observation, Record};

use crate::appraise::{Seen, appraise};
use crate::look_up::LookUps;
use crate::progress::Progress;
use crate::scan::{Answered, Job, ScanOptions, count, full_path, work};
use crate::sheaf::Sheaf;
use crate::snapshot::Snapshot;
use crate::walk::{Step, walk};

/// Files that may be under way or wait for an earlier one.
const WINDOW: usize = 256;
/// Members of one archive that are matched together.
const BATCH: usize = 64;

/// What an examination needs from outside.
pub struct ExamineContext<'a> {
    /// What to match against, and the tables that findings are weighed by.
    pub snapshot: &'a Snapshot,
    /// How a worker process is started.
    pub start: Start,
    /// Set to end early: files in work are finished.
    pub cancel: &'a AtomicBool,
    /// Counted up as it goes.
    pub progress: &'a Progress,
    /// Called several times a second.
    pub tick: &'a mut dyn FnMut(&Progress),
}

/// How an examination ended.
#[derive(Debug, Default)]
pub struct ExaminedAll {
    /// What look-ups cost, and how many failed.
    pub look_ups: LookUps,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Examines every file, and hands each over in the order of the walk, members after their archive. The output is the same
/// whatever the number of workers. `options.rehash` says nothing here: nothing is kept.
///
/// # Errors
/// Those of `each`, which end it.
pub fn examine(
    options: &ScanOptions,
    context: ExamineContext<'_>,
    each: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<ExaminedAll> {
    let ExamineContext { snapshot, start, cancel, progress, tick } = context;
    let workers = options.workers.max(1);
    let (jobs, job_queue) = bounded::<Job>(workers * 2);
    let (results, result_queue) = bounded::<Answered>(WINDOW);
    // One for each file between its walk and its hand-over: the walk waits when there are too many.
    let (open, close) = bounded::<()>(WINDOW);
    let mut all = ExaminedAll::default();
    let handed = std::thread::scope(|scope| {
        scope.spawn(|| count(options, cancel, progress));
        let early = results.clone();
        scope.spawn(move || dispatch(options, cancel, &open, &jobs, &early));
        for _ in 0..workers {
            let (start, queue, results) = (start.clone(), job_queue.clone(), results.clone());
            scope.spawn(move || work(options, start, &queue, &results, cancel, progress));
        }
        drop((results, job_queue));
        let mut hand_over = |answered: Answered| hand_over(options, snapshot, answered, &mut all, each);
        let handed = in_order(&result_queue, &close, progress, tick, &mut hand_over);
        if handed.is_err() {
            cancel.store(true, Relaxed);
            drop(close);
            // Let the others finish: their channel is drained until they hang up.
            while result_queue.recv().is_ok() {}
        }
        progress.finish_counting();
        handed
    });
    all.interrupted = cancel.load(Relaxed);
    handed.map(|()| all)
}

fn dispatch(
    options: &ScanOptions,
    cancel: &AtomicBool,
    open: &Sender<()>,
    jobs: &Sender<Job>,
    results: &Sender<Answered>,
) {
    let mut numbers = 0..;
    walk(&options.roots, &options.walk, &mut |step| {
        // Looks up now and then: after an interruption nobody makes room any more.
        loop {
            if cancel.load(Relaxed) {
                return ControlFlow::Break(());
            }
            match open.send_timeout((), Duration::from_millis(200)) {
                Ok(()) => break,
                Err(SendTimeoutError::Timeout(())) => {}
                Err(SendTimeoutError::Disconnected(())) => return ControlFlow::Break(()),
            }
        }
        let number = numbers.next().unwrap_or(u64::MAX);
        let sent = match step {
            Step::Trouble { path, why } => {
                let observation = Observation { unreadable: Some(why), ..Observation::default() };
                let observed = Sheaf::one(observation);
                results.send(Answered { number, path, observed, keep_under: None }).is_ok()
            }
            Step::File { path, .. } => jobs.send(Job { number, path, key: None }).is_ok(),
        };
        if sent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

/// Hands results over by their numbers. After an interruption numbers are missing: what came is handed over all the same.
fn in_order(
    queue: &Receiver<Answered>,
    close: &Receiver<()>,
    progress: &Progress,
    tick: &mut dyn FnMut(&Progress),
    hand_over: &mut dyn FnMut(Answered) -> io::Result<()>,
) -> io::Result<()> {
    let (mut next, mut waiting) = (0, BTreeMap::new());
    loop {
        match queue.recv_timeout(Duration::from_millis(200)) {
            Ok(answered) => {
                progress.done();
                waiting.insert(answered.number, answered);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Some(answered) = waiting.remove(&next) {
            next += 1;
            let _ = close.try_recv();
            hand_over(answered)?;
        }
        tick(progress);
    }
    waiting.into_values().try_for_each(hand_over)
}

fn hand_over(
    options: &ScanOptions,
    snapshot: &Snapshot,
    answered: Answered,
    all: &mut ExaminedAll,
    each: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    let mut waiting: Vec<Seen> = Vec::new();
    let mut flush = |waiting: &mut Vec<Seen>| {
        let seen = std::mem::take(waiting);
        appraise(snapshot, options.appraise, seen, &mut all.look_ups).into_iter().try_for_each(&mut *each)
    };
    answered.observed.each(|one| {
        let (path, bytes_hex) = full_path(&answered.path, one.member);
        waiting.push((path, bytes_hex, one.observation));
        if waiting.len() >= BATCH { flush(&mut waiting) } else { Ok(()) }
    })?;
    flush(&mut waiting)
}
