//! Look-ups in the tables.
//!
//! A look-up is a walk over memory that is not in any cache: directory, bucket, number, code. So it goes in steps over
//! groups of up to 64 buckets, five groups at once, each step fetching ahead what the next one reads; some dozens of
//! cache misses are in flight at any time. A batch goes through one table after the other, with the buckets of all queries in
//! the order of the table, so that memory is read forwards.

// Plain loops stand where iterators would: what is compiled for an instruction set has to be in the function itself.
#![allow(clippy::needless_range_loop)]

use super::layout::{Extra, MAX_TABLES, number_bits};
use super::plan::{Flip, MAX_RADIUS, Plan, Plans};
use super::{Bits, Layout};
use crate::probe::Found;
use crate::simd::prefetch;
use crate::{Kernel, SearchStats};

/// Values that can be read beyond the last one of [`Table::next`]: a vector of them.
pub(crate) const NEXT_PADDING: usize = BLOCK;

/// Entries compared at once: the bits of a line, and of the widest vector.
const BLOCK: usize = 32;

/// Buckets in one group.
const GROUP: usize = 64;
/// Groups under way: one at each step.
const STEPS: usize = 5;
/// Queries from which a batch is sorted by bucket.
const SORT_FROM: usize = 24;
/// Buckets sorted at once: their records stay in the second-level cache.
const SORTED: usize = 1 << 19;
/// Lines of a bucket fetched ahead; the machine goes on by itself along longer ones.
const LINES_AHEAD: usize = 10;

/// One table, borrowed from an image. Numbers are in the byte order of the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    /// Where each bucket starts; one entry more than there are buckets.
    pub(crate) dir: &'a [u32],
    /// The bits that follow the chunk, entry by entry, and [`NEXT_PADDING`] values more.
    pub(crate) next: &'a [u16],
    /// Numbers of the codes, with more bits of them above; empty in table 0.
    pub(crate) ids: &'a [u32],
    /// Where the three lie in the image, in bytes.
    pub(crate) dir_at: u64,
    pub(crate) next_at: u64,
    pub(crate) ids_at: u64,
}

/// Tables over sorted codes.
#[derive(Clone, Debug)]
pub(crate) struct Ring<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) plans: &'a Plans,
    /// Every code has even weight.
    pub(crate) even: bool,
    pub(crate) codes: &'a [Bits],
    pub(crate) codes_at: u64,
    pub(crate) tables: Vec<Table<'a>>,
}

/// Says whether bytes of the image are what they were when they were written.
pub(crate) trait Guard {
    /// Called before bytes are first used; `false` ends the search.
    fn ready(&self, offset: u64, len: u64) -> bool;
}

/// No doubt: made in this process, or verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted;

impl Guard for Trusted {
    #[inline(always)]
    fn ready(&self, _offset: u64, _len: u64) -> bool {
        true
    }
}

/// The image holds what cannot be, or not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl Ring<'_> {
    /// Appends every code within `radius` (at most [`MAX_RADIUS`]) of each query, each once, in no order worth
    /// relying on; `position` is the code's number.
    pub(crate) fn search<G: Guard>(
        &self,
        guard: &G,
        kernel: Kernel,
        queries: &[Bits],
        radius: u32,
        found: &mut Vec<Found>,
        stats: &mut SearchStats,
    ) -> Result<(), Damaged> {
        debug_assert!(radius <= MAX_RADIUS);
        if self.codes.is_empty() {
            return Ok(());
        }
        kernel.ring(Job { ring: self, guard, queries, radius, found, stats })
    }

    /// The widest radius that can occur: two codes of even weight differ in an even number of bits, an odd and an even
    /// one in an odd number. `None`: no code can be within the radius.
    fn effective(&self, query: Bits, radius: u32) -> Option<u32> {
        if !self.even || radius % 2 == u32::from(!query.is_even()) {
            Some(radius)
        } else {
            radius.checked_sub(1)
        }
    }
}

