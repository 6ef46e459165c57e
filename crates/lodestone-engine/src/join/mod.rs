//! List against list: every entry of one list looked up in a snapshot of others, streamed.
//!
//! Memory does not depend on the length of the streamed list, nor on the number of pairs: some thousands of entries at a
//! time are looked up on all threads and written out in the list's order, fewer where they find much. Values are compared as they are; the symmetries of a picture cannot be
//! told from its hash.

mod part;

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use lodestone_index::SearchStats;
use lodestone_types::{ListEntry, Match, Reject, RejectKind, SignalType};

use self::part::{Answer, Matches, Part, each_match};
use crate::lists::{ListError, ListRequest, describe, open_list};
use crate::look_up::{LookUpError, LookUps};
use crate::snapshot::Snapshot;

/// PDQ values looked up together by one thread.
const BATCH: usize = 8192;

/// Matches held by all threads before they are written, about; each takes some 500 bytes.
const HELD: usize = 1 << 16;
/// Matches one of many threads may hold in any case.
const LEAST_HELD: usize = 1 << 12;

/// How to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinOptions {
    /// Threads that look up; at least 1. Answers do not depend on it.
    pub threads: usize,
    /// Rows that may be unreadable before the list is given up.
    pub max_rejects: u64,
}

/// What comes of a list, in its order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Joined<'a> {
    /// An entry is near another, or the same.
    Pair {
        /// The entry of the streamed list.
        entry: &'a str,
        /// What it matches: `transform` is always as it is.
        found: &'a Match,
    },
    /// An entry could not be looked up. It may match.
    Failed {
        /// The entry of the streamed list.
        entry: &'a str,
        /// Why.
        error: &'a LookUpError,
    },
    /// A row could not be read, and was put up with.
    Rejected(&'a Reject),
}

/// Totals of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedList {
    /// Entries read.
    pub entries: u64,
    /// PDQ values looked up.
    pub pdq: u64,
    /// Digests looked up.
    pub digests: u64,
    /// PhotoDNA values looked up, in a snapshot that was built with such values.
    pub photodna: u64,
    /// Values of types that are not matched.
    pub not_matched: u64,
    /// Types of the values read. Where the snapshot holds none of them, nothing could be compared.
    pub kinds: BTreeSet<SignalType>,
    /// Pairs found.
    pub pairs: u64,
    /// Entries of which at least one pair with a bank of known material was found.
    pub known: u64,
    /// Rows that could not be read.
    pub rejected: u64,
    /// Rows that say nothing.
    pub ignored: u64,
    /// SHA-256 of the list, hexadecimal; empty for a database, and when it was not read to its end.
    pub sha256: String,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Why a list could not be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The list's.
    #[error(transparent)]
    List(#[from] ListError),
    /// What was found could not be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// How far a list was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinStep {
    /// Rows read.
    pub rows: u64,
    /// Bytes read; 0 for a database.
    pub bytes: u64,
    /// Bytes of the list; 0 where nobody knows.
    pub total_bytes: u64,
}

/// Looks up every entry of a list, and hands over what comes of it. `tick` is told how far it is, and stops it by
/// breaking: what was read is looked up first. `list` counts what was done, also where an error ends it.
///
/// # Errors
/// [`JoinError`]. Look-ups that fail are no errors of the list: they are handed over, and counted in `look_ups`.
pub fn join(
    snapshot: &Snapshot,
    request: &ListRequest,
    options: JoinOptions,
    look_ups: &mut LookUps,
    each: &mut dyn FnMut(Joined<'_>) -> io::Result<()>,
    list: &mut JoinedList,
    tick: &mut dyn FnMut(JoinStep) -> ControlFlow<()>,
) -> Result<(), JoinError> {
    let path = request.spec.path.display().to_string();
    let listing = open_list(request)?;
    let read = listing.read();
    let capacity = BATCH.saturating_mul(options.threads.max(1));
    let mut batch = Batch { snapshot, threads: options.threads.max(1), entries: Vec::new(), values: 0 };
    let mut stopped: Option<JoinError> = None;
    let mut rows = 0u64;
    let sha256 = listing
        .for_each(&mut |row| {
            rows += 1;
            let result = match row {
                Ok(entry) => {
                    list.entries += 1;
                    batch.push(entry);
                    if batch.values >= capacity { batch.flush(list, look_ups, each) } else { Ok(()) }
                }
                Err(reject) if reject.kind == RejectKind::Ignored => {
                    list.ignored += 1;
                    Ok(())
                }
                Err(reject) => {
                    list.rejected += 1;
                    let told = batch.flush(list, look_ups, each);
                    let fatal = reject.kind == RejectKind::Fatal;
                    told.and_then(|()| {
                        if fatal || list.rejected > options.max_rejects {
                            return Err(JoinError::List(ListError::BrokenOff {
                                path: path.clone(),
                                reason: describe(&reject),
                                allowed: options.max_rejects,
                            }));
                        }
                        Ok(each(Joined::Rejected(&reject))?)
                    })
                }
            };
            stopped = result.err();
            if stopped.is_none() && rows.is_multiple_of(1024) {
                let step = JoinStep { rows, bytes: read.bytes(), total_bytes: read.total() };
                list.interrupted = tick(step).is_break();
            }
            stopped.is_none() && !list.interrupted
        })
        .map_err(|source| ListError::Database { path: path.clone(), source })?;
    if let Some(error) = stopped {
        return Err(error);
    }
    batch.flush(list, look_ups, each)?;
    if !list.interrupted {
        list.sha256 = sha256;
    }
    Ok(())
}

/// Entries waiting to be looked up together.
struct Batch<'a> {
    snapshot: &'a Snapshot,
    threads: usize,
    entries: Vec<ListEntry>,
    values: usize,
}

