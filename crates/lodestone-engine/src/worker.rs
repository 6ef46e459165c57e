//! The worker's side of observing: a request in, observations out, one after the other, members after their archive.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use lodestone_hash::Digester;
use lodestone_media::archive::{self, Budget};
use lodestone_media::{Error, Format, Limits, identify, segments};
use lodestone_provenance::structure::Learner;
use lodestone_provenance::{Kit, KitError};
use lodestone_sandbox::{Answers, Job};
use lodestone_types::{Observation, Stage, Unreadable, hex};

use crate::kit::KitFiles;
use crate::observe::{Eye, digests};
use crate::observer::{Answer, Begin, Member, Request, Task};
use crate::options::ObserveOptions;

/// Runs as a worker process until the parent hangs up.
///
/// # Errors
/// When limits cannot be applied or the pipe breaks.
pub fn serve(memory_bytes: u64) -> io::Result<()> {
    let mut service = Service::default();
    lodestone_sandbox::serve(memory_bytes, |job| service.answer(job))
}

/// What a worker process keeps between jobs: what the examiners bring, loaded once, and the eyes that use it.
#[derive(Default)]
pub struct Service {
    kit: Option<(KitFiles, Arc<Kit>)>,
    eyes: Vec<Eye>,
    learner: Option<Learner>,
}

/// Eyes kept: a server asks for two kinds of observation in turn.
const EYES: usize = 2;

impl Service {
    /// Answers one job.
    ///
    /// # Errors
    /// When the request is not one of ours, the kit cannot be loaded, or the pipe breaks: the process is of no more use.
    pub fn answer(&mut self, job: Job) -> io::Result<()> {
        let request: Request = serde_json::from_slice(&job.request).map_err(io::Error::from)?;
        match &request.task {
            Task::Observe | Task::Kit => {}
            Task::Learn { title, label } => {
                let learner = self.learner.get_or_insert_with(|| Learner::new(title, Some(label)));
                return learn(job, request.options.max_bytes, learner);
            }
            Task::Learned { date } => {
                let learner = self.learner.take();
                let signatures = learner.as_ref().map_or(0, |learner| learner.len() as u64);
                let text = learner.map_or_else(String::new, |learner| learner.finish(date));
                let database = Answer::Database { text, signatures };
                return job.answers().emit(&serde_json::to_vec(&database)?);
            }
        }
        let eye = self.eye(&request.options);
        if request.task == Task::Kit {
            let told = eye.as_ref().map(|eye| eye.kit()).map_err(ToString::to_string);
            job.answers().emit(&serde_json::to_vec(&Answer::Kit(told))?)?;
            // It was asked for first: without it, no job is taken.
            return eye.map(drop).map_err(io::Error::other);
        }
        let eye = eye.map_err(io::Error::other)?;
        let budget = Budget::new(&unpacking(request.options.limits(), job.bytes.size()));
        let mut answers = job.answers();
        let announced = usize::try_from(job.bytes.size()).unwrap_or(usize::MAX).min(FIRST);
        let answers = &mut answers;
        Run { eye, request: &request, answers, budget: &budget, announced, next: 0, broken: None }.whole(job)
    }

    /// The eye for these options. What it brings is read before the first byte of an item: afterwards no file can be.
    fn eye(&mut self, options: &ObserveOptions) -> Result<&mut Eye, KitError> {
        let place = match self.eyes.iter().position(|eye| eye.options() == options) {
            Some(place) => place,
            None => {
                let kit = match &self.kit {
                    Some((files, kit)) if *files == options.kit => Arc::clone(kit),
                    _ => Arc::new(Kit::load(&options.kit.sources)?),
                };
                self.kit = Some((options.kit.clone(), Arc::clone(&kit)));
                if self.eyes.len() >= EYES {
                    self.eyes.remove(0);
                }
                self.eyes.push(Eye::with(options, kit));
                self.eyes.len() - 1
            }
        };
        Ok(&mut self.eyes[place])
    }
}

