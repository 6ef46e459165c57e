//! Reading the banks into a state: whole, or onward from an earlier one.

use std::collections::BTreeMap;
use std::sync::Arc;

use lodestone_index::LiveIndex;
use lodestone_store::{EntryChange, MAX_PAGE, Store};
use lodestone_types::{Signal, SignalType};

use super::digests::{Digests, Gathered};
use super::ids::ContentIds;
use super::layers::Layers;
use super::state::{LiveBank, LiveState, Said};
use super::{LiveBanksError, LiveCounts};
use crate::support::{Change, Judged, Support, Touched};
use crate::text::TextIndex;

/// A bank's number stands above so many bits of its entries' numbers.
const ENTRY_BITS: u32 = 40;

/// Entries that changed since the digests were read, above which they are read anew.
const CHANGED: usize = 1 << 20;

/// Everything, from the store.
pub(super) fn whole(
    store: &Store,
    index: &LiveIndex,
    support: &mut Support,
) -> Result<LiveState, LiveBanksError> {
    let mut sets = Sets::default();
    let mut judged = BTreeMap::new();
    for stored in store.stored_banks()? {
        let first = stored.number << ENTRY_BITS;
        judge(store, (first, first | ((1 << ENTRY_BITS) - 1)), &mut judged)?;
        // PDQ values are in the index: a bank of nothing else need not be read.
        let indexed = |kind: &SignalType| matches!(kind, SignalType::Pdq | SignalType::Photodna);
        if store.signal_counts(&stored.bank.name)?.keys().all(indexed) {
            continue;
        }
        store.unindexed_signals::<LiveBanksError>(first, first | ((1 << ENTRY_BITS) - 1), |no, signal| {
            sets.push(no.unsigned_abs(), signal);
            Ok(())
        })?;
    }
    let (texts, refused) = TextIndex::build(sets.texts.iter().map(|(no, signal)| (*no, signal)));
    let mut state = LiveState {
        reading: Arc::default(),
        touched: Layers::default(),
        token: store.state()?,
        generation: store.generation()?,
        banks: BTreeMap::new(),
        numbers: BTreeMap::new(),
        counts: LiveCounts::new(),
        ids: ContentIds::new(store.content_runs()?),
        suspended: Arc::default(),
        said: Arc::default(),
        judged: Layers::default().with(judged, |old, new| *old = new),
        thin: BTreeMap::new(),
        said_at: store.said(),
        current: Layers::default(),
        pdq: index.snapshot(),
        md5: sets.md5.into_set(),
        sha1: sets.sha1.into_set(),
        sha256: sets.sha256.into_set(),
        texts,
        unsearched: refused.len() as u64,
        radius_bits: 0,
    };
    table(store, &mut state)?;
    said_of_entries(store, &mut state)?;
    support_of_entries(store, &mut state, support, &Touched::default())?;
    Ok(state)
}

/// The state after `before`; `None` when the log of changes does not reach back, or so much changed that everything is
/// better read anew.
pub(super) fn onward(
    store: &Store,
    index: &LiveIndex,
    before: &LiveState,
    support: &mut Support,
) -> Result<Option<LiveState>, LiveBanksError> {
    let mut state = before.clone();
    let mut touched = Touched::default();
    state.pdq = index.snapshot();
    state.generation = store.generation()?;
    state.token = store.state()?;
    if state.generation != before.generation || state.token != before.token {
        let mut changes = Vec::new();
        let unbroken = store.entry_changes_since::<LiveBanksError>(before.generation, |change| {
            changes.push(change);
            Ok(())
        })?;
        if !unbroken || before.current.len() + changes.len() > CHANGED {
            return Ok(None);
        }
        take_in(store, &mut state, &changes)?;
        touched = judge_again(store, &mut state, &changes)?;
        // A server's store may have a million opinions: they are read anew when one of them changed.
        let said_at = store.said();
        if said_at != before.said_at {
            said_of_entries(store, &mut state)?;
            state.said_at = said_at;
        }
    }
    table(store, &mut state)?;
    support_of_entries(store, &mut state, support, &touched)?;
    Ok(Some(state))
}

