//! Everything checked: blocks, then what they say.

use std::ops::ControlFlow;

use super::format::{BLOCK, CANARY};
use super::{Segment, SegmentError};
use crate::ring::{Bits, Trusted};

/// Blocks, or entries, between two steps of progress.
const STEP: u64 = 1 << 12;

/// See [`Segment::verify`].
pub(super) fn verify(
    segment: &Segment,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<(), SegmentError> {
    let blocks = segment.plan.top.at / BLOCK;
    let mut progress = Progress { done: 0, total: 2 * segment.plan.top.at, tell: progress };
    let guard = super::guard::Checked { image: &segment.image, plan: &segment.plan, blocks: &segment.blocks };
    for block in 0..blocks {
        if !guard.check(block) {
            return Err(segment.damaged(crate::ring::Damaged));
        }
        progress.add(BLOCK, block.is_multiple_of(STEP))?;
    }
    for part in 0..segment.parts.len() {
        codes_and_owners(segment, part, &mut progress)?;
        super::tables::verify(segment, part, &mut progress)?;
    }
    counts(segment)?;
    progress.done = progress.total;
    progress.add(0, true)
}

pub(super) struct Progress<'a> {
    done: u64,
    total: u64,
    tell: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
}

impl Progress<'_> {
    pub(super) fn add(&mut self, bytes: u64, tell: bool) -> Result<(), SegmentError> {
        self.done = self.total.min(self.done + bytes);
        if tell && (self.tell)(self.done, self.total).is_break() {
            return Err(SegmentError::Stopped);
        }
        Ok(())
    }
}

pub(super) fn unsound(segment: &Segment, what: &'static str) -> SegmentError {
    SegmentError::Unsound { path: segment.path.clone(), what }
}

fn codes_and_owners(segment: &Segment, part: usize, progress: &mut Progress<'_>) -> Result<(), SegmentError> {
    let damaged = |damaged| segment.damaged(damaged);
    let even = segment.shape.parts[part].even;
    let codes = segment.codes(part).map_err(damaged)?;
    let owners = segment.owners(part).map_err(damaged)?;
    let mut last: Option<Bits> = None;
    for (position, code) in codes.iter().enumerate() {
        let code = code.to_le();
        if last.is_some_and(|last| last >= code) {
            return Err(unsound(segment, "its codes do not ascend"));
        }
        if even && !code.is_even() {
            return Err(unsound(segment, "an even part has an odd code"));
        }
        last = Some(code);
        let (mut ascend, mut before) = (true, None);
        owners
            .each(&Trusted, position, |id| {
                ascend &= before.is_none_or(|before| before < id);
                before = Some(id);
            })
            .map_err(damaged)?;
        if !ascend || before.is_none() {
            return Err(unsound(segment, "the owners of a code do not ascend"));
        }
        progress.add(40, (position as u64).is_multiple_of(STEP))?;
    }
    Ok(())
}

/// What the header says is there.
fn counts(segment: &Segment) -> Result<(), SegmentError> {
    let damaged = |damaged| segment.damaged(damaged);
    let (mut pairs, mut distinct, mut canaries) = (0u64, 0u64, 0u64);
    for part in 0..segment.parts.len() {
        let owners = segment.owners(part).map_err(damaged)?;
        for position in 0..segment.shape.parts[part].codes as usize {
            let before = pairs;
            owners
                .each(&Trusted, position, |id| if id == CANARY { canaries += 1 } else { pairs += 1 })
                .map_err(damaged)?;
            distinct += u64::from(pairs > before);
        }
    }
    let shape = &segment.shape;
    if (pairs, distinct, canaries) != (shape.pairs, shape.distinct, shape.canaries) {
        return Err(unsound(segment, "its counts are not what it holds"));
    }
    Ok(())
}
