//! The parent's side: start a worker, hand it a job, give it bytes, watch the clock.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{CHUNK, Limits, frame, frame::Tag};

/// How a worker process is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program: usually this one.
    pub program: PathBuf,
    /// Its arguments; the worker has to call [`crate::serve`] with the same memory limit.
    pub arguments: Vec<OsString>,
}

/// Where a job's bytes come from.
pub trait Source {
    /// Size in bytes, announced to the worker.
    fn size(&self) -> u64;
    /// Fills `into` from `offset`; fewer bytes only at the end.
    ///
    /// # Errors
    /// What reading says; the worker is told.
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// What a worker says while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It begins a step.
    Begin(Vec<u8>),
    /// It hands over a value.
    Emit(Vec<u8>),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The worker finished it.
    Done,
    /// The worker ended: crashed, panicked, was killed. The last words it wrote are there for a log.
    Crashed {
        /// Exit status or signal, and the end of its standard error.
        detail: String,
    },
    /// The worker ran out of memory.
    OutOfMemory,
    /// A step took longer than its deadline; the worker was killed.
    TimedOut,
    /// No worker could be started.
    NotStarted(String),
}

/// The process there is, if any. Shared with whoever may end it.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Child>>>);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` while it runs.
    fn ended(&self) -> io::Result<Option<ExitStatus>> {
        self.lock().as_mut().map_or(Ok(None), Child::try_wait)
    }

    fn end(&self) -> io::Result<ExitStatus> {
        let mut child = self.lock().take().ok_or(io::ErrorKind::NotFound)?;
        let _ = child.kill();
        child.wait()
    }
}

/// Ends a worker's process from another thread, whatever it is doing; its job ends as crashed.
#[derive(Clone)]
pub struct Killer(Slot);

impl Killer {
    /// Ends the process there is now. A later job starts a new one.
    pub fn kill(&self) {
        if let Some(child) = self.0.lock().as_mut() {
            let _ = child.kill();
        }
    }

    /// Whether there is a process now.
    pub fn is_running(&self) -> bool {
        self.0.lock().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
}

struct Running {
    child: Slot,
    /// To the thread that writes: a worker that does not read blocks that thread and never the caller, whose deadline
    /// then ends it. Gone once the process is being ended.
    orders: Option<SyncSender<(Tag, Vec<u8>)>>,
    frames: Receiver<(Tag, Vec<u8>)>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    listener: Option<JoinHandle<()>>,
    others: [Option<JoinHandle<()>>; 2],
    jobs: u32,
}

/// One worker process, started when needed, replaced when it dies or has done its share.
pub struct Worker {
    start: Start,
    limits: Limits,
    child: Slot,
    running: Option<Running>,
    starts: u64,
}

const LAST_WORDS: usize = 4096;
const CHUNK_MAX: usize = 4 << 20;
/// How long a worker whose pipe is closed may take to end by itself.
const LAST_BREATH: Duration = Duration::from_secs(2);

impl Worker {
    /// A worker that is not started yet.
    pub fn new(start: Start, limits: Limits) -> Self {
        Self { start, limits, child: Slot::default(), running: None, starts: 0 }
    }

    /// Runs one job to its end. `on_event` sees what the worker says, in order.
    pub fn run(
        &mut self,
        request: &[u8],
        source: &mut dyn Source,
        on_event: &mut dyn FnMut(Event),
    ) -> Outcome {
        // The first bytes go along: a small item needs no question. One that cannot be read is told when it is asked for.
        let first = read_range(source, 0, CHUNK).unwrap_or_default();
        let mut job = source.size().to_le_bytes().to_vec();
        job.push(u8::from(!first.is_empty()));
        job.extend_from_slice(request);
        let first = (!first.is_empty()).then_some((Tag::Bytes, first));
        self.start_and_run([Some((Tag::Job, job)), first], source, on_event)
    }

    /// Has the worker do something that no item is needed for. `on_value` sees what it hands over.
    pub(crate) fn order(&mut self, tag: Tag, on_value: &mut dyn FnMut(&[u8])) -> Outcome {
        self.start_and_run([Some((tag, Vec::new())), None], &mut &[][..], &mut |event| {
            if let Event::Emit(value) = event {
                on_value(&value);
            }
        })
    }

    fn start_and_run(
        &mut self,
        orders: [Option<(Tag, Vec<u8>)>; 2],
        source: &mut dyn Source,
        on_event: &mut dyn FnMut(Event),
    ) -> Outcome {
        if !self.is_ready() {
            self.stop();
            self.starts += 1;
            match Running::start(&self.start, &self.child) {
                Ok(running) => self.running = Some(running),
                Err(error) => return Outcome::NotStarted(error.to_string()),
            }
        }
        let Some(running) = self.running.as_mut() else {
            return Outcome::NotStarted("no worker".to_owned());
        };
        let outcome = running.run(orders, source, self.limits.deadline, on_event);
        if outcome == Outcome::Done {
            running.jobs += 1;
        } else {
            self.running = None;
        }
        outcome
    }

    /// Whether the next job finds a process running: none was needed yet, the last one died (while idle, too) or has done
    /// its share.
    pub fn is_ready(&self) -> bool {
        let share = self.limits.jobs_per_worker;
        self.running.as_ref().is_some_and(|running| running.jobs < share)
            && matches!(self.child.ended(), Ok(None))
    }

    /// Processes started, or tried to, so far.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// A handle that ends the process from another thread.
    pub fn killer(&self) -> Killer {
        Killer(self.child.clone())
    }

