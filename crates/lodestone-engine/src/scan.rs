//! `scan`: folders in, a ranked and explained account of every file out.
//!
//! ```text
//! walk ─▶ jobs ─▶ observers, one worker process a thread ─▶ results ─▶ this thread: appraise, spool, keep ─▶ triage
//! ```
//!
//! Channels are bounded. Memory: the workers', a few hundred bytes a file for triage; records themselves wait on disk.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lodestone_sandbox::Start;
use lodestone_types::{Group, Match, Observation, Record, State, Summary};

use crate::appraise::{AppraiseOptions, Seen, appraise};
use crate::keep::{Keep, Key};
use crate::look_up::LookUps;
use crate::observer::Observer;
use crate::options::ObserveOptions;
use crate::progress::Progress;
use crate::sheaf::Sheaf;
use crate::snapshot::Snapshot;
use crate::spool::{Records, Spool};
use crate::triage::{TriageItem, TriageOptions, triage};
use crate::walk::{Step, WalkOptions, path_text, walk};

/// What to scan and how.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Files and folders.
    pub roots: Vec<PathBuf>,
    /// How folders are walked.
    pub walk: WalkOptions,
    /// What is observed of each file.
    pub observe: ObserveOptions,
    /// How observations are matched.
    pub appraise: AppraiseOptions,
    /// Worker processes; at least 1.
    pub workers: usize,
    /// Time for one file or member.
    pub deadline: Duration,
    /// Read every file again, whatever is kept.
    pub rehash: bool,
}

/// What a scan needs from outside.
pub struct ScanContext<'a> {
    /// What to match against.
    pub snapshot: &'a Snapshot,
    /// How a worker process is started.
    pub start: Start,
    /// Where observations are kept between runs.
    pub keep: Option<&'a mut Keep>,
    /// Set to end early: files in work are finished.
    pub cancel: &'a AtomicBool,
    /// Counted up as the scan goes.
    pub progress: &'a Progress,
    /// Called several times a second while the scan goes.
    pub tick: &'a mut dyn FnMut(&Progress),
}

/// Why a scan could not be done. Trouble with single files is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The spool of records could not be written or read: no space for temporary files.
    #[error("temporary file for records: {0}")]
    Spool(#[source] io::Error),
}

/// A finished scan.
pub struct Scanned {
    /// Totals.
    pub summary: Summary,
    /// Groups by rank.
    pub groups: Vec<Group>,
    /// Observations could not be kept; the first reason. The run is complete, but a second one reads all files again.
    pub not_kept: Option<String>,
    /// What look-ups cost, and how many failed. A run with failures is not complete.
    pub look_ups: LookUps,
    records: Records,
    /// Record numbers in path order, with what triage says of each.
    order: Vec<Place>,
}

struct Place {
    number: usize,
    alike: bool,
    group: Option<u64>,
}

impl Scanned {
    /// Every record, in the byte order of their paths.
    pub fn records(&mut self) -> impl Iterator<Item = io::Result<Record>> + '_ {
        let records = &mut self.records;
        self.order.iter().map(move |place| {
            let mut record = records.read(place.number)?;
            if place.alike {
                record.state = State::Alike;
            }
            record.group = place.group;
            Ok(record)
        })
    }
}

/// A file to observe, with its number in the order of the walk and the key under which its observation is kept.
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) key: Option<Key>,
}

/// A file observed.
pub(crate) struct Answered {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) observed: Sheaf,
    /// Where to keep it; `None` when it came from there, or must not be kept.
    pub(crate) keep_under: Option<Key>,
}

/// Scans. Output is the same whatever the number of workers, and whatever was kept.
///
/// # Errors
/// [`ScanError`] when records cannot be spooled.
pub fn scan(options: &ScanOptions, context: ScanContext<'_>) -> Result<Scanned, ScanError> {
    let ScanContext { snapshot, start, keep, cancel, progress, tick } = context;
    let workers = options.workers.max(1);
    let (jobs, job_queue) = bounded::<Job>(workers * 4);
    let (results, result_queue) = bounded::<Answered>(64);
    let mut gatherer = Gatherer::new(snapshot, options.appraise, keep).map_err(ScanError::Spool)?;
    let reader = if options.rehash { None } else { gatherer.keep.as_ref().and_then(|keep| keep.reader()) };
    let keeping = gatherer.keep.is_some();
    std::thread::scope(|scope| -> Result<(), ScanError> {
        scope.spawn(|| count(options, cancel, progress));
        let early = results.clone();
        scope.spawn(move || dispatch(options, keeping, reader, cancel, &jobs, &early));
        for _ in 0..workers {
            let (start, queue, results) = (start.clone(), job_queue.clone(), results.clone());
            scope.spawn(move || work(options, start, &queue, &results, cancel, progress));
        }
        drop((results, job_queue));
        let gathered = gatherer.gather(&result_queue, progress, tick);
        if gathered.is_err() {
            cancel.store(true, Relaxed);
            // Let the others finish: their channel is drained until they hang up.
            while result_queue.recv().is_ok() {}
        }
        progress.finish_counting();
        gathered.map_err(ScanError::Spool)
    })?;
    finish(gatherer, cancel.load(Relaxed), progress, tick)
}

