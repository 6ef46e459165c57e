//! Retro-matching: new entries against everything that scans have ever read and kept, without the pictures.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use lodestone_store::{KeptFile, Store, StoreError};
use lodestone_types::{Record, State};

use crate::appraise::{AppraiseOptions, Seen, appraise};
use crate::look_up::LookUps;
use crate::observer::Member;
use crate::scan::full_path;
use crate::snapshot::Snapshot;

/// Files and members looked up together by one thread.
const BATCH: usize = 256;

/// Totals of a retro-match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retro {
    /// Files whose observations are kept.
    pub files: u64,
    /// Observations looked up: files, and members of archives.
    pub observations: u64,
    /// Those that match known material.
    pub known: u64,
    /// Those that could not be read when they were scanned: matched by digest where there was one.
    pub unreadable: u64,
    /// Observations that are kept and cannot be read any more: scan their files again.
    pub lost: u64,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Why a retro-match ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetroError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was found could not be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What comes of the kept observations, in the order of their files' paths.
#[derive(Debug)]
#[non_exhaustive]
pub enum Recalled<'a> {
    /// A file that matches, or whose look-up failed.
    Record(&'a Record),
    /// A file with observations that cannot be read any more.
    Lost {
        /// Its path, lossy where it is no text.
        path: &'a str,
        /// How many of its observations.
        observations: u64,
    },
}

/// Appraises every kept observation, in all its forms, and hands over what matches. `tick` is told the files done, of how
/// many, and stops it by breaking.
///
/// # Errors
/// [`RetroError`]. Look-ups that fail are handed over as records, and counted in `look_ups`.
pub fn retro(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    threads: usize,
    store: &Store,
    look_ups: &mut LookUps,
    each: &mut dyn FnMut(Recalled<'_>) -> io::Result<()>,
    tick: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Retro, RetroError> {
    let total = store.kept_files()?;
    let mut waiting = Waiting { snapshot, options, threads: threads.max(1), seen: Vec::new() };
    let mut retro = Retro::default();
    let result = store.for_each_kept::<Ended>(|file| {
        retro.files += 1;
        let (seen, lost) = observations(file);
        if lost.1 > 0 {
            retro.lost += lost.1;
            each(Recalled::Lost { path: &lost.0, observations: lost.1 }).map_err(RetroError::from)?;
        }
        waiting.seen.extend(seen);
        if waiting.seen.len() >= BATCH.saturating_mul(waiting.threads) {
            waiting.flush(&mut retro, look_ups, each)?;
        }
        if tick(retro.files, total).is_break() { Err(Ended::Stopped) } else { Ok(()) }
    });
    match result {
        Ok(()) => {}
        Err(Ended::Stopped) => retro.interrupted = true,
        Err(Ended::Error(error)) => return Err(error),
    }
    waiting.flush(&mut retro, look_ups, each)?;
    Ok(retro)
}

enum Ended {
    Stopped,
    Error(RetroError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<RetroError> for Ended {
    fn from(error: RetroError) -> Self {
        Self::Error(error)
    }
}

/// What was observed of a file, and how many of its observations cannot be used.
fn observations(file: KeptFile) -> (Vec<Seen>, (String, u64)) {
    let path = path_of(file.path);
    let (mut seen, mut lost) = (Vec::new(), file.unreadable);
    for (member, observation) in file.observations {
        let member: Option<Member> = match member.as_str() {
            "" => None,
            text => match serde_json::from_str(text) {
                Ok(member) => Some(member),
                Err(_) => {
                    lost += 1;
                    continue;
                }
            },
        };
        let (path, bytes_hex) = full_path(&path, member);
        seen.push((path, bytes_hex, observation));
    }
    let path = if lost > 0 { path.to_string_lossy().into_owned() } else { String::new() };
    (seen, (path, lost))
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

struct Waiting<'a> {
    snapshot: &'a Snapshot,
    options: AppraiseOptions,
    threads: usize,
    seen: Vec<Seen>,
}

impl Waiting<'_> {
    fn flush(
        &mut self,
        retro: &mut Retro,
        look_ups: &mut LookUps,
        each: &mut dyn FnMut(Recalled<'_>) -> io::Result<()>,
    ) -> Result<(), RetroError> {
        let mut seen = std::mem::take(&mut self.seen);
        let share = seen.len().div_ceil(self.threads).max(1);
        let (snapshot, options) = (self.snapshot, self.options);
        let work = move |part: Vec<Seen>| {
            let mut own = LookUps::default();
            (appraise(snapshot, options, part, &mut own), own)
        };
        let parts: Vec<(Vec<Record>, LookUps)> = if seen.len() <= share {
            vec![work(seen)]
        } else {
            let mut parts = Vec::new();
            while !seen.is_empty() {
                let rest = seen.split_off(share.min(seen.len()));
                parts.push(std::mem::replace(&mut seen, rest));
            }
            std::thread::scope(|scope| {
                let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || work(part))).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().map_err(|_| panicked()))
                    .collect::<Result<_, _>>()
            })?
        };
        for (records, own) in parts {
            look_ups.add(own);
            for record in records {
                retro.observations += 1;
                retro.known += u64::from(record.state == State::Known);
                let why = record.observation.unreadable.as_ref();
                let failed = why.is_some_and(|why| why.stage == lodestone_types::Stage::Match);
                retro.unreadable += u64::from(why.is_some() && !failed);
                if failed || !record.matches.is_empty() {
                    each(Recalled::Record(&record))?;
                }
            }
        }
        Ok(())
    }
}

fn panicked() -> RetroError {
    RetroError::Output(io::Error::other("a thread of the look-up ended early"))
}
