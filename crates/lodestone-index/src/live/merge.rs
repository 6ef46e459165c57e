//! Merging: several segments become one, and the dead are left behind, while look-ups and changes go on.
//!
//! A merge reads what was alive when it began. What dies in its segments meanwhile is noted in a [`Journal`], which
//! becomes the tombstones of the new segment. Nothing comes alive in a segment: a pair that is added again goes into the
//! memtable.

use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::dead::Dead;
use super::error::LiveError;
use super::slot::Slot;
use super::writer::{Core, Writer};
use crate::BuildStep;

/// A segment is written again when this part of its pairs is dead.
const DEAD_SHARE: u64 = 4;

/// Tombstones of one segment, and of all, at which it is time to merge whatever the size: they are written with each
/// manifest, 40 bytes each.
const DEAD_PAIRS: u64 = 1 << 18;

/// A merge takes the next larger segment along when that has at most so many times the pairs of those before.
const GROWTH: u64 = 4;

/// How far a bulk change or a merge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LiveStep {
    /// Pairs are read: so many of about so many; of 0 where nobody knows.
    Read {
        /// Pairs read.
        done: u64,
        /// Pairs there are.
        total: u64,
    },
    /// The segment is built.
    Build(BuildStep),
}

/// A merge under way.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The new segment's number.
    pub(crate) number: u64,
    /// The segments that are merged.
    pub(crate) inputs: Vec<u64>,
    /// What died in them since.
    pub(crate) dead: Dead,
    /// Who merges. A change made by its `progress` must not wait for its end.
    thread: ThreadId,
}

/// What a plan looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) pairs: u64,
    pub(crate) dead: u64,
    /// Those of the dead that are written down one by one.
    pub(crate) buried: u64,
}

/// The places of the segments that should become one; none when all is well.
pub(crate) fn plan(weights: &[Weight], max_segments: usize) -> Vec<usize> {
    let living = |place: usize| weights.get(place).map_or(0, |w| w.pairs.saturating_sub(w.dead));
    let mut by_size: Vec<usize> = (0..weights.len()).collect();
    by_size.sort_by_key(|place| (living(*place), *place));
    let mut chosen: Vec<usize> = (0..weights.len())
        .filter(|place| {
            weights.get(*place).is_some_and(|w| {
                w.dead > 0 && w.dead.saturating_mul(DEAD_SHARE) >= w.pairs || w.buried >= DEAD_PAIRS
            })
        })
        .collect();
    if weights.len() > max_segments.max(1) || !chosen.is_empty() {
        let least = weights.len().saturating_sub(max_segments.max(1)).saturating_add(1);
        let mut pairs: u64 = chosen.iter().map(|place| living(*place)).sum();
        for place in by_size {
            if chosen.contains(&place) {
                continue;
            }
            let over = weights.len() > max_segments.max(1) && chosen.len() < least.max(2);
            if !over && living(place) > pairs.saturating_mul(GROWTH) {
                break;
            }
            pairs = pairs.saturating_add(living(place));
            chosen.push(place);
        }
    }
    chosen
}

/// A merge that has begun. Dropped before its end, it leaves everything as it was.
struct Merge<'a> {
    core: &'a Core,
    inputs: Vec<Arc<Slot>>,
    number: u64,
    ended: bool,
}

impl Core {
    /// Makes the merges that are due.
    pub(crate) fn merge_due(&self) -> Result<(), LiveError> {
        while !self.closing() {
            // Counting what ranges removed goes through segments; the lock is not held meanwhile.
            for slot in &self.current.load_full().slots {
                slot.count()?;
            }
            let Some(merge) = self.begin(|slots| plan(&weights(slots), self.options.max_segments))? else {
                break;
            };
            merge.run(&mut |_| {
                if self.closing() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        Ok(())
    }

    /// Merges all segments into one without tombstones.
    pub(crate) fn merge_all(
        &self,
        progress: &mut dyn FnMut(LiveStep) -> ControlFlow<()>,
    ) -> Result<(), LiveError> {
        let all = |slots: &[Arc<Slot>]| {
            let done = slots.len() < 2 && slots.iter().all(|slot| slot.dead.is_empty());
            if done { Vec::new() } else { (0..slots.len()).collect() }
        };
        self.begin(all)?.map_or(Ok(()), |merge| merge.run(progress))
    }

    /// Whether changes must wait for merging, or look-ups would become slow and the manifest large.
    pub(crate) fn is_merge_overdue(&self) -> bool {
        let slots = &self.current.load().slots;
        let buried: u64 = slots.iter().map(|slot| slot.dead.pairs().len() as u64).sum();
        slots.len() >= self.options.max_segments.max(1).saturating_mul(3) || buried >= 8 * DEAD_PAIRS
    }

    pub(crate) fn is_merge_due(&self) -> bool {
        let slots = &self.current.load().slots;
        !plan(&weights(slots), self.options.max_segments).is_empty()
            || slots.iter().any(|slot| !slot.dead.ranges().is_empty())
    }

    /// Begins a merge of the slots chosen, when there are any; waits for the end of another first.
    fn begin(&self, choose: impl Fn(&[Arc<Slot>]) -> Vec<usize>) -> Result<Option<Merge<'_>>, LiveError> {
        let Some(mut writer) = self.wait_for_merge(self.lock()?)? else { return Ok(None) };
        let present = self.current.load_full();
        let chosen = choose(&present.slots);
        let inputs: Vec<Arc<Slot>> =
            chosen.iter().filter_map(|place| present.slots.get(*place).cloned()).collect();
        if inputs.is_empty() {
            return Ok(None);
        }
        let number = writer.take_number();
        let numbers = inputs.iter().map(|slot| slot.number).collect();
        writer.merging =
            Some(Journal { number, inputs: numbers, dead: Dead::default(), thread: thread::current().id() });
        Ok(Some(Merge { core: self, inputs, number, ended: false }))
    }

    /// The writer when no merge is under way; `None` when this thread is the one that merges.
    fn wait_for_merge<'a>(
        &self,
        mut writer: MutexGuard<'a, Writer>,
    ) -> Result<Option<MutexGuard<'a, Writer>>, LiveError> {
        while let Some(journal) = &writer.merging {
            if journal.thread == thread::current().id() {
                return Ok(None);
            }
            let Ok(next) = self.merge_ended.wait(writer) else {
                return Err(LiveError::Reopen { reason: "a panic while it was written".to_owned() });
            };
            writer = next;
        }
        Ok(Some(writer))
    }
}

