//! Matches as they are told: how many there are, and the nearest of them.

use lodestone_engine::live::{LiveBank, LiveState};
use lodestone_types::{Dihedral, Transform, TransformKind};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::App;
use crate::error::ApiError;
use crate::extras::{self, Extras};
use crate::lookup::{Distance, Found};

/// Matches that one answer tells. Once they are used up, each further item that matches tells its nearest only, and how
/// many there are.
const MATCHES_IN_ALL: usize = 100_000;

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
    /// Entries of negative and known-good banks that are exactly this.
    pub(super) quiet: Vec<Quiet>,
}

/// An entry of a bank of false alarms, or of known-good files, that has exactly this digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Quiet {
    pub(super) bank: String,
    pub(super) bank_kind: &'static str,
    pub(super) bank_content_id: u64,
    pub(super) signal_type: &'static str,
    #[serde(skip)]
    pub(super) entry_no: u64,
}

impl Quiet {
    pub(super) fn new(
        bank: &LiveBank,
        bank_content_id: u64,
        signal_type: &'static str,
        entry_no: u64,
    ) -> Self {
        let bank_kind = bank.bank.kind.as_str();
        Self { bank: bank.bank.name.clone(), bank_kind, bank_content_id, signal_type, entry_no }
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

/// Matches of an item: all of them counted, the nearest told.
#[derive(Debug, Serialize)]
pub(super) struct ToldAll {
    /// What makes it known, and what is suppressed.
    matches: Vec<Told>,
    /// How many there are; more than are told where there are too many.
    matches_total: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed_by: Vec<Quiet>,
}

/// How many of each item's matches are told.
fn shares(totals: impl Iterator<Item = usize>, limit: usize) -> Vec<usize> {
    let mut left = MATCHES_IN_ALL;
    totals
        .map(|total| {
            let told = total.min(limit).min(left.max(1));
            left = left.saturating_sub(told);
            told
        })
        .collect()
}

/// The matches of many items, in their order. Reads the store where more is to be included than look-ups keep.
///
/// # Errors
/// The store's.
pub(super) async fn told(
    app: &App,
    state: &LiveState,
    items: Vec<Hits>,
    extras: &Extras,
    limit: usize,
) -> Result<Vec<ToldAll>, ApiError> {
    let shares = shares(items.iter().map(|item| item.hits.len()), limit);
    let all: Vec<Found> = items
        .iter()
        .zip(&shares)
        .flat_map(|(item, share)| item.hits.iter().take(*share).map(|hit| hit.found.clone()))
        .collect();
    // How a form matched is told as a transform.
    let extras = Extras { forms: crate::lookup::Forms::default(), ..extras.clone() };
    let mut more = extras::of(app, &all, &extras).await?.into_iter();
    Ok(items
        .into_iter()
        .zip(shares)
        .map(|(item, share)| ToldAll {
            matches_total: item.hits.len(),
            suppressed_by: item.quiet,
            matches: item
                .hits
                .into_iter()
                .take(share)
                .map(|hit| one(state, hit, more.next().unwrap_or_default()))
                .collect(),
        })
        .collect())
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
        assert_eq!(shares([3, 0, 500].into_iter(), 100), [3, 0, 100]);
        let many = shares(std::iter::repeat_n(1000, 200), 1000);
        assert_eq!(many.iter().filter(|share| **share == 1000).count(), 100);
        assert!(many[100..].iter().all(|share| *share == 1));
    }
}
