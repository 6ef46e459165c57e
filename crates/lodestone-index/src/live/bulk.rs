//! Changes too large for the memtable: a segment of their own, built out of core.

use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

use super::change::Applied;
use super::dead::Dead;
use super::draft::Draft;
use super::error::LiveError;
use super::merge::LiveStep;
use super::pairs::Pair;
use super::ranges::IdRanges;
use super::slot::{Slot, standing};
use super::writer::Core;
use crate::{Code256, SegmentBuilder};

/// Pairs looked up at once.
const BATCH: usize = 1 << 14;

/// Takes the pairs of a bulk change, in any order; pairs that are there already, and pairs given twice, count once.
pub struct BulkWriter<'a> {
    builder: SegmentBuilder,
    /// Where pairs may stand already.
    slots: Vec<Arc<Slot>>,
    /// Ids that the change removes first: theirs stand nowhere.
    removed: IdRanges,
    waiting: Vec<(Code256, u64)>,
    taken: u64,
    kept: u64,
    progress: &'a mut dyn FnMut(LiveStep) -> ControlFlow<()>,
}

impl BulkWriter<'_> {
    /// Adds one pair.
    ///
    /// # Errors
    /// [`LiveError::ReservedId`]; [`LiveError::Stopped`] if `progress` broke; if the disk is full or a segment damaged.
    pub fn push(&mut self, code: Code256, id: u64) -> Result<(), LiveError> {
        if self.taken.is_multiple_of(1 << 16)
            && (self.progress)(LiveStep::Read { done: self.taken, total: 0 }).is_break()
        {
            return Err(LiveError::Stopped);
        }
        self.taken += 1;
        if id != u64::MAX && !self.slots.is_empty() && !self.removed.contains(id) {
            self.waiting.push((code, id));
            if self.waiting.len() >= BATCH { self.look_up() } else { Ok(()) }
        } else {
            self.kept += 1;
            Ok(self.builder.push(code, id)?)
        }
    }

    /// Takes those of the waiting pairs that live nowhere.
    fn look_up(&mut self) -> Result<(), LiveError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_unstable();
        waiting.dedup();
        let mut living: Vec<Pair> = standing(&self.slots, &waiting)?
            .into_iter()
            .filter(|(pair, place)| self.slots.get(*place).is_some_and(|slot| !slot.dead.contains(pair)))
            .map(|(pair, _)| pair)
            .collect();
        living.dedup();
        for (code, id) in waiting.drain(..) {
            if living.binary_search(&(id, code)).is_err() {
                self.kept += 1;
                self.builder.push(code, id)?;
            }
        }
        self.waiting = waiting;
        Ok(())
    }
}

impl Core {
    /// One commit: removes all pairs with ids in `remove`, then adds what `fill` gives.
    pub(crate) fn bulk<E: From<LiveError>>(
        &self,
        remove: &[RangeInclusive<u64>],
        stamp: u64,
        fill: impl FnOnce(&mut BulkWriter<'_>) -> Result<(), E>,
        progress: &mut dyn FnMut(LiveStep) -> ControlFlow<()>,
    ) -> Result<Applied, E> {
        let mut writer = self.lock_for_change()?;
        // A bulk change stands in the manifest and not in a log, so the logs before and after it meet there.
        writer.flush(self)?;
        let mut draft = Draft::new(&self.current.load());
        let mut removed = IdRanges::default();
        for ids in remove {
            draft.remove_ids(*ids.start(), *ids.end());
            removed.insert(*ids.start(), *ids.end());
        }
        let effects = std::mem::take(&mut draft.effects);
        let (_, mut slots) = draft.into_parts();
        slots.retain(|slot| !slot.is_dead());
        let mut bulk = BulkWriter {
            builder: self.builder(),
            slots: slots.clone(),
            removed,
            waiting: Vec::new(),
            taken: 0,
            kept: 0,
            progress,
        };
        fill(&mut bulk)?;
        bulk.look_up()?;
        let BulkWriter { builder, kept, progress, .. } = bulk;
        let mut added = 0;
        if kept > 0 {
            let number = writer.take_number();
            let build = &mut |step| progress(LiveStep::Build(step));
            let written = builder.write(&self.folder.segment(number), build).map_err(LiveError::from)?;
            added = written.entries;
            slots.push(self.open_slot(number, Dead::default())?);
        }
        let generation = self.current.load().generation.saturating_add(1);
        writer.begin_log(self, slots, generation, stamp)?;
        // A merge under way learns what was removed once that is certain; it waits for the lock until then.
        writer.note_for_merge(&effects);
        Ok(Applied { generation, added, removed: 0 })
    }
}
