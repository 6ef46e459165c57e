//! The worker's side: take a job, ask for bytes, emit values.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use crate::{CHUNK, frame, frame::Tag, layers, tries};

struct Pipe {
    input: io::StdinLock<'static>,
    output: io::BufWriter<io::StdoutLock<'static>>,
    /// The item's first bytes are on their way, unasked.
    unasked: bool,
    /// All files are shut to this process.
    shut: bool,
}

impl Pipe {
    fn fetch(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        if !self.shut {
            layers::before_bytes(&mut || ())?;
            self.shut = true;
        }
        if self.take_unasked(into)? && offset == 0 {
            return Ok(());
        }
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let mut request = [0; 12];
        request[..8].copy_from_slice(&offset.to_le_bytes());
        request[8..].copy_from_slice(&length.to_le_bytes());
        frame::write(&mut self.output, Tag::Read, &request)?;
        match frame::read(&mut self.input, into)? {
            Some(Tag::Bytes) => Ok(()),
            Some(Tag::ReadError) => Err(io::Error::other(String::from_utf8_lossy(into).into_owned())),
            // The parent is gone or out of step: nothing sensible can follow.
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Takes the first bytes in, if they are on their way.
    fn take_unasked(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        if !std::mem::take(&mut self.unasked) {
            return Ok(false);
        }
        match frame::read(&mut self.input, into)? {
            Some(Tag::Bytes) => Ok(true),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

/// The item's bytes, fetched from the parent as they are read. `Read` and `Seek`, of any size.
pub struct RemoteBytes {
    pipe: Rc<RefCell<Pipe>>,
    size: u64,
    position: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl RemoteBytes {
    /// Size in bytes as the parent announced it.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for RemoteBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let end = self.buffer_at + self.buffer.len() as u64;
        if self.position < self.buffer_at || self.position >= end {
            if self.position >= self.size || out.is_empty() {
                return Ok(0);
            }
            self.pipe.borrow_mut().fetch(self.position, CHUNK, &mut self.buffer)?;
            self.buffer_at = self.position;
            if self.buffer.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file became shorter while it was read",
                ));
            }
        }
        let from = usize::try_from(self.position - self.buffer_at).map_err(io::Error::other)?;
        let n = out.len().min(self.buffer.len() - from);
        out[..n].copy_from_slice(&self.buffer[from..from + n]);
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for RemoteBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}

/// One job in a worker.
pub struct Job {
    /// What the parent asks.
    pub request: Vec<u8>,
    /// The item's bytes.
    pub bytes: RemoteBytes,
    pipe: Rc<RefCell<Pipe>>,
}

impl Job {
    /// A handle to answer with, usable while the bytes are read.
    pub fn answers(&self) -> Answers {
        Answers { pipe: Rc::clone(&self.pipe) }
    }
}

/// Where a worker's values go.
pub struct Answers {
    pipe: Rc<RefCell<Pipe>>,
}

impl Answers {
    /// Says what comes next (named in the outcome if the worker dies over it) and restarts the deadline.
    ///
    /// # Errors
    /// When the parent is gone.
    pub fn begin(&mut self, what: &[u8]) -> io::Result<()> {
        frame::write(&mut self.pipe.borrow_mut().output, Tag::Begin, what)
    }

    /// Hands over the last value of a job: it goes together with the word that the job is done, which wakes the parent once.
    ///
    /// # Errors
    /// As [`Answers::emit`].
    pub fn emit_last(&mut self, value: &[u8]) -> io::Result<()> {
        frame::put(&mut self.pipe.borrow_mut().output, Tag::Emit, value)
    }

    /// Hands a value to the parent.
    ///
    /// # Errors
    /// When the parent is gone, or the value is over 64 MiB.
    pub fn emit(&mut self, value: &[u8]) -> io::Result<()> {
        frame::write(&mut self.pipe.borrow_mut().output, Tag::Emit, value)
    }
}

/// Size, and whether bytes follow.
const JOB_HEAD: usize = 9;

/// Runs as a worker until the parent closes the pipe: applies the limits, then calls `handler` for each job.
///
/// Before the first byte of the first item is read, all files are shut to this process for good: what a handler reads by path
/// it has to read before.
///
/// # Errors
/// When the limits cannot be applied or the pipe breaks.
pub fn serve(memory_bytes: u64, mut handler: impl FnMut(Job) -> io::Result<()>) -> io::Result<()> {
    layers::at_start(memory_bytes)?;
    let pipe = Rc::new(RefCell::new(Pipe {
        input: io::stdin().lock(),
        output: io::BufWriter::new(io::stdout().lock()),
        unasked: false,
        shut: false,
    }));
    loop {
        let mut payload = Vec::new();
        let tag = frame::read(&mut pipe.borrow_mut().input, &mut payload)?;
        match tag {
            None => return Ok(()),
            Some(Tag::Job) if payload.len() >= JOB_HEAD => {
                let request = payload.split_off(JOB_HEAD);
                pipe.borrow_mut().unasked = payload[8] != 0;
                payload.truncate(8);
                let size = u64::from_le_bytes(payload.try_into().unwrap_or_default());
                let bytes = RemoteBytes {
                    pipe: Rc::clone(&pipe),
                    size,
                    position: 0,
                    buffer: Vec::new(),
                    buffer_at: 0,
                };
                handler(Job { request, bytes, pipe: Rc::clone(&pipe) })?;
            }
            Some(Tag::Measure) => {
                let told = tries::measure(memory_bytes)?;
                let mut pipe = pipe.borrow_mut();
                pipe.shut = true;
                frame::write(&mut pipe.output, Tag::Emit, &told.to_bytes())?;
            }
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "out of step")),
        }
        let mut pipe = pipe.borrow_mut();
        // Of no use to this job.
        pipe.take_unasked(&mut Vec::new())?;
        frame::write(&mut pipe.output, Tag::Done, &[])?;
    }
}
