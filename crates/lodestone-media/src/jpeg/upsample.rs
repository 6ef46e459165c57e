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

// Index loops over slices of one length: they vectorise wherever they are inlined, which adaptors do not always.

/// Twice as wide; `out` holds twice the samples of `row`.
#[inline(always)]
pub(super) fn wide(row: &[u8], sums: &mut Vec<u16>, out: &mut [u8]) {
    let middle = padded(row.len(), sums);
    for i in 0..row.len() {
        middle[i] = u16::from(row[i]);
    }
    spread::<2, 1, 2>(sums, out);
}

/// Twice as wide and high: one row of the output from the nearer and the farther row.
#[inline(always)]
pub(super) fn both(near: &[u8], far: &[u8], sums: &mut Vec<u16>, out: &mut [u8]) {
    let count = near.len().min(far.len());
    let (near, far) = (&near[..count], &far[..count]);
    let middle = padded(count, sums);
    for i in 0..count {
        middle[i] = 3 * u16::from(near[i]) + u16::from(far[i]);
    }
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

/// Room for so many sums, and one more on either side.
#[inline(always)]
fn padded(count: usize, sums: &mut Vec<u16>) -> &mut [u16] {
    if sums.len() != count + 2 {
        sums.resize(count + 2, 0);
    }
    &mut sums[1..=count]
}

/// Three quarters of the nearer plus one quarter of the farther sample, to the left and to the right. Beyond the ends
/// stand the first and the last sum once more.
#[inline(always)]
fn spread<const SHIFT: u16, const LEFT: u16, const RIGHT: u16>(sums: &mut [u16], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    let count = sums.len().saturating_sub(2).min(out.len());
    if count == 0 {
        return;
    }
    sums[0] = sums[1];
    sums[count + 1] = sums[count];
    let out = &mut out[..count];
    let (before, here, after) = (&sums[..count], &sums[1..=count], &sums[2..count + 2]);
    for i in 0..count {
        let nearer = 3 * here[i];
        let (left, right) = (nearer + before[i] + LEFT, nearer + after[i] + RIGHT);
        // Both bytes as one number, so that no lanes have to be packed.
        out[i] = (left >> SHIFT | right << (8 - SHIFT) & 0xff00).to_le_bytes();
    }
}
