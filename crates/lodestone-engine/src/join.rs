//! List against list: every entry of one list looked up in a snapshot of others, streamed.
//!
//! Memory does not depend on the length of the streamed list: some thousands of entries at a time are looked up on all
//! threads and written out in the list's order. Values are compared as they are; the symmetries of a picture cannot be
//! told from its hash.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use lodestone_index::{Code256, SearchStats, Vector144};
use lodestone_types::{ListEntry, Match, Reject, RejectKind, Signal, SignalType};

use crate::appraise::{Found, name};
use crate::lists::{ListError, ListRequest, describe, open_list};
use crate::look_up::{LookUpError, LookUps};
use crate::snapshot::Snapshot;

/// PDQ values looked up together by one thread.
const BATCH: usize = 8192;

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
/// breaking: what was read is looked up first.
///
/// # Errors
/// [`JoinError`]. Look-ups that fail are no errors of the list: they are handed over, and counted in `look_ups`.
pub fn join(
    snapshot: &Snapshot,
    request: &ListRequest,
    options: JoinOptions,
    look_ups: &mut LookUps,
    each: &mut dyn FnMut(Joined<'_>) -> io::Result<()>,
    tick: &mut dyn FnMut(JoinStep) -> ControlFlow<()>,
) -> Result<JoinedList, JoinError> {
    let path = request.spec.path.display().to_string();
    let listing = open_list(request)?;
    let read = listing.read();
    let capacity = BATCH.saturating_mul(options.threads.max(1));
    let mut batch = Batch { snapshot, threads: options.threads.max(1), entries: Vec::new(), values: 0 };
    let mut list = JoinedList::default();
    let mut stopped: Option<JoinError> = None;
    let mut rows = 0u64;
    let sha256 = listing
        .for_each(&mut |row| {
            rows += 1;
            let result = match row {
                Ok(entry) => {
                    list.entries += 1;
                    batch.push(entry);
                    if batch.values >= capacity { batch.flush(&mut list, look_ups, each) } else { Ok(()) }
                }
                Err(reject) if reject.kind == RejectKind::Ignored => {
                    list.ignored += 1;
                    Ok(())
                }
                Err(reject) => {
                    list.rejected += 1;
                    let told = batch.flush(&mut list, look_ups, each);
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
    batch.flush(&mut list, look_ups, each)?;
    if !list.interrupted {
        list.sha256 = sha256;
    }
    Ok(list)
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
        }
        let share = entries.len().div_ceil(self.threads).max(1);
        let snapshot = self.snapshot;
        let parts: Vec<(Vec<Answer>, SearchStats)> = if entries.len() <= share {
            vec![look_up(snapshot, &entries)]
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = entries
                    .chunks(share)
                    .map(|part| (part.len(), scope.spawn(move || look_up(snapshot, part))))
                    .collect();
                threads.into_iter().map(|(len, thread)| thread.join().unwrap_or_else(|_| lost(len))).collect()
            })
        };
        let mut answers = Vec::with_capacity(entries.len().min(1 << 20));
        for (part, stats) in parts {
            answers.extend(part);
            look_ups.stats += stats;
        }
        for (number, entry) in entries.iter().enumerate() {
            let lost = || Err(LookUpError::Mismatch("a thread of the look-up ended early".to_owned()));
            match answers
                .get_mut(number)
                .map_or_else(lost, |answer| std::mem::replace(answer, Ok(Vec::new())))
            {
                Ok(found) => {
                    list.pairs += found.len() as u64;
                    list.known += u64::from(found.iter().any(|one| one.bank_kind.makes_known()));
                    for found in &found {
                        each(Joined::Pair { entry: &entry.entry, found })?;
                    }
                }
                Err(error) => {
                    look_ups.fail(&error);
                    each(Joined::Failed { entry: &entry.entry, error: &error })?;
                }
            }
        }
        Ok(())
    }
}

type Answer = Result<Vec<Match>, LookUpError>;

fn ended_early() -> Answer {
    Err(LookUpError::Mismatch("a thread of the look-up ended early".to_owned()))
}

fn lost(entries: usize) -> (Vec<Answer>, SearchStats) {
    ((0..entries).map(|_| ended_early()).collect(), SearchStats::default())
}

/// Looks up entries together; one by one when that fails, so that only those fail that have to.
fn look_up(snapshot: &Snapshot, entries: &[ListEntry]) -> (Vec<Answer>, SearchStats) {
    let mut stats = SearchStats::default();
    let answers = match all(snapshot, entries, &mut stats) {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) if entries.len() < 2 => vec![Err(error)],
        Err(_) => {
            let mut one = |entry: &ListEntry| {
                let mut found = all(snapshot, std::slice::from_ref(entry), &mut stats)?;
                Ok(found.pop().unwrap_or_default())
            };
            entries.iter().map(&mut one).collect()
        }
    };
    (answers, stats)
}

fn all(
    snapshot: &Snapshot,
    entries: &[ListEntry],
    stats: &mut SearchStats,
) -> Result<Vec<Vec<Match>>, LookUpError> {
    let (mut codes, mut owners, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    let mut found: Vec<Vec<Found>> = Vec::with_capacity(entries.len().min(1 << 20));
    for (number, entry) in entries.iter().enumerate() {
        let mut own = Vec::new();
        for signal in &entry.signals {
            match signal.array() {
                Some(value) if signal.kind() == SignalType::Pdq => {
                    codes.push(Code256::from_bytes(&value));
                    owners.push(number);
                }
                _ => match signal.array() {
                    Some(value) if signal.kind() == SignalType::Photodna => {
                        vectors.push((number, Vector144(value)));
                    }
                    _ => exact(snapshot, signal, &mut own),
                },
            }
        }
        found.push(own);
    }
    // An entry with several values pairs with another once, by the nearest.
    let mut best: BTreeMap<(usize, u64), u32> = BTreeMap::new();
    for hit in snapshot.search(&codes, stats)? {
        let owner = owners.get(hit.query as usize).copied().unwrap_or(0);
        let held = best.entry((owner, hit.id)).or_insert(hit.distance_bits);
        *held = hit.distance_bits.min(*held);
    }
    for ((owner, key), distance_bits) in best {
        if let Some(found) = found.get_mut(owner) {
            found.push(Found::as_it_is(key, SignalType::Pdq, distance_bits));
        }
    }
    for ((owner, key), distance_squared) in snapshot.search_photodna(&vectors, stats)? {
        if let Some(found) = found.get_mut(owner) {
            found.push(Found::photodna(key, distance_squared));
        }
    }
    let mut matches = name(snapshot, &found)?;
    for found in &mut matches {
        found.sort_by(|a, b| {
            let key = |m: &Match| (!m.signal_type.is_digest(), m.distance_bits, m.distance_squared);
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.bank, &a.entry, a.signal_type).cmp(&(&b.bank, &b.entry, b.signal_type)))
        });
    }
    Ok(matches)
}

fn exact(snapshot: &Snapshot, signal: &Signal, found: &mut Vec<Found>) {
    let keys = snapshot.digest(signal.kind(), signal.bytes());
    found.extend(keys.map(|key| Found::as_it_is(key, signal.kind(), 0)));
}
