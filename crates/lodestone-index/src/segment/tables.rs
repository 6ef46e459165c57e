//! Between the ring's tables and the image. For the time being every part is linear.

use super::format::Span;
use super::target::TableWork;
use super::verify::Progress;
use super::{Segment, SegmentError};
use crate::SearchStats;
use crate::probe::Found;
use crate::ring::{Bits, Damaged, Guard, Layout, Plans};

pub(super) fn choose(_codes: u64, _even: bool) -> Option<Layout> {
    None
}

pub(super) fn forced(_layout: Layout) -> Option<Layout> {
    None
}

pub(super) fn build(_work: &TableWork<'_>, _codes: &[Bits], _dir: &mut [u32], _entries: &mut [u16]) {}

pub(super) fn scratch_bytes(_work: &TableWork<'_>, _codes: &[Bits]) -> u64 {
    0
}

pub(super) fn in_slices(
    _work: &TableWork<'_>,
    _codes: &[Bits],
    _memory_bytes: u64,
    _put: &mut dyn FnMut(u64, &[u8]) -> Result<(), SegmentError>,
) -> Result<(), SegmentError> {
    Ok(())
}

impl Segment {
    pub(super) fn find_in_tables<G: Guard>(
        &self,
        _guard: &G,
        (_part, _plans): (usize, &Plans),
        _queries: &[Bits],
        _radius: u32,
        _found: &mut Vec<Found>,
        _stats: &mut SearchStats,
    ) -> Result<(), Damaged> {
        let _ = Span::default();
        Err(Damaged)
    }
}

pub(super) fn verify(
    _segment: &Segment,
    _part: usize,
    _progress: &mut Progress<'_>,
) -> Result<(), SegmentError> {
    Ok(())
}