fn finish(
    gatherer: Gatherer<'_>,
    interrupted: bool,
    progress: &Progress,
    tick: &mut dyn FnMut(&Progress),
) -> Result<Scanned, ScanError> {
    let Gatherer { spool, items, walked, mut summary, reasons, not_kept, look_ups, .. } = gatherer;
    let mut numbered: Vec<(usize, TriageItem)> = items.into_iter().enumerate().collect();
    // Names that are not UTF-8 may look the same; then the walk's order holds, whichever worker was first.
    numbered.sort_by(|(a, one), (b, other)| {
        one.path().cmp(other.path()).then_with(|| (walked[*a], a).cmp(&(walked[*b], b)))
    });
    drop(walked);
    let (numbers, items): (Vec<_>, Vec<_>) = numbered.into_iter().unzip();
    progress.start_grouping();
    let triaged = triage(&items, &TriageOptions::default(), &mut |_| tick(progress));
    let mut order: Vec<_> =
        numbers.into_iter().map(|number| Place { number, alike: false, group: None }).collect();
    for (place, group) in order.iter_mut().zip(&triaged.group_of) {
        place.group = *group;
    }
    for (index, place) in order.iter_mut().enumerate() {
        place.alike = triaged.alike.contains(&index);
    }
    summary.alike = triaged.alike.len() as u64;
    summary.examined = summary.examined.saturating_sub(summary.alike);
    summary.groups = triaged.groups.len() as u64;
    summary.exposures_saved = triaged.groups.iter().map(|group| group.exposures_saved).sum();
    summary.exposures_needed =
        triaged.groups.iter().map(|group| group.members.len() as u64 - group.exposures_saved).sum();
    summary.interrupted = interrupted;
    summary.not_reached =
        if interrupted { progress.files_found().saturating_sub(progress.files_done()) } else { 0 };
    summary.unreadable_reasons = reasons.into_iter().collect();
    let records = spool.finish().map_err(ScanError::Spool)?;
    Ok(Scanned { summary, groups: triaged.groups, not_kept, look_ups, records, order })
}

