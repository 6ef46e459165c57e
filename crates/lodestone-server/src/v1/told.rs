//! Matches as they are told: how many there are, and the nearest of them.

use std::sync::Arc;

use lodestone_engine::live::{LiveBank, LiveState};
use lodestone_types::{Dihedral, Standing, Transform, TransformKind};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::App;
use crate::error::ApiError;
use crate::extras::{self, Extras};
use crate::lookup::{Distance, Found};

/// Matches that one answer tells. Once they are used up, each further item that matches tells its nearest only, and how
/// many there are.
const MATCHES_IN_ALL: usize = 100_000;
/// Bytes of an answer from which that is so too.
const BYTES_IN_ALL: usize = 32 << 20;
/// Entries of negative and known-good banks that are named for an item.
const QUIET: usize = 16;

/// An entry that matches an item, and how.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) found: Found,
    /// Which form of a file it was; of a signal, which symmetry or negative.
    pub(super) transform: Transform,
    /// An exact digest says that this likeness is a false alarm, or a known good file.
    pub(super) suppressed: bool,
}

impl Hit {
    /// Of a signal that was given by its value.
    pub(super) fn of_signal(found: Found, suppressed: bool) -> Self {
        let transform = Transform::new(found.dihedral, found.negative, None, None);
        Self { found, transform, suppressed }
    }
}

/// What came of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Hits {
    /// What matches, best first.
    pub(super) hits: Vec<Hit>,
    /// How many more entries match. One that a file matches in several ways may be counted more than once.
    pub(super) left_out: u64,
    /// Of those, entries that are not suppressed.
    pub(super) left_out_known: u64,
    /// Entries of negative and known-good banks that are exactly this.
    pub(super) quiet: Quiets,
}

/// The first entries of banks of false alarms, or of known-good files, that have exactly an item's digest.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiets {
    /// Those that are named.
    pub(super) named: Vec<Quiet>,
    /// All of them.
    pub(super) total: usize,
}

impl Quiets {
    /// One more.
    pub(super) fn push(&mut self, quiet: Quiet) {
        self.total += 1;
        if self.named.len() < QUIET {
            self.named.push(quiet);
        }
    }

    /// Those of another digest of the same file.
    pub(super) fn extend(&mut self, other: Self) {
        let unnamed = other.total - other.named.len();
        other.named.into_iter().for_each(|quiet| self.push(quiet));
        self.total += unnamed;
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// An entry of a bank of false alarms, or of known-good files, that has exactly this digest.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Quiet {
    #[serde(serialize_with = "name")]
    pub(super) bank: Arc<LiveBank>,
    pub(super) bank_kind: &'static str,
    pub(super) bank_content_id: u64,
    pub(super) signal_type: &'static str,
    #[serde(skip)]
    pub(super) entry_no: u64,
}

fn name<S: Serializer>(bank: &Arc<LiveBank>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&bank.bank.name)
}

impl Quiet {
    pub(super) fn new(
        bank: &Arc<LiveBank>,
        bank_content_id: u64,
        signal_type: &'static str,
        entry_no: u64,
    ) -> Self {
        let bank_kind = bank.bank.kind.as_str();
        Self { bank: Arc::clone(bank), bank_kind, bank_content_id, signal_type, entry_no }
    }
}

impl Hits {
    /// What makes the item known, without what is suppressed, best first: to be written down.
    pub(super) fn known(&self) -> Vec<Found> {
        self.hits.iter().filter(|hit| !hit.suppressed).map(|hit| hit.found.clone()).collect()
    }
}

/// A match as it is told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    bank: String,
    bank_kind: &'static str,
    bank_content_id: u64,
    signal_type: &'static str,
    /// As HMA writes it.
    distance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_bits: Option<u32>,
    exact: bool,
    #[serde(skip_serializing_if = "is_as_is")]
    transform: Transform,
    /// `review`: fewer members hold or confirm it than its bank asks for.
    #[serde(skip_serializing_if = "stands")]
    standing: Standing,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disputed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    suppressed: bool,
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn is_as_is(transform: &Transform) -> bool {
    transform.kind == TransformKind::AsIs && transform.dihedral == Dihedral::AsIs && !transform.negative
}

