//! Pairs in the order of the file.

use super::SegmentError;
use super::spill::Runs;
use crate::ring::{in_parallel, permute};
use crate::{Code256, Kernel};

/// A code and its owner. Until [`sort`] the code is the caller's, afterwards its words are those of the permuted code: a
/// second type would cost a second copy.
pub(super) type Pair = (Code256, u64);

/// Up to so many the standard sort is as quick.
const FEW: usize = 32;
/// Most leading bits by which pairs are dealt out at once: the heads of the buckets stay near the core.
const MOST_BITS: u32 = 10;
/// Below this one thread does it all.
const SMALL: usize = 1 << 14;

/// Permutes the codes, then sorts by code and owner.
///
/// Cost: about 0.1 µs a pair and core, no further memory. The result depends on the pairs alone.
pub(super) fn sort(pairs: &mut [Pair], threads: usize) {
    let stripe = pairs.len().div_ceil(threads.max(1)).max(1);
    let kernel = Kernel::detect();
    in_parallel(threads, pairs.chunks_mut(stripe), |pairs: &mut [Pair]| {
        for (code, _) in pairs {
            *code = Code256(permute(kernel, *code).0);
        }
    });
    if pairs.len() < SMALL {
        return sort_from(pairs, 0);
    }
    let ends = deal(pairs, 0, MOST_BITS);
    in_parallel(threads, buckets(pairs, &ends), |bucket: &mut [Pair]| sort_from(bucket, MOST_BITS));
}

/// Sorts pairs whose first so many bits are equal.
fn sort_from(pairs: &mut [Pair], equal_bits: u32) {
    let bits = (pairs.len() / 8).checked_ilog2().unwrap_or(0).min(MOST_BITS);
    if pairs.len() <= FEW || equal_bits + bits > 64 {
        return pairs.sort_unstable_by(|a, b| a.0.0[0].cmp(&b.0.0[0]).then_with(|| a.cmp(b)));
    }
    let ends = deal(pairs, equal_bits, bits);
    buckets(pairs, &ends).for_each(|bucket| sort_from(bucket, equal_bits + bits));
}

/// Deals the pairs out by `bits` bits of their first word, those after `skip`, in place; gives the end of each bucket.
///
/// *Source:* McIlroy, Bostic and McIlroy, "Engineering radix sort", Computing Systems 6(1), 1993 (American flag sort).
fn deal(pairs: &mut [Pair], skip: u32, bits: u32) -> Vec<usize> {
    let digit = |pair: &Pair| (pair.0.0[0] << skip >> (64 - bits)) as usize;
    let mut ends = vec![0; 1 << bits];
    for pair in &*pairs {
        ends[digit(pair)] += 1;
    }
    let mut heads = Vec::new();
    let mut sum = 0;
    for end in &mut ends {
        heads.push(sum);
        sum += *end;
        *end = sum;
    }
    for bucket in 0..ends.len() {
        while heads[bucket] < ends[bucket] {
            let place = heads[bucket];
            let goes_to = digit(&pairs[place]);
            if goes_to != bucket {
                pairs.swap(place, heads[goes_to]);
            }
            heads[goes_to] += 1;
        }
    }
    ends
}

/// The buckets that end there.
fn buckets<'a>(mut pairs: &'a mut [Pair], ends: &'a [usize]) -> impl Iterator<Item = &'a mut [Pair]> {
    let mut start = 0;
    ends.iter().map(move |end| {
        let (bucket, rest) = std::mem::take(&mut pairs).split_at_mut(end - start);
        (pairs, start) = (rest, *end);
        bucket
    })
}

/// Takes a permuted code and its owners.
pub(super) type EachCode<'a> = &'a mut dyn FnMut(Code256, &[u64]) -> Result<(), SegmentError>;

/// All pairs, sorted; equal ones may follow each other.
pub(super) enum Sorted {
    Memory(Vec<Pair>),
    Spilled(Runs),
}

impl Sorted {
    /// Gives each distinct code with its owners, ascending, each once. `more` are pairs to be mixed in, sorted.
    pub(super) fn each_code(&self, more: &[Pair], each: EachCode<'_>) -> Result<(), SegmentError> {
        match self {
            Self::Memory(pairs) => group(pairs.iter().map(|pair| Ok(*pair)), more, each),
            Self::Spilled(runs) => group(runs.merge()?, more, each),
        }
    }
}

fn group(
    pairs: impl Iterator<Item = Result<Pair, SegmentError>>,
    more: &[Pair],
    each: EachCode<'_>,
) -> Result<(), SegmentError> {
    let mut pairs = pairs.peekable();
    let mut more = more.iter().copied().peekable();
    let mut owners: Vec<u64> = Vec::new();
    let mut last = None;
    loop {
        let from_more = match (pairs.peek(), more.peek()) {
            (Some(Ok(pair)), Some(other)) => other < pair,
            (Some(Err(_)), _) => false,
            (None, other) => other.is_some(),
            (_, None) => false,
        };
        let next = if from_more { more.next() } else { pairs.next().transpose()? };
        if let Some(code) = last
            && next.is_none_or(|(next, _)| next != code)
        {
            each(code, &owners)?;
            owners.clear();
        }
        let Some((code, id)) = next else { return Ok(()) };
        if owners.last() != Some(&id) {
            owners.push(id);
        }
        last = Some(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::split_mix;

    #[test]
    fn pairs_are_sorted_whatever_the_number_of_threads() {
        let mut state = 1;
        for (n, mask) in [
            (0, !0),
            (5, !0),
            (SMALL, !0),
            (50_000, 0xf),
            (50_000, !0 << 56),
            (50_000, 0),
            (3_000, 1 << 63 | 5),
        ] {
            let mut random = || split_mix(&mut state) & mask;
            let pairs: Vec<Pair> =
                (0..n).map(|_| (Code256(std::array::from_fn(|_| random())), random())).collect();
            let mut expected: Vec<Pair> =
                pairs.iter().map(|(code, id)| (Code256(permute(Kernel::detect(), *code).0), *id)).collect();
            expected.sort();
            for threads in [0, 1, 3] {
                let mut pairs = pairs.clone();
                sort(&mut pairs, threads);
                assert!(pairs == expected, "{n} pairs, {threads} threads");
            }
        }
    }
}