impl Batch<'_> {
    fn push(&mut self, entry: ListEntry) {
        self.values += entry.signals.len().max(1);
        self.entries.push(entry);
    }

    fn flush(
        &mut self,
        list: &mut JoinedList,
        look_ups: &mut LookUps,
        each: &mut dyn FnMut(Joined<'_>) -> io::Result<()>,
    ) -> Result<(), JoinError> {
        let entries = std::mem::take(&mut self.entries);
        self.values = 0;
        for signal in entries.iter().flat_map(|entry| &entry.signals) {
            match signal.kind() {
                SignalType::Pdq => list.pdq += 1,
                kind if kind.is_digest() => list.digests += 1,
                SignalType::Photodna => list.photodna += 1,
                _ => list.not_matched += 1,
            }
            list.kinds.insert(signal.kind());
        }
        let share = entries.len().div_ceil(self.threads).max(1);
        let (snapshot, limit) = (self.snapshot, (HELD / self.threads).max(LEAST_HELD));
        let parts = entries.chunks(share).map(|part| Part::new(snapshot, part, limit));
        // Each thread looks up what it has room for; what is left of its part is looked up once that is written.
        let parts: Vec<_> = if entries.len() <= share {
            parts.map(|mut part| (part.next(), part)).collect()
        } else {
            std::thread::scope(|scope| {
                let spawned = entries
                    .chunks(share)
                    .zip(parts)
                    .map(|(entries, mut part)| (entries, scope.spawn(move || (part.next(), part))));
                let threads: Vec<_> = spawned.collect();
                threads
                    .into_iter()
                    .map(|(entries, thread)| thread.join().unwrap_or_else(|_| lost(snapshot, entries)))
                    .collect()
            })
        };
        for ((mut answers, mut stats), mut part) in parts {
            loop {
                look_ups.stats += stats;
                for (entry, answer) in answers {
                    self.tell(entry, answer, list, look_ups, each)?;
                }
                if part.is_done() {
                    break;
                }
                (answers, stats) = part.next();
            }
        }
        Ok(())
    }

    fn tell(
        &self,
        entry: &ListEntry,
        answer: Answer,
        list: &mut JoinedList,
        look_ups: &mut LookUps,
        each: &mut dyn FnMut(Joined<'_>) -> io::Result<()>,
    ) -> Result<(), JoinError> {
        let mut known = false;
        let mut pair = |found: &Match| {
            list.pairs += 1;
            if found.bank_kind.makes_known() && !known {
                list.known += 1;
                known = true;
            }
            each(Joined::Pair { entry: &entry.entry, found })
        };
        let told = match answer {
            Ok(Matches::Named(found)) => found.iter().try_for_each(pair).map(Ok)?,
            Ok(Matches::Many(near)) => each_match(self.snapshot, near, &mut pair)?,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            look_ups.fail(&error);
            each(Joined::Failed { entry: &entry.entry, error: &error })?;
        }
        Ok(())
    }
}

/// What a thread's part comes to when the thread ended early.
#[allow(clippy::type_complexity)] // named nowhere else
fn lost<'a>(
    snapshot: &'a Snapshot,
    entries: &'a [ListEntry],
) -> ((Vec<(&'a ListEntry, Answer)>, SearchStats), Part<'a>) {
    let ended_early = || LookUpError::Mismatch("a thread of the look-up ended early".to_owned());
    let answers = entries.iter().map(|entry| (entry, Err(ended_early()))).collect();
    ((answers, SearchStats::default()), Part::new(snapshot, &[], 0))
}
