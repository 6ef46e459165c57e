//! The parent's side of observing: one worker process, and what becomes of a file when it dies.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use lodestone_sandbox::{Event, Limits, Outcome, Source, Start, Worker};
use lodestone_types::{Observation, Stage, Unreadable};
use serde::{Deserialize, Serialize};

use crate::options::ObserveOptions;
use crate::sheaf::Sheaf;
use crate::walk::io_reason;

/// What a worker is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) options: ObserveOptions,
    /// Items before this number were answered already (item 0 is the file, members follow as they are met).
    pub(crate) from: u64,
    /// Items that a worker died over: digests only.
    pub(crate) digest_only: Vec<u64>,
    /// Items that a worker died over even so: left alone.
    pub(crate) leave: Vec<u64>,
    /// Text that stands beside the file.
    pub(crate) sidecar: Option<String>,
    /// One item, looked at once: steps are not told, since nobody would take up where a worker died.
    #[serde(default)]
    pub(crate) once: bool,
    /// No digests: nobody asks for exact bytes.
    #[serde(default)]
    pub(crate) undigested: bool,
    pub(crate) task: Task,
}

/// What is to be done with an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// It is observed.
    #[default]
    Observe,
    /// There is none: the worker says what its examiners bring.
    Kit,
    /// Its structure is added to what this worker has learnt.
    Learn { title: String, label: String },
    /// There is none: the worker hands over what it has learnt.
    Learned { date: String },
}

impl Request {
    pub(crate) fn new(options: &ObserveOptions) -> Self {
        Self {
            options: options.clone(),
            from: 0,
            digest_only: Vec::new(),
            leave: Vec::new(),
            sidecar: None,
            once: false,
            undigested: false,
            task: Task::Observe,
        }
    }
}

/// A step that a worker begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) number: u64,
    pub(crate) member: Option<Member>,
}

/// A member of an archive: its name with its archives' before it, joined by `!/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// As text; lossy where it is not UTF-8.
    pub name: String,
    /// Hexadecimal of the bytes, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_hex: Option<String>,
}

/// What a worker answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// An item was observed.
    Seen { number: u64, member: Option<Member>, observation: Box<Observation> },
    /// An archive observed before could not be read to its end.
    Amend { number: u64, why: Unreadable },
    /// What the examiners bring, one line each, or why it cannot be used.
    Kit(Result<Vec<String>, String>),
    /// A file was learnt from, or why not.
    Learnt(Result<(), String>),
    /// What was learnt, as a database file.
    Database { text: String, signatures: u64 },
}

/// What the operator brings for the examiners cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KitRefused(pub String);

/// One file, or one member of it, observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The member; `None` for the file itself.
    pub member: Option<Member>,
    /// What it says of itself.
    pub observation: Observation,
}

/// Deaths over one file after which the rest of it is given up, and said so.
const MAX_DEATHS: usize = 64;
/// Deaths over one file that no item of it explains (the system ended the process) after which it is given up.
const MAX_STRAY_DEATHS: usize = 2;

/// Observes files in a worker process. One per thread.
pub struct Observer {
    worker: Worker,
    options: ObserveOptions,
}

impl Observer {
    /// An observer whose worker is started by `start` when first needed.
    pub fn new(start: Start, options: ObserveOptions, deadline: Duration) -> Self {
        let limits = Limits { memory_bytes: options.worker_memory_bytes(), deadline, ..Limits::default() };
        Self { worker: Worker::new(start, limits), options }
    }

    /// Has a worker load what the examiners bring, and says what it is: a line for each trust list, structure database
    /// and model, with its digest. Files from elsewhere are parsed and models run in the worker only.
    ///
    /// # Errors
    /// [`KitRefused`] when something cannot be loaded, with the reason: a damaged list, a model whose golden scores differ.
    pub fn kit(&mut self) -> Result<Vec<String>, KitRefused> {
        let request = Request { task: Task::Kit, ..Request::new(&self.options) };
        let text = serde_json::to_vec(&request).map_err(|error| KitRefused(error.to_string()))?;
        let mut told = None;
        let outcome = self.worker.run(&text, &mut &[][..], &mut |event| {
            if let Event::Emit(answer) = event
                && let Ok(Answer::Kit(kit)) = serde_json::from_slice(&answer)
            {
                told = Some(kit);
            }
        });
        match (told, death(&outcome, self.options.worker_memory_bytes())) {
            (Some(kit), _) => kit.map_err(KitRefused),
            (None, Some(why)) => Err(KitRefused(format!("loading what examiners bring: {}", why.detail))),
            (None, None) => Err(KitRefused("the worker did not say what its examiners bring".to_owned())),
        }
    }