    /// Ends the process; the next job starts a new one.
    pub fn stop(&mut self) {
        self.running = None;
    }
}

impl Running {
    fn start(start: &Start, slot: &Slot) -> io::Result<Self> {
        let mut command = Command::new(&start.program);
        command.args(&start.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Nothing of the parent's environment reaches it; a backtrace would push the message out of the last words.
        #[cfg(unix)]
        command.env_clear();
        command.env("RUST_BACKTRACE", "0");
        // Its own process group: Ctrl-C at the terminal reaches the parent, which lets the worker finish.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NEW_PROCESS_GROUP);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("no pipe to the worker");
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let mut stdout = child.stdout.take().ok_or_else(missing)?;
        let mut stderr = child.stderr.take().ok_or_else(missing)?;
        // The first bytes in one piece; a smaller pipe does too.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&stdin, CHUNK);
        *slot.lock() = Some(child);
        let (orders, queue) = sync_channel::<(Tag, Vec<u8>)>(2);
        let writer = std::thread::spawn(move || {
            for (tag, payload) in queue {
                if frame::write(&mut stdin, tag, &payload).is_err() {
                    break;
                }
            }
        });
        let (sender, frames) = sync_channel(4);
        let reader = std::thread::spawn(move || {
            let mut payload = Vec::new();
            while let Ok(Some(tag)) = frame::read(&mut stdout, &mut payload) {
                if sender.send((tag, std::mem::take(&mut payload))).is_err() {
                    break;
                }
            }
        });
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let words = Arc::clone(&last_words);
        let listener = std::thread::spawn(move || {
            let mut chunk = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut chunk) {
                let Ok(mut words) = words.lock() else { break };
                words.extend(&chunk[..n]);
                let surplus = words.len().saturating_sub(LAST_WORDS);
                words.drain(..surplus);
            }
        });
        Ok(Self {
            child: slot.clone(),
            orders: Some(orders),
            frames,
            last_words,
            listener: Some(listener),
            others: [Some(reader), Some(writer)],
            jobs: 0,
        })
    }

    fn run(
        &mut self,
        orders: [Option<(Tag, Vec<u8>)>; 2],
        source: &mut dyn Source,
        deadline: Duration,
        on_event: &mut dyn FnMut(Event),
    ) -> Outcome {
        for (tag, payload) in orders.into_iter().flatten() {
            if let Err(outcome) = self.order(tag, payload) {
                return outcome;
            }
        }
        let mut left = deadline;
        loop {
            let asked = Instant::now();
            let (tag, payload) = match self.frames.recv_timeout(left) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => return Outcome::TimedOut,
                Err(RecvTimeoutError::Disconnected) => return self.obituary(),
            };
            // Only the worker's own time counts, not ours spent reading a slow disk.
            left = left.saturating_sub(asked.elapsed());
            match tag {
                Tag::Done => return Outcome::Done,
                Tag::Emit => on_event(Event::Emit(payload)),
                Tag::Begin => {
                    left = deadline;
                    on_event(Event::Begin(payload));
                }
                Tag::Read => {
                    let (tag, bytes) = match hand_out(&payload, source) {
                        Ok(answer) => answer,
                        Err(outcome) => return outcome,
                    };
                    if let Err(outcome) = self.order(tag, bytes) {
                        return outcome;
                    }
                }
                Tag::Job | Tag::Measure | Tag::Bytes | Tag::ReadError => return out_of_step(),
            }
        }
    }

    /// Has a frame written. A worker asks for one thing at a time, so there is always room.
    fn order(&mut self, tag: Tag, payload: Vec<u8>) -> Result<(), Outcome> {
        match self.orders.as_ref().map(|orders| orders.try_send((tag, payload))) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(out_of_step()),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(self.obituary()),
        }
    }

    /// Waits a moment for the process to end by itself: its status says more than our kill. One that lives on without
    /// its pipe (it closed it, or wrote what is no frame) is ended.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        self.orders = None;
        let since = Instant::now();
        while since.elapsed() < LAST_BREATH {
            if let Some(status) = self.child.ended()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.child.end()
    }

    /// Why the worker is gone.
    fn obituary(&mut self) -> Outcome {
        let status = self.reap();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let words: Vec<u8> =
            self.last_words.lock().map(|words| words.iter().copied().collect()).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if words.contains("memory allocation of") || words.contains("capacity overflow") {
            return Outcome::OutOfMemory;
        }
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let last =
            words.lines().rev().find(|line| !line.is_empty() && !line.starts_with("note:")).unwrap_or("");
        Outcome::Crashed { detail: format!("{status}{}{last}", if last.is_empty() { "" } else { "; " }) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.end();
        // Hang up, so that no thread is stuck on a channel, then wait for them.
        self.orders = None;
        drop(std::mem::replace(&mut self.frames, sync_channel(0).1));
        for thread in self.others.iter_mut().chain([&mut self.listener]) {
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// The bytes a worker asks for, or why there are none.
fn hand_out(request: &[u8], source: &mut dyn Source) -> Result<(Tag, Vec<u8>), Outcome> {
    let (Some(offset), Some(length)) = (
        request.get(..8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes),
        request.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes),
    ) else {
        return Err(out_of_step());
    };
    Ok(match read_range(source, offset, (length as usize).min(CHUNK_MAX)) {
        Ok(bytes) => (Tag::Bytes, bytes),
        Err(error) => (Tag::ReadError, error.to_string().into_bytes()),
    })
}

/// At most `length` bytes from `offset` on; fewer at the end.
fn read_range(source: &mut dyn Source, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let rest = usize::try_from(source.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut buffer = vec![0; length.min(rest)];
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read_at(offset.saturating_add(filled as u64), &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

fn out_of_step() -> Outcome {
    Outcome::Crashed { detail: "the worker is out of step".to_owned() }
}

/// *Source:* Win32 `winbase.h`.
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
