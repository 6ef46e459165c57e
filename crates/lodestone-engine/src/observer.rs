//! The parent's side of observing: one worker process, and what becomes of a file when it dies.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use lodestone_sandbox::{Event, Limits, Outcome, Source, Start, Worker};
use lodestone_types::{Observation, Stage, Unreadable};
use serde::{Deserialize, Serialize};

use crate::options::ObserveOptions;
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
}

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

    /// Observes a file on disk: itself first, then its members if it is an archive. Never fails: what cannot be read is
    /// an observation that says so.
    pub fn observe_file(&mut self, path: &Path) -> Vec<Observed> {
        match OpenFile::open(path) {
            Ok(mut file) => {
                let mut seen = self.observe(&mut file);
                if file.changed() {
                    for one in &mut seen {
                        let why =
                            Unreadable::new(Stage::Read, "changed", "the file changed while it was read");
                        one.observation = Observation {
                            size_bytes: one.observation.size_bytes,
                            unreadable: Some(why),
                            ..Observation::default()
                        };
                    }
                }
                seen
            }
            Err(error) => vec![Observed {
                member: None,
                observation: unreadable(
                    0,
                    Unreadable::new(Stage::Read, io_reason(&error), error.to_string()),
                ),
            }],
        }
    }

    /// Observes bytes in memory.
    pub fn observe_bytes(&mut self, mut bytes: &[u8]) -> Vec<Observed> {
        self.observe(&mut bytes)
    }

    fn observe(&mut self, source: &mut dyn Source) -> Vec<Observed> {
        let size_bytes = source.size();
        let mut state = State::default();
        let mut request =
            Request { options: self.options.clone(), from: 0, digest_only: Vec::new(), leave: Vec::new() };
        for deaths in 0.. {
            let Ok(text) = serde_json::to_vec(&request) else { break };
            let mut began = None;
            let outcome = self.worker.run(&text, source, &mut |event| match event {
                Event::Begin(begin) => began = serde_json::from_slice::<Begin>(&begin).ok().or(began.take()),
                Event::Emit(answer) => state.take(&answer),
            });
            let Some(why) = death(&outcome, self.options.worker_memory_bytes()) else { break };
            let (number, member) = began.map_or((state.next, None), |begin| (begin.number, begin.member));
            if matches!(outcome, Outcome::NotStarted(_)) || deaths >= MAX_DEATHS || number < state.next {
                // Died outside any step, or too often: what is left is given up, and the file says so.
                state.give_up(number, size_bytes, why);
                break;
            }
            if request.digest_only.contains(&number) {
                // Even reading its bytes ended the worker.
                request.leave.push(number);
                state.push(number, member, unreadable(size_if_file(number, size_bytes), why));
            } else {
                request.digest_only.push(number);
                state.deaths.push((number, why));
            }
            request.from = state.next;
        }
        state.finish()
    }
}

fn size_if_file(number: u64, size_bytes: u64) -> u64 {
    if number == 0 { size_bytes } else { 0 }
}

fn unreadable(size_bytes: u64, why: Unreadable) -> Observation {
    Observation { size_bytes, unreadable: Some(why), ..Observation::default() }
}

fn death(outcome: &Outcome, memory_bytes: u64) -> Option<Unreadable> {
    let (reason, detail) = match outcome {
        Outcome::Done => return None,
        Outcome::Crashed { detail } => ("crash", format!("the worker process ended: {detail}")),
        Outcome::OutOfMemory => ("memory", format!("the worker needed more than {} MiB", memory_bytes >> 20)),
        Outcome::TimedOut => ("timeout", "the worker did not finish before its deadline".to_owned()),
        Outcome::NotStarted(error) => ("not_started", format!("no worker process could be started: {error}")),
    };
    Some(Unreadable::new(Stage::Worker, reason, detail))
}

/// Answers gathered over one file, across workers.
#[derive(Default)]
struct State {
    seen: Vec<Observed>,
    numbers: Vec<u64>,
    next: u64,
    deaths: Vec<(u64, Unreadable)>,
}

impl State {
    fn take(&mut self, answer: &[u8]) {
        match serde_json::from_slice(answer) {
            Ok(Answer::Seen { number, member, mut observation }) if number >= self.next => {
                if let Some((_, why)) = self.deaths.iter().find(|(dead, _)| *dead == number) {
                    observation.unreadable = Some(why.clone());
                }
                self.push(number, member, *observation);
            }
            Ok(Answer::Amend { number, why }) => {
                if let Some(at) = self.numbers.iter().position(|n| *n == number) {
                    self.seen[at].observation.unreadable.get_or_insert(why);
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, number: u64, member: Option<Member>, observation: Observation) {
        self.seen.push(Observed { member, observation });
        self.numbers.push(number);
        self.next = number + 1;
    }

    fn give_up(&mut self, number: u64, size_bytes: u64, why: Unreadable) {
        match self.seen.first_mut() {
            Some(file) => {
                let detail = format!("members from number {number} on were not read: {}", why.detail);
                file.observation.unreadable = Some(Unreadable { detail, ..why });
            }
            None => self.push(0, None, unreadable(size_bytes, why)),
        }
    }

    fn finish(mut self) -> Vec<Observed> {
        if self.seen.is_empty() {
            let why = Unreadable::new(Stage::Worker, "crash", "the worker gave no answer");
            self.push(0, None, unreadable(0, why));
        }
        self.seen
    }
}

struct OpenFile {
    file: File,
    size: u64,
    modified: Option<std::time::SystemTime>,
    short: bool,
}

impl OpenFile {
    fn open(path: &Path) -> io::Result<Self> {
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
