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
    apart(segment)?;
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
    // No list is shared: more owners than there is room for means that one is, which could go on for ever.
    let room = codes.len() as u64 + owners.lists.len() as u64;
    let mut seen = 0u64;
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
                seen += 1;
            })
            .map_err(damaged)?;
        if seen > room {
            return Err(unsound(segment, "codes share a list of owners"));
        }
        if !ascend || before.is_none() {
            return Err(unsound(segment, "the owners of a code do not ascend"));
        }
        progress.add(40, (position as u64).is_multiple_of(STEP))?;
    }
    Ok(())
}

/// No code stands in two parts: its pairs would be found twice.
fn apart(segment: &Segment) -> Result<(), SegmentError> {
    let codes = |part| segment.codes(part).map_err(|damaged| segment.damaged(damaged));
    for part in 1..segment.parts.len() {
        for before in 0..part {
            let (few, many) = (codes(part)?, codes(before)?);
            if few.iter().any(|code| many.binary_search_by_key(&code.to_le(), |other| other.to_le()).is_ok())
            {
                return Err(unsound(segment, "a code stands in two parts"));
            }
        }
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

#[cfg(test)]
mod tests {
    use super::super::format::{Plan, Shape, checksum};
    use super::super::{BuildOptions, LayoutChoice, header};
    use super::*;
    use crate::Code256;
    use crate::ring::split_mix;

    /// Makes all checksums fit again.
    fn seal(image: &mut [u8], shape: &Shape, plan: &Plan) {
        let header = header::encode(shape, plan);
        image[..BLOCK as usize].copy_from_slice(&header);
        let at = |byte: u64| byte as usize;
        for (from, to, end) in [(0, plan.sums.at, plan.sums.at), (plan.sums.at, plan.top.at, plan.top.at)] {
            for (number, start) in (at(from)..at(end)).step_by(BLOCK as usize).enumerate() {
                let sum = checksum(&image[start..start + BLOCK as usize]);
                image[at(to) + 8 * number..][..8].copy_from_slice(&sum.to_le_bytes());
            }
        }
        let root = checksum(plan.top.of(image));
        image[at(plan.footer)..].copy_from_slice(&header::encode_footer(root, plan.total, &header));
    }

    #[test]
    fn a_file_whose_checksums_fit_and_whose_content_does_not_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.segment");
        let mut state = 5;
        let mut entries: Vec<(Code256, u64)> =
            (0..400).map(|id| (Code256(std::array::from_fn(|_| split_mix(&mut state))), id)).collect();
        entries.push((entries[0].0, 900));
        let options = BuildOptions { layout: LayoutChoice::Widths(vec![8; 32]), ..Default::default() };
        let whole = Segment::from_entries(entries, &options).unwrap();
        let (shape, plan) = (&whole.shape, &whole.plan);
        let part = &plan.parts[0];
        let check = |change: &dyn Fn(&mut [u8], &mut Shape), expected: &str| {
            let (mut image, mut shape) = (whole.as_bytes().to_vec(), shape.clone());
            change(&mut image, &mut shape);
            seal(&mut image, &shape, plan);
            std::fs::write(&path, &image).unwrap();
            let segment = Segment::open(&path);
            let error =
                match segment.and_then(|segment| segment.verify(&mut |_, _| ControlFlow::Continue(()))) {
                    Ok(()) => String::new(),
                    Err(error) => error.to_string(),
                };
            assert!(
                error.contains(expected) && error.is_empty() == expected.is_empty(),
                "{error} for {expected}"
            );
        };
        check(&|_, _| {}, "");
        let place = "a table does not list each code once in its place";
        for (table, section) in part.tables.iter().enumerate().skip(29) {
            check(&|image, _| image[section.next.at as usize] ^= 0x40, place);
            check(&|image, _| image[section.ids.at as usize + 3] ^= 1, place);
            let (first, second) = (section.ids.at as usize, section.ids.at as usize + 4);
            check(&|image, _| (0..4).for_each(|byte| image.swap(first + byte, second + byte)), place);
            assert!(table > 0);
        }
        let codes = part.codes.at as usize;
        check(
            &|image, _| (0..32).for_each(|byte| image.swap(codes + byte, codes + 32 + byte)),
            "do not ascend",
        );
        check(&|_, shape| (shape.pairs, shape.distinct) = (402, 401), "its counts");
        check(&|_, shape| shape.distinct = 500, "its counts contradict each other");
        let lists = plan.lists.at as usize;
        // The first list is a canary's.
        check(
            &|image, _| image[lists + 8 + 7] = 0x80,
            "self-test failed: the canary at 16 bits was not found",
        );
    }
}