    /// Observes a file on disk: itself first, then its members if it is an archive. Never fails: what cannot be read is
    /// an observation that says so.
    pub fn observe_file(&mut self, path: &Path) -> Sheaf {
        match OpenFile::open(path) {
            Ok(mut file) => {
                let sidecar = if self.options.sidecars { crate::sidecar::beside(path) } else { None };
                let mut seen = self.observe(&mut file, sidecar);
                if file.changed() {
                    seen.changed();
                }
                seen
            }
            Err(error) => {
                let why = Unreadable::new(Stage::Read, io_reason(&error), error.to_string());
                Sheaf::one(unreadable(0, why))
            }
        }
    }

    /// Observes bytes in memory.
    pub fn observe_bytes(&mut self, mut bytes: &[u8]) -> Sheaf {
        self.observe(&mut bytes, None)
    }

    /// Observes bytes by these options, itself only: archives stay shut, and nothing is tried twice. The digests are there
    /// whatever became of the worker; with `undigested`, only where it ended.
    pub(crate) fn look(&mut self, mut bytes: &[u8], options: &ObserveOptions, undigested: bool) -> Looked {
        let size_bytes = bytes.len() as u64;
        let mut state = State { max_items: 1, ..State::default() };
        let request = Request { once: !options.archives, undigested, ..Request::new(options) };
        let outcome = match serde_json::to_vec(&request) {
            Ok(text) => self.worker.run(&text, &mut bytes, &mut |event| {
                if let Event::Emit(answer) = event {
                    state.take(&answer);
                }
            }),
            Err(error) => Outcome::NotStarted(error.to_string()),
        };
        let death = death(&outcome, self.options.worker_memory_bytes());
        if state.next == 0
            && let Some(why) = &death
        {
            state.push(0, None, unreadable(size_bytes, why.clone()));
        }
        let file = state.finish().file().map(|file| file.observation.clone());
        let mut observation = file.unwrap_or_default();
        if observation.digests.is_none() && (!undigested || death.is_some()) {
            observation.size_bytes = size_bytes;
            observation.digests = Some(crate::observe::digests_of(bytes));
        }
        Looked { observation, death }
    }

    /// The worker there is.
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Ends the worker's process; the next job starts another.
    pub(crate) fn stop(&mut self) {
        self.worker.stop();
    }

    fn observe(&mut self, source: &mut dyn Source, sidecar: Option<String>) -> Sheaf {
        let size_bytes = source.size();
        let mut state = State { max_items: self.options.max_members.saturating_add(1), ..State::default() };
        let mut request = Request { sidecar, ..Request::new(&self.options) };
        for deaths in 0.. {
            let Ok(text) = serde_json::to_vec(&request) else { break };
            let mut began: Option<Begin> = None;
            let outcome = self.worker.run(&text, source, &mut |event| match event {
                Event::Begin(begin) => began = serde_json::from_slice(&begin).ok().or(began.take()),
                Event::Emit(answer) => state.take(&answer),
            });
            let Some(why) = death(&outcome, self.options.worker_memory_bytes()) else { break };
            if matches!(outcome, Outcome::NotStarted(_)) || deaths >= MAX_DEATHS {
                state.give_up(size_bytes, why);
                break;
            }
            if !state.died(&mut request, began, size_bytes, why) {
                break;
            }
        }
        state.finish()
    }
}

/// What one look gave.
pub(crate) struct Looked {
    /// With digests, unless they were not wanted.
    pub(crate) observation: Observation,
    /// How the worker ended, if it did.
    pub(crate) death: Option<Unreadable>,
}

fn size_if_file(number: u64, size_bytes: u64) -> u64 {
    if number == 0 { size_bytes } else { 0 }
}

fn unreadable(size_bytes: u64, why: Unreadable) -> Observation {
    Observation { size_bytes, unreadable: Some(why), ..Observation::default() }
}