/// Takes in changes of entries, in the order they happened.
fn take_in(store: &Store, state: &mut LiveState, changes: &[EntryChange]) -> Result<(), LiveBanksError> {
    let mut now: BTreeMap<u64, Vec<Signal>> = BTreeMap::new();
    let mut new = New::default();
    let mut runs = Vec::new();
    for change in changes {
        match *change {
            // The bank is no longer in the table: nothing of it is answered.
            EntryChange::Dropped { .. } => {}
            // Neither values nor ids.
            EntryChange::Said { .. } => {}
            EntryChange::Removed { entry_no } => {
                now.insert(entry_no.unsigned_abs(), Vec::new());
            }
            EntryChange::Added { first, last } => {
                runs.extend(store.content_runs_between(first, last)?);
                store.unindexed_signals::<LiveBanksError>(first, last, |no, signal| {
                    new.push(no.unsigned_abs(), signal);
                    Ok(())
                })?;
            }
            EntryChange::Changed { entry_no } => {
                let signals = now.entry(entry_no.unsigned_abs()).or_default();
                signals.clear();
                store.unindexed_signals::<LiveBanksError>(entry_no, entry_no, |no, signal| {
                    signals.push(signal.clone());
                    new.push(no.unsigned_abs(), signal);
                    Ok(())
                })?;
            }
        }
    }
    state.ids = state.ids.with(&runs);
    state.md5 = grown(&state.md5, &new.md5);
    state.sha1 = grown(&state.sha1, &new.sha1);
    state.sha256 = grown(&state.sha256, &new.sha256);
    if !state.texts.is_empty() {
        for no in now.keys() {
            state.texts = state.texts.without(*no);
        }
    }
    for (no, signal) in &new.texts {
        match state.texts.with(*no, signal) {
            Ok(texts) => state.texts = texts,
            Err(_) => state.unsearched += 1,
        }
    }
    let touched = now.keys().map(|no| (*no, state.generation)).collect();
    state.touched = state.touched.with(touched, |old, new| *old = new);
    let now = now.into_iter().map(|(no, signals)| (no, Arc::from(signals))).collect();
    state.current = state.current.with(now, |old, new| *old = new);
    Ok(())
}

/// Adds what members say of entries of these numbers, of one bank.
fn judge(store: &Store, range: (i64, i64), judged: &mut BTreeMap<u64, Judged>) -> Result<(), LiveBanksError> {
    store.for_each_listed_extra::<LiveBanksError>(range, true, |no, extra| {
        judged.insert(no.unsigned_abs(), Judged::of(extra)?);
        Ok(())
    })
}

/// Reads anew what members say of entries that came or changed; gives all entries whose support is to be looked at again.
fn judge_again(
    store: &Store,
    state: &mut LiveState,
    changes: &[EntryChange],
) -> Result<Touched, LiveBanksError> {
    let (mut touched, mut judged) = (Touched::default(), BTreeMap::new());
    for change in changes {
        let (first, last) = match *change {
            EntryChange::Dropped { .. } => continue,
            EntryChange::Added { first, last } => (first, last),
            EntryChange::Removed { entry_no }
            | EntryChange::Changed { entry_no }
            | EntryChange::Said { entry_no } => {
                // Where nobody judges it any more, nothing is read below.
                judged.insert(entry_no.unsigned_abs(), Judged::default());
                (entry_no, entry_no)
            }
        };
        touched.push(first, last);
        judge(store, (first, last), &mut judged)?;
    }
    state.judged = state.judged.with(judged, |old, new| *old = new);
    Ok(touched)
}