impl Merge<'_> {
    fn run(mut self, progress: &mut dyn FnMut(LiveStep) -> ControlFlow<()>) -> Result<(), LiveError> {
        let total = self.inputs.iter().map(|slot| slot.segment.len().saturating_sub(slot.dead_known())).sum();
        let mut builder = self.core.builder();
        let mut done = 0u64;
        for slot in &self.inputs {
            let mut failed = None;
            let read = slot.for_each(&mut |code, id| {
                if done.is_multiple_of(1 << 16) && progress(LiveStep::Read { done, total }).is_break() {
                    return ControlFlow::Break(());
                }
                done += 1;
                if let Err(error) = builder.push(code, id) {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            read?;
        }
        let written = done > 0;
        if written {
            let path = self.core.folder.segment(self.number);
            builder.write(&path, &mut |step| progress(LiveStep::Build(step)))?;
        }
        // Opened and tried out before anything names it, and before the lock is taken.
        let merged = if written { Some(self.core.open_slot(self.number, Dead::default())?) } else { None };

        let mut writer = self.core.lock()?;
        let journal = writer.merging.take();
        self.ended = true;
        self.core.merge_ended.notify_all();
        let Some(journal) = journal else { return Ok(()) };
        let present = self.core.current.load_full();
        let mut slots: Vec<Arc<Slot>> =
            present.slots.iter().filter(|slot| !journal.inputs.contains(&slot.number)).cloned().collect();
        slots.extend(merged.map(|slot| Arc::new(slot.with_dead(journal.dead))));
        writer.replace_slots(self.core, slots)
    }
}

impl Drop for Merge<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let mut writer = self.core.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.merging = None;
            self.core.merge_ended.notify_all();
        }
    }
}

fn weights(slots: &[Arc<Slot>]) -> Vec<Weight> {
    let weight = |slot: &Arc<Slot>| Weight {
        pairs: slot.segment.len(),
        dead: slot.dead_known(),
        // A range is looked at by every hit, and copied with every change.
        buried: (slot.dead.pairs().len() + 64 * slot.dead.ranges().as_slice().len()) as u64,
    };
    slots.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(sizes: &[u64]) -> Vec<Weight> {
        sizes.iter().map(|pairs| Weight { pairs: *pairs, dead: 0, buried: 0 }).collect()
    }

    fn sorted(mut places: Vec<usize>) -> Vec<usize> {
        places.sort_unstable();
        places
    }

    #[test]
    fn few_sound_segments_are_left_alone() {
        assert_eq!(plan(&[], 4), []);
        assert_eq!(plan(&sizes(&[10_000_000, 16, 16, 16]), 4), []);
    }

    #[test]
    fn small_segments_are_merged_and_a_large_one_is_left_until_they_have_grown() {
        assert_eq!(sorted(plan(&sizes(&[10_000_000, 16, 17, 16, 16]), 4)), [1, 2, 3, 4]);
        assert_eq!(sorted(plan(&sizes(&[1000, 300, 70, 16, 16]), 4)), [0, 1, 2, 3, 4]);
        assert_eq!(sorted(plan(&sizes(&[10_000_000, 1_000_000, 100_000, 16, 16]), 4)), [3, 4]);
    }

    #[test]
    fn a_segment_with_many_dead_is_written_again() {
        let mut weights = sizes(&[10_000_000, 1000]);
        weights[1].dead = 250;
        assert_eq!(plan(&weights, 4), [1]);
        weights[0].buried = DEAD_PAIRS;
        weights[0].dead = DEAD_PAIRS;
        assert_eq!(sorted(plan(&weights, 4)), [0, 1]);
    }

    #[test]
    fn every_plan_ends_with_few_enough_segments() {
        for count in 1..40u64 {
            let weights = sizes(&(0..count).map(|n| 1 << (n % 30)).collect::<Vec<_>>());
            let chosen = plan(&weights, 4);
            let left = weights.len() - chosen.len() + usize::from(!chosen.is_empty());
            assert!(left <= 4, "{count}: {left}");
        }
    }
}