/// Everything one call of a kernel needs.
pub(crate) struct Job<'r, 'a, G> {
    ring: &'r Ring<'a>,
    guard: &'r G,
    queries: &'r [Bits],
    radius: u32,
    found: &'r mut Vec<Found>,
    stats: &'r mut SearchStats,
}

/// Compares entries by their inline bits.
pub(crate) trait Compare: Copy {
    /// Which of 32 entries differ from `query` in at most `limit` bits: bit `i` for entry `i`.
    fn close(self, entries: &[u16; BLOCK], query: u16, limit: u16) -> u32;
}

/// The comparison in safe source.
#[derive(Clone, Copy)]
pub(crate) struct PlainCompare;

impl Compare for PlainCompare {
    #[inline(always)]
    fn close(self, entries: &[u16; BLOCK], query: u16, limit: u16) -> u32 {
        let mut any = 0;
        let mut near = [0u16; BLOCK];
        for i in 0..BLOCK {
            near[i] = u16::from((entries[i] ^ query).count_ones() as u16 <= limit);
            any |= near[i];
        }
        let mut close = 0;
        if any != 0 {
            for i in 0..BLOCK {
                close |= u32::from(near[i]) << i;
            }
        }
        close
    }
}

/// One bucket of one query on its way.
#[derive(Clone, Copy, Default)]
struct Probe {
    /// First the bucket, then its first entry.
    start: u32,
    end: u32,
    query: u32,
    /// The query's bits that are compared with the inline ones.
    next: u16,
    limit: u8,
    more: u8,
}

/// A code that the inline bits could not rule out.
#[derive(Clone, Copy)]
struct Candidate {
    query: u32,
    /// Bits by which those of the second chunk, and all of them, may differ.
    limit: u8,
    more: u8,
    /// First the entry, then the code's number.
    number: u32,
}

/// A group of buckets of one table.
struct Group {
    table: usize,
    len: usize,
    probes: [Probe; GROUP],
    candidates: Vec<Candidate>,
}

/// The search proper, to be compiled for several instruction sets.
#[inline(always)]
pub(crate) fn search<C: Compare, G: Guard>(compare: C, job: Job<'_, '_, G>) -> Result<(), Damaged> {
    let Job { ring, guard, queries, radius, found, stats: total } = job;
    let mut walk = Walk {
        ring,
        guard,
        queries,
        radius,
        found,
        groups: std::array::from_fn(|_| Group {
            table: 0,
            len: 0,
            probes: [Probe::default(); GROUP],
            candidates: Vec::new(),
        }),
        head: 0,
        stats: SearchStats::default(),
        extras: [Extra::default(); MAX_TABLES],
        number_bits: number_bits(ring.codes.len()),
    };
    for table in 0..ring.tables.len() {
        walk.extras[table] = ring.layout.extra_bits(table, ring.codes.len());
    }
    let found_before = walk.found.len();
    if walk.queries.len() < SORT_FROM {
        walk.by_query(compare)?
    } else {
        walk.by_table(compare)?
    }
    let mut stats = walk.stats;
    stats.hits = (walk.found.len() - found_before) as u64;
    *total += stats;
    Ok(())
}

struct Walk<'r, 'a, G> {
    ring: &'r Ring<'a>,
    guard: &'r G,
    queries: &'r [Bits],
    radius: u32,
    found: &'r mut Vec<Found>,
    groups: [Group; STEPS],
    /// The group being filled; the one before it is at the second step, and so on.
    head: usize,
    stats: SearchStats,
    extras: [Extra; MAX_TABLES],
    number_bits: u32,
}