/// Which entries have too little support, in the banks that ask for some.
fn support_of_entries(
    store: &Store,
    state: &mut LiveState,
    support: &mut Support,
    touched: &Touched,
) -> Result<(), LiveBanksError> {
    let changes = support.follow(store, &store.stored_banks()?, touched)?;
    state.thin.retain(|number, _| changes.contains_key(number));
    for (number, change) in changes {
        let (before, step) = match change {
            Change::Whole(all) => (Layers::default(), all),
            Change::Some(step) => (state.thin.remove(&number).unwrap_or_default(), step),
        };
        state.thin.insert(number, before.with(step, |old, new| *old = new));
    }
    Ok(())
}

fn grown<const N: usize>(set: &Digests<N>, new: &[(u64, [u8; N])]) -> Digests<N> {
    if new.is_empty() { set.clone() } else { set.with(new) }
}

/// Banks and counts: small, and read whole.
fn table(store: &Store, state: &mut LiveState) -> Result<(), LiveBanksError> {
    state.banks.clear();
    state.numbers.clear();
    state.counts.clear();
    state.radius_bits = 0;
    for stored in store.stored_banks()? {
        let (number, bank) = (stored.number.unsigned_abs(), stored.bank);
        if bank.kind.makes_known() {
            state.radius_bits = state.radius_bits.max(bank.radius_bits);
        }
        let mut pdq_values = 0;
        for (kind, signals) in store.signal_counts(&bank.name)? {
            *state.counts.entry(kind).or_default() += signals;
            pdq_values += if kind == SignalType::Pdq { signals } else { 0 };
        }
        state.numbers.insert(bank.name.clone(), number);
        let (enabled_ratio, layers) = (stored.enabled_ratio, stored.layers);
        state.banks.insert(number, Arc::new(LiveBank { number, bank, enabled_ratio, layers, pdq_values }));
    }
    Ok(())
}

/// Suspended entries and opinions, read whole. Each change of them is one of the generation, and counted by the store: most
/// commits are of neither.
fn said_of_entries(store: &Store, state: &mut LiveState) -> Result<(), LiveBanksError> {
    let mut suspended = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.suspended(after, MAX_PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        suspended.extend(page.into_iter().map(|(no, until)| (no.unsigned_abs(), until)));
    }
    state.suspended = Arc::new(suspended);
    let mut said = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.opinion_counts(after, MAX_PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.entry_no;
        said.extend(
            page.into_iter().map(|one| {
                (one.entry_no.unsigned_abs(), Said { confirms: one.confirm, disputes: one.dispute })
            }),
        );
    }
    state.said = Arc::new(said);
    Ok(())
}

/// Signals read whole, by where they go. PDQ values are in the index.
#[derive(Default)]
struct Sets {
    md5: Gathered<16>,
    sha1: Gathered<20>,
    sha256: Gathered<32>,
    texts: Vec<(u64, Signal)>,
}

impl Sets {
    fn push(&mut self, no: u64, signal: &Signal) {
        match signal.kind() {
            SignalType::Pdq | SignalType::Photodna => {}
            SignalType::Md5 | SignalType::VideoMd5 => self.md5.push(no, signal.bytes()),
            SignalType::Sha1 => self.sha1.push(no, signal.bytes()),
            SignalType::Sha256 => self.sha256.push(no, signal.bytes()),
            _ => self.texts.push((no, signal.clone())),
        }
    }
}

/// Signals that came since, by where they go.
#[derive(Default)]
struct New {
    md5: Vec<(u64, [u8; 16])>,
    sha1: Vec<(u64, [u8; 20])>,
    sha256: Vec<(u64, [u8; 32])>,
    texts: Vec<(u64, Signal)>,
}

impl New {
    fn push(&mut self, no: u64, signal: &Signal) {
        match signal.kind() {
            SignalType::Pdq | SignalType::Photodna => {}
            SignalType::Md5 | SignalType::VideoMd5 => {
                self.md5.extend(signal.array().map(|value| (no, value)))
            }
            SignalType::Sha1 => self.sha1.extend(signal.array().map(|value| (no, value))),
            SignalType::Sha256 => self.sha256.extend(signal.array().map(|value| (no, value))),
            _ => self.texts.push((no, signal.clone())),
        }
    }
}
