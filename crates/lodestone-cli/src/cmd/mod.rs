//! One file a command: parse what was typed, call the engine, print.

pub(crate) mod against;
pub(crate) mod audit;
mod background;
pub(crate) mod bank;
mod bank_files;
pub(crate) mod bench;
mod bundles;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod eval;
pub(crate) mod examine;
pub(crate) mod exchange;
mod export;
pub(crate) mod hash;
pub(crate) mod index;
pub(crate) mod key;
pub(crate) mod manual;
mod map_files;
pub(crate) mod matching;
mod page_file;
pub(crate) mod provenance;
mod remote;
pub(crate) mod scan;
pub(crate) mod serve;
mod tail;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use lodestone_engine::observer::Observer;
use lodestone_engine::{ObserveOptions, Start};
use serde_json::Value;

use crate::args::Format;

/// How this program is started again as a worker.
pub(crate) fn worker_start(options: &ObserveOptions) -> Result<Start> {
    // On Linux by the kernel's own link, which holds when the program's file is replaced during a long run.
    let link = std::path::PathBuf::from("/proc/self/exe");
    let program = if cfg!(target_os = "linux") && link.exists() {
        link
    } else {
        std::env::current_exe().context("cannot find this program to start its workers")?
    };
    let arguments: [OsString; 3] =
        ["__worker".into(), "--memory".into(), options.worker_memory_bytes().to_string().into()];
    Ok(Start { program, arguments: arguments.into() })
}

/// Has a worker load what the operator brings, so that what cannot be used is told before anything is read.
pub(crate) fn loads_kit(options: &ObserveOptions, deadline: std::time::Duration) -> Result<()> {
    let mut observer = Observer::new(worker_start(options)?, options.clone(), deadline);
    observer.kit().context("what was brought cannot be used")?;
    Ok(())
}

/// The worker process: serves the parent until it hangs up.
pub(crate) fn worker(memory_bytes: u64) -> ExitCode {
    match lodestone_engine::serve(memory_bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Last words, which the parent reads.
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// What the first Ctrl-C says, and the flag it sets.
static STOP: Mutex<Option<(Arc<AtomicBool>, &'static str)>> = Mutex::new(None);

/// The first Ctrl-C asks to end, and says so; the second ends at once. A command may ask again when it comes to another
/// part of its work: the flag is the same.
pub(crate) fn on_ctrl_c(said: &'static str) -> Result<Arc<AtomicBool>> {
    let mut held = STOP.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((flag, words)) = held.as_mut() {
        *words = said;
        return Ok(Arc::clone(flag));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, presses) = (Arc::clone(&stop), AtomicU32::new(0));
    ctrlc::set_handler(move || {
        flag.store(true, SeqCst);
        if presses.fetch_add(1, SeqCst) > 0 {
            #[allow(clippy::exit)] // asked for twice; what is on disk is the old state or the new
            std::process::exit(130);
        }
        let words = STOP.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, words)| *words);
        eprintln!("\n{}", words.unwrap_or("stopping"));
    })
    .context("cannot watch for Ctrl-C")?;
    *held = Some((Arc::clone(&stop), said));
    Ok(stop)
}

/// Whether the reader of standard output has left (`| head`): no failure, and nothing taken from the exit status.
pub(crate) fn closed(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}

/// A field of a table.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Objects on standard output: a line each, or one document.
pub(crate) struct Objects {
    out: BufWriter<io::Stdout>,
    format: Format,
    count: u64,
}

impl Objects {
    /// Starts the output. `Format::Json` makes one array.
    pub(crate) fn new(format: Format) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout()), format, count: 0 }
    }

    /// Writes one object.
    pub(crate) fn push(&mut self, object: &Value) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(if self.count == 0 { b"[\n" } else { b",\n" })?;
        }
        serde_json::to_writer(&mut self.out, object).map_err(io::Error::from)?;
        if self.format != Format::Json {
            self.out.write_all(b"\n")?;
        }
        self.count += 1;
        Ok(())
    }

    /// Ends the output.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(if self.count == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}
