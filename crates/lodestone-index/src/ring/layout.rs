//! How the 256 bits are cut into chunks.

use super::permute::Bits;
use super::plan::Plan;

/// Widest chunk, in bits: its table's directory has 2²⁴ + 1 entries.
pub(crate) const MAX_WIDTH: u32 = 24;
/// Most chunks.
pub(crate) const MAX_TABLES: usize = 32;
/// Fewest: the third chunk from any place must be another one.
const MIN_TABLES: usize = 3;

/// Fewer codes are scanned: some 8,000 take as long as an empty ring, and a ring's directories take 4 MB.
const LINEAR_BELOW: u64 = 12_000;

/// The layouts that win somewhere. In the last three, wide chunks that may differ in two bits stand before narrow ones
/// that may differ in one: together those two then differ in less, and fewer candidates are left.
const LAYOUTS: [&[u8]; 5] = [
    &[16; 16],
    &[17, 17, 17, 17, 17, 17, 17, 18, 17, 17, 17, 17, 17, 17, 17],
    &[21, 18, 21, 19, 21, 18, 21, 19, 21, 19, 21, 18, 19],
    &[22, 22, 20, 22, 22, 20, 22, 22, 20, 22, 22, 20],
    &[24, 23, 24, 23, 24, 23, 24, 23, 24, 24, 20],
];

/// The widths of the chunks, in order from bit 0 of the permuted code; they sum to 256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    widths: Vec<u8>,
    starts: Vec<u16>,
}

impl Layout {
    /// A layout of these widths; `None` unless there are 3 to 32 of 1 to 24 bits each that sum to 256.
    pub(crate) fn from_widths(widths: &[u8]) -> Option<Self> {
        if !(MIN_TABLES..=MAX_TABLES).contains(&widths.len()) {
            return None;
        }
        let mut starts = Vec::new();
        let mut sum = 0u16;
        for &width in widths {
            if width == 0 || u32::from(width) > MAX_WIDTH {
                return None;
            }
            starts.push(sum);
            sum += u16::from(width);
        }
        (sum == 256).then(|| Self { widths: widths.to_vec(), starts })
    }

    /// The layout that costs least for so many distinct codes at radius 31, by the model of [`Plan::cost`]; `None` when a
    /// linear scan costs less. Codes that all have even weight cannot be 31 bits from another such code, which leaves one
    /// bit less to share out among the chunks.
    pub(crate) fn choose(codes: u64, even_weight: bool) -> Option<Self> {
        if codes < LINEAR_BELOW {
            return None;
        }
        let count = usize::try_from(codes).unwrap_or(usize::MAX);
        let radius = if even_weight { 30 } else { 31 };
        let cost = |widths: &&[u8]| Plan::new(widths, count, radius).cost(widths, count);
        let best = LAYOUTS.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
        Self::from_widths(best)
    }

    /// Widths in bits, one a table.
    pub(crate) fn widths(&self) -> &[u8] {
        &self.widths
    }

    /// Tables, one a chunk.
    pub(crate) fn tables(&self) -> usize {
        self.widths.len()
    }

    /// Entries in the directory of a table: one more than it has buckets.
    pub(crate) fn dir_len(&self, table: usize) -> usize {
        (1 << self.widths[table]) + 1
    }

    /// Bits of chunk `table`, as a number.
    #[inline(always)]
    pub(crate) fn chunk(&self, bits: &[u64; 4], table: usize) -> u32 {
        field(bits, u32::from(self.starts[table]), u32::from(self.widths[table]))
    }

    /// The leading 16 bits of the chunk after `table` (all of it, at the low end, where it is narrower): what stands
    /// inline in a bucket.
    #[inline(always)]
    pub(crate) fn next(&self, bits: &[u64; 4], table: usize) -> u16 {
        let after = self.after(table);
        field(bits, u32::from(self.starts[after]), u32::from(self.widths[after]).min(16)) as u16
    }

    /// The bits that follow those of [`Self::next`], as many as `extra` says.
    #[inline(always)]
    pub(crate) fn extra(&self, bits: &[u64; 4], table: usize, extra: Extra) -> u16 {
        let after = self.after(table);
        let start = u32::from(self.starts[after]) + u32::from(self.widths[after]).min(16);
        if extra.bits == 0 { 0 } else { field(bits, start % 256, extra.bits) as u16 }
    }

    /// How a table takes its three fields of a code all at once: they stand one after the other.
    pub(super) fn fields(&self, table: usize, extra: Extra) -> Fields {
        let width = u32::from(self.widths[table]);
        let next = u32::from(self.widths[self.after(table)]).min(16);
        Fields { start: u32::from(self.starts[table]), width, next, extra: extra.bits }
    }

    /// How many bits beside the number of a code find room in a word of 32, where there are so many codes, and whose they
    /// are: first what is left of the chunk after `table`, then the chunk after that.
    pub(crate) fn extra_bits(&self, table: usize, codes: usize) -> Extra {
        let after = self.after(table);
        let second = u32::from(self.widths[after]).saturating_sub(16);
        let third = u32::from(self.widths[self.after(after)]);
        let bits = (32 - number_bits(codes)).min(16).min(second + third);
        let second = second.min(bits);
        let low = |bits: u32| ((1u32 << bits) - 1) as u16;
        Extra { bits, second: low(bits) & !low(bits - second) }
    }