fn stands(standing: &Standing) -> bool {
    *standing == Standing::Match
}

/// Matches of an item: all of them counted, the nearest told.
#[derive(Debug, Serialize)]
pub(super) struct ToldAll {
    /// What makes it known, and what is suppressed.
    matches: Vec<Told>,
    /// How many there are; more than are told where there are too many.
    matches_total: u64,
    /// Not all of them are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed_by: Vec<Quiet>,
    /// How many suppress it, where not all are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_by_total: Option<usize>,
}

impl ToldAll {
    /// Matches that are not told.
    pub(super) fn left_out(&self) -> u64 {
        self.matches_total.saturating_sub(self.matches.len() as u64)
    }
}

/// How much one answer tells: what is left of it.
#[derive(Debug)]
pub(super) struct Room {
    matches: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { matches: MATCHES_IN_ALL, bytes: BYTES_IN_ALL }
    }
}

impl Room {
    /// How many of an item's matches are told.
    fn share(&mut self, total: usize, limit: usize) -> usize {
        let left = if self.bytes == 0 { 0 } else { self.matches };
        let told = total.min(limit).min(left.max(1));
        self.matches = self.matches.saturating_sub(told);
        told
    }

    /// So many bytes of the answer were written.
    pub(super) fn took(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// The matches of an item, within the room that is left. Reads the store where more is to be included than look-ups keep:
/// for threads that may wait.
///
/// # Errors
/// The store's.
pub(super) fn told(
    app: &App,
    state: &LiveState,
    item: Hits,
    extras: &Extras,
    limit: usize,
    room: &mut Room,
) -> Result<ToldAll, ApiError> {
    let matches_total = (item.hits.len() as u64).saturating_add(item.left_out);
    let share = room.share(item.hits.len(), limit);
    let found: Vec<Found> = item.hits.iter().take(share).map(|hit| hit.found.clone()).collect();
    let mut more = extras::of_now(app, &found, extras)?.into_iter();
    let hits = item.hits.into_iter().take(share);
    let matches: Vec<Told> = hits.map(|hit| one(state, hit, more.next().unwrap_or_default())).collect();
    let mut quiet = item.quiet;
    if room.bytes == 0 {
        quiet.named.truncate(1);
    }
    Ok(ToldAll {
        truncated: matches_total > matches.len() as u64,
        matches,
        matches_total,
        suppressed_by_total: (quiet.total > quiet.named.len()).then_some(quiet.total),
        suppressed_by: quiet.named,
    })
}

fn one(state: &LiveState, hit: Hit, more: Map<String, Value>) -> Told {
    let found = hit.found;
    let said = state.said_of(found.entry_no);
    Told {
        bank: found.bank.bank.name.clone(),
        bank_kind: found.bank.bank.kind.as_str(),
        bank_content_id: found.content_id,
        signal_type: found.signal_type.as_str(),
        distance: found.distance.to_hma(),
        distance_bits: found.distance.bits(),
        exact: found.distance == Distance::Exact,
        transform: hit.transform,
        standing: found.standing,
        disputed: said.disputes > said.confirms,
        suppressed: hit.suppressed,
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_matches_are_counted_and_every_item_tells_its_nearest() {
        let shares = |totals: &[usize], limit: usize| -> Vec<usize> {
            let mut room = Room::default();
            totals.iter().map(|total| room.share(*total, limit)).collect()
        };
        assert_eq!(shares(&[3, 0, 500], 100), [3, 0, 100]);
        let many = shares(&[1000; 200], 1000);
        assert_eq!(many.iter().filter(|share| **share == 1000).count(), 100);
        assert!(many[100..].iter().all(|share| *share == 1));
    }

    #[test]
    fn a_long_answer_tells_the_nearest_only_from_then_on() {
        let mut room = Room::default();
        room.took(BYTES_IN_ALL - 1);
        assert_eq!(room.share(500, 100), 100);
        room.took(1000);
        assert_eq!((room.share(500, 100), room.share(0, 100)), (1, 0));
    }
}