pub(crate) fn death(outcome: &Outcome, memory_bytes: u64) -> Option<Unreadable> {
    let (reason, detail) = match outcome {
        Outcome::Done => return None,
        Outcome::Crashed { detail } => ("crash", format!("the worker process ended: {detail}")),
        Outcome::OutOfMemory => ("memory", format!("the worker needed more than {} MiB", memory_bytes >> 20)),
        Outcome::TimedOut => ("timeout", "the worker did not finish before its deadline".to_owned()),
        Outcome::NotStarted(error) => ("not_started", format!("no worker process could be started: {error}")),
    };
    Some(Unreadable::new(Stage::Worker, reason, detail))
}

/// Answers gathered over one file, across workers. Item number `n` is the `n`th of `seen`.
#[derive(Default)]
struct State {
    seen: Sheaf,
    next: u64,
    /// More than this no honest worker answers.
    max_items: u64,
    last_is_archive: bool,
    deaths: Vec<(u64, Unreadable)>,
    stray_deaths: usize,
}

impl State {
    fn take(&mut self, answer: &[u8]) {
        match serde_json::from_slice(answer) {
            Ok(Answer::Seen { number, member, mut observation })
                if number == self.next && number <= self.max_items =>
            {
                if let Some((_, why)) = self.deaths.iter().find(|(dead, _)| *dead == number) {
                    observation.unreadable = Some(why.clone());
                }
                self.push(number, member, *observation);
            }
            Ok(Answer::Amend { number, why }) if number < self.next => self.seen.amend(number, why),
            _ => {}
        }
    }

    fn push(&mut self, number: u64, member: Option<Member>, observation: Observation) {
        self.last_is_archive = matches!(observation.format.as_deref(), Some("zip" | "tar" | "gzip"));
        self.seen.push(Observed { member, observation });
        self.next = number + 1;
    }

    /// Makes of a death what the next worker is to do otherwise. `false`: nothing more is to be done.
    fn died(
        &mut self,
        request: &mut Request,
        began: Option<Begin>,
        size_bytes: u64,
        why: Unreadable,
    ) -> bool {
        match began {
            Some(Begin { number, member }) if number == self.next => {
                if request.digest_only.contains(&number) {
                    // Even reading its bytes ended the worker.
                    request.leave.push(number);
                    self.push(number, member, unreadable(size_if_file(number, size_bytes), why));
                } else {
                    request.digest_only.push(number);
                    self.deaths.push((number, why));
                }
            }
            // Answered, then walked into without coming to its first member: it is left shut.
            Some(Begin { number, .. })
                if number + 1 == self.next
                    && self.last_is_archive
                    && !request.digest_only.contains(&number) =>
            {
                request.digest_only.push(number);
                self.seen.amend(number, why);
            }
            // A single picture, answered: nothing is missing.
            Some(_) if self.next == 1 && !self.last_is_archive => return false,
            // Before its first step, or while it went over what is answered: no item explains it.
            _ if self.stray_deaths < MAX_STRAY_DEATHS => self.stray_deaths += 1,
            _ => {
                self.give_up(size_bytes, why);
                return false;
            }
        }
        request.from = self.next;
        true
    }

    /// What is left is given up, and the file says so.
    fn give_up(&mut self, size_bytes: u64, why: Unreadable) {
        if self.next == 0 {
            return self.push(0, None, unreadable(size_bytes, why));
        }
        let detail = format!("members from number {} on were not read: {}", self.next, why.detail);
        self.seen.give_up(Unreadable { detail, ..why });
    }

    fn finish(mut self) -> Sheaf {
        if self.next == 0 {
            let why = Unreadable::new(Stage::Worker, "crash", "the worker gave no answer");
            self.push(0, None, unreadable(0, why));
        }
        self.seen
    }
}

/// A file that workers are handed bytes of.
pub(crate) struct OpenFile {
    file: File,
    size: u64,
    modified: Option<std::time::SystemTime>,
    short: bool,
}