/// Counts what there is, ahead of the others, for rate and ETA.
pub(crate) fn count(options: &ScanOptions, cancel: &AtomicBool, progress: &Progress) {
    walk(&options.roots, &options.walk, &mut |step| {
        progress.found(match step {
            Step::File { size_bytes, .. } => size_bytes,
            Step::Trouble { .. } => 0,
        });
        if cancel.load(Relaxed) || progress.is_counted() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    progress.finish_counting();
}

/// Walks, and sends each file to a worker, or straight on when its observation was kept.
fn dispatch(
    options: &ScanOptions,
    keeping: bool,
    mut reader: Option<crate::keep::Reader>,
    cancel: &AtomicBool,
    jobs: &Sender<Job>,
    results: &Sender<Answered>,
) {
    let words = options.observe.fingerprint();
    // Thumbnails, grey copies and local features are never kept: pictures are read again for them.
    let passing = options.observe.thumbnail.is_some() || !options.observe.parts.is_none();
    let enough = |observed: &Sheaf| !passing || !observed.has_pictures();
    let mut numbers = 0..;
    walk(&options.roots, &options.walk, &mut |step| {
        if cancel.load(Relaxed) {
            return ControlFlow::Break(());
        }
        let number = numbers.next().unwrap_or(u64::MAX);
        let sent = match step {
            Step::Trouble { path, why } => {
                let observation = Observation { unreadable: Some(why), ..Observation::default() };
                let observed = Sheaf::one(observation);
                results.send(Answered { number, path, observed, keep_under: None }).is_ok()
            }
            Step::File { path, size_bytes, mtime_ns } => {
                let key = keeping.then(|| Key::new(&path, size_bytes, mtime_ns, &words));
                match key.as_ref().and_then(|key| reader.as_mut()?.look_up(key)).filter(enough) {
                    Some(observed) => {
                        results.send(Answered { number, path, observed, keep_under: None }).is_ok()
                    }
                    None => jobs.send(Job { number, path, key }).is_ok(),
                }
            }
        };
        if sent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

pub(crate) fn work(
    options: &ScanOptions,
    start: Start,
    queue: &Receiver<Job>,
    results: &Sender<Answered>,
    cancel: &AtomicBool,
    progress: &Progress,
) {
    let mut observer = Observer::new(start, options.observe.clone(), options.deadline);
    for job in queue {
        if cancel.load(Relaxed) {
            continue;
        }
        let observed = observer.observe_file(&job.path);
        progress.read(observed.file().map_or(0, |file| file.observation.size_bytes));
        let Job { number, path, key } = job;
        let keep_under = key.filter(|_| !observed.is_passing());
        if results.send(Answered { number, path, observed, keep_under }).is_err() {
            return;
        }
    }
}

/// The one place that writes: matches, spools, keeps.
struct Gatherer<'a> {
    snapshot: &'a Snapshot,
    options: AppraiseOptions,
    keep: Option<&'a mut Keep>,
    not_kept: Option<String>,
    waiting: Vec<Seen>,
    spool: Spool,
    items: Vec<TriageItem>,
    /// For each item, its file's number in the order of the walk.
    walked: Vec<u64>,
    summary: Summary,
    look_ups: LookUps,
    reasons: std::collections::BTreeMap<String, u64>,
}

/// Files matched in one batch of queries.
const BATCH: usize = 64;

impl<'a> Gatherer<'a> {
    fn new(snapshot: &'a Snapshot, options: AppraiseOptions, keep: Option<&'a mut Keep>) -> io::Result<Self> {
        Ok(Self {
            snapshot,
            options,
            keep,
            not_kept: None,
            waiting: Vec::new(),
            spool: Spool::new()?,
            items: Vec::new(),
            walked: Vec::new(),
            summary: Summary::default(),
            look_ups: LookUps::default(),
            reasons: Default::default(),
        })
    }

    fn gather(
        &mut self,
        queue: &Receiver<Answered>,
        progress: &Progress,
        tick: &mut dyn FnMut(&Progress),
    ) -> io::Result<()> {
        loop {
            match queue.recv_timeout(Duration::from_millis(200)) {
                Ok(result) => {
                    progress.done();
                    self.take(result)?;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.appraise()?;
                    self.commit();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tick(progress);
        }
        self.appraise()?;
        self.commit();
        Ok(())
    }

    fn take(&mut self, result: Answered) -> io::Result<()> {
        let Answered { number, path, mut observed, keep_under } = result;
        if let (Some(keep), Some(key)) = (&mut self.keep, keep_under) {
            let kept = keep.put(key, &mut observed);
            if let Err(error) = kept {
                self.not_kept.get_or_insert(error.to_string());
            }
        }
        observed.each(|one| {
            if one.member.is_none() {
                self.summary.bytes += one.observation.size_bytes;
            }
            let (path, bytes_hex) = full_path(&path, one.member);
            self.waiting.push((path, bytes_hex, one.observation));
            self.walked.push(number);
            if self.waiting.len() >= BATCH { self.appraise() } else { Ok(()) }
        })
    }

    fn commit(&mut self) {
        if let Some(keep) = &mut self.keep
            && let Err(error) = keep.commit()
        {
            self.not_kept.get_or_insert(error.to_string());
        }
    }

    fn appraise(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        for record in appraise(self.snapshot, self.options, waiting, &mut self.look_ups) {
            self.summary.files += 1;
            match record.state {
                State::Known => self.summary.known += 1,
                State::Derived => self.summary.derived += 1,
                State::KnownGood => self.summary.known_good += 1,
                State::Alike => self.summary.alike += 1,
                State::Examined => self.summary.examined += 1,
                State::Unreadable => self.summary.unreadable += 1,
            }
            let counts = record.matches.iter().filter(|one| one.makes_derived());
            let is_unsupported = record.state == State::Derived && counts.clone().all(Match::lacks_support);
            self.summary.unsupported += u64::from(is_unsupported);
            let picture = record.observation.picture.as_ref();
            self.summary.partial += u64::from(picture.is_some_and(|picture| picture.partial.is_some()));
            if let (State::Unreadable, Some(why)) = (record.state, &record.observation.unreadable) {
                let stage = serde_json::to_value(why.stage).ok();
                let stage = stage.as_ref().and_then(|v| v.as_str()).unwrap_or("?");
                *self.reasons.entry(format!("{stage}/{}", why.reason)).or_default() += 1;
            }
            self.items.push(TriageItem::from_record(&record));
            self.spool.push(&record)?;
        }
        Ok(())
    }
}

/// A file's or a member's path as text, members after `!/`; and the hexadecimal of its bytes when that loses something.
pub fn full_path(path: &Path, member: Option<crate::observer::Member>) -> (String, Option<String>) {
    let (text, bytes_hex) = path_text(path);
    let Some(member) = member else { return (text, bytes_hex) };
    let whole = format!("{text}!/{}", member.name);
    if bytes_hex.is_none() && member.bytes_hex.is_none() {
        return (whole, None);
    }
    let hex = |text: &str| lodestone_types::hex::encode(text.as_bytes());
    let outer = bytes_hex.unwrap_or_else(|| hex(&text));
    let inner = member.bytes_hex.unwrap_or_else(|| hex(&member.name));
    (whole, Some(format!("{outer}{}{inner}", hex("!/"))))
}
