//! Changing an index to what the banks hold: all of it, a few changes, or many.

use std::ops::RangeInclusive;

use lodestone_index::{BulkWriter, Change, Code256, LiveIndex, LiveStep};
use lodestone_store::{PdqChange, Store, StoreError};

use super::{IndexError, IndexNews, Outcome, Tell, each_searched, searched_values};

/// Changes up to which they are made one by one; above, as one new segment.
pub(super) const ONE_BY_ONE: u64 = 16_384;

/// Single entries that may change in one new segment; above, everything is built again.
const SINGLE: usize = 100_000;

/// Replaces all that it holds by what the banks hold, in one commit.
pub(super) fn fill(
    store: &Store,
    live: &LiveIndex,
    state: u64,
    why: Option<String>,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let total = searched_values(store)?;
    let all = [0..=u64::MAX];
    let applied = live.bulk::<IndexError>(
        &all,
        state,
        |bulk| each_searched(store, |no, code| push(bulk, code, no)),
        &mut |step| tell(IndexNews::Step(of(step, total))),
    )?;
    Ok(Outcome::Built { why, values: applied.added })
}

fn push(bulk: &mut BulkWriter<'_>, code: Code256, no: u64) -> Result<(), IndexError> {
    Ok(bulk.push(code, no)?)
}

/// A step whose total is known here.
fn of(step: LiveStep, total: u64) -> LiveStep {
    match step {
        LiveStep::Read { done, .. } => LiveStep::Read { done, total },
        other => other,
    }
}

/// Makes few changes.
pub(super) fn step_by_step(
    store: &Store,
    live: &LiveIndex,
    since: u64,
    state: u64,
) -> Result<Outcome, IndexError> {
    let searched = searched_banks(store)?;
    let mut changes = Vec::new();
    store.pdq_changes_since::<IndexError>(since, |change| {
        match change {
            PdqChange::Dropped { first, last } => {
                changes.push(Change::RemoveIds(first.unsigned_abs()..=last.unsigned_abs()));
            }
            PdqChange::Removed { entry_no, pdq } => {
                changes.push(Change::Remove(Code256::from_bytes(&pdq), entry_no.unsigned_abs()));
            }
            PdqChange::Added { entry_no, pdq } if searched(entry_no) => {
                changes.push(Change::Add(Code256::from_bytes(&pdq), entry_no.unsigned_abs()));
            }
            _ => {}
        }
        Ok(())
    })?;
    let applied = live.apply(&changes, state)?;
    Ok(Outcome::CaughtUp { added: applied.added, removed: applied.removed })
}

/// Makes many changes: what is new becomes a segment.
pub(super) fn at_once(
    store: &Store,
    live: &LiveIndex,
    since: u64,
    state: u64,
    tell: &mut Tell<'_>,
) -> Result<Outcome, IndexError> {
    let searched = searched_banks(store)?;
    let total = store.pdq_changes_count(since)?.unwrap_or(0);
    let mut gone: Vec<RangeInclusive<u64>> = Vec::new();
    let mut removed = 0;
    let read = store.pdq_changes_since::<Gone>(since, |change| {
        match change {
            PdqChange::Dropped { first, last } => gone.push(first.unsigned_abs()..=last.unsigned_abs()),
            PdqChange::Removed { entry_no, .. } => {
                // The whole entry goes; what it has now comes again with what is new.
                gone.push(entry_no.unsigned_abs()..=entry_no.unsigned_abs());
                removed += 1;
            }
            // What goes comes first: the rest is read once, when it is added.
            _ => return Err(Gone::All),
        }
        Ok(())
    });
    if let Err(Gone::Error(error)) = read {
        return Err(error.into());
    }
    let gone = joined(gone);
    if gone.len() > SINGLE {
        let why = Some("most of it changed".to_owned());
        return fill(store, live, state, why, tell);
    }
    let applied = live.bulk::<IndexError>(
        &gone,
        state,
        |bulk| {
            store.pdq_changes_since::<IndexError>(since, |change| match change {
                PdqChange::Added { entry_no, pdq } if searched(entry_no) => {
                    push(bulk, Code256::from_bytes(&pdq), entry_no.unsigned_abs())
                }
                _ => Ok(()),
            })?;
            Ok(())
        },
        &mut |step| tell(IndexNews::Step(of(step, total))),
    )?;
    Ok(Outcome::CaughtUp { added: applied.added, removed })
}

/// Why reading what goes ended.
enum Gone {
    /// It is all read.
    All,
    Error(StoreError),
}

impl From<StoreError> for Gone {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// Ranges in order, those that touch made one.
fn joined(mut ranges: Vec<RangeInclusive<u64>>) -> Vec<RangeInclusive<u64>> {
    ranges.sort_unstable_by_key(|range| (*range.start(), *range.end()));
    let mut joined: Vec<RangeInclusive<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether an entry belongs to a bank that is searched.
fn searched_banks(store: &Store) -> Result<impl Fn(i64) -> bool, StoreError> {
    let banks = store.numbered_banks()?.into_iter().filter(|(_, bank)| bank.kind.makes_known());
    let numbers: Vec<i64> = banks.map(|(number, _)| number).collect();
    Ok(move |entry_no: i64| numbers.contains(&(entry_no >> 40)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(joined(vec![5..=6, 1..=2, 3..=3, 9..=9, 1..=1]), [1..=3, 5..=6, 9..=9]);
        assert_eq!(joined(vec![0..=u64::MAX, 7..=8]), [0..=u64::MAX]);
        assert!(joined(Vec::new()).is_empty());
    }
}