impl OpenFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // The kind first: opening a pipe would wait for ever.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        let meta = file.metadata()?;
        Ok(Self { file, size: meta.len(), modified: meta.modified().ok(), short: false })
    }

    fn changed(&self) -> bool {
        self.short
            || self
                .file
                .metadata()
                .is_ok_and(|meta| meta.len() != self.size || meta.modified().ok() != self.modified)
    }
}

impl Source for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(offset))?;
        let n = self.file.read(into)?;
        self.short |= n == 0 && offset < self.size;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that answers `items` (format of each) in order, as far as it is let, and dies where `dies` says:
    /// `(number, answered)`: at that item, before or after its answer.
    fn run(items: &[&str], dies: &dyn Fn(u64, bool, &Request) -> bool) -> Vec<(Option<String>, String)> {
        let options = ObserveOptions::default();
        let mut request = Request::new(&options);
        let mut state = State { max_items: 100, ..State::default() };
        let why = Unreadable::new(Stage::Worker, "crash", "");
        for _ in 0..50 {
            let mut began = None;
            let mut died = false;
            for (number, format) in (0u64..).zip(items) {
                if request.leave.contains(&number) {
                    continue;
                }
                let member = (number > 0).then(|| Member { name: format!("m{number}"), bytes_hex: None });
                began = Some(Begin { number, member: member.clone() });
                died = number >= request.from && dies(number, false, &request);
                if died {
                    break;
                }
                if number >= request.from {
                    let observation =
                        Observation { format: Some((*format).into()), ..Observation::default() };
                    let seen = Answer::Seen { number, member, observation: Box::new(observation) };
                    state.take(&serde_json::to_vec(&seen).unwrap());
                }
                died = dies(number, true, &request);
                if died {
                    break;
                }
            }
            if !died || !state.died(&mut request, began, 9, why.clone()) {
                break;
            }
        }
        let mut all = Vec::new();
        let each = |one: Observed| {
            let why = one.observation.unreadable.map_or_else(String::new, |why| why.reason);
            all.push((one.member.map(|member| member.name), why));
            io::Result::Ok(())
        };
        state.finish().each(each).unwrap();
        all
    }

    fn reasons(all: &[(Option<String>, String)]) -> Vec<&str> {
        all.iter().map(|(_, why)| why.as_str()).collect()
    }

    const ZIP: [&str; 4] = ["zip", "png", "zip", "png"];

    #[test]
    fn a_member_that_ends_its_worker_is_told_once_under_its_own_name() {
        let all = run(&ZIP, &|number, answered, request| {
            number == 1 && !answered && request.leave.is_empty() && !request.digest_only.contains(&1)
        });
        assert_eq!(reasons(&all), ["", "crash", "", ""]);
        let all = run(&ZIP, &|number, answered, _| number == 1 && !answered);
        assert_eq!(reasons(&all), ["", "crash", "", ""]);
        assert_eq!(all[1].0.as_deref(), Some("m1"));
    }

    #[test]
    fn an_archive_that_cannot_be_walked_is_left_shut_and_the_rest_goes_on() {
        let all = run(&ZIP, &|number, answered, request| {
            number == 2 && answered && !request.digest_only.contains(&2)
        });
        assert_eq!(reasons(&all), ["", "", "crash", ""]);
    }

    #[test]
    fn a_death_that_no_item_explains_gives_the_rest_up_and_invents_no_items() {
        let all = run(&ZIP, &|number, _, request| number == 1 && request.from > 1 || number == 3);
        assert_eq!(reasons(&all), ["crash", "", ""]);
        assert!(all[1..].iter().all(|(name, _)| name.is_some()));
    }

    #[test]
    fn a_worker_ended_after_its_only_answer_takes_nothing_away() {
        assert_eq!(reasons(&run(&["png"], &|_, answered, _| answered)), [""]);
    }

    #[test]
    fn a_worker_ended_before_its_first_step_is_tried_again_and_then_told() {
        let options = ObserveOptions::default();
        let mut request = Request::new(&options);
        let mut state = State::default();
        let why = Unreadable::new(Stage::Worker, "crash", "");
        assert!(state.died(&mut request, None, 9, why.clone()) && request.digest_only.is_empty());
        while state.died(&mut request, None, 9, why.clone()) {}
        let sheaf = state.finish();
        assert_eq!(sheaf.file().unwrap().observation.unreadable.as_ref().unwrap().reason, "crash");
    }
}