impl<'a, G: Guard> Walk<'_, 'a, G> {
    fn plan(&self, query: Bits) -> Option<&'a Plan> {
        self.ring.effective(query, self.radius).map(|radius| self.ring.plans.of(radius))
    }

    /// Few queries: each through all tables, nothing sorted.
    #[inline(always)]
    fn by_query<C: Compare>(&mut self, compare: C) -> Result<(), Damaged> {
        let ring = self.ring;
        for (number, &query) in (0u32..).zip(self.queries) {
            let Some(plan) = self.plan(query) else { continue };
            for table in 0..ring.tables.len() {
                let flips = &plan.flips[table];
                let chunk = ring.layout.chunk(&query.0, table);
                let next = ring.layout.next(&query.0, table).to_le();
                for flips in flips.chunks(GROUP) {
                    let dir = ring.tables[table].dir;
                    let group = &mut self.groups[self.head];
                    group.table = table;
                    group.len = flips.len();
                    for (probe, flip) in group.probes.iter_mut().zip(flips) {
                        let bucket = chunk ^ flip.mask;
                        prefetch(dir, bucket as usize);
                        let Flip { limit, more, .. } = *flip;
                        *probe = Probe { start: bucket, end: 0, query: number, next, limit, more };
                    }
                    self.advance(compare)?;
                }
            }
        }
        self.drain(compare)
    }

    /// Many queries: table after table, the buckets of all queries in the table's order.
    #[inline(always)]
    fn by_table<C: Compare>(&mut self, compare: C) -> Result<(), Damaged> {
        let ring = self.ring;
        let (mut records, mut sorted, mut nexts) = (Vec::new(), Vec::new(), Vec::new());
        let mut counts = Vec::new();
        for table in 0..ring.tables.len() {
            let dir = ring.tables[table].dir;
            let width = u32::from(ring.layout.widths()[table]);
            let mut first = 0;
            while first < self.queries.len() {
                records.clear();
                nexts.clear();
                let mut last = first;
                while last < self.queries.len() && records.len() < SORTED && last - first < SORTED {
                    let query = self.queries[last];
                    nexts.push(ring.layout.next(&query.0, table).to_le());
                    if let Some(plan) = self.plan(query) {
                        let chunk = ring.layout.chunk(&query.0, table);
                        let query = ((last - first) as u64) << 16;
                        for Flip { mask, limit, more } in &plan.flips[table] {
                            let limits = u64::from(*more) << 8 | u64::from(*limit);
                            records.push(u64::from(chunk ^ mask) << 40 | query | limits);
                        }
                    }
                    last += 1;
                }
                sort_by_bucket(&records, &mut sorted, &mut counts, width);
                for records in sorted.chunks(GROUP) {
                    let group = &mut self.groups[self.head];
                    group.table = table;
                    group.len = records.len();
                    for (probe, record) in group.probes.iter_mut().zip(records) {
                        let (bucket, query) = ((record >> 40) as u32, (record >> 16) as u32 & 0xff_ffff);
                        prefetch(dir, bucket as usize);
                        *probe = Probe {
                            start: bucket,
                            end: 0,
                            query: first as u32 + query,
                            next: nexts[query as usize],
                            limit: *record as u8,
                            more: (record >> 8) as u8,
                        };
                    }
                    self.advance(compare)?;
                }
                first = last;
            }
        }
        self.drain(compare)
    }

    /// The group at the head has its buckets: every group goes one step on.
    #[inline(always)]
    fn advance<C: Compare>(&mut self, compare: C) -> Result<(), Damaged> {
        let at = |steps: usize| (self.head + STEPS - steps) % STEPS;
        let (ranges, compares, numbers, codes) = (at(1), at(2), at(3), at(4));
        self.fetch_and_compare(compare, ranges, compares)?;
        self.read_numbers(numbers)?;
        self.compare_codes(codes)?;
        self.head = (self.head + 1) % STEPS;
        self.groups[self.head].len = 0;
        Ok(())
    }

    #[inline(always)]
    fn drain<C: Compare>(&mut self, compare: C) -> Result<(), Damaged> {
        for _ in 0..STEPS {
            self.groups[self.head].len = 0;
            self.advance(compare)?;
        }
        Ok(())
    }

    /// Steps 2 and 3, one bucket of each in turn, so that one waits while the other works: where the buckets of one
    /// group lie, and their inline bits fetched; and the inline bits of the group before it compared.
    #[inline(always)]
    fn fetch_and_compare<C: Compare>(
        &mut self,
        compare: C,
        fetched: usize,
        compared: usize,
    ) -> Result<(), Damaged> {
        let Ok([fetched, compared]) = self.groups.get_disjoint_mut([fetched, compared]) else {
            return Ok(());
        };
        let fetched_table = &self.ring.tables[fetched.table];
        let compared_table = &self.ring.tables[compared.table];
        let codes = self.ring.codes.len();
        compared.candidates.clear();
        let mut entries = 0;
        for i in 0..fetched.len.max(compared.len) {
            if i < fetched.len {
                entries += fetch(self.guard, fetched_table, codes, &mut fetched.probes[i])?;
            }
            if i < compared.len {
                compare_one(
                    self.guard,
                    compare,
                    compared_table,
                    &compared.probes[i],
                    &mut compared.candidates,
                )?;
            }
        }
        self.stats.entries += entries as u64;
        self.stats.probes += fetched.len as u64;
        Ok(())
    }

    /// Step 4: which codes those are, and some more bits of them; what is left is fetched.
    #[inline(always)]
    fn read_numbers(&mut self, group: usize) -> Result<(), Damaged> {
        let Group { table, len, candidates, .. } = &mut self.groups[group];
        let codes = self.ring.codes;
        if *len == 0 {
            candidates.clear();
        }
        if *table == 0 {
            for candidate in candidates {
                prefetch(codes, candidate.number as usize);
            }
            return Ok(());
        }
        let Table { ids: words, ids_at, .. } = self.ring.tables[*table];
        let (layout, extra) = (self.ring.layout, self.extras[*table]);
        let mut kept = 0;
        for i in 0..candidates.len() {
            let candidate = candidates[i];
            let entry = candidate.number as usize;
            if !self.guard.ready(ids_at + 4 * entry as u64, 4) {
                return Err(Damaged);
            }
            let Some(word) = words.get(entry) else { return Err(Damaged) };
            let word = u64::from(u32::from_le(*word));
            let query = self.queries[candidate.query as usize];
            let differ = (word >> self.number_bits) as u16 ^ layout.extra(&query.0, *table, extra);
            let number = (word & ((1 << self.number_bits) - 1)) as u32;
            let near = (differ & extra.second).count_ones() <= u32::from(candidate.limit)
                && differ.count_ones() <= u32::from(candidate.more);
            if near {
                prefetch(codes, number as usize);
                candidates[kept] = Candidate { number, ..candidate };
                kept += 1;
            }
        }
        candidates.truncate(kept);
        Ok(())
    }

    /// Step 5: all bits. A pair is reported from the first table that finds it.
    #[inline(always)]
    fn compare_codes(&mut self, group: usize) -> Result<(), Damaged> {
        let ring = self.ring;
        let table = self.groups[group].table;
        self.stats.verified += self.groups[group].candidates.len() as u64;
        for i in 0..self.groups[group].candidates.len() {
            let candidate = self.groups[group].candidates[i];
            let number = candidate.number as usize;
            if !self.guard.ready(ring.codes_at + 32 * number as u64, 32) {
                return Err(Damaged);
            }
            let Some(code) = ring.codes.get(number) else { return Err(Damaged) };
            let query = self.queries[candidate.query as usize];
            let mut difference = code.to_le();
            for w in 0..4 {
                difference.0[w] ^= query.0[w];
            }
            let distance_bits = difference.weight();
            if distance_bits <= self.radius && !self.found_before(query, &difference, table) {
                self.found.push(Found { query: candidate.query, position: number, distance_bits });
            }
        }
        let group = &mut self.groups[group];
        group.len = 0;
        group.candidates.clear();
        Ok(())
    }
}

