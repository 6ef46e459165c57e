//! Vectors in blocks of 16, four bytes of each at a time, and the queries in the form the kernels want.

use std::ops::Range;

use super::{Vector144, VectorQuery};

/// Vectors in a block: lanes of 32 bits in a vector register of the widest machine.
pub(crate) const LANES: usize = 16;

/// Bytes of each vector in one row: what a lane holds.
pub(crate) const STEP: usize = 4;

/// Rows of a vector.
pub(crate) const ROWS: usize = Vector144::LEN / STEP;

/// Rows looked at before a block is given up, where even these few positions are farther than asked: 36 bytes, which
/// in random vectors differ by 390,000 on average.
pub(crate) const HEAD: usize = 9;

/// The other rows.
pub(crate) const TAIL: usize = ROWS - HEAD;

/// Blocks scanned for one group of probes before the next: their heads, 20 KiB, stay in the first-level cache.
pub(crate) const TILE_BLOCKS: usize = 32;

/// Four bytes of each of sixteen vectors, a word of each, the first byte in the lowest bits.
pub(crate) type Row = [u32; LANES];

/// The first rows of sixteen vectors, which every search reads; the others lie apart, since few do.
///
/// With `q' = q - 128`, which fits a signed byte, `Σ(a - q)² = Σa(a - 256) + Σq² - 2 Σaq'`: the first sum is kept with
/// the vectors, the second with the query, and only the third is left to compute. Every part of each fits 32 bits.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Head {
    pub(crate) rows: [Row; HEAD],
    /// `Σa(a - 256)` over these rows.
    pub(crate) sums: [i32; LANES],
}

/// The other rows of sixteen vectors.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Tail {
    pub(crate) rows: [Row; TAIL],
    /// `Σa(a - 256)` over these rows.
    pub(crate) sums: [i32; LANES],
}

/// The block of up to 16 vectors whose bytes are in the index's order of positions; zeros fill it up.
pub(crate) fn block(vectors: &[Vector144]) -> (Head, Tail) {
    let mut head = Head { rows: [[0; _]; _], sums: [0; _] };
    let mut tail = Tail { rows: [[0; _]; _], sums: [0; _] };
    for (lane, vector) in vectors.iter().enumerate().take(LANES) {
        let (steps, _) = vector.0.as_chunks::<STEP>();
        for (row, step) in steps.iter().enumerate() {
            let (to, sums) = match row.checked_sub(HEAD) {
                None => (&mut head.rows[row], &mut head.sums),
                Some(row) => (&mut tail.rows[row], &mut tail.sums),
            };
            to[lane] = u32::from_le_bytes(*step);
            sums[lane] += step.iter().map(|byte| i32::from(*byte) * (i32::from(*byte) - 256)).sum::<i32>();
        }
    }
    (head, tail)
}

/// A run of blocks, positions `start..end` of the index; the filling of the last block is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<'a> {
    pub(crate) heads: &'a [Head],
    pub(crate) tails: &'a [Tail],
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One query, made ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// Each byte less 128, four to a word, the first in the lowest bits; first the rows of the head.
    pub(crate) head: [i32; HEAD],
    pub(crate) tail: [i32; TAIL],
    /// `Σq²` over the rows of the head.
    pub(crate) head_sum: i32,
    /// `Σq²` over the rows of the tail.
    pub(crate) tail_sum: i32,
    /// The greatest squared distance wanted.
    pub(crate) limit: i32,
    /// First block that can hold a vector near enough.
    pub(crate) first: usize,
    /// One past the last such block.
    pub(crate) last: usize,
    /// The query's number.
    pub(crate) query: u32,
}

impl Probe {
    /// A probe of `query`, its bytes put in `order`; the blocks are left to the caller.
    pub(crate) fn new(number: u32, query: &VectorQuery, order: &Order) -> Self {
        let ordered = order.apply(&query.vector);
        let square = |range: Range<usize>| ordered.0[range].iter().map(|byte| i32::from(*byte).pow(2)).sum();
        let (steps, _) = ordered.0.as_chunks::<STEP>();
        let (mut head, mut tail) = ([0; HEAD], [0; TAIL]);
        for (word, step) in head.iter_mut().chain(&mut tail).zip(steps) {
            *word = i32::from_le_bytes(step.map(|byte| byte ^ 0x80)); // the two's complement of `byte - 128`
        }
        Self {
            head,
            tail,
            head_sum: square(0..HEAD * STEP),
            tail_sum: square(HEAD * STEP..Vector144::LEN),
            limit: query.max_distance_squared.min(Vector144::MAX_DISTANCE_SQUARED) as i32,
            first: 0,
            last: 0,
            query: number,
        }
    }

    /// The squared lengths that a vector within the limit can have: lengths differ by no more than the distance.
    pub(crate) fn lengths_squared(&self) -> std::ops::RangeInclusive<u32> {
        let (length, limit) =
            ((self.head_sum + self.tail_sum).unsigned_abs().isqrt(), self.limit.unsigned_abs().isqrt());
        // Roots are rounded so that the range only grows.
        let least = length.saturating_sub(limit + 1).pow(2);
        least..=(length + 1 + limit + 1).pow(2)
    }
}

/// An order of the 144 positions, the same for all vectors of an index and all queries: those first in which its
/// vectors differ most, so that few bytes tell far vectors apart. Distances do not depend on it.
#[derive(Clone, Debug)]
pub(crate) struct Order([u8; Vector144::LEN]);

impl Order {
    /// Positions by falling variance, equal ones ascending.
    pub(crate) fn by_variance(vectors: impl Iterator<Item = Vector144>) -> Self {
        let mut sums = [(0u64, 0u64); Vector144::LEN];
        let mut count = 0u64;
        for vector in vectors {
            count += 1;
            for ((sum, squares), byte) in sums.iter_mut().zip(vector.0) {
                *sum += u64::from(byte);
                *squares += u64::from(byte).pow(2);
            }
        }
        let variance = |position: &u8| {
            let (sum, squares) = sums[usize::from(*position)];
            u128::from(count) * u128::from(squares) - u128::from(sum).pow(2)
        };
        let mut order: [u8; Vector144::LEN] = std::array::from_fn(|position| position as u8);
        order.sort_by_key(|position| std::cmp::Reverse(variance(position)));
        Self(order)
    }

    /// The vector with its bytes in this order.
    pub(crate) fn apply(&self, vector: &Vector144) -> Vector144 {
        Vector144(self.0.map(|position| vector.0[usize::from(position)]))
    }
}
