//! Tables from sorted codes, by counting sort, in parallel.

use std::sync::Mutex;

use super::layout::{Fields, number_bits};
use super::{Bits, Layout};

/// Codes sorted at once by one thread: they and their records stay near the core.
const STRIPE: usize = 1 << 15;

/// Builds one table of `codes`, which are sorted, distinct and in the byte order of the disk, as are the outputs.
///
/// `dir` has [`Layout::dir_len`] entries: bucket `b` holds entries `dir[b]..dir[b + 1]`. `next` holds, entry by entry,
/// the 16 bits that follow the chunk; `words` the number of the code and, above it, more bits of it
/// ([`Layout::extra_bits`]). Within a bucket numbers rise. In table 0 entry and number are the same, so `words` is empty
/// there. The result does not depend on the number of threads.
///
/// Cost: some 15 ns a code and core; memory for 8 bytes a code in `records`.
///
/// # Panics
/// If the lengths do not fit, or with 2³² codes.
#[allow(clippy::too_many_arguments)] // what is read, what is written, and scratch
pub(crate) fn build_table(
    layout: &Layout,
    table: usize,
    codes: &[Bits],
    threads: usize,
    dir: &mut [u32],
    next: &mut [u16],
    words: &mut [u32],
    records: &mut Records,
) {
    assert!(u32::try_from(codes.len()).is_ok(), "a segment holds fewer than 2^32 codes");
    assert_eq!(dir.len(), layout.dir_len(table), "one directory entry a bucket and one more");
    assert_eq!(next.len(), codes.len(), "one entry a code");
    if table == 0 {
        return first_table(layout, codes, dir, next);
    }
    assert_eq!(words.len(), codes.len(), "one entry a code");
    let cut = Cut {
        digits: Digits::new(u32::from(layout.widths()[table]), codes.len()),
        fields: layout.fields(table, layout.extra_bits(table, codes.len())),
        number_bits: number_bits(codes.len()),
    };
    let digits = cut.digits;
    let records = &mut records.0;
    records.resize(codes.len(), Record::default());
    let mut ends = vec![0u32; codes.len().div_ceil(STRIPE) * digits.partitions()];
    let stripes = (0u32..)
        .zip(codes.chunks(STRIPE))
        .zip(records.chunks_mut(STRIPE).zip(ends.chunks_mut(digits.partitions())));
    in_parallel(threads, stripes, |((number, codes), (records, ends))| {
        cut.partition(number * STRIPE as u32, codes, records, ends);
    });

    // Partition by partition: what the stripes hold of it goes into one stretch of the table.
    let Some((last, dir)) = dir.split_last_mut() else { return };
    *last = (codes.len() as u32).to_le();
    let mut tasks = Vec::new();
    let (mut next, mut words, mut start) = (next, words, 0u32);
    for (number, dir) in dir.chunks_mut(digits.fine()).enumerate() {
        let count: usize = pieces(records, &ends, digits, number).map(<[Record]>::len).sum();
        let (next_here, next_rest) = next.split_at_mut(count);
        let (words_here, words_rest) = words.split_at_mut(count);
        tasks.push(Partition { number, start, dir, next: next_here, words: words_here });
        (next, words, start) = (next_rest, words_rest, start + count as u32);
    }
    in_parallel(threads, tasks.into_iter(), |task| task.place(records, &ends, digits));
}

/// Codes are in the order of table 0 already.
fn first_table(layout: &Layout, codes: &[Bits], dir: &mut [u32], next: &mut [u16]) {
    let mut bucket = 0;
    for (number, (code, next)) in (0u32..).zip(codes.iter().zip(next)) {
        let code = code.to_le().0;
        *next = layout.next(&code, 0).to_le();
        let own = layout.chunk(&code, 0) as usize;
        while bucket <= own {
            dir[bucket] = number.to_le();
            bucket += 1;
        }
    }
    dir[bucket..].fill((codes.len() as u32).to_le());
}

/// Memory that building one table after another uses again.
#[derive(Default)]
pub(crate) struct Records(Vec<Record>);

/// A code on its way into a bucket.
#[derive(Clone, Copy, Default)]
struct Record {
    fine: u16,
    next: u16,
    word: u32,
}

/// What a table takes of a code.
struct Cut {
    digits: Digits,
    fields: Fields,
    number_bits: u32,
}

