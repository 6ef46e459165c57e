//! A commit in the making: changes to copies, thrown away when the log does not take them.

use std::sync::Arc;

use super::change::Change;
use super::dead::Dead;
use super::error::LiveError;
use super::log::Effect;
use super::pairs::{Pair, PairSet};
use super::slot::{Slot, standing};
use super::snapshot::LiveSnapshot;
use crate::{Code256, SegmentError};

/// The place of a pair that is in no segment.
pub(crate) const MEMTABLE: u64 = 0;

/// The next state, and what leads to it.
pub(crate) struct Draft {
    pub(crate) memtable: PairSet,
    slots: Vec<(Arc<Slot>, Option<Dead>)>,
    /// What happened, for the log.
    pub(crate) effects: Vec<Effect>,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    /// Pairs buried in segments.
    pub(crate) buried: u64,
}

impl Draft {
    pub(crate) fn new(snapshot: &LiveSnapshot) -> Self {
        Self {
            memtable: snapshot.memtable.clone(),
            slots: snapshot.slots.iter().map(|slot| (Arc::clone(slot), None)).collect(),
            effects: Vec::new(),
            added: 0,
            removed: 0,
            buried: 0,
        }
    }

    /// The slots as they are after the changes.
    pub(crate) fn into_parts(self) -> (PairSet, Vec<Arc<Slot>>) {
        let changed = |(slot, dead): (Arc<Slot>, Option<Dead>)| match dead {
            Some(dead) => Arc::new(slot.with_dead(dead)),
            None => slot,
        };
        (self.memtable, self.slots.into_iter().map(changed).collect())
    }

    /// Makes all changes in their order.
    pub(crate) fn change(&mut self, changes: &[Change]) -> Result<(), LiveError> {
        let mut named: Vec<(Code256, u64)> = Vec::new();
        for change in changes {
            match change {
                Change::Add(_, u64::MAX) => return Err(LiveError::ReservedId),
                Change::Add(code, id) | Change::Remove(code, id) => named.push((*code, *id)),
                Change::RemoveIds(_) => {}
            }
        }
        named.sort_unstable();
        named.dedup();
        let slots: Vec<Arc<Slot>> = self.slots.iter().map(|(slot, _)| Arc::clone(slot)).collect();
        let standing = standing(&slots, &named)?;
        for change in changes {
            match change {
                Change::Add(code, id) => self.add((*id, *code), &standing),
                Change::Remove(code, id) => self.remove((*id, *code), &standing),
                Change::RemoveIds(ids) => self.remove_ids(*ids.start(), *ids.end()),
            }
        }
        Ok(())
    }

    fn add(&mut self, pair: Pair, standing: &[(Pair, usize)]) {
        if self.living(&pair, standing).is_none() && self.memtable.insert(pair) {
            self.added += 1;
            self.effects.push(Effect::Add(pair.1, pair.0));
        }
    }

    fn remove(&mut self, pair: Pair, standing: &[(Pair, usize)]) {
        let place = if self.memtable.remove(&pair) {
            MEMTABLE
        } else if let Some(place) = self.living(&pair, standing) {
            self.bury(pair, place)
        } else {
            return;
        };
        self.removed += 1;
        self.effects.push(Effect::Remove(pair.1, pair.0, place));
    }

    /// Removes a range of ids everywhere.
    pub(crate) fn remove_ids(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        self.memtable.remove_ids(first, last);
        for (slot, dead) in &mut self.slots {
            dead.get_or_insert_with(|| slot.dead.clone()).bury_ids(first, last);
        }
        self.effects.push(Effect::RemoveIds(first, last));
    }

    /// The slot in which the pair stands and lives: in one at most.
    fn living(&self, pair: &Pair, standing: &[(Pair, usize)]) -> Option<usize> {
        let start = standing.partition_point(|(other, _)| other < pair);
        let mut places =
            standing.iter().skip(start).take_while(|(other, _)| other == pair).map(|(_, place)| *place);
        places.find(|place| {
            self.slots
                .get(*place)
                .is_some_and(|(slot, dead)| !dead.as_ref().unwrap_or(&slot.dead).contains(pair))
        })
    }

    /// Buries a pair in the slot at `place`; gives the segment's number.
    fn bury(&mut self, pair: Pair, place: usize) -> u64 {
        let Some((slot, dead)) = self.slots.get_mut(place) else { return MEMTABLE };
        dead.get_or_insert_with(|| slot.dead.clone()).bury(pair);
        self.buried += 1;
        slot.number
    }

    /// Does once more what the log says. Additions need no look-up: what the log added was nowhere else, and segments
    /// gain pairs only when a new log begins.
    pub(crate) fn replay(&mut self, effects: &[Effect]) -> Result<(), SegmentError> {
        for effect in effects {
            match effect {
                Effect::Add(_, u64::MAX) => {}
                Effect::Add(code, id) => {
                    self.memtable.insert((*id, *code));
                }
                Effect::RemoveIds(first, last) => self.remove_ids(*first, *last),
                Effect::Remove(code, id, place) => self.remove_again((*id, *code), *place)?,
            }
        }
        self.effects.clear();
        Ok(())
    }

    /// A removal of the log. The segment that it names may have been merged since, or, where an older manifest was
    /// taken, not be there yet.
    fn remove_again(&mut self, pair: Pair, place: u64) -> Result<(), SegmentError> {
        if self.memtable.remove(&pair) || place == MEMTABLE {
            return Ok(());
        }
        if let Some(at) = self.slots.iter().position(|(slot, _)| slot.number == place) {
            self.bury(pair, at);
            return Ok(());
        }
        let slots: Vec<Arc<Slot>> = self.slots.iter().map(|(slot, _)| Arc::clone(slot)).collect();
        let standing = standing(&slots, &[(pair.1, pair.0)])?;
        if let Some(at) = self.living(&pair, &standing) {
            self.bury(pair, at);
        }
        Ok(())
    }
}