    #[inline(always)]
    fn after(&self, table: usize) -> usize {
        if table + 1 == self.widths.len() { 0 } else { table + 1 }
    }
}

/// Where the fields of one table lie in a code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    start: u32,
    width: u32,
    next: u32,
    extra: u32,
}

impl Fields {
    /// The chunk alone, of a code in the byte order of the disk.
    #[inline(always)]
    pub(super) fn chunk(self, bits: &Bits) -> u32 {
        (self.window(bits) >> (64 - self.width)) as u32
    }

    /// The chunk, the bits that stand inline, and those beside the number; 56 bits at most.
    #[inline(always)]
    pub(super) fn all(self, bits: &Bits) -> (u32, u16, u16) {
        let window = self.window(bits);
        let next = window << self.width;
        // In two steps, for there may be none.
        let extra = next << self.next >> 1 >> (63 - self.extra);
        ((window >> (64 - self.width)) as u32, (next >> (64 - self.next)) as u16, extra as u16)
    }

    /// As [`window`], reading only the two words that are needed from where they lie.
    #[inline(always)]
    fn window(self, bits: &Bits) -> u64 {
        let word = (self.start / 64) as usize;
        let shift = self.start % 64;
        let (this, after) = (u64::from_le(bits.0[word & 3]), u64::from_le(bits.0[(word + 1) & 3]));
        this << shift | after >> 1 >> (63 - shift)
    }
}

/// Bits beside the number of a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    /// How many.
    pub(crate) bits: u32,
    /// Which of them belong to the second chunk; the others to the third.
    pub(crate) second: u16,
}

/// Bits that the number of a code takes.
pub(crate) fn number_bits(codes: usize) -> u32 {
    usize::BITS - codes.saturating_sub(1).leading_zeros()
}

/// `width` bits (1 to 32) from bit `start` on, going round.
#[inline(always)]
fn field(bits: &[u64; 4], start: u32, width: u32) -> u32 {
    (window(bits, start) >> (64 - width)) as u32
}

/// 64 bits from bit `start` on, going round.
#[inline(always)]
fn window(bits: &[u64; 4], start: u32) -> u64 {
    let word = (start / 64) as usize;
    let shift = start % 64;
    // The next word's bits, shifted in two steps so that a shift by 64 cannot be.
    bits[word & 3] << shift | bits[(word + 1) & 3] >> 1 >> (63 - shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_put_one_after_the_other_are_the_code() {
        let bits =
            [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x0f1e_2d3c_4b5a_6978, 0x8796_a5b4_c3d2_e1f0];
        for widths in [
            vec![16; 16],
            vec![24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 16],
            vec![19, 20, 20, 20, 20, 20, 20, 20, 20, 19, 19, 19, 20],
        ] {
            let layout = Layout::from_widths(&widths).unwrap();
            let text: String = (0..layout.tables())
                .map(|t| format!("{:0width$b}", layout.chunk(&bits, t), width = usize::from(widths[t])))
                .collect();
            let whole: String = bits.iter().map(|word| format!("{word:064b}")).collect();
            assert_eq!(text, whole);
            for t in 0..layout.tables() {
                let next = layout.chunk(&bits, (t + 1) % layout.tables());
                let width = u32::from(widths[(t + 1) % widths.len()]);
                assert_eq!(u32::from(layout.next(&bits, t)), next >> width.saturating_sub(16));
                for codes in [1, 1000, 1 << 20, 1 << 27, u32::MAX as usize] {
                    let extra = layout.extra_bits(t, codes);
                    let all = (layout.chunk(&bits, t), layout.next(&bits, t), layout.extra(&bits, t, extra));
                    assert_eq!(layout.fields(t, extra).all(&Bits(bits).to_le()), all);
                }
            }
        }
    }

    #[test]
    fn more_codes_get_fewer_and_wider_chunks() {
        let tables = |codes, even| Layout::choose(codes, even).map_or(0, |layout| layout.tables());
        let at = [1_000, 100_000, 1_000_000, 10_000_000, 30_000_000, 100_000_000, 1_000_000_000];
        assert_eq!(at.map(|codes| tables(codes, false)), [0, 16, 16, 16, 13, 12, 11]);
        assert_eq!(at.map(|codes| tables(codes, true)), [0, 16, 16, 15, 13, 12, 11]);
        for widths in LAYOUTS {
            assert!(Layout::from_widths(widths).is_some(), "{widths:?}");
        }
    }

    #[test]
    fn widths_that_are_no_layout_are_refused() {
        for widths in [&[] as &[u8], &[16; 15], &[16; 17], &[0; 16], &[8; 32], &[25; 10], &[255, 1]] {
            let sums = widths.iter().map(|w| u32::from(*w)).sum::<u32>();
            let fine = widths.len() == 32 && sums == 256;
            assert_eq!(Layout::from_widths(widths).is_some(), fine, "{widths:?}");
        }
    }
}