impl Cut {
    /// Sorts one stripe by coarse digit; `ends` says where each partition ends.
    fn partition(&self, first: u32, codes: &[Bits], records: &mut [Record], ends: &mut [u32]) {
        let Self { digits, fields, number_bits } = *self;
        for code in codes {
            ends[(fields.chunk(code) >> digits.fine_bits) as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut *ends {
            (*end, sum) = (sum, sum + *end);
        }
        for (number, code) in (first..).zip(codes) {
            let (chunk, next, extra) = fields.all(code);
            let place = &mut ends[(chunk >> digits.fine_bits) as usize];
            records[*place as usize] = Record {
                fine: (chunk & ((1 << digits.fine_bits) - 1)) as u16,
                next,
                word: (u64::from(extra) << number_bits) as u32 | number,
            };
            *place += 1;
        }
    }
}

/// How a chunk splits into the digit of the first sort and that of the second.
#[derive(Clone, Copy)]
struct Digits {
    coarse_bits: u32,
    fine_bits: u32,
}

impl Digits {
    /// So many partitions that one fits the second-level cache; the fine digit has at most 16 bits.
    fn new(width: u32, codes: usize) -> Self {
        let wanted = codes.checked_ilog2().unwrap_or(0).saturating_sub(15).clamp(4, 10);
        let coarse_bits = wanted.max(width.saturating_sub(16)).min(width);
        Self { coarse_bits, fine_bits: width - coarse_bits }
    }

    fn partitions(self) -> usize {
        1 << self.coarse_bits
    }

    fn fine(self) -> usize {
        1 << self.fine_bits
    }
}

/// What each stripe holds of partition `number`.
fn pieces<'a>(
    records: &'a [Record],
    ends: &'a [u32],
    digits: Digits,
    number: usize,
) -> impl Iterator<Item = &'a [Record]> {
    records.chunks(STRIPE).zip(ends.chunks(digits.partitions())).map(move |(records, ends)| {
        let start = if number == 0 { 0 } else { ends[number - 1] };
        &records[start as usize..ends[number] as usize]
    })
}

/// One stretch of a table.
struct Partition<'a> {
    number: usize,
    /// Its first entry's place in the table.
    start: u32,
    dir: &'a mut [u32],
    next: &'a mut [u16],
    words: &'a mut [u32],
}

impl Partition<'_> {
    fn place(self, records: &[Record], ends: &[u32], digits: Digits) {
        let mut places = vec![0u32; self.dir.len()];
        for piece in pieces(records, ends, digits, self.number) {
            for record in piece {
                places[usize::from(record.fine)] += 1;
            }
        }
        let mut sum = 0;
        for (place, dir) in places.iter_mut().zip(self.dir) {
            *dir = (self.start + sum).to_le();
            (*place, sum) = (sum, sum + *place);
        }
        for piece in pieces(records, ends, digits, self.number) {
            for record in piece {
                let place = &mut places[usize::from(record.fine)];
                self.next[*place as usize] = record.next.to_le();
                self.words[*place as usize] = record.word.to_le();
                *place += 1;
            }
        }
    }
}

/// Hands the tasks to so many threads, each taking the next one that is left.
pub(crate) fn in_parallel<T: Send>(
    threads: usize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    if threads <= 1 {
        return tasks.for_each(work);
    }
    let tasks = Mutex::new(tasks);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // A thread that panicked holds no task half taken: go on with the rest, the scope panics at its end.
                while let Some(task) = tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next() {
                    work(task);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::permute::split_mix;
    use super::*;

    fn codes(n: usize, skew: u64) -> Vec<Bits> {
        let mut state = n as u64;
        let mut codes: Vec<Bits> =
            (0..n).map(|_| Bits(std::array::from_fn(|_| split_mix(&mut state) & skew))).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    #[test]
    fn every_table_lists_every_code_once_in_its_bucket_with_the_bits_that_follow() {
        for (n, skew, widths) in [
            (0, u64::MAX, vec![16; 16]),
            (1, u64::MAX, vec![16; 16]),
            (70_000, u64::MAX, vec![16; 16]),
            (200_000, 0x1111_0000_ffff_0001, vec![24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 16]),
            (5_000, u64::MAX, vec![8; 32]),
        ] {
            let codes = codes(n, skew);
            let layout = Layout::from_widths(&widths).unwrap();
            for table in 0..layout.tables() {
                let build = |threads| {
                    let mut dir = vec![7; layout.dir_len(table)];
                    let (mut next, mut words) = (vec![7; codes.len()], vec![7; codes.len()]);
                    build_table(
                        &layout,
                        table,
                        &codes,
                        threads,
                        &mut dir,
                        &mut next,
                        &mut words,
                        &mut Records::default(),
                    );
                    (dir, next, words)
                };
                let (dir, next, words) = build(1);
                assert!(build(3) == (dir.clone(), next.clone(), words.clone()));
                assert_eq!((dir[0], dir.last()), (0, Some(&(codes.len() as u32))));
                let (extra, bits) = (layout.extra_bits(table, codes.len()), number_bits(codes.len()));
                let mut seen = vec![false; codes.len()];
                for (bucket, range) in dir.windows(2).enumerate() {
                    for entry in range[0] as usize..range[1] as usize {
                        let word = u64::from(words[entry]);
                        let id = if table == 0 { entry } else { (word & ((1 << bits) - 1)) as usize };
                        assert!(!std::mem::replace(&mut seen[id], true));
                        assert_eq!(layout.chunk(&codes[id].0, table) as usize, bucket);
                        assert_eq!(layout.next(&codes[id].0, table), next[entry]);
                        if table > 0 {
                            assert_eq!(u64::from(layout.extra(&codes[id].0, table, extra)), word >> bits);
                        }
                    }
                }
                assert!(seen.iter().all(|seen| *seen));
            }
        }
    }
}
