//! Learning the structures of a source from files that are known to come from it.
//!
//! One worker reads all of them and keeps the tally, so that no bytes are parsed here. A file that ends the worker ends
//! the learning, and is named: a database of half the files would say nothing of the other half.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use lodestone_sandbox::{Event, Limits, Outcome, Source, Start, Worker};

use crate::observer::{Answer, OpenFile, Request, Task, death};
use crate::options::ObserveOptions;
use crate::walk::{Step, WalkOptions, path_text, walk};

/// What to learn from.
#[derive(Clone, Debug)]
pub struct LearnOptions {
    /// A folder of known files, with all below it.
    pub folder: PathBuf,
    /// How it is walked.
    pub walk: WalkOptions,
    /// Title of the database.
    pub title: String,
    /// What wrote the files.
    pub label: String,
    /// Today, `YYYY-MM-DD`.
    pub date: String,
    /// Limits of reading.
    pub observe: ObserveOptions,
    /// Time for one file.
    pub deadline: Duration,
}

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// The database file.
    pub database: String,
    /// Signatures in it.
    pub signatures: u64,
    /// Files that gave them.
    pub files: u64,
    /// Why other files gave none, and how many.
    pub refused: BTreeMap<String, u64>,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A file ended the worker, or took too long.
    #[error("{path}: {why}; nothing was written. Leave that file out to learn from the others")]
    Died {
        /// Which.
        path: String,
        /// How.
        why: String,
    },
    /// No file gave a signature.
    #[error("none of {files} files has a structure to learn from{}", reasons(.refused))]
    Nothing {
        /// Files met.
        files: u64,
        /// Why they gave none.
        refused: BTreeMap<String, u64>,
    },
}

fn reasons(refused: &BTreeMap<String, u64>) -> String {
    let told: Vec<_> = refused.iter().map(|(why, files)| format!("{files}: {why}")).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

/// Reads every file of the folder, in the order of their names. `tick` is told how many are done.
///
/// # Errors
/// [`LearnError`].
pub fn learn(start: Start, options: &LearnOptions, tick: &mut dyn FnMut(u64)) -> Result<Learnt, LearnError> {
    let memory_bytes = options.observe.worker_memory_bytes();
    // The tally lives in the worker: it is never replaced.
    let limits = Limits { memory_bytes, deadline: options.deadline, jobs_per_worker: u32::MAX };
    let mut school = School { worker: Worker::new(start, limits), options };
    let mut learnt = Learnt::default();
    let (mut done, mut ended) = (0, None);
    walk(std::slice::from_ref(&options.folder), &options.walk, &mut |step| {
        done += 1;
        tick(done);
        let told = match step {
            Step::Trouble { why, .. } => Ok(Err(format!("cannot be read ({})", why.reason))),
            Step::File { path, .. } => school.take(&path),
        };
        match told {
            Ok(Ok(())) => learnt.files += 1,
            Ok(Err(why)) => *learnt.refused.entry(why).or_default() += 1,
            Err(error) => {
                ended = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    if let Some(error) = ended {
        return Err(error);
    }
    if learnt.files > 0 {
        (learnt.database, learnt.signatures) = school.finish()?;
    }
    if learnt.signatures == 0 {
        return Err(LearnError::Nothing { files: done, refused: learnt.refused });
    }
    Ok(learnt)
}

struct School<'a> {
    worker: Worker,
    options: &'a LearnOptions,
}

impl School<'_> {
    /// Has one file learnt from; inside: why it gave nothing.
    fn take(&mut self, path: &std::path::Path) -> Result<Result<(), String>, LearnError> {
        let name = path_text(path).0;
        let mut file = match OpenFile::open(path) {
            Ok(file) => file,
            Err(error) => return Ok(Err(format!("cannot be read ({error})"))),
        };
        let task = Task::Learn { title: self.options.title.clone(), label: self.options.label.clone() };
        match self.ask(task, &mut file, &name)? {
            Some(Answer::Learnt(told)) => Ok(told),
            _ => Err(LearnError::Died { path: name, why: "the worker gave no answer".to_owned() }),
        }
    }

    fn finish(&mut self) -> Result<(String, u64), LearnError> {
        let task = Task::Learned { date: self.options.date.clone() };
        let name = path_text(&self.options.folder).0;
        match self.ask(task, &mut &[][..], &name)? {
            Some(Answer::Database { text, signatures }) => Ok((text, signatures)),
            _ => Err(LearnError::Died { path: name, why: "the worker gave no database".to_owned() }),
        }
    }

    fn ask(&mut self, task: Task, source: &mut dyn Source, name: &str) -> Result<Option<Answer>, LearnError> {
        let died = |why| LearnError::Died { path: name.to_owned(), why };
        let request = Request { task, ..Request::new(&self.options.observe) };
        let text = serde_json::to_vec(&request).map_err(|error| died(error.to_string()))?;
        let mut answer = None;
        let outcome: Outcome = self.worker.run(&text, source, &mut |event| {
            if let Event::Emit(bytes) = event {
                answer = serde_json::from_slice(&bytes).ok();
            }
        });
        match death(&outcome, self.options.observe.worker_memory_bytes()) {
            Some(why) => Err(died(why.detail)),
            None => Ok(answer),
        }
    }
}