impl<G: Guard> Walk<'_, '_, G> {
    /// Whether a table before this one finds a pair that differs so.
    #[inline(always)]
    fn found_before(&self, query: Bits, difference: &Bits, table: usize) -> bool {
        let Some(plan) = self.plan(query) else { return false };
        let layout = self.ring.layout;
        for earlier in 0..table {
            let here = layout.chunk(&difference.0, earlier).count_ones() as i32;
            let pair = here + layout.next(&difference.0, earlier).count_ones() as i32;
            let (limit, more) = plan.limits(earlier);
            if here > plan.thresholds[earlier] || pair > limit {
                continue;
            }
            // The first table has no words, so it asks no more.
            let extra = self.extras[earlier];
            let bits = layout.extra(&difference.0, earlier, extra);
            let second = pair + (bits & extra.second).count_ones() as i32;
            if earlier == 0 || second <= limit && pair + bits.count_ones() as i32 <= limit + more {
                return true;
            }
        }
        false
    }
}

/// Step 2 for one bucket: where it lies; its inline bits are fetched. Returns how many entries it has.
#[inline(always)]
fn fetch<G: Guard>(guard: &G, table: &Table<'_>, codes: usize, probe: &mut Probe) -> Result<usize, Damaged> {
    let bucket = probe.start as usize;
    if !guard.ready(table.dir_at + 4 * bucket as u64, 8) {
        return Err(Damaged);
    }
    let Some(&[start, end]) = table.dir.get(bucket..).and_then(|rest| rest.first_chunk()) else {
        return Err(Damaged);
    };
    (probe.start, probe.end) = (u32::from_le(start), u32::from_le(end));
    let (start, end) = (probe.start as usize, probe.end as usize);
    if start > end || end > codes {
        return Err(Damaged);
    }
    // Two lines without asking: most buckets have no more, and a branch that cannot be foretold costs more.
    prefetch(table.next, start);
    prefetch(table.next, start + BLOCK);
    let mut ahead = start + 2 * BLOCK;
    while ahead < end.min(start + LINES_AHEAD * BLOCK) {
        prefetch(table.next, ahead);
        ahead += BLOCK;
    }
    Ok(end - start)
}