/// Takes one file's structure in; says why not where it has none.
fn learn(job: Job, max_bytes: u64, learner: &mut Learner) -> io::Result<()> {
    let (mut answers, mut bytes) = (job.answers(), Vec::new());
    let read = job.bytes.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes);
    let told = match read {
        Err(error) => Err(format!("cannot be read ({error})")),
        Ok(_) if bytes.len() as u64 > max_bytes => Err(format!("larger than {max_bytes} bytes")),
        Ok(_) => learner.add(&segments::scan(&bytes)).map_err(|refusal| refusal.to_string()),
    };
    answers.emit(&serde_json::to_vec(&Answer::Learnt(told))?)
}

/// Bytes that may come out of an archive for each byte of it, all nested ones counted in. Pictures hardly shrink and text
/// shrinks to a tenth or a fiftieth; beyond 200 there is padding, or a bomb made to waste hours.
const MAX_EXPANSION: u64 = 200;
/// Bytes that may come out of the smallest archive.
const ALWAYS_UNPACKED: u64 = 256 << 20;

/// The limits for a file of this size: an archive that expands like a bomb is refused long before `max_unpacked`.
fn unpacking(limits: Limits, size_bytes: u64) -> Limits {
    let by_size = size_bytes.saturating_mul(MAX_EXPANSION).max(ALWAYS_UNPACKED);
    Limits { max_unpacked: limits.max_unpacked.min(by_size), ..limits }
}

/// One request being answered. Items are numbered as they are met; the order is the same each time.
struct Run<'a> {
    eye: &'a mut Eye,
    request: &'a Request,
    answers: &'a mut Answers,
    budget: &'a Budget,
    /// Size of the file as the parent says, at most [`FIRST`].
    announced: usize,
    next: u64,
    broken: Option<io::Error>,
}

/// Bytes of one item after which the deadline starts again: a disk image of hundreds of gigabytes is digested too.
const BEAT: u64 = 64 << 20;

/// Bytes read at a time.
const STEP: usize = 1 << 18;

/// Room made at once for a file whose size is known.
const FIRST: usize = 1 << 20;

/// What an item's bytes were read into.
#[derive(Default)]
struct Bytes {
    /// All of them, or the first [`ObserveOptions::max_bytes`](crate::ObserveOptions).
    held: Vec<u8>,
    size_bytes: u64,
    digester: Digester,
    /// Why they ended early.
    cut: Option<Error>,
}

