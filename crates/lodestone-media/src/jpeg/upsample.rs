//! Chroma samples to full resolution, one output row at a time, as `jdsample.c` ("fancy" where libjpeg is fancy).

/// How a component is brought to the frame's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upsampling {
    /// It is there already.
    Full,
    /// Twice as wide, triangle filter.
    Wide,
    /// Twice as high, triangle filter.
    High,
    /// Twice as wide and high, triangle filter.
    Both,
    /// Each sample repeated so many times across and down.
    Repeat(usize, usize),
}

impl Upsampling {
    /// libjpeg's choice for factors to expand by and a component `width` samples wide.
    pub(super) fn of(across: usize, down: usize, width: usize) -> Self {
        match (across, down) {
            (1, 1) => Self::Full,
            (2, 1) if width > 2 => Self::Wide,
            (1, 2) => Self::High,
            (2, 2) if width > 2 => Self::Both,
            _ => Self::Repeat(across, down),
        }
    }

    /// Whether a row needs the rows above and below.
    pub(super) fn needs_context(self) -> bool {
        matches!(self, Self::High | Self::Both)
    }
}

/// Twice as wide; `out` holds twice the samples of `row`.
#[inline(always)]
pub(super) fn wide(row: &[u8], sums: &mut Vec<u16>, out: &mut [u8]) {
    pad(row.iter().map(|&s| u16::from(s)), row.len(), sums);
    spread::<2, 1, 2>(sums, out);
}

/// Twice as wide and high: one row of the output from the nearer and the farther row.
#[inline(always)]
pub(super) fn both(near: &[u8], far: &[u8], sums: &mut Vec<u16>, out: &mut [u8]) {
    pad(near.iter().zip(far).map(|(&n, &f)| 3 * u16::from(n) + u16::from(f)), near.len(), sums);
    spread::<4, 8, 7>(sums, out);
}

/// Twice as high: one row of the output; the upper of two rounds down, the lower up.
#[inline(always)]
pub(super) fn high(near: &[u8], far: &[u8], lower: bool, out: &mut [u8]) {
    let bias = if lower { 2 } else { 1 };
    for ((&n, &f), to) in near.iter().zip(far).zip(out) {
        *to = ((3 * u16::from(n) + u16::from(f) + bias) >> 2) as u8;
    }
}

/// Each sample `times` times.
pub(super) fn repeat(row: &[u8], times: usize, out: &mut [u8]) {
    for (to, &sample) in out.chunks_mut(times).zip(row) {
        to.fill(sample);
    }
}

/// The samples, the first and the last once more beside them.
#[inline(always)]
fn pad(samples: impl Iterator<Item = u16>, count: usize, sums: &mut Vec<u16>) {
    sums.resize(count + 2, 0);
    if let [_, middle @ .., _] = sums.as_mut_slice() {
        for (to, sample) in middle.iter_mut().zip(samples) {
            *to = sample;
        }
    }
    if let [first, second, .., last_but_one, last] = sums.as_mut_slice() {
        (*first, *last) = (*second, *last_but_one);
    } else if let [first, only, last] = sums.as_mut_slice() {
        (*first, *last) = (*only, *only);
    }
}

/// Three quarters of the nearer plus one quarter of the farther sample, to the left and to the right.
#[inline(always)]
fn spread<const SHIFT: u16, const LEFT: u16, const RIGHT: u16>(sums: &[u16], out: &mut [u8]) {
    let Some(count) = sums.len().checked_sub(2) else { return };
    let (before, here, after) = (&sums[..count], &sums[1..=count], &sums[2..]);
    let (out, _) = out.as_chunks_mut::<2>();
    for (((&before, &here), &after), to) in before.iter().zip(here).zip(after).zip(out) {
        *to = [((3 * here + before + LEFT) >> SHIFT) as u8, ((3 * here + after + RIGHT) >> SHIFT) as u8];
    }
}