/// Step 3 for one bucket: the inline bits; words of entries that are near are fetched.
#[inline(always)]
fn compare_one<C: Compare, G: Guard>(
    guard: &G,
    compare: C,
    table: &Table<'_>,
    probe: &Probe,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Damaged> {
    let (mut done, end) = (probe.start as usize, probe.end as usize);
    if !guard.ready(table.next_at + 2 * done as u64, 2 * (end - done) as u64) {
        return Err(Damaged);
    }
    loop {
        let Some(block) = table.next.get(done..).and_then(|rest| rest.first_chunk()) else {
            return Err(Damaged);
        };
        let left = (end - done).min(BLOCK);
        let limit = u16::from(probe.limit);
        let mut close = compare.close(block, probe.next, limit) & ((1u64 << left) - 1) as u32;
        while close != 0 {
            let place = close.trailing_zeros() as usize;
            prefetch(table.ids, done + place);
            let differ = (block[place % BLOCK] ^ probe.next).count_ones() as u8;
            let limit = probe.limit.saturating_sub(differ);
            let number = (done + place) as u32;
            candidates.push(Candidate { query: probe.query, limit, more: limit + probe.more, number });
            close &= close - 1;
        }
        done += BLOCK;
        if done >= end {
            return Ok(());
        }
    }
}

/// Brings records nearly into the order of their buckets: by the bucket's leading bits, which is what the memory sees.
#[inline(always)]
fn sort_by_bucket(records: &[u64], sorted: &mut Vec<u64>, counts: &mut Vec<u32>, width: u32) {
    let digits = width.min(11);
    let shift = 40 + width - digits;
    counts.clear();
    counts.resize(1 << digits, 0);
    for record in records {
        counts[(record >> shift) as usize] += 1;
    }
    let mut sum = 0;
    for count in &mut *counts {
        (*count, sum) = (sum, sum + *count);
    }
    sorted.clear();
    sorted.resize(records.len(), 0);
    for record in records {
        let place = &mut counts[(record >> shift) as usize];
        sorted[*place as usize] = *record;
        *place += 1;
    }
}