impl Run<'_> {
    fn whole(mut self, job: Job) -> io::Result<()> {
        let mut source = job.bytes;
        let Some(bytes) = self.item(None, &mut source)? else { return Ok(()) };
        let Some(format) = archive_format(&bytes.held) else { return Ok(()) };
        if !self.descends(0) {
            return Ok(());
        }
        drop(bytes);
        source.seek(SeekFrom::Start(0))?;
        let ended = self.archive(&mut source, format, "", 0);
        self.ended(0, ended)
    }

    /// Reads and answers one item, unless it is answered already. Gives its bytes back for walking into.
    fn item(&mut self, member: Option<Member>, content: &mut dyn Read) -> io::Result<Option<Bytes>> {
        let number = self.next;
        self.next += 1;
        if self.request.leave.contains(&number) {
            return Ok(None);
        }
        // Said of answered items too: going over them takes time.
        if !self.request.once {
            self.say_begin(number, member.clone())?;
        }
        if number < self.request.from {
            return self.answered(number, member.as_ref(), content);
        }
        let mut bytes = self.read(number, member.as_ref(), content)?;
        let observation = self.observed(number, member.is_none(), &mut bytes);
        self.say(&Answer::Seen { number, member, observation: Box::new(observation) })?;
        Ok(Some(bytes))
    }

    /// Goes over an item that was answered by a worker before: only an archive's bytes are of use still.
    fn answered(
        &mut self,
        number: u64,
        member: Option<&Member>,
        content: &mut dyn Read,
    ) -> io::Result<Option<Bytes>> {
        let mut head = Vec::new();
        // An error here comes again when the rest is read.
        let _ = Read::take(&mut *content, 1024).read_to_end(&mut head);
        if archive_format(&head).is_none() || !self.descends(number) {
            return Ok(None);
        }
        if member.is_none() {
            return Ok(Some(Bytes { held: head, ..Bytes::default() }));
        }
        self.read(number, member, &mut Cursor::new(head).chain(content)).map(Some)
    }

    /// Reads to the end: digests everything, holds at most as many bytes as a file may have in memory.
    fn read(&mut self, number: u64, member: Option<&Member>, content: &mut dyn Read) -> io::Result<Bytes> {
        let mut bytes = Bytes::default();
        let max = usize::try_from(self.eye.options().max_bytes).unwrap_or(usize::MAX);
        if number == 0 {
            bytes.held.reserve_exact(self.announced.min(max));
        }
        let mut beyond = Vec::new();
        let mut next_beat = BEAT;
        loop {
            // Straight to where they are held, as far as there is room; the rest is digested only.
            let room = max.saturating_sub(bytes.held.len());
            let into = if room > 0 { &mut bytes.held } else { &mut beyond };
            let before = into.len();
            let step = if room > 0 { room.min(STEP) } else { STEP };
            let read = Read::take(&mut *content, step as u64).read_to_end(into);
            let new = into.get(before..).unwrap_or_default();
            let n = new.len();
            if !self.request.undigested {
                bytes.digester.update(new);
            }
            beyond.clear();
            bytes.size_bytes += n as u64;
            match read {
                // Fewer than asked for: that was the end.
                Ok(_) if n < step => return Ok(bytes),
                Ok(_) => {}
                Err(error) => {
                    bytes.cut = Some(archive::read_error(&error));
                    return Ok(bytes);
                }
            }
            if bytes.size_bytes >= next_beat {
                next_beat = bytes.size_bytes + BEAT;
                self.say_begin(number, member.cloned())?;
            }
        }
    }

    fn observed(&mut self, number: u64, is_file: bool, bytes: &mut Bytes) -> Observation {
        let format = identify(&bytes.held);
        let digester = std::mem::take(&mut bytes.digester);
        let digests = (!self.request.undigested).then(|| digests(digester));
        let mut seen = Observation {
            size_bytes: bytes.size_bytes,
            digests,
            format: format.map(|format| format.as_str().to_owned()),
            ..Observation::default()
        };
        if let Some(why) = &bytes.cut {
            // Not the whole item: its digests would be another's. A picture that breaks off is still looked at.
            let stage = if is_file { Stage::Read } else { Stage::Unpack };
            let why = told(stage, why);
            if is_file || self.request.digest_only.contains(&number) {
                return Observation {
                    size_bytes: bytes.size_bytes,
                    unreadable: Some(why),
                    ..Observation::default()
                };
            }
            seen = self.eye.observe_digested(&bytes.held, digests, None);
            seen.digests = None;
            match &mut seen.picture {
                Some(picture) => picture.partial = Some(why.detail),
                None => seen.unreadable = Some(why),
            }
            return seen;
        }
        if self.request.digest_only.contains(&number) {
            return seen;
        }
        if bytes.size_bytes > bytes.held.len() as u64 {
            // Too big to hold: digests only. An archive is walked all the same.
            if !format.is_some_and(Format::is_archive) || !is_file {
                let limit = self.eye.options().max_bytes;
                let (stage, reason, detail) = match format.filter(|format| !format.is_video()) {
                    None => (
                        Stage::Identify,
                        "unsupported",
                        "no picture or archive that this build reads".to_owned(),
                    ),
                    Some(_) => (Stage::Decode, "too_many_bytes", format!("larger than {limit} bytes")),
                };
                seen.unreadable = Some(Unreadable::new(stage, reason, detail));
            }
            return seen;
        }
        let sidecar = self.request.sidecar.as_deref().filter(|_| is_file);
        self.eye.observe_digested(&bytes.held, digests, sidecar)
    }

    fn descends(&self, number: u64) -> bool {
        self.eye.options().archives && !self.request.digest_only.contains(&number)
    }

    /// Walks an archive whose own name is `prefix` (empty for the file itself).
    fn archive(
        &mut self,
        reader: &mut (impl Read + Seek),
        format: Format,
        prefix: &str,
        depth: u32,
    ) -> Result<(), Error> {
        let budget = self.budget;
        let mut inner = Ok(());
        let walked = archive::walk(reader, format, depth, budget, 0, &mut |member| {
            if format == Format::Gzip {
                self.gzip(member, prefix, depth, &mut inner)
            } else {
                self.member(member, prefix, depth)
            }
        });
        walked.and(inner)
    }

    /// The one member of a gzip file: when it is a tar, its members stand for it.
    fn gzip(
        &mut self,
        member: archive::Member<'_>,
        prefix: &str,
        depth: u32,
        inner: &mut Result<(), Error>,
    ) -> ControlFlow<()> {
        let archive::Member { index, name, raw_name, size, content } = member;
        let content = match content {
            Ok(content) => content,
            Err(error) => {
                return self.member(
                    archive::Member { index, name, raw_name, size, content: Err(error) },
                    prefix,
                    depth,
                );
            }
        };
        let mut head = Vec::new();
        // An error here comes again when the rest is read.
        let _ = Read::take(&mut *content, 1024).read_to_end(&mut head);
        let is_tar = identify(&head) == Some(Format::Tar);
        let mut content = Cursor::new(head).chain(content);
        if !is_tar {
            let content: Result<&mut dyn Read, Error> = Ok(&mut content);
            return self.member(archive::Member { index, name, raw_name, size, content }, prefix, depth);
        }
        let budget = self.budget;
        *inner = archive::walk_stream(&mut content, Format::Tar, depth + 1, budget, 0, &mut |member| {
            self.member(member, prefix, depth + 1)
        });
        self.flow()
    }

    fn member(&mut self, member: archive::Member<'_>, prefix: &str, depth: u32) -> ControlFlow<()> {
        let name = if prefix.is_empty() { member.name } else { format!("{prefix}!/{}", member.name) };
        let named = Member { name: name.clone(), bytes_hex: member.raw_name.map(|raw| hex::encode(&raw)) };
        let number = self.next;
        let done = match member.content {
            Err(error) => self.closed(named, &error),
            Ok(content) => self.item(Some(named), content).and_then(|bytes| {
                let Some(bytes) = bytes else { return Ok(()) };
                let whole = bytes.cut.is_none() && bytes.size_bytes == bytes.held.len() as u64;
                match archive_format(&bytes.held) {
                    Some(format) if whole && self.descends(number) => {
                        let ended = self.archive(&mut Cursor::new(bytes.held), format, &name, depth + 1);
                        self.ended(number, ended)
                    }
                    _ => Ok(()),
                }
            }),
        };
        if let Err(error) = done {
            self.broken.get_or_insert(error);
        }
        self.flow()
    }

    /// A member that cannot be opened: encrypted, a link, packed in an unknown way.
    fn closed(&mut self, member: Member, error: &Error) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        if number < self.request.from {
            return Ok(());
        }
        self.say_begin(number, Some(member.clone()))?;
        let why = told(Stage::Unpack, error);
        let observation = Box::new(Observation { unreadable: Some(why), ..Observation::default() });
        self.say(&Answer::Seen { number, member: Some(member), observation })
    }

    fn ended(&mut self, number: u64, ended: Result<(), Error>) -> io::Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        match ended {
            Ok(()) => Ok(()),
            Err(error) => self.say(&Answer::Amend { number, why: told(Stage::Unpack, &error) }),
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn say_begin(&mut self, number: u64, member: Option<Member>) -> io::Result<()> {
        self.answers.begin(&serde_json::to_vec(&Begin { number, member })?)
    }

    fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let answer = serde_json::to_vec(answer)?;
        if self.request.once { self.answers.emit_last(&answer) } else { self.answers.emit(&answer) }
    }
}

fn archive_format(head: &[u8]) -> Option<Format> {
    identify(head).filter(|format| format.is_archive())
}

/// Why something in a file could not be read. The disk's or the network's errors are no fault of the archive.
fn told(stage: Stage, error: &Error) -> Unreadable {
    let stage = if matches!(error, Error::Io(_)) { Stage::Read } else { stage };
    Unreadable::new(stage, error.reason(), error.to_string())
}
