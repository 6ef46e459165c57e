//! `infinite_random`: random hashes without end, to see how much a server bears. Here there is an end.
//!
//! Entries are numbered. Updates go through the even numbers, deletions through the odd ones, each from its beginning.
//! *Source:* HMA's `utils/fetch_benchmarking.py`.

use std::time::Duration;

use lodestone_types::{Signal, SignalType};
use serde_json::{Value, json};

use super::turn::{FetchError, Fetched, STEPS, Step, Turn};
use crate::App;

/// Entries at most, whatever the configuration says.
const MOST: i64 = 10_000_000;

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    next_id: i64,
    update_count: i64,
    delete_count: i64,
}

impl Progress {
    fn of(checkpoint: Option<&Value>) -> Self {
        let of = |name| checkpoint.and_then(|all| all.get(name)?.as_i64()).unwrap_or(0).clamp(0, MOST);
        Self { next_id: of("next_id"), update_count: of("update_count"), delete_count: of("delete_count") }
    }

    fn told(self) -> Value {
        json!({ "next_id": self.next_id, "update_count": self.update_count, "delete_count": self.delete_count })
    }

    /// The entries of the next portion: new ones, those that change, those that go.
    fn go_on(&mut self, pace: &Pace, limit: i64) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
        let new = self.next_id..(self.next_id + pace.new).min(limit);
        self.next_id = new.end.max(self.next_id);
        let next_id = self.next_id;
        let some = |count: &mut i64, portion: i64, odd: i64| {
            let all = (*count..*count + portion).map(|at| at * 2 + odd);
            let there: Vec<i64> = all.take_while(|id| *id < next_id).collect();
            *count += i64::try_from(there.len()).unwrap_or(0);
            there
        };
        let changed = some(&mut self.update_count, pace.updates, 0);
        let gone = some(&mut self.delete_count, pace.deletes, 1);
        (new.collect(), changed, gone)
    }
}

/// How much comes at a time.
struct Pace {
    new: i64,
    updates: i64,
    deletes: i64,
}

pub(super) fn fetch(turn: &Turn<'_>) -> Result<(), FetchError> {
    let config = &turn.exchange.config;
    let whole = |name: &str| config.get(name).and_then(Value::as_i64).unwrap_or(0);
    let portion = i64::try_from(STEPS).unwrap_or(i64::MAX);
    let pace = Pace {
        new: whole("new_items_per_fetch_iter").clamp(0, portion),
        updates: whole("updates_per_fetch_iter").clamp(0, portion),
        deletes: whole("deletes_per_fetch_iter").clamp(0, portion),
    };
    let pause = config.get("sleep_per_iter").and_then(Value::as_f64).unwrap_or(0.0).clamp(0.0, 60.0);
    let kinds = kinds(turn.app, config.get("only_signal_types"));
    let mut progress = Progress::of(turn.exchange.fetch.checkpoint.as_ref());
    let some = |name: &str| Some(whole(name)).filter(|limit| *limit != -1);
    let limit = some("new_items_per_fetch").map_or(MOST, |new| progress.next_id.saturating_add(new));
    let limit = limit.min(some("total_item_limit").unwrap_or(MOST)).min(MOST);
    let mut steps = Vec::new();
    while pace.new > 0 && !kinds.is_empty() && progress.next_id < limit && !turn.is_over() {
        let (new, changed, gone) = progress.go_on(&pace, limit);
        steps.extend(new.into_iter().filter_map(|id| Some(Step::Add(random(turn.app, &kinds, id, id)?))));
        steps.extend(
            changed.into_iter().filter_map(|id| Some(Step::Replace(random(turn.app, &kinds, id, id + 1)?))),
        );
        steps.extend(gone.into_iter().map(|id| Step::Remove(id.to_string())));
        if pause > 0.0 {
            turn.sleep(Duration::from_secs_f64(pause));
        }
        if steps.len() >= STEPS || pause > 0.0 {
            let checkpoint = progress.told();
            turn.apply(std::mem::take(&mut steps), move |state, counts| {
                state.fetched_items += counts.added - counts.removed;
                state.checkpoint = Some(checkpoint);
            })?;
        }
    }
    let checkpoint = progress.told();
    turn.complete(steps, progress.next_id >= limit || pace.new == 0, move |state, counts| {
        state.fetched_items += counts.added - counts.removed;
        state.checkpoint = Some(checkpoint);
    })
}

/// The types offered whose values any bytes are, if they are wanted.
fn kinds(app: &App, only: Option<&Value>) -> Vec<SignalType> {
    let only = only.and_then(Value::as_array).filter(|only| !only.is_empty());
    let wanted = |kind: SignalType| only.is_none_or(|only| only.iter().any(|name| name == kind.as_str()));
    let all = app.types.all().into_iter().map(|(kind, _)| kind);
    all.filter(|kind| kind.size_bytes().is_some_and(|size| size <= 32) && wanted(*kind)).collect()
}

/// A random value of the type that the number `turn` has.
fn random(app: &App, kinds: &[SignalType], id: i64, turn: i64) -> Option<Fetched> {
    let at = usize::try_from(turn).ok()? % kinds.len().max(1);
    let kind = *kinds.get(at)?;
    let bytes: [u8; 32] = app.random_bytes();
    let signal = Signal::from_bytes(kind, bytes.get(..kind.size_bytes()?)?)?;
    let key = id.to_string();
    Some(Fetched { entry: key.clone(), key, signals: vec![signal], ..Fetched::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ones_come_up_to_the_limit_and_only_what_is_there_changes_or_goes() {
        let pace = Pace { new: 3, updates: 1, deletes: 2 };
        let mut progress = Progress::default();
        assert_eq!(progress.go_on(&pace, 5), (vec![0, 1, 2], vec![0], vec![1]));
        assert_eq!(progress.go_on(&pace, 5), (vec![3, 4], vec![2], vec![3]));
        assert_eq!(progress.go_on(&pace, 5), (vec![], vec![4], vec![]));
        assert_eq!(progress.go_on(&pace, 5), (vec![], vec![], vec![]));
        assert_eq!(Progress::of(Some(&progress.told())), progress);
    }

    #[test]
    fn a_checkpoint_of_another_kind_is_a_beginning() {
        for other in [json!(null), json!([1]), json!({ "next_id": -5, "update_count": "x" })] {
            assert_eq!(Progress::of(Some(&other)), Progress::default());
        }
    }
}
